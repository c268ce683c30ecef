import { useEffect, useRef } from "react";
import type { CombinedError } from "urql";

import { Button } from "../Button/Button";
import { Callout } from "../Callout/Callout";
import { FailureNote } from "../FailureNote/FailureNote";
import { Field } from "../Field/Field";
import { SchemaForm } from "../SchemaForm/SchemaForm";
import type { SortedErrors } from "../SchemaForm/userErrors";
import type { FormValues } from "../SchemaForm/values";
import { INTERVALS, type WizardFields, type WizardForm } from "./wizard";

interface Props {
  fields: WizardFields;
  syncs: boolean;
  form: WizardForm;
  secrets: FormValues;
  errors: SortedErrors;
  busy: boolean;
  failure: CombinedError | undefined;
  onForm: (form: WizardForm) => void;
  onSecrets: (secrets: FormValues) => void;
  onNext: () => void;
}

function countOf(errors: SortedErrors): number {
  return [errors.config, errors.credential, errors.own].flatMap(Object.keys).length;
}

export function ConfigureStep(props: Props) {
  const { fields, form, secrets, errors, onForm } = props;
  const wrong = countOf(errors);
  const element = useRef<HTMLFormElement>(null);
  useEffect(() => {
    // The first field in need of a look is where the next keystroke belongs.
    if (countOf(errors) > 0) element.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [errors]);
  return (
    <form
      ref={element}
      className="stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        props.onNext();
      }}
    >
      {wrong > 0 && (
        <Callout tone="bad" live>
          <p>{wrong === 1 ? "Check the marked field." : `Check the ${wrong} marked fields.`}</p>
        </Callout>
      )}
      {fields.config.length > 0 && (
        <section className="card stack" aria-labelledby="settings">
          <h2 id="settings">Settings</h2>
          <SchemaForm
            fields={fields.config}
            values={form.config}
            errors={errors.config}
            onChange={(config) => onForm({ ...form, config })}
          />
        </section>
      )}
      {fields.credential.length > 0 && (
        <section className="card stack" aria-labelledby="credential">
          <div>
            <h2 id="credential">Credential</h2>
            <p className="muted small">
              Encrypted before it is stored, and never shown again: not to you, not to anybody.
            </p>
          </div>
          <SchemaForm
            fields={fields.credential}
            values={secrets}
            errors={errors.credential}
            onChange={props.onSecrets}
          />
        </section>
      )}
      <Naming form={form} syncs={props.syncs} errors={errors} onForm={onForm} />
      <FailureNote error={props.failure} reasons={errors.whole} />
      <div className="dialog-foot">
        <Button kind="primary" type="submit" busy={props.busy}>
          {props.busy ? "Testing the connection…" : "Test the connection"}
        </Button>
      </div>
    </form>
  );
}

function Naming({ form, syncs, errors, onForm }: Pick<Props, "form" | "syncs" | "errors" | "onForm">) {
  return (
    <section className="card stack" aria-labelledby="naming">
      <h2 id="naming">In your organisation</h2>
      <Field label="Name" hint="What people see." error={errors.own["displayName"]} required>
        {(control) => (
          <input
            {...control}
            className="input"
            name="displayName"
            maxLength={80}
            autoComplete="off"
            value={form.displayName}
            onChange={(event) => onForm({ ...form, displayName: event.target.value })}
          />
        )}
      </Field>
      <Field
        label="Tool prefix"
        hint="AI clients see its tools as prefix__tool. Made from the connector's name if you leave it empty; it never changes later."
        error={errors.own["alias"]}
      >
        {(control) => (
          <input
            {...control}
            className="input input-mono"
            name="alias"
            maxLength={24}
            autoComplete="off"
            spellCheck={false}
            value={form.alias}
            onChange={(event) => onForm({ ...form, alias: event.target.value })}
          />
        )}
      </Field>
      {syncs && (
        <Field label="Sync" error={errors.own["syncIntervalSeconds"]} required>
          {(control) => (
            <select
              {...control}
              className="input"
              value={form.interval}
              onChange={(event) => onForm({ ...form, interval: event.target.value })}
            >
              {INTERVALS.map(([seconds, label]) => (
                <option key={seconds} value={seconds}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
    </section>
  );
}
