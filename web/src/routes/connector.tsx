import { Link, useParams } from "@tanstack/react-router";

import { useApi } from "../api/useApi";
import { Badge } from "../components/Badge/Badge";
import { Offers } from "../components/ConnectorCard/ConnectorCard";
import { ErrorState } from "../components/ErrorState/ErrorState";
import { Glyph } from "../components/Glyph/Glyph";
import { Icon } from "../components/Icon/Icon";
import { InlineMarkdown, Markdown } from "../components/Markdown/Markdown";
import { NotFound } from "../components/NotFound/NotFound";
import { PageHead } from "../components/PageHead/PageHead";
import { Skeleton } from "../components/Skeleton/Skeleton";
import { ToolList } from "../components/ToolList/ToolList";
import { graphql } from "../gql";
import type { ConnectorPageQuery } from "../gql/graphql";
import { useMay } from "../session/ViewerContext";

const ConnectorPageDocument = graphql(`
  query ConnectorPage($slug: String!) {
    connector(slug: $slug) {
      id
      slug
      name
      version
      publisher
      summary
      description
      categories
      syncs
      live
      credentialSchema
      streams {
        name
        title
        description
      }
      tools {
        name
        ...ToolList
      }
    }
  }
`);

type Connector = NonNullable<ConnectorPageQuery["connector"]>;

export function ConnectorPage() {
  const { slug } = useParams({ from: "/marketplace/$slug" });
  const { data, failure, loading, reload } = useApi(ConnectorPageDocument, { slug });
  if (failure) return <ErrorState failure={failure} onRetry={reload} />;
  if (loading || !data) return <Skeleton shape="page" count={2} label="Loading connector" />;
  if (!data.connector) return <NotFound />;
  return <ConnectorView connector={data.connector} />;
}

function ConnectorView({ connector }: { connector: Connector }) {
  const mayInstall = useMay("INSTALL_WRITE");
  return (
    <div className="page">
      <PageHead
        title={connector.name}
        text={connector.summary}
        glyph={<Glyph slug={connector.slug} name={connector.name} size="large" />}
        crumbs={
          <>
            <Link to="/marketplace">Marketplace</Link> / <span>{connector.name}</span>
          </>
        }
      >
        {mayInstall ? (
          <Link
            to="/marketplace/$slug/install"
            params={{ slug: connector.slug }}
            className="button"
            data-kind="primary"
          >
            <Icon name="plus" /> Install
          </Link>
        ) : (
          <span className="muted small">A connector manager or an admin of your organisation can install this.</span>
        )}
      </PageHead>
      <div className="split">
        <div className="stack">
          <section className="card stack" aria-label="About">
            <Markdown source={connector.description} />
          </section>
          {connector.tools.length > 0 && (
            <section className="card card-flush" aria-labelledby="tools">
              <div className="card-head">
                <h2 id="tools">Tools for AI clients</h2>
                <Badge>{connector.tools.length}</Badge>
              </div>
              <ToolList tools={connector.tools} />
            </section>
          )}
        </div>
        <Facts connector={connector} />
      </div>
    </div>
  );
}

function Facts({ connector }: { connector: Connector }) {
  return (
    <div className="stack">
      <section className="card stack" aria-labelledby="facts">
        <h2 id="facts">Facts</h2>
        <div className="row">
          <Offers syncs={connector.syncs} live={connector.live} tools={connector.tools.length} />
        </div>
        <dl className="facts">
          <dt>Publisher</dt>
          <dd>{connector.publisher}</dd>
          <dt>Version</dt>
          <dd>{connector.version}</dd>
          <dt>Category</dt>
          <dd>{connector.categories.join(", ") || "none"}</dd>
          <dt>Credential</dt>
          <dd>{connector.credentialSchema ? "Stored encrypted, never shown again" : "None"}</dd>
        </dl>
      </section>
      {connector.streams.length > 0 && (
        <section className="card stack" aria-labelledby="streams">
          <h2 id="streams">What it syncs</h2>
          {connector.streams.map((stream) => (
            <div key={stream.name}>
              <h3>{stream.title}</h3>
              <p className="muted small">
                <InlineMarkdown text={stream.description} />
              </p>
            </div>
          ))}
        </section>
      )}
    </div>
  );
}
