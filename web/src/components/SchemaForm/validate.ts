import type { FieldSpec } from "./schema";
import { type FormValue, type FormValues, isLeftOut } from "./values";

/** Messages by the field's path joined with dots; the empty path is the form as a whole. */
export type FieldErrors = Readonly<Record<string, string>>;

export function pathKey(path: readonly string[]): string {
  return path.join(".");
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    // The API has the last word; a pattern that only its dialect knows must not block the form.
    return true;
  }
}

function isAddress(value: string): boolean {
  try {
    return new URL(value).host !== "";
  } catch {
    return false;
  }
}

function numberProblem(field: FieldSpec, typed: string): string | null {
  const value = Number(typed);
  if (!Number.isFinite(value)) return "Enter a number.";
  if (field.kind === "integer" && !Number.isInteger(value)) return "Enter a whole number.";
  if (field.minimum !== null && value < field.minimum) return `At least ${field.minimum}.`;
  if (field.maximum !== null && value > field.maximum) return `At most ${field.maximum}.`;
  if (field.exclusiveMinimum !== null && value <= field.exclusiveMinimum) {
    return `Must be more than ${field.exclusiveMinimum}.`;
  }
  if (field.exclusiveMaximum !== null && value >= field.exclusiveMaximum) {
    return `Must be less than ${field.exclusiveMaximum}.`;
  }
  return null;
}

function textProblem(field: FieldSpec, value: string): string | null {
  const length = Array.from(value).length;
  if (field.minLength !== null && length < field.minLength) {
    return `At least ${field.minLength} characters.`;
  }
  if (field.maxLength !== null && length > field.maxLength) {
    return `At most ${field.maxLength} characters; these are ${length}.`;
  }
  if (field.format === "uri" && !isAddress(value)) {
    return "Enter a full address, such as https://example.com.";
  }
  if (field.format === "email" && !/^\S+@\S+$/u.test(value)) return "Enter an e-mail address.";
  if (field.pattern !== null && !matches(field.pattern, value)) {
    const example = field.example ? `, such as ${field.example}` : "";
    return field.patternMessage ?? `Not in the expected form${example}.`;
  }
  return null;
}

function jsonProblem(typed: string): string | null {
  try {
    JSON.parse(typed);
    return null;
  } catch {
    return "This is not valid JSON.";
  }
}

function valueProblem(field: FieldSpec, typed: string): string | null {
  const value = field.kind === "secret" ? typed : typed.trim();
  if (value === "") return field.required ? `${field.title} is required.` : null;
  switch (field.kind) {
    case "integer":
    case "number":
      return numberProblem(field, value);
    case "json":
      return jsonProblem(value);
    case "choice":
      return null;
    default:
      return textProblem(field, value);
  }
}

function listProblem(field: FieldSpec, typed: readonly string[]): string | null {
  const given = typed.filter((value) => value.trim() !== "");
  const least = Math.max(field.minItems ?? 0, field.required ? 1 : 0);
  if (given.length < least && (field.required || given.length > 0)) {
    return least === 1 ? `${field.title} is required.` : `At least ${least} entries.`;
  }
  if (!field.item) return null;
  for (const value of given) {
    const problem = valueProblem(field.item, value);
    if (problem) return `${value}: ${problem}`;
  }
  return null;
}

/** What is wrong with one field, or null. */
export function problemOf(field: FieldSpec, value: FormValue | undefined): string | null {
  if (typeof value === "string") return valueProblem(field, value);
  if (Array.isArray(value)) return listProblem(field, value);
  return null;
}

/** Everything that is wrong, so that one try shows it all. */
export function validate(fields: readonly FieldSpec[], values: FormValues): FieldErrors {
  const errors: Record<string, string> = {};
  for (const field of fields) {
    const value = values[field.name];
    if (field.kind === "group") {
      const inner = typeof value === "object" && !Array.isArray(value) ? value : {};
      if (!isLeftOut(field, inner)) Object.assign(errors, validate(field.fields, inner));
    } else {
      const problem = problemOf(field, value ?? "");
      if (problem) errors[pathKey(field.path)] = problem;
    }
  }
  return errors;
}
