import { useEffect, useState } from "react";

const PREFIX = "patchbay.draft.";

function read<T>(key: string): T | null {
  try {
    const stored = window.sessionStorage.getItem(PREFIX + key);
    return stored === null ? null : (JSON.parse(stored) as T);
  } catch {
    return null;
  }
}

function write(key: string, value: unknown): void {
  try {
    window.sessionStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // A full or blocked storage costs the draft, not the form.
  }
}

/** Forgets a draft, for instance because it was submitted. */
export function clearDraft(key: string): void {
  try {
    window.sessionStorage.removeItem(PREFIX + key);
  } catch {
    // Nothing was stored, then.
  }
}

/**
 * State that survives the end of a session in the middle of a form: kept in this tab's storage until
 * {@link clearDraft}. Never for secrets: they stay in memory alone.
 */
export function useDraft<T>(key: string, initial: T): [T, (next: T) => void] {
  const [value, setValue] = useState<T>(() => read<T>(key) ?? initial);
  const [touched, setTouched] = useState(false);
  useEffect(() => {
    if (touched) write(key, value);
  }, [key, touched, value]);
  const update = (next: T) => {
    setTouched(true);
    setValue(next);
  };
  return [value, update];
}
