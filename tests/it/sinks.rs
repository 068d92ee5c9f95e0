//! Events leave for every sink, each at least once, whatever the receiver does (`events.md` 12–19).

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use relsum::{
    config::Settings,
    delivery::{dispatch::Dispatcher, guard::Guard},
};
use serde_json::{Value, json};

use crate::{
    deployments::draft,
    support::{
        TestApp,
        database::Database,
        each_database,
        receiver::{Does, Receiver, SECRET},
    },
};

/// A webhook for a receiver; its id.
async fn webhook(app: &TestApp, name: &str, url: &str, more: Value) -> String {
    let mut input = json!({ "name": name, "kind": "WEBHOOK", "url": url, "secret": SECRET });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = app.person("管理", &["ADMIN"]).does("eventSinkCreate", input, "eventSink { id }").await;
    made["eventSink"]["id"].as_str().unwrap().to_owned()
}

const SINKS: &str = "{ eventSinks { name state disabledReason waiting dead lastError failingSince } }";

async fn sink(app: &TestApp, name: &str) -> Value {
    let list = app.person("管理", &["ADMIN"]).read(SINKS, json!({})).await;
    list["eventSinks"].as_array().unwrap().iter().find(|s| s["name"] == name).unwrap().clone()
}

/// Makes an event.
async fn happens(app: &TestApp, application: &str) -> String {
    let input = json!({ "applicationNumber": application, "preparedOn": "2026-05-05" });
    app.product().does("reportCreate", input, "report { id }").await["report"]["id"].as_str().unwrap().to_owned()
}

async fn event_ids(app: &TestApp) -> Vec<String> {
    let list = app.person("审计", &["AUDITOR"]).read("{ events(first: 100) { nodes { eventId } } }", json!({})).await;
    let mut ids: Vec<String> =
        list["events"]["nodes"].as_array().unwrap().iter().map(|e| e["eventId"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn every_event_reaches_every_sink_once_as_a_signed_cloud_event() {
    each_database(async |app| {
        let (one, two) = (Receiver::start().await, Receiver::start().await);
        webhook(app, "one", &one.url, json!({})).await;
        webhook(app, "two", &two.url, json!({ "types": ["REPORT_CREATED"] })).await;
        draft(app, "REL-APP-2026-001").await;
        let report = happens(app, "REL-APP-2026-002").await;
        app.product().does("reportDiscard", json!({ "id": report, "reason": "x" }), "").await;
        app.delivers().await;
        assert_eq!(one.ids(), event_ids(app).await, "what the log has, the receiver has");
        assert_eq!((one.requests(), two.requests()), (3, 2));
        let seen = one.seen.lock().unwrap().events.values().find(|e| e["type"] == "org.relsum.report.discarded.v1").unwrap().clone();
        assert_eq!(
            (&seen["specversion"], &seen["subjectseq"], &seen["data"]["discard"]["reason"]),
            (&json!("1.0"), &json!("2"), &json!("x"))
        );
        assert_eq!(seen["data"]["report"]["applicationNumber"], "REL-APP-2026-002");
        let query =
            "{ eventDeliveries { totalCount nodes { state attemptCount sink { name } event { type } attempts { number status error } } } }";
        let admin = app.person("管理", &["ADMIN"]);
        let list = admin.read(query, json!({})).await;
        assert_eq!(list["eventDeliveries"]["totalCount"], 5);
        assert!(
            list["eventDeliveries"]["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .all(|d| d["state"] == "DELIVERED" && d["attempts"] == json!([{ "number": 1, "status": 200, "error": null }]))
        );
        assert_eq!(
            app.person("运维", &["OPS:HEAD"]).read("{ eventSinks { id } eventDeliveries { totalCount } }", json!({})).await,
            json!({ "eventSinks": [], "eventDeliveries": { "totalCount": 0 } })
        );
        // Everything again, by time, with the same ids.
        let id = admin.read("{ eventSinks { id name } }", json!({})).await["eventSinks"][1]["id"].clone();
        let replayed =
            admin.does("eventDeliveryReplay", json!({ "range": { "sinkId": id, "from": "2000-01-01T00:00:00Z" } }), "replayed").await;
        assert_eq!(replayed["replayed"], 2);
        app.delivers().await;
        assert_eq!((two.requests(), two.ids().len()), (4, 2));
        one.end();
        two.end();
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_by_the_schedule_and_a_dead_delivery_is_told_and_replayed() {
    each_database(async |app| {
        let (bad, good) = (Receiver::start().await, Receiver::start().await);
        let id = webhook(app, "bad", &bad.url, json!({ "types": ["REPORT_CREATED"] })).await;
        webhook(app, "good", &good.url, json!({ "types": ["OPS_DELIVERY_EXHAUSTED"] })).await;
        bad.then([Does::Answers(500), Does::CutsAfterTaking, Does::Redirects("http://169.254.169.254/latest/meta-data".into())]);
        happens(app, "REL-APP-2026-001").await;
        app.delivers().await;
        assert_eq!((bad.requests(), &sink(app, "bad").await["lastError"]), (1, &json!("500 Internal Server Error")));
        app.clock.advance(TimeDelta::seconds(4));
        app.delivers().await;
        assert_eq!(bad.requests(), 1, "five seconds, with some jitter");
        app.clock.advance(TimeDelta::seconds(3));
        app.delivers().await;
        assert_eq!((bad.requests(), bad.ids().len()), (2, 1), "processed, and cut before it answered");
        app.clock.advance(TimeDelta::minutes(6));
        app.delivers().await;
        assert!(sink(app, "bad").await["lastError"].as_str().unwrap().contains("redirects are not followed"));
        app.clock.advance(TimeDelta::hours(1));
        app.delivers().await;
        assert_eq!((bad.requests(), bad.ids().len()), (4, 1), "at last it is taken, under the same id");
        assert_eq!(sink(app, "bad").await["failingSince"], Value::Null);
        // Every attempt fails: dead, told to the others, and kept for a replay.
        happens(app, "REL-APP-2026-002").await;
        bad.then((0..10).map(|_| Does::Answers(500)));
        for minutes in [1, 6, 40, 180, 360, 720, 960, 1_380, 1_620] {
            app.delivers().await;
            app.clock.advance(TimeDelta::minutes(minutes));
        }
        app.delivers().await;
        assert_eq!((&sink(app, "bad").await["dead"], bad.requests()), (&json!(1), 14));
        let told = good.seen.lock().unwrap().events.values().next().unwrap().clone();
        assert_eq!((&told["type"], &told["data"]["delivery"]["attempts"]), (&json!("org.relsum.ops.delivery_exhausted.v1"), &json!(10)));
        let admin = app.person("管理", &["ADMIN"]);
        assert_eq!(admin.does("eventDeliveryReplay", json!({ "deadOf": id }), "replayed").await["replayed"], 1);
        app.delivers().await;
        assert_eq!((bad.ids().len(), &sink(app, "bad").await["dead"]), (2, &json!(0)));
        bad.end();
        good.end();
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_says_gone_or_only_fails_for_days_is_disabled_and_its_queue_is_kept() {
    each_database(async |app| {
        let (gone, failing, good) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
        let id = webhook(app, "gone", &gone.url, json!({})).await;
        webhook(app, "failing", &failing.url, json!({ "types": ["REPORT_CREATED"] })).await;
        webhook(app, "good", &good.url, json!({ "types": ["OPS_SINK_DISABLED"] })).await;
        gone.then([Does::Answers(410)]);
        failing.then((0..100).map(|_| Does::Answers(503)));
        happens(app, "REL-APP-2026-001").await;
        app.delivers().await;
        let state = sink(app, "gone").await;
        assert_eq!((&state["state"], &state["disabledReason"]), (&json!("DISABLED"), &json!("GONE")));
        happens(app, "REL-APP-2026-002").await;
        app.delivers().await;
        assert_eq!((gone.requests(), &sink(app, "gone").await["waiting"]), (1, &json!(2)), "nothing is sent, everything waits");
        for _ in 0..6 {
            app.clock.advance(TimeDelta::hours(26));
            app.delivers().await;
        }
        let state = sink(app, "failing").await;
        assert_eq!((&state["state"], &state["disabledReason"]), (&json!("DISABLED"), &json!("FAILING")));
        let told: Vec<Value> = good.seen.lock().unwrap().events.values().map(|e| e["data"]["sink"]["name"].clone()).collect();
        assert!(told.contains(&json!("gone")) && told.contains(&json!("failing")), "{told:?}");
        // Enabled again, it gets all that waited.
        app.person("管理", &["ADMIN"]).does("eventSinkUpdate", json!({ "id": id, "enabled": true }), "eventSink { state }").await;
        app.delivers().await;
        assert!(gone.ids().len() >= 3 && sink(app, "gone").await["waiting"] == 0);
        gone.end();
        failing.end();
        good.end();
    })
    .await;
}

#[tokio::test]
async fn a_pause_that_the_receiver_asks_for_is_heeded() {
    each_database(async |app| {
        let receiver = Receiver::start().await;
        webhook(app, "busy", &receiver.url, json!({})).await;
        receiver.then([Does::AnswersAfter(429, "120")]);
        happens(app, "REL-APP-2026-001").await;
        app.delivers().await;
        app.clock.advance(TimeDelta::seconds(110));
        app.delivers().await;
        assert_eq!(receiver.requests(), 1);
        app.clock.advance(TimeDelta::seconds(15));
        app.delivers().await;
        assert_eq!((receiver.requests(), receiver.ids().len()), (2, 1));
        receiver.end();
    })
    .await;
}

#[tokio::test]
async fn one_that_hangs_or_drips_holds_no_other_up() {
    for database in Database::each().await {
        let app = TestApp::on(database, |s| Settings { webhook_timeout_ms: 700, delivery_poll_ms: 20, ..s }).await;
        let (slow, drips, good) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
        slow.then((0..50).map(|_| Does::Hangs));
        drips.then((0..50).map(|_| Does::Drips));
        webhook(&app, "slow", &slow.url, json!({})).await;
        webhook(&app, "drips", &drips.url, json!({})).await;
        webhook(&app, "good", &good.url, json!({})).await;
        let stop = tokio_util::sync::CancellationToken::new();
        let running = tokio::spawn(Arc::clone(&app.app.dispatcher).run(stop.clone()));
        for n in 1..=5 {
            happens(&app, &format!("REL-APP-2026-00{n}")).await;
        }
        let began = std::time::Instant::now();
        while good.ids().len() < 5 && began.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(good.ids(), event_ids(&app).await);
        // One that drips has answered 200: its body says nothing, and is not waited for longer than any answer.
        while sink(&app, "slow").await["lastError"] == Value::Null && began.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(sink(&app, "slow").await["lastError"].as_str().unwrap().contains("time"), "{}", sink(&app, "slow").await);
        stop.cancel();
        running.await.unwrap();
        slow.end();
        drips.end();
        good.end();
        app.end().await;
    }
}

#[tokio::test]
async fn special_addresses_are_refused_when_made_and_when_connected_to() {
    for database in Database::each().await {
        let app = TestApp::on(database, |s| Settings { sink_allow: vec![], ..s }).await;
        let admin = app.person("管理", &["ADMIN"]);
        let receiver = Receiver::start().await;
        for (url, expected) in [
            (receiver.url.as_str(), "INVALID url"),
            ("http://[::ffff:127.0.0.1]/", "INVALID url"),
            ("http://169.254.169.254/latest/meta-data", "INVALID url"),
            ("http://localhost/", "INVALID url"),
            ("http://no-such-name.invalid/", "INVALID url"),
        ] {
            assert_eq!(
                admin.is_refused("eventSinkCreate", json!({ "name": "x", "kind": "WEBHOOK", "url": url })).await.join(", "),
                expected,
                "{url}"
            );
        }
        for (input, expected) in [
            (json!({ "name": "x", "kind": "WEBHOOK" }), "REQUIRED url"),
            (json!({ "name": " ", "kind": "WEBHOOK", "url": "https://1.1.1.1/" }), "REQUIRED name"),
            (json!({ "name": "x", "kind": "WEBHOOK", "url": "https://1.1.1.1/", "secret": "whsec_short" }), "INVALID secret"),
            (json!({ "name": "x", "kind": "WEBHOOK", "url": "https://1.1.1.1/", "types": [] }), "REQUIRED types"),
            (json!({ "name": "x", "kind": "WEBHOOK", "url": "https://1.1.1.1/", "departments": ["NONE"] }), "UNKNOWN departments.0"),
            (json!({ "name": "x", "kind": "NATS", "stream": "a b" }), "INVALID kind, INVALID stream"),
        ] {
            assert_eq!(admin.is_refused("eventSinkCreate", input).await.join(", "), expected);
        }
        // A public name when it was made; at the second look it is loopback.
        let port: u16 = receiver.url.rsplit(':').next().unwrap().trim_end_matches("/hook").parse().unwrap();
        let looks = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = Arc::clone(&looks);
        let guard = Guard::looking(
            vec![],
            Arc::new(move |_| {
                let first = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
                Box::pin(async move { Ok(vec![if first { ([1, 1, 1, 1], 0).into() } else { ([127, 0, 0, 1], port).into() }]) })
            }),
        );
        assert!(guard.objects_to(&"http://rebinding.example/".parse().unwrap()).await.is_none());
        let seal = Arc::new(relsum::auth::seal::Seal::new(&app.settings).unwrap());
        let dispatcher = Dispatcher::new(app.app.store.clone(), &app.settings, seal, guard).unwrap();
        admin.does("eventSinkCreate", json!({ "name": "x", "kind": "WEBHOOK", "url": "https://1.1.1.1/", "secret": SECRET }), "").await;
        let db = app.database.connect().await;
        sea_orm::ConnectionTrait::execute_unprepared(&db, &format!("UPDATE event_sink SET url = 'http://rebinding.example:{port}/hook'"))
            .await
            .unwrap();
        db.close().await.unwrap();
        happens(&app, "REL-APP-2026-001").await;
        let sinks = app.app.store.sinks_with_work().await.unwrap();
        dispatcher.drain(sinks[0].clone(), &Default::default()).await.unwrap();
        assert_eq!(receiver.requests(), 0);
        assert!(sink(&app, "x").await["lastError"].as_str().unwrap().contains("not a public address"), "{}", sink(&app, "x").await);
        receiver.end();
        app.end().await;
    }
}

#[tokio::test]
async fn departments_and_edits_come_to_those_who_ask_for_them() {
    each_database(async |app| {
        let (ops, edits, all) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
        webhook(app, "ops", &ops.url, json!({ "departments": ["OPS"] })).await;
        webhook(app, "edits", &edits.url, json!({ "types": ["REPORT_CHANGED"] })).await;
        webhook(app, "all", &all.url, json!({})).await;
        let report = happens(app, "REL-APP-2026-001").await;
        app.product().does("problemAdd", json!({ "reportId": report, "description": "a", "owners": ["OPS"] }), "").await;
        app.product().does("problemAdd", json!({ "reportId": report, "description": "b", "owners": ["RND"] }), "").await;
        app.delivers().await;
        let kinds = |r: &Receiver| {
            let mut all: Vec<String> = r
                .seen
                .lock()
                .unwrap()
                .events
                .values()
                .map(|e| e["type"].as_str().unwrap().trim_start_matches("org.relsum.").to_owned())
                .collect();
            all.sort();
            all
        };
        assert_eq!(kinds(&ops), ["problem.recorded.v1"]);
        assert_eq!(kinds(&edits), ["report.changed.v1", "report.changed.v1"]);
        assert_eq!(kinds(&all), ["problem.recorded.v1", "problem.recorded.v1", "report.created.v1"]);
        [ops, edits, all].into_iter().for_each(Receiver::end);
    })
    .await;
}

#[tokio::test]
async fn a_deployment_without_a_report_is_told_to_whoever_wants_it_together_with_its_record() {
    each_database(async |app| {
        let (wants, wants_not) = (Receiver::start().await, Receiver::start().await);
        webhook(app, "wants", &wants.url, json!({ "types": ["DEPLOYMENT_RECORDED"] })).await;
        webhook(app, "wants not", &wants_not.url, json!({ "types": ["REPORT_CREATED"] })).await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let mut call = crate::deployments::call("d-1", "RUNNING", json!({ "startedAt": "2026-03-28T13:42:00Z" }));
        call["applicationNumber"] = json!("REL-APP-2026-077");
        // The application is not known yet, then it is: its first mention takes a way of its own.
        for (id, told) in [("d-1", 1), ("d-2", 2)] {
            call["deploymentId"] = json!(id);
            let before = app.statements.load(std::sync::atomic::Ordering::Relaxed);
            assert_eq!(ci.posts("/api/v1/deployments", &call).await.0, 201);
            let cost = app.statements.load(std::sync::atomic::Ordering::Relaxed) - before;
            assert!(!app.database.is_postgres() || id == "d-1" || cost == 2, "{cost} statements");
            app.delivers().await;
            assert_eq!((wants.ids().len(), wants_not.ids().len()), (told, 0));
        }
        let seen = wants.seen.lock().unwrap().events.values().find(|e| e["data"]["deployment"]["deploymentId"] == "d-2").unwrap().clone();
        assert_eq!((&seen["subjectseq"], &seen["data"]["deployment"]["parkedReason"]), (&json!("1"), &json!("NO_REPORT")));
        let told = "{ events(where: { types: [DEPLOYMENT_RECORDED] }) { totalCount } deployments { totalCount nodes { deploymentId observations { status delivery { fate } } } } }";
        let known = app.person("审计", &["AUDITOR"]).read(told, json!({})).await;
        assert_eq!((&known["events"]["totalCount"], &known["deployments"]["totalCount"]), (&json!(2), &json!(2)));
        for deployment in known["deployments"]["nodes"].as_array().unwrap() {
            assert_eq!(deployment["observations"], json!([{ "status": "RUNNING", "delivery": { "fate": "WORKED" } }]));
        }
        [wants, wants_not].into_iter().for_each(Receiver::end);
    })
    .await;
}
