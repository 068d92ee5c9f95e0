// Apollo Client with `relayStylePagination`: pages fetched one after another become one list in the cache, with nothing twice
// and a page info that spans it.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import { authorization, url } from "./service.mjs";

const client = new ApolloClient({
  link: new HttpLink({ uri: url, headers: { authorization } }),
  cache: new InMemoryCache({
    typePolicies: { Query: { fields: { reports: relayStylePagination(["where", "orderBy"]) } } },
  }),
});

const query = gql`
  query Reports($first: Int, $after: String, $where: ReportWhere) {
    reports(first: $first, after: $after, where: $where) {
      totalCount
      pageInfo {
        startCursor
        endCursor
        hasPreviousPage
        hasNextPage
      }
      edges {
        cursor
        node {
          id
          number
          state
        }
      }
    }
  }
`;
const first = 15;
const where = { state: { in: ["FILED", "SIGNED", "SUBMITTED"] } };
const variables = { first, where };
const page1 = (await client.query({ query, variables })).data.reports;
const list = client.watchQuery({ query, variables });
let shown; // what a component that watches the list has on the screen
const subscription = list.subscribe(({ data }) => (shown = data?.reports));
assert.equal(page1.edges.length, first);
assert.equal(page1.pageInfo.hasNextPage, true, "the demo content has more than one page");
assert.equal(page1.pageInfo.hasPreviousPage, false);

let pages = 1;
let merged = page1;
while (merged.pageInfo.hasNextPage) {
  const { data } = await list.fetchMore({ variables: { after: merged.pageInfo.endCursor } });
  pages += 1;
  const before = merged;
  merged = client.readQuery({ query, variables }).reports;
  for (let i = 0; i < 100 && shown.edges.length !== merged.edges.length; i++) await setTimeout(20); // told after the write
  assert.deepEqual(shown, merged, "the watcher does not see what the cache has");
  assert.equal(merged.edges.length, before.edges.length + data.reports.edges.length, `page ${pages} was not merged`);
  assert.deepEqual(merged.edges.slice(0, before.edges.length), before.edges, `page ${pages} moved what was there`);
  assert.equal(merged.pageInfo.startCursor, page1.pageInfo.startCursor, "the start moved");
  assert.equal(merged.pageInfo.endCursor, merged.edges.at(-1).cursor, "the end is not the last edge");
  assert.equal(merged.pageInfo.hasPreviousPage, false);
  assert.ok(pages < 20, "no last page");
}
assert.ok(pages >= 2);
assert.equal(merged.edges.length, merged.totalCount);
assert.equal(new Set(merged.edges.map(({ node }) => node.id)).size, merged.totalCount, "a report came twice");
assert.equal(new Set(merged.edges.map(({ cursor }) => cursor)).size, merged.totalCount, "a cursor came twice");

// The same page asked for again has the same cursors.
const again = await client.query({ query, variables, fetchPolicy: "no-cache" });
assert.deepEqual(again.data.reports, page1, "the first page is not stable");
subscription.unsubscribe();
client.stop();
console.log(`${merged.totalCount} reports in ${pages} pages`);
