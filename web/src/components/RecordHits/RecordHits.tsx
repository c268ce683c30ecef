import { useState } from "react";

import { type FragmentType, graphql, readFragment } from "../../gql";
import { RecordDialog } from "../RecordDialog/RecordDialog";
import { snippetParts } from "./snippet";

export const RecordHitFields = graphql(`
  fragment RecordHit on RecordHit {
    snippet
    record {
      id
      title
      stream
      externalId
      install {
        id
        displayName
      }
    }
  }
`);

interface Props {
  hits: ReadonlyArray<FragmentType<typeof RecordHitFields>>;
  query: string;
}

/** What a search found; each opens the whole record. */
export function RecordHits({ hits, query }: Props) {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <>
      <ul className="list" aria-label="Results">
        {hits.map((reference) => {
          const { record, snippet } = readFragment(RecordHitFields, reference);
          return (
            <li key={record.id}>
              <button type="button" className="hit" onClick={() => setOpen(record.id)}>
                <span className="hit-title">{record.title}</span>
                <span className="hit-snippet">
                  {snippetParts(snippet, query).map((part, index) =>
                    part.found ? (
                      // oxlint-disable-next-line react/no-array-index-key -- parts never reorder
                      <mark key={index}>{part.text}</mark>
                    ) : (
                      part.text
                    ),
                  )}
                </span>
                <span className="muted small">
                  {record.install.displayName} · {record.externalId}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {open && <RecordDialog id={open} onClose={() => setOpen(null)} />}
    </>
  );
}
