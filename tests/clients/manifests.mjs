// The two manifests of persisted documents (GraphQL Code Generator's and Relay's) hold what a service can be loaded with: each
// document is valid, and its key is the SHA-256 of its very text.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { buildSchema, parse, validate } from "graphql";

const read = (path) => readFile(new URL(path, import.meta.url), "utf8");
const schema = buildSchema(await read("../../schema.graphql"));
const documents = (await readdir(new URL("generated/documents", import.meta.url))).length;

for (const { path, prefix, count } of [
  { path: "generated/gql/persisted-documents.json", prefix: "sha256:", count: documents },
  { path: "generated/relay/persisted.json", prefix: "", count: 4 },
]) {
  const entries = Object.entries(JSON.parse(await read(path)));
  assert.equal(entries.length, count, `${path}: number of documents`);
  for (const [key, text] of entries) {
    assert.equal(key, prefix + createHash("sha256").update(text).digest("hex"), `${path}: key of ${text.slice(0, 60)}`);
    assert.deepEqual(validate(schema, parse(text)), [], `${path}: ${key}`);
  }
  console.log(`${path}: ${entries.length} documents`);
}
