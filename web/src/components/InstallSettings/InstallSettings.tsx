import { type FormEvent, useMemo, useState } from "react";
import { useMutation } from "urql";

import { type FragmentType, graphql, readFragment } from "../../gql";
import type { InstallSettingsFragment } from "../../gql/graphql";
import { clearDraft, useDraft } from "../../session/draft";
import { Button } from "../Button/Button";
import { Callout } from "../Callout/Callout";
import { FailureNote } from "../FailureNote/FailureNote";
import { fieldsOfConnector, type WizardFields } from "../InstallWizard/wizard";
import { RemoveInstall } from "../RemoveInstall/RemoveInstall";
import { SchemaForm } from "../SchemaForm/SchemaForm";
import { type SortedErrors, sortUserErrors } from "../SchemaForm/userErrors";
import { validate } from "../SchemaForm/validate";
import { type FormValues, initialValues } from "../SchemaForm/values";
import { NamingFields } from "./NamingFields";
import { changesOf, initialSettings, secretErrors } from "./settings";

export const InstallSettingsFields = graphql(`
  fragment InstallSettings on Install {
    id
    displayName
    config
    hasCredential
    syncIntervalSeconds
    version
    recordCount
    connector {
      id
      syncs
      configSchema
      credentialSchema
    }
    ...RemoveInstall
  }
`);

const UpdateInstall = graphql(`
  mutation UpdateInstall($input: UpdateInstallInput!) {
    updateInstall(input: $input) {
      install {
        id
        ...InstallSettings
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const OWN = ["displayName", "syncIntervalSeconds"];
const NO_ERRORS: SortedErrors = { config: {}, credential: {}, own: {}, whole: [] };

export function InstallSettings(props: { install: FragmentType<typeof InstallSettingsFields> }) {
  const install = readFragment(InstallSettingsFields, props.install);
  const fields = useMemo(() => fieldsOfConnector(install.connector), [install.connector]);
  // Kept here because saving makes a new version, and that a new form.
  const [saved, setSaved] = useState(false);
  return (
    <div className="stack">
      {/* A new version is a new form: what was stored in the meantime is not silently overwritten. */}
      <SettingsForm
        key={install.version}
        install={install}
        fields={fields}
        saved={saved}
        onSaved={setSaved}
      />
      <RemoveInstall install={install} />
    </div>
  );
}

interface FormProps {
  install: InstallSettingsFragment;
  fields: WizardFields;
  saved: boolean;
  onSaved: (saved: boolean) => void;
}

function useSettings({ install, fields, onSaved }: FormProps) {
  const draft = `settings.${install.id}.${install.version}`;
  const [form, setForm] = useDraft(draft, initialSettings(install, fields));
  const [secrets, setSecrets] = useState<FormValues>(() => initialValues(fields.credential, {}));
  const [errors, setErrors] = useState<SortedErrors>(NO_ERRORS);
  const [result, update] = useMutation(UpdateInstall);

  const save = async (event: FormEvent) => {
    event.preventDefault();
    onSaved(false);
    const name = form.displayName.trim();
    const found: SortedErrors = {
      config: validate(fields.config, form.config),
      credential: secretErrors(fields, secrets),
      own: name === "" ? { displayName: "Give it a name." } : {},
      whole: [],
    };
    setErrors(found);
    if ([found.config, found.credential, found.own].flatMap(Object.keys).length > 0) return;
    const { data } = await update({ input: changesOf(install, fields, form, secrets) });
    setErrors(sortUserErrors(data?.updateInstall.userErrors ?? [], OWN));
    if (data?.updateInstall.install) {
      clearDraft(draft);
      setSecrets(initialValues(fields.credential, {}));
      onSaved(true);
    }
  };
  return { form, setForm, secrets, setSecrets, errors, result, save };
}

function SettingsForm(props: FormProps) {
  const { install, fields } = props;
  const { form, setForm, secrets, setSecrets, errors, result, save } = useSettings(props);
  return (
    <form className="stack" onSubmit={save} noValidate>
      <section className="card stack" aria-labelledby="naming">
        <h2 id="naming">In your organisation</h2>
        <NamingFields
          form={form}
          syncs={install.connector.syncs}
          errors={errors.own}
          onChange={setForm}
        />
      </section>
      {fields.config.length > 0 && (
        <section className="card stack" aria-labelledby="settings">
          <h2 id="settings">Settings</h2>
          <SchemaForm
            fields={fields.config}
            values={form.config}
            errors={errors.config}
            onChange={(config) => setForm({ ...form, config })}
          />
        </section>
      )}
      {fields.credential.length > 0 && (
        <section className="card stack" aria-labelledby="credential">
          <h2 id="credential">{install.hasCredential ? "New credential" : "Credential"}</h2>
          <SchemaForm
            fields={fields.credential}
            values={secrets}
            errors={errors.credential}
            onChange={setSecrets}
            secretHint={install.hasCredential ? "Leave empty to keep the stored one." : ""}
          />
        </section>
      )}
      <FailureNote error={result.error} reasons={errors.whole} />
      {props.saved && (
        <Callout tone="good" live>
          <p>Saved.</p>
        </Callout>
      )}
      <div className="dialog-foot">
        <Button kind="primary" type="submit" busy={result.fetching}>
          Save changes
        </Button>
      </div>
    </form>
  );
}
