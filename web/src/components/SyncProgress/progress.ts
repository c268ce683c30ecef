import type { RunState, SyncProgressFragment } from "../../gql/graphql";
import type { Tone } from "../Badge/Badge";

type Run = Pick<
  SyncProgressFragment,
  "state" | "attempt" | "pages" | "recordsUpserted" | "recordsDeleted" | "recordsTotal" | "cancelRequested"
>;

export interface Progress {
  /** 0 to 1; null when the source did not say how much there is. */
  part: number | null;
  /** Whether the run can still change. */
  live: boolean;
  words: string;
}

const LIVE: ReadonlySet<RunState> = new Set<RunState>(["QUEUED", "RUNNING", "RETRYING"]);

export function isLive(state: RunState): boolean {
  return LIVE.has(state);
}

export const RUN_STATES: Readonly<Record<RunState, { name: string; tone: Tone }>> = {
  QUEUED: { name: "Queued", tone: "neutral" },
  RUNNING: { name: "Syncing", tone: "accent" },
  RETRYING: { name: "Waiting to retry", tone: "warn" },
  SUCCEEDED: { name: "Synced", tone: "good" },
  FAILED: { name: "Failed", tone: "bad" },
  CANCELLED: { name: "Cancelled", tone: "neutral" },
};

const FORMAT = new Intl.NumberFormat("en");

function records(count: number): string {
  return count === 1 ? "1 record" : `${FORMAT.format(count)} records`;
}

function outcome(run: Run): string {
  const parts = [];
  if (run.recordsUpserted > 0) parts.push(`${records(run.recordsUpserted)} added or changed`);
  if (run.recordsDeleted > 0) parts.push(`${records(run.recordsDeleted)} deleted`);
  return parts.join(", ") || "nothing had changed";
}

function partOf(run: Run): number | null {
  if (run.state === "SUCCEEDED") return 1;
  if (run.recordsTotal === null || run.recordsTotal === undefined) return null;
  if (run.recordsTotal <= 0) return null;
  return Math.min(1, run.recordsUpserted / run.recordsTotal);
}

function wordsOf(run: Run): string {
  if (isLive(run.state) && run.cancelRequested) return "Stopping after the current page…";
  switch (run.state) {
    case "QUEUED":
      return "Waiting for a worker…";
    case "RUNNING":
      return run.recordsTotal
        ? `${FORMAT.format(run.recordsUpserted)} of ${records(run.recordsTotal)}`
        : `${records(run.recordsUpserted)} so far, page ${run.pages + 1}`;
    case "RETRYING":
      return `Attempt ${run.attempt} failed for a temporary reason. Patchbay tries again by itself.`;
    case "SUCCEEDED":
      return `Done: ${outcome(run)}.`;
    case "FAILED":
      return `Stopped by an error: ${outcome(run)} before it.`;
    case "CANCELLED":
      return `Cancelled: ${outcome(run)} before it.`;
  }
}

/** A run as a bar and a sentence. */
export function progressOf(run: Run): Progress {
  return { part: partOf(run), live: isLive(run.state), words: wordsOf(run) };
}
