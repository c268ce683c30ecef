import { useState } from "react";

import { useApi } from "../api/useApi";
import { usePager } from "../api/usePager";
import { ApiKeyTable } from "../components/ApiKeyTable/ApiKeyTable";
import { Button } from "../components/Button/Button";
import { CreateApiKeyDialog } from "../components/CreateApiKeyDialog/CreateApiKeyDialog";
import { EmptyState } from "../components/EmptyState/EmptyState";
import { ErrorState, NoPermission } from "../components/ErrorState/ErrorState";
import { Icon } from "../components/Icon/Icon";
import { PageButtons } from "../components/PageButtons/PageButtons";
import { PageHead } from "../components/PageHead/PageHead";
import { Skeleton } from "../components/Skeleton/Skeleton";
import { graphql } from "../gql";
import { useMay } from "../session/ViewerContext";

const ApiKeys = graphql(`
  query ApiKeys($after: String) {
    apiKeys(first: 50, after: $after) {
      nodes {
        id
        ...ApiKeyRow
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export function ApiKeysPage() {
  const mayRead = useMay("API_KEY_READ");
  const mayCreate = useMay("API_KEY_WRITE");
  const [creating, setCreating] = useState(false);
  const pager = usePager();
  const { data, failure, loading, reload } = useApi(
    ApiKeys,
    { after: pager.after },
    { pause: !mayRead, touches: ["ApiKey"] },
  );
  const create = (
    <Button kind="primary" onClick={() => setCreating(true)}>
      <Icon name="plus" /> Create a key
    </Button>
  );
  return (
    <div className="page">
      <PageHead
        title="API keys"
        text="What AI clients and scripts sign in with. Give each client its own key, so that you can revoke one without the others."
      >
        {mayCreate && create}
      </PageHead>
      {!mayRead && <NoPermission />}
      {failure && <ErrorState failure={failure} onRetry={reload} />}
      {loading && <Skeleton count={3} label="Loading API keys" />}
      {data && data.apiKeys.nodes.length === 0 && (
        <div className="card">
          <EmptyState
            icon="key"
            title="No keys yet"
            text="A client needs a key to connect to your MCP endpoint."
          >
            {mayCreate && create}
          </EmptyState>
        </div>
      )}
      {data && data.apiKeys.nodes.length > 0 && (
        <>
          <ApiKeyTable keys={data.apiKeys.nodes} mayRevoke={mayCreate} />
          <PageButtons pager={pager} pageInfo={data.apiKeys.pageInfo} label="Pages of API keys" />
        </>
      )}
      {creating && (
        <CreateApiKeyDialog onCreated={reload} onClose={() => setCreating(false)} />
      )}
    </div>
  );
}
