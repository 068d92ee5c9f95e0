// graphql-inspector's validation of the documents that the pages show: valid against schema.graphql, nothing deprecated used.
import { readdir, readFile } from "node:fs/promises";
import { validate } from "@graphql-inspector/core";
import { buildSchema, Source } from "graphql";

const folder = new URL("generated/documents/", import.meta.url);
const schema = buildSchema(await readFile(new URL("../../schema.graphql", import.meta.url), "utf8"));
const names = await readdir(folder);
const sources = await Promise.all(names.map(async (name) => new Source(await readFile(new URL(name, folder), "utf8"), name)));

const invalid = validate(schema, sources, { strictDeprecated: true });
for (const { source, errors, deprecated } of invalid) {
  for (const { message } of [...errors, ...deprecated]) console.log(`${source.name}: ${message}`);
}
console.log(`${sources.length} documents, ${invalid.length} invalid`);
process.exit(sources.length > 0 && invalid.length === 0 ? 0 : 1);
