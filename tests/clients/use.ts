// A front end's use of the generated documents: what must compile, and, marked, what must not. `tsc --strict` reads it; nothing
// runs it.
import type { ResultOf, TypedDocumentNode, VariablesOf } from "@graphql-typed-document-node/core";
import { ActionOccurrencesDocument, ReportCreateDocument, ReportSignDocument, ReportUpdateDocument } from "./generated/gql/graphql";

declare function execute<R, V>(document: TypedDocumentNode<R, V>, variables: V): Promise<R>;

export async function draft(): Promise<string | undefined> {
  const variables: VariablesOf<typeof ReportCreateDocument> = {
    input: { applicationNumber: "REL-APP-2026-901", product: { key: "netaudit" }, preparedOn: "2026-03-25", releaseType: "FEATURE" },
  };
  const { reportCreate } = await execute(ReportCreateDocument, variables);
  const messages: string[] = reportCreate.userErrors.map(({ code, field, message }) => `${code} ${field.join(".")} ${message}`);
  if (messages.length > 0) throw new Error(messages.join("\n"));
  // Null when there are user errors: the type makes a front end look.
  // @ts-expect-error
  reportCreate.report.id;
  const state: "DRAFT" | "DISCARDED" | "FILED" | "RETURNED" | "SIGNED" | "SUBMITTED" | undefined = reportCreate.report?.state;
  return state === "DRAFT" ? reportCreate.report?.number : undefined;
}

export async function due(report: string): Promise<Array<[string, boolean]>> {
  const data: ResultOf<typeof ActionOccurrencesDocument> = await execute(ActionOccurrencesDocument, { report });
  return data.actionOccurrences.nodes.map((node): [string, boolean] => [node.dueOn, node.viewerCan.complete]);
}

export async function refused(): Promise<void> {
  // @ts-expect-error a required variable is missing
  await execute(ReportSignDocument, {});
  // @ts-expect-error exactly one name of the product (`@oneOf`)
  await execute(ReportCreateDocument, { input: { applicationNumber: "REL-APP-2026-901", product: { key: "netaudit", id: "x" } } });
  // @ts-expect-error no such value of the enum
  await execute(ReportCreateDocument, { input: { applicationNumber: "REL-APP-2026-901", releaseType: "NONSENSE" } });
  // @ts-expect-error a decimal is text, so that no digit is lost
  const percent: VariablesOf<typeof ReportUpdateDocument>["basics"]["externalPercent"] = 30;
  void percent;
}
