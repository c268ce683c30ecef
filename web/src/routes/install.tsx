import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useSubscription } from "urql";

import { useApi } from "../api/useApi";
import { ErrorState } from "../components/ErrorState/ErrorState";
import { Glyph } from "../components/Glyph/Glyph";
import { InstallActions } from "../components/InstallActions/InstallActions";
import { InstallOverview } from "../components/InstallOverview/InstallOverview";
import { InstallSettings } from "../components/InstallSettings/InstallSettings";
import { NotFound } from "../components/NotFound/NotFound";
import { PageHead } from "../components/PageHead/PageHead";
import { StatusBadge } from "../components/RunBadge/RunBadge";
import { RecordsTab } from "../components/RecordsTab/RecordsTab";
import { Skeleton } from "../components/Skeleton/Skeleton";
import { isLive } from "../components/SyncProgress/progress";
import { type Tab, Tabs } from "../components/Tabs/Tabs";
import { graphql } from "../gql";
import type { InstallPageQuery } from "../gql/graphql";
import { useMay } from "../session/ViewerContext";

const InstallPageDocument = graphql(`
  query InstallPage($id: ID!) {
    install(id: $id) {
      id
      displayName
      status
      connector {
        id
        slug
        name
        syncs
      }
      latestRun {
        id
        state
        ...SyncProgress
      }
      ...InstallActions
      ...InstallOverview
      ...InstallSettings
    }
  }
`);

const RunUpdates = graphql(`
  subscription RunUpdates($installId: ID!) {
    syncRun(installId: $installId) {
      id
      state
      ...SyncProgress
    }
  }
`);

type Install = NonNullable<InstallPageQuery["install"]>;

export function InstallPage() {
  const { installId } = useParams({ from: "/installs/$installId" });
  const { data, failure, loading, reload } = useApi(
    InstallPageDocument,
    { id: installId },
    { touches: ["Install", "SyncRun"] },
  );
  if (failure) return <ErrorState failure={failure} onRetry={reload} />;
  if (loading || !data) return <Skeleton shape="page" count={2} label="Loading install" />;
  if (!data.install) return <NotFound />;
  return <InstallView key={data.install.id} install={data.install} onChanged={reload} />;
}

function tabsFor(syncs: boolean, mayRead: boolean, mayWrite: boolean): Tab[] {
  const tabs = [{ id: "status", label: "Status" }];
  if (syncs && mayRead) tabs.push({ id: "records", label: "Records" });
  if (mayWrite) tabs.push({ id: "settings", label: "Settings" });
  return tabs;
}

/** The current run, from the subscription once it has spoken, from the query before. */
function useCurrentRun(install: Install, onFinished: () => void) {
  const [{ data }] = useSubscription({
    query: RunUpdates,
    variables: { installId: install.id },
    pause: !install.connector.syncs,
  });
  const run = data?.syncRun ?? install.latestRun ?? null;
  const live = run !== null && isLive(run.state);
  const wasLive = useRef(live);
  useEffect(() => {
    // Counts, the time of the last sync and the history have changed with the run's end.
    if (wasLive.current && !live) onFinished();
    wasLive.current = live;
  }, [live, onFinished]);
  return run;
}

function InstallView({ install, onChanged }: { install: Install; onChanged: () => void }) {
  const navigate = useNavigate();
  const { tab } = useSearch({ from: "/installs/$installId" });
  const mayRead = useMay("RECORD_READ");
  const mayWrite = useMay("INSTALL_WRITE");
  const run = useCurrentRun(install, onChanged);
  const { connector } = install;
  const tabs = tabsFor(connector.syncs, mayRead, mayWrite);
  const selected = tabs.find((candidate) => candidate.id === tab)?.id ?? "status";
  const select = (id: string) =>
    navigate({
      to: "/installs/$installId",
      params: { installId: install.id },
      search: { tab: id === "status" ? undefined : id },
    });

  return (
    <div className="page">
      <PageHead
        title={install.displayName}
        text={<StatusBadge status={install.status} />}
        glyph={<Glyph slug={connector.slug} name={connector.name} size="large" />}
        crumbs={
          <>
            <Link to="/installs">Installs</Link> / <span>{install.displayName}</span>
          </>
        }
      >
        {mayWrite && <InstallActions install={install} run={run} />}
      </PageHead>
      <Tabs label="Install" tabs={tabs} selected={selected} onSelect={select}>
        {selected === "status" && <InstallOverview install={install} run={run} />}
        {selected === "records" && <RecordsTab installId={install.id} />}
        {selected === "settings" && <InstallSettings install={install} />}
      </Tabs>
    </div>
  );
}
