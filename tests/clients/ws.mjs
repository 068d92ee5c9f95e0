// graphql-ws: subscriptions over WebSocket (graphql-transport-ws), and the door: a bad token, and none, close with 4403.
import assert from "node:assert/strict";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { feed, query, story } from "./events.mjs";
import { authorization, url } from "./service.mjs";

const address = url.replace(/^http/, "ws");
const options = { url: address, webSocketImpl: WebSocket, retryAttempts: 0 };

let frames = 0;
const client = createClient({
  ...options,
  connectionParams: { Authorization: authorization },
  lazyCloseTimeout: 10_000, // the socket outlives an unsubscription, so that what the service still sends is seen
  on: { message: ({ type }) => (frames += type === "next" ? 1 : 0) },
});
const told = await story(
  (variables) => feed((sink) => client.subscribe({ query, variables }, sink)),
  950,
  () => frames,
);

// What does not fit the schema is an error of this subscription; the socket lives on.
const errors = await new Promise((resolve, reject) => {
  client.subscribe({ query: "subscription { nonsense }" }, { next: reject, error: resolve, complete: reject });
});
assert.ok(Array.isArray(errors), `GraphQL errors expected, not ${errors}`);
assert.equal(errors[0].extensions?.code, "GRAPHQL_VALIDATION_FAILED", JSON.stringify(errors));
await client.dispose();

for (const [what, connectionParams] of [
  ["a bad token", { Authorization: "Bearer nonsense" }],
  ["no token", {}],
]) {
  const stranger = createClient({ ...options, connectionParams });
  const closed = await new Promise((resolve, reject) => {
    stranger.subscribe({ query }, { next: () => reject(new Error(`an event, with ${what}`)), error: resolve, complete: reject });
  });
  assert.equal(closed.code, 4403, `${what}: closed with ${closed.code} ${closed.reason ?? closed.message}`);
}
console.log(told);
