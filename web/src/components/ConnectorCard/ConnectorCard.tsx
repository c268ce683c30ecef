import { Link } from "@tanstack/react-router";

import { type FragmentType, graphql, readFragment } from "../../gql";
import { Badge } from "../Badge/Badge";
import { Glyph } from "../Glyph/Glyph";

export const ConnectorCardFields = graphql(`
  fragment ConnectorCard on Connector {
    slug
    name
    publisher
    summary
    syncs
    live
    tools {
      name
    }
  }
`);

interface Props {
  connector: FragmentType<typeof ConnectorCardFields>;
  /** How many installs of it there are. */
  installed: number;
}

/** What a connector offers, in a few words: also used on its own page. */
export function Offers(props: { syncs: boolean; live: boolean; tools: number }) {
  return (
    <>
      {props.syncs && <Badge tone="accent">Syncs to search</Badge>}
      {props.tools > 0 && (
        <Badge>{props.tools === 1 ? "1 live tool" : `${props.tools} live tools`}</Badge>
      )}
      {props.live && props.tools === 0 && <Badge>Live tools</Badge>}
    </>
  );
}

export function ConnectorCard({ connector: reference, installed }: Props) {
  const connector = readFragment(ConnectorCardFields, reference);
  return (
    <article className="card tile">
      <div className="tile-head">
        <Glyph slug={connector.slug} name={connector.name} />
        <div>
          <h2>
            <Link
              to="/marketplace/$slug"
              params={{ slug: connector.slug }}
              className="tile-link"
            >
              {connector.name}
            </Link>
          </h2>
          <span className="muted small">by {connector.publisher}</span>
        </div>
      </div>
      <p className="muted">{connector.summary}</p>
      <div className="row">
        <Offers syncs={connector.syncs} live={connector.live} tools={connector.tools.length} />
        {installed > 0 && (
          <Badge tone="good" dot>
            {installed === 1 ? "Installed" : `${installed} installs`}
          </Badge>
        )}
      </div>
    </article>
  );
}
