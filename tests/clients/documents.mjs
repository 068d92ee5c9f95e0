// Takes the GraphQL documents out of the pages that front-end teams read, one file each under generated/documents/. The pages
// show anonymous operations; tools want names, so each gets the name of its first field.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { Kind, parse, print, visit } from "graphql";

const root = new URL("../../", import.meta.url);
const pages = ["README.md", "docs/front-end.md"];
const folder = new URL("generated/documents/", import.meta.url);

const used = new Map();

/** `reportSubmit` becomes `ReportSubmit`, and the next one `ReportSubmit2`. */
function nameOf(operation) {
  if (operation.name) return operation.name.value;
  const field = operation.selectionSet.selections.find((selection) => selection.kind === Kind.FIELD).name.value;
  const name = field[0].toUpperCase() + field.slice(1);
  used.set(name, (used.get(name) ?? 0) + 1);
  return used.get(name) === 1 ? name : `${name}${used.get(name)}`;
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
let count = 0;
for (const page of pages) {
  const text = await readFile(new URL(page, root), "utf8");
  const before = count;
  for (const block of text.matchAll(/^```graphql\n(.*?)^```$/gms)) {
    const line = text.slice(0, block.index).split("\n").length;
    let document;
    try {
      document = parse(block[1]);
    } catch (error) {
      throw new Error(`${page}:${line}: ${error.message}`);
    }
    let name;
    document = visit(document, {
      [Kind.OPERATION_DEFINITION](operation) {
        const value = nameOf(operation);
        name ??= value;
        return { ...operation, name: { kind: Kind.NAME, value } };
      },
    });
    if (!name) continue; // a piece of the schema, shown for reading
    count += 1;
    await writeFile(new URL(`${name}.graphql`, folder), `# ${page}, line ${line}\n${print(document)}\n`);
  }
  if (count === before) throw new Error(`${page} has no GraphQL block: does it mark them otherwise now?`);
}
console.log(`${count} documents`);
