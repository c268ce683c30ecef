import { Link, useParams } from "@tanstack/react-router";

import { useApi } from "../api/useApi";
import { ErrorState, NoPermission } from "../components/ErrorState/ErrorState";
import { Glyph } from "../components/Glyph/Glyph";
import { InstallWizard } from "../components/InstallWizard/InstallWizard";
import { NotFound } from "../components/NotFound/NotFound";
import { PageHead } from "../components/PageHead/PageHead";
import { Skeleton } from "../components/Skeleton/Skeleton";
import { graphql } from "../gql";
import { useMay } from "../session/ViewerContext";

const WizardConnector = graphql(`
  query WizardConnector($slug: String!) {
    connector(slug: $slug) {
      id
      name
      slug
      ...WizardConnector
    }
  }
`);

export function InstallWizardPage() {
  const { slug } = useParams({ from: "/marketplace/$slug/install" });
  const mayInstall = useMay("INSTALL_WRITE");
  const { data, failure, loading, reload } = useApi(WizardConnector, { slug });
  if (failure) return <ErrorState failure={failure} onRetry={reload} />;
  if (loading || !data) return <Skeleton shape="page" count={2} label="Loading connector" />;
  const connector = data.connector;
  if (!connector) return <NotFound />;
  return (
    <div className="page page-narrow">
      <PageHead
        title={`Install ${connector.name}`}
        glyph={<Glyph slug={connector.slug} name={connector.name} />}
        crumbs={
          <>
            <Link to="/marketplace">Marketplace</Link> /{" "}
            <Link to="/marketplace/$slug" params={{ slug }}>
              {connector.name}
            </Link>{" "}
            / <span>Install</span>
          </>
        }
      />
      {mayInstall ? <InstallWizard connector={connector} /> : <NoPermission />}
    </div>
  );
}
