//! Subscriptions: what happens is told as it happens, in order, to those who may know, and nothing is missed.

use relsum::store::{sees, visible};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, TransactionTrait};
use serde_json::{Value, json};

use crate::support::{TestApp, each_database, guide::play, live::Served};

const CHANGES: &str = "subscription { reportChanged { position type report { number state } change { section version } } }";

async fn edit(app: &TestApp, report: &Value, bugs: i32) {
    app.product().does("summaryUpdate", json!({ "id": report, "bugsFixed": bugs }), "").await;
}

async fn report(app: &TestApp, application: &str) -> Value {
    let input = json!({ "applicationNumber": application, "preparedOn": "2026-05-05" });
    app.product().does("reportCreate", input, "report { id }").await["report"]["id"].clone()
}

#[tokio::test]
async fn what_happens_comes_over_a_socket_in_order_and_a_resumed_client_misses_nothing() {
    each_database(async |app| {
        let served = Served::start(app).await;
        let product = app.product();
        let mut socket = served.subscribed(&product, CHANGES).await;
        let id = report(app, "REL-APP-2026-001").await;
        let created = socket.data().await["reportChanged"].clone();
        assert_eq!((&created["type"], &created["report"]["number"]), (&json!("REPORT_CREATED"), &json!("REL-SUM-2026-001")));
        edit(app, &id, 1).await;
        let changed = socket.data().await["reportChanged"].clone();
        assert_eq!((&changed["type"], &changed["change"]["section"]), (&json!("REPORT_CHANGED"), &json!("SUMMARY")));
        drop(socket);
        // Gone for a while: what happened meanwhile comes first, then what happens.
        edit(app, &id, 2).await;
        edit(app, &id, 3).await;
        let position = changed["position"].as_str().unwrap();
        let query = format!("subscription {{ reportChanged(after: \"{position}\") {{ position change {{ version }} report {{ achievements {{ bugsFixed }} }} }} }}");
        let mut socket = served.subscribed(&product, &query).await;
        edit(app, &id, 4).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(socket.data().await["reportChanged"].clone());
        }
        let versions: Vec<i64> = seen.iter().map(|e| e["change"]["version"].as_i64().unwrap()).collect();
        assert_eq!(versions, [3, 4, 5]);
        assert_eq!(seen[2]["report"]["achievements"]["bugsFixed"], 4, "the report is read anew for each event");
        let positions: Vec<i64> = seen.iter().map(|e| e["position"].as_str().unwrap().parse().unwrap()).collect();
        assert!(positions.is_sorted() && positions[0] > position.parse().unwrap(), "{positions:?}");
        served.end().await;
    })
    .await;
}

#[tokio::test]
async fn each_subscription_tells_what_was_asked_for() {
    each_database(async |app| {
        let kept = play(app, "the end").await;
        let served = Served::start(app).await;
        let product = app.product();
        let all = async |field: &str| {
            let mut socket = served
                .subscribed(
                    &product,
                    &format!("subscription {{ e: {field} {{ type action {{ id }} report {{ id }} occurrence {{ status }} }} }}"),
                )
                .await;
            report(app, &format!("REL-APP-2027-{:03}", field.len())).await;
            let mut types = Vec::new();
            loop {
                let event = socket.data().await["e"].clone();
                if event["type"] == "REPORT_CREATED" && event["report"]["id"] != kept["reportId"] {
                    return types;
                }
                types.push(event["type"].as_str().unwrap().to_owned());
            }
        };
        let types = all("events(after: \"0\")").await;
        assert!(!types.contains(&"REPORT_CHANGED".to_owned()) && types.contains(&"REPORT_FILED".to_owned()), "{types:?}");
        let edits = all("events(after: \"0\", types: [REPORT_CHANGED, REPORT_CREATED])").await;
        assert!(edits.iter().any(|t| t == "REPORT_CHANGED") && edits.iter().all(|t| t == "REPORT_CHANGED" || t == "REPORT_CREATED"));
        let mut socket = served.subscribed(&product, "subscription { e: actionEvents(after: \"0\") { type action { measure } } }").await;
        assert!(socket.data().await["e"]["action"]["measure"].is_string());
        let of_one = format!("subscription {{ e: reportChanged(report: {:?}, after: \"0\") {{ report {{ id }} }} }}", kept["reportId"]);
        let mut socket = served.subscribed(&product, &of_one).await;
        assert_eq!(socket.data().await["e"]["report"]["id"], kept["reportId"]);
        served.end().await;
    })
    .await;
}

#[tokio::test]
async fn permission_is_asked_at_every_event() {
    each_database(async |app| {
        let served = Served::start(app).await;
        // A department that takes no part sees a report from its first submission on.
        let outsider = app.person("外人", &["FINANCE"]);
        let mut live = served.subscribed(&outsider, CHANGES).await;
        let mut pipeline = served.subscribed(&app.person("ci", &["PIPELINE"]), CHANGES).await;
        play(app, "submitted").await;
        let first = live.data().await["reportChanged"].clone();
        assert_eq!((&first["type"], &first["report"]["state"]), (&json!("REPORT_SUBMITTED"), &json!("SUBMITTED")), "nothing of the draft");
        // Who resumes reads the log: the same law, by what holds now.
        let mut resumed = served.subscribed(&outsider, "subscription { events(after: \"0\") { type } }").await;
        assert_eq!(resumed.data().await["events"]["type"], "REPORT_CREATED");
        pipeline.say(json!({ "type": "ping" })).await;
        assert_eq!(pipeline.hear().await, json!({ "type": "pong" }), "a pipeline reads what it reported, nothing else");
        served.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_position_that_is_none_or_that_the_log_does_not_reach_is_told() {
    each_database(async |app| {
        let served = Served::start(app).await;
        let mut socket = served.connected(&app.product()).await;
        for (after, code) in [("x", "BAD_USER_INPUT"), ("-1", "BAD_USER_INPUT"), ("999999", "POSITION_EXPIRED")] {
            let query = format!("subscription {{ events(after: \"{after}\") {{ id }} }}");
            socket.say(json!({ "id": after, "type": "subscribe", "payload": { "query": query } })).await;
            let answer = socket.hear().await;
            assert_eq!((&answer["type"], &answer["payload"][0]["extensions"]["code"]), (&json!("error"), &json!(code)), "{answer}");
        }
        served.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_another_replica_writes_arrives_by_the_bell_and_by_polling() {
    let Some(database) = crate::support::database::Database::postgres().await else { return };
    // Polling would take a minute: what arrives sooner was rung for.
    let one = TestApp::on(database, |s| relsum::config::Settings { feed_poll_ms: 60_000, ..s }).await;
    let two = TestApp::beside(&one, |s| relsum::config::Settings { feed_poll_ms: 60_000, ..s }).await;
    let (served, other) = (Served::start(&one).await, Served::start(&two).await);
    let mut socket = served.subscribed(&one.product(), CHANGES).await;
    // A notification is heard by those who listen already: the first may be sent too early.
    let mut n = 0;
    let heard = loop {
        n += 1;
        assert!(n < 20, "nobody rang");
        report(&two, &format!("REL-APP-2026-{n:03}")).await;
        let soon = tokio::time::timeout(std::time::Duration::from_millis(500), socket.data()).await;
        if let Ok(event) = soon {
            break event;
        }
    };
    assert_eq!(heard["reportChanged"]["report"]["number"], "REL-SUM-2026-001");
    other.end().await;
    served.end().await;
    two.app.store.clone().close().await;
    // A writer that never rings (its feed does not run): polling finds what it wrote.
    let silent = TestApp::beside(&one, |s| s).await;
    let polling = TestApp::beside(&one, |s| relsum::config::Settings { feed_poll_ms: 50, ..s }).await;
    let served = Served::start(&polling).await;
    let mut socket = served.subscribed(&polling.product(), CHANGES).await;
    report(&silent, "REL-APP-2026-900").await;
    assert_eq!(socket.data().await["reportChanged"]["type"], "REPORT_CREATED");
    served.end().await;
    polling.app.store.clone().close().await;
    silent.app.store.clone().close().await;
    one.end().await;
}

#[tokio::test]
async fn a_lower_position_that_commits_later_is_told_in_its_place_and_one_that_is_rolled_back_is_passed_over() {
    let Some(database) = crate::support::database::Database::postgres().await else { return };
    let app = TestApp::on(database, |s| relsum::config::Settings { feed_poll_ms: 50, ..s }).await;
    let id = report(&app, "REL-APP-2026-001").await;
    let served = Served::start(&app).await;
    let mut socket = served.subscribed(&app.product(), "subscription { reportChanged { position change { version } } }").await;
    let db = app.database.connect().await;
    for (kept, n) in [(true, 1), (false, 2), (true, 3)] {
        let tx = db.begin().await.unwrap();
        tx.execute_unprepared(&insert(&format!("slow-{n}"), 700 + n)).await.unwrap();
        // This one takes a higher position, and commits first.
        edit(&app, &id, n).await;
        let early = tokio::time::timeout(std::time::Duration::from_millis(300), socket.data()).await;
        assert!(early.is_err(), "{n}: told before what stands before it");
        if kept {
            tx.commit().await.unwrap()
        } else {
            tx.rollback().await.unwrap()
        }
        if kept {
            assert_eq!(socket.data().await["reportChanged"]["change"]["version"], 700 + n);
        }
        assert_eq!(socket.data().await["reportChanged"]["change"]["version"], 1 + n);
    }
    db.close().await.unwrap();
    served.end().await;
    app.end().await;
}

/// An event that is written by hand, as a replica would.
fn insert(name: &str, version: i32) -> String {
    format!(
        "INSERT INTO event (id, kind, subject, subject_sequence, report_id, at, recorded_at, data)
         SELECT '{name}', 'report.changed.v1', '{name}', 1, id, now(), now(), '{{\"change\": {{\"section\": \"SUMMARY\", \"row\": \"x\", \"version\": {version}}}}}' FROM report"
    )
}

#[tokio::test]
async fn a_transaction_with_a_higher_number_and_a_lower_position_is_waited_for_too() {
    let Some(database) = crate::support::database::Database::postgres().await else { return };
    let app = TestApp::on(database, |s| relsum::config::Settings { feed_poll_ms: 50, ..s }).await;
    report(&app, "REL-APP-2026-001").await;
    let served = Served::start(&app).await;
    let mut socket = served.subscribed(&app.product(), "subscription { reportChanged { change { version } } }").await;
    let (one, two) = (app.database.connect().await, app.database.connect().await);
    let early = one.begin().await.unwrap();
    early.execute_unprepared("SELECT pg_current_xact_id()").await.unwrap();
    let late = two.begin().await.unwrap();
    late.execute_unprepared(&insert("late", 701)).await.unwrap();
    early.execute_unprepared(&insert("early", 702)).await.unwrap();
    early.commit().await.unwrap();
    assert!(tokio::time::timeout(std::time::Duration::from_millis(400), socket.data()).await.is_err(), "told before what stands before it");
    late.commit().await.unwrap();
    assert_eq!(socket.data().await["reportChanged"]["change"]["version"], 701);
    assert_eq!(socket.data().await["reportChanged"]["change"]["version"], 702);
    one.close().await.unwrap();
    two.close().await.unwrap();
    served.end().await;
    app.end().await;
}

#[tokio::test]
async fn a_feed_that_starts_knows_what_was_under_way_and_who_resumes_misses_nothing() {
    let Some(database) = crate::support::database::Database::postgres().await else { return };
    let app = TestApp::on(database, |s| relsum::config::Settings { feed_poll_ms: 50, ..s }).await;
    let id = report(&app, "REL-APP-2026-001").await;
    let db = app.database.connect().await;
    for kept in [true, false] {
        let tx = db.begin().await.unwrap();
        tx.execute_unprepared(&insert(if kept { "kept" } else { "rolled back" }, 700)).await.unwrap();
        edit(&app, &id, i32::from(kept)).await;
        // A replica starts while a position before the end is missing.
        let replica = TestApp::beside(&app, |s| relsum::config::Settings { feed_poll_ms: 50, ..s }).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = tokio_util::sync::CancellationToken::new();
        let serving = tokio::spawn(relsum::lifecycle::serve(replica.app.clone(), listener, stop.clone(), true));
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        if kept {
            tx.commit().await.unwrap()
        } else {
            tx.rollback().await.unwrap()
        }
        let served = Served { address, stop, task: serving };
        let query = "subscription { reportChanged(after: \"1\") { change { version } } }";
        let mut socket = served.subscribed(&app.product(), query).await;
        let mut versions = Vec::new();
        for _ in 0..if kept { 2 } else { 3 } {
            versions.push(socket.data().await["reportChanged"]["change"]["version"].as_i64().unwrap());
        }
        assert_eq!(versions, if kept { vec![700, 2] } else { vec![700, 2, 3] });
        served.end().await;
        replica.app.store.clone().close().await;
    }
    db.close().await.unwrap();
    app.end().await;
}

#[tokio::test]
async fn the_law_of_events_is_the_law_of_queries() {
    each_database(async |app| {
        play(app, "submitted").await;
        let draft = report(app, "REL-APP-2026-001").await;
        let milestone = json!({ "reportId": draft, "name": "x", "precision": "DAY", "owners": ["COMMITTEE_OFFICE"] });
        app.product().does("milestoneAdd", milestone, "").await;
        let store = &app.app.store;
        let reports = store.all(entity::report::Entity::find()).await.unwrap();
        let sights = store.sights(&reports.iter().map(|r| r.id).collect()).await.unwrap();
        let mut answers = std::collections::HashSet::new();
        for claim in ["PRODUCT", "COMMITTEE", "INFOSEC", "OPS", "COMMITTEE_OFFICE", "FINANCE", "AUDITOR", "ADMIN", "PIPELINE"] {
            let actor = crate::support::actor("x", &[claim]);
            let visible = store.all(entity::report::Entity::find().filter(visible(&actor))).await.unwrap();
            for report in &reports {
                let by_query = visible.iter().any(|seen| seen.id == report.id);
                assert_eq!(sees(&actor, &sights[&report.id]), by_query, "{claim} {}", report.number);
                answers.insert((report.first_submitted_at.is_some(), by_query));
            }
        }
        assert_eq!(answers.len(), 4, "each answer occurs for what was submitted and what was not");
    })
    .await;
}
