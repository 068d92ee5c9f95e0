// The audit suite of graphql-http (GraphQL over HTTP) against the running service. MUST, SHOULD and MAY count alike: what the
// suite calls a warning or a notice fails here too.
import { auditServer } from "graphql-http";
import { authorization, url } from "./service.mjs";

const AUDITS = 61; // of the pinned version: fewer would mean that the suite, not the service, had changed

/** The suite knows no tokens, so each of its requests gets one; its own headers stay as they are. */
function fetchFn(input, init = {}) {
  const headers = new Headers(init.headers);
  headers.set("authorization", authorization);
  return fetch(input, { ...init, headers });
}

async function answer(response) {
  if (!response) return "";
  const body = response.bodyUsed ? "(body read by the audit)" : (await response.text()).slice(0, 500);
  return ` | ${response.status} ${response.headers.get("content-type")} ${body}`;
}

const results = await auditServer({ url, fetchFn });
const failed = results.filter((result) => result.status !== "ok");
for (const { id, name, status, reason, response } of failed) {
  console.log(`${status} ${id} ${name}: ${reason}${await answer(response)}`);
}
console.log(`audits: ${results.length - failed.length} passed, ${failed.length} failed`);
if (results.length !== AUDITS) console.log(`expected ${AUDITS} audits, ran ${results.length}`);
process.exit(failed.length === 0 && results.length === AUDITS ? 0 : 1);
