//! Deployments reported natively (`events.md` 23–28): the report fills itself, and what a person entered stays.

use serde_json::{Value, json};

use crate::support::{Person, TestApp, each_database};

/// A draft for an application, with its product and version; its id.
pub async fn draft(app: &TestApp, application: &str) -> String {
    let product = app.product();
    let _ = product
        .call(
            "productCreate",
            json!({ "key": "netaudit", "name": "XX 网络安全审计系统", "projects": ["github.com/xx-company/netaudit"] }),
            "",
        )
        .await;
    let input = json!({ "applicationNumber": application, "product": { "key": "netaudit" }, "version": "V4.1.2" });
    product.does("reportCreate", input, "report { id }").await["report"]["id"].as_str().unwrap().to_owned()
}

/// What the report shows of what pipelines fill.
pub async fn shown(person: &Person<'_>, report: &str) -> Value {
    let query =
        "query($id: ID!) { report(by: { id: $id }) { state plannedReleaseAt actualReleaseAt plannedDurationMinutes actualDurationMinutes
        pipelineValues { field source reported { at minutes differenceMinutes deployment { deploymentId } } }
        milestones { kind actualAt actualSource reported { at differenceMinutes } }
        deployments { nodes { deploymentId standing status environmentClass startedAt finishedAt durationMinutes } }
        proposedProblems { description triggeredRollback phase deployment { deploymentId } } } }";
    person.read(query, json!({ "id": report })).await["report"].clone()
}

fn milestone<'a>(report: &'a Value, kind: &str) -> &'a Value {
    report["milestones"].as_array().unwrap().iter().find(|m| m["kind"] == kind).unwrap()
}

fn value<'a>(report: &'a Value, field: &str) -> &'a Value {
    report["pipelineValues"].as_array().unwrap().iter().find(|v| v["field"] == field).unwrap()
}

/// A call about a production deployment.
pub fn call(id: &str, status: &str, more: Value) -> Value {
    let mut body = json!({ "deploymentId": id, "status": status, "environment": "production", "applicationNumber": "REL-APP-2026-001" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn one_call_fills_the_report() {
    each_database(async |app| {
        let report = draft(app, "REL-APP-2026-001").await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let more = json!({ "startedAt": "2026-03-28T21:42:10+08:00", "finishedAt": "2026-03-28T22:10:40+08:00",
            "plannedStartAt": "2026-03-28T21:30:00+08:00", "plannedFinishAt": "2026-03-28T22:00:00+08:00" });
        let (status, answer) = ci.posts("/api/v1/deployments", &call("d-1", "SUCCEEDED", more)).await;
        assert_eq!(status, 201, "{answer:#}");
        assert_eq!((&answer["standing"], &answer["reason"]), (&json!("ATTACHED"), &Value::Null));
        assert_eq!(answer["report"]["state"], "DRAFT");
        assert_eq!(answer["milestone"], json!({ "kind": "PRODUCTION_DEPLOYMENT", "actualAt": "2026-03-28T14:10:00Z" }));
        assert_eq!(answer["deployment"]["durationMinutes"], 28);
        let report = shown(&app.product(), &report).await;
        assert_eq!(report["actualReleaseAt"], "2026-03-28T13:42:00Z");
        assert_eq!(report["plannedReleaseAt"], "2026-03-28T13:30:00Z");
        assert_eq!((&report["plannedDurationMinutes"], &report["actualDurationMinutes"]), (&json!(30), &json!(28)));
        assert_eq!(value(&report, "ACTUAL_RELEASE_AT")["source"], "PIPELINE");
        let done = milestone(&report, "PRODUCTION_DEPLOYMENT");
        assert_eq!((&done["actualAt"], &done["actualSource"]), (&json!("2026-03-28T14:10:00Z"), &json!("PIPELINE")));
    })
    .await;
}
