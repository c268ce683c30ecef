import { cacheExchange, Client, fetchExchange, mapExchange, subscriptionExchange } from "urql";
import { createClient as createSocket } from "graphql-ws";

import { session } from "../session/store";
import { failureOf } from "./failure";

function socketUrl(): string {
  const url = new URL("/graphql/ws", window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** The API closes with this code when the session or key of a connection has ended. */
const UNAUTHENTICATED = 4401;

const socket = createSocket({
  url: socketUrl,
  lazy: true,
  keepAlive: 20_000,
  // A sync outlives a laptop lid and a deploy: keep trying for as long as somebody watches.
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => session.state() === "signed-in",
  connectionParams: () => ({ csrf: session.csrfHeader() }),
  on: {
    // Signed out elsewhere: a page that only watches would otherwise never hear of it.
    closed: (event) => {
      if (event instanceof CloseEvent && event.code === UNAUTHENTICATED) session.end();
    },
  },
});

/** A client with an empty cache: made anew for every session so that nothing of the last one shows. */
export function createApiClient(): Client {
  return new Client({
    url: "/graphql",
    preferGetMethod: false,
    requestPolicy: "cache-and-network",
    fetchOptions: () => ({
      credentials: "same-origin",
      headers: { "X-Patchbay-CSRF": session.csrfHeader() },
    }),
    exchanges: [
      mapExchange({
        onError(error) {
          if (failureOf(error).kind === "unauthenticated") session.end();
        },
      }),
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ ...request, query: request.query ?? "" }, sink),
          }),
        }),
      }),
    ],
  });
}
