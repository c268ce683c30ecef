import { type FormEvent, useState } from "react";
import { useMutation } from "urql";

import { graphql } from "../../gql";
import type { CreateApiKeyMutation, Role } from "../../gql/graphql";
import { clearDraft, useDraft } from "../../session/draft";
import { Button } from "../Button/Button";
import { Callout } from "../Callout/Callout";
import { CodeBlock } from "../CodeBlock/CodeBlock";
import { Dialog } from "../Dialog/Dialog";
import { FailureNote } from "../FailureNote/FailureNote";
import { ROLES } from "../roles";
import { sortUserErrors } from "../SchemaForm/userErrors";
import { ApiKeyFields, type KeyForm } from "./ApiKeyFields";

const CreateApiKey = graphql(`
  mutation CreateApiKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      secret
      apiKey {
        id
        name
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
  suggestedName?: string;
  onCreated: (secret: string) => void;
  onClose: () => void;
}

const DRAFT = "api-key";

function inputOf(form: KeyForm) {
  const days = Number(form.days);
  return {
    name: form.name.trim(),
    role: form.role as Role,
    expiresInDays: days > 0 ? days : null,
    installIds: form.everything ? null : form.installs,
  };
}

function errorsOf(data: CreateApiKeyMutation | undefined) {
  const own = ["name", "role", "expiresInDays", "installIds"];
  return sortUserErrors(data?.createApiKey.userErrors ?? [], own);
}

/** Makes an API key and shows its text, this once. */
export function CreateApiKeyDialog({ suggestedName = "", onCreated, onClose }: Props) {
  const [form, setForm] = useDraft<KeyForm>(DRAFT, {
    name: suggestedName,
    role: "MEMBER",
    days: "90",
    everything: true,
    installs: [],
  });
  const [missing, setMissing] = useState<string | null>(null);
  const [{ data, error, fetching }, create] = useMutation(CreateApiKey);
  const secret = data?.createApiKey.secret;
  const errors = errorsOf(data);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (form.name.trim() === "") {
      setMissing("Name the key, so that you know later what uses it.");
      return;
    }
    setMissing(null);
    const result = await create({ input: inputOf(form) });
    const made = result.data?.createApiKey.secret;
    if (!made) return;
    clearDraft(DRAFT);
    onCreated(made);
  };

  if (secret) return <Created secret={secret} onClose={onClose} />;
  const name = missing ?? errors.own["name"];
  return (
    <Dialog title="Create an API key" onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        <ApiKeyFields form={form} errors={{ ...errors.own, ...(name ? { name } : {}) }} onChange={setForm} />
        <p className="muted small">
          {ROLES[form.role as Role].can} A key cannot do more than you can.
        </p>
        <FailureNote error={error} reasons={errors.whole} />
        <div className="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={fetching}>
            Create key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Created({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Dialog title="Copy your key now" onClose={onClose}>
      <Callout tone="warn">
        <p>The key is shown only this once. Patchbay stores nothing but its fingerprint.</p>
      </Callout>
      <CodeBlock code={secret} label="API key" />
      <div className="dialog-foot">
        <Button kind="primary" onClick={onClose}>
          I have copied it
        </Button>
      </div>
    </Dialog>
  );
}
