import type { CSSProperties } from "react";

import { type FragmentType, graphql, readFragment } from "../../gql";
import { Callout } from "../Callout/Callout";
import { RunBadge } from "../RunBadge/RunBadge";
import { Time } from "../Time/Time";
import { progressOf } from "./progress";

export const SyncProgressFields = graphql(`
  fragment SyncProgress on SyncRun {
    id
    state
    attempt
    pages
    recordsUpserted
    recordsDeleted
    recordsTotal
    cancelRequested
    error
    createdAt
    startedAt
    finishedAt
  }
`);

const TONES = { SUCCEEDED: "good", FAILED: "bad" } as const;

/** How far a sync is: a bar, a sentence, and the reason if it failed. */
export function SyncProgress({ run: reference }: { run: FragmentType<typeof SyncProgressFields> }) {
  const run = readFragment(SyncProgressFields, reference);
  const { part, live, words } = progressOf(run);
  const unknown = live && part === null;
  const tone = run.state === "SUCCEEDED" || run.state === "FAILED" ? TONES[run.state] : "accent";
  const style = { "--part": part ?? 0 } as CSSProperties;
  return (
    <div className="stack stack-s" data-run-state={run.state}>
      <div className="row row-between">
        <RunBadge state={run.state} />
        <span className="muted small">
          <Time at={run.finishedAt ?? run.startedAt ?? run.createdAt} />
        </span>
      </div>
      {(live || part !== null) && (
        <div
          className="progress"
          role="progressbar"
          aria-label="Sync progress"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={part === null ? undefined : Math.round(part * 100)}
          aria-valuetext={words}
          data-unknown={unknown}
          data-tone={tone}
        >
          <span style={style} />
        </div>
      )}
      <p className="muted" role="status">
        {words}
      </p>
      {run.error && (
        <Callout tone={live ? "warn" : "bad"}>
          <p>{run.error}</p>
        </Callout>
      )}
    </div>
  );
}
