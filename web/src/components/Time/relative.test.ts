import { expect, it } from "vitest";

import { duration, relativeTime } from "./relative";

const NOW = Date.parse("2026-11-23T12:00:00Z");

it.each([
  ["2026-11-23T11:59:20Z", "just now"],
  ["2026-11-23T11:57:00Z", "3 minutes ago"],
  ["2026-11-23T14:00:00Z", "in 2 hours"],
  ["2026-11-22T12:00:00Z", "yesterday"],
  ["2024-11-20T12:00:00Z", "2 years ago"],
])("says %s as %s", (at, words) => {
  expect(relativeTime(Date.parse(at), NOW)).toBe(words);
});

it("says how long something took", () => {
  expect(duration("2026-11-23T12:00:00.000Z", "2026-11-23T12:00:00.420Z")).toBe("0.4 s");
  expect(duration("2026-11-23T12:00:00Z", "2026-11-23T12:03:05Z")).toBe("3 min 5 s");
  expect(duration("2026-11-23T12:00:00.000Z", "2026-11-23T12:00:00.040Z")).toBe("40 ms");
});

it("carries what is rounded up into the next unit", () => {
  expect(duration("2026-11-23T12:00:00.000Z", "2026-11-23T12:00:09.970Z")).toBe("10 s");
  expect(duration("2026-11-23T12:00:00.000Z", "2026-11-23T12:00:59.700Z")).toBe("1 min 0 s");
  expect(duration("2026-11-23T12:00:00.000Z", "2026-11-23T12:01:59.600Z")).toBe("2 min 0 s");
});
