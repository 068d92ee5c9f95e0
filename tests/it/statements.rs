//! How many SQL statements each operation costs; the number does not grow with rows.

use std::sync::atomic::Ordering;

use relsum::{config::Settings, demo};
use serde_json::{Value, json};

use crate::{
    deployments::call,
    support::{Person, TestApp, database::Database, each_database, guide::play},
};

/// A report with everything, as a fragment.
pub const FULL: &str = include_str!("../../benches/full-report.graphql");

/// One report with everything below it is one, and so is a page of them with its total.
const MOST: usize = 1;

/// The statements that an answer cost.
async fn cost(app: &TestApp, person: &Person<'_>, query: &str, variables: Value) -> usize {
    let before = app.statements.load(Ordering::Relaxed);
    person.read(query, variables).await;
    app.statements.load(Ordering::Relaxed) - before
}

#[tokio::test]
async fn a_full_report_costs_the_same_however_many_rows_it_has() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let product = app.product();
        let query = format!("{FULL} query($id: ID!) {{ report(by: {{id: $id}}) {{ ...Full }} }}");
        let example = cost(app, &product, &query, json!({ "id": kept["reportId"] })).await;
        let draft = product.does("reportSupersede", json!({ "id": kept["reportId"] }), "report { id }").await["report"]["id"].clone();
        for n in 0..12 {
            product.does("problemAdd", json!({ "reportId": draft, "description": format!("问题 {n}"), "owners": ["OPS", "RND"] }), "").await;
            product.does("caseAdd", json!({ "reportId": draft, "description": format!("案例 {n}") }), "").await;
            let action = json!({ "reportId": draft, "area": "TESTING", "measure": format!("措施 {n}"), "owners": ["OPS"], "schedule": { "on": "2099-01-01" }, "verification": "检查" });
            product.does("actionAdd", action, "").await;
        }
        // Three times the rows; one more for the report that it is to replace.
        let large = cost(app, &product, &query, json!({ "id": draft })).await;
        assert_eq!((large, example), (2, 1), "the large one, the example");
    })
    .await;
}

#[tokio::test]
async fn a_page_of_a_hundred_reports_with_all_children_costs_no_more_statements_than_one_report() {
    each_database(async |app| {
        demo::fill(&app.app.store, 120).await.unwrap();
        let auditor = app.person("何静", &["AUDITOR"]);
        let query = format!(
            "{FULL} query($first: Int!) {{ reports(first: $first, where: {{state: {{eq: FILED}}}}) {{ totalCount nodes {{ ...Full }} }} }}"
        );
        let few = cost(app, &auditor, &query, json!({ "first": 5 })).await;
        let many = cost(app, &auditor, &query, json!({ "first": 100 })).await;
        assert!(few <= MOST && many <= MOST, "{many} for a hundred, {few} for five");
    })
    .await;
}

#[tokio::test]
async fn the_total_is_counted_only_when_asked_for() {
    each_database(async |app| {
        let auditor = app.person("何静", &["AUDITOR"]);
        let total = |first: u32| format!("{{ reports(first: {first}) {{ totalCount nodes {{ number }} }} }}");
        // An empty page has no row to tell it.
        assert_eq!(cost(app, &auditor, &total(20), json!({})).await, 2);
        play(app, "filed").await;
        let without = cost(app, &auditor, "{ reports { nodes { number } } }", json!({})).await;
        let skipped = cost(app, &auditor, "{ reports { totalCount @skip(if: true) nodes { number } } }", json!({})).await;
        let with = cost(app, &auditor, &total(20), json!({})).await;
        assert_eq!((without, skipped, with), (1, 1, 1), "with the page");
        // What a page of none says is counted by itself.
        assert_eq!(auditor.read(&total(0), json!({})).await["reports"]["totalCount"], 1);
    })
    .await;
}

/// What an act wrote are the tables that it may write: what the types of the door cannot hold.
#[tokio::test]
async fn acts_write_only_their_own_tables() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let always = ["person", "audit_entry", "event", "event_subject", "report"];
        let r = &kept["reportId"];
        for (mutation, input, own) in [
            ("milestoneUpdate", json!({ "id": kept["staging"], "delayReason": "x", "owners": ["OPS"] }), vec!["milestone", "owner"]),
            ("problemUpdate", json!({ "id": kept["problemId"], "impact": "LOW", "owners": ["RND"] }), vec!["problem", "owner"]),
            (
                "postReleaseStatUpdate",
                json!({ "id": kept["functional"], "fixed": 8, "feedbackSources": ["x"] }),
                vec!["post_release_stat", "feedback_source"],
            ),
            ("departmentEvaluationUpdate", json!({ "id": kept["evaluationOps"], "performance": "x" }), vec!["department_evaluation"]),
            ("summaryUpdate", json!({ "id": r, "shortcomings": ["x"] }), vec!["shortcoming"]),
            ("resourcesUpdate", json!({ "reportId": r, "staffing": [{ "department": "OPS", "people": 2 }] }), vec!["staffing"]),
            ("caseAdd", json!({ "reportId": r, "description": "x" }), vec!["typical_case"]),
            ("actionUpdate", json!({ "id": kept["actionId"], "measure": "x" }), vec!["improvement_action"]),
            (
                "reportSubmit",
                json!({ "id": r }),
                vec!["improvement_action", "occurrence", "owner", "submission", "life_cycle_step", "rollup_part", "rollup_delta"],
            ),
            ("reportSign", json!({ "id": r }), vec!["life_cycle_step", "rollup_part", "rollup_delta"]),
        ] {
            *app.written.lock().unwrap() = Some(Vec::new());
            let outcome = app.product().outcome(mutation, input).await;
            let mut written = app.written.lock().unwrap().take().unwrap();
            assert_eq!(outcome, "ok", "{mutation}");
            written.sort();
            written.dedup();
            for table in &written {
                assert!(always.contains(&table.as_str()) || own.contains(&table.as_str()), "{mutation} wrote {table}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn recording_a_deployment_costs_the_same_however_many_there_are_and_a_webhook_one_statement() {
    each_database(async |app| {
        crate::deployments::draft(app, "REL-APP-2026-001").await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let record = async |id: &str, application: &str| {
            let before = app.statements.load(Ordering::Relaxed);
            let mut call = crate::deployments::call(id, "SUCCEEDED", json!({ "startedAt": "2026-03-28T13:42:00Z", "finishedAt": "2026-03-28T14:00:00Z" }));
            call["applicationNumber"] = json!(application);
            let (status, answer) = ci.posts("/api/v1/deployments", &call).await;
            assert_eq!(status, 201, "{answer}");
            app.statements.load(Ordering::Relaxed) - before
        };
        const DRAFTED: &str = "REL-APP-2026-001";
        record("first", DRAFTED).await;
        let early = record("second", DRAFTED).await;
        for n in 0..20 {
            record(&format!("d-{n}"), DRAFTED).await;
        }
        let late = record("last", DRAFTED).await;
        eprintln!("recording a deployment: {late} statements");
        assert!(late <= early && late <= 26, "{early}, then {late}");
        crate::hooks::source(app, json!({ "name": "github", "kind": "GITHUB", "secret": "It's-a-Secret-to-Everybody" })).await;
        let body = || include_bytes!("payloads/github_deployment_status_success.json").to_vec();
        crate::hooks::github(app, "1", body()).await;
        let before = app.statements.load(Ordering::Relaxed);
        assert_eq!(crate::hooks::github(app, "2", body()).await.0, 202);
        assert_eq!(app.statements.load(Ordering::Relaxed) - before, 1, "stored, and nothing else on the request's path");
        // A page of deployments with all that hangs on them.
        let query = "query($first: Int) { deployments(first: $first) { nodes { deploymentId report { number } product { key } application { number } milestone { kind } fills { field }
            observations { status delivery { fate } } } } }";
        let rnd = app.person("研发", &["RND", "OPS"]);
        let few = cost(app, &rnd, query, json!({ "first": 2 })).await;
        let many = cost(app, &rnd, query, json!({ "first": 20 })).await;
        assert!(many <= few, "{few} statements for two, {many} for twenty");
        // One that has no report yet: what must be known, and all of it; where statements have no way to go, one by one.
        record("early", "REL-APP-2026-002").await;
        let alone = record("later", "REL-APP-2026-002").await;
        assert_eq!(alone, if app.database.is_postgres() { 2 } else { 9 });
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_planned_for_empty_tables_plans_anew_when_they_have_grown() {
    let Some(database) = Database::postgres().await else { return };
    let app = TestApp::on(database, |settings| Settings { database_connections: 1, ..settings }).await;
    let ci = app.person("ci-netaudit", &["PIPELINE"]);
    let forgotten = async |numbers: std::ops::Range<u32>| {
        *app.written.lock().unwrap() = Some(Vec::new());
        for n in numbers {
            let (status, answer) = ci.posts("/api/v1/deployments", &call(&format!("d-{n}"), "SUCCEEDED", json!({}))).await;
            assert_eq!(status, 201, "{answer:#}");
        }
        app.written.lock().unwrap().take().unwrap().iter().filter(|what| *what == "PLANS").count()
    };
    assert_eq!(forgotten(0..63).await, 0, "nothing has outgrown anything");
    assert_eq!(forgotten(63..66).await, 1);
    assert_eq!(forgotten(66..80).await, 0, "it plans anew once");
    app.end().await;
}

#[tokio::test]
async fn the_connection_used_last_is_used_next() {
    let Some(database) = Database::postgres().await else { return };
    let app = TestApp::on(database, |settings| settings).await;
    let store = &app.app.store;
    let which = async |seconds: f32| {
        let rows = store.figures(format!("SELECT CAST(pg_backend_pid() AS text) FROM pg_sleep({seconds})"), 1).await.unwrap();
        rows[0].0[0].clone().unwrap()
    };
    let (one, two, last) = futures_util::join!(which(0.1), which(0.2), which(0.3));
    assert!(one != two && two != last && one != last, "three at the same time");
    for _ in 0..6 {
        assert_eq!(which(0.0).await, last);
    }
    assert_eq!(store.pool(), (3, 3));
    app.end().await;
}
