/**
 * The part of Markdown that connector descriptions use: headings, paragraphs, lists, fenced code, and inside a
 * line code, strong text and links. Its result is data, never HTML, so that a description cannot inject any.
 */
export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong"; text: string }
  | { kind: "link"; text: string; href: string };

export type Block =
  | { kind: "heading" | "paragraph" | "code"; text: string }
  | { kind: "list"; ordered: boolean; items: string[] };

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/gu;
const ITEM = /^\s*(?:[-*]|(\d+)\.)\s+(.*)$/u;

export function parseInline(text: string): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    const [whole, code, strong, label, href] = match;
    if (code !== undefined) parts.push({ kind: "code", text: code });
    else if (strong !== undefined) parts.push({ kind: "strong", text: strong });
    else if (label !== undefined && href !== undefined) {
      parts.push({ kind: "link", text: label, href });
    }
    end = match.index + whole.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

function blockOf(chunk: string): Block[] {
  const lines = chunk.split("\n");
  const blocks: Block[] = [];
  for (const line of lines) {
    const last = blocks.at(-1);
    const item = ITEM.exec(line);
    if (/^#{1,6}\s/u.test(line)) {
      blocks.push({ kind: "heading", text: line.replace(/^#+\s*/u, "") });
    } else if (item) {
      const text = item[2] ?? "";
      if (last?.kind === "list") last.items.push(text);
      else blocks.push({ kind: "list", ordered: item[1] !== undefined, items: [text] });
    } else if (last?.kind === "list") {
      last.items.push(`${last.items.pop() ?? ""} ${line.trim()}`);
    } else if (last?.kind === "paragraph") {
      last.text += ` ${line.trim()}`;
    } else {
      blocks.push({ kind: "paragraph", text: line.trim() });
    }
  }
  return blocks;
}

export function parseMarkdown(source: string): Block[] {
  const parts = source.replaceAll("\r\n", "\n").split(/^```.*$/mu);
  return parts.flatMap((part, index): Block[] => {
    if (index % 2 === 1) return [{ kind: "code", text: part.replaceAll(/^\n|\n$/gu, "") }];
    const chunks = part.split(/\n\s*\n/u).filter((chunk) => chunk.trim() !== "");
    return chunks.flatMap((chunk) => blockOf(chunk.replaceAll(/^\n+|\n+$/gu, "")));
  });
}
