import type { InstallSettingsFragment, UpdateInstallInput } from "../../gql/graphql";
import { credentialOf, secondsOf, type WizardFields } from "../InstallWizard/wizard";
import { type FieldErrors, validate } from "../SchemaForm/validate";
import { type FormValues, initialValues, toJson } from "../SchemaForm/values";

export interface SettingsValues {
  displayName: string;
  interval: string;
  config: FormValues;
}

export function initialSettings(
  install: InstallSettingsFragment,
  fields: WizardFields,
): SettingsValues {
  return {
    displayName: install.displayName,
    interval: String(install.syncIntervalSeconds ?? ""),
    config: initialValues(fields.config, install.config),
  };
}

/** A new credential replaces the old one as a whole: either nothing is typed, or everything that it needs. */
export function secretErrors(fields: WizardFields, secrets: FormValues): FieldErrors {
  return credentialOf(fields, secrets) === null ? {} : validate(fields.credential, secrets);
}

/** Everything on the form, against the version that it was made from. */
export function changesOf(
  install: InstallSettingsFragment,
  fields: WizardFields,
  values: SettingsValues,
  secrets: FormValues,
): UpdateInstallInput {
  const credential = credentialOf(fields, secrets);
  return {
    id: install.id,
    displayName: values.displayName.trim(),
    config: toJson(fields.config, values.config),
    expectedVersion: install.version,
    ...(install.connector.syncs ? { syncIntervalSeconds: secondsOf(values.interval) } : {}),
    ...(credential === null ? {} : { credential }),
  };
}
