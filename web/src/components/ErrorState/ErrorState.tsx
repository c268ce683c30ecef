import type { Failure } from "../../api/failure";
import { Button } from "../Button/Button";
import { Icon } from "../Icon/Icon";

interface Props {
  failure: Failure;
  onRetry?: () => void;
}

/** A page or panel that could not be loaded: what happened, what to quote, what to do. */
export function ErrorState({ failure, onRetry }: Props) {
  if (failure.kind === "denied") return <NoPermission />;
  return (
    <div className="card empty" role="alert">
      <Icon name="alert" />
      <h2>{failure.kind === "network" ? "Patchbay is not answering" : "That did not work"}</h2>
      <p>
        {failure.kind === "network"
          ? "The API cannot be reached. Check that the product is running and your network is up."
          : failure.message}
      </p>
      {failure.requestId && (
        <p className="small">
          Request <code>{failure.requestId}</code>
        </p>
      )}
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}

/** Says that the role is not enough, and who can change that. */
export function NoPermission() {
  return (
    <div className="card empty">
      <Icon name="lock" />
      <h2>Your role does not allow this</h2>
      <p>Ask an admin or the owner of your organisation to give you a role that does.</p>
    </div>
  );
}
