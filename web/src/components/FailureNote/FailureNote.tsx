import type { CombinedError } from "urql";

import { failureOf } from "../../api/failure";
import { Callout } from "../Callout/Callout";

interface Props {
  error: CombinedError | undefined;
  /** Expected reasons (`userErrors`) that belong to no field on the page. */
  reasons?: readonly string[];
}

const NONE: readonly string[] = [];

/** Why something that was just asked for did not happen. */
export function FailureNote({ error, reasons = NONE }: Props) {
  const failure = error ? failureOf(error) : null;
  if (!failure && reasons.length === 0) return null;
  return (
    <Callout tone="bad" live>
      {reasons.map((reason) => (
        <p key={reason}>{reason}</p>
      ))}
      {failure && <p>{failure.message}</p>}
      {failure?.requestId && (
        <p className="small">
          Request <code>{failure.requestId}</code>
        </p>
      )}
    </Callout>
  );
}
