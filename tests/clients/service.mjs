// The running service as every script here reaches it: its address, tokens of the product head, of a pipeline and of an
// administrator, and a plain request to compare what a client shows with.
import assert from "node:assert/strict";

export const address = required("ADDRESS");
export const token = required("TOKEN");
export const url = `${address}/graphql`;
export const authorization = `Bearer ${token}`;
/** A pipeline's, where it is that which calls. */
export const pipelineAuthorization = () => `Bearer ${required("PIPELINE_TOKEN")}`;
/** An administrator's. */
export const adminAuthorization = () => `Bearer ${required("ADMIN_TOKEN")}`;

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set: start this through ./run, or give ADDRESS (http://127.0.0.1:PORT) and tokens yourself`);
    process.exit(2);
  }
  return value;
}

/** Data of an operation sent without any client, by the product head unless told; an error in the answer is a failure. */
export async function ask(query, variables = {}, as = authorization) {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: as, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  assert.equal(answer.errors, undefined, `the service refused: ${JSON.stringify(answer.errors)}`);
  return answer.data;
}

/** A new draft for the release application with this running number; gives the report. */
export async function createReport(application) {
  const input = { applicationNumber: `REL-APP-2026-${application}`, product: { key: "netaudit" } };
  const { reportCreate } = await ask(
    `mutation ($input: ReportCreateInput!) { reportCreate(input: $input) { report { id number } userErrors { code field message } } }`,
    { input },
  );
  assert.deepEqual(reportCreate.userErrors, [], "the report was not created");
  return reportCreate.report;
}

// A service that neither answers nor hangs up must fail a script, not hold it.
setTimeout(() => {
  console.error("not done within two minutes");
  process.exit(1);
}, 120_000).unref();
