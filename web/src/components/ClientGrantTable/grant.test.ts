import { describe, expect, it } from "vitest";

import { grantState, mayDo } from "./grant";

const NOW = Date.parse("2026-11-23T12:00:00Z");

describe("a client that was let in", () => {
  it("is in until it expires or is shut out", () => {
    const grant = { expiresAt: "2026-12-23T12:00:00Z", revokedAt: null };
    expect(grantState(grant, NOW)).toMatchObject({ label: "Let in", live: true });
    expect(grantState({ ...grant, expiresAt: "2026-11-23T12:00:00Z" }, NOW)).toMatchObject({
      label: "Expired",
      live: false,
    });
    expect(grantState({ ...grant, revokedAt: "2026-11-23T11:00:00Z" }, NOW)).toMatchObject({
      label: "Shut out",
      live: false,
    });
  });

  it("may read alone unless it was let do everything", () => {
    expect(mayDo(["mcp:read", "offline_access"])).toBe("Only read");
    expect(mayDo(["mcp", "offline_access"])).toBe("Everything that you may");
  });
});
