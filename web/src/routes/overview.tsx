import { Link } from "@tanstack/react-router";

import { useApi } from "../api/useApi";
import { Callout } from "../components/Callout/Callout";
import { CopyButton } from "../components/CopyButton/CopyButton";
import { EmptyState } from "../components/EmptyState/EmptyState";
import { ErrorState } from "../components/ErrorState/ErrorState";
import { Icon } from "../components/Icon/Icon";
import { InstallCard } from "../components/InstallCard/InstallCard";
import { PageHead } from "../components/PageHead/PageHead";
import { Skeleton } from "../components/Skeleton/Skeleton";
import { Time } from "../components/Time/Time";
import { graphql } from "../gql";
import type { OverviewQuery } from "../gql/graphql";
import { useViewer } from "../session/ViewerContext";

const Overview = graphql(`
  query Overview {
    installs(first: 50) {
      nodes {
        id
        displayName
        status
        recordCount
        lastSyncedAt
        latestRun {
          id
          state
        }
        ...InstallCard
      }
      pageInfo {
        hasNextPage
      }
    }
    endpoints {
      id
      name
      url
    }
  }
`);

type Install = OverviewQuery["installs"]["nodes"][number];

const SHOWN = 6;

/** Why an install wants a person, or null when it does not. */
function complaint(install: Install): string | null {
  if (install.status === "NEEDS_REAUTH") return "needs a new credential: the other side refused the stored one";
  if (install.status === "ACTIVE" && install.latestRun?.state === "FAILED") {
    return "could not finish its last sync";
  }
  return null;
}

export function OverviewPage() {
  const viewer = useViewer();
  const { data, failure, loading, reload } = useApi(Overview, {}, { touches: ["Install"] });
  return (
    <div className="page">
      <PageHead
        title={viewer.tenant.name}
        text="What is connected, whether it works, and where AI clients find it."
      />
      {failure && <ErrorState failure={failure} onRetry={reload} />}
      {loading && <Skeleton shape="cards" count={3} label="Loading overview" />}
      {data && <OverviewView data={data} />}
    </div>
  );
}

function OverviewView({ data }: { data: OverviewQuery }) {
  const installs = data.installs.nodes;
  const troubled = installs.filter((install) => complaint(install) !== null);
  return (
    <>
      {troubled.length > 0 && (
        <Callout tone="warn">
          <strong>
            {troubled.length === 1
              ? "One install needs attention"
              : `${troubled.length} installs need attention`}
          </strong>
          {troubled.map((install) => (
            <p key={install.id}>
              <Link to="/installs/$installId" params={{ installId: install.id }}>
                {install.displayName}
              </Link>{" "}
              {complaint(install)}.
            </p>
          ))}
        </Callout>
      )}
      <Stats installs={installs} more={data.installs.pageInfo.hasNextPage} />
      <ConnectCard endpoint={data.endpoints[0]} />
      <section className="stack" aria-labelledby="installed">
        <div className="row row-between">
          <h2 id="installed">Installed</h2>
          {installs.length > 0 && <Link to="/installs">All installs</Link>}
        </div>
        {installs.length === 0 ? (
          <div className="card">
            <EmptyState
              icon="plug"
              title="Nothing is installed yet"
              text="Pick a connector from the marketplace. Its tools and records appear at your MCP endpoint at once."
            >
              <Link to="/marketplace" className="button" data-kind="primary">
                Open the marketplace
              </Link>
            </EmptyState>
          </div>
        ) : (
          <div className="grid">
            {installs.slice(0, SHOWN).map((install) => (
              <InstallCard key={install.id} install={install} />
            ))}
          </div>
        )}
      </section>
    </>
  );
}

function newest(installs: readonly Install[]): string | null {
  const times = installs.flatMap((install) => install.lastSyncedAt ?? []);
  return times.toSorted().at(-1) ?? null;
}

function Stats({ installs, more }: { installs: readonly Install[]; more: boolean }) {
  const records = installs.reduce((sum, install) => sum + install.recordCount, 0);
  const working = installs.filter((install) => complaint(install) === null);
  const active = working.filter((install) => install.status === "ACTIVE").length;
  const synced = newest(installs);
  const plus = more ? "+" : "";
  return (
    <section className="stats" aria-label="Figures">
      <Stat value={`${installs.length}${plus}`} label="Installs" />
      <Stat value={`${active}${plus}`} label="Active and healthy" />
      <Stat value={`${records.toLocaleString("en")}${plus}`} label="Searchable records" />
      <Stat value={synced ? <Time at={synced} /> : "Never"} label="Last sync" />
    </section>
  );
}

function Stat({ value, label }: { value: React.ReactNode; label: string }) {
  return (
    <div className="card stat">
      <strong>{value}</strong>
      <span className="muted small">{label}</span>
    </div>
  );
}

function ConnectCard({ endpoint }: { endpoint: OverviewQuery["endpoints"][number] | undefined }) {
  if (!endpoint) return null;
  return (
    <section className="card connect-card" aria-labelledby="connect">
      <div className="stack stack-s">
        <h2 id="connect">Connect your AI client</h2>
        <p className="muted">
          One address serves everything below to Claude Code, VS Code, Cursor and any other MCP
          client.
        </p>
        <div className="row">
          <code className="address">{endpoint.url}</code>
          <CopyButton text={endpoint.url} label="MCP endpoint address" />
        </div>
      </div>
      <Link to="/connect" className="button" data-kind="primary">
        <Icon name="link" /> Set up a client
      </Link>
    </section>
  );
}
