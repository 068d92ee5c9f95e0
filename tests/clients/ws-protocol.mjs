// graphql-transport-ws as the protocol has it, spoken by hand where a good client never goes: its close codes, ping and pong, a
// query in place of a subscription.
import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import WebSocket from "ws";
import { query } from "./events.mjs";
import { authorization, url } from "./service.mjs";

const init = { type: "connection_init", payload: { Authorization: authorization } };
const subscribe = { id: "1", type: "subscribe", payload: { query } };

/** Opens a socket; `say` sends, `hear` gives the next message, `closed` the close code. */
async function open() {
  const socket = new WebSocket(url.replace(/^http/, "ws"), "graphql-transport-ws");
  const queue = [];
  socket.on("message", (data) => queue.push(JSON.parse(data)));
  const closed = once(socket, "close").then(([code]) => code);
  await once(socket, "open");
  assert.equal(socket.protocol, "graphql-transport-ws");
  const within = async (what, ready) => {
    for (const end = Date.now() + 5000; Date.now() < end; await setTimeout(10)) {
      const found = ready();
      if (found) return found;
    }
    throw new Error(`waited 5 s for ${what}`);
  };
  return {
    say: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    hear: (type) => within(type, () => queue.shift()).then((message) => (assert.equal(message.type, type, JSON.stringify(message)), message)),
    closed: () => Promise.race([closed, setTimeout(5000, "still open after 5 s", { ref: false })]),
    end: () => socket.terminate(),
  };
}

/** What is said after `connection_ack` (or, with `early`, instead of it) closes the socket with the code. */
async function closes(code, what, messages, early = false) {
  const socket = await open();
  if (!early) {
    socket.say(init);
    await socket.hear("connection_ack");
  }
  messages.forEach(socket.say);
  assert.equal(await socket.closed(), code, what);
  socket.end();
}

await closes(4400, "not JSON", ["{nonsense"]);
await closes(4400, "an unknown type", [{ type: "nonsense" }]);
await closes(4400, "a subscribe without an id", [{ type: "subscribe", payload: { query } }]);
await closes(4401, "a subscribe before connection_init", [subscribe], true);
await closes(4409, "an id twice", [subscribe, subscribe]);
await closes(4429, "connection_init twice", [init]);

const socket = await open();
socket.say(init);
await socket.hear("connection_ack");
socket.say({ type: "ping" });
await socket.hear("pong");
// Queries and mutations have HTTP, with its limits and its retries.
socket.say({ id: "q", type: "subscribe", payload: { query: "{ viewer { name } }" } });
const { id, payload } = await socket.hear("error");
assert.equal(id, "q");
assert.ok(Array.isArray(payload) && payload[0].message.length > 0, JSON.stringify(payload));
// The id is free again, also after an unsubscription, and an unknown one is no offence.
socket.say({ ...subscribe, id: "q" });
socket.say({ id: "q", type: "complete" });
socket.say({ id: "never", type: "complete" });
socket.say({ ...subscribe, id: "q" });
socket.say({ type: "ping" });
await socket.hear("pong");
socket.end();
console.log("4400, 4401, 4409, 4429; pong; subscriptions only");
