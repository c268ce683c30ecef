/**
 * Reads a connector's JSON Schema (2020-12) into the fields of a form.
 *
 * Covers what connector forms are made of: text, secrets, numbers, switches, choices, lists and groups. Anything
 * else becomes a field for raw JSON, so that no connector is impossible to install.
 */
export type Scalar = string | number | boolean;

export interface Choice {
  value: Scalar;
  label: string;
}

export type FieldKind =
  | "text"
  | "multiline"
  | "secret"
  | "number"
  | "integer"
  | "boolean"
  | "choice"
  | "list"
  | "choices"
  | "group"
  | "json";

export interface FieldSpec {
  name: string;
  path: readonly string[];
  kind: FieldKind;
  title: string;
  description: string | null;
  required: boolean;
  fallback: unknown;
  choices: readonly Choice[];
  fields: readonly FieldSpec[];
  item: FieldSpec | null;
  minimum: number | null;
  maximum: number | null;
  exclusiveMinimum: number | null;
  exclusiveMaximum: number | null;
  minLength: number | null;
  maxLength: number | null;
  minItems: number | null;
  pattern: string | null;
  format: string | null;
  example: string | null;
  /** The connector's own sentence for a text that does not fit its pattern (`x-message`). */
  patternMessage: string | null;
}

type Json = Readonly<Record<string, unknown>>;

/** Longer than any path, address or name: such texts are certificates, keys and prose. */
const LONG_TEXT = 4_000;
const MAX_DEPTH = 8;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function isScalar(value: unknown): value is Scalar {
  return ["string", "number", "boolean"].includes(typeof value);
}

/** `api_token` to `Api token`, for schemas that forgot a title. */
function titleOf(name: string): string {
  const words = name.replaceAll(/[_-]+/gu, " ").replaceAll(/([a-z])([A-Z])/gu, "$1 $2");
  return words.slice(0, 1).toUpperCase() + words.slice(1).toLowerCase();
}

/** Follows `$ref` inside the document and drops the `null` of an optional type. */
function resolve(schema: unknown, root: Json, depth = 0): Json {
  if (!isObject(schema) || depth > MAX_DEPTH) return {};
  const reference = text(schema["$ref"]);
  if (reference?.startsWith("#/")) {
    let target: unknown = root;
    for (const part of reference.slice(2).split("/")) {
      target = isObject(target) ? target[part] : undefined;
    }
    return { ...resolve(target, root, depth + 1), ...withoutKey(schema, "$ref") };
  }
  const variants = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(variants)) {
    const real = variants.filter((variant) => !(isObject(variant) && variant["type"] === "null"));
    if (real.length === 1) {
      const rest = withoutKey(withoutKey(schema, "anyOf"), "oneOf");
      return { ...resolve(real[0], root, depth + 1), ...rest };
    }
  }
  return schema;
}

function withoutKey(schema: Json, key: string): Json {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== key));
}

function typeOf(schema: Json): string | null {
  const type = schema["type"];
  if (Array.isArray(type)) return text(type.find((name) => name !== "null"));
  return text(type);
}

function choicesOf(schema: Json): Choice[] {
  if (Array.isArray(schema["enum"])) {
    return schema["enum"].filter(isScalar).map((value) => ({ value, label: String(value) }));
  }
  const variants = schema["oneOf"] ?? schema["anyOf"];
  if (!Array.isArray(variants)) return [];
  const choices = variants.flatMap((variant): Choice[] => {
    if (!isObject(variant) || !isScalar(variant["const"])) return [];
    const value = variant["const"];
    return [{ value, label: text(variant["title"]) ?? String(value) }];
  });
  return choices.length === variants.length ? choices : [];
}

function kindOf(schema: Json, choices: readonly Choice[], root: Json): FieldKind {
  if (choices.length > 0) return "choice";
  switch (typeOf(schema)) {
    case "string": {
      if (schema["format"] === "password" || schema["writeOnly"] === true) return "secret";
      const long = (number(schema["maxLength"]) ?? 0) > LONG_TEXT;
      return long || schema["format"] === "multiline" ? "multiline" : "text";
    }
    case "integer":
      return "integer";
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "array": {
      const items = resolve(schema["items"], root);
      if (choicesOf(items).length > 0) return "choices";
      const plain = ["string", "integer", "number"].includes(typeOf(items) ?? "");
      return plain ? "list" : "json";
    }
    case "object":
      return isObject(schema["properties"]) ? "group" : "json";
    default:
      return "json";
  }
}

function fieldOf(
  name: string,
  raw: unknown,
  place: { root: Json; path: readonly string[]; required: boolean },
): FieldSpec {
  const { root, path, required } = place;
  const schema = resolve(raw, root);
  const items = resolve(schema["items"], root);
  const kind = kindOf(schema, choicesOf(schema), root);
  const examples = schema["examples"];
  return {
    name,
    path,
    kind,
    required,
    title: text(schema["title"]) ?? titleOf(name),
    description: text(schema["description"]),
    fallback: schema["default"],
    choices: kind === "choices" ? choicesOf(items) : choicesOf(schema),
    fields: kind === "group" ? fieldsBelow(schema, root, path) : [],
    item: kind === "list" ? fieldOf(name, items, { root, path, required: false }) : null,
    minimum: number(schema["minimum"]),
    maximum: number(schema["maximum"]),
    exclusiveMinimum: number(schema["exclusiveMinimum"]),
    exclusiveMaximum: number(schema["exclusiveMaximum"]),
    minLength: number(schema["minLength"]),
    maxLength: number(schema["maxLength"]),
    minItems: number(schema["minItems"]),
    pattern: text(schema["pattern"]),
    format: text(schema["format"]),
    patternMessage: text(schema["x-message"]),
    example: Array.isArray(examples) && isScalar(examples[0]) ? String(examples[0]) : null,
  };
}

function fieldsBelow(schema: Json, root: Json, path: readonly string[]): FieldSpec[] {
  const properties = schema["properties"];
  if (!isObject(properties) || path.length > MAX_DEPTH) return [];
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const fields = Object.entries(properties).map(([name, property]) =>
    fieldOf(name, property, { root, path: [...path, name], required: required.includes(name) }),
  );
  // What must be filled in comes first; otherwise the connector's own order stays.
  return [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)];
}

/** The fields of a whole schema; none for a schema without properties. */
export function fieldsOf(schema: unknown): FieldSpec[] {
  return isObject(schema) ? fieldsBelow(resolve(schema, schema), schema, []) : [];
}
