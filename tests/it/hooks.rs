//! Webhooks as GitHub, GitLab and CDEvents senders really send them (`events.md` 21, 22): nothing is lost, and everything says where it went.

use axum::{body::Body, http::Request};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    deployments::{draft, shown},
    support::{TestApp, each_database},
};

const GITHUB_SECRET: &str = "It's-a-Secret-to-Everybody";
const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A payload as the sender sends it: on one line.
fn payload(name: &str) -> Vec<u8> {
    let file = format!("{}/tests/it/payloads/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let value: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    value.to_string().into_bytes()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// GitHub's signature.
pub fn hub(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", mac(secret.as_bytes(), &[body]).iter().map(|b| format!("{b:02x}")).collect::<String>())
}

fn standard(secret: &str, id: &str, at: i64, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    format!("v1,{}", STANDARD.encode(mac(&key, &[id.as_bytes(), b".", at.to_string().as_bytes(), b".", body])))
}

/// Posts to a hook: status and answer.
pub async fn hook(app: &TestApp, source: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Value) {
    let mut request = Request::post(format!("/api/v1/hooks/{source}"));
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (status, _, body) = app.send(request.body(Body::from(body)).unwrap()).await;
    (status.as_u16(), serde_json::from_slice(&body).unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&body))))
}

/// A `deployment_status` of GitHub, signed.
pub async fn github(app: &TestApp, delivery: &str, body: Vec<u8>) -> (u16, Value) {
    let signature = hub(GITHUB_SECRET, &body);
    hook(
        app,
        "github",
        &[("x-github-event", "deployment_status"), ("x-github-delivery", delivery), ("x-hub-signature-256", &signature)],
        body,
    )
    .await
}

/// Makes a source; its id.
pub async fn source(app: &TestApp, input: Value) -> String {
    let admin = app.person("管理", &["ADMIN"]);
    let made = admin.does("ingestionSourceCreate", input, "secret ingestionSource { id path }").await;
    made["ingestionSource"]["id"].as_str().unwrap().to_owned()
}

async fn github_source(app: &TestApp) -> String {
    source(app, json!({ "name": "github", "kind": "GITHUB", "secret": GITHUB_SECRET })).await
}

const FATES: &str = "{ inboundDeliveries(last: 50) { nodes { receipt deliveryKey eventType fate reason deployment { deploymentId standing parkedReason } } } }";

#[tokio::test]
async fn githubs_states_fill_the_report_and_repeats_get_the_same_receipt() {
    each_database(async |app| {
        let report = draft(app, "REL-APP-2026-001").await;
        github_source(app).await;
        let states = ["queued", "in_progress", "failure", "success", "inactive", "success_staging"];
        let mut receipts = Vec::new();
        // In the wrong order, as webhooks come.
        for (n, state) in states.iter().enumerate().rev() {
            let (status, answer) = github(app, &format!("delivery-{n}"), payload(&format!("github_deployment_status_{state}"))).await;
            assert_eq!(status, 202, "{answer}");
            receipts.push(answer["receipt"].clone());
        }
        let again = github(app, "delivery-0", payload("github_deployment_status_queued")).await;
        assert_eq!(again, (200, json!({ "receipt": receipts[5], "ignored": false })));
        app.works().await;
        let now = shown(&app.product(), &report).await;
        let production = now["deployments"]["nodes"].as_array().unwrap().iter().find(|d| d["deploymentId"] == "2914417233").unwrap();
        assert_eq!(
            (&production["status"], &production["environmentClass"]),
            (&json!("SUCCEEDED"), &json!("PRODUCTION")),
            "inactive undoes nothing"
        );
        assert_eq!((&production["startedAt"], &production["finishedAt"]), (&json!("2026-03-28T13:42:40Z"), &json!("2026-03-28T13:50:02Z")));
        assert_eq!(now["actualReleaseAt"], "2026-03-28T13:42:00Z");
        let staging = now["milestones"].as_array().unwrap().iter().find(|m| m["kind"] == "STAGING_VERIFICATION").unwrap();
        assert_eq!(staging["actualAt"], "2026-03-27T16:00:00Z");
        // Signed, and not deployments: 200, and kept with the reason.
        let ping = payload("github_ping");
        let signature = hub(GITHUB_SECRET, &ping);
        let (status, answer) =
            hook(app, "github", &[("x-github-event", "ping"), ("x-github-delivery", "p"), ("x-hub-signature-256", &signature)], ping).await;
        assert_eq!((status, &answer["ignored"]), (200, &json!(true)));
        let admin = app.person("管理", &["ADMIN"]);
        let list = admin.read(FATES, json!({})).await;
        let fate =
            |key: &str| list["inboundDeliveries"]["nodes"].as_array().unwrap().iter().find(|d| d["deliveryKey"] == key).unwrap().clone();
        assert_eq!(fate("p")["reason"], "ping tells of no deployment");
        assert_eq!((&fate("delivery-4")["fate"], &fate("delivery-3")["fate"]), (&json!("IGNORED"), &json!("WORKED")));
        assert_eq!(fate("delivery-3")["deployment"]["standing"], "ATTACHED");
        // The audit log names the source.
        let log = admin
            .read("{ auditLog(where: { subject: { eq: \"source:github\" } }, first: 1) { nodes { act role } totalCount } }", json!({}))
            .await;
        assert_eq!(log["auditLog"]["nodes"][0], json!({ "act": "deploymentRecord", "role": "PIPELINE" }));
    })
    .await;
}

#[tokio::test]
async fn githubs_form_is_read_too() {
    each_database(async |app| {
        let report = draft(app, "REL-APP-2026-001").await;
        github_source(app).await;
        let json = String::from_utf8(payload("github_deployment_status_success")).unwrap();
        let body: String = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json).finish();
        let signature = hub(GITHUB_SECRET, body.as_bytes());
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-github-event", "deployment_status"),
            ("x-github-delivery", "f"),
            ("x-hub-signature-256", &signature),
        ];
        assert_eq!(hook(app, "github", &headers, body.into_bytes()).await.0, 202);
        app.works().await;
        assert_eq!(shown(&app.product(), &report).await["deployments"]["nodes"][0]["status"], "SUCCEEDED");
    })
    .await;
}

#[tokio::test]
async fn what_is_forged_truncated_or_serialised_again_is_401_and_leaves_nothing() {
    each_database(async |app| {
        github_source(app).await;
        source(app, json!({ "name": "gitlab", "kind": "GITLAB", "secret": STANDARD_SECRET })).await;
        let body = payload("github_deployment_status_success");
        let good = hub(GITHUB_SECRET, &body);
        let event = [("x-github-event", "deployment_status"), ("x-github-delivery", "x")];
        let before = app.fingerprint().await;
        let truncated = body[..body.len() - 1].to_vec();
        let pretty = serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&body).unwrap()).unwrap();
        for (signature, body) in [
            (None, body.clone()),
            (Some(hub("another secret", &body)), body.clone()),
            (Some(good.clone()), truncated),
            (Some(good.clone()), pretty),
            (Some(good.replace("sha256=", "sha1=")), body.clone()),
            (Some(String::new()), body.clone()),
        ] {
            let mut headers = event.to_vec();
            headers.extend(signature.as_deref().map(|s| ("x-hub-signature-256", s)));
            let (status, answer) = hook(app, "github", &headers, body).await;
            assert_eq!((status, &answer["code"]), (401, &json!("UNAUTHENTICATED")), "{answer}");
        }
        let (now, body) = (app.clock.now().timestamp(), payload("gitlab_deployment_success"));
        for (at, id, signed_as) in [(now - 301, "m-1", "m-1"), (now + 301, "m-1", "m-1"), (now, "m-1", "m-2")] {
            let (time, signature) = (at.to_string(), standard(STANDARD_SECRET, signed_as, at, &body));
            // A token beside it does not help: where a signature is sent, it decides.
            let headers =
                [("webhook-id", id), ("webhook-timestamp", &time), ("webhook-signature", &signature), ("x-gitlab-token", STANDARD_SECRET)];
            assert_eq!(hook(app, "gitlab", &headers, body.clone()).await.0, 401, "{at}");
        }
        assert_eq!(hook(app, "gitlab", &[("x-gitlab-token", "whsec_wrong")], body.clone()).await.0, 401);
        assert_eq!(hook(app, "nobody", &[("x-gitlab-token", STANDARD_SECRET)], body).await.0, 404);
        assert_eq!(hook(app, "github", &event, vec![b' '; 2 * 1024 * 1024]).await.0, 413);
        assert_eq!(hook(app, "github", &[("content-encoding", "gzip")], vec![0x1f, 0x8b]).await.0, 415);
        assert_eq!(app.fingerprint().await, before);
    })
    .await;
}

#[tokio::test]
async fn gitlabs_hooks_come_by_token_or_signature_with_dates_of_their_own() {
    each_database(async |app| {
        let report = draft(app, "REL-APP-2026-001").await;
        let projects = json!([{ "pattern": "xx-company/*", "product": { "key": "netaudit" } }]);
        source(app, json!({ "name": "gitlab", "kind": "GITLAB", "secret": STANDARD_SECRET, "projects": projects })).await;
        let event = ("x-gitlab-event", "Deployment Hook");
        let running = payload("gitlab_deployment_running");
        let by_token =
            [event, ("x-gitlab-token", STANDARD_SECRET), ("idempotency-key", "f5e5f430"), ("x-gitlab-event-uuid", "same-for-all")];
        assert_eq!(hook(app, "gitlab", &by_token, running.clone()).await.0, 202);
        assert_eq!(hook(app, "gitlab", &by_token, running).await.0, 200);
        let (now, body) = (app.clock.now().timestamp(), payload("gitlab_deployment_success"));
        let (time, signature) = (now.to_string(), format!("v1,AAAA {}", standard(STANDARD_SECRET, "m-2", now, &body)));
        let signed = [
            event,
            ("webhook-id", "m-2"),
            ("webhook-timestamp", &time),
            ("webhook-signature", &signature),
            ("x-gitlab-event-uuid", "same-for-all"),
        ];
        assert_eq!(hook(app, "gitlab", &signed, body).await.0, 202);
        app.works().await;
        let now = shown(&app.product(), &report).await;
        let deployment = &now["deployments"]["nodes"][0];
        assert_eq!((&deployment["deploymentId"], &deployment["status"]), (&json!("5127"), &json!("SUCCEEDED")));
        assert_eq!((&deployment["startedAt"], &deployment["finishedAt"]), (&json!("2026-03-28T13:46:12Z"), &json!("2026-03-28T13:50:00Z")));
        // A job hook of the same project is of no interest.
        let (status, answer) =
            hook(app, "gitlab", &[("x-gitlab-event", "Job Hook"), ("x-gitlab-token", STANDARD_SECRET)], b"{}".to_vec()).await;
        assert_eq!((status, &answer["ignored"]), (200, &json!(true)));
    })
    .await;
}

#[tokio::test]
async fn cdevents_come_bare_binary_or_structured_and_of_any_version() {
    each_database(async |app| {
        let report = draft(app, "REL-APP-2026-001").await;
        let projects = json!([{ "pattern": "*netaudit*", "product": { "key": "netaudit" } }]);
        source(app, json!({ "name": "cd", "kind": "CDEVENTS", "secret": "a-token-of-argo-cd", "projects": projects })).await;
        let bearer = ("authorization", "Bearer a-token-of-argo-cd");
        let send = async |body: Vec<u8>, more: &[(&str, &str)]| hook(app, "cd", &[&[bearer], more].concat(), body).await;
        let structured = [("content-type", "application/cloudevents+json; charset=UTF-8")];
        assert_eq!(send(payload("cdevents_service_deployed_structured"), &structured).await.0, 202);
        let binary = [
            ("ce-specversion", "1.0"),
            ("ce-id", "another-than-the-context's"),
            ("ce-source", "x"),
            ("ce-type", "dev.cdevents.service.deployed.0.2.0"),
        ];
        let (status, first) = send(payload("cdevents_service_deployed"), &binary).await;
        assert_eq!(status, 202);
        let again = send(payload("cdevents_service_deployed"), &[]).await;
        assert_eq!(again, (200, first), "known by context.source and context.id, whatever the envelope says");
        assert_eq!(send(payload("cdevents_taskrun_finished"), &[]).await.0, 200);
        // The oldest ones have no body of their own.
        let oldest = [
            ("ce-type", "cd.service.deployed.v1"),
            ("ce-id", "old-1"),
            ("ce-source", "keptn"),
            ("ce-serviceenvid", "test"),
            ("ce-servicename", "netaudit"),
            ("ce-serviceversion", "4.1.2"),
        ];
        assert_eq!(send(b"{}".to_vec(), &oldest).await.0, 202);
        app.works().await;
        let now = shown(&app.product(), &report).await;
        assert_eq!(now["deployments"]["nodes"].as_array().unwrap().len(), 3, "{now:#}");
        let deployed = now["milestones"].as_array().unwrap().iter().find(|m| m["kind"] == "PRODUCTION_DEPLOYMENT").unwrap();
        assert_eq!(deployed["actualAt"], "2026-03-28T13:50:00Z");
        // The service returned to the version before: what it had succeeded with is taken back.
        assert_eq!(send(payload("cdevents_service_rolledback"), &[]).await.0, 202);
        app.works().await;
        let now = shown(&app.product(), &report).await;
        let deployed = now["milestones"].as_array().unwrap().iter().find(|m| m["kind"] == "PRODUCTION_DEPLOYMENT").unwrap();
        assert_eq!(deployed["actualAt"], Value::Null, "{now:#}");
        assert_eq!(now["proposedProblems"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_corrected_mapping_and_a_replay_bring_everything_home() {
    each_database(async |app| {
        // The report's product knows another project, so nothing leads here.
        app.product().does("productCreate", json!({ "key": "netaudit", "name": "审计" }), "").await;
        let input = json!({ "applicationNumber": "REL-APP-2026-001", "product": { "key": "netaudit" }, "version": "V4.1.2" });
        let report = app.product().does("reportCreate", input, "report { id }").await["report"]["id"].as_str().unwrap().to_owned();
        let id = source(app, json!({ "name": "github", "kind": "GITHUB", "secret": GITHUB_SECRET, "versionPattern": "^release-(.+)$" })).await;
        github(app, "1", payload("github_deployment_status_success")).await;
        // What cannot be read is kept too, with the reason.
        let mut odd: Value = serde_json::from_slice(&payload("github_deployment_status_success")).unwrap();
        odd["deployment_status"]["created_at"] = json!("28.03.2026 13:50");
        github(app, "2", odd.to_string().into_bytes()).await;
        let mut future: Value = serde_json::from_slice(&payload("github_deployment_status_success")).unwrap();
        future["deployment_status"]["created_at"] = json!("2999-03-28T13:50:02Z");
        github(app, "3", future.to_string().into_bytes()).await;
        app.works().await;
        let admin = app.person("管理", &["ADMIN"]);
        let list = admin.read(FATES, json!({})).await;
        let fate = |list: &Value, key: &str| list["inboundDeliveries"]["nodes"].as_array().unwrap().iter().find(|d| d["deliveryKey"] == key).unwrap().clone();
        assert_eq!(fate(&list, "1")["deployment"]["parkedReason"], "UNKNOWN_PRODUCT");
        assert_eq!(fate(&list, "2")["reason"], "deployment_status.created_at: is no time with an offset");
        assert!(fate(&list, "3")["reason"].as_str().unwrap().contains("future"));
        let patch = json!({ "id": id, "expectedVersion": 1, "versionPattern": null, "projects": [{ "pattern": "github.com/xx-company/netaudit", "product": { "key": "netaudit" } }],
            "environmentRules": [{ "pattern": "production", "class": "STAGING" }] });
        admin.does("ingestionSourceUpdate", patch, "ingestionSource { version projects { pattern product { key } } environmentRules { pattern class } }").await;
        let replayed = admin.does("inboundDeliveryReplay", json!({ "where": { "fate": { "in": ["WORKED", "FAILED"] } } }), "replayed").await;
        assert_eq!(replayed["replayed"], 3);
        app.works().await;
        let now = shown(&app.product(), &report).await;
        assert_eq!(now["deployments"]["nodes"][0]["environmentClass"], "STAGING");
        assert_eq!(now["deployments"]["nodes"][0]["standing"], "ATTACHED");
        assert_eq!(fate(&admin.read(FATES, json!({})).await, "2")["fate"], "FAILED");
        // Worked twice, observed once.
        let seen = admin.read("{ deployments { nodes { observations { status } } } }", json!({})).await;
        assert_eq!(seen["deployments"]["nodes"][0]["observations"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn secrets_are_shown_once_kept_sealed_and_rotate_with_an_overlap() {
    each_database(async |app| {
        let admin = app.person("管理", &["ADMIN"]);
        let input = json!({ "name": "github", "kind": "GITHUB", "idempotencyKey": "k" });
        let made = admin.does("ingestionSourceCreate", input.clone(), "secret ingestionSource { id path }").await;
        let (id, old) = (made["ingestionSource"]["id"].clone(), made["secret"].as_str().unwrap().to_owned());
        assert_eq!(made["ingestionSource"]["path"], "/api/v1/hooks/github");
        assert_eq!(admin.does("ingestionSourceCreate", input, "secret ingestionSource { id }").await["secret"], Value::Null);
        let dump = app.database.dump("source_secret").await;
        assert!(dump.contains("v1.") && !dump.contains(&old), "{dump}");
        let send = async |secret: &str, delivery: &str| {
            let body = payload("github_deployment_status_success");
            let signature = hub(secret, &body);
            hook(
                app,
                "github",
                &[("x-github-event", "deployment_status"), ("x-github-delivery", delivery), ("x-hub-signature-256", &signature)],
                body,
            )
            .await
            .0
        };
        assert_eq!(send(&old, "1").await, 202);
        let rotated = admin
            .does("ingestionSourceSecretRotate", json!({ "id": id, "keepOldHours": 2 }), "secret ingestionSource { secrets { endsAt } }")
            .await;
        let new = rotated["secret"].as_str().unwrap().to_owned();
        assert_eq!((send(&old, "2").await, send(&new, "3").await), (202, 202));
        app.clock.advance(chrono::TimeDelta::hours(3));
        let admin = app.person("管理", &["ADMIN"]);
        assert_eq!((send(&old, "4").await, send(&new, "5").await), (401, 202));
        admin.does("ingestionSourceUpdate", json!({ "id": id, "active": false }), "").await;
        assert_eq!(send(&new, "6").await, 404, "a source that is off takes nothing, at once and on every replica");
        let log = admin
            .read("{ auditLog(where: { objectType: { eq: \"IngestionSource\" } }) { nodes { act changes { after } } } }", json!({}))
            .await;
        assert!(!log.to_string().contains(&new) && !log.to_string().contains(&old));
        for (input, expected) in [
            (json!({ "name": "Git Hub", "kind": "GITHUB" }), "INVALID name"),
            (json!({ "name": "x", "kind": "GITHUB", "secret": "short" }), "INVALID secret"),
            (json!({ "name": "x", "kind": "GITLAB", "secret": "whsec_not base64 at all" }), "INVALID secret, INVALID secret"),
            (json!({ "name": "x", "kind": "GITHUB", "versionPattern": "(" }), "INVALID versionPattern"),
            (
                json!({ "name": "x", "kind": "GITHUB", "projects": [{ "pattern": "*", "product": { "key": "none" } }] }),
                "UNKNOWN projects.0.product.key",
            ),
            (json!({ "name": "github", "kind": "GITHUB" }), "DUPLICATE name"),
        ] {
            assert_eq!(admin.is_refused("ingestionSourceCreate", input).await.join(", "), expected);
        }
        assert_eq!(app.person("运维", &["OPS:HEAD"]).read("{ ingestionSources { id } }", json!({})).await["ingestionSources"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_away_is_503_and_nothing_is_half_done() {
    each_database(async |app| {
        github_source(app).await;
        // Known already, so that the source is not what fails.
        assert_eq!(github(app, "1", payload("github_deployment_status_queued")).await.0, 202);
        app.app.store.clone().close().await;
        let body = payload("github_deployment_status_success");
        let signature = hub(GITHUB_SECRET, &body);
        let request = Request::post("/api/v1/hooks/github")
            .header("x-github-event", "deployment_status")
            .header("x-github-delivery", "2")
            .header("x-hub-signature-256", signature)
            .body(Body::from(body))
            .unwrap();
        let (status, headers, _) = app.send(request).await;
        assert_eq!((status.as_u16(), headers.get("retry-after").map(|v| v.to_str().unwrap())), (503, Some("2")));
        let ci = app.person("ci", &["PIPELINE"]);
        let (status, answer) = ci
            .posts(
                "/api/v1/deployments",
                &json!({ "deploymentId": "d", "status": "RUNNING", "environment": "p", "product": "x", "version": "1.0" }),
            )
            .await;
        assert_eq!((status, &answer["code"]), (503, &json!("SERVICE_UNAVAILABLE")));
    })
    .await;
}
