import { type FieldSpec, fieldsOf } from "../SchemaForm/schema";
import type { FieldErrors } from "../SchemaForm/validate";
import { type FormValues, initialValues, toJson } from "../SchemaForm/values";

/** What the wizard collects, without secrets: this much is kept as a draft. */
export interface WizardForm {
  displayName: string;
  alias: string;
  /** Seconds between syncs as text; empty is "only when asked". */
  interval: string;
  config: FormValues;
}

export interface WizardFields {
  config: readonly FieldSpec[];
  credential: readonly FieldSpec[];
}

const ALIAS = /^[a-z0-9_]{1,24}$/u;

/** How often a sync runs by itself. */
export const INTERVALS: ReadonlyArray<readonly [string, string]> = [
  ["300", "Every 5 minutes"],
  ["3600", "Every hour"],
  ["21600", "Every 6 hours"],
  ["86400", "Every day"],
  ["", "Only when I ask"],
];

export const DEFAULT_INTERVAL = "3600";

export function fieldsOfConnector(connector: {
  configSchema: unknown;
  credentialSchema?: unknown;
}): WizardFields {
  return {
    config: fieldsOf(connector.configSchema),
    credential: fieldsOf(connector.credentialSchema),
  };
}

export function emptyForm(name: string, fields: WizardFields): WizardForm {
  return {
    displayName: name,
    alias: "",
    interval: DEFAULT_INTERVAL,
    config: initialValues(fields.config, {}),
  };
}

/** The credential for the API; null when the connector takes none or nothing was typed. */
export function credentialOf(fields: WizardFields, secrets: FormValues): unknown {
  if (fields.credential.length === 0) return null;
  const credential = toJson(fields.credential, secrets);
  return Object.keys(credential).length > 0 ? credential : null;
}

/** Null for "only when asked". */
export function secondsOf(interval: string): number | null {
  return interval === "" ? null : Number(interval);
}

export function ownErrors(form: WizardForm): FieldErrors {
  const errors: Record<string, string> = {};
  if (form.displayName.trim() === "") errors["displayName"] = "Give it a name.";
  const alias = form.alias.trim();
  if (alias !== "" && !ALIAS.test(alias)) {
    errors["alias"] = "Lower-case letters, digits and _ only, at most 24 characters.";
  }
  return errors;
}
