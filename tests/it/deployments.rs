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

/// A milestone of what is shown.
pub fn milestone<'a>(report: &'a Value, kind: &str) -> &'a Value {
    report["milestones"].as_array().unwrap().iter().find(|m| m["kind"] == kind).unwrap()
}

/// Where a value of what is shown comes from.
pub fn value<'a>(report: &'a Value, field: &str) -> &'a Value {
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

#[tokio::test]
async fn parts_in_any_order_and_repeated_end_the_same() {
    each_database(async |app| {
        let report = draft(app, "REL-APP-2026-001").await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let parts = [
            call("d-1", "ROLLED_BACK", json!({ "finishedAt": "2026-03-28T15:00:00Z" })),
            call("d-1", "SUCCEEDED", json!({ "finishedAt": "2026-03-28T14:30:00Z", "attempt": 2 })),
            call("d-1", "RUNNING", json!({ "startedAt": "2026-03-28T14:10:00Z", "attempt": 2 })),
            call("d-1", "QUEUED", json!({ "plannedStartAt": "2026-03-28T14:00:00Z", "plannedFinishAt": "2026-03-28T14:40:00Z" })),
            call("d-1", "FAILED", json!({ "finishedAt": "2026-03-28T14:05:00Z", "attempt": 1 })),
            call("d-1", "RUNNING", json!({ "startedAt": "2026-03-28T14:01:00Z", "attempt": 1 })),
        ];
        for part in parts.iter().chain(&parts) {
            let (status, answer) = ci.posts("/api/v1/deployments", part).await;
            assert!(status == 200 || status == 201, "{answer:#}");
        }
        let now = shown(&app.product(), &report).await;
        let deployment = &now["deployments"]["nodes"][0];
        assert_eq!(now["deployments"]["nodes"].as_array().unwrap().len(), 1);
        assert_eq!((&deployment["status"], &deployment["durationMinutes"]), (&json!("ROLLED_BACK"), &json!(29)));
        assert_eq!((&now["actualReleaseAt"], &now["plannedReleaseAt"]), (&json!("2026-03-28T14:01:00Z"), &json!("2026-03-28T14:00:00Z")));
        // A rollback leaves the milestone unfinished, and asks for a problem.
        assert_eq!(milestone(&now, "PRODUCTION_DEPLOYMENT")["actualAt"], Value::Null);
        assert_eq!(now["actualDurationMinutes"], Value::Null);
        let proposed = now["proposedProblems"][0].clone();
        assert_eq!((&proposed["triggeredRollback"], &proposed["deployment"]["deploymentId"]), (&json!(true), &json!("d-1")));
        let query = "query($id: ID!) { report(by: { id: $id }) { deployments { nodes { id observations { status delivery { fate body } } } } } }";
        let seen = app.person("运维", &["OPS", "ADMIN"]).read(query, json!({ "id": report })).await;
        let of = &seen["report"]["deployments"]["nodes"][0];
        assert_eq!(of["observations"].as_array().unwrap().len(), 6, "a repeat is no observation");
        assert!(of["observations"][0]["delivery"]["body"].as_str().unwrap().contains("ROLLED_BACK"));
        let input = json!({ "reportId": report, "description": proposed["description"], "phase": proposed["phase"], "triggeredRollback": true, "deploymentId": of["id"] });
        let recorded = app.product().does("problemAdd", input, "problem { deployment { deploymentId } }").await;
        assert_eq!(recorded["problem"]["deployment"]["deploymentId"], "d-1");
        assert_eq!(shown(&app.product(), &report).await["proposedProblems"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn the_least_a_pipeline_can_say_is_enough() {
    each_database(async |app| {
        draft(app, "REL-APP-2026-001").await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let (status, _) = ci.posts("/api/v1/deployments", &call("d-1", "RUNNING", json!({}))).await;
        assert_eq!(status, 201);
        app.clock.advance(chrono::TimeDelta::minutes(12));
        // What was said before need not be said again, and the time is that of the call.
        let (status, answer) = ci.posts("/api/v1/deployments", &json!({ "deploymentId": "d-1", "status": "SUCCEEDED" })).await;
        assert_eq!((status, &answer["deployment"]["durationMinutes"]), (200, &json!(12)), "{answer:#}");
        assert_eq!(answer["milestone"]["kind"], "PRODUCTION_DEPLOYMENT");
        assert!(answer["milestone"]["actualAt"].is_string());
    })
    .await;
}

#[tokio::test]
async fn what_a_person_entered_stays_and_the_difference_is_shown() {
    each_database(async |app| {
        let report = draft(app, "REL-APP-2026-001").await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let product = app.product();
        product.does("reportUpdate", json!({ "id": report, "actualReleaseAt": "2026-03-28T13:30:00Z" }), "").await;
        let more = json!({ "startedAt": "2026-03-28T13:42:10Z", "finishedAt": "2026-03-28T14:10:40Z" });
        ci.posts("/api/v1/deployments", &call("d-1", "SUCCEEDED", more)).await;
        let now = shown(&product, &report).await;
        assert_eq!(now["actualReleaseAt"], "2026-03-28T13:30:00Z");
        let value = value(&now, "ACTUAL_RELEASE_AT");
        assert_eq!(value["source"], "PERSON");
        assert_eq!(
            value["reported"],
            json!({ "at": "2026-03-28T13:42:10Z", "minutes": null, "differenceMinutes": 12, "deployment": { "deploymentId": "d-1" } })
        );
        // A person corrects what the pipeline filled: from then on it is theirs, whatever the pipeline says later.
        let id = product.read("query($id: ID!) { report(by: { id: $id }) { milestones { id kind } } }", json!({ "id": report })).await;
        let deployed =
            id["report"]["milestones"].as_array().unwrap().iter().find(|m| m["kind"] == "PRODUCTION_DEPLOYMENT").unwrap()["id"].clone();
        let ops = app.person("运维", &["OPS"]);
        ops.does("milestoneUpdate", json!({ "id": deployed, "actualAt": "2026-03-28T14:15:00Z" }), "").await;
        ci.posts("/api/v1/deployments", &call("d-1", "SUCCEEDED", json!({ "finishedAt": "2026-03-28T14:20:00Z", "attempt": 2 }))).await;
        let now = shown(&product, &report).await;
        let deployed = milestone(&now, "PRODUCTION_DEPLOYMENT");
        assert_eq!((&deployed["actualAt"], &deployed["actualSource"]), (&json!("2026-03-28T14:15:00Z"), &json!("PERSON")));
        assert_eq!(deployed["reported"], json!({ "at": "2026-03-28T14:20:00Z", "differenceMinutes": 5 }));
        assert_eq!(now["actualDurationMinutes"], 38, "nobody entered the duration, so it follows the pipeline");
    })
    .await;
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer() {
    each_database(async |app| {
        draft(app, "REL-APP-2026-001").await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let body = call("d-1", "RUNNING", json!({})).to_string().into_bytes();
        let key = [("idempotency-key", "run-42")];
        let first = ci.posts_with("/api/v1/deployments", &key, body.clone()).await;
        assert_eq!(first.0, 201);
        app.clock.advance(chrono::TimeDelta::minutes(5));
        let before = app.fingerprint().await;
        assert_eq!(ci.posts_with("/api/v1/deployments", &key, body.clone()).await, first, "status and answer, to the byte");
        assert_eq!(app.fingerprint().await, before);
        let other = call("d-1", "SUCCEEDED", json!({})).to_string().into_bytes();
        let (status, answer) = ci.posts_with("/api/v1/deployments", &key, other.clone()).await;
        assert_eq!(
            (status, &answer["errors"][0]["code"], &answer["errors"][0]["field"]),
            (422, &json!("IDEMPOTENCY_MISMATCH"), &json!("Idempotency-Key"))
        );
        // The key is the caller's own.
        assert_eq!(app.person("ci-other", &["PIPELINE"]).posts_with("/api/v1/deployments", &key, other).await.0, 201);
        // At once: one runs, the others are told to wait or get its answer.
        let key = [("idempotency-key", "run-43")];
        let body = call("d-2", "RUNNING", json!({})).to_string().into_bytes();
        let calls = (0..8).map(|_| ci.posts_with("/api/v1/deployments", &key, body.clone()));
        let statuses: Vec<u16> = futures_util::future::join_all(calls).await.into_iter().map(|(status, _)| status).collect();
        assert!(statuses.contains(&201) && statuses.iter().all(|s| [201, 409].contains(s)), "{statuses:?}");
        let count = ci.read("{ inboundDeliveries { totalCount } }", json!({})).await;
        assert_eq!(count["inboundDeliveries"]["totalCount"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_wrong_names_each_field_and_changes_nothing() {
    each_database(async |app| {
        draft(app, "REL-APP-2026-001").await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let before = app.fingerprint().await;
        let errors = |answer: &Value| {
            answer["errors"].as_array().unwrap().iter().map(|e| format!("{} {}", e["code"].as_str().unwrap(), e["field"].as_str().unwrap())).collect::<Vec<_>>()
        };
        let wrong = json!({ "deploymentId": "", "status": "DONE", "environment": 7, "applicationNumber": "REL-1", "startedAt": "2026-03-28T13:42:10",
            "finishedAt": "2999-01-01T00:00:00Z", "attempt": 0, "commit": "xyz", "url": "ftp://x", "finishAt": "x" });
        let (status, answer) = ci.posts("/api/v1/deployments", &wrong).await;
        assert_eq!(status, 422);
        assert_eq!((&answer["type"], &answer["code"], &answer["status"]), (&json!("about:blank"), &json!("BAD_USER_INPUT"), &json!(422)));
        assert_eq!(errors(&answer), [
            "UNKNOWN finishAt", "INVALID deploymentId", "INVALID environment", "OUT_OF_RANGE attempt", "INVALID startedAt", "REQUIRED deploymentId",
            "UNKNOWN status", "INVALID applicationNumber", "INVALID commit", "INVALID url", "OUT_OF_RANGE finishedAt",
        ]);
        let (_, answer) = ci.in_chinese().posts("/api/v1/deployments", &json!({ "deploymentId": "d-1", "status": "RUNNING" })).await;
        assert_eq!(errors(&answer), ["REQUIRED environment", "REQUIRED applicationNumber"]);
        assert!(answer["detail"].as_str().unwrap().contains("环境"));
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        for (body, headers, expected) in [
            (b"[]".to_vec(), vec![], 422),
            (b"{\"deploymentId\":".to_vec(), vec![], 422),
            (b"\xff\xfe".to_vec(), vec![], 422),
            (b"{}".to_vec(), vec![("content-type", "text/plain")], 415),
            (vec![0x1f, 0x8b, 0x08, 0x00], vec![("content-encoding", "gzip")], 415),
            (vec![b' '; 2 * 1024 * 1024], vec![], 413),
            (call("d-1", "RUNNING", json!({})).to_string().into_bytes(), vec![("idempotency-key", &*"k".repeat(201))], 422),
        ] {
            let (status, answer) = ci.posts_with("/api/v1/deployments", &headers, body).await;
            assert_eq!(status, expected, "{answer:#}");
            assert_eq!(answer["status"], expected);
        }
        assert_eq!(app.fingerprint().await, before);
        // A finish before the start is no error: it is shown, and changes no report.
        let odd = call("d-1", "SUCCEEDED", json!({ "startedAt": "2026-03-28T14:00:00Z", "finishedAt": "2026-03-28T13:00:00Z" }));
        let (status, answer) = ci.posts("/api/v1/deployments", &odd).await;
        assert_eq!((status, &answer["deployment"]["inconsistent"], &answer["deployment"]["durationMinutes"]), (201, &json!(true), &Value::Null));
        assert_eq!((&answer["milestone"]["actualAt"], &answer["values"]), (&Value::Null, &json!([])));
    })
    .await;
}

#[tokio::test]
async fn a_batch_is_recorded_whole_or_not_at_all() {
    each_database(async |app| {
        let report = draft(app, "REL-APP-2026-001").await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let before = app.fingerprint().await;
        let wrong = json!({ "deployments": [call("a", "SUCCEEDED", json!({})), call("b", "GONE", json!({})), 7] });
        let (status, answer) = ci.posts("/api/v1/deployments/batch", &wrong).await;
        let fields: Vec<&Value> = answer["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
        assert_eq!((status, fields), (422, vec![&json!("deployments.1.status"), &json!("deployments.2")]));
        assert_eq!(app.fingerprint().await, before);
        let many: Vec<Value> = (0..30)
            .map(|n| {
                call(
                    &format!("d-{n}"),
                    "SUCCEEDED",
                    json!({ "startedAt": format!("2026-03-28T13:{n:02}:00Z"), "finishedAt": format!("2026-03-28T14:{n:02}:00Z") }),
                )
            })
            .collect();
        let (status, answer) = ci.posts("/api/v1/deployments/batch", &json!({ "deployments": many })).await;
        assert_eq!((status, answer["deployments"].as_array().unwrap().len()), (200, 30), "{answer:#}");
        let now = shown(&app.product(), &report).await;
        assert_eq!(
            (&now["actualReleaseAt"], &milestone(&now, "PRODUCTION_DEPLOYMENT")["actualAt"]),
            (&json!("2026-03-28T13:00:00Z"), &json!("2026-03-28T14:29:00Z"))
        );
        let too_many = json!({ "deployments": (0..501).map(|_| call("x", "RUNNING", json!({}))).collect::<Vec<_>>() });
        assert_eq!(ci.posts("/api/v1/deployments/batch", &too_many).await.0, 422);
    })
    .await;
}

#[tokio::test]
async fn a_deployment_that_rolls_back_another_takes_its_success_back_in_either_order() {
    each_database(async |app| {
        for (application, first) in [("REL-APP-2026-001", true), ("REL-APP-2026-002", false)] {
            let report = draft(app, application).await;
            let ci = app.person(&format!("ci-{first}"), &["PIPELINE"]);
            let done = json!({ "deploymentId": "d-1", "status": "SUCCEEDED", "environment": "production", "applicationNumber": application,
                "startedAt": "2026-03-28T13:42:00Z", "finishedAt": "2026-03-28T14:10:00Z" });
            let back = json!({ "deploymentId": "d-2", "status": "SUCCEEDED", "environment": "production", "rollbackOf": "d-1", "product": "netaudit", "version": "V4.1.1",
                "startedAt": "2026-03-28T15:00:00Z", "finishedAt": "2026-03-28T15:05:00Z" });
            for body in if first { [&done, &back] } else { [&back, &done] } {
                let (status, answer) = ci.posts("/api/v1/deployments", body).await;
                assert_eq!(status, 201, "{answer:#}");
            }
            let now = shown(&app.product(), &report).await;
            let status = now["deployments"]["nodes"].as_array().unwrap().iter().find(|d| d["deploymentId"] == "d-1").unwrap()["status"].clone();
            assert_eq!(status, "ROLLED_BACK", "{now:#}");
            assert_eq!(milestone(&now, "PRODUCTION_DEPLOYMENT")["actualAt"], Value::Null);
            assert_eq!(now["proposedProblems"].as_array().unwrap().len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn the_mutation_and_the_call_are_one_pipeline() {
    each_database(async |app| {
        let report = draft(app, "REL-APP-2026-001").await;
        let ops = app.person("运维", &["OPS"]);
        let input = json!({ "deploymentId": "d-1", "status": "RUNNING", "environment": "生产环境", "applicationNumber": "REL-APP-2026-001", "startedAt": "2026-03-28T13:42:10Z" });
        let made = ops.does("deploymentRecord", input.clone(), "repeated deployment { id environmentClass status source } report { id } milestone { kind }").await;
        assert_eq!(made["deployment"]["environmentClass"], "PRODUCTION");
        assert_eq!((&made["report"]["id"], &made["milestone"]["kind"], &made["repeated"]), (&json!(report), &json!("PRODUCTION_DEPLOYMENT"), &json!(false)));
        assert_eq!(ops.does("deploymentRecord", input, "repeated").await["repeated"], true);
        let (status, answer) = ops.posts("/api/v1/deployments", &json!({ "deploymentId": "d-1", "status": "SUCCEEDED", "finishedAt": "2026-03-28T14:00:00Z" })).await;
        assert_eq!((status, &answer["deployment"]["status"]), (200, &json!("SUCCEEDED")));
        assert_eq!(ops.is_refused("deploymentRecord", json!({ "deploymentId": "d-9", "status": "RUNNING", "startedAt": "2999-01-01T00:00:00Z" })).await, ["OUT_OF_RANGE startedAt"]);
        let audit = app.person("审计", &["AUDITOR"]);
        let log = audit.read("{ auditLog(where: { objectType: { eq: \"Deployment\" } }) { nodes { act subject changes { field } } } }", json!({})).await;
        assert_eq!(log["auditLog"]["nodes"].as_array().unwrap().len(), 2);
        assert_eq!(log["auditLog"]["nodes"][0]["subject"], "u-运维");
    })
    .await;
}

#[tokio::test]
async fn the_openapi_document_is_the_checked_in_one_and_needs_a_token() {
    each_database(async |app| {
        let ask = async |token: Option<&str>| {
            let mut request = axum::http::Request::get("/openapi.json");
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let (status, _, body) = app.send(request.body(axum::body::Body::empty()).unwrap()).await;
            (status.as_u16(), String::from_utf8(body).unwrap())
        };
        assert_eq!(ask(None).await.0, 401);
        assert_eq!(
            ask(Some(&app.product().token)).await,
            (200, include_str!("../../openapi.json").to_owned()),
            "relsum openapi > openapi.json"
        );
    })
    .await;
}
