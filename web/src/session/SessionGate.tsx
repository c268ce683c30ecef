import { type ReactNode, useEffect, useMemo, useSyncExternalStore } from "react";
import { Provider, useQuery } from "urql";

import { createApiClient } from "../api/client";
import { failureOf } from "../api/failure";
import { ErrorState } from "../components/ErrorState/ErrorState";
import { Gate } from "../components/Gate/Gate";
import { graphql, readFragment } from "../gql";
import { SignedOutPage } from "../routes/signed-out";
import { session } from "./store";
import { ViewerContext } from "./ViewerContext";

export const ViewerFields = graphql(`
  fragment Viewer on Viewer {
    role
    permissions
    csrfToken
    user {
      id
      email
      displayName
    }
    tenant {
      id
      slug
      name
    }
  }
`);

const ViewerQuery = graphql(`
  query Viewer {
    viewer {
      ...Viewer
    }
  }
`);

/** Shows its children to whoever is signed in, and how to sign in to everybody else. */
export function SessionGate({ children }: { children: ReactNode }) {
  const state = useSyncExternalStore(session.subscribe, session.state);
  const signedOut = state === "signed-out";
  // The address stays, and forms keep their drafts: after signing in again the same page comes back.
  const client = useMemo(() => (signedOut ? null : createApiClient()), [signedOut]);
  if (!client) return <SignedOutPage />;
  return (
    <Provider value={client}>
      <WithViewer>{children}</WithViewer>
    </Provider>
  );
}

function WithViewer({ children }: { children: ReactNode }) {
  const [{ data, error }, refetch] = useQuery({ query: ViewerQuery });
  const viewer = readFragment(ViewerFields, data?.viewer);
  const token = viewer?.csrfToken;
  useEffect(() => {
    if (token) session.begin(token);
  }, [token]);
  // Children mount only once the token is known, because their mutations need it.
  const ready = useSyncExternalStore(session.subscribe, session.state) === "signed-in";

  if (viewer && ready) {
    return <ViewerContext.Provider value={viewer}>{children}</ViewerContext.Provider>;
  }
  if (error) {
    return (
      <Gate>
        <ErrorState
          failure={failureOf(error)}
          onRetry={() => refetch({ requestPolicy: "network-only" })}
        />
      </Gate>
    );
  }
  return (
    <Gate>
      <p className="muted" role="status">
        Opening the console…
      </p>
    </Gate>
  );
}
