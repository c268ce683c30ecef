import { CombinedError } from "urql";
import { GraphQLError } from "graphql";
import { expect, it } from "vitest";

import { failureOf } from "./failure";

const graphQL = (extensions: Record<string, unknown>) =>
  new CombinedError({ graphQLErrors: [new GraphQLError("No.", { extensions })] });

const answered = (status: number, headers: Record<string, string> = {}) =>
  new CombinedError({
    networkError: new Error("failed"),
    response: new Response(null, { status, headers }),
  });

it("reads code and request id of a GraphQL error", () => {
  expect(failureOf(graphQL({ code: "DENIED", requestId: "r-1" }))).toEqual({
    kind: "denied",
    message: "No.",
    requestId: "r-1",
  });
});

it("knows a session that has ended, by code and by status", () => {
  expect(failureOf(graphQL({ code: "UNAUTHENTICATED" })).kind).toBe("unauthenticated");
  expect(failureOf(answered(401)).kind).toBe("unauthenticated");
});

it("takes the request id from the answer's header when there is no body", () => {
  const failure = failureOf(answered(500, { "x-request-id": "r-2" }));
  expect(failure).toEqual({ kind: "server", message: "The API answered 500.", requestId: "r-2" });
});

it("knows an API that cannot be reached", () => {
  expect(failureOf(new CombinedError({ networkError: new Error("refused") })).kind).toBe("network");
});
