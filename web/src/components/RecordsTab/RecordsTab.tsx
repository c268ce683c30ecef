import { useState } from "react";

import { useApi } from "../../api/useApi";
import { usePager } from "../../api/usePager";
import { graphql } from "../../gql";
import { EmptyState } from "../EmptyState/EmptyState";
import { ErrorState } from "../ErrorState/ErrorState";
import { PageButtons } from "../PageButtons/PageButtons";
import { RecordDialog } from "../RecordDialog/RecordDialog";
import { RecordSearch } from "../RecordSearch/RecordSearch";
import { Skeleton } from "../Skeleton/Skeleton";
import { Time } from "../Time/Time";

const RecordList = graphql(`
  query RecordList($id: ID!, $after: String) {
    install(id: $id) {
      id
      records(first: 20, after: $after) {
        nodes {
          id
          title
          externalId
          syncedAt
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

/** What an install has synced: searched as one types, or leafed through. */
export function RecordsTab({ installId }: { installId: string }) {
  const [words, setWords] = useState("");
  return (
    <RecordSearch
      label="Search these records"
      value={words}
      onChange={setWords}
      installId={installId}
    >
      <AllRecords installId={installId} />
    </RecordSearch>
  );
}

function AllRecords({ installId }: { installId: string }) {
  const pager = usePager();
  const [open, setOpen] = useState<string | null>(null);
  const { data, failure, loading, reload } = useApi(
    RecordList,
    { id: installId, after: pager.after },
    { touches: ["Record", "SyncRun"] },
  );
  if (failure) return <ErrorState failure={failure} onRetry={reload} />;
  if (loading) return <Skeleton count={4} label="Loading records" />;
  const records = data?.install?.records;
  if (!records || records.nodes.length === 0) {
    return (
      <div className="card">
        <EmptyState
          icon="book"
          title="No records yet"
          text="They appear here while a sync runs: see Status."
        />
      </div>
    );
  }
  return (
    <div className="stack">
      <div className="card card-flush">
        <ul className="list" aria-label="Records">
          {records.nodes.map((record) => (
            <li key={record.id}>
              <button type="button" className="hit" onClick={() => setOpen(record.id)}>
                <span className="hit-title">{record.title}</span>
                <span className="muted small">
                  {record.externalId} · synced <Time at={record.syncedAt} />
                </span>
              </button>
            </li>
          ))}
        </ul>
      </div>
      <PageButtons pager={pager} pageInfo={records.pageInfo} label="Pages of records" />
      {open && <RecordDialog id={open} onClose={() => setOpen(null)} />}
    </div>
  );
}
