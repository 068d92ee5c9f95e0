// The list of reports as a Relay component writes it: `usePaginationFragment` wants @refetchable and @connection.
import { graphql } from "react-relay";

export const query = graphql`
  query ReportListQuery($count: Int!, $where: ReportWhere) {
    ...ReportList_query @arguments(count: $count, where: $where)
  }
`;

export const list = graphql`
  fragment ReportList_query on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }, where: { type: "ReportWhere" })
  @refetchable(queryName: "ReportListPaginationQuery") {
    reports(first: $count, after: $cursor, where: $where) @connection(key: "ReportList_reports") {
      totalCount
      edges {
        node {
          id
          ...ReportCard_report
        }
      }
    }
  }
`;
