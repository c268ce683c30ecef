import { Link } from "@tanstack/react-router";

import { type FragmentType, graphql, readFragment } from "../../gql";
import { Glyph } from "../Glyph/Glyph";
import { RunBadge, StatusBadge } from "../RunBadge/RunBadge";
import { Time } from "../Time/Time";

export const InstallCardFields = graphql(`
  fragment InstallCard on Install {
    id
    alias
    displayName
    status
    recordCount
    lastSyncedAt
    connector {
      id
      slug
      name
      syncs
    }
    latestRun {
      id
      state
    }
  }
`);

/** An install among others: whether it works, and how much it brought. */
export function InstallCard({ install: reference }: { install: FragmentType<typeof InstallCardFields> }) {
  const install = readFragment(InstallCardFields, reference);
  const { connector, latestRun } = install;
  const showsRun = latestRun && latestRun.state !== "SUCCEEDED" && install.status === "ACTIVE";
  return (
    <article className="card tile">
      <div className="tile-head">
        <Glyph slug={connector.slug} name={connector.name} />
        <div>
          <h2>
            <Link
              to="/installs/$installId"
              params={{ installId: install.id }}
              className="tile-link"
            >
              {install.displayName}
            </Link>
          </h2>
          <span className="muted small">
            {connector.name} · <code>{install.alias}</code>
          </span>
        </div>
      </div>
      <p className="muted small">
        {connector.syncs
          ? `${install.recordCount.toLocaleString("en")} records`
          : "Live tools, nothing is copied"}
        {install.lastSyncedAt && (
          <>
            , synced <Time at={install.lastSyncedAt} />
          </>
        )}
      </p>
      <div className="row">
        {showsRun ? <RunBadge state={latestRun.state} /> : <StatusBadge status={install.status} />}
      </div>
    </article>
  );
}
