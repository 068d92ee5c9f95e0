// Webhooks reach two receivers that share no code with the service (receiver.mjs, receiver.py): each gets exactly the events that
// the log lists, signed by every secret that counts, as CloudEvents that fit their schemas; what it refused comes again, what is
// replayed comes under the same id. And what the service announced by itself since it started.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { checkData, files } from "./schemas.mjs";
import { address, adminAuthorization, ask, createReport, pipelineAuthorization } from "./service.mjs";

const admin = adminAuthorization();
const began = Date.now();

/** Does a mutation, as the product head unless told; user errors are a failure. */
async function does(name, input, fields, as) {
  const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
  const query = `mutation ($input: ${type}!) { ${name}(input: $input) { ${fields} userErrors { code field message } } }`;
  const { [name]: payload } = await ask(query, { input }, as);
  assert.deepEqual(payload.userErrors, [], name);
  return payload;
}

/** All nodes of a list of the administrator's, page by page. */
async function all(list, whereType, where, fields) {
  const query = `query ($where: ${whereType}!, $after: String) {
    ${list}(where: $where, first: 100, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } totalCount }
  }`;
  const nodes = [];
  for (let after = null; ; ) {
    const { [list]: page } = await ask(query, { where, after }, admin);
    nodes.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) {
      assert.equal(nodes.length, page.totalCount);
      return nodes;
    }
    after = page.pageInfo.endCursor;
  }
}

/** Asks again until nothing is missing, for 20 s at most; `missing` gives what is, or what is wrong as an exception. */
async function until(what, missing) {
  for (const end = Date.now() + 20_000; ; await setTimeout(50)) {
    const lacks = await missing();
    if (!lacks) return;
    assert.ok(Date.now() < end, `${what}: not within 20 s: ${JSON.stringify(lacks)}`);
  }
}

async function start(name, command, file) {
  const child = spawn(command, [file], { stdio: ["pipe", "pipe", "inherit"] });
  const first = Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(([code]) => assert.fail(`${file} ended with ${code}`)),
  ]);
  const [url] = await first;
  return {
    name,
    child,
    url,
    secrets: [],
    async set(settings) {
      const body = JSON.stringify({ secrets: this.secrets, fail: 0, ...settings });
      const { status } = await fetch(url, { method: "PUT", body });
      assert.equal(status, 200);
    },
    /** What came, by event id; nothing of it may have been wrong. */
    async got() {
      const got = await (await fetch(url)).json();
      assert.deepEqual(got.wrong, [], `${name} found something wrong`);
      return got;
    },
    log() {
      const where = { recordedTime: { gte: this.sink.createdAt } };
      return all("events", "EventWhere", where, "eventId type subject subjectSequence data");
    },
    deliveries() {
      const fields = "id eventId state attemptCount attempts { number status error } sink { id }";
      return all("eventDeliveries", "EventDeliveryWhere", { sink: this.sink.id }, fields);
    },
    /** Every event of the log since the sink was made came, and no other; and the service noted it. */
    async complete() {
      await until(`${name}: events`, async () => {
        const [{ events }, log, deliveries] = [await this.got(), await this.log(), await this.deliveries()];
        const listed = new Set(log.map(({ eventId }) => eventId));
        const extra = Object.keys(events).filter((id) => !listed.has(id));
        // one that happened between the two questions is no surprise the next time
        const missing = log.filter(({ eventId }) => !events[eventId]).map(({ eventId, type }) => `${type} ${eventId}`);
        const noted = deliveries.filter(({ state }) => state !== "DELIVERED").map(({ eventId, state }) => `${state} ${eventId}`);
        const unequal = deliveries.length === log.length ? [] : [`${deliveries.length} deliveries of ${log.length} events`];
        const lacks = [...extra.map((id) => `not in the log: ${id}`), ...missing, ...noted, ...unequal];
        return lacks.length > 0 && lacks;
      });
    },
  };
}

async function deploys(call, standing) {
  const response = await fetch(`${address}/api/v1/deployments`, {
    method: "POST",
    headers: { authorization: pipelineAuthorization(), "content-type": "application/json" },
    body: JSON.stringify(call),
  });
  const answer = await response.json();
  assert.deepEqual([response.status, answer.standing], [201, standing], JSON.stringify(answer));
}

// What is served is what docs/events has, for every type that the API names.
const { __type } = await ask(`{ __type(name: "EventType") { enumValues { name } } }`);
const types = __type.enumValues.map(({ name }) => name);
const typeOf = (name) => `${name.replace("_", ".").toLowerCase()}.v1`;
assert.deepEqual(types.map(typeOf).sort(), [...files.keys()].sort(), "a schema for each type, and a type for each schema");
for (const [name, text] of files) {
  const response = await fetch(`${address}/schemas/events/${name}.json`, { headers: { authorization: admin } });
  assert.equal(response.headers.get("content-type"), "application/schema+json");
  assert.equal(await response.text(), text, `the service and docs/events/${name}.json differ`);
}
assert.equal((await fetch(`${address}/schemas/events/${[...files.keys()][0]}.json`)).status, 401);

// The demo content has due dates that passed long ago: each was announced once, as of when it passed.
const overdueFields = "eventId type subject subjectSequence time recordedTime data report { number } occurrence { dueOn }";
let overdue;
await until("what is overdue", async () => {
  overdue = await all("events", "EventWhere", { types: ["ACTION_OVERDUE"] }, overdueFields);
  return overdue.length === 0 && "any ACTION_OVERDUE";
});
for (const { eventId, type, subject, subjectSequence, time, recordedTime, data, report, occurrence } of overdue) {
  const about = JSON.parse(data);
  checkData(`org.relsum.${typeOf(type)}`, about);
  assert.match(eventId, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, "a UUID of version 5");
  assert.equal(subject, `reports/${report.number}/actions/${about.action.id}`);
  assert.ok(subjectSequence >= 1);
  assert.deepEqual([about.announcement.kind, about.report.number], ["OVERDUE", report.number]);
  assert.deepEqual([about.occurrence.dueOn, about.occurrence.overdueSince], [occurrence.dueOn, time]);
  const [due, passed, seen] = [occurrence.dueOn, time, recordedTime].map(Date.parse);
  assert.ok(due < passed && passed <= seen, `due ${occurrence.dueOn}, passed ${time}, seen ${recordedTime}`);
}
const occurrences = new Set(overdue.map(({ data }) => JSON.parse(data).occurrence.id));
assert.equal(occurrences.size, overdue.length, "an occurrence was announced twice");

// A sink for each receiver; one brings its own secret, one is given one.
const receivers = await Promise.all([
  start("node", process.execPath, "receiver.mjs"),
  start("python", ".venv/bin/python", "receiver.py"),
]);
const [node, python] = receivers;
const own = `whsec_${randomBytes(32).toString("base64")}`;
for (const receiver of receivers) {
  const input = { name: `receiver of ${receiver.name}`, kind: "WEBHOOK", url: receiver.url, types };
  if (receiver === python) input.secret = own;
  const { eventSink, secret } = await does("eventSinkCreate", input, "eventSink { id createdAt types state } secret", admin);
  assert.deepEqual([eventSink.types, eventSink.state], [types, "ENABLED"]);
  if (receiver === python) assert.equal(secret, own);
  receiver.sink = eventSink;
  receiver.secrets = [secret];
  await receiver.set();
}
for (const { sink, name, url } of receivers) {
  const ping = await does("eventSinkPing", { id: sink.id }, "delivered status error milliseconds", admin);
  const { pings, wrong } = await (await fetch(url)).json();
  assert.deepEqual([ping.delivered, ping.status, ping.error, wrong], [true, 200, null, []], `${name}: the ping failed`);
  assert.ok(pings.length === 1 && ping.milliseconds >= 0);
}

// A deployment waits, and is attached when its report appears; another finds the report; content is edited.
const application = 940;
const applicationNumber = `REL-APP-2026-${application}`;
const staging = { deploymentId: "sinks-1", applicationNumber, environment: "staging", status: "SUCCEEDED" };
await deploys({ ...staging, startedAt: "2026-03-27T20:00:00+08:00", finishedAt: "2026-03-27T20:30:00+08:00" }, "PARKED");
const { id, number } = await createReport(application);
const production = { deploymentId: "sinks-2", applicationNumber, environment: "production", status: "RUNNING" };
await deploys({ ...production, startedAt: "2026-03-28T21:42:10+08:00" }, "ATTACHED");
await does("summaryUpdate", { id, highlights: "“更快”更稳 — ½ 时间", bugsFixed: 7 }, "report { id }");
const problem = { reportId: id, description: "网关 5xx：回滚\n第二行", phase: "PRODUCTION_DEPLOYMENT", impact: "HIGH", owners: ["RND"] };
await does("problemAdd", problem, "problem { id }");
for (const receiver of receivers) await receiver.complete();

// Node's secret is rotated: the old one and the new one sign, and the receiver wants both. Python's fails once, and gets it again.
const rotated = await does("eventSinkSecretRotate", { id: node.sink.id }, "eventSink { secrets { endsAt } } secret", admin);
const ends = rotated.eventSink.secrets.map(({ endsAt }) => endsAt).filter(Boolean);
assert.deepEqual([rotated.eventSink.secrets.length, ends.length, node.secrets.includes(rotated.secret)], [2, 1, false]);
assert.ok(Math.abs(Date.parse(ends[0]) - Date.now() - 24 * 3_600_000) < 60_000, `the old secret ends at ${ends[0]}`);
node.secrets.push(rotated.secret);
await node.set();
await python.set({ fail: 1 });
await does("summaryUpdate", { id, featuresAdded: 3 }, "report { id }");
for (const receiver of receivers) await receiver.complete();
const { failed } = await python.got();
assert.equal(failed.length, 1);
const again = (await python.deliveries()).find(({ eventId }) => eventId === failed[0]);
assert.deepEqual(again.attempts, [
  { number: 1, status: 500, error: "500 Internal Server Error" },
  { number: 2, status: 200, error: null },
]);

// The last of the report; then one delivery to each, again: the same event under the same id.
await does("reportDiscard", { id, reason: "仅用于测试" }, "report { id }");
let count = 0;
for (const receiver of receivers) {
  await receiver.complete();
  const [replayed] = await receiver.deliveries();
  const payload = await does("eventDeliveryReplay", { ids: [replayed.id] }, "replayed", admin);
  assert.equal(payload.replayed, 1);
  await until(`${receiver.name}: the replay`, async () => (await receiver.got()).events[replayed.eventId].requests < 2 && replayed);
  await receiver.complete();

  const [{ events, failed }, log, deliveries] = [await receiver.got(), await receiver.log(), await receiver.deliveries()];
  for (const { eventId, type, subject, subjectSequence, data } of log) {
    const { event } = events[eventId];
    assert.deepEqual([event.type, event.subject, event.subjectseq], [`org.relsum.${typeOf(type)}`, subject, `${subjectSequence}`]);
    assert.deepEqual(event.data, JSON.parse(data));
  }
  const happened = new Set(log.map(({ type }) => type));
  for (const type of ["REPORT_CREATED", "REPORT_CHANGED", "PROBLEM_RECORDED", "DEPLOYMENT_RECORDED", "REPORT_DISCARDED"]) {
    assert.ok(happened.has(type), `no ${type}`);
  }
  const deployments = log.filter(({ type }) => type === "DEPLOYMENT_RECORDED").map(({ data }) => JSON.parse(data).deployment);
  assert.deepEqual([...new Set(deployments.map(({ standing }) => standing))].sort(), ["ATTACHED", "PARKED"]);

  // Each subject counts without a gap; what began here, from 1.
  const subjects = new Map(log.map(({ subject }) => [subject, []]));
  for (const { subject, subjectSequence } of log) subjects.get(subject).push(subjectSequence);
  for (const [subject, numbers] of subjects) {
    numbers.sort((a, b) => a - b);
    const first = subject.startsWith(`reports/${number}`) || subject.startsWith("deployments/") ? 1 : numbers[0];
    assert.deepEqual(numbers, numbers.map((_, index) => first + index), `${receiver.name}: ${subject}`);
  }
  assert.ok(subjects.get(`reports/${number}`).length > 2, "a subject with more than two events");

  // The service's account of the attempts is the receiver's.
  assert.deepEqual(deliveries.map(({ eventId }) => eventId).sort(), Object.keys(events).sort());
  for (const { eventId, attempts } of deliveries) {
    const refusals = failed.filter((id) => id === eventId).length;
    assert.equal(attempts.length, events[eventId].requests + refusals, `${receiver.name}: ${JSON.stringify(attempts)}`);
  }
  count += deliveries.length;
}

for (const { sink, child } of receivers) {
  await does("eventSinkRemove", { id: sink.id }, "removed", admin);
  child.stdin.end();
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
}
console.log(`${overdue.length} overdue; ${count} events to ${receivers.length} receivers, in ${Date.now() - began} ms`);
