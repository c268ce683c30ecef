import { type AnyVariables, type TypedDocumentNode, useQuery } from "urql";
import { useMemo } from "react";

import { type Failure, failureOf } from "./failure";

interface Answer<Data> {
  /** What is known, also while it is being asked again. */
  data: Data | undefined;
  /** Set only when there is nothing to show instead. */
  failure: Failure | null;
  loading: boolean;
  reload: () => void;
}

/**
 * A query as pages use it. `touches` names the types whose change makes the answer stale even when it holds none
 * of them: an empty list has no item whose type could tell.
 */
export function useApi<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  options: { pause?: boolean; touches?: readonly string[] } = {},
): Answer<Data> {
  const touched = options.touches?.join(",");
  const context = useMemo(
    () => ({ additionalTypenames: touched ? touched.split(",") : [] }),
    [touched],
  );
  const [{ data, error, fetching }, execute] = useQuery<Data, AnyVariables>({
    query,
    variables,
    context,
    pause: options.pause ?? false,
  });
  return {
    data: data ?? undefined,
    failure: error && !data ? failureOf(error) : null,
    loading: fetching && !data,
    reload: () => execute({ requestPolicy: "network-only" }),
  };
}
