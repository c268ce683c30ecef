/** Offered when filtering; any other action can be typed. */
export const ACTIONS: readonly string[] = [
  "api_key.create",
  "api_key.revoke",
  "install.create",
  "install.update",
  "install.remove",
  "install.needs_reauth",
  "session.create",
  "session.end",
  "sign_in_link.create",
  "sync.start",
  "sync.cancel",
  "sync.finish",
  "tenant.set_up",
  "tool.call",
];
