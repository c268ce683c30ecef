import { expect, it } from "vitest";

import { parseInline, parseMarkdown } from "./parse";

it("reads paragraphs, lists, headings and code", () => {
  const source = "# Title\nOne\nline.\n\n- a\n- b\n  more\n\n1. x\n\n```sh\nls\n```\n";
  expect(parseMarkdown(source)).toEqual([
    { kind: "heading", text: "Title" },
    { kind: "paragraph", text: "One line." },
    { kind: "list", ordered: false, items: ["a", "b more"] },
    { kind: "list", ordered: true, items: ["x"] },
    { kind: "code", text: "ls" },
  ]);
});

it("makes links of web addresses alone", () => {
  expect(parseInline("see [here](https://a.example/b) and [there](javascript:alert(1))")).toEqual([
    { kind: "text", text: "see " },
    { kind: "link", text: "here", href: "https://a.example/b" },
    { kind: "text", text: " and [there](javascript:alert(1))" },
  ]);
});
