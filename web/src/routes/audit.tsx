import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";

import { useApi } from "../api/useApi";
import { usePager } from "../api/usePager";
import { AuditTable } from "../components/AuditTable/AuditTable";
import { ACTIONS } from "../components/AuditTable/actions";
import { Button } from "../components/Button/Button";
import { EmptyState } from "../components/EmptyState/EmptyState";
import { ErrorState, NoPermission } from "../components/ErrorState/ErrorState";
import { Icon } from "../components/Icon/Icon";
import { PageButtons } from "../components/PageButtons/PageButtons";
import { PageHead } from "../components/PageHead/PageHead";
import { Skeleton } from "../components/Skeleton/Skeleton";
import { graphql } from "../gql";
import { useMay } from "../session/ViewerContext";

const AuditEvents = graphql(`
  query AuditEvents($after: String, $action: String) {
    auditEvents(first: 50, after: $after, action: $action) {
      nodes {
        id
        ...AuditRow
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
    members(first: 100) {
      nodes {
        id
        user {
          id
          displayName
        }
      }
    }
    installs(first: 100) {
      nodes {
        id
        displayName
      }
    }
    apiKeys(first: 100) {
      nodes {
        id
        name
      }
    }
  }
`);

export function AuditPage() {
  const mayRead = useMay("AUDIT_READ");
  const { action } = useSearch({ from: "/audit" });
  return (
    <div className="page">
      <PageHead
        title="Audit log"
        text="What was done or refused, by whom, newest first. Arguments, results and secrets are never recorded."
      />
      {mayRead ? <Events key={action ?? ""} action={action} /> : <NoPermission />}
    </div>
  );
}

function Filter({ action }: { action: string | undefined }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState(action ?? "");
  const apply = (next: string) =>
    navigate({ to: "/audit", search: { action: next.trim() || undefined } });
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        apply(typed);
      }}
    >
      <div className="search-box">
        <Icon name="search" />
        <input
          className="input"
          aria-label="Only this action"
          placeholder="Only this action, such as install.create"
          list="audit-actions"
          value={typed}
          spellCheck={false}
          onChange={(event) => setTyped(event.target.value)}
        />
      </div>
      <datalist id="audit-actions">
        {ACTIONS.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </datalist>
      <Button type="submit">Filter</Button>
      {action && (
        <Button kind="quiet" onClick={() => apply("")}>
          Show all
        </Button>
      )}
    </form>
  );
}

function Events({ action }: { action: string | undefined }) {
  const pager = usePager();
  const { data, failure, loading, reload } = useApi(AuditEvents, {
    after: pager.after,
    action: action ?? null,
  });
  const names = new Map<string, string>();
  for (const { user } of data?.members.nodes ?? []) names.set(user.id, user.displayName);
  for (const install of data?.installs.nodes ?? []) names.set(install.id, install.displayName);
  for (const key of data?.apiKeys.nodes ?? []) names.set(key.id, key.name);
  return (
    <>
      <Filter action={action} />
      {failure && <ErrorState failure={failure} onRetry={reload} />}
      {loading && <Skeleton count={4} label="Loading audit log" />}
      {data && data.auditEvents.nodes.length === 0 && (
        <div className="card">
          <EmptyState
            icon="audit"
            title="Nothing to show"
            text={action ? `There is no ${action} event yet.` : "Nothing has happened yet."}
          />
        </div>
      )}
      {data && data.auditEvents.nodes.length > 0 && (
        <>
          <AuditTable events={data.auditEvents.nodes} names={names} />
          <PageButtons
            pager={pager}
            pageInfo={data.auditEvents.pageInfo}
            label="Pages of the audit log"
          />
        </>
      )}
    </>
  );
}
