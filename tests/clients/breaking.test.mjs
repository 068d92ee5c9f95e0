// Proves breaking.mjs on copies of the schema: what it must refuse, it refuses, and what it must let pass, passes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const schema = readFileSync(here("../../schema.graphql"), "utf8");
const work = mkdtempSync(join(tmpdir(), "relsum-breaking-"));
after(() => rmSync(work, { recursive: true }));

/** The schema with a piece of it changed; the piece must be there, or the test would prove nothing. */
function edited(from, to) {
  assert.match(schema, from);
  return schema.replace(from, to);
}

const description = String.raw`\t"""\n(?:(?!\t""").*\n)+?\t"""\n`;
const field = (type, name) => new RegExp(`(^type ${type} [^]*?)${description}\t${name}: [^\n]*\n`, "m");
const withoutVersion = () => edited(field("Report", "version"), "$1");

function check(released, current, unreleased, older = "") {
  const [a, b, c] = ["released", "current", "changelog"].map((name) => join(work, name));
  writeFileSync(a, released);
  writeFileSync(b, current);
  writeFileSync(c, `# Changelog\n\n## Unreleased\n\n${unreleased}\n\n## 0.1.0\n\n${older}\n`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [here("breaking.mjs"), a, b, c], { encoding: "utf8" });
  return { status, text: stdout + stderr };
}

test("nothing changed passes", () => {
  const { status, text } = check(schema, schema, "");
  assert.equal(status, 0, text);
  assert.match(text, /^breaking changes: 0, /m);
});

test("an undeclared removal fails and is named", () => {
  const { status, text } = check(schema, withoutVersion(), "- Something else, `Report.version` mentioned.");
  assert.equal(status, 1, text);
  assert.match(text, /^UNDECLARED `Report\.version`/m);
});

test("a declared removal passes", () => {
  const { status, text } = check(schema, withoutVersion(), "- One thing.\n- BREAKING: the version is\n  gone (`Report.version`).\n- More.");
  assert.equal(status, 0, text);
  assert.match(text, /^declared `Report\.version`/m);
});

test("a declaration of an older release does not count, nor one of another path", () => {
  assert.equal(check(schema, withoutVersion(), "", "- BREAKING: `Report.version`").status, 1);
  assert.equal(check(schema, withoutVersion(), "- BREAKING: `Report.versions` and `Report`").status, 1);
});

test("an addition passes", () => {
  const { status, text } = check(withoutVersion(), schema, "");
  assert.equal(status, 0, text);
  assert.match(text, /^breaking changes: 0, /m);
});

test("an optional argument passes, a required one fails", () => {
  const argument = (type) => edited(/(\n\treports\(\n)/, `$1\t\t"""\n\t\tMade up.\n\t\t"""\n\t\tmadeUp: ${type},\n`);
  assert.equal(check(schema, argument("Int"), "").status, 0);
  const { status, text } = check(schema, argument("Int!"), "");
  assert.equal(status, 1, text);
  assert.match(text, /^UNDECLARED `Query\.reports\.madeUp`/m);
});

test("another type, a removed enum value and a removed input field fail", () => {
  const round = edited(/(^type Report [^]*?\tround: )Int!/m, "$1Int");
  assert.match(check(schema, round, "").text, /^UNDECLARED `Report\.round`/m);
  const state = edited(new RegExp(`(^enum ReportState [^]*?)${description}\tDRAFT\n`, "m"), "$1");
  assert.match(check(schema, state, "").text, /^UNDECLARED `ReportState\.DRAFT`/m);
  const digest = edited(new RegExp(`(^input ReportSignInput [^]*?)${description}\tdigest: String\n`, "m"), "$1");
  assert.match(check(schema, digest, "").text, /^UNDECLARED `ReportSignInput\.digest`/m);
});

test("a file that is not there fails", () => {
  const { status } = spawnSync(process.execPath, [here("breaking.mjs"), join(work, "nowhere.graphql")]);
  assert.notEqual(status, 0);
});
