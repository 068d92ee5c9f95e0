// What relay-compiler made of relay/, run by relay-runtime against the service: the connection grows by a page, `node(id:)`
// fetches a report again, and a mutation puts its report into the list.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import relay from "relay-runtime";
import { authorization, url } from "./service.mjs";

const artifact = createRequire(new URL("generated/relay/", import.meta.url));
const [listQuery, nextQuery, listFragment, cardQuery, cardFragment, createMutation] = [
  "ReportListQuery", "ReportListPaginationQuery", "ReportList_query", "ReportCardRefetchQuery", "ReportCard_report", "ReportCreateMutation",
].map((name) => artifact(`./${name}.graphql`));
// The artifacts carry ids only, as with every persisted manifest; here the client looks the text up.
const manifest = JSON.parse(await readFile(new URL("generated/relay/persisted.json", import.meta.url), "utf8"));

const environment = new relay.Environment({
  store: new relay.Store(new relay.RecordSource()),
  network: relay.Network.create(async ({ id, name }, variables) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization, "content-type": "application/json", accept: "application/graphql-response+json" },
      body: JSON.stringify({ query: manifest[id], operationName: name, variables }),
    });
    assert.equal(response.status, 200, `${name}: ${response.status} ${await response.clone().text()}`);
    return response.json();
  }),
});

const fetchQuery = (query, variables) => relay.fetchQuery(environment, query, variables).toPromise();
const read = (fragment, ref) => {
  const { data, isMissingData } = environment.lookup(relay.getSingularSelector(fragment, ref));
  assert.equal(isMissingData, false, `${fragment.name} lacks data`);
  return data;
};

// Two pages, merged by Relay's own connection handler.
const where = { state: { in: ["FILED", "SIGNED", "SUBMITTED", "DRAFT", "RETURNED"] } };
const variables = { count: 7, where };
const root = await fetchQuery(listQuery, variables);
environment.retain(relay.createOperationDescriptor(listQuery, variables));
const first = read(listFragment, root).reports;
assert.equal(first.edges.length, 7);
assert.equal(first.pageInfo.hasNextPage, true);
await fetchQuery(nextQuery, { ...variables, cursor: first.pageInfo.endCursor });
const both = read(listFragment, root).reports;
assert.equal(both.edges.length, 14, "the second page was not appended");
const ids = both.edges.map(({ node }) => node.id);
assert.equal(new Set(ids).size, 14, "a report came twice");
assert.deepEqual(ids.slice(0, 7), first.edges.map(({ node }) => node.id), "the first page moved");
assert.equal(both.totalCount, first.totalCount);

// Refetched by id, with what the list had not asked for.
const again = await fetchQuery(cardQuery, { id: ids[8], full: true });
const card = read(cardFragment, again.node);
assert.match(card.number, /^REL-SUM-/);
assert.equal(typeof card.product.name, "string");

// The new report heads the list, without another fetch.
const connection = relay.ConnectionHandler.getConnectionID(relay.ROOT_ID, "ReportList_reports", { where });
const created = await new Promise((resolve, reject) => {
  relay.commitMutation(environment, {
    mutation: createMutation,
    variables: { input: { applicationNumber: "REL-APP-2026-960", product: { key: "netaudit" } }, connections: [connection] },
    onCompleted: (data, errors) => (errors ? reject(new Error(JSON.stringify(errors))) : resolve(data.reportCreate)),
    onError: reject,
  });
});
assert.deepEqual(created.userErrors, []);
const after = read(listFragment, root).reports.edges;
assert.equal(after.length, 15);
assert.equal(after[0].node.id, created.report.id);
console.log(`two pages of reports, one refetched (${card.number}), one created`);
