import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useMutation } from "urql";

import { type FragmentType, graphql, readFragment } from "../../gql";
import { clearDraft, useDraft } from "../../session/draft";
import { type SortedErrors, sortUserErrors } from "../SchemaForm/userErrors";
import { validate } from "../SchemaForm/validate";
import { type FormValues, initialValues, toJson } from "../SchemaForm/values";
import { CheckStep } from "./CheckStep";
import { ConfigureStep } from "./ConfigureStep";
import { credentialOf, emptyForm, fieldsOfConnector, ownErrors, secondsOf } from "./wizard";

export const WizardConnectorFields = graphql(`
  fragment WizardConnector on Connector {
    slug
    name
    configSchema
    credentialSchema
    syncs
  }
`);

const CheckConnection = graphql(`
  mutation CheckConnection($input: CheckConnectionInput!) {
    checkConnection(input: $input) {
      ok
      items {
        name
        ok
        message
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const InstallConnector = graphql(`
  mutation InstallConnector($input: InstallConnectorInput!) {
    installConnector(input: $input) {
      install {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const OWN = ["displayName", "alias", "syncIntervalSeconds"];
const NO_ERRORS: SortedErrors = { config: {}, credential: {}, own: {}, whole: [] };

function Steps({ step }: { step: "configure" | "check" }) {
  const second = step === "check";
  return (
    <ol className="steps" aria-label="Steps">
      <li aria-current={second ? undefined : "step"} data-done={second}>
        Configure
      </li>
      <li aria-current={second ? "step" : undefined}>Test the connection</li>
      <li>Install</li>
    </ol>
  );
}

function isWrong(errors: SortedErrors): boolean {
  return [errors.config, errors.credential, errors.own].some(
    (part) => Object.keys(part).length > 0,
  );
}

/** Configure, test, install: ends on the new install's page, where its first sync can be watched. */
export function InstallWizard(props: { connector: FragmentType<typeof WizardConnectorFields> }) {
  const connector = readFragment(WizardConnectorFields, props.connector);
  const navigate = useNavigate();
  const fields = useMemo(() => fieldsOfConnector(connector), [connector]);
  const draft = `install.${connector.slug}`;
  const [form, setForm] = useDraft(draft, emptyForm(connector.name, fields));
  const [secrets, setSecrets] = useState<FormValues>(() => initialValues(fields.credential, {}));
  const [errors, setErrors] = useState<SortedErrors>(NO_ERRORS);
  const [step, setStep] = useState<"configure" | "check">("configure");
  const [checked, check] = useMutation(CheckConnection);
  const [installed, install] = useMutation(InstallConnector);

  const settings = () => ({
    connector: connector.slug,
    config: toJson(fields.config, form.config),
    credential: credentialOf(fields, secrets),
  });
  const sendBack = (found: SortedErrors) => {
    setErrors(found);
    setStep("configure");
  };

  const test = async () => {
    const found: SortedErrors = {
      config: validate(fields.config, form.config),
      credential: validate(fields.credential, secrets),
      own: ownErrors(form),
      whole: [],
    };
    if (isWrong(found)) {
      sendBack(found);
      return;
    }
    setErrors(NO_ERRORS);
    const { data } = await check({ input: settings() });
    const reasons = sortUserErrors(data?.checkConnection.userErrors ?? [], OWN);
    if (isWrong(reasons)) sendBack(reasons);
    else if (data) setStep("check");
  };

  const finish = async () => {
    const { data } = await install({
      input: {
        ...settings(),
        displayName: form.displayName.trim(),
        alias: form.alias.trim() || null,
        syncIntervalSeconds: connector.syncs ? secondsOf(form.interval) : null,
      },
    });
    const made = data?.installConnector.install;
    if (made) {
      clearDraft(draft);
      await navigate({ to: "/installs/$installId", params: { installId: made.id } });
      return;
    }
    const reasons = sortUserErrors(data?.installConnector.userErrors ?? [], OWN);
    if (isWrong(reasons)) sendBack(reasons);
  };

  return (
    <div className="stack">
      <Steps step={step} />
      {step === "configure" ? (
        <ConfigureStep
          fields={fields}
          syncs={connector.syncs}
          form={form}
          secrets={secrets}
          errors={errors}
          busy={checked.fetching}
          failure={checked.error}
          onForm={setForm}
          onSecrets={setSecrets}
          onNext={test}
        />
      ) : (
        <CheckStep
          report={checked.data?.checkConnection}
          installing={installed.fetching}
          testing={checked.fetching}
          failure={installed.error ?? checked.error}
          reasons={sortUserErrors(installed.data?.installConnector.userErrors ?? [], OWN).whole}
          onBack={() => setStep("configure")}
          onAgain={test}
          onInstall={finish}
        />
      )}
    </div>
  );
}
