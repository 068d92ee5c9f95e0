//! Audit and event log: each change with who, role, when, request id, before and after; append-only; events without gaps.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::{Value, json};

use crate::support::{each_database, guide::play};

#[tokio::test]
async fn each_change_tells_who_in_which_role_and_what_before_and_after() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let ops = app.person("孙婷", &["OPS", "AUDITOR"]);
        ops.does("problemUpdate", json!({ "id": kept["problemId"], "resolution": "重启服务" }), "").await;
        let query = "query($id: ID!) { report(by: {id: $id}) { history(first: 1) { nodes { subject role act objectType by { name } changes { field before after } requestId } } } }";
        let entry = app.product().read(query, json!({ "id": kept["reportId"] })).await["report"]["history"]["nodes"][0].clone();
        assert!(!entry["requestId"].as_str().unwrap().is_empty());
        assert_eq!(
            json!([entry["subject"], entry["role"], entry["act"], entry["objectType"], entry["by"]["name"]]),
            json!(["u-孙婷", "OPS:MEMBER AUDITOR", "problemUpdate", "Problem", "孙婷"])
        );
        assert_eq!(entry["changes"], json!([{ "field": "resolution", "before": "\"临时扩容内存，后续优化程序内存占用\"", "after": "\"重启服务\"" }]));
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_is_for_auditors_and_admins() {
    each_database(async |app| {
        play(app, "created").await;
        let query = "query { auditLog(where: {act: {eq: \"reportCreate\"}}) { totalCount nodes { act } } }";
        for role in ["AUDITOR", "ADMIN"] {
            let data = app.person("审计", &[role]).read(query, json!({})).await;
            assert!(data["auditLog"]["totalCount"].as_i64().unwrap() >= 1);
        }
        let answer = app.product().ask(query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
        assert_eq!(answer["data"], json!({ "auditLog": null }));
    })
    .await;
}

#[tokio::test]
async fn the_log_is_append_only_for_the_database_too() {
    each_database(async |app| {
        play(app, "created").await;
        let db = app.database.connect().await;
        for statement in
            ["UPDATE audit_entry SET subject = 'x'", "DELETE FROM audit_entry", "UPDATE event SET kind = 'x'", "DELETE FROM event"]
        {
            let refused = db.execute_unprepared(statement).await;
            assert!(format!("{:?}", refused.unwrap_err()).contains("append-only"), "{statement}");
        }
        db.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_change_of_nothing_writes_nothing() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let before = app.fingerprint().await;
        let payload = app
            .product()
            .does("reportUpdate", json!({ "id": kept["reportId"], "version": "V4.1.2", "releaseType": "FEATURE" }), "report { revision }")
            .await;
        assert_eq!(app.fingerprint().await, before);
        assert_eq!(payload["report"]["revision"], 2);
    })
    .await;
}

#[tokio::test]
async fn the_example_tells_its_events_in_order_and_without_gaps() {
    each_database(async |app| {
        let kept = play(app, "the end").await;
        let db = app.database.connect().await;
        let events = entity::event::Entity::find().order_by_asc(entity::event::Column::Position).all(&db).await.unwrap();
        db.close().await.unwrap();
        let of_report = format!("reports/{}", kept["number"]);
        let told: Vec<&str> =
            events.iter().filter(|e| e.subject == of_report && e.kind != "report.changed.v1").map(|e| e.kind.as_str()).collect();
        assert_eq!(
            told,
            [
                "report.created.v1",
                "problem.recorded.v1",
                "problem.recorded.v1",
                "problem.recorded.v1",
                "report.submitted.v1",
                "report.signed.v1",
                "report.returned.v1",
                "report.submitted.v1",
                "report.signed.v1",
                "report.filed.v1"
            ]
        );
        let mut last: BTreeMap<&str, i64> = BTreeMap::new();
        for event in &events {
            let last = last.entry(&event.subject).or_default();
            assert_eq!(event.subject_sequence, *last + 1, "{}", event.subject);
            *last += 1;
            assert!(!event.id.contains('.'), "a full stop in an id breaks webhook signatures");
            let report: &Value = &event.data["report"];
            assert_eq!((&report["number"], &report["applicationNumber"]), (&json!(kept["number"]), &json!("REL-APP-2026-901")));
        }
        let completed = events.iter().find(|e| e.kind == "action.completed.v1").unwrap();
        assert_eq!(completed.data["action"]["departments"], json!(["TEST", "OPS"]));
        assert_eq!(completed.data["completion"]["lateDays"], 0);
    })
    .await;
}

#[tokio::test]
async fn an_erased_name_is_gone_and_stays_gone() {
    each_database(async |app| {
        let kept = play(app, "signed").await;
        let query = "query($id: ID!) { report(by: {id: $id}) { productHeadSignature { by { id name subject } valid } } }";
        let by = app.product().read(query, json!({ "id": kept["reportId"] })).await["report"]["productHeadSignature"]["by"].clone();
        app.person("管理员", &["ADMIN"]).does("personErase", json!({ "id": by["id"] }), "").await;
        // The person comes back with a token that still has the name.
        app.product().does("productCreate", json!({ "key": "another", "name": "另一产品" }), "").await;
        let signature = app.product().read(query, json!({ "id": kept["reportId"] })).await["report"]["productHeadSignature"].clone();
        assert_eq!(signature, json!({ "by": { "id": by["id"], "name": "—", "subject": "u-张伟" }, "valid": true }));
        let db = app.database.connect().await;
        let entries = entity::audit_entry::Entity::find().all(&db).await.unwrap();
        db.close().await.unwrap();
        let db = app.database.connect().await;
        let submissions = entity::submission::Entity::find().all(&db).await.unwrap();
        db.close().await.unwrap();
        assert!(submissions.iter().all(|s| !s.names.to_string().contains("张伟")), "the names beside the snapshot are erased too");
        assert!(entries.iter().filter(|e| e.act == "personErase").all(|e| !e.changes.to_string().contains("张伟")));
    })
    .await;
}

#[tokio::test]
async fn naming_a_person_does_not_rename_them() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let owner = json!({ "id": kept["reportId"], "releaseOwner": { "subject": "u-赵磊", "name": "冒名" } });
        let payload = app.product().does("reportUpdate", owner, "report { releaseOwner { name subject } }").await;
        assert_eq!(payload["report"]["releaseOwner"], json!({ "name": "赵磊", "subject": "u-赵磊" }));
    })
    .await;
}

#[tokio::test]
async fn what_moves_or_goes_with_a_row_is_told_too() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        let product = app.product();
        let added = product
            .does("milestoneAdd", json!({ "reportId": kept["reportId"], "name": "灰度检查", "precision": "DAY", "owners": ["OPS", "RND"], "position": 6 }), "milestone { id }")
            .await["milestone"]["id"]
            .clone();
        product.does("milestoneRemove", json!({ "id": added }), "").await;
        let action = json!({ "reportId": kept["reportId"], "area": "TESTING", "measure": "x", "owners": ["TEST", "OPS"], "lead": "OPS" });
        let action = product.does("actionAdd", action, "improvementAction { id }").await["improvementAction"]["id"].clone();
        product.does("actionRemove", json!({ "id": action }), "").await;
        let problem = product.does("problemAdd", json!({ "reportId": kept["reportId"], "description": "x" }), "problem { id }").await["problem"]["id"].clone();
        product.does("incidentReviewWrite", json!({ "problemId": problem, "details": "d", "timeline": [{ "at": "2026-03-20T14:00:00Z", "event": "告警" }] }), "").await;
        product.does("incidentReviewRemove", json!({ "problemId": problem }), "").await;
        let query = "query($id: ID!) { report(by: {id: $id}) { history(first: 20) { nodes { act objectType changes { field before after } } } } }";
        let history = product.read(query, json!({ "id": kept["reportId"] })).await["report"]["history"]["nodes"].clone();
        let changes = |act: &str| -> Vec<Value> {
            let of = history.as_array().unwrap().iter().filter(|e| e["act"] == act);
            of.flat_map(|e| e["changes"].as_array().unwrap().clone()).collect()
        };
        assert!(changes("milestoneAdd").contains(&json!({ "field": "position", "before": "6", "after": "7" })), "the one behind it moved");
        assert!(changes("milestoneRemove").contains(&json!({ "field": "owners", "before": "[\"OPS\",\"RND\"]", "after": null })));
        assert!(changes("actionRemove").contains(&json!({ "field": "owners", "before": "[\"TEST\",\"OPS\"]", "after": null })));
        assert!(changes("actionRemove").contains(&json!({ "field": "lead", "before": "\"OPS\"", "after": null })));
        let timeline = changes("incidentReviewRemove").into_iter().find(|c| c["field"] == "timeline").unwrap();
        assert!(timeline["before"].as_str().unwrap().contains("告警") && timeline["after"].is_null());
    })
    .await;
}
