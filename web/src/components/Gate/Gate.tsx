import type { ReactNode } from "react";

import { Logo } from "../Logo/Logo";

/** The page around everything that is shown outside the console proper. */
export function Gate({ children }: { children: ReactNode }) {
  return (
    <main className="gate">
      <div className="gate-card">
        <div className="brand">
          <Logo size={34} />
          Patchbay
        </div>
        {children}
      </div>
    </main>
  );
}
