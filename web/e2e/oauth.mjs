/** An AI client that signs in by OAuth, as the ones in the field do it: it knows the address of the endpoint and nothing else. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";

const VERIFIER = randomBytes(32).toString("base64url");

async function json(url, options) {
  const response = await fetch(url, options);
  assert.ok(response.ok, `${url}: ${response.status}`);
  return response.json();
}

/** Finds the authorization server by the challenge of the endpoint, and registers there. */
export async function register(endpoint, name) {
  const callback = await listen();
  const refused = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
  });
  assert.equal(refused.status, 401);
  const challenge = refused.headers.get("www-authenticate") ?? "";
  const found = /resource_metadata="([^"]+)"/u.exec(challenge)?.[1];
  const resource = await json(found);
  assert.equal(resource.resource, endpoint);
  const issuer = new URL(resource.authorization_servers[0]);
  const server = await json(`${issuer.origin}/.well-known/oauth-authorization-server${issuer.pathname}`);
  const client = await json(server.registration_endpoint, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_name: name, redirect_uris: [callback.uri] }),
  });
  const ask = new URL(server.authorization_endpoint);
  ask.search = new URLSearchParams({
    response_type: "code",
    client_id: client.client_id,
    redirect_uri: callback.uri,
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
    code_challenge_method: "S256",
    state: "e2e",
    resource: endpoint,
  });
  return { server, callback, id: client.client_id, url: ask.href };
}

/** Waits for the browser to come back, and exchanges the code. */
export async function redeem({ server, callback, id }) {
  const answer = await callback.answer;
  assert.equal(answer.get("state"), "e2e");
  assert.equal(answer.get("iss"), server.issuer);
  const tokens = await json(server.token_endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: id,
      code: answer.get("code"),
      redirect_uri: callback.uri,
      code_verifier: VERIFIER,
    }),
  });
  return tokens.access_token;
}

/** A port of this machine to which the browser is sent back. */
async function listen() {
  const server = createServer();
  const answer = new Promise((resolve) => {
    server.on("request", (request, response) => {
      const { pathname, searchParams } = new URL(request.url, "http://localhost");
      response.setHeader("connection", "close");
      if (pathname !== "/callback") {
        response.writeHead(204).end();
        return;
      }
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><title>Connected</title><link rel=icon href=data:,><h1>You can close this page</h1>");
      server.close();
      resolve(searchParams);
    });
  });
  await new Promise((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return { uri: `http://127.0.0.1:${server.address().port}/callback`, answer };
}
