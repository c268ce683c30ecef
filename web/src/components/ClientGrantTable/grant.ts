/** What a grant's row says, apart from how it looks. */
interface Grant {
  expiresAt: string;
  revokedAt: string | null;
}

interface GrantState {
  label: string;
  tone: "good" | "warn" | "bad";
  /** Its client gets in. */
  live: boolean;
}

export function grantState(grant: Grant, now: number): GrantState {
  if (grant.revokedAt) return { label: "Shut out", tone: "bad", live: false };
  if (Date.parse(grant.expiresAt) <= now) return { label: "Expired", tone: "warn", live: false };
  return { label: "Let in", tone: "good", live: true };
}

export function mayDo(scopes: readonly string[]): string {
  return scopes.includes("mcp") ? "Everything that you may" : "Only read";
}
