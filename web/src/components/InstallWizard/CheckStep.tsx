import type { CombinedError } from "urql";

import type { CheckConnectionMutation } from "../../gql/graphql";
import { Button } from "../Button/Button";
import { Callout } from "../Callout/Callout";
import { FailureNote } from "../FailureNote/FailureNote";
import { Icon } from "../Icon/Icon";
import { InlineMarkdown } from "../Markdown/Markdown";

interface Props {
  report: CheckConnectionMutation["checkConnection"] | undefined;
  testing: boolean;
  installing: boolean;
  failure: CombinedError | undefined;
  reasons: readonly string[];
  onBack: () => void;
  onAgain: () => void;
  onInstall: () => void;
}

/** What the connection test found. Only what passed can be installed: the API refuses everything else. */
export function CheckStep({ report, ...props }: Props) {
  if (!report) return null;
  const refusals = report.userErrors.map((reason) => reason.message);
  const ok = report.ok && refusals.length === 0;
  return (
    <section className="card stack" aria-labelledby="test">
      <h2 id="test">Connection test</h2>
      <Callout tone={ok ? "good" : "bad"} live>
        <p>{ok ? "Everything works." : "Not everything works yet."}</p>
        {refusals.map((reason) => (
          <p key={reason}>{reason}</p>
        ))}
      </Callout>
      <ul className="checks">
        {report.items.map((item) => (
          <li key={item.name} className={item.ok ? "check-good" : "check-bad"}>
            <Icon name={item.ok ? "check" : "cross"} />
            <div>
              <strong>{item.name}</strong>
              <span className="visually-hidden">{item.ok ? ": works." : ": failed."}</span>
              <p className="muted small">
                <InlineMarkdown text={item.message} />
              </p>
            </div>
          </li>
        ))}
      </ul>
      <FailureNote error={props.failure} reasons={props.reasons} />
      <div className="dialog-foot">
        <Button onClick={props.onBack}>Change the settings</Button>
        {ok ? (
          <Button kind="primary" busy={props.installing} onClick={props.onInstall}>
            Install
          </Button>
        ) : (
          <Button kind="primary" busy={props.testing} onClick={props.onAgain}>
            Test again
          </Button>
        )}
      </div>
    </section>
  );
}
