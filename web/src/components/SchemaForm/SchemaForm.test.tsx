import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, describe, expect, it } from "vitest";

import { SchemaForm } from "./SchemaForm";
import { fieldsOf } from "./schema";
import { type FieldErrors, validate } from "./validate";
import { initialValues, toJson } from "./values";

const SCHEMA = {
  type: "object",
  required: ["root"],
  properties: {
    root: { type: "string", title: "Folder", description: "Such as `/srv`.", pattern: "^/" },
    include: { type: "array", title: "Only these", items: { type: "string" } },
    hidden: { type: "boolean", title: "Hidden files" },
    token: { type: "string", title: "Token", format: "password" },
    limit: { type: "integer", title: "Limit", default: 5, minimum: 1 },
  },
};

const fields = fieldsOf(SCHEMA);

function Page({ stored }: { stored?: unknown }) {
  const [values, setValues] = useState(() => initialValues(fields, stored));
  const [errors, setErrors] = useState<FieldErrors>({});
  return (
    <>
      <SchemaForm fields={fields} values={values} errors={errors} onChange={setValues} />
      <button type="button" onClick={() => setErrors(validate(fields, values))}>
        Check
      </button>
      <button type="button" onClick={() => setErrors({ root: "Not on this server." })}>
        Refuse
      </button>
      <output>{JSON.stringify(toJson(fields, values))}</output>
    </>
  );
}

const result = () => JSON.parse(document.querySelector("output")?.textContent ?? "");

describe("the form of a schema", () => {
  afterEach(cleanup);

  it("turns what is typed into settings", async () => {
    const user = userEvent.setup();
    render(<Page />);
    await user.type(screen.getByRole("textbox", { name: /Folder/u }), "/srv");
    await user.type(screen.getByRole("textbox", { name: "Only these, entry 1" }), "*.md{Enter}");
    await user.type(screen.getByRole("textbox", { name: "Only these, entry 2" }), "*.txt");
    await user.click(screen.getByRole("checkbox", { name: "Hidden files" }));
    expect(result()).toEqual({ root: "/srv", include: ["*.md", "*.txt"], hidden: true, limit: 5 });
  });

  it("never shows a secret, not even while it is typed", () => {
    render(<Page />);
    expect(screen.getByLabelText(/Token/u).getAttribute("type")).toBe("password");
  });

  it("ties hint and error to their field, and stops complaining once it is mended", async () => {
    const user = userEvent.setup();
    render(<Page />);
    const folder = screen.getByRole("textbox", { name: /Folder/u });
    await user.click(screen.getByText("Check"));
    expect(folder.getAttribute("aria-invalid")).toBe("true");
    const described = (folder.getAttribute("aria-describedby") ?? "").split(" ");
    const words = described.map((id) => document.querySelector(`[id="${id}"]`)?.textContent);
    expect(words).toEqual(["Such as /srv.", "Folder is required."]);
    await user.type(folder, "/srv");
    expect(folder.getAttribute("aria-invalid")).toBeNull();
  });

  it("complains about a field when it is left, not while it is typed", async () => {
    const user = userEvent.setup();
    render(<Page />);
    const folder = screen.getByRole("textbox", { name: /Folder/u });
    await user.type(folder, "srv");
    expect(screen.queryByText("Not in the expected form.")).toBeNull();
    await user.tab();
    expect(screen.getByText("Not in the expected form.")).toBeTruthy();
  });

  it("shows the API's verdict also on a field that was mended before", async () => {
    const user = userEvent.setup();
    render(<Page />);
    await user.click(screen.getByText("Check"));
    await user.type(screen.getByRole("textbox", { name: /Folder/u }), "/srv");
    await user.click(screen.getByText("Refuse"));
    expect(screen.getByText("Not on this server.")).toBeTruthy();
  });

  it("folds away what has a default, unless something is wrong in it", async () => {
    const user = userEvent.setup();
    const { container } = render(<Page stored={{ root: "/srv", limit: 0 }} />);
    const fold = () => container.querySelector("details")?.open;
    expect(fold()).toBe(false);
    await user.click(screen.getByText("Check"));
    expect(fold()).toBe(true);
  });
});
