import type { FieldErrors } from "./validate";

interface UserError {
  field?: readonly string[] | null;
  message: string;
}

/** The API's complaints, sorted to where they belong on the page. */
export interface SortedErrors {
  config: FieldErrors;
  credential: FieldErrors;
  /** About the input's own fields, such as `displayName`. */
  own: FieldErrors;
  /** About nothing that is on the page. */
  whole: readonly string[];
}

/** Sorts by the path into the mutation's input; `shown` are its own fields that the form has. */
export function sortUserErrors(errors: readonly UserError[], shown: readonly string[]): SortedErrors {
  const config: Record<string, string> = {};
  const credential: Record<string, string> = {};
  const own: Record<string, string> = {};
  const whole: string[] = [];
  for (const { field, message } of errors) {
    const path = field?.[0] === "input" ? field.slice(1) : (field ?? []);
    const [first = "", ...rest] = path;
    if (first === "config" && rest.length > 0) config[rest.join(".")] = message;
    else if (first === "credential" && rest.length > 0) credential[rest.join(".")] = message;
    else if (shown.includes(first)) own[first] = message;
    else whole.push(message);
  }
  return { config, credential, own, whole };
}
