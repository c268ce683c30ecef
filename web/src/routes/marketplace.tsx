import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";

import { useApi } from "../api/useApi";
import { Button } from "../components/Button/Button";
import { ConnectorCard } from "../components/ConnectorCard/ConnectorCard";
import { EmptyState } from "../components/EmptyState/EmptyState";
import { ErrorState } from "../components/ErrorState/ErrorState";
import { PageHead } from "../components/PageHead/PageHead";
import { SearchBox } from "../components/SearchBox/SearchBox";
import { Skeleton } from "../components/Skeleton/Skeleton";
import { graphql } from "../gql";
import type { MarketplaceQuery } from "../gql/graphql";

const Marketplace = graphql(`
  query Marketplace {
    connectors {
      id
      slug
      name
      summary
      publisher
      categories
      ...ConnectorCard
    }
    installs(first: 100) {
      nodes {
        id
        connector {
          id
        }
      }
    }
  }
`);

type Connector = MarketplaceQuery["connectors"][number];

function matches(connector: Connector, words: string): boolean {
  const { name, slug, summary, publisher, categories } = connector;
  const text = [name, slug, summary, publisher, ...categories].join(" ").toLowerCase();
  return words.toLowerCase().split(/\s+/u).every((word) => text.includes(word));
}

function label(category: string): string {
  const words = category.replaceAll("_", " ");
  // Short ones are abbreviations.
  if (words.length <= 3) return words.toUpperCase();
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

export function MarketplacePage() {
  const { category } = useSearch({ from: "/marketplace" });
  const navigate = useNavigate();
  const [words, setWords] = useState("");
  const { data, failure, loading, reload } = useApi(Marketplace, {}, { touches: ["Install"] });
  const connectors = data?.connectors ?? [];
  const categories = [...new Set(connectors.flatMap((connector) => connector.categories))].toSorted();
  const shown = connectors.filter(
    (connector) =>
      matches(connector, words) && (!category || connector.categories.includes(category)),
  );
  const choose = (next: string | undefined) =>
    navigate({ to: "/marketplace", search: { category: next }, replace: true });
  const counts = new Map<string, number>();
  for (const { connector } of data?.installs.nodes ?? []) {
    counts.set(connector.id, (counts.get(connector.id) ?? 0) + 1);
  }

  return (
    <div className="page">
      <PageHead
        title="Marketplace"
        text="Connect a system once; every AI client of your organisation can use it."
      />
      {failure && <ErrorState failure={failure} onRetry={reload} />}
      {loading && <Skeleton shape="cards" count={6} label="Loading connectors" />}
      {data && (
        <>
          <div className="row row-between">
            <SearchBox label="Search connectors" value={words} onChange={setWords} />
            <div className="chips" role="group" aria-label="Category">
              <Chip chosen={!category} onClick={() => choose(undefined)}>
                All
              </Chip>
              {categories.map((name) => (
                <Chip key={name} chosen={category === name} onClick={() => choose(name)}>
                  {label(name)}
                </Chip>
              ))}
            </div>
          </div>
          <p className="visually-hidden" role="status">
            {shown.length} connectors
          </p>
          {shown.length > 0 ? (
            <div className="grid">
              {shown.map((connector) => (
                <ConnectorCard
                  key={connector.id}
                  connector={connector}
                  installed={counts.get(connector.id) ?? 0}
                />
              ))}
            </div>
          ) : (
            <div className="card">
              <EmptyState
                icon="store"
                title="No connector matches"
                text="Any MCP server that speaks HTTP can be connected with the remote MCP connector."
              >
                <Button
                  onClick={() => {
                    setWords("");
                    choose(undefined);
                  }}
                >
                  Show all connectors
                </Button>
              </EmptyState>
            </div>
          )}
        </>
      )}
    </div>
  );
}

function Chip(props: { chosen: boolean; onClick: () => void; children: string }) {
  return (
    <button type="button" className="chip" aria-pressed={props.chosen} onClick={props.onClick}>
      {props.children}
    </button>
  );
}
