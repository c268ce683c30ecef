import type { ReactNode } from "react";

import { Icon, type IconName } from "../Icon/Icon";

type Tone = "info" | "good" | "warn" | "bad";

const ICONS: Readonly<Record<Tone, IconName>> = {
  info: "info",
  good: "check",
  warn: "alert",
  bad: "alert",
};

interface Props {
  tone?: Tone;
  /** Announces it at once: for what follows from something the person just did. */
  live?: boolean;
  children: ReactNode;
}

export function Callout({ tone = "info", live = false, children }: Props) {
  const role = live ? (tone === "bad" ? "alert" : "status") : undefined;
  return (
    <div className="callout" data-tone={tone} role={role}>
      <Icon name={ICONS[tone]} />
      <div className="stack stack-s">{children}</div>
    </div>
  );
}
