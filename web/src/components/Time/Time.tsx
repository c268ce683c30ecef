import { useEffect, useState } from "react";

import { relativeTime } from "./relative";

const REFRESH_MS = 30_000;

/** An instant as people say it (`3 minutes ago`), with the exact time on hover and for machines. */
export function Time({ at }: { at: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), REFRESH_MS);
    return () => window.clearInterval(timer);
  }, []);
  const instant = new Date(at);
  return (
    <time dateTime={at} title={instant.toLocaleString()} className="nowrap">
      {relativeTime(instant.getTime(), now)}
    </time>
  );
}
