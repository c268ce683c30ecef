import { Link } from "@tanstack/react-router";

import { type FragmentType, graphql, readFragment } from "../../gql";
import type { InstallOverviewFragment, RunState } from "../../gql/graphql";
import { Callout } from "../Callout/Callout";
import { EmptyState } from "../EmptyState/EmptyState";
import { INTERVALS } from "../InstallWizard/wizard";
import { RunHistory } from "../RunHistory/RunHistory";
import { SyncProgress, type SyncProgressFields } from "../SyncProgress/SyncProgress";
import { Time } from "../Time/Time";
import { ToolList } from "../ToolList/ToolList";

export const InstallOverviewFields = graphql(`
  fragment InstallOverview on Install {
    id
    alias
    status
    hasCredential
    recordCount
    lastSyncedAt
    syncIntervalSeconds
    createdAt
    connector {
      id
      slug
      name
      version
      syncs
      tools {
        name
        ...ToolList
      }
    }
  }
`);

type Run = FragmentType<typeof SyncProgressFields> & { id: string; state: RunState };

interface Props {
  install: FragmentType<typeof InstallOverviewFields>;
  run: Run | null;
}

const STATUS_NOTES = {
  PAUSED: "Paused: AI clients do not see it, and it does not sync. Its records are kept.",
  NEEDS_REAUTH:
    "The other side refused the credential. AI clients do not see this install until it has a new one: give it under Settings.",
} as const;

/** How an install is doing: its current sync, earlier ones, and the facts. */
export function InstallOverview({ install: reference, run }: Props) {
  const install = readFragment(InstallOverviewFields, reference);
  const { connector, status } = install;
  return (
    <div className="stack">
      {status !== "ACTIVE" && (
        <Callout tone="warn">
          <p>{STATUS_NOTES[status]}</p>
        </Callout>
      )}
      <div className="split">
        <div className="stack">
          {connector.syncs && (
            <section className="card stack" aria-labelledby="sync">
              <h2 id="sync">Latest sync</h2>
              {run ? (
                <SyncProgress run={run} />
              ) : (
                <EmptyState icon="sync" title="Never synced" text="Start the first sync above." />
              )}
            </section>
          )}
          {connector.syncs && <RunHistory installId={install.id} latest={run} />}
          {connector.tools.length > 0 && (
            <section className="card card-flush" aria-labelledby="tools">
              <div className="card-head">
                <h2 id="tools">Live tools</h2>
                <span className="muted small">
                  as <code>{install.alias}__…</code> at your MCP endpoint
                </span>
              </div>
              <ToolList tools={connector.tools} />
            </section>
          )}
        </div>
        <InstallFacts install={install} />
      </div>
    </div>
  );
}

function intervalName(seconds: number | null | undefined): string {
  const known = INTERVALS.find(([value]) => value === String(seconds ?? ""));
  return known?.[1] ?? `Every ${seconds} seconds`;
}

function InstallFacts({ install }: { install: InstallOverviewFragment }) {
  const { connector } = install;
  return (
    <section className="card stack" aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <dl className="facts">
        <dt>Connector</dt>
        <dd>
          <Link to="/marketplace/$slug" params={{ slug: connector.slug }}>
            {connector.name}
          </Link>{" "}
          {connector.version}
        </dd>
        <dt>Tool prefix</dt>
        <dd>
          <code>{install.alias}</code>
        </dd>
        {connector.syncs && (
          <>
            <dt>Records</dt>
            <dd>{install.recordCount.toLocaleString("en")}</dd>
            <dt>Last synced</dt>
            <dd>{install.lastSyncedAt ? <Time at={install.lastSyncedAt} /> : "Never"}</dd>
            <dt>Syncs</dt>
            <dd>{intervalName(install.syncIntervalSeconds)}</dd>
          </>
        )}
        <dt>Credential</dt>
        <dd>{install.hasCredential ? "Stored, encrypted" : "None"}</dd>
        <dt>Installed</dt>
        <dd>
          <Time at={install.createdAt} />
        </dd>
      </dl>
    </section>
  );
}
