//! Faults: the database broken or away. Internals stay in the log, nothing is half-done, and the service goes on.

use axum::{body::Body, http::Request};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use relsum::{auth::Act, config::Settings, store::Origin};

use crate::{
    law::mutation_inputs,
    support::{TestApp, actor, each_database, guide::play, sends},
};

async fn raw(app: &TestApp, query: &str) -> (u16, Value) {
    let request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", app.product().token));
    let (status, _, body) = app.send(request.body(Body::from(json!({ "query": query }).to_string())).unwrap()).await;
    (status.as_u16(), serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_broken_database_shows_nothing_of_itself_and_nullable_fields_fail_alone() {
    each_database(async |app| {
        let kept = play(app, "created").await;
        let db = app.database.connect().await;
        db.execute_unprepared("ALTER TABLE life_cycle_step RENAME TO gone").await.unwrap();
        let answer = app
            .product()
            .ask(
                "query($id: ID!) { report(by: {id: $id}) { number contentDigest completeness { complete } } }",
                json!({ "id": kept["reportId"] }),
            )
            .await;
        assert_eq!(answer["data"]["report"]["number"], kept["number"], "the report is there");
        assert_eq!(answer["data"]["report"]["contentDigest"], Value::Null);
        assert_eq!(answer["data"]["report"]["completeness"]["complete"], false);
        let error = &answer["errors"][0];
        assert_eq!((&error["extensions"]["code"], &error["path"]), (&json!("INTERNAL_SERVER_ERROR"), &json!(["report", "contentDigest"])));
        assert!(!answer.to_string().contains("life_cycle_step"), "{answer}");
        db.execute_unprepared("ALTER TABLE gone RENAME TO life_cycle_step").await.unwrap();
        db.close().await.unwrap();
    })
    .await;
}

const NOBODY: &str = "UmVwb3J0OjAxOTkwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA";

fn names_of(schema: &Value, root: &str) -> Vec<String> {
    schema["__schema"][root]["fields"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap().to_owned()).collect()
}

/// Renames every table: whatever is asked for now meets a fault.
async fn break_everything(app: &TestApp) {
    let db = app.database.connect().await;
    let tables = if app.database.is_postgres() {
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'"
    };
    for row in db.query_all_raw(Statement::from_string(app.database.backend(), tables)).await.unwrap() {
        let table: String = row.try_get_by_index(0).unwrap();
        db.execute_unprepared(&format!("ALTER TABLE {table} RENAME TO gone_{table}")).await.unwrap();
    }
    db.close().await.unwrap();
}

fn is_masked(answer: &Value, what: &str) {
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{what}: {answer}");
    assert_eq!(answer["errors"][0]["message"], "Internal error; quote the request id when you report it", "{what}");
    assert!(answer["errors"][0]["extensions"]["requestId"].is_string(), "{what}");
    for word in ["SqlxError", "gone", "relation", "no such table", "SELECT"] {
        assert!(!answer.to_string().contains(word), "{what}: {answer}");
    }
}

#[tokio::test]
async fn every_root_field_masks_a_broken_database() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let inputs = mutation_inputs(app, &kept).await;
        let fields = app
            .product()
            .read(
                "{ __schema { queryType { fields { name } } mutationType { fields { name } } subscriptionType { fields { name } } } }",
                json!({}),
            )
            .await;
        let (stop, feed) = (CancellationToken::new(), app.app.feed.clone());
        let feeding = tokio::spawn({
            let (feed, stop) = (feed.clone(), stop.clone());
            async move { feed.run(stop).await }
        });
        feed.started().await;
        break_everything(app).await;
        let everybody = app.person("万能", &["PRODUCT:HEAD", "COMMITTEE:HEAD", "OPS:HEAD", "ADMIN"]);
        let selection = |field: &str| {
            Some(match field {
                "report" => "report(by: {number: \"REL-SUM-2026-001\"}) { id }".to_owned(),
                "node" => format!("node(id: \"{NOBODY}\") {{ id }}"),
                "nodes" => format!("nodes(ids: [\"{NOBODY}\"]) {{ id }}"),
                "releaseApplication" => "releaseApplication(number: \"REL-APP-2026-001\") { id }".to_owned(),
                "improvementAction" => format!("improvementAction(id: \"{}\") {{ id }}", kept["actionId"]),
                "viewer" => "viewer { worklist { overdueActions { id } } }".to_owned(),
                "deployment" => format!(
                    "deployment(id: \"{}\") {{ id }}",
                    relsum::graphql::ids::Kind::Deployment.id("01990000-0000-7000-8000-000000000000").as_str()
                ),
                "departments" | "products" | "ingestionSources" | "eventSinks" => format!("{field} {{ id }}"),
                // Answered without the database.
                "enumLabels" | "metricDefinitions" => return None,
                "metrics" => "metrics { releases { total { value } } }".to_owned(),
                list => format!("{list} {{ totalCount }}"),
            })
        };
        for field in names_of(&fields, "subscriptionType") {
            let answer = everybody.post_for_stream(&format!("subscription {{ {field}(after: \"999\") {{ id }} }}")).await;
            is_masked(&answer, &field);
        }
        let names = |root: &str| names_of(&fields, root);
        for field in names("queryType") {
            if let Some(selection) = selection(&field) {
                is_masked(&everybody.ask(&format!("{{ {selection} }}"), json!({})).await, &field);
            }
        }
        for field in names("mutationType") {
            let of_occurrence = json!({ "occurrenceId": "QWN0aW9uT2NjdXJyZW5jZTowMTk5MDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDA" });
            let input = match field.as_str() {
                "actionComplete" => json!({ "occurrenceId": of_occurrence["occurrenceId"], "completedOn": "2026-05-05" }),
                "actionReschedule" => json!({ "occurrenceId": of_occurrence["occurrenceId"], "dueOn": "2026-05-05", "reason": "x" }),
                "actionVerify" => json!({ "occurrenceId": of_occurrence["occurrenceId"], "verdict": "PASSED" }),
                "actionCompletionWithdraw" => of_occurrence,
                "personErase" => json!({ "id": "UGVyc29uOjAxOTkwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA" }),
                other => inputs.get(other).unwrap_or_else(|| panic!("no input for {other}")).1.clone(),
            };
            is_masked(&everybody.ask(&sends(&field, ""), json!({ "input": input })).await, &field);
        }
        stop.cancel();
        feeding.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_away_is_503_with_retry_after_and_not_ready() {
    each_database(async |app| {
        app.app.store.clone().close().await;
        let (status, answer) = raw(app, "{ reports { totalCount } }").await;
        assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (503, &json!("SERVICE_UNAVAILABLE")), "{answer}");
        let (status, _, _) = app.send(Request::get("/readyz").body(Body::empty()).unwrap()).await;
        assert_eq!(status.as_u16(), 503);
        let (status, _, _) = app.send(Request::get("/livez").body(Body::empty()).unwrap()).await;
        assert_eq!(status.as_u16(), 200);
    })
    .await;
}

#[tokio::test]
async fn an_act_that_fails_half_way_leaves_nothing() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let db = app.database.connect().await;
        db.execute_unprepared("ALTER TABLE event_subject RENAME TO gone").await.unwrap();
        let before = app.fingerprint().await;
        assert_eq!(app.product().is_denied("reportSubmit", json!({ "id": kept["reportId"] })).await, "INTERNAL_SERVER_ERROR");
        assert_eq!(app.fingerprint().await, before);
        db.execute_unprepared("ALTER TABLE gone RENAME TO event_subject").await.unwrap();
        db.close().await.unwrap();
        app.product().does("reportSubmit", json!({ "id": kept["reportId"] }), "").await;
    })
    .await;
}

#[tokio::test]
async fn a_pool_that_is_exhausted_answers_503_and_never_hangs() {
    let Some(database) = crate::support::database::Database::postgres().await else { return };
    let app = TestApp::on(database, |s| relsum::config::Settings { database_connections: 1, database_acquire_timeout_ms: 200, ..s }).await;
    let kept = play(&app, "created").await;
    let db = app.database.connect().await;
    // Somebody holds the report's lock: the one connection waits for it, and nobody else gets one.
    let held = sea_orm::TransactionTrait::begin(&db).await.unwrap();
    held.execute_unprepared("SELECT * FROM report FOR UPDATE").await.unwrap();
    let person = app.product();
    let waiting = person.call("summaryUpdate", json!({ "id": kept["reportId"], "bugsFixed": 1 }), "");
    let refused = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let answer = raw(&app, "{ reports { totalCount } }").await;
        held.rollback().await.unwrap();
        answer
    };
    let (waited, (status, _)) = tokio::join!(waiting, refused);
    assert_eq!(status, 503);
    assert_eq!(waited["userErrors"], json!([]));
    db.close().await.unwrap();
    app.end().await;
}

/// Lines that were logged.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_fault_is_logged_once_with_its_cause_under_the_request_id_that_the_client_was_told() {
    let app = TestApp::on(crate::support::database::Database::sqlite().await, |s| s).await;
    let db = app.database.connect().await;
    db.execute_unprepared("ALTER TABLE report RENAME TO gone").await.unwrap();
    db.close().await.unwrap();
    let lines = Lines::default();
    let writer = lines.clone();
    let logging = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let guard = tracing::subscriber::set_default(logging);
    let (_, answer) = raw(&app, "{ reports { totalCount } }").await;
    drop(guard);
    let id = answer["errors"][0]["extensions"]["requestId"].as_str().unwrap();
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let of_request: Vec<&str> = logged.lines().filter(|line| line.contains(id)).collect();
    assert_eq!(of_request.len(), 1, "{logged}");
    assert!(of_request[0].contains("ERROR") && of_request[0].contains("no such table"), "{logged}");
    app.end().await;
}

/// A caller that goes away while its transaction begins leaves none open: the next statement on that connection would be part of it, and
/// what it acknowledged would go with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_no_transaction_behind() {
    let Some(database) = crate::support::database::Database::postgres().await else { return };
    let app = TestApp::on(database, |settings| settings).await;
    app.product().does("reportCreate", json!({ "applicationNumber": "REL-APP-2097-001" }), "").await;
    let origin = Origin { actor: actor("张伟", &["PRODUCT:HEAD"]), request_id: "gone".into() };
    let db = app.database.connect().await;
    let open =
        "SELECT CAST(count(*) AS text) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    for polls in 1..12 {
        let mut begins = Box::pin(app.app.store.create(&origin, Act::ReportCreate));
        for _ in 0..polls {
            if futures_util::poll!(&mut begins).is_ready() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        drop(begins);
        let mut left = String::new();
        for _ in 0..30 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let row = db.query_one_raw(Statement::from_string(sea_orm::DbBackend::Postgres, open)).await.unwrap().unwrap();
            left = row.try_get_by_index(0).unwrap();
            if left == "0" {
                break;
            }
        }
        assert_eq!(left, "0", "connections that are idle in a transaction after {polls} steps");
    }
    db.close().await.unwrap();
    app.end().await;
}

/// PostgreSQL ends all connections, as when it restarts: the first who meets one is told so, and nobody after them.
#[tokio::test]
async fn after_the_database_restarted_one_caller_at_most_meets_a_broken_connection() {
    let Some(database) = crate::support::database::Database::postgres().await else { return };
    let app = TestApp::on(database, |settings| settings).await;
    let product = app.product();
    let asks = async || product.ask("{ reports(first: 1) { totalCount } }", json!({})).await.get("errors").is_none();
    let busy = app.app.store.figures("SELECT CAST(pg_sleep(0.3) AS text)".into(), 1);
    let (slept, ..) = futures_util::join!(busy, app.app.store.figures("SELECT CAST(pg_sleep(0.3) AS text)".into(), 1), asks());
    slept.unwrap();
    assert_eq!(app.app.store.pool(), (3, 3));
    let db = app.database.connect().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'relsum'";
    db.execute_unprepared(end).await.unwrap();
    db.close().await.unwrap();
    let mut failed = 0;
    for _ in 0..6 {
        failed += usize::from(!asks().await);
    }
    assert!(failed <= 1, "{failed} callers met a broken connection");
    app.end().await;
}

/// Callers go away at any time, before, while and after their statement is answered, in transactions and without: whoever comes next on
/// the same connections reads the answer to their own question.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_a_caller_that_went_away_reads_their_own_answer() {
    let Some(database) = crate::support::database::Database::postgres().await else { return };
    let app = TestApp::on(database, |settings| Settings { database_connections: 3, ..settings }).await;
    let store = &app.app.store;
    let origin = Origin { actor: actor("张伟", &["PRODUCT:HEAD"]), request_id: "gone".into() };
    let asks = async |n: usize| {
        // Up to two milliseconds in the database.
        let sql = format!("SELECT CAST({n} AS text) FROM pg_sleep({})", f64::from(u32::try_from(n % 5).unwrap()) / 2_000.0);
        assert_eq!(store.figures(sql, 1).await.unwrap()[0].0[0].as_deref(), Some(n.to_string().as_str()));
    };
    for round in 0..60 {
        let all = (0..8).map(|n| {
            let (n, origin) = (round * 8 + n, &origin);
            async move {
                // Any time up to three milliseconds, the same in every run.
                let leaves = std::time::Duration::from_micros(u64::try_from(n * 7_919 % 3_000).unwrap());
                let _ = match n % 4 {
                    0 => tokio::time::timeout(leaves, async { store.create(origin, Act::ReportCreate).await.map(|_| ()).unwrap() }).await,
                    1 => {
                        asks(n).await;
                        Ok(())
                    }
                    _ => tokio::time::timeout(leaves, asks(n)).await,
                };
            }
        });
        futures_util::future::join_all(all).await;
    }
    futures_util::join!(asks(4), asks(9), asks(14));
    let open =
        "SELECT CAST(count(*) AS text) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(store.figures(open.into(), 1).await.unwrap()[0].0[0].as_deref(), Some("0"));
    let (size, _) = store.pool();
    assert!(size <= 3, "{size} connections");
    app.end().await;
}
