//! Who may do what: the whole table as one snapshot that reviewers read, and the API held against it.

use std::{collections::BTreeMap, fmt::Write as _};

use entity::enums::{IssueCategory, ReportState};
use relsum::{
    auth::{
        Act, Actor, Facts,
        actor::{membership_from, person_id, role_from},
        policy::{allows, requires},
    },
    error::Error,
    graphql::{law::acts_of, schema::sdl},
};
use serde_json::json;

use crate::support::{TestApp, each_database, guide::play};

/// The callers of the matrix: one for each way to stand to a report.
const CALLERS: [(&str, &[&str]); 15] = [
    ("PRODUCT head", &["PRODUCT:HEAD"]),
    ("PRODUCT member", &["PRODUCT"]),
    ("TEST head (owner, lead)", &["TEST:HEAD"]),
    ("TEST member (owner)", &["TEST"]),
    ("OPS head (owner)", &["OPS:HEAD"]),
    ("OPS member (owner)", &["OPS"]),
    ("RND member (participant)", &["RND"]),
    ("INFOSEC member", &["INFOSEC"]),
    ("CUSTOMER_SUCCESS member", &["CUSTOMER_SUCCESS"]),
    ("COMMITTEE head", &["COMMITTEE:HEAD"]),
    ("COMMITTEE member", &["COMMITTEE"]),
    ("COMMITTEE_OFFICE member", &["COMMITTEE_OFFICE"]),
    ("AUDITOR", &["AUDITOR"]),
    ("PIPELINE", &["PIPELINE"]),
    ("ADMIN", &["ADMIN"]),
];

fn actor(claims: &[&str]) -> Actor {
    Actor {
        subject: format!("u-{}", claims.join("+")),
        name: "某人".into(),
        memberships: claims.iter().filter(|c| role_from(c).is_none()).map(|c| membership_from(c).unwrap()).collect(),
        roles: claims.iter().filter_map(|c| role_from(c)).collect(),
        products: vec![],
    }
}

fn acts(owners: &[String]) -> Vec<(&'static str, Act<'_>)> {
    let lead = &owners[..1];
    vec![
        ("create a report", Act::ReportCreate),
        ("edit header, basics, resources, summary, evaluation", Act::ReportEdit),
        ("submit", Act::ReportSubmit),
        ("withdraw", Act::ReportWithdraw),
        ("sign", Act::ReportSign),
        ("return", Act::ReportReturn),
        ("file", Act::ReportFile),
        ("discard", Act::ReportDiscard),
        ("supersede", Act::ReportSupersede),
        ("milestone of TEST and OPS: actual, reason, n/a", Act::MilestoneReport { owners }),
        ("milestone: all of it, add, remove", Act::MilestonePlan),
        ("record a problem", Act::ProblemRecord),
        ("problem of TEST and OPS, recorded by RND: edit, review", Act::ProblemEdit { owners, recorded_by: person_id("u-RND") }),
        ("problem: impact, owners, remove", Act::ProblemGovern),
        ("cases", Act::CaseEdit),
        ("statistics FUNCTIONAL", Act::PostReleaseEdit { category: IssueCategory::Functional }),
        ("statistics PERFORMANCE", Act::PostReleaseEdit { category: IssueCategory::Performance }),
        ("statistics COMPATIBILITY", Act::PostReleaseEdit { category: IssueCategory::Compatibility }),
        ("statistics SECURITY", Act::PostReleaseEdit { category: IssueCategory::Security }),
        ("evaluation of TEST", Act::EvaluationWrite { department: "TEST" }),
        ("action: add, edit, remove", Act::ActionPlan),
        ("occurrence of TEST and OPS: complete, withdraw", Act::OccurrenceComplete { owners }),
        ("action led by TEST: reschedule, reassign, cancel, end", Act::ActionSteer { leads: lead }),
        ("occurrence completed by the COMMITTEE member: verify", Act::OccurrenceVerify { completed_by: Some(person_id("u-COMMITTEE")) }),
        ("products", Act::ProductManage),
        ("departments", Act::DepartmentManage),
        ("number sequences", Act::SequenceManage),
        ("erase a person", Act::PersonErase),
        ("read the audit log", Act::AuditRead),
        ("report a deployment, register a build", Act::DeploymentRecord),
        ("see parked and held deployments, deliveries", Act::DeploymentWaitingRead),
        ("attach, dismiss, replay", Act::DeploymentSettle),
        ("ingestion sources", Act::SourceManage),
        ("raw bodies", Act::DeliveryBodyRead),
        ("read figures", Act::MetricsRead),
        ("announce due dates", Act::DueAnnounce),
        ("event sinks, deliveries", Act::SinkManage),
    ]
}

/// Row for row: in which states each caller may. `D`raft `R`eturned `S`ubmitted s`I`gned `F`iled `X` discarded.
#[test]
fn the_matrix_is_the_one_that_was_reviewed() {
    let states = [
        ('D', ReportState::Draft),
        ('R', ReportState::Returned),
        ('S', ReportState::Submitted),
        ('I', ReportState::Signed),
        ('F', ReportState::Filed),
        ('X', ReportState::Discarded),
    ];
    let owners = ["TEST".to_owned(), "OPS".to_owned()];
    let participants = ["PRODUCT", "RND", "TEST", "OPS", "INFOSEC", "CUSTOMER_SUCCESS"].map(String::from).to_vec();
    let mut table = String::new();
    for (name, act) in acts(&owners) {
        writeln!(table, "{name}\n    {}", requires(act).en).unwrap();
        for (caller, claims) in CALLERS {
            let actor = actor(claims);
            let may: String = states
                .iter()
                .filter(|(_, state)| {
                    let facts = Facts {
                        state: Some(*state),
                        participants: participants.clone(),
                        signer: Some(person_id("u-PRODUCT:HEAD")),
                        ..Facts::default()
                    };
                    allows(&actor, act, &facts).is_ok()
                })
                .map(|(letter, _)| *letter)
                .collect();
            if !may.is_empty() {
                writeln!(table, "    {caller:<26} {may}").unwrap();
            }
        }
    }
    insta::assert_snapshot!("matrix", table);
}

#[test]
fn what_a_retired_department_owned_product_may_do() {
    let owners = ["INFOSEC".to_owned()];
    let facts = Facts { state: Some(ReportState::Draft), retired: ["INFOSEC".to_owned()].into(), ..Facts::default() };
    let product = actor(&["PRODUCT"]);
    assert!(allows(&product, Act::PostReleaseEdit { category: IssueCategory::Security }, &facts).is_ok());
    let filed = Facts { state: Some(ReportState::Filed), ..facts.clone() };
    assert!(allows(&product, Act::OccurrenceComplete { owners: &owners }, &filed).is_ok());
    let in_use = Facts { retired: Default::default(), ..filed };
    assert!(matches!(allows(&product, Act::OccurrenceComplete { owners: &owners }, &in_use), Err(Error::Forbidden(_))));
}

#[test]
fn who_signed_does_not_file_and_who_completed_does_not_verify() {
    let both = actor(&["PRODUCT:HEAD", "COMMITTEE:HEAD"]);
    let facts = Facts { state: Some(ReportState::Signed), signer: Some(both.person_id()), ..Facts::default() };
    assert!(matches!(allows(&both, Act::ReportFile, &facts), Err(Error::Forbidden(_))));
    let by_another = Facts { signer: Some(person_id("another")), ..facts.clone() };
    assert!(allows(&both, Act::ReportFile, &by_another).is_ok());
    assert!(
        matches!(allows(&both, Act::ReportReturn, &facts), Err(Error::Forbidden(_))),
        "a return from SIGNED is the committee's opinion"
    );
    let own = Act::OccurrenceVerify { completed_by: Some(both.person_id()) };
    assert!(matches!(allows(&both, own, &facts), Err(Error::Forbidden(_))));
}

/// The mutations of the schema with their descriptions.
pub fn mutations() -> Vec<(String, String)> {
    use async_graphql::parser::{
        parse_schema,
        types::{TypeKind, TypeSystemDefinition},
    };
    let document = parse_schema(sdl()).unwrap();
    let types = document.definitions.into_iter().filter_map(|d| match d {
        TypeSystemDefinition::Type(of) if of.node.name.node == "Mutation" => Some(of.node.kind),
        _ => None,
    });
    let fields = types.flat_map(|kind| match kind {
        TypeKind::Object(object) => object.fields,
        _ => vec![],
    });
    fields.map(|f| (f.node.name.node.to_string(), f.node.description.map(|d| d.node).unwrap_or_default())).collect()
}

#[test]
fn every_mutation_says_in_the_schema_what_it_requires() {
    let all = mutations();
    assert!(all.len() > 35, "{}", all.len());
    for (name, description) in all {
        assert!(!acts_of(&name).is_empty(), "{name} is not in the law");
        for act in acts_of(&name) {
            assert!(description.contains(&requires(*act).en), "{name}: {description}");
        }
    }
}

/// Each act by each wrong role, through the API: all are refused, and nothing is written.
/// Of each mutation: somebody who sees the example report and may not do it, and an input that names something of it.
pub async fn mutation_inputs(
    app: &TestApp,
    kept: &BTreeMap<String, String>,
) -> BTreeMap<&'static str, (Vec<&'static str>, serde_json::Value)> {
    let ids = app
        .product()
        .read(
            "query($id: ID!) { report(by: {id: $id}) { problems { id } cases { id } improvementActions { id } milestones { id }
               departmentEvaluations { id } postReleaseStats { id } } viewer { subject } products { id } departments { id } }",
            json!({ "id": kept["reportId"] }),
        )
        .await;
    let report = &ids["report"];
    let id = |list: &str| report[list][0]["id"].clone();
    let security = report["postReleaseStats"][3]["id"].clone();
    let r = &kept["reportId"];
    let of = |kind: relsum::graphql::ids::Kind| kind.id("01990000-0000-7000-8000-000000000000").to_string();
    let sink = of(relsum::graphql::ids::Kind::EventSink);
    let (deployment, source) = (of(relsum::graphql::ids::Kind::Deployment), of(relsum::graphql::ids::Kind::IngestionSource));
    BTreeMap::from([
        ("reportCreate", (vec!["OPS:HEAD"], json!({ "applicationNumber": "REL-APP-2026-777" }))),
        ("reportUpdate", (vec!["OPS:HEAD"], json!({ "id": r, "version": "V9" }))),
        ("resourcesUpdate", (vec!["RND:HEAD"], json!({ "reportId": r, "testServers": 1 }))),
        ("evaluationUpdate", (vec!["TEST:HEAD"], json!({ "reportId": r, "strategyFit": false }))),
        ("summaryUpdate", (vec!["COMMITTEE:HEAD"], json!({ "id": r, "bugsFixed": 1 }))),
        ("reportSubmit", (vec!["OPS:HEAD"], json!({ "id": r }))),
        ("reportWithdraw", (vec!["COMMITTEE:HEAD"], json!({ "id": r }))),
        ("reportSign", (vec!["PRODUCT"], json!({ "id": r }))),
        ("reportReturn", (vec!["PRODUCT"], json!({ "id": r, "reason": "x" }))),
        ("reportFile", (vec!["COMMITTEE"], json!({ "id": r }))),
        ("reportDiscard", (vec!["COMMITTEE:HEAD"], json!({ "id": r, "reason": "x" }))),
        ("reportSupersede", (vec!["PRODUCT"], json!({ "id": r }))),
        ("milestoneAdd", (vec!["OPS:HEAD"], json!({ "reportId": r, "name": "x", "precision": "DAY" }))),
        ("milestoneUpdate", (vec!["RND:HEAD"], json!({ "id": id("milestones"), "delayReason": "x" }))),
        ("milestoneRemove", (vec!["OPS:HEAD"], json!({ "id": id("milestones") }))),
        ("problemAdd", (vec!["COMMITTEE:HEAD"], json!({ "reportId": r, "description": "x" }))),
        ("problemUpdate", (vec!["CUSTOMER_SUCCESS:HEAD"], json!({ "id": id("problems"), "description": "x" }))),
        ("problemRemove", (vec!["OPS:HEAD"], json!({ "id": id("problems") }))),
        ("incidentReviewWrite", (vec!["TEST:HEAD"], json!({ "problemId": id("problems"), "details": "x" }))),
        ("incidentReviewRemove", (vec!["TEST:HEAD"], json!({ "problemId": id("problems") }))),
        ("caseAdd", (vec!["RND:HEAD"], json!({ "reportId": r, "description": "x" }))),
        ("caseUpdate", (vec!["RND:HEAD"], json!({ "id": id("cases"), "lesson": "x" }))),
        ("caseRemove", (vec!["RND:HEAD"], json!({ "id": id("cases") }))),
        ("postReleaseStatUpdate", (vec!["PRODUCT:HEAD"], json!({ "id": security, "fixed": 0 }))),
        ("departmentEvaluationUpdate", (vec!["OPS:HEAD"], json!({ "id": id("departmentEvaluations"), "performance": "x" }))),
        ("actionAdd", (vec!["OPS"], json!({ "reportId": r, "area": "TESTING", "measure": "x" }))),
        ("actionUpdate", (vec!["OPS"], json!({ "id": id("improvementActions"), "measure": "x" }))),
        ("actionRemove", (vec!["OPS"], json!({ "id": id("improvementActions") }))),
        ("actionReassign", (vec!["OPS"], json!({ "id": id("improvementActions"), "owners": ["OPS"] }))),
        ("actionCancel", (vec!["OPS"], json!({ "id": id("improvementActions"), "reason": "x" }))),
        ("actionEnd", (vec!["OPS"], json!({ "id": id("improvementActions"), "reason": "x" }))),
        ("productCreate", (vec!["PRODUCT"], json!({ "key": "x", "name": "x" }))),
        ("productUpdate", (vec!["AUDITOR"], json!({ "id": ids["products"][0]["id"], "name": "x" }))),
        ("departmentCreate", (vec!["PRODUCT:HEAD"], json!({ "code": "X", "nameZh": "x", "nameEn": "x" }))),
        ("departmentUpdate", (vec!["PRODUCT:HEAD"], json!({ "id": ids["departments"][0]["id"], "nameZh": "x" }))),
        ("numberSequenceSet", (vec!["PRODUCT:HEAD"], json!({ "year": 2026, "last": 9 }))),
        (
            "deploymentRecord",
            (
                vec!["RND:HEAD"],
                json!({ "deploymentId": "x", "status": "RUNNING", "environment": "prod", "applicationNumber": "REL-APP-2026-001" }),
            ),
        ),
        ("buildRegister", (vec!["RND:HEAD"], json!({ "project": "x", "commit": "0".repeat(40), "applicationNumber": "REL-APP-2026-001" }))),
        ("deploymentAttach", (vec!["RND:HEAD"], json!({ "id": deployment, "reportId": r }))),
        ("deploymentDismiss", (vec!["AUDITOR"], json!({ "id": deployment, "reason": "x" }))),
        ("deploymentRestore", (vec!["TEST:HEAD"], json!({ "id": deployment }))),
        ("inboundDeliveryReplay", (vec!["AUDITOR"], json!({ "where": { "fate": { "eq": "FAILED" } } }))),
        ("ingestionSourceCreate", (vec!["OPS:HEAD"], json!({ "name": "x", "kind": "GITHUB" }))),
        ("ingestionSourceUpdate", (vec!["OPS:HEAD"], json!({ "id": source, "active": false }))),
        ("ingestionSourceSecretRotate", (vec!["OPS:HEAD"], json!({ "id": source }))),
        ("eventSinkCreate", (vec!["OPS:HEAD"], json!({ "name": "x", "kind": "WEBHOOK", "url": "https://127.0.0.1/" }))),
        ("eventSinkUpdate", (vec!["AUDITOR"], json!({ "id": sink, "enabled": false }))),
        ("eventSinkSecretRotate", (vec!["PRODUCT:HEAD"], json!({ "id": sink }))),
        ("eventSinkRemove", (vec!["AUDITOR"], json!({ "id": sink }))),
        ("eventSinkPing", (vec!["OPS:HEAD"], json!({ "id": sink }))),
        ("eventDeliveryReplay", (vec!["AUDITOR"], json!({ "deadOf": sink }))),
        ("personErase", (vec!["PRODUCT:HEAD"], json!({ "id": "UGVyc29uOg" }))),
    ])
}

#[tokio::test]
async fn every_mutation_refuses_who_may_not_and_writes_nothing() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let cases = mutation_inputs(app, &kept).await;
        let before = app.fingerprint().await;
        for (mutation, (claims, input)) in &cases {
            assert_eq!(app.person("不该", claims).is_denied(mutation, input.clone()).await, "FORBIDDEN", "{mutation} by {claims:?}");
        }
        let of_pipelines = ["deploymentRecord", "buildRegister"];
        for (mutation, (_, input)) in cases.iter().filter(|(mutation, _)| !of_pipelines.contains(mutation)) {
            // A pipeline sees no report; it may not even learn that this one exists.
            let code = app.person("流水线", &["PIPELINE"]).is_denied(mutation, input.clone()).await;
            assert!(code == "NOT_FOUND" || code == "FORBIDDEN", "{mutation} by a pipeline: {code}");
        }
        assert_eq!(app.fingerprint().await, before);
        // Every mutation of the schema is covered here or where it has an occurrence to act on.
        let elsewhere = ["actionComplete", "actionCompletionWithdraw", "actionReschedule", "actionVerify"];
        for (name, _) in mutations() {
            assert!(cases.contains_key(name.as_str()) || elsewhere.contains(&name.as_str()), "{name} is not in the denial test");
        }
    })
    .await;
}

#[tokio::test]
async fn invisible_and_absent_answer_alike() {
    each_database(async |app| {
        let created = app.product().does("reportCreate", json!({ "applicationNumber": "REL-APP-2026-001" }), "report { id number milestones { id } }").await;
        let (id, number) = (&created["report"]["id"], &created["report"]["number"]);
        // COMMITTEE_OFFICE neither participates nor owns a row; the draft was never submitted.
        let outsider = app.person("外人", &["COMMITTEE_OFFICE:HEAD"]);
        let query = "query($id: ID!, $number: String!, $application: String!) {
            a: report(by: {id: $id}) { id } b: report(by: {number: $number}) { id } c: report(by: {applicationNumber: $application}) { id }
            node(id: $id) { id } nodes(ids: [$id]) { id } reports { totalCount } releaseApplication(number: $application) { id } }";
        let nothing = json!({ "a": null, "b": null, "c": null, "node": null, "nodes": [null], "reports": { "totalCount": 0 }, "releaseApplication": null });
        let hidden = outsider.read(query, json!({ "id": id, "number": number, "application": "REL-APP-2026-001" })).await;
        assert_eq!(hidden, nothing);
        let absent = outsider.read(query, json!({ "id": "UmVwb3J0OjAxOTkwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA", "number": "REL-SUM-2026-777", "application": "REL-APP-2026-777" })).await;
        assert_eq!(absent, nothing);
        let write = |id: &serde_json::Value| json!({ "id": id, "version": "V2" });
        let messages: Vec<_> = futures_util::future::join_all([write(id), write(&json!("UmVwb3J0OjAxOTkwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA"))].map(|input| (&outsider, input)).map(|(outsider, input)| async move {
            let answer = outsider.ask("mutation($input: ReportUpdateInput!) { reportUpdate(input: $input) { userErrors { code } } }", json!({ "input": input })).await;
            (answer["errors"][0]["message"].clone(), answer["errors"][0]["extensions"]["code"].clone())
        }))
        .await;
        assert_eq!(messages[0].1, "NOT_FOUND");
        assert_eq!(messages[0], messages[1]);
        assert_eq!(outsider.is_denied("milestoneUpdate", json!({ "id": created["report"]["milestones"][0]["id"], "delayReason": "x" })).await, "NOT_FOUND");
        // A participant sees the draft, and so does an owner of a row (COMMITTEE approves the plan).
        for claims in [["RND"], ["COMMITTEE"], ["INFOSEC"], ["AUDITOR"], ["ADMIN"]] {
            let data = app.person("看", &claims).read("query($id: ID!) { report(by: {id: $id}) { number } }", json!({ "id": id })).await;
            assert_eq!(data["report"]["number"], *number, "{claims:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn viewer_can_agrees_with_what_the_service_then_does() {
    each_database(async |app| {
        let kept = play(app, "submitted").await;
        let query = "query($id: ID!) { report(by: {id: $id}) { viewerCan { edit submit withdraw sign sendBack file discard supersede } } }";
        for (claims, expected) in [
            (vec!["PRODUCT:HEAD"], json!({ "edit": false, "submit": false, "withdraw": true, "sign": true, "sendBack": true, "file": false, "discard": false, "supersede": false })),
            (vec!["COMMITTEE:HEAD"], json!({ "edit": false, "submit": false, "withdraw": false, "sign": false, "sendBack": false, "file": false, "discard": false, "supersede": false })),
        ] {
            let data = app.person("张伟", &claims).read(query, json!({ "id": kept["reportId"] })).await;
            assert_eq!(data["report"]["viewerCan"], expected, "{claims:?}");
        }
        assert_eq!(app.person("陈建国", &["COMMITTEE:HEAD"]).is_denied("reportReturn", json!({ "id": kept["reportId"], "reason": "x" })).await, "FORBIDDEN");
        app.product().does("reportSign", json!({ "id": kept["reportId"] }), "").await;
    })
    .await;
}
