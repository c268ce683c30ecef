import { type ReactNode, useId } from "react";

import { Field, FieldError, type ControlProps } from "../Field/Field";
import { InlineMarkdown } from "../Markdown/Markdown";
import { ListField } from "./ListField";
import type { FieldSpec } from "./schema";
import { type FieldErrors, pathKey } from "./validate";
import type { FormValue } from "./values";

export interface SchemaFieldProps {
  field: FieldSpec;
  value: FormValue | undefined;
  errors: FieldErrors;
  onChange: (field: FieldSpec, value: FormValue) => void;
  onLeave: (field: FieldSpec, value: FormValue) => void;
  secretHint?: string | undefined;
}

/** One field of a schema, by its kind. */
export function SchemaField(props: SchemaFieldProps) {
  const { field, value, errors } = props;
  switch (field.kind) {
    case "group":
      return <GroupField {...props} />;
    case "boolean":
      return <CheckField {...props} />;
    case "choices":
      return <ChoicesField {...props} />;
    case "list":
      return (
        <ListField
          field={field}
          values={Array.isArray(value) ? value : []}
          error={errors[pathKey(field.path)]}
          onChange={(values) => props.onChange(field, values)}
        />
      );
    default:
      return <PlainField {...props} />;
  }
}

function hintOf(field: FieldSpec, secretHint: string | undefined): ReactNode {
  const extra = field.kind === "secret" ? secretHint : undefined;
  const hint = [field.description, extra].filter(Boolean).join(" ");
  return hint && <InlineMarkdown text={hint} />;
}

function PlainField(props: SchemaFieldProps) {
  const { field, errors, secretHint } = props;
  return (
    <Field
      label={field.title}
      hint={hintOf(field, secretHint)}
      error={errors[pathKey(field.path)]}
      required={field.required && !(field.kind === "secret" && secretHint)}
    >
      {(control) => <Control {...props} control={control} />}
    </Field>
  );
}

function Control({
  field,
  value,
  onChange,
  onLeave,
  control,
}: SchemaFieldProps & { control: ControlProps }) {
  const typed = typeof value === "string" ? value : "";
  const shared = {
    ...control,
    name: field.name,
    value: typed,
    onBlur: () => onLeave(field, typed),
  };
  if (field.kind === "choice") {
    return (
      <select
        {...shared}
        className="input"
        onChange={(event) => onChange(field, event.target.value)}
      >
        {(!field.required || typed === "") && <option value="">Not set</option>}
        {field.choices.map((choice) => (
          <option key={String(choice.value)} value={String(choice.value)}>
            {choice.label}
          </option>
        ))}
      </select>
    );
  }
  if (field.kind === "multiline" || field.kind === "json") {
    return (
      <textarea
        {...shared}
        className={field.kind === "json" ? "input input-mono" : "input"}
        spellCheck={field.kind === "multiline"}
        onChange={(event) => onChange(field, event.target.value)}
      />
    );
  }
  const numeric = field.kind === "integer" || field.kind === "number";
  return (
    <input
      {...shared}
      className="input"
      type={field.kind === "secret" ? "password" : "text"}
      inputMode={numeric ? "decimal" : undefined}
      autoComplete={field.kind === "secret" ? "new-password" : "off"}
      spellCheck={false}
      placeholder={field.example ?? undefined}
      onChange={(event) => onChange(field, event.target.value)}
    />
  );
}

function CheckField({ field, value, errors, onChange }: SchemaFieldProps) {
  const id = useId();
  const error = errors[pathKey(field.path)];
  return (
    <div className="check">
      <input
        id={id}
        name={field.name}
        type="checkbox"
        checked={value === true}
        aria-describedby={field.description ? `${id}-hint` : undefined}
        onChange={(event) => onChange(field, event.target.checked)}
      />
      <label htmlFor={id} className="field-label">
        {field.title}
      </label>
      {field.description && (
        <span className="field-hint" id={`${id}-hint`}>
          <InlineMarkdown text={field.description} />
        </span>
      )}
      {error && <FieldError message={error} />}
    </div>
  );
}

function ChoicesField({ field, value, errors, onChange }: SchemaFieldProps) {
  const chosen = Array.isArray(value) ? value : [];
  const error = errors[pathKey(field.path)];
  return (
    <fieldset className="field">
      <legend>{field.title}</legend>
      {field.description && (
        <span className="field-hint">
          <InlineMarkdown text={field.description} />
        </span>
      )}
      <div className="chips">
        {field.choices.map((choice) => {
          const key = String(choice.value);
          return (
            <label key={key} className="chip">
              <input
                type="checkbox"
                checked={chosen.includes(key)}
                onChange={(event) =>
                  onChange(
                    field,
                    event.target.checked
                      ? [...chosen, key]
                      : chosen.filter((other) => other !== key),
                  )
                }
              />{" "}
              {choice.label}
            </label>
          );
        })}
      </div>
      {error && <FieldError message={error} />}
    </fieldset>
  );
}

function GroupField(props: SchemaFieldProps) {
  const { field, value } = props;
  const inner = typeof value === "object" && !Array.isArray(value) ? value : {};
  return (
    <fieldset className="fieldset">
      <legend>{field.title}</legend>
      <div className="stack">
        {field.description && (
          <p className="field-hint">
            <InlineMarkdown text={field.description} />
          </p>
        )}
        {field.fields.map((child) => (
          <SchemaField key={child.name} {...props} field={child} value={inner[child.name]} />
        ))}
      </div>
    </fieldset>
  );
}
