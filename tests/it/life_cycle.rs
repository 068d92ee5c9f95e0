//! The six states, every transition and every refused one; digests and signatures; superseding.

use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::support::{TestApp, each_database, guide::play};

const STATES: [&str; 6] = ["DRAFT", "SUBMITTED", "SIGNED", "RETURNED", "FILED", "DISCARDED"];

/// Takes a report to a state, and gives its id.
async fn report_in(app: &TestApp, state: &str) -> String {
    let mark = match state {
        "DRAFT" | "DISCARDED" => "complete",
        "SUBMITTED" => "submitted",
        "SIGNED" => "signed",
        "RETURNED" => "returned",
        _ => "filed",
    };
    let id = play(app, mark).await["reportId"].clone();
    if state == "DISCARDED" {
        app.product().does("reportDiscard", json!({ "id": id, "reason": "申请撤销" }), "").await;
    }
    id
}

/// Who may the act at all, and in which states it passes.
const TRANSITIONS: [(&str, &str, &[&str], &[&str]); 8] = [
    ("reportSubmit", "王芳", &["PRODUCT"], &["DRAFT", "RETURNED"]),
    ("reportWithdraw", "王芳", &["PRODUCT"], &["SUBMITTED"]),
    ("reportSign", "张伟", &["PRODUCT:HEAD"], &["SUBMITTED"]),
    ("reportReturn", "双", &["PRODUCT:HEAD", "COMMITTEE:HEAD"], &["SUBMITTED", "SIGNED"]),
    ("reportFile", "陈建国", &["COMMITTEE:HEAD"], &["SIGNED"]),
    ("reportDiscard", "王芳", &["PRODUCT"], &["DRAFT", "RETURNED"]),
    ("reportSupersede", "张伟", &["PRODUCT:HEAD"], &["FILED"]),
    ("reportUpdate", "王芳", &["PRODUCT"], &["DRAFT", "RETURNED"]),
];

/// Every transition from every state: it passes where it may, and where it may not it says so and writes nothing.
async fn transitions_from(state: &str) {
    each_database(async |app| {
        let id = report_in(app, state).await;
        for (act, name, claims, states) in TRANSITIONS {
            if states.contains(&state) {
                continue;
            }
            let mut input = json!({ "id": id });
            if matches!(act, "reportReturn" | "reportDiscard") {
                input["reason"] = json!("原因");
            }
            let before = app.fingerprint().await;
            assert_eq!(app.person(name, claims).is_refused(act, input).await, ["WRONG_STATE id"], "{act} in {state}");
            assert_eq!(app.fingerprint().await, before, "{act} in {state}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_draft_refuses_what_comes_later() {
    transitions_from("DRAFT").await;
}

#[tokio::test]
async fn a_submitted_report_refuses_edits_and_what_comes_later() {
    transitions_from("SUBMITTED").await;
}

#[tokio::test]
async fn a_signed_report_can_only_be_filed_or_returned() {
    transitions_from("SIGNED").await;
}

#[tokio::test]
async fn a_returned_report_refuses_signature_and_filing() {
    transitions_from("RETURNED").await;
}

#[tokio::test]
async fn a_filed_report_can_only_be_superseded() {
    transitions_from("FILED").await;
}

#[tokio::test]
async fn a_discarded_report_stays_so() {
    transitions_from("DISCARDED").await;
}

#[test]
fn the_table_of_transitions_names_known_states() {
    assert!(TRANSITIONS.iter().flat_map(|t| t.3).all(|s| STATES.contains(s)));
}

#[tokio::test]
async fn submission_is_refused_with_the_same_list_as_completeness() {
    each_database(async |app| {
        let product = app.product();
        let id = product.does("reportCreate", json!({ "applicationNumber": "REL-APP-2026-001" }), "report { id }").await["report"]["id"].clone();
        let payload = product.call("reportSubmit", json!({ "id": id }), "").await;
        let errors = payload["userErrors"].as_array().unwrap();
        let query = "query($id: ID!) { report(by: {id: $id}) { completeness { complete missing { field message department { code } } sections { section required done } } } }";
        let completeness = product.read(query, json!({ "id": id })).await["report"]["completeness"].clone();
        let missing: Vec<Value> = completeness["missing"].as_array().unwrap().iter().map(|m| json!([m["field"], m["message"], m["department"]["code"]])).collect();
        let told: Vec<Value> = errors.iter().map(|e| json!([e["field"], e["message"], e["department"]])).collect();
        assert_eq!(told, missing);
        assert!(errors.iter().all(|e| e["code"] == "INCOMPLETE"));
        insta::assert_json_snapshot!("missing_of_a_new_report", completeness);
    })
    .await;
}

#[tokio::test]
async fn a_new_report_of_the_form_owes_nothing_that_may_be_blank() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let data = app
            .product()
            .read(
                "query($id: ID!) { report(by: {id: $id}) { completeness { complete missing { message } } } }",
                json!({ "id": kept["reportId"] }),
            )
            .await;
        assert_eq!(data["report"]["completeness"], json!({ "complete": true, "missing": [] }));
    })
    .await;
}

#[tokio::test]
async fn an_aborted_release_may_leave_deployment_open_but_not_the_meeting() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let product = app.product();
        let clear = |id: &str| json!({ "id": kept[id], "actualAt": null, "delayReason": null });
        for milestone in ["deployment", "verification", "meeting"] {
            product.does("milestoneUpdate", clear(milestone), "").await;
        }
        product
            .does(
                "reportUpdate",
                json!({ "id": kept["reportId"], "outcome": "ABORTED", "actualReleaseAt": null, "actualDurationMinutes": null }),
                "",
            )
            .await;
        assert_eq!(
            product.is_refused("reportSubmit", json!({ "id": kept["reportId"] })).await,
            ["INCOMPLETE milestones.REVIEW_MEETING.actualAt"]
        );
        product.does("reportUpdate", json!({ "id": kept["reportId"], "outcome": "ROLLED_BACK" }), "").await;
        let missing = product.is_refused("reportSubmit", json!({ "id": kept["reportId"] })).await;
        assert!(missing.contains(&"INCOMPLETE problems".to_owned()), "{missing:?}");
        assert!(missing.contains(&"INCOMPLETE actualReleaseAt".to_owned()), "{missing:?}");
    })
    .await;
}

#[tokio::test]
async fn a_problem_that_rolled_back_needs_its_whole_review() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let product = app.product();
        product.does("problemUpdate", json!({ "id": kept["problemId"], "triggeredRollback": true }), "").await;
        let parts = ["details", "rootCause", "timeline", "accountability", "correctiveMeasures"];
        let expected: Vec<String> = parts.iter().map(|p| format!("INCOMPLETE problems.PROB-001.incidentReview.{p}")).collect();
        assert_eq!(product.is_refused("reportSubmit", json!({ "id": kept["reportId"] })).await, expected);
    })
    .await;
}

const SIGNATURE: &str = "query($id: ID!) { report(by: {id: $id}) { contentDigest productHeadSignature { digest valid } rounds { digest signature { valid } } } }";

#[tokio::test]
async fn a_signature_survives_renamings_and_the_later_life_of_actions() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let admin = app.person("管理员", &["ADMIN"]);
        let data = app
            .product()
            .read(
                "query($id: ID!) { departments { id code } products { id } report(by: {id: $id}) { improvementActions { id } } }",
                json!({ "id": kept["reportId"] }),
            )
            .await;
        for department in data["departments"].as_array().unwrap() {
            admin.does("departmentUpdate", json!({ "id": department["id"], "nameZh": "新名", "nameEn": "Renamed" }), "").await;
        }
        admin.does("productUpdate", json!({ "id": data["products"][0]["id"], "name": "改名产品" }), "").await;
        let product = app.product();
        let action = &data["report"]["improvementActions"][0]["id"];
        product.does("actionReassign", json!({ "id": action, "owners": ["RND", "OPS"], "lead": "RND", "reason": "转交" }), "").await;
        product.does("actionCancel", json!({ "id": data["report"]["improvementActions"][3]["id"], "reason": "不再需要" }), "").await;
        let report = product.read(SIGNATURE, json!({ "id": kept["reportId"] })).await["report"].clone();
        assert_eq!(report["productHeadSignature"]["valid"], true);
        assert_eq!(report["productHeadSignature"]["digest"], report["contentDigest"]);
        assert_eq!(report["rounds"][0]["signature"]["valid"], false, "the first round was of another content");
    })
    .await;
}

#[tokio::test]
async fn a_signature_is_not_valid_for_content_that_was_changed_behind_the_service() {
    each_database(async |app| {
        let kept = play(app, "signed").await;
        let db = app.database.connect().await;
        sea_orm::ConnectionTrait::execute_unprepared(&db, "UPDATE problem SET resolution = '另一种说法'").await.unwrap();
        db.close().await.unwrap();
        let report = app.product().read(SIGNATURE, json!({ "id": kept["reportId"] })).await["report"].clone();
        assert_eq!(report["productHeadSignature"]["valid"], false);
    })
    .await;
}

#[tokio::test]
async fn the_signer_signs_what_was_seen() {
    each_database(async |app| {
        let kept = play(app, "submitted").await;
        let stale = json!({ "id": kept["reportId"], "digest": "0".repeat(64) });
        assert_eq!(app.product().is_refused("reportSign", stale).await, ["CONFLICT digest"]);
    })
    .await;
}

#[tokio::test]
async fn the_canonical_form_is_stored_and_hashes_to_the_digest() {
    each_database(async |app| {
        let kept = play(app, "submitted").await;
        let db = app.database.connect().await;
        let row = entity::submission::Entity::find().one(&db).await.unwrap().unwrap();
        db.close().await.unwrap();
        assert_eq!(row.digest, kept["digest"]);
        assert_eq!(relsum::report::digest::sha256(&row.canonical), row.digest);
        let form: Value = serde_json::from_str(&row.canonical).unwrap();
        assert_eq!(form["applicationNumber"], "REL-APP-2026-901");
        assert!(!row.canonical.contains("产品部\""), "codes, not names");
        assert_eq!(row.names["departments"]["OPS"]["zh"], "运维部");
    })
    .await;
}

#[tokio::test]
async fn a_superseding_report_takes_the_place_once_it_is_filed() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let product = app.product();
        let old = json!({ "id": kept["reportId"] });
        let new = product.does("reportSupersede", old.clone(), "report { id number state supersedes { number } problems { code owners { code } } improvementActions { status owners { code } } }").await["report"].clone();
        assert_eq!(new["state"], "DRAFT");
        assert_eq!(new["supersedes"]["number"], kept["number"]);
        assert_eq!(new["problems"].as_array().unwrap().len(), 3);
        assert_eq!(new["improvementActions"][0], json!({ "status": "PLANNED", "owners": [{ "code": "TEST" }, { "code": "OPS" }] }));
        assert_eq!(product.is_refused("reportSupersede", old).await, ["DUPLICATE id"]);
        let query = "query($id: ID!) { report(by: {id: $id}) { state superseded supersededBy { number } } byApplication: report(by: {applicationNumber: \"REL-APP-2026-901\"}) { number } }";
        let before = product.read(query, json!({ "id": kept["reportId"] })).await;
        assert_eq!(before["report"], json!({ "state": "FILED", "superseded": false, "supersededBy": { "number": new["number"] } }));
        assert_eq!(before["byApplication"]["number"], kept["number"], "the filed one is live until the new one is filed");
        let id = json!({ "id": new["id"] });
        product.does("reportSubmit", id.clone(), "").await;
        product.does("reportSign", id.clone(), "").await;
        app.person("陈建国", &["COMMITTEE:HEAD"]).does("reportFile", id, "").await;
        let after = product.read(query, json!({ "id": kept["reportId"] })).await;
        assert_eq!(after["report"]["superseded"], true);
        assert_eq!(after["byApplication"]["number"], new["number"]);
    })
    .await;
}

#[tokio::test]
async fn a_discarded_report_keeps_its_number_and_frees_its_application() {
    each_database(async |app| {
        let kept = play(app, "returned").await;
        let product = app.product();
        let payload = product
            .does(
                "reportDiscard",
                json!({ "id": kept["reportId"], "reason": "发布取消" }),
                "report { state number improvementActions { status closingReason occurrences { status } } }",
            )
            .await;
        let action = &payload["report"]["improvementActions"][0];
        assert_eq!(*action, json!({ "status": "CANCELLED", "closingReason": "发布取消", "occurrences": [{ "status": "CANCELLED" }] }));
        let next = product
            .does("reportCreate", json!({ "applicationNumber": "REL-APP-2026-901", "preparedOn": "2026-05-01" }), "report { number }")
            .await;
        assert_eq!(next["report"]["number"], "REL-SUM-2026-002");
    })
    .await;
}
