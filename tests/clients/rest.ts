// A pipeline's use of openapi-fetch with the types that openapi-typescript makes of the OpenAPI document: what must compile, and,
// marked, what must not; and what the service answers to it.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi";
import { address, createReport, pipelineAuthorization } from "./service.mjs";

type Answer = components["schemas"]["DeploymentAnswer"];
type Call = components["schemas"]["DeploymentReport"];
type Problem = components["schemas"]["Problem"];

const pipeline = createClient<paths>({ baseUrl: address, headers: { authorization: pipelineAuthorization() } });

/** What was answered, with this status. */
function answered<T>({ data, error, response }: { data?: T; error?: Problem; response: Response }, status: number): T {
  assert.equal(response.status, status, JSON.stringify(error));
  assert.ok(data !== undefined);
  return data;
}

/** What was wrong, with this status. */
function refused({ error, response }: { error?: Problem; response: Response }, status: number): Problem {
  assert.ok(error !== undefined, `not refused: ${response.status}`);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.deepEqual([response.status, error.status], [status, status]);
  assert.equal(error.requestId, response.headers.get("x-request-id"));
  return error;
}

/** What a pipeline prints of an answer. */
function told({ standing, reason, report, milestone }: Answer): string {
  switch (standing) {
    case "ATTACHED":
      return `${report?.number}: ${milestone?.kind} ${milestone?.actualAt}`;
    case "HELD":
    case "PARKED":
    case "DISMISSED":
      return `${standing}: ${reason?.code}`;
    default:
      return standing satisfies never;
  }
}

/** Never called. */
export async function mistakes({ reason, report, milestone }: Answer, queued: Call): Promise<void> {
  // @ts-expect-error of what is parked
  report.number;
  // @ts-expect-error of what is neither staging nor production
  milestone.actualAt;
  // @ts-expect-error of what is attached
  reason.code;
  // @ts-expect-error a part says its status
  await pipeline.POST("/api/v1/deployments", { body: { deploymentId: "rest-0" } });
  // @ts-expect-error no such status
  await pipeline.POST("/api/v1/deployments", { body: { deploymentId: "rest-0", status: "DONE" } });
  // @ts-expect-error a misspelled field
  await pipeline.POST("/api/v1/deployments", { body: { deploymentId: "rest-0", status: "QUEUED", enviroment: "production" } });
  // @ts-expect-error the header is a text, or left out
  await pipeline.POST("/api/v1/deployments", { params: { header: { "Idempotency-Key": null } }, body: queued });
  // @ts-expect-error nothing is read here
  await pipeline.GET("/api/v1/deployments");
}

// A deployment in two parts; the second again, by its key.
const report = await createReport(985);
const production = { deploymentId: "rest-1", applicationNumber: "REL-APP-2026-985", environment: "production" };
const start: Call = { ...production, status: "RUNNING", startedAt: "2026-03-28T21:42:10+08:00" };
const begun = answered(await pipeline.POST("/api/v1/deployments", { body: start }), 201);
assert.deepEqual([begun.standing, begun.deployment.finishedAt, begun.milestone?.actualAt], ["ATTACHED", null, null]);
const end = () =>
  pipeline.POST("/api/v1/deployments", {
    params: { header: { "Idempotency-Key": "rest-1-end" } },
    body: { deploymentId: "rest-1", status: "SUCCEEDED", finishedAt: "2026-03-28T22:10:40+08:00" },
  });
const ended = answered(await end(), 200);
assert.equal(told(ended), `${report.number}: PRODUCTION_DEPLOYMENT 2026-03-28T14:10:00Z`);
assert.deepEqual([ended.reason, ended.report?.state, ended.deployment.durationMinutes], [null, "DRAFT", 28]);
assert.deepEqual(
  ended.values.filter(({ applied }) => applied).map(({ field }) => field),
  ["PRODUCTION_DEPLOYMENT", "ACTUAL_RELEASE", "ACTUAL_DURATION"],
);
assert.deepEqual(answered(await end(), 200), ended);

// One that names a commit alone is parked until its build is registered.
const project = "github.com/xx/rest";
const commit = "03540e4eecf892a46485aa205c7af46e95583cbf";
const staging: Call = { deploymentId: "rest-2", environment: "staging", project, commit, status: "SUCCEEDED" };
const parked = answered(await pipeline.POST("/api/v1/deployments", { body: staging }), 201);
assert.equal(told(parked), "PARKED: UNKNOWN_PRODUCT");
assert.deepEqual([parked.report, parked.milestone, parked.values], [null, null, []]);
const build = { project, commit, applicationNumber: "REL-APP-2026-985" };
const registered = answered(await pipeline.POST("/api/v1/builds", { body: build }), 201);
assert.deepEqual([registered.repeated, registered.deploymentsRechecked, registered.product], [false, 1, null]);
assert.equal(answered(await pipeline.POST("/api/v1/builds", { body: build }), 200).repeated, true);

// A batch, in the order of its calls; one bad call, and nothing is recorded.
const preview: Call = { deploymentId: "rest-3", status: "FAILED", environment: "preview-3", applicationNumber: "REL-APP-2026-986" };
const unplaced: Call = { deploymentId: "rest-4", status: "QUEUED" };
const none = refused(await pipeline.POST("/api/v1/deployments/batch", { body: { deployments: [preview, unplaced] } }), 422);
assert.deepEqual(
  none.errors?.map(({ field, code }) => `${field} ${code}`),
  ["deployments.1.environment REQUIRED", "deployments.1.applicationNumber REQUIRED"],
);
const body = { deployments: [staging, preview] };
const { deployments } = answered(await pipeline.POST("/api/v1/deployments/batch", { body }), 200);
assert.deepEqual(deployments.map(({ deployment }) => deployment.deploymentId), ["rest-2", "rest-3"]);
assert.deepEqual([deployments.map(told).at(1), deployments.at(1)?.repeated], ["PARKED: NO_REPORT", false]);

// What is wrong, as types: fields, and of a stranger none.
const problem = refused(
  await pipeline.POST("/api/v1/deployments", { body: { ...production, status: "QUEUED", commit: "nonsense", attempt: 0 } }),
  422,
);
assert.equal(problem.code, "BAD_USER_INPUT");
assert.deepEqual(problem.errors?.map(({ field, code }) => `${field} ${code}`).sort(), ["attempt OUT_OF_RANGE", "commit INVALID"]);
const stranger = createClient<paths>({ baseUrl: address });
assert.deepEqual(refused(await stranger.POST("/api/v1/builds", { body: build }), 401).errors ?? [], []);

console.log([ended, parked].map(told).join("; "));
