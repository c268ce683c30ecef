import { expect, it } from "vitest";

import { snippetParts } from "./snippet";

const marked = (snippet: string, query: string) =>
  snippetParts(snippet, query).map((part) => (part.found ? `[${part.text}]` : part.text)).join("");

it("marks the words that were asked for, whatever their case", () => {
  expect(marked("The Printer is near the stairs", "printer STAIRS")).toBe(
    "The [Printer] is near the [stairs]",
  );
});

it("takes signs in a query for text", () => {
  expect(marked("a (b) c", "(b) .* [")).toBe("a (b) c");
});
