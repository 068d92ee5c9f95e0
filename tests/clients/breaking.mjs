// Compares the schema with the one of the last release. A breaking change fails, unless the Unreleased section of CHANGELOG.md
// declares it: `- BREAKING: ...` with the path of the change in backticks, such as `Report.version`.
//
// node breaking.mjs [released.graphql [current.graphql [CHANGELOG.md]]]; the first also as RELSUM_RELEASED_SCHEMA
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

const root = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** Everything in backticks in the BREAKING entries of the Unreleased section. */
export function declared(changelog) {
  const section = changelog.split(/^## /m).find((part) => /^\[?Unreleased\b/i.test(part)) ?? "";
  const entries = section.split(/^- /m).slice(1).filter((entry) => entry.startsWith("BREAKING:"));
  return new Set(entries.flatMap((entry) => [...entry.matchAll(/`([^`]+)`/g)].map((match) => match[1])));
}

/** All breaking changes, each with its path and whether the changelog declares it. */
export async function breaking(released, current, changelog) {
  const paths = declared(changelog);
  const changes = await diff(buildSchema(released), buildSchema(current));
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ path = "schema", message }) => ({ path, message, declared: paths.has(path) }));
}

async function main([released = process.env.RELSUM_RELEASED_SCHEMA ?? root("schema.released.graphql"), current = root("schema.graphql"), changelog = root("CHANGELOG.md")]) {
  const texts = await Promise.all([released, current, changelog].map((path) => readFile(path, "utf8")));
  const changes = await breaking(...texts);
  for (const change of changes) {
    console.log(`${change.declared ? "declared" : "UNDECLARED"} \`${change.path}\`: ${change.message}`);
  }
  const undeclared = changes.filter((change) => !change.declared).length;
  console.log(`breaking changes: ${changes.length}, not declared in ${changelog}: ${undeclared}`);
  if (undeclared > 0) {
    console.log("Keep the old form with @deprecated, or declare it under Unreleased: - BREAKING: `the.path` ...");
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
