import { Fragment, useState } from "react";

import { type FragmentType, graphql, readFragment } from "../../gql";
import type { AuditOutcome, AuditRowFragment } from "../../gql/graphql";
import { Badge, type Tone } from "../Badge/Badge";
import { Button } from "../Button/Button";
import { CodeBlock } from "../CodeBlock/CodeBlock";
import { Dialog } from "../Dialog/Dialog";
import { Time } from "../Time/Time";

export const AuditRowFields = graphql(`
  fragment AuditRow on AuditEvent {
    id
    at
    actor
    action
    target
    outcome
    requestId
    detail
  }
`);

const OUTCOMES: Readonly<Record<AuditOutcome, { name: string; tone: Tone }>> = {
  SUCCEEDED: { name: "Done", tone: "good" },
  DENIED: { name: "Denied", tone: "warn" },
  FAILED: { name: "Failed", tone: "bad" },
};

interface Props {
  events: ReadonlyArray<FragmentType<typeof AuditRowFields> & { id: string }>;
  /** Names of what the ids mean, as far as they are known: removed things keep their id alone. */
  names: ReadonlyMap<string, string>;
}

function Outcome({ outcome }: { outcome: AuditOutcome }) {
  const { name, tone } = OUTCOMES[outcome];
  return <Badge tone={tone}>{name}</Badge>;
}

export function AuditTable({ events, names }: Props) {
  const [open, setOpen] = useState<AuditRowFragment | null>(null);
  return (
    <div className="card card-flush table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th scope="col" className="optional-column">
              When
            </th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col" className="optional-column">
              On
            </th>
            <th scope="col">Outcome</th>
            <th scope="col">
              <span className="visually-hidden">Details</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {events.map((reference) => {
            const event = readFragment(AuditRowFields, reference);
            return (
              <tr key={event.id}>
                <td className="optional-column">
                  <Time at={event.at} />
                </td>
                <td>
                  <Name id={event.actor} names={names} />
                </td>
                <td>
                  <Action name={event.action} />
                  <div className="narrow-only muted small">
                    <Time at={event.at} />
                  </div>
                </td>
                <td className="optional-column">
                  <Name id={event.target} names={names} />
                </td>
                <td>
                  <Outcome outcome={event.outcome} />
                </td>
                <td className="actions">
                  <Button
                    size="small"
                    aria-label={`Details of ${event.action}`}
                    onClick={() => setOpen(event)}
                  >
                    Details
                  </Button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {open && <Details event={open} names={names} onClose={() => setOpen(null)} />}
    </div>
  );
}

/** An action, which may break after a dot where there is little room: `install.` / `create`. */
function Action({ name }: { name: string }) {
  const [first = name, ...rest] = name.split(".");
  return (
    <code>
      {first}
      {rest.map((part) => (
        <Fragment key={part}>
          .<wbr />
          {part}
        </Fragment>
      ))}
    </code>
  );
}

/** `install:019a…` as the kind and the end, which is what differs. */
export function shortId(id: string): string {
  const [kind, rest] = id.split(":");
  return rest && rest.length > 12 ? `${kind}:…${rest.slice(-8)}` : id;
}

/** What an id means, if that is known. What Patchbay does by itself has its reason as the actor: `system:run_job`. */
export function nameOf(id: string, names: Props["names"]): string | undefined {
  const [kind, reason] = id.split(":");
  if (kind === "system" && reason) return `Patchbay (${reason.replaceAll("_", " ")})`;
  return names.get(id);
}

function Name({ id, names }: { id: string | null | undefined; names: Props["names"] }) {
  if (!id) return <span className="muted">–</span>;
  const name = nameOf(id, names);
  return name ? <span title={id}>{name}</span> : <code title={id}>{shortId(id)}</code>;
}

interface DetailsProps {
  event: AuditRowFragment;
  names: Props["names"];
  onClose: () => void;
}

function Details({ event, names, onClose }: DetailsProps) {
  return (
    <Dialog title={event.action} wide onClose={onClose}>
      <dl className="facts">
        <dt>When</dt>
        <dd>{new Date(event.at).toLocaleString()}</dd>
        <dt>Who</dt>
        <dd>
          {nameOf(event.actor, names)} <code>{event.actor}</code>
        </dd>
        <dt>On</dt>
        <dd>
          {event.target ? (
            <>
              {nameOf(event.target, names)} <code>{event.target}</code>
            </>
          ) : (
            "–"
          )}
        </dd>
        <dt>Outcome</dt>
        <dd>
          <Outcome outcome={event.outcome} />
        </dd>
        <dt>Request</dt>
        <dd>
          <code>{event.requestId}</code>
        </dd>
      </dl>
      <CodeBlock code={JSON.stringify(event.detail, null, 2)} label="details as JSON" />
    </Dialog>
  );
}
