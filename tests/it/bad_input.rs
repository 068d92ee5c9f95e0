//! Bad input: a clear error with code and path, never a fault, and nothing is changed.

use serde_json::{Value, json};

use crate::support::{each_database, guide::play};

#[tokio::test]
async fn values_that_cannot_be_are_refused_with_their_path() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let product = app.product();
        let r = &kept["reportId"];
        let megabyte = "长".repeat(350_000);
        let cases: Vec<(&str, Value, &[&str])> = vec![
            ("reportCreate", json!({ "applicationNumber": "REL-APP-2026-1" }), &["INVALID applicationNumber"]),
            ("reportCreate", json!({ "applicationNumber": "" }), &["INVALID applicationNumber"]),
            ("reportCreate", json!({ "applicationNumber": "REL-APP-2026-901" }), &["DUPLICATE applicationNumber"]),
            ("reportCreate", json!({ "applicationNumber": "REL-APP-2026-500", "preparedOn": "1950-01-01" }), &["OUT_OF_RANGE preparedOn"]),
            ("reportCreate", json!({ "applicationNumber": "REL-APP-2026-500", "product": { "key": "nope" } }), &["UNKNOWN product.key"]),
            ("reportUpdate", json!({ "id": r, "preparedOn": "2027-01-01" }), &["INVALID preparedOn"]),
            ("reportUpdate", json!({ "id": r, "version": "最新版" }), &["INVALID version"]),
            ("reportUpdate", json!({ "id": r, "version": "V1 beta" }), &["INVALID version"]),
            ("reportUpdate", json!({ "id": r, "plannedDurationMinutes": -1 }), &["OUT_OF_RANGE plannedDurationMinutes"]),
            ("reportUpdate", json!({ "id": r, "strategy": "OTHER" }), &["REQUIRED strategyNote"]),
            ("reportUpdate", json!({ "id": r, "audience": ["PARTIAL_EXTERNAL"], "externalPercent": null }), &["REQUIRED externalPercent"]),
            ("reportUpdate", json!({ "id": r, "audience": ["PARTIAL_EXTERNAL"], "externalPercent": "100" }), &["OUT_OF_RANGE externalPercent"]),
            ("reportUpdate", json!({ "id": r, "audience": ["PARTIAL_EXTERNAL", "ALL_EXTERNAL"], "externalPercent": "5" }), &["INVALID audience"]),
            ("reportUpdate", json!({ "id": r, "audience": ["INTERNAL"], "externalPercent": "5" }), &["INVALID externalPercent"]),
            ("reportUpdate", json!({ "id": r, "participants": [{ "department": "NOPE", "people": [] }] }), &["UNKNOWN participants.0"]),
            ("reportUpdate", json!({ "id": r, "participants": [{ "department": "OPS", "people": [] }, { "department": "OPS", "people": [] }] }), &["DUPLICATE participants.1"]),
            ("reportUpdate", json!({ "id": r, "participants": [{ "department": "OPS", "people": [{ "name": " " }] }] }), &["REQUIRED participants.0.people.0.name"]),
            ("reportUpdate", json!({ "id": r, "preparedBy": "NOPE" }), &["UNKNOWN preparedBy"]),
            ("reportUpdate", json!({ "id": r, "applicationNumber": "REL-APP-26-001" }), &["INVALID applicationNumber"]),
            ("resourcesUpdate", json!({ "reportId": r, "testServers": -3, "budgetActual": "-0.01" }), &["OUT_OF_RANGE testServers", "OUT_OF_RANGE budgetActual"]),
            ("resourcesUpdate", json!({ "reportId": r, "currency": "元" }), &["INVALID currency"]),
            ("resourcesUpdate", json!({ "reportId": r, "staffing": [{ "department": "OPS", "people": -1 }] }), &["OUT_OF_RANGE staffing.0.people"]),
            ("summaryUpdate", json!({ "id": r, "highlights": megabyte }), &["TOO_LONG highlights"]),
            ("summaryUpdate", json!({ "id": r, "highlights": "NUL \u{0} 字符" }), &["INVALID highlights"]),
            ("summaryUpdate", json!({ "id": r, "shortcomings": ["好", " "] }), &["REQUIRED shortcomings.1"]),
            ("milestoneUpdate", json!({ "id": kept["staging"], "actualAt": null, "notApplicable": true }), &["REQUIRED notApplicableReason"]),
            ("milestoneUpdate", json!({ "id": kept["staging"], "notApplicable": true, "notApplicableReason": "x" }), &["INVALID notApplicable"]),
            ("milestoneUpdate", json!({ "id": kept["staging"], "owners": ["OPS", "NOPE"] }), &["UNKNOWN owners.1"]),
            ("problemUpdate", json!({ "id": kept["problemId"], "handlingMinutes": -5 }), &["OUT_OF_RANGE handlingMinutes"]),
            ("problemUpdate", json!({ "id": kept["problemId"], "detectedAt": "2026-03-20T12:00:00Z", "resolvedAt": "2026-03-20T11:00:00Z" }), &["INVALID resolvedAt"]),
            ("problemUpdate", json!({ "id": kept["problemId"], "description": null }), &["REQUIRED description"]),
            ("incidentReviewWrite", json!({ "problemId": kept["problemId"], "timeline": [{ "at": "2026-03-20T12:00:00Z", "event": "b" }, { "at": "2026-03-20T11:00:00Z", "event": "a" }] }), &["INVALID timeline"]),
            ("postReleaseStatUpdate", json!({ "id": kept["functional"], "fixed": 10 }), &["OUT_OF_RANGE fixed", "OUT_OF_RANGE plannedFixes"]),
            ("postReleaseStatUpdate", json!({ "id": kept["functional"], "found": { "p0": -1 } }), &["OUT_OF_RANGE found.p0"]),
            ("postReleaseStatUpdate", json!({ "id": kept["functional"], "found": { "high": 1 } }), &["INVALID found.high"]),
            ("postReleaseStatUpdate", json!({ "id": kept["functional"], "plannedFixes": [{ "version": "V5", "count": 3 }] }), &["OUT_OF_RANGE plannedFixes"]),
            ("caseAdd", json!({ "reportId": r, "description": "x", "satisfaction": 6 }), &["OUT_OF_RANGE satisfaction"]),
            ("actionAdd", json!({ "reportId": r, "area": "OTHER", "measure": "x" }), &["REQUIRED areaNote"]),
            ("actionAdd", json!({ "reportId": r, "area": "TESTING", "measure": "x", "owners": ["OPS"], "lead": "TEST" }), &["INVALID lead"]),
            ("actionAdd", json!({ "reportId": r, "area": "TESTING", "measure": "x", "schedule": { "rule": "每季度末" } }), &["INVALID schedule.rule"]),
            ("actionAdd", json!({ "reportId": r, "area": "TESTING", "measure": "x", "schedule": { "rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30" } }), &["INVALID schedule.rule"]),
            ("actionAdd", json!({ "reportId": r, "area": "TESTING", "measure": "x", "schedule": { "rule": "FREQ=SECONDLY" } }), &["INVALID schedule.rule"]),
            ("actionAdd", json!({ "reportId": r, "area": "TESTING", "measure": "x", "schedule": { "on": "2020-01-01" } }), &["INVALID schedule.on"]),
            ("actionAdd", json!({ "reportId": r, "area": "TESTING", "measure": "x", "schedule": { "immediate": false } }), &["INVALID schedule.immediate"]),
            ("actionAdd", json!({ "reportId": r, "area": "TESTING", "measure": " " }), &["REQUIRED measure"]),
            ("reportDiscard", json!({ "id": r, "reason": " " }), &["REQUIRED reason"]),
            ("productCreate", json!({ "key": "Net Audit", "name": "" }), &["INVALID key", "REQUIRED name"]),
            ("productCreate", json!({ "key": "netaudit-demo", "name": "又一个" }), &["DUPLICATE key"]),
        ];
        let before = app.fingerprint().await;
        for (mutation, input, expected) in cases {
            assert_eq!(product.is_refused(mutation, input.clone()).await, expected, "{mutation} {}", input.to_string().chars().take(200).collect::<String>());
        }
        assert_eq!(app.fingerprint().await, before);
    })
    .await;
}

#[tokio::test]
async fn ids_of_another_type_of_another_report_and_of_nothing_name_nothing() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        let product = app.product();
        let nowhere = "TWlsZXN0b25lOjAxOTkwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA";
        for id in [kept["reportId"].as_str(), nowhere, "", "💥", "bm90aGluZw", "TWlsZXN0b25lOjEyMw"] {
            assert_eq!(product.is_denied("milestoneUpdate", json!({ "id": id, "delayReason": "x" })).await, "NOT_FOUND", "{id}");
            let read = product.read("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
            assert_eq!(read["node"].is_null(), id != kept["reportId"], "{id}");
        }
        assert_eq!(product.is_denied("reportUpdate", json!({ "id": kept["testing"], "version": "V2" })).await, "NOT_FOUND");
        assert_eq!(product.is_denied("productUpdate", json!({ "id": kept["reportId"], "name": "x" })).await, "NOT_FOUND");
    })
    .await;
}

#[tokio::test]
async fn retired_departments_and_products_take_no_new_rows() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let admin = app.person("管理员", &["ADMIN"]);
        let data = admin.read("{ departments { id code } products { id } }", json!({})).await;
        let id = |code: &str| data["departments"].as_array().unwrap().iter().find(|d| d["code"] == code).unwrap()["id"].clone();
        admin.does("departmentUpdate", json!({ "id": id("RND"), "active": false }), "").await;
        admin.does("productUpdate", json!({ "id": data["products"][0]["id"], "active": false }), "").await;
        let product = app.product();
        assert_eq!(product.is_refused("milestoneUpdate", json!({ "id": kept["staging"], "owners": ["RND"] })).await, ["RETIRED owners.0"]);
        assert_eq!(
            product
                .is_refused("reportCreate", json!({ "applicationNumber": "REL-APP-2026-500", "product": { "key": "netaudit-demo" } }))
                .await,
            ["RETIRED product.key"]
        );
        // What named them before keeps them.
        product.does("problemUpdate", json!({ "id": kept["problemId"], "owners": ["RND", "OPS"] }), "").await;
        for needed in ["PRODUCT", "COMMITTEE", "COMMITTEE_OFFICE"] {
            assert_eq!(admin.is_refused("departmentUpdate", json!({ "id": id(needed), "active": false })).await, ["INVALID active"]);
        }
    })
    .await;
}

#[tokio::test]
async fn scalars_refuse_what_they_do_not_take() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        for (field, value) in [
            ("plannedReleaseAt", json!("2026-03-20T22:00:00")),
            ("plannedReleaseAt", json!("2026-02-30T22:00:00Z")),
            ("plannedReleaseAt", json!(1_774_000_000)),
            ("preparedOn", json!("2026-02-29")),
            ("preparedOn", json!("2026-2-9")),
            ("externalPercent", json!("30%")),
            ("externalPercent", json!("1.234")),
            ("externalPercent", json!(30.5)),
            ("releaseType", json!("HUGE")),
            ("plannedDurationMinutes", json!("120")),
            ("plannedDurationMinutes", json!(3_000_000_000_i64)),
            ("applicationUrl", json!("javascript:alert(1)")),
            ("nope", json!(1)),
        ] {
            let mut input = json!({ "id": kept["reportId"] });
            input[field] = value.clone();
            let answer = app
                .product()
                .ask(
                    "mutation($input: ReportUpdateInput!) { reportUpdate(input: $input) { userErrors { code } } }",
                    json!({ "input": input }),
                )
                .await;
            let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{field} {value}: {answer}"));
            assert!(["GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"].contains(&code), "{field} {value}: {answer}");
            assert!(answer["errors"][0]["extensions"]["requestId"].is_string());
        }
    })
    .await;
}

#[tokio::test]
async fn errors_speak_chinese_when_asked() {
    each_database(async |app| {
        let product = app.product().in_chinese();
        let payload = product.call("reportCreate", json!({ "applicationNumber": "x" }), "").await;
        assert!(payload["userErrors"][0]["message"].as_str().unwrap().starts_with("发布申请编号"));
        let answer = product
            .ask(
                "mutation($input: NumberSequenceSetInput!) { numberSequenceSet(input: $input) { nextNumber } }",
                json!({ "input": { "year": 2026, "last": 1 } }),
            )
            .await;
        assert_eq!(answer["errors"][0]["message"], "所需权限：ADMIN。");
        let labels = product.read("{ enumLabels(enum: \"ReleaseType\") { value label labelEn } }", json!({})).await;
        assert_eq!(labels["enumLabels"][3], json!({ "value": "EMERGENCY", "label": "紧急修复发布", "labelEn": "Emergency fix" }));
    })
    .await;
}

#[tokio::test]
async fn pages_and_cursors_out_of_range_are_refused() {
    each_database(async |app| {
        let product = app.product();
        for arguments in [
            "first: 101",
            "first: -1",
            "last: 101",
            "first: 1, last: 1",
            "after: \"nonsense\"",
            "after: \"W10\"",
            "orderBy: [{field: NUMBER}, {field: NUMBER}]",
        ] {
            let answer = product.ask(&format!("{{ reports({arguments}) {{ nodes {{ id }} }} }}"), json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{arguments}: {answer}");
        }
    })
    .await;
}
