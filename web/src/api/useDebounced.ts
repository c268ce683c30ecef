import { useEffect, useState } from "react";

const PAUSE_MS = 200;

/** `value` once it has not changed for a moment, so that not every keystroke asks the API. */
export function useDebounced(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}
