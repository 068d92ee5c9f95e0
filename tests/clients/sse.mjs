// graphql-sse: subscriptions over server-sent events, one connection each ("distinct connections"); without a token that holds,
// 401.
import assert from "node:assert/strict";
import { createClient } from "graphql-sse";
import { feed, query, story } from "./events.mjs";
import { authorization, url } from "./service.mjs";

const types = new Set();
/** Notes the media type of each answer. */
async function fetchFn(input, init) {
  const response = await fetch(input, init);
  types.add(response.headers.get("content-type")?.split(";")[0]);
  return response;
}

const options = { url, singleConnection: false, retryAttempts: 0, fetchFn };
const client = createClient({ ...options, headers: { authorization } });
const told = await story((variables) => feed((sink) => client.subscribe({ query, variables }, sink)), 970);
assert.deepEqual([...types], ["text/event-stream"]);
client.dispose();

for (const [what, headers] of [
  ["a bad token", { authorization: "Bearer nonsense" }],
  ["no token", {}],
]) {
  const stranger = createClient({ ...options, headers });
  const refusal = await new Promise((resolve, reject) => {
    stranger.subscribe({ query }, { next: () => reject(new Error(`an event, with ${what}`)), error: resolve, complete: reject });
  });
  assert.equal(refusal.response?.status, 401, `${what}: ${refusal}`);
  stranger.dispose();
}
console.log(told);
