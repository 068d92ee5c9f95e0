// Apollo's automatic persisted queries: the first request sends the hash alone, is told PersistedQueryNotFound, and sends the
// text too; the second one needs the hash only, over POST and over GET.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { authorization, url } from "./service.mjs";

const sent = [];
/** Notes what Apollo sends and gets, and changes neither. */
async function fetchFn(input, init) {
  const response = await fetch(input, init);
  const body = init.method === "GET" ? Object.fromEntries(new URL(input).searchParams) : JSON.parse(init.body);
  if (typeof body.extensions === "string") body.extensions = JSON.parse(body.extensions);
  sent.push({ method: init.method, body, status: response.status, answer: await response.clone().json() });
  return response;
}

function client(useGETForHashedQueries) {
  const hashed = new PersistedQueryLink({ sha256: (text) => createHash("sha256").update(text).digest("hex"), useGETForHashedQueries });
  return new ApolloClient({
    link: hashed.concat(new HttpLink({ uri: url, headers: { authorization }, fetch: fetchFn })),
    cache: new InMemoryCache(),
  });
}

for (const get of [false, true]) {
  // A text that the service has not seen, however often this runs.
  const query = gql(`query Persisted${Date.now()}${get ? "Get" : "Post"}($first: Int) { reports(first: $first) { nodes { id number } } }`);
  for (const [round, expected] of [["first", 2], ["second", 1]]) {
    sent.length = 0;
    // A new client each time: only the service can remember the text.
    const { data } = await client(get).query({ query, variables: { first: 3 } });
    assert.equal(data.reports.nodes.length, 3);
    const shown = JSON.stringify(sent, null, 2);
    assert.equal(sent.length, expected, `${round} round, ${get ? "GET" : "POST"}: ${expected} requests expected\n${shown}`);
    assert.equal(sent[0].method, get ? "GET" : "POST", shown);
    assert.equal(sent[0].body.query, undefined, "the text was sent with the first request");
    assert.match(sent[0].body.extensions.persistedQuery.sha256Hash, /^[0-9a-f]{64}$/);
    assert.ok(sent.every(({ status }) => status === 200), shown);
    if (round === "first") {
      const [error] = sent[0].answer.errors;
      assert.equal(error.message, "PersistedQueryNotFound", shown);
      assert.equal(error.extensions.code, "PERSISTED_QUERY_NOT_FOUND", shown);
      assert.equal(typeof sent[1].body.query, "string", shown);
    }
  }
}
console.log("hash, miss, text; then the hash alone, over POST and GET");
