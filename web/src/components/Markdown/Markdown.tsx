import { type Block, parseInline, parseMarkdown } from "./parse";

/* oxlint-disable react/no-array-index-key -- parsed text never reorders */

export function InlineMarkdown({ text }: { text: string }) {
  return parseInline(text).map((part, index) => {
    switch (part.kind) {
      case "code":
        return <code key={index}>{part.text}</code>;
      case "strong":
        return <strong key={index}>{part.text}</strong>;
      case "link":
        return (
          <a key={index} href={part.href} target="_blank" rel="noreferrer noopener">
            {part.text}
          </a>
        );
      default:
        return part.text;
    }
  });
}

function BlockView({ block }: { block: Block }) {
  if (block.kind === "list") {
    const items = block.items.map((item, index) => (
      <li key={index}>
        <InlineMarkdown text={item} />
      </li>
    ));
    return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
  }
  if (block.kind === "code") {
    return (
      <pre>
        <code>{block.text}</code>
      </pre>
    );
  }
  const content = <InlineMarkdown text={block.text} />;
  return block.kind === "heading" ? <h3>{content}</h3> : <p>{content}</p>;
}

/** A connector's description. */
export function Markdown({ source }: { source: string }) {
  return (
    <div className="prose">
      {parseMarkdown(source).map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </div>
  );
}
