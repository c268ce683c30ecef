import { useEffect } from "react";

import { Button } from "../components/Button/Button";
import { CodeBlock } from "../components/CodeBlock/CodeBlock";
import { Gate } from "../components/Gate/Gate";
import { session } from "../session/store";

/** What everybody sees who is not signed in: the one way in is a one-time link. */
export function SignedOutPage() {
  useEffect(() => {
    document.title = "Sign in · Patchbay";
    // The link usually opens in another tab; coming back to this one should not need a click.
    const recheck = () => {
      if (document.visibilityState === "visible") session.retry();
    };
    document.addEventListener("visibilitychange", recheck);
    return () => document.removeEventListener("visibilitychange", recheck);
  }, []);

  return (
    <Gate>
      <div className="card stack">
        <div className="stack stack-s">
          <h1>Sign in</h1>
          <p className="muted">
            Patchbay has no passwords. You sign in with a link that works once and then keeps this
            browser signed in.
          </p>
        </div>
        <div className="stack stack-s">
          <h2>Just started it?</h2>
          <p className="muted">
            <code>make up</code> prints your sign-in link in the terminal. Open it in this browser.
          </p>
        </div>
        <div className="stack stack-s">
          <h2>Link used, expired or lost?</h2>
          <p className="muted">
            On the machine that runs Patchbay, run this command and open the address that it prints.
            Replace <code>data</code> if you started Patchbay with another data directory.
          </p>
          <CodeBlock
            code="patchbay sign-in-link --data-dir data"
            label="Command for a new sign-in link"
          />
          <p className="muted small">
            If it runs as separate roles, give their configuration instead:{" "}
            <code>--config &lt;file&gt;</code>. In a clone of the source, write{" "}
            <code>cargo run -- sign-in-link</code> in place of <code>patchbay sign-in-link</code>.
          </p>
        </div>
        <div>
          <Button kind="primary" onClick={() => session.retry()}>
            I have signed in, continue
          </Button>
        </div>
      </div>
      <p className="muted small">
        Were you in the middle of something? What you typed is kept in this tab, except secrets.
      </p>
    </Gate>
  );
}
