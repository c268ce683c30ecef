import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation } from "urql";

import { type FragmentType, graphql, readFragment } from "../../gql";
import type { RemoveInstallFragment } from "../../gql/graphql";
import { Button } from "../Button/Button";
import { Dialog } from "../Dialog/Dialog";
import { FailureNote } from "../FailureNote/FailureNote";
import { Icon } from "../Icon/Icon";

export const RemoveInstallFields = graphql(`
  fragment RemoveInstall on Install {
    id
    displayName
    alias
    recordCount
    hasCredential
  }
`);

const RemoveInstallDocument = graphql(`
  mutation RemoveInstall($input: RemoveInstallInput!) {
    removeInstall(input: $input) {
      removedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export function RemoveInstall(props: { install: FragmentType<typeof RemoveInstallFields> }) {
  const install = readFragment(RemoveInstallFields, props.install);
  const [asking, setAsking] = useState(false);
  return (
    <section className="card row row-between" aria-labelledby="remove">
      <div>
        <h2 id="remove">Remove</h2>
        <p className="muted">Deletes the install, its credential and its records.</p>
      </div>
      <Button onClick={() => setAsking(true)}>
        <Icon name="trash" /> Remove…
      </Button>
      {asking && <RemoveDialog install={install} onClose={() => setAsking(false)} />}
    </section>
  );
}

interface DialogProps {
  install: RemoveInstallFragment;
  onClose: () => void;
}

function RemoveDialog({ install, onClose }: DialogProps) {
  const navigate = useNavigate();
  const [{ data, error, fetching }, remove] = useMutation(RemoveInstallDocument);
  const reasons = data?.removeInstall.userErrors.map((reason) => reason.message) ?? [];
  const submit = async () => {
    const result = await remove({ input: { id: install.id } }, { additionalTypenames: ["Install"] });
    if (result.data?.removeInstall.removedId) await navigate({ to: "/installs" });
  };
  return (
    <Dialog title={`Remove “${install.displayName}”?`} onClose={onClose}>
      <div className="stack stack-s">
        <p>This is deleted at once and cannot be restored:</p>
        <ul>
          <li>
            <strong>{install.recordCount.toLocaleString("en")}</strong> synced records and their
            search index
          </li>
          {install.hasCredential && <li>the stored credential</li>}
          <li>the settings and the sync history</li>
          <li>
            its tools, <code>{install.alias}__…</code>, from every connected client
          </li>
        </ul>
        <p className="muted">
          Nothing is changed in the system that it was connected to. The audit log keeps that it was
          here.
        </p>
      </div>
      <FailureNote error={error} reasons={reasons} />
      <div className="dialog-foot">
        <Button onClick={onClose}>Keep it</Button>
        <Button kind="danger" busy={fetching} onClick={submit}>
          Remove for good
        </Button>
      </div>
    </Dialog>
  );
}
