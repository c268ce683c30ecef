export interface SnippetPart {
  text: string;
  found: boolean;
}

const SPECIAL = /[.*+?^${}()|[\]\\]/gu;

/** Splits a snippet so that the words asked for can be marked. The snippet is plain text and stays so. */
export function snippetParts(snippet: string, query: string): SnippetPart[] {
  const words = query.match(/[\p{L}\p{N}]{2,}/gu) ?? [];
  if (words.length === 0) return [{ text: snippet, found: false }];
  const escaped = words.map((word) => word.replaceAll(SPECIAL, String.raw`\$&`));
  const parts = snippet.split(new RegExp(`(${escaped.join("|")})`, "giu"));
  // A split by one group puts what matched at the odd places.
  return parts
    .map((text, index) => ({ text, found: index % 2 === 1 }))
    .filter((part) => part.text !== "");
}
