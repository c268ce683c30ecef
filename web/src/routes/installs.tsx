import { Link } from "@tanstack/react-router";

import { useApi } from "../api/useApi";
import { usePager } from "../api/usePager";
import { EmptyState } from "../components/EmptyState/EmptyState";
import { ErrorState } from "../components/ErrorState/ErrorState";
import { Icon } from "../components/Icon/Icon";
import { InstallCard } from "../components/InstallCard/InstallCard";
import { PageButtons } from "../components/PageButtons/PageButtons";
import { PageHead } from "../components/PageHead/PageHead";
import { Skeleton } from "../components/Skeleton/Skeleton";
import { graphql } from "../gql";

const Installs = graphql(`
  query Installs($after: String) {
    installs(first: 24, after: $after) {
      nodes {
        id
        ...InstallCard
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export function InstallsPage() {
  const pager = usePager();
  const { data, failure, loading, reload } = useApi(
    Installs,
    { after: pager.after },
    { touches: ["Install"] },
  );
  return (
    <div className="page">
      <PageHead title="Installs" text="The systems that your organisation has connected.">
        <Link to="/marketplace" className="button" data-kind="primary">
          <Icon name="plus" /> Add a connector
        </Link>
      </PageHead>
      {failure && <ErrorState failure={failure} onRetry={reload} />}
      {loading && <Skeleton shape="cards" count={3} label="Loading installs" />}
      {data && data.installs.nodes.length === 0 && (
        <div className="card">
          <EmptyState
            icon="plug"
            title="Nothing is installed yet"
            text="Pick a connector: a folder on the server is the quickest to try."
          >
            <Link to="/marketplace" className="button" data-kind="primary">
              Open the marketplace
            </Link>
          </EmptyState>
        </div>
      )}
      {data && data.installs.nodes.length > 0 && (
        <>
          <div className="grid">
            {data.installs.nodes.map((install) => (
              <InstallCard key={install.id} install={install} />
            ))}
          </div>
          <PageButtons pager={pager} pageInfo={data.installs.pageInfo} label="Pages of installs" />
        </>
      )}
    </div>
  );
}
