//! Lists: filters, sorting, cursors; the worklist.

use entity::report;
use relsum::demo;
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, QueryTrait};
use serde_json::{Value, json};

use crate::support::{Person, TestApp, each_database, guide::play};

async fn filled(app: &TestApp) -> Person<'_> {
    demo::fill(&app.app.store, demo::REPORTS).await.unwrap();
    app.person("何静", &["AUDITOR"])
}

#[tokio::test]
async fn a_list_read_page_by_page_is_the_whole_list_in_either_direction_and_any_order() {
    each_database(async |app| {
        let auditor = filled(app).await;
        for field in ["NUMBER", "PREPARED_ON", "PLANNED_RELEASE_AT", "ACTUAL_RELEASE_AT", "VERSION", "UPDATED_AT"] {
            for direction in ["ASC", "DESC"] {
                let order = format!("orderBy: [{{field: {field}, direction: {direction}}}]");
                let all = auditor.read(&format!("{{ reports(first: 100, {order}) {{ totalCount nodes {{ id }} }} }}"), json!({})).await["reports"].clone();
                assert_eq!(all["totalCount"], demo::REPORTS);
                let mut forward: Vec<Value> = Vec::new();
                let mut after = Value::Null;
                loop {
                    let query = format!("query($after: String) {{ reports(first: 7, after: $after, {order}) {{ nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }}");
                    let page = auditor.read(&query, json!({ "after": after })).await["reports"].clone();
                    forward.extend(page["nodes"].as_array().unwrap().clone());
                    after = page["pageInfo"]["endCursor"].clone();
                    if page["pageInfo"]["hasNextPage"] == false {
                        break;
                    }
                }
                assert_eq!(json!(forward), all["nodes"], "{field} {direction}");
                let mut backward: Vec<Value> = Vec::new();
                let mut before = Value::Null;
                loop {
                    let query = format!("query($before: String) {{ reports(last: 9, before: $before, {order}) {{ nodes {{ id }} pageInfo {{ hasPreviousPage startCursor }} }} }}");
                    let page = auditor.read(&query, json!({ "before": before })).await["reports"].clone();
                    backward.splice(0..0, page["nodes"].as_array().unwrap().clone());
                    before = page["pageInfo"]["startCursor"].clone();
                    if page["pageInfo"]["hasPreviousPage"] == false {
                        break;
                    }
                }
                assert_eq!(json!(backward), all["nodes"], "{field} {direction} backwards");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn filters_find_what_a_plain_look_through_all_finds() {
    each_database(async |app| {
        let auditor = filled(app).await;
        let all = auditor
            .read("{ reports(first: 100) { nodes { number state outcome releaseType version product { key } supersedes { id } problems { triggeredRollback impact } } } }", json!({}))
            .await["reports"]["nodes"]
            .as_array()
            .unwrap()
            .clone();
        let count = |holds: &dyn Fn(&Value) -> bool| all.iter().filter(|r| holds(r)).count();
        let cases: Vec<(&str, usize)> = vec![
            ("{state: {eq: FILED}}", count(&|r| r["state"] == "FILED")),
            ("{state: {notIn: [FILED, DISCARDED]}}", count(&|r| r["state"] != "FILED" && r["state"] != "DISCARDED")),
            ("{product: {eq: \"netaudit\"}, releaseType: {in: [MAJOR, FEATURE]}}", count(&|r| r["product"]["key"] == "netaudit" && (r["releaseType"] == "MAJOR" || r["releaseType"] == "FEATURE"))),
            ("{or: [{outcome: {eq: ROLLED_BACK}}, {state: {eq: DRAFT}}]}", count(&|r| r["outcome"] == "ROLLED_BACK" || r["state"] == "DRAFT")),
            ("{not: {state: {eq: FILED}}, and: [{product: {contains: \"SHIELD\"}}]}", count(&|r| r["state"] != "FILED" && r["product"]["key"] == "datashield")),
            ("{version: {eq: \" v4.1.2\"}}", count(&|r| r["version"] == "V4.1.2")),
            ("{or: []}", 0),
            ("{number: {contains: \"100%\"}}", 0),
            ("{superseded: true}", 0),
        ];
        for (filter, expected) in cases {
            let found = auditor.read(&format!("{{ reports(where: {filter}) {{ totalCount }} }}"), json!({})).await;
            assert_eq!(found["reports"]["totalCount"], expected, "{filter}");
        }
        let rollbacks: usize = all.iter().flat_map(|r| r["problems"].as_array().unwrap()).filter(|p| p["triggeredRollback"] == true).count();
        let found = auditor.read("{ problems(where: {triggeredRollback: true, owner: {in: [\"OPS\", \"RND\", \"TEST\", \"PRODUCT\", \"INFOSEC\", \"CUSTOMER_SUCCESS\"]}}) { totalCount nodes { report { number } } } cases(where: {satisfaction: {gte: 3}}, orderBy: [{field: SATISFACTION, direction: DESC}]) { totalCount } milestones(where: {kind: {eq: PLAN_APPROVAL}}) { totalCount } }", json!({})).await;
        assert_eq!(found["problems"]["totalCount"], rollbacks);
        assert!(found["cases"]["totalCount"].as_u64().unwrap() > 10);
        assert_eq!(found["milestones"]["totalCount"], demo::REPORTS);
    })
    .await;
}

#[tokio::test]
async fn the_demo_company_is_believable() {
    each_database(async |app| {
        let auditor = filled(app).await;
        let count = async |filter: &str| auditor.read(&format!("{{ reports(where: {filter}) {{ totalCount }} }}"), json!({})).await["reports"]["totalCount"].as_i64().unwrap();
        for state in ["DRAFT", "RETURNED", "SUBMITTED", "SIGNED", "FILED", "DISCARDED"] {
            assert!(count(&format!("{{state: {{eq: {state}}}}}")).await > 0, "{state}");
        }
        let year_ago = (app.clock.now() - chrono::TimeDelta::days(365)).to_rfc3339();
        assert_eq!(count(&format!("{{plannedReleaseAt: {{gte: \"{year_ago}\"}}}}")).await, i64::from(demo::REPORTS / 3));
        assert!(count("{outcome: {eq: ROLLED_BACK}}").await > 0);
        assert_eq!(count("{version: {eq: \"V4.1.2\"}, product: {eq: \"netaudit\"}}").await, 1, "the form's example");
        let data = auditor
            .read("{ overdue: actionOccurrences(where: {overdue: true}) { totalCount } recurring: improvementActions(where: {measure: {contains: \"每季度\"}, status: {eq: OPEN}}) { totalCount } filed: reports(where: {state: {eq: FILED}}, first: 100) { nodes { number productHeadSignature { valid } completeness { missing { message } } } } }", json!({}))
            .await;
        assert!(data["overdue"]["totalCount"].as_i64().unwrap() > 3);
        assert!(data["recurring"]["totalCount"].as_i64().unwrap() > 0);
        for report in data["filed"]["nodes"].as_array().unwrap() {
            assert_eq!(report["productHeadSignature"]["valid"], true, "{report}");
            assert_eq!(report["completeness"]["missing"], json!([]), "{report}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_worklist_shows_each_what_waits_for_them() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        let query = "{ viewer { worklist { contributions { report { number } missing { field department { code } } } awaitingSignature { number } awaitingFiling { number }
            dueActions { dueOn } overdueActions { dueOn } awaitingVerification { id } } } }";
        let worklist = async |name: &str, claims: &[&str]| app.person(name, claims).read(query, json!({})).await["viewer"]["worklist"].clone();
        let infosec = worklist("吴迪", &["INFOSEC"]).await;
        assert_eq!(
            infosec["contributions"],
            json!([{ "report": { "number": kept["number"] }, "missing": [
                { "field": ["postReleaseStats", "SECURITY", "found"], "department": { "code": "INFOSEC" } },
                { "field": ["postReleaseStats", "SECURITY", "fixed"], "department": { "code": "INFOSEC" } }] }])
        );
        let fresh = crate::support::TestApp::on(crate::support::database::Database::sqlite().await, |s| s).await;
        let kept = play(&fresh, "submitted").await;
        let head = fresh.product().read(query, json!({})).await["viewer"]["worklist"].clone();
        assert_eq!(head["awaitingSignature"], json!([{ "number": kept["number"] }]));
        assert_eq!(head["contributions"], json!([]));
        assert_eq!(head["dueActions"].as_array().unwrap().len(), 1, "立即执行 is due tomorrow");
        fresh.product().does("reportSign", json!({ "id": kept["reportId"] }), "").await;
        let committee = fresh.person("陈建国", &["COMMITTEE:HEAD"]).read(query, json!({})).await["viewer"]["worklist"].clone();
        assert_eq!(committee["awaitingFiling"], json!([{ "number": kept["number"] }]));
        assert_eq!(committee["awaitingSignature"], json!([]));
        fresh.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_report_read_by_the_places_of_its_columns_is_the_report_read_by_their_names() {
    each_database(async |app| {
        demo::fill(&app.app.store, 60).await.unwrap();
        let db = app.database.connect().await;
        let rows = db.query_all(&report::Entity::find().into_query()).await.unwrap();
        assert!(rows.len() >= 60);
        for row in &rows {
            assert_eq!(report::Model::at(row, 0).unwrap(), report::Model::from_query_result(row, "").unwrap());
        }
        db.close().await.unwrap();
    })
    .await;
}
