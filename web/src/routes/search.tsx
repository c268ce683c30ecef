import { useNavigate, useSearch } from "@tanstack/react-router";

import { EmptyState } from "../components/EmptyState/EmptyState";
import { NoPermission } from "../components/ErrorState/ErrorState";
import { PageHead } from "../components/PageHead/PageHead";
import { RecordSearch } from "../components/RecordSearch/RecordSearch";
import { useMay } from "../session/ViewerContext";

export function SearchPage() {
  const { q } = useSearch({ from: "/search" });
  const navigate = useNavigate();
  const mayRead = useMay("RECORD_READ");
  return (
    <div className="page">
      <PageHead
        title="Search"
        text="Everything that was synced, across all installs: what the search tool gives to AI clients."
      />
      {mayRead ? (
        <RecordSearch
          label="Search all records"
          value={q ?? ""}
          focused
          onChange={(next) =>
            navigate({ to: "/search", search: { q: next || undefined }, replace: true })
          }
        >
          <div className="card">
            <EmptyState
              icon="search"
              title="Search what your organisation knows"
              text="Type a few words. Titles and texts of all synced records are searched, best match first."
            />
          </div>
        </RecordSearch>
      ) : (
        <NoPermission />
      )}
    </div>
  );
}
