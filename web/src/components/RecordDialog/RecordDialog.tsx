import { useApi } from "../../api/useApi";
import { graphql } from "../../gql";
import { Dialog } from "../Dialog/Dialog";
import { ErrorState } from "../ErrorState/ErrorState";
import { Skeleton } from "../Skeleton/Skeleton";
import { Time } from "../Time/Time";

const RecordDocument = graphql(`
  query Record($id: ID!) {
    node(id: $id) {
      id
      ... on Record {
        title
        body
        stream
        externalId
        mimeType
        url
        sourceUpdatedAt
        syncedAt
        install {
          id
          displayName
        }
      }
    }
  }
`);

/** Only these leave the console as links: an address comes from a synced source. */
function isWebAddress(url: string): boolean {
  return /^https?:\/\//iu.test(url);
}

/** A synced record in full: what an AI client reads. */
export function RecordDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, failure, loading, reload } = useApi(RecordDocument, { id });
  const record = data?.node && "body" in data.node ? data.node : null;
  return (
    <Dialog title={record?.title ?? "Record"} wide onClose={onClose}>
      {loading && <Skeleton count={1} label="Loading record" />}
      {failure && <ErrorState failure={failure} onRetry={reload} />}
      {data && !record && <p>This record is no longer there: a later sync removed it.</p>}
      {record && (
        <>
          <dl className="facts">
            <dt>From</dt>
            <dd>{record.install.displayName}</dd>
            <dt>Source id</dt>
            <dd>
              <code>{record.externalId}</code>
            </dd>
            <dt>Type</dt>
            <dd>{record.mimeType}</dd>
            {record.sourceUpdatedAt && (
              <>
                <dt>Changed</dt>
                <dd>
                  <Time at={record.sourceUpdatedAt} />
                </dd>
              </>
            )}
            <dt>Synced</dt>
            <dd>
              <Time at={record.syncedAt} />
            </dd>
            {record.url && (
              <>
                <dt>Original</dt>
                <dd>
                  {isWebAddress(record.url) ? (
                    <a href={record.url} target="_blank" rel="noreferrer noopener">
                      {record.url}
                    </a>
                  ) : (
                    <code>{record.url}</code>
                  )}
                </dd>
              </>
            )}
          </dl>
          {/* Scrollable regions must be reachable by keyboard. */}
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <div className="body-text" tabIndex={0} role="region" aria-label="Text of the record">
            {record.body || "This record has no text."}
          </div>
        </>
      )}
    </Dialog>
  );
}
