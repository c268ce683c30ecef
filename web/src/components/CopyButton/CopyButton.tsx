import { useEffect, useState } from "react";

import { Button } from "../Button/Button";
import { Icon } from "../Icon/Icon";

const SHOWN_FOR_MS = 2_000;

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The clipboard needs a secure origin and permission; the text is on the page to be selected.
    return false;
  }
}

/** Copies `text`, and says so in words too. `label` names what is copied for those who do not see it. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [outcome, setOutcome] = useState<"idle" | "copied" | "failed">("idle");
  useEffect(() => {
    if (outcome === "idle") return undefined;
    const timer = window.setTimeout(() => setOutcome("idle"), SHOWN_FOR_MS);
    return () => window.clearTimeout(timer);
  }, [outcome]);
  const words = { idle: "Copy", copied: "Copied", failed: "Select it" }[outcome];

  return (
    <Button
      size="small"
      aria-label={outcome === "idle" ? `Copy ${label}` : `${words}: ${label}`}
      onClick={async () => setOutcome((await copy(text)) ? "copied" : "failed")}
    >
      <Icon name={outcome === "copied" ? "check" : "copy"} size={15} />
      <span aria-live="polite">{words}</span>
    </Button>
  );
}
