// The JSON Schemas of docs/events, compiled: formats are checked, and Ajv's strict mode refuses what it would have to ignore.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const folder = new URL("../../docs/events/", import.meta.url);
const ajv = addFormats.default(new Ajv2020({ strict: true, allErrors: true }));

/** Text of each file, by its name without `.json`: `action.overdue.v1`. */
export const files = new Map(
  readdirSync(folder).map((name) => [name.replace(/\.json$/, ""), readFileSync(new URL(name, folder), "utf8")]),
);
const schemas = [...files.values()].map((text) => JSON.parse(text));
const events = new Map(schemas.map((schema) => [schema.properties.type.const, ajv.compile(schema)]));
const data = new Map(schemas.map(({ properties }) => [properties.type.const, ajv.compile(properties.data)]));

function check(validators, type, value) {
  const valid = validators.get(type);
  assert.ok(valid, `no schema of ${type}`);
  assert.ok(valid(value), `${type}: ${ajv.errorsText(valid.errors)}: ${JSON.stringify(value)}`);
}

/** Whether a whole event fits the schema of its type. */
export const checkEvent = (event) => check(events, event.type, event);

/** Whether the data of an event, by itself, fits. */
export const checkData = (type, value) => check(data, type, value);
