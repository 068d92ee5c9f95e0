//! What operators see of the service's own work (`/metrics`): whether due dates are looked at, and whether events leave.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{body::Body, http::Request};
use chrono::TimeDelta;
use relsum::job;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{TestApp, database::Database, each_database, guide::play};

async fn page(app: &TestApp) -> String {
    let (status, headers, body) = app.send(Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!((status.as_u16(), headers["content-type"].to_str().unwrap()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    String::from_utf8(body).unwrap()
}

/// The value of a line.
fn value(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("relsum_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
}

#[tokio::test]
async fn a_backlog_of_due_dates_and_of_deliveries_is_seen_and_so_is_its_end() {
    each_database(async |app| {
        let admin = app.person("管理", &["ADMIN"]);
        let made = admin
            .does("eventSinkCreate", json!({ "name": "a \"b\"", "kind": "WEBHOOK", "url": "http://127.0.0.1:9/" }), "eventSink { id }")
            .await;
        admin.does("eventSinkUpdate", json!({ "id": made["eventSink"]["id"], "enabled": false }), "").await;
        play(app, "submitted").await;
        app.announces().await;
        assert_eq!(value(&page(app).await, "due_waiting"), 0.0);
        app.clock.advance(TimeDelta::days(100));
        let counted = app.statements.load(Ordering::Relaxed);
        let before = page(app).await;
        assert_eq!(app.statements.load(Ordering::Relaxed) - counted, 5, "as the documentation says");
        assert!(value(&before, "due_waiting") >= 1.0 && value(&before, "due_lag_seconds") > 80_000.0, "{before}");
        assert!(value(&before, r#"deliveries{sink="a \"b\"",state="WAITING"}"#) >= 1.0, "{before}");
        assert!(value(&before, r#"deliveries_oldest_seconds{sink="a \"b\""}"#) >= 8_640_000.0, "{before}");
        assert_eq!(value(&before, r#"sink_state{sink="a \"b\"",state="DISABLED"}"#), 1.0);
        assert_eq!((value(&before, "due_scans_total"), value(&before, "inbox_waiting")), (0.0, 0.0));
        let stop = CancellationToken::new();
        let jobs = tokio::spawn(job::run(Arc::clone(&app.app), stop.clone()));
        let seen = async {
            loop {
                let now = page(app).await;
                if value(&now, "due_scans_total") >= 1.0 {
                    return now;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let after = tokio::time::timeout(Duration::from_secs(20), seen).await.expect("a scan");
        stop.cancel();
        jobs.await.unwrap().unwrap();
        assert_eq!((value(&after, "due_waiting"), value(&after, "due_lag_seconds")), (0.0, 0.0), "{after}");
        assert!(value(&after, "due_announced_total") >= 1.0 && value(&after, "due_scan_seconds_total") > 0.0, "{after}");
    })
    .await;
}

#[tokio::test]
async fn where_it_is_not_opened_there_is_nothing() {
    let database = Database::sqlite().await;
    let app = TestApp::on(database, |mut settings| {
        settings.metrics = Some(false);
        settings
    })
    .await;
    let (status, _, _) = app.send(Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!(status.as_u16(), 404);
    app.end().await;
}
