import { useState } from "react";

import { useApi } from "../api/useApi";
import { Button } from "../components/Button/Button";
import { Callout } from "../components/Callout/Callout";
import { ClientGrantTable } from "../components/ClientGrantTable/ClientGrantTable";
import { ClientSetup } from "../components/ClientSetup/ClientSetup";
import { CodeBlock } from "../components/CodeBlock/CodeBlock";
import { CreateApiKeyDialog } from "../components/CreateApiKeyDialog/CreateApiKeyDialog";
import { EmptyState } from "../components/EmptyState/EmptyState";
import { ErrorState } from "../components/ErrorState/ErrorState";
import { Icon } from "../components/Icon/Icon";
import { PageHead } from "../components/PageHead/PageHead";
import { Skeleton } from "../components/Skeleton/Skeleton";
import { graphql } from "../gql";
import type { EndpointsQuery } from "../gql/graphql";
import { useMay } from "../session/ViewerContext";

const Endpoints = graphql(`
  query Endpoints {
    endpoints {
      id
      name
      slug
      url
      instructions
    }
  }
`);

const OwnClientGrants = graphql(`
  query OwnClientGrants {
    ownClientGrants(first: 50) {
      nodes {
        id
        ...ClientGrantRow
      }
    }
  }
`);

type Endpoint = EndpointsQuery["endpoints"][number];

export function ConnectPage() {
  const { data, failure, loading, reload } = useApi(Endpoints, {});
  return (
    <div className="page page-narrow">
      <PageHead
        title="Connect a client"
        text="Every MCP client connects to the same address: you let it in by signing in, or give it an API key of its own."
      />
      {failure && <ErrorState failure={failure} onRetry={reload} />}
      {loading && <Skeleton count={2} label="Loading endpoints" />}
      {data?.endpoints.length === 0 && (
        <div className="card">
          <EmptyState
            icon="link"
            title="No endpoint"
            text="Your organisation has no MCP endpoint. Whoever runs Patchbay can set it up with patchbay set-up."
          />
        </div>
      )}
      {data?.endpoints.map((endpoint) => (
        <EndpointView key={endpoint.id} endpoint={endpoint} />
      ))}
      <LetIn />
    </div>
  );
}

function EndpointView({ endpoint }: { endpoint: Endpoint }) {
  const [creating, setCreating] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <>
      <section className="card stack" aria-labelledby={`${endpoint.slug}-address`}>
        <div>
          <h2 id={`${endpoint.slug}-address`}>{endpoint.name}</h2>
          <p className="muted">
            Clients that sign in by themselves (Claude, ChatGPT, VS Code, Cursor) need nothing but this
            address: a page asks you whether to let them in.
          </p>
        </div>
        <CodeBlock code={endpoint.url} label="MCP endpoint address" />
        {endpoint.instructions && (
          <div>
            <h3>What clients are told</h3>
            <p className="muted">{endpoint.instructions}</p>
          </div>
        )}
      </section>
      <section className="card stack" aria-labelledby={`${endpoint.slug}-setup`}>
        <h2 id={`${endpoint.slug}-setup`}>Set up your client with a key</h2>
        <KeyNote secret={secret} onCreate={() => setCreating(true)} />
        <ClientSetup url={endpoint.url} secret={secret} />
      </section>
      {creating && (
        <CreateApiKeyDialog
          suggestedName="My AI client"
          onCreated={setSecret}
          onClose={() => setCreating(false)}
        />
      )}
    </>
  );
}

/** The clients that this person let in by signing in. */
function LetIn() {
  const { data, failure, reload } = useApi(OwnClientGrants, {}, { touches: ["ClientGrant"] });
  if (failure) return <ErrorState failure={failure} onRetry={reload} />;
  const grants = data?.ownClientGrants.nodes ?? [];
  if (grants.length === 0) return null;
  return (
    <section className="card stack" aria-labelledby="let-in">
      <div>
        <h2 id="let-in">Clients that you let in</h2>
        <p className="muted">They act for you, and may never do more than you may.</p>
      </div>
      <ClientGrantTable grants={grants} />
    </section>
  );
}

function KeyNote({ secret, onCreate }: { secret: string | null; onCreate: () => void }) {
  const mayCreate = useMay("API_KEY_WRITE");
  if (secret) {
    return (
      <Callout tone="good" live>
        <p>
          Your new key is in the set-up below. It is shown until you leave this page, and never
          again.
        </p>
      </Callout>
    );
  }
  if (!mayCreate) {
    return (
      <Callout>
        <p>Ask an admin of your organisation for an API key and put it where the set-up says so.</p>
      </Callout>
    );
  }
  return (
    <Callout>
      <p>The set-up needs an API key. A new one is put into it for you.</p>
      <div>
        <Button kind="primary" size="small" onClick={onCreate}>
          <Icon name="key" size={15} /> Create a key
        </Button>
      </div>
    </Callout>
  );
}
