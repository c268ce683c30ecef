import { useApi } from "../../api/useApi";
import { graphql } from "../../gql";
import type { Role } from "../../gql/graphql";
import { Field, FieldError } from "../Field/Field";
import { ROLES } from "../roles";

const InstallChoices = graphql(`
  query InstallChoices {
    installs(first: 100) {
      nodes {
        id
        displayName
      }
    }
  }
`);

export interface KeyForm {
  name: string;
  role: string;
  /** How long it lives; empty is for ever. */
  days: string;
  /** Whether it reaches all installs, also later ones. */
  everything: boolean;
  installs: string[];
}

interface Props {
  form: KeyForm;
  errors: Readonly<Record<string, string>>;
  onChange: (form: KeyForm) => void;
}

const LIFETIMES = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "One year"],
  ["", "Never"],
] as const;

/** A key for a client should be able to use things, not to run the organisation; so an owner's key is not offered. */
const KEY_ROLES: readonly Role[] = ["VIEWER", "MEMBER", "CONNECTOR_MANAGER", "ADMIN"];

export function ApiKeyFields({ form, errors, onChange }: Props) {
  return (
    <>
      <Field label="Name" hint="What uses it, for instance “Cursor on my laptop”."
        error={errors["name"]} required>
        {(control) => (
          <input
            {...control}
            className="input"
            value={form.name}
            maxLength={80}
            autoComplete="off"
            onChange={(event) => onChange({ ...form, name: event.target.value })}
          />
        )}
      </Field>
      <Field label="Role" error={errors["role"]} required>
        {(control) => (
          <select
            {...control}
            className="input"
            value={form.role}
            onChange={(event) => onChange({ ...form, role: event.target.value })}
          >
            {KEY_ROLES.map((role) => (
              <option key={role} value={role}>
                {ROLES[role].name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Expires" error={errors["expiresInDays"]} required>
        {(control) => (
          <select
            {...control}
            className="input"
            value={form.days}
            onChange={(event) => onChange({ ...form, days: event.target.value })}
          >
            {LIFETIMES.map(([days, label]) => (
              <option key={days} value={days}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Reach form={form} errors={errors} onChange={onChange} />
    </>
  );
}

function Reach({ form, errors, onChange }: Props) {
  const { data } = useApi(InstallChoices, {}, { pause: form.everything });
  const toggle = (id: string, on: boolean) => {
    const others = form.installs.filter((install) => install !== id);
    onChange({ ...form, installs: on ? [...others, id] : others });
  };
  return (
    <fieldset className="field">
      <legend>Reaches</legend>
      <label className="row">
        <input
          type="radio"
          name="reach"
          checked={form.everything}
          onChange={() => onChange({ ...form, everything: true })}
        />
        All installs, also later ones
      </label>
      <label className="row">
        <input
          type="radio"
          name="reach"
          checked={!form.everything}
          onChange={() => onChange({ ...form, everything: false })}
        />
        Only some installs
      </label>
      {!form.everything && (
        <div className="chips">
          {data?.installs.nodes.map((install) => (
            <label key={install.id} className="chip">
              <input
                type="checkbox"
                checked={form.installs.includes(install.id)}
                onChange={(event) => toggle(install.id, event.target.checked)}
              />{" "}
              {install.displayName}
            </label>
          ))}
        </div>
      )}
      {errors["installIds"] && <FieldError message={errors["installIds"]} />}
    </fieldset>
  );
}
