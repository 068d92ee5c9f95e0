// What the service tells of itself by introspection, with everything that graphql-js can ask for, is schema.graphql to the
// letter: types, fields, arguments, defaults, descriptions, @oneOf, @specifiedBy, deprecations.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { diff } from "@graphql-inspector/core";
import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema, validateSchema } from "graphql";
import { ask } from "./service.mjs";

const file = buildSchema(await readFile(new URL("../../schema.graphql", import.meta.url), "utf8"));
const told = buildClientSchema(
  await ask(
    getIntrospectionQuery({
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    }),
  ),
);
assert.deepEqual(validateSchema(told), []);

// The schema as a whole has a description of the GraphQL library's own, which the library leaves out where it prints the SDL.
told.description = undefined;

// Both by way of the printer: a schema from introspection has no syntax tree, which the comparison also looks at.
const [ours, theirs] = [file, told].map((schema) => printSchema(lexicographicSortSchema(schema)));
const changes = await diff(buildSchema(ours), buildSchema(theirs));
for (const { criticality, message, path } of changes) console.error(`${criticality.level} ${path}: ${message}`);
assert.equal(changes.length, 0, "introspection and schema.graphql differ");
const [a, b] = [ours, theirs].map((text) => text.split("\n"));
const line = a.findIndex((text, index) => text !== b[index]);
assert.ok(line < 0 && a.length === b.length, `introspection and schema.graphql print differently: ${a[line]} | ${b[line]}`);
console.log(`${Object.keys(told.getTypeMap()).length} types, as in schema.graphql`);
