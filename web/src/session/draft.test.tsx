import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it } from "vitest";

import { clearDraft, useDraft } from "./draft";

function Form() {
  const [text, setText] = useDraft("form", "");
  return <input aria-label="Text" value={text} onChange={(event) => setText(event.target.value)} />;
}

const input = () => screen.getByLabelText<HTMLInputElement>("Text");

beforeEach(() => window.sessionStorage.clear());
afterEach(cleanup);

it("brings back what was typed when the form comes back", async () => {
  render(<Form />);
  await userEvent.type(input(), "half a sen");
  cleanup();
  render(<Form />);
  expect(input().value).toBe("half a sen");
});

it("forgets what was submitted", async () => {
  render(<Form />);
  await userEvent.type(input(), "done");
  clearDraft("form");
  cleanup();
  render(<Form />);
  expect(input().value).toBe("");
});

it("begins anew when the storage holds nonsense", () => {
  window.sessionStorage.setItem("patchbay.draft.form", "{");
  render(<Form />);
  expect(input().value).toBe("");
});
