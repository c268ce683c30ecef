import type { InstallStatus, RunState } from "../../gql/graphql";
import { Badge, type Tone } from "../Badge/Badge";
import { isLive, RUN_STATES } from "../SyncProgress/progress";

export function RunBadge({ state }: { state: RunState }) {
  const { name, tone } = RUN_STATES[state];
  return (
    <Badge tone={tone} dot busy={isLive(state)}>
      {name}
    </Badge>
  );
}

const STATUS: Readonly<Record<InstallStatus, { name: string; tone: Tone }>> = {
  ACTIVE: { name: "Active", tone: "good" },
  PAUSED: { name: "Paused", tone: "neutral" },
  NEEDS_REAUTH: { name: "Needs a new credential", tone: "warn" },
};

export function StatusBadge({ status }: { status: InstallStatus }) {
  const { name, tone } = STATUS[status];
  return (
    <Badge tone={tone} dot>
      {name}
    </Badge>
  );
}
