import { expect, it } from "vitest";

import { sortUserErrors } from "./userErrors";

it("sorts the API's complaints to their fields", () => {
  const sorted = sortUserErrors(
    [
      { field: ["input", "config", "proxy", "address"], message: "unknown host" },
      { field: ["credential", "password"], message: "too short" },
      { field: ["alias"], message: "is taken" },
      { field: ["connector"], message: "no such connector" },
      { field: null, message: "something else" },
    ],
    ["alias"],
  );
  expect(sorted).toEqual({
    config: { "proxy.address": "unknown host" },
    credential: { password: "too short" },
    own: { alias: "is taken" },
    whole: ["no such connector", "something else"],
  });
});
