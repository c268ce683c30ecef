import type { CombinedError } from "urql";

/** What went wrong, in the terms that a page shows it in. */
export interface Failure {
  kind: "unauthenticated" | "denied" | "limited" | "network" | "server";
  message: string;
  /** Quoted to whoever runs the product: their logs carry the same id. */
  requestId: string | null;
}

const KINDS: Readonly<Record<string, Failure["kind"]>> = {
  UNAUTHENTICATED: "unauthenticated",
  DENIED: "denied",
  FORBIDDEN: "denied",
  LIMITED: "limited",
  RATE_LIMITED: "limited",
};

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function responseOf(error: CombinedError): Response | null {
  return error.response instanceof Response ? error.response : null;
}

/** Reads a client error: GraphQL errors by their `code` extension, everything else by its HTTP status. */
export function failureOf(error: CombinedError): Failure {
  const response = responseOf(error);
  const first = error.graphQLErrors[0];
  const requestId =
    text(first?.extensions?.["requestId"]) ??
    text(first?.extensions?.["request_id"]) ??
    response?.headers.get("x-request-id") ??
    null;
  if (response?.status === 401) {
    return { kind: "unauthenticated", message: "You are signed out.", requestId };
  }
  if (first) {
    const code = text(first.extensions?.["code"]) ?? "";
    return { kind: KINDS[code] ?? "server", message: first.message, requestId };
  }
  if (response?.status === 429) {
    return { kind: "limited", message: "Too many requests. Try again in a moment.", requestId };
  }
  if (response) {
    return { kind: "server", message: `The API answered ${response.status}.`, requestId };
  }
  return { kind: "network", message: "The API cannot be reached.", requestId };
}
