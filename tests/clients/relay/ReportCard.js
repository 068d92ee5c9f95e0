// One report, fetched again by its id: Relay makes the query `node(id:) { ...ReportCard_report }` of it.
import { graphql } from "react-relay";

export const card = graphql`
  fragment ReportCard_report on Report
  @argumentDefinitions(full: { type: "Boolean", defaultValue: false })
  @refetchable(queryName: "ReportCardRefetchQuery") {
    number
    state
    updatedAt
    viewerCan {
      edit
      submit
    }
    product @include(if: $full) {
      id
      name
    }
  }
`;
