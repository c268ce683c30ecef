import { useMutation } from "urql";

import { type FragmentType, graphql, readFragment } from "../../gql";
import type { RunState } from "../../gql/graphql";
import { Button } from "../Button/Button";
import { FailureNote } from "../FailureNote/FailureNote";
import { Icon } from "../Icon/Icon";
import { isLive } from "../SyncProgress/progress";

export const InstallActionsFields = graphql(`
  fragment InstallActions on Install {
    id
    status
    connector {
      id
      syncs
    }
  }
`);

const StartSync = graphql(`
  mutation StartSync($input: StartSyncInput!) {
    startSync(input: $input) {
      run {
        id
        ...SyncProgress
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const CancelSync = graphql(`
  mutation CancelSync($input: CancelSyncInput!) {
    cancelSync(input: $input) {
      run {
        id
        ...SyncProgress
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const SetStatus = graphql(`
  mutation SetStatus($input: UpdateInstallInput!) {
    updateInstall(input: $input) {
      install {
        id
        status
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
  install: FragmentType<typeof InstallActionsFields>;
  run: { id: string; state: RunState } | null;
}

/** Sync now or stop, pause or resume. */
export function InstallActions({ install: reference, run }: Props) {
  const install = readFragment(InstallActionsFields, reference);
  const [started, start] = useMutation(StartSync);
  const [cancelled, cancel] = useMutation(CancelSync);
  const [changed, change] = useMutation(SetStatus);
  const paused = install.status === "PAUSED";
  const live = run !== null && isLive(run.state);
  const reasons = [
    ...(started.data?.startSync.userErrors ?? []),
    ...(cancelled.data?.cancelSync.userErrors ?? []),
    ...(changed.data?.updateInstall.userErrors ?? []),
  ].map((reason) => reason.message);
  const setStatus = () =>
    change({ input: { id: install.id, status: paused ? "ACTIVE" : "PAUSED" } });

  return (
    <>
      {install.connector.syncs && run && live && (
        <Button busy={cancelled.fetching} onClick={() => cancel({ input: { runId: run.id } })}>
          <Icon name="cross" /> Stop sync
        </Button>
      )}
      {install.connector.syncs && !live && !paused && (
        <Button
          kind="primary"
          busy={started.fetching}
          onClick={() => start({ input: { installId: install.id } })}
        >
          <Icon name="sync" /> Sync now
        </Button>
      )}
      {install.status !== "NEEDS_REAUTH" && (
        <Button kind={paused ? "primary" : "plain"} busy={changed.fetching} onClick={setStatus}>
          {paused ? "Resume" : "Pause"}
        </Button>
      )}
      <FailureNote
        error={started.error ?? cancelled.error ?? changed.error}
        reasons={reasons}
      />
    </>
  );
}
