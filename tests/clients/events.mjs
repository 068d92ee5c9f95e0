// The story that every transport of subscriptions must tell: a new report's event arrives, nothing comes once unsubscribed, and
// a subscription taken up again after the last position misses nothing, repeats nothing, and goes on live.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { createReport } from "./service.mjs";

export const query = `
  subscription Events($after: String) {
    events(types: [REPORT_CREATED], after: $after) {
      position
      id
      type
      subject
      subjectSequence
      time
      recordedTime
      report {
        id
        number
        state
      }
    }
  }
`;

/** Gathers what a subscription gives; `start` gets the sink that graphql-ws and graphql-sse share, and returns how to stop. */
export function feed(start) {
  const received = [];
  let failure;
  const stop = start({
    next(result) {
      if (result.errors) failure ??= new Error(`errors in an event: ${JSON.stringify(result.errors)}`);
      else received.push(result.data.events);
    },
    error(error) {
      // an Error, a close event, an error event, or a list of GraphQL errors
      failure ??= new Error(`subscription failed: ${error.code ?? ""} ${error.reason ?? error.message ?? JSON.stringify(error)}`);
    },
    complete() {},
  });
  return {
    received,
    stop,
    /** Whether so many events came within the time. */
    async has(count, milliseconds) {
      for (const end = Date.now() + milliseconds; Date.now() < end && received.length < count; ) {
        if (failure) throw failure;
        await setTimeout(20);
      }
      if (failure) throw failure;
      return received.length >= count;
    },
  };
}

/** `subscribe(variables)` gives a feed; `frames()`, where the transport shows them, how many events the service sent in all. */
export async function story(subscribe, application, frames = () => 0) {
  const created = [];
  const create = async () => created.push(await createReport(application++));
  const ids = (events) => events.map(({ report }) => report.id);

  // No protocol says when a subscription listens, so reports are made until one is heard of.
  const live = subscribe({});
  do await create();
  while (!(await live.has(1, 2000)) && created.length < 5);
  assert.ok(live.received.length > 0, `no event within 2 s of any of ${created.length} new reports`);
  const [event] = live.received;
  assert.equal(event.type, "REPORT_CREATED");
  const report = created.find(({ id }) => id === event.report.id);
  assert.ok(report, "without `after`, a subscription begins now, not with the events of old");
  assert.equal(event.report.number, report.number);
  assert.equal(event.report.state, "DRAFT");
  assert.ok(event.position.length > 0 && event.id.length > 0 && event.subject.length > 0);
  assert.ok(event.subjectSequence >= 1);
  for (const time of [event.time, event.recordedTime]) assert.ok(Math.abs(Date.now() - Date.parse(time)) < 600_000, time);

  // Unsubscribed: the service is silent about what happens now.
  live.stop();
  await setTimeout(300);
  const [heard, sent] = [live.received.length, frames()];
  await create();
  await create();
  await setTimeout(500);
  assert.equal(live.received.length, heard, "an event came after unsubscribing");
  assert.equal(frames(), sent, "the service sent an event after unsubscribing");

  // Taken up again: what was missed, in order, once each; then what happens from now on.
  const last = live.received.at(-1);
  const again = subscribe({ after: last.position });
  const missed = created.slice(created.findIndex(({ id }) => id === last.report.id) + 1);
  assert.ok(await again.has(missed.length, 10_000), `${again.received.length} of ${missed.length} missed events came`);
  await create();
  assert.ok(await again.has(missed.length + 1, 10_000), "after catching up, the subscription is not live");
  await setTimeout(500);
  assert.deepEqual(ids(again.received), [...missed.map(({ id }) => id), created.at(-1).id], "missed, repeated or out of order");
  again.stop();

  const all = [...live.received, ...again.received];
  assert.equal(new Set(all.map(({ position }) => position)).size, all.length, "two events have one position");
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length, "two events have one id");
  return `${created.length} reports, ${all.length} events, ${missed.length} of them caught up with`;
}
