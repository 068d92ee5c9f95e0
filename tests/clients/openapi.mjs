// The OpenAPI document that the service gives, to those with a token alone, is openapi.json to the letter. The tools, which have
// no token for it, take it from generated/openapi.json.
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { address, pipelineAuthorization } from "./service.mjs";

const url = `${address}/openapi.json`;
const stranger = await fetch(url);
assert.equal(stranger.status, 401);

const response = await fetch(url, { headers: { authorization: pipelineAuthorization() } });
assert.equal(response.status, 200);
assert.equal(response.headers.get("content-type"), "application/json");
const served = await response.text();
assert.equal(served, await readFile(new URL("../../openapi.json", import.meta.url), "utf8"), "the service and openapi.json differ");

const folder = new URL("generated/", import.meta.url);
await mkdir(folder, { recursive: true });
await writeFile(new URL("openapi.json", folder), served);
