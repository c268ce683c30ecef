import type { ReactNode } from "react";

export type Tone = "neutral" | "good" | "warn" | "bad" | "accent";

interface Props {
  tone?: Tone;
  dot?: boolean;
  /** Pulses the dot: something is going on. */
  busy?: boolean;
  children: ReactNode;
}

export function Badge({ tone = "neutral", dot = false, busy = false, children }: Props) {
  return (
    <span className="badge" data-tone={tone} data-busy={busy}>
      {dot && <span className="dot" aria-hidden="true" />}
      {children}
    </span>
  );
}
