import { describe, expect, it } from "vitest";

import { progressOf } from "./progress";

const RUN = {
  state: "RUNNING",
  attempt: 1,
  pages: 2,
  recordsUpserted: 50,
  recordsDeleted: 0,
  recordsTotal: 200,
  cancelRequested: false,
} as const;

describe("the progress of a sync", () => {
  it("is a part of the whole when the source said how much there is", () => {
    expect(progressOf(RUN)).toEqual({ part: 0.25, live: true, words: "50 of 200 records" });
  });

  it("has no part when the source did not say", () => {
    const progress = progressOf({ ...RUN, recordsTotal: null });
    expect(progress).toEqual({ part: null, live: true, words: "50 records so far, page 3" });
  });

  it("never goes over the whole, though records came in during the sync", () => {
    expect(progressOf({ ...RUN, recordsUpserted: 300 }).part).toBe(1);
  });

  it("does not divide by nothing", () => {
    expect(progressOf({ ...RUN, recordsUpserted: 0, recordsTotal: 0 }).part).toBeNull();
  });

  it("says that it is stopping once somebody asked", () => {
    expect(progressOf({ ...RUN, cancelRequested: true }).words).toContain("Stopping");
  });

  it("ends whole when it succeeded, also when nothing had changed", () => {
    const run = { ...RUN, state: "SUCCEEDED", recordsUpserted: 0 } as const;
    expect(progressOf(run)).toEqual({ part: 1, live: false, words: "Done: nothing had changed." });
  });

  it("tells what a failed run did before it failed", () => {
    const run = { ...RUN, state: "FAILED", recordsUpserted: 1, recordsDeleted: 2 } as const;
    expect(progressOf(run).words).toBe(
      "Stopped by an error: 1 record added or changed, 2 records deleted before it.",
    );
  });
});
