/**
 * What the browser knows of its session, outside React because the GraphQL client needs it too.
 *
 * The cookie is invisible to scripts; this holds the CSRF token that `viewer` hands out and whether the
 * API has said that nobody is signed in.
 */
export type SessionState = "unknown" | "signed-in" | "signed-out";

type Listener = () => void;

let state: SessionState = "unknown";
let csrfToken: string | null = null;
const listeners = new Set<Listener>();

function set(next: SessionState): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

export const session = {
  state: (): SessionState => state,

  subscribe(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  /** The value of `X-Patchbay-CSRF`: before the token is known any value proves that this is no simple request. */
  csrfHeader: (): string => csrfToken ?? "1",

  begin(token: string): void {
    csrfToken = token;
    set("signed-in");
  },

  end(): void {
    csrfToken = null;
    set("signed-out");
  },

  /** Lets the console ask again, for instance after somebody signed in in another tab. */
  retry(): void {
    csrfToken = null;
    set("unknown");
  },
};
