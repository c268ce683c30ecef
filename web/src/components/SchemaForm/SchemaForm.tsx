import { useState } from "react";

import { SchemaField } from "./SchemaField";
import type { FieldSpec } from "./schema";
import { type FieldErrors, pathKey, problemOf } from "./validate";
import { type FormValue, type FormValues, withValue } from "./values";

interface Props {
  fields: readonly FieldSpec[];
  values: FormValues;
  errors: FieldErrors;
  onChange: (values: FormValues) => void;
  /** Secrets are write-only: says what an empty secret field means, for instance that the stored one stays. */
  secretHint?: string;
}

/** From this many fields on, optional ones that have a default wait behind a fold. */
const FOLD_FROM = 5;

function split(fields: readonly FieldSpec[]): [FieldSpec[], FieldSpec[]] {
  const folds = fields.length >= FOLD_FROM;
  const hidden = fields.filter((field) => folds && !field.required && field.fallback !== undefined);
  return [fields.filter((field) => !hidden.includes(field)), hidden];
}

function isWrong(field: FieldSpec, errors: FieldErrors): boolean {
  return Boolean(errors[pathKey(field.path)]) || field.fields.some((inner) => isWrong(inner, errors));
}

/** A form made from a connector's schema. It holds nothing: values and errors belong to the page. */
export function SchemaForm({ fields, values, errors, onChange, secretHint }: Props) {
  const [local, setLocal] = useState<FieldErrors>({});
  const [judged, setJudged] = useState(errors);
  if (judged !== errors) {
    // A new verdict on the whole form replaces what was found field by field since the last one.
    setJudged(errors);
    setLocal({});
  }
  const [shown, folded] = split(fields);
  const all = { ...errors, ...local };

  const change = (field: FieldSpec, value: FormValue) => {
    // A mended field stops complaining at once; a new complaint waits until the field is left.
    const key = pathKey(field.path);
    if (key in all) setLocal({ ...local, [key]: problemOf(field, value) ?? "" });
    onChange(withValue(values, field.path, value));
  };
  const leave = (field: FieldSpec, value: FormValue) => {
    if (value === "") return;
    setLocal({ ...local, [pathKey(field.path)]: problemOf(field, value) ?? "" });
  };
  const render = (field: FieldSpec) => (
    <SchemaField
      key={field.name}
      field={field}
      value={values[field.name]}
      errors={all}
      onChange={change}
      onLeave={leave}
      secretHint={secretHint}
    />
  );
  const wrongInside = folded.some((field) => isWrong(field, all));

  return (
    <div className="stack">
      {shown.map(render)}
      {folded.length > 0 && (
        <details open={wrongInside || undefined} className="fold">
          <summary>More settings ({folded.length}), all with sensible defaults</summary>
          <div className="stack">{folded.map(render)}</div>
        </details>
      )}
    </div>
  );
}
