// urql: a query with variables over POST and over GET, and a mutation whose user errors a form shows at its fields.
import assert from "node:assert/strict";
import { cacheExchange, createClient, fetchExchange, gql } from "@urql/core";
import { authorization, url } from "./service.mjs";

const methods = [];
function client(preferGetMethod) {
  return createClient({
    url,
    preferGetMethod,
    exchanges: [cacheExchange, fetchExchange],
    fetch: (input, init) => {
      methods.push(init.method);
      return fetch(input, init);
    },
    fetchOptions: { headers: { authorization, "accept-language": "en" } },
  });
}

const reports = gql`
  query Reports($first: Int, $where: ReportWhere) {
    reports(first: $first, where: $where) {
      totalCount
      nodes {
        id
        number
        state
      }
    }
  }
`;
const variables = { first: 3, where: { state: { eq: "FILED" } } };
const answers = [];
for (const prefer of [false, "force"]) {
  const { data, error } = await client(prefer).query(reports, variables);
  assert.equal(error, undefined, String(error));
  assert.equal(data.reports.nodes.length, 3);
  assert.ok(data.reports.nodes.every(({ state }) => state === "FILED"));
  answers.push(data.reports);
}
assert.deepEqual(methods, ["POST", "GET"]);
assert.deepEqual(answers[0], answers[1], "GET and POST answer differently");

const create = gql`
  mutation Create($input: ReportCreateInput!) {
    reportCreate(input: $input) {
      report {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`;
const { data, error } = await client(false).mutation(create, { input: { applicationNumber: "application 7" } });
assert.equal(error, undefined, String(error));
assert.equal(data.reportCreate.report, null);
const [first] = data.reportCreate.userErrors;
assert.deepEqual(first.field, ["applicationNumber"]);
assert.equal(first.code, "INVALID");
assert.ok(first.message.length > 0);
console.log(`query by POST and GET; user error at ${first.field}: ${first.message}`);
