import { Field } from "../Field/Field";
import { INTERVALS } from "../InstallWizard/wizard";
import type { FieldErrors } from "../SchemaForm/validate";
import type { SettingsValues } from "./settings";

interface Props {
  form: SettingsValues;
  syncs: boolean;
  errors: FieldErrors;
  onChange: (form: SettingsValues) => void;
}

export function NamingFields({ form, syncs, errors, onChange }: Props) {
  const known = INTERVALS.some(([seconds]) => seconds === form.interval);
  return (
    <>
      <Field label="Name" error={errors["displayName"]} required>
        {(control) => (
          <input
            {...control}
            className="input"
            name="displayName"
            maxLength={80}
            autoComplete="off"
            value={form.displayName}
            onChange={(event) => onChange({ ...form, displayName: event.target.value })}
          />
        )}
      </Field>
      {syncs && (
        <Field label="Sync" error={errors["syncIntervalSeconds"]} required>
          {(control) => (
            <select
              {...control}
              className="input"
              value={form.interval}
              onChange={(event) => onChange({ ...form, interval: event.target.value })}
            >
              {!known && <option value={form.interval}>Every {form.interval} seconds</option>}
              {INTERVALS.map(([seconds, label]) => (
                <option key={seconds} value={seconds}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
    </>
  );
}
