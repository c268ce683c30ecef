import { Link } from "@tanstack/react-router";

import { EmptyState } from "../EmptyState/EmptyState";
import { PageHead } from "../PageHead/PageHead";

/** For an address, or a thing, that does not exist or is not yours: the two are not told apart. */
export function NotFound() {
  return (
    <div className="page">
      <PageHead title="Not found" />
      <div className="card">
        <EmptyState
          icon="search"
          title="There is nothing here"
          text="It may have been removed, or the address is not right."
        >
          <Link to="/" className="button">
            Go to the overview
          </Link>
        </EmptyState>
      </div>
    </div>
  );
}
