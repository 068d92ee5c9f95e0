// A receiver of webhooks as a subscriber writes it, with the official packages: `standardwebhooks` verifies, `cloudevents`
// parses, Ajv validates against docs/events, and an id is taken once. For sinks.mjs, which it prints its address to: GET tells
// what came, PUT sets which secrets must all have signed and how many deliveries to fail next. It ends with its standard input.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { HTTP } from "cloudevents";
import { Webhook } from "standardwebhooks";
import { checkEvent } from "./schemas.mjs";

let settings = { secrets: [], fail: 0 };
/** By id: what came, and how often, refusals not counted. */
const events = new Map();
const told = { failed: [], pings: [], wrong: [] };
const stranger = new Webhook(`whsec_${Buffer.alloc(32).toString("base64")}`);

function take(headers, body) {
  assert.match(headers["content-type"], /^application\/cloudevents\+json(;|$)/);
  const webhooks = settings.secrets.map((secret) => new Webhook(secret));
  for (const webhook of webhooks) webhook.verify(body, headers);
  assert.ok(webhooks.length > 0, "no secret yet");
  assert.equal(headers["webhook-signature"].split(" ").length, webhooks.length, "a signature for each secret, and no other");
  assert.throws(() => stranger.verify(body, headers), /No matching signature/);
  assert.throws(() => webhooks[0].verify(`${body} `, headers), /No matching signature/);

  const event = HTTP.toEvent({ headers, body });
  event.validate();
  const sent = JSON.parse(body);
  // The package writes times its own way; all else it must have understood as it was sent, the extensions too.
  const understood = JSON.parse(JSON.stringify(event));
  assert.deepEqual({ ...understood, time: sent.time }, sent);
  assert.equal(Date.parse(understood.time), Date.parse(sent.time));
  assert.equal(event.id, headers["webhook-id"]);
  if (event.type === "org.relsum.ops.ping.v1") {
    told.pings.push(event.id); // it is not of the log: no schema
    return;
  }
  checkEvent(sent);
  const known = events.get(event.id);
  if (known) {
    assert.equal(body, known.body, "a repeat differs from the first");
    known.requests += 1;
  } else {
    events.set(event.id, { event: sent, body, requests: 1 });
  }
}

const server = createServer(async (request, response) => {
  const body = await text(request);
  if (request.method === "GET") {
    response.setHeader("content-type", "application/json").end(JSON.stringify({ events: Object.fromEntries(events), ...told }));
    return;
  }
  if (request.method === "PUT") {
    settings = JSON.parse(body);
  } else if (settings.fail > 0) {
    settings.fail -= 1;
    told.failed.push(request.headers["webhook-id"]);
    response.statusCode = 500;
  } else {
    try {
      take(request.headers, body);
    } catch (error) {
      told.wrong.push(`${error.message}: ${JSON.stringify(request.headers)} ${body}`);
      response.statusCode = 400;
    }
  }
  response.end();
});
await once(server.listen(0, "127.0.0.1"), "listening");
console.log(`http://127.0.0.1:${server.address().port}/`);
process.stdin.on("end", () => process.exit()).resume();
