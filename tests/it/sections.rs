//! The sections of the form: derived fields, patches, codes that are never reused, precision and order.

use serde_json::{Value, json};

use crate::support::{each_database, guide::play};

#[tokio::test]
async fn what_is_derived_follows_from_what_is_entered() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let query = "query($id: ID!) { report(by: {id: $id}) {
            releaseDelayMinutes durationDeviationMinutes resources { budgetVariance budgetOutcome effortHours }
            milestones { kind status delayMinutes } postReleaseStats { category foundTotal unfixed } postReleaseTotals { found fixed unfixed }
            problems { code } cases { code } } }";
        let report = app.product().read(query, json!({ "id": kept["reportId"] })).await["report"].clone();
        insta::assert_json_snapshot!("derived_of_the_example", report);
    })
    .await;
}

#[tokio::test]
async fn omitted_stays_and_null_clears() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let product = app.product();
        let fields = "report { strategyNote version releaseOwner { name } externalPercent audience }";
        let update = |input: Value| {
            let mut input = input;
            input["id"] = json!(kept["reportId"]);
            input
        };
        let payload = product.does("reportUpdate", update(json!({ "strategy": "OTHER", "strategyNote": "分机房切换" })), fields).await;
        assert_eq!(payload["report"]["version"], "V4.1.2");
        let payload = product.does("reportUpdate", update(json!({ "releaseOwner": null, "audience": ["INTERNAL"] })), fields).await;
        assert_eq!(
            payload["report"],
            json!({ "strategyNote": "分机房切换", "version": "V4.1.2", "releaseOwner": null, "externalPercent": null, "audience": ["INTERNAL"] })
        );
    })
    .await;
}

#[tokio::test]
async fn long_text_keeps_its_line_breaks() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        let text = "第一行\n第二行\r\n\t第三行";
        let payload = app
            .product()
            .does("summaryUpdate", json!({ "id": kept["reportId"], "highlights": text }), "report { achievements { highlights } }")
            .await;
        assert_eq!(payload["report"]["achievements"]["highlights"], text);
    })
    .await;
}

#[tokio::test]
async fn a_problem_code_is_never_used_again() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        let product = app.product();
        let add = async |n: u32| {
            let input = json!({ "reportId": kept["reportId"], "description": format!("问题 {n}") });
            product.does("problemAdd", input, "problem { id code }").await["problem"].clone()
        };
        let first = add(1).await;
        let second = add(2).await;
        product.does("problemRemove", json!({ "id": second["id"] }), "").await;
        assert_eq!(first["code"], "PROB-001");
        assert_eq!(add(3).await["code"], "PROB-003");
    })
    .await;
}

#[tokio::test]
async fn day_precision_keeps_the_business_day_and_minute_precision_the_minute() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        let product = app.product();
        let set = async |id: &str, planned: &str, actual: &str| {
            let input = json!({ "id": kept[id], "plannedAt": planned, "actualAt": actual });
            product.does("milestoneUpdate", input, "milestone { plannedAt actualAt status delayMinutes }").await["milestone"].clone()
        };
        // 23:59 in Shanghai is still the planned day; the time of day does not count.
        assert_eq!(
            set("testing", "2026-03-16T00:00:00+08:00", "2026-03-16T23:59:00+08:00").await,
            json!({ "plannedAt": "2026-03-15T16:00:00Z", "actualAt": "2026-03-15T16:00:00Z", "status": "ON_TIME", "delayMinutes": 0 })
        );
        assert_eq!(
            set("testing", "2026-03-16T00:00:00+08:00", "2026-03-17T00:00:00+08:00").await,
            json!({ "plannedAt": "2026-03-15T16:00:00Z", "actualAt": "2026-03-16T16:00:00Z", "status": "DELAYED", "delayMinutes": 1440 })
        );
        assert_eq!(
            set("deployment", "2026-03-20T23:00:00+08:00", "2026-03-20T23:01:59+08:00").await,
            json!({ "plannedAt": "2026-03-20T15:00:00Z", "actualAt": "2026-03-20T15:01:00Z", "status": "DELAYED", "delayMinutes": 1 })
        );
    })
    .await;
}

#[tokio::test]
async fn custom_milestones_are_added_placed_and_removed_and_those_of_the_form_stay() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        let product = app.product();
        let input = json!({ "reportId": kept["reportId"], "name": "数据迁移演练", "precision": "DAY", "owners": ["RND"], "position": 3 });
        let added = product
            .does("milestoneAdd", input, "milestone { id kind position report { milestones { name kind position } } }")
            .await["milestone"]
            .clone();
        let order: Vec<_> = added["report"]["milestones"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| (m["kind"].as_str().unwrap().to_owned(), m["position"].as_i64().unwrap()))
            .collect();
        assert_eq!(order[2], ("CUSTOM".to_owned(), 3));
        assert_eq!(order[3], ("STAGING_VERIFICATION".to_owned(), 4));
        assert_eq!(product.is_refused("milestoneRemove", json!({ "id": kept["testing"] })).await, ["INVALID id"]);
        assert_eq!(product.is_refused("milestoneUpdate", json!({ "id": kept["testing"], "name": "别名" })).await, ["INVALID name"]);
        let payload = product.does("milestoneRemove", json!({ "id": added["id"] }), "report { milestones { kind } }").await;
        assert_eq!(payload["report"]["milestones"].as_array().unwrap().len(), 6);
    })
    .await;
}

#[tokio::test]
async fn an_owner_reports_and_product_plans() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        let ops = app.person("孙婷", &["OPS"]);
        ops.does(
            "milestoneUpdate",
            json!({ "id": kept["staging"], "notApplicable": true, "notApplicableReason": "紧急修复跳过预发布" }),
            "",
        )
        .await;
        assert_eq!(
            ops.is_denied("milestoneUpdate", json!({ "id": kept["staging"], "plannedAt": "2026-03-18T00:00:00Z" })).await,
            "FORBIDDEN"
        );
        assert_eq!(ops.is_denied("milestoneUpdate", json!({ "id": kept["meeting"], "delayReason": "x" })).await, "FORBIDDEN");
        let input = json!({ "reportId": kept["reportId"], "description": "磁盘告警", "impact": "HIGH", "owners": ["OPS"] });
        let problem = ops.does("problemAdd", input, "problem { id impact }").await["problem"].clone();
        assert_eq!(problem["impact"], "HIGH", "who records a problem says how bad it is");
        assert_eq!(ops.is_denied("problemUpdate", json!({ "id": problem["id"], "impact": "LOW" })).await, "FORBIDDEN");
        ops.does("problemUpdate", json!({ "id": problem["id"], "resolution": "清理日志" }), "").await;
    })
    .await;
}

#[tokio::test]
async fn a_department_that_joins_gets_an_evaluation_and_one_that_leaves_loses_it() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        let person = |name: &str| json!([{ "name": name }]);
        let list = json!([{ "department": "OPS", "people": person("赵磊") }, { "department": "COMMITTEE", "people": person("刘洋") }]);
        let payload = app
            .product()
            .does(
                "reportUpdate",
                json!({ "id": kept["reportId"], "participants": list }),
                "report { participants { department { code } people { name } } departmentEvaluations { department { code } } }",
            )
            .await;
        assert_eq!(payload["report"]["participants"][1], json!({ "department": { "code": "COMMITTEE" }, "people": [{ "name": "刘洋" }] }));
        let mut codes: Vec<_> = payload["report"]["departmentEvaluations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["department"]["code"].as_str().unwrap())
            .collect();
        codes.sort_unstable();
        assert_eq!(codes, ["COMMITTEE", "OPS"]);
    })
    .await;
}
