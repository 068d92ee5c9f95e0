// graphql-eslint's recommended rules for the schema, for Relay, and for the documents that the pages show.
import { fileURLToPath } from "node:url";
import graphql from "@graphql-eslint/eslint-plugin";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const graphQLConfig = { schema: here("../../schema.graphql"), documents: here("generated/documents/*.graphql") };
// Two ids that are no global ones: that which the sender gave a deployment, and the CloudEvents id of an event. The contracts of
// both name them so, and beside `id` nothing shorter says which is meant. The rule has no options.
const contractNames = ["Deployment.deploymentId", "Event.eventId"];
const prefix = graphql.rules["no-typename-prefix"];
const prefixButFor = (names) => ({
  ...prefix,
  create: (context) =>
    prefix.create({ report: (found) => names.includes(`${found.data.typeName}.${found.data.fieldName}`) || context.report(found) }),
});
const rules = { ...graphql.rules, "no-typename-prefix": prefixButFor(contractNames) };
const plugins = { "@graphql-eslint": { ...graphql, rules } };
const languageOptions = { parser: graphql.parser, parserOptions: { graphQLConfig } };
const { rules: schemaRules } = graphql.configs["flat/schema-recommended"];
const { rules: relayRules } = graphql.configs["flat/schema-relay"];
const { rules: operationRules } = graphql.configs["flat/operations-recommended"];

const valueTypes = [
  "PageInfo", "UserError", "EnumLabel",
  // sections and rows of a report that have no existence of their own
  "Achievements", "Completeness", "Evaluation", "Filing", "FoundBySeverity", "IncidentReview", "MissingItem", "OwedContribution",
  "Participant", "PipelineValue", "PlannedFix", "PostReleaseTotals", "ProposedProblem", "ReportedValue", "Resources",
  "SectionCompleteness", "Staffing", "TimelineEntry",
  // parts of a deployment, a delivery, an ingestion source, an event sink
  "DeliveryHeader", "EnvironmentRule", "FilledField", "ProjectMapping", "SinkSecret", "SourceSecret",
  // steps of a history, in order
  "AuditChange", "CommitteeOpinion", "ContentChange", "DeliveryAttempt", "DeploymentObservation", "LifeCycleStep", "Rescheduling",
  "Signature", "SubmissionRound", "VerificationAttempt",
  "ActionSchedule",
  // figures: made when they are asked for
  "MetricDrillDown", "MetricExclusion", "MetricKey", "Metrics", "SeverityCount",
  // the caller: there is one only
  "Viewer", "ViewerMembership", "Worklist",
];

export default [
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/schema.graphql"],
    plugins,
    languageOptions,
    rules: {
      ...schemaRules,
      ...relayRules,
      // Connections have a `nodes` shortcut beside their edges, and what the form bounds is a plain list.
      "@graphql-eslint/relay-edge-types": [
        "error",
        { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
      ],
      // Ids belong to what `node` finds. The others are values inside of such an object: they are read and cached with it. A type
      // that is neither listed here nor has an id is an oversight.
      "@graphql-eslint/strict-id-in-types": [
        "error",
        { exceptions: { suffixes: ["Payload", "Connection", "Edge", "Permissions", "Figure", "Metric"], types: valueTypes } },
      ],
    },
  },
  {
    files: ["**/generated/documents/*.graphql"],
    plugins,
    languageOptions,
    rules: operationRules,
  },
];
