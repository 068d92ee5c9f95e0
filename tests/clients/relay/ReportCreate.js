// A mutation that puts the new report at the head of the list by itself.
import { graphql } from "react-relay";

export const create = graphql`
  mutation ReportCreateMutation($input: ReportCreateInput!, $connections: [ID!]!) {
    reportCreate(input: $input) {
      report @prependNode(connections: $connections, edgeTypeName: "ReportEdge") {
        id
        ...ReportCard_report
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`;
