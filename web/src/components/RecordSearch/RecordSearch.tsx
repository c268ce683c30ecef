import type { ReactNode } from "react";

import { useApi } from "../../api/useApi";
import { useDebounced } from "../../api/useDebounced";
import { graphql } from "../../gql";
import { EmptyState } from "../EmptyState/EmptyState";
import { ErrorState } from "../ErrorState/ErrorState";
import { RecordHits } from "../RecordHits/RecordHits";
import { SearchBox } from "../SearchBox/SearchBox";
import { Skeleton } from "../Skeleton/Skeleton";

const SearchRecords = graphql(`
  query SearchRecords($query: String!, $installId: ID) {
    search(query: $query, installId: $installId, first: 30) {
      ...RecordHit
    }
  }
`);

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  installId?: string;
  focused?: boolean;
  /** Stands below while nothing is searched. */
  children?: ReactNode;
}

/** Full-text search over synced records as one types: the same search that AI clients get. */
export function RecordSearch({ label, value, onChange, installId, focused, children }: Props) {
  const query = useDebounced(value.trim());
  const { data, failure, loading, reload } = useApi(
    SearchRecords,
    { query, installId: installId ?? null },
    { pause: query === "", touches: ["Record"] },
  );
  const hits = data?.search ?? [];
  return (
    <div className="stack">
      <SearchBox label={label} value={value} onChange={onChange} focused={focused ?? false} />
      <p className="visually-hidden" role="status">
        {query !== "" && data ? `${hits.length} results` : ""}
      </p>
      {query === "" && children}
      {query !== "" && failure && <ErrorState failure={failure} onRetry={reload} />}
      {query !== "" && loading && <Skeleton count={3} label="Searching" />}
      {query !== "" && data && (
        <div className="card card-flush">
          {hits.length > 0 ? (
            <RecordHits hits={hits} query={query} />
          ) : (
            <EmptyState
              icon="search"
              title="Nothing matches"
              text="Try fewer or other words. Only what has been synced can be found."
            />
          )}
        </div>
      )}
    </div>
  );
}
