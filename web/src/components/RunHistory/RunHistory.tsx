import { useEffect } from "react";

import { useApi } from "../../api/useApi";
import { usePager } from "../../api/usePager";
import { graphql } from "../../gql";
import type { RunHistoryQuery, RunState } from "../../gql/graphql";
import { ErrorState } from "../ErrorState/ErrorState";
import { PageButtons } from "../PageButtons/PageButtons";
import { RunBadge } from "../RunBadge/RunBadge";
import { isLive } from "../SyncProgress/progress";
import { Skeleton } from "../Skeleton/Skeleton";
import { duration } from "../Time/relative";
import { Time } from "../Time/Time";

const History = graphql(`
  query RunHistory($id: ID!, $after: String) {
    install(id: $id) {
      id
      runs(first: 8, after: $after) {
        nodes {
          id
          state
          recordsUpserted
          recordsDeleted
          error
          createdAt
          startedAt
          finishedAt
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

type Run = NonNullable<RunHistoryQuery["install"]>["runs"]["nodes"][number];

interface Props {
  installId: string;
  /** The newest run: the list is asked for again when there is a new one or its state has changed. */
  latest: { id: string; state: RunState } | null;
}

export function RunHistory({ installId, latest }: Props) {
  const pager = usePager();
  const { data, failure, loading, reload } = useApi(
    History,
    { id: installId, after: pager.after },
    { touches: ["SyncRun"] },
  );
  const version = latest ? `${latest.id} ${latest.state}` : "";
  // oxlint-disable-next-line react/exhaustive-deps -- `reload` is new at every render; the run's state is the reason
  useEffect(reload, [version]);

  if (failure) return <ErrorState failure={failure} onRetry={reload} />;
  if (loading) return <Skeleton count={2} label="Loading sync history" />;
  const runs = data?.install?.runs;
  if (!runs || runs.nodes.length === 0) return null;
  return (
    <section className="card card-flush" aria-labelledby="history">
      <div className="card-head">
        <h2 id="history">Sync history</h2>
        <PageButtons pager={pager} pageInfo={runs.pageInfo} label="Pages of the sync history" />
      </div>
      <div className="table-wrap">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Started</th>
              <th scope="col" className="optional-column">
                Took
              </th>
              <th scope="col" className="number">
                Changed
              </th>
              <th scope="col" className="number optional-column">
                Deleted
              </th>
            </tr>
          </thead>
          <tbody>
            {runs.nodes.map((run) => (
              <Row key={run.id} run={run} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Counts of a run that is under way are above, where they grow; here they would stand still. */
function count(run: Run, value: number): string {
  return isLive(run.state) ? "–" : value.toLocaleString("en");
}

function Row({ run }: { run: Run }) {
  return (
    <tr>
      <td>
        <RunBadge state={run.state} />
        {run.error && <div className="small field-error">{run.error}</div>}
      </td>
      <td>
        <Time at={run.startedAt ?? run.createdAt} />
      </td>
      <td className="optional-column nowrap">
        {run.startedAt && run.finishedAt ? duration(run.startedAt, run.finishedAt) : "–"}
      </td>
      <td className="number">{count(run, run.recordsUpserted)}</td>
      <td className="number optional-column">{count(run, run.recordsDeleted)}</td>
    </tr>
  );
}
