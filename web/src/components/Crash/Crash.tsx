import type { ErrorComponentProps } from "@tanstack/react-router";

import { Button } from "../Button/Button";
import { Icon } from "../Icon/Icon";

/** A page of the console broke: the rest of it still works. */
export function Crash({ error }: ErrorComponentProps) {
  return (
    <div className="page">
      <div className="card empty" role="alert">
        <Icon name="alert" />
        <h1>This page broke</h1>
        <p>The console made a mistake, not you. Loading it again usually helps.</p>
        <p className="small">
          <code>{error instanceof Error ? error.message : String(error)}</code>
        </p>
        <Button onClick={() => window.location.reload()}>Load again</Button>
      </div>
    </div>
  );
}
