const STEPS: ReadonlyArray<[Intl.RelativeTimeFormatUnit, number]> = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
];

const FORMAT = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Both in milliseconds since the epoch. Less than a minute either way is `just now`. */
export function relativeTime(at: number, now: number): string {
  let amount = (at - now) / 1_000;
  if (Math.abs(amount) < 60) return "just now";
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return FORMAT.format(Math.round(amount), unit);
    amount /= size;
  }
  return FORMAT.format(Math.round(amount), "year");
}

/** How long something took: `40 ms`, `0.4 s`, `12 s`, `3 min 5 s`. */
export function duration(from: string, to: string): string {
  const milliseconds = Math.max(0, Date.parse(to) - Date.parse(from));
  const seconds = Math.round(milliseconds / 1_000);
  if (milliseconds < 100) return `${milliseconds} ms`;
  if (milliseconds < 9_950) return `${(milliseconds / 1_000).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
