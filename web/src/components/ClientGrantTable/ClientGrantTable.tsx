import { useState } from "react";
import { useMutation } from "urql";

import { type FragmentType, graphql, readFragment } from "../../gql";
import type { ClientGrantRowFragment } from "../../gql/graphql";
import { Badge } from "../Badge/Badge";
import { Button } from "../Button/Button";
import { Dialog } from "../Dialog/Dialog";
import { FailureNote } from "../FailureNote/FailureNote";
import { Time } from "../Time/Time";
import { grantState, mayDo } from "./grant";

export const ClientGrantRowFields = graphql(`
  fragment ClientGrantRow on ClientGrant {
    id
    clientId
    clientName
    redirect
    scopes
    createdAt
    lastUsedAt
    expiresAt
    revokedAt
  }
`);

const RevokeClientGrant = graphql(`
  mutation RevokeClientGrant($input: RevokeClientGrantInput!) {
    revokeClientGrant(input: $input) {
      clientGrant {
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
  grants: ReadonlyArray<FragmentType<typeof ClientGrantRowFields> & { id: string }>;
}

/** AI clients that were let in, with a way to shut them out again. */
export function ClientGrantTable({ grants }: Props) {
  const [ending, setEnding] = useState<ClientGrantRowFragment | null>(null);
  return (
    <div className="table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Client</th>
            <th scope="col">State</th>
            <th scope="col" className="optional-column">
              May
            </th>
            <th scope="col" className="optional-column">
              Last signed in
            </th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {grants.map((reference) => (
            <Row key={reference.id} reference={reference} onEnd={setEnding} />
          ))}
        </tbody>
      </table>
      {ending && <EndDialog grant={ending} onClose={() => setEnding(null)} />}
    </div>
  );
}

interface RowProps {
  reference: FragmentType<typeof ClientGrantRowFields>;
  onEnd: (grant: ClientGrantRowFragment) => void;
}

function Row({ reference, onEnd }: RowProps) {
  const grant = readFragment(ClientGrantRowFields, reference);
  const [now] = useState(() => Date.now());
  const state = grantState(grant, now);
  return (
    <tr>
      <td>
        <strong>{grant.clientName}</strong>
        <div className="muted small">
          {grant.redirect}, let in <Time at={grant.createdAt} />
        </div>
      </td>
      <td>
        <Badge tone={state.tone}>{state.label}</Badge>
      </td>
      <td className="optional-column">{mayDo(grant.scopes)}</td>
      <td className="optional-column">
        {grant.lastUsedAt ? <Time at={grant.lastUsedAt} /> : "Never"}
      </td>
      <td className="actions">
        {state.live && (
          <Button
            size="small"
            aria-label={`Shut out ${grant.clientName}`}
            onClick={() => onEnd(grant)}
          >
            Shut out
          </Button>
        )}
      </td>
    </tr>
  );
}

function EndDialog({ grant, onClose }: { grant: ClientGrantRowFragment; onClose: () => void }) {
  const [{ data, error, fetching }, revoke] = useMutation(RevokeClientGrant);
  const reasons = data?.revokeClientGrant.userErrors.map((reason) => reason.message) ?? [];
  const submit = async () => {
    const result = await revoke({ input: { id: grant.id } });
    if (result.data?.revokeClientGrant.clientGrant) onClose();
  };
  return (
    <Dialog title={`Shut out “${grant.clientName}”?`} onClose={onClose}>
      <p>
        It is refused within two seconds. It can ask again, and you will be shown what it asks for.
      </p>
      <FailureNote error={error} reasons={reasons} />
      <div className="dialog-foot">
        <Button onClick={onClose}>Keep it</Button>
        <Button kind="danger" busy={fetching} onClick={submit}>
          Shut out
        </Button>
      </div>
    </Dialog>
  );
}
