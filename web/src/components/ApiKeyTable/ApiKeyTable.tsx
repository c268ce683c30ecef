import { useState } from "react";
import { useMutation } from "urql";

import { type FragmentType, graphql, readFragment } from "../../gql";
import type { ApiKeyRowFragment } from "../../gql/graphql";
import { Badge } from "../Badge/Badge";
import { Button } from "../Button/Button";
import { Dialog } from "../Dialog/Dialog";
import { FailureNote } from "../FailureNote/FailureNote";
import { roleName } from "../roles";
import { Time } from "../Time/Time";

export const ApiKeyRowFields = graphql(`
  fragment ApiKeyRow on ApiKey {
    id
    name
    prefix
    lastFour
    role
    installIds
    createdAt
    expiresAt
    lastUsedAt
    revokedAt
  }
`);

const RevokeApiKey = graphql(`
  mutation RevokeApiKey($input: RevokeApiKeyInput!) {
    revokeApiKey(input: $input) {
      apiKey {
        id
        revokedAt
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

interface Props {
  keys: ReadonlyArray<FragmentType<typeof ApiKeyRowFields> & { id: string }>;
  mayRevoke: boolean;
}

function KeyState({ apiKey }: { apiKey: ApiKeyRowFragment }) {
  const [now] = useState(() => Date.now());
  if (apiKey.revokedAt) return <Badge tone="bad">Revoked</Badge>;
  if (apiKey.expiresAt && Date.parse(apiKey.expiresAt) < now) {
    return <Badge tone="warn">Expired</Badge>;
  }
  return <Badge tone="good">Live</Badge>;
}

export function ApiKeyTable({ keys, mayRevoke }: Props) {
  const [revoking, setRevoking] = useState<ApiKeyRowFragment | null>(null);
  return (
    <div className="card card-flush table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="optional-column">
              Key
            </th>
            <th scope="col">State</th>
            <th scope="col" className="optional-column">
              Role
            </th>
            <th scope="col" className="optional-column">
              Reaches
            </th>
            <th scope="col" className="optional-column">
              Last used
            </th>
            <th scope="col" className="optional-column">
              Expires
            </th>
            {mayRevoke && (
              <th scope="col">
                <span className="visually-hidden">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {keys.map((reference) => (
            <Row key={reference.id} reference={reference} onRevoke={mayRevoke ? setRevoking : null} />
          ))}
        </tbody>
      </table>
      {revoking && <RevokeDialog apiKey={revoking} onClose={() => setRevoking(null)} />}
    </div>
  );
}

interface RowProps {
  reference: FragmentType<typeof ApiKeyRowFields>;
  onRevoke: ((apiKey: ApiKeyRowFragment) => void) | null;
}

function Row({ reference, onRevoke }: RowProps) {
  const apiKey = readFragment(ApiKeyRowFields, reference);
  const reach = apiKey.installIds?.length;
  return (
    <tr>
      <td>
        <strong>{apiKey.name}</strong>
        <div className="muted small">
          Created <Time at={apiKey.createdAt} />
        </div>
      </td>
      <td className="optional-column">
        <code className="nowrap">
          {apiKey.prefix}…{apiKey.lastFour}
        </code>
      </td>
      <td>
        <KeyState apiKey={apiKey} />
      </td>
      <td className="optional-column">{roleName(apiKey.role)}</td>
      <td className="optional-column nowrap">
        {reach === undefined ? "All installs" : `${reach} ${reach === 1 ? "install" : "installs"}`}
      </td>
      <td className="optional-column">
        {apiKey.lastUsedAt ? <Time at={apiKey.lastUsedAt} /> : "Never"}
      </td>
      <td className="optional-column">
        {apiKey.expiresAt ? <Time at={apiKey.expiresAt} /> : "Never"}
      </td>
      {onRevoke && (
        <td className="actions">
          {!apiKey.revokedAt && (
            <Button size="small" aria-label={`Revoke ${apiKey.name}`} onClick={() => onRevoke(apiKey)}>
              Revoke
            </Button>
          )}
        </td>
      )}
    </tr>
  );
}

function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKeyRowFragment; onClose: () => void }) {
  const [{ data, error, fetching }, revoke] = useMutation(RevokeApiKey);
  const reasons = data?.revokeApiKey.userErrors.map((reason) => reason.message) ?? [];
  const submit = async () => {
    const result = await revoke({ input: { id: apiKey.id } });
    if (result.data?.revokeApiKey.apiKey) onClose();
  };
  return (
    <Dialog title={`Revoke “${apiKey.name}”?`} onClose={onClose}>
      <p>
        Whatever uses the key ending in <code>{apiKey.lastFour}</code> is refused from its next
        request on. This cannot be undone.
      </p>
      <FailureNote error={error} reasons={reasons} />
      <div className="dialog-foot">
        <Button onClick={onClose}>Keep it</Button>
        <Button kind="danger" busy={fetching} onClick={submit}>
          Revoke key
        </Button>
      </div>
    </Dialog>
  );
}
