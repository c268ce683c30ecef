import type { FieldSpec, Scalar } from "./schema";

/**
 * What a form holds while somebody types: numbers and JSON stay text until they are valid, an empty text is
 * "not given".
 */
export type FormValue = string | boolean | string[] | FormValues;
export interface FormValues {
  [name: string]: FormValue;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value, null, 2) : String(value);
}

function initialValue(field: FieldSpec, given: unknown): FormValue {
  const value = given === undefined ? field.fallback : given;
  switch (field.kind) {
    case "group":
      return initialValues(field.fields, value);
    case "boolean":
      return value === true;
    case "list":
    case "choices":
      return Array.isArray(value) ? value.map(asText) : [];
    default:
      return asText(value);
  }
}

/** The form's state for stored settings, or for the defaults where nothing is stored. */
export function initialValues(fields: readonly FieldSpec[], stored: unknown): FormValues {
  const record = isRecord(stored) ? stored : {};
  return Object.fromEntries(
    fields.map((field) => [field.name, initialValue(field, record[field.name])]),
  );
}

function choiceValue(field: FieldSpec, typed: string): Scalar {
  return field.choices.find((choice) => String(choice.value) === typed)?.value ?? typed;
}

function parsedJson(typed: string): unknown {
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}

function textToJson(field: FieldSpec, typed: string): unknown {
  // A secret is taken exactly as given: spaces may belong to it.
  const value = field.kind === "secret" ? typed : typed.trim();
  if (value === "") return undefined;
  switch (field.kind) {
    case "integer":
    case "number": {
      const parsed = Number(value);
      return Number.isFinite(parsed) ? parsed : value;
    }
    case "choice":
      return choiceValue(field, value);
    case "json":
      return parsedJson(value);
    default:
      return value;
  }
}

function listToJson(field: FieldSpec, typed: readonly string[]): unknown {
  const items =
    field.kind === "choices"
      ? typed.map((value) => choiceValue(field, value))
      : typed.flatMap((value) => textToJson(field.item ?? field, value) ?? []);
  return items.length > 0 || field.required ? items : undefined;
}

function toJsonValue(field: FieldSpec, value: FormValue | undefined): unknown {
  if (typeof value === "string") return textToJson(field, value);
  if (Array.isArray(value)) return listToJson(field, value);
  if (typeof value === "object") {
    return isLeftOut(field, value) ? undefined : toJson(field.fields, value);
  }
  return value;
}

/** Whether an optional group is as it was at the start: then it is not given, whatever it would require inside. */
export function isLeftOut(field: FieldSpec, values: FormValues): boolean {
  const untouched = initialValues(field.fields, field.fallback);
  return !field.required && JSON.stringify(values) === JSON.stringify(untouched);
}

/** What goes to the API: what was not given is left out, so that the connector's default holds. */
export function toJson(fields: readonly FieldSpec[], values: FormValues): Record<string, unknown> {
  const entries = fields.map((field) => [field.name, toJsonValue(field, values[field.name])]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** A copy of `values` with one field changed. */
export function withValue(
  values: FormValues,
  path: readonly string[],
  value: FormValue,
): FormValues {
  const [name, ...rest] = path;
  if (name === undefined) return values;
  if (rest.length === 0) return { ...values, [name]: value };
  const inner = values[name];
  const group = typeof inner === "object" && !Array.isArray(inner) ? inner : {};
  return { ...values, [name]: withValue(group, rest, value) };
}
