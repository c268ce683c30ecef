import type { CSSProperties } from "react";

/** The same slug always gets the same hue. */
export function hueOf(slug: string): number {
  let hash = 7;
  for (const letter of slug) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 3_600;
  return hash / 10;
}

function letters(name: string): string {
  const words = name.split(/[\s_-]+/u).filter(Boolean);
  const [first = "?", second] = words;
  if (second) return (first.slice(0, 1) + second.slice(0, 1)).toUpperCase();
  return first.slice(0, 2);
}

interface Props {
  slug: string;
  name: string;
  size?: "normal" | "large";
}

/** A connector's sign: two letters on its own hue. */
export function Glyph({ slug, name, size = "normal" }: Props) {
  const style = { "--hue": hueOf(slug) } as CSSProperties;
  return (
    <span className="glyph" data-size={size} style={style} aria-hidden="true">
      {letters(name)}
    </span>
  );
}
