//! What operators look at: the figures that the Grafana dashboard names are those that the service tells, and traces reach a collector.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::Request, routing::post};
use serde_json::{Value, json};

use crate::support::{
    SECRET, TestApp, each_database,
    guide::play,
    process::{Service, ask, folder, prints, relsum_by},
};

async fn page(app: &TestApp) -> String {
    let (status, _, body) = app.send(Request::get("/metrics").body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(status.as_u16(), 200);
    String::from_utf8(body).unwrap()
}

/// The names in a text that begin as ours do.
fn names(text: &str) -> Vec<String> {
    let mut found: Vec<String> =
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| w.starts_with("relsum_")).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

#[tokio::test]
async fn the_grafana_dashboard_asks_only_for_what_is_told() {
    each_database(async |app| {
        play(app, "submitted").await;
        let admin = app.person("管理", &["ADMIN"]);
        admin.does("eventSinkCreate", json!({ "name": "a", "kind": "WEBHOOK", "url": "http://127.0.0.1:9/" }), "").await;
        app.product().ask("{ nothing }", json!({})).await;
        app.clock.advance(chrono::TimeDelta::days(400));
        let told = page(app).await;
        let dashboard: Value = serde_json::from_str(include_str!("../../deploy/grafana/relsum.json")).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let asked = names(
            &panels
                .iter()
                .flat_map(|p| p["targets"].as_array().cloned().unwrap_or_default())
                .map(|t| t["expr"].to_string())
                .collect::<String>(),
        );
        assert!(asked.len() > 15, "{asked:?}");
        for name in asked {
            assert!(told.lines().any(|line| line.starts_with(&name)), "{name} is not in\n{told}");
        }
        for line in [
            "relsum_graphql_request_seconds_count{operation=\"reportSubmit\"} ",
            "relsum_graphql_request_seconds_count{operation=\"invalid\"} ",
            "relsum_errors_total{code=\"GRAPHQL_VALIDATION_FAILED\"} ",
            "relsum_http_requests_total{route=\"/graphql\",method=\"POST\",status=\"200\"} ",
            "relsum_overdue_actions{department=\"",
            "relsum_reports{state=\"SUBMITTED\"} 1",
            "relsum_pool_connections{state=\"idle\"} ",
        ] {
            assert!(told.contains(line), "{line} is not in\n{told}");
        }
        // What a client names itself is no label.
        app.product().ask("query Mine { mine: reports { totalCount } }", json!({})).await;
        let told = page(app).await;
        assert!(!told.contains("Mine") && !told.contains("mine"), "{told}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_from_the_request_through_the_field_to_the_statement() {
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let take = async |State(seen): State<Arc<Mutex<Vec<u8>>>>, body: Bytes| seen.lock().unwrap().extend_from_slice(&body);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&seen));
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let folder = folder("traces");
    let mut command = relsum_by(env!("CARGO_BIN_EXE_relsum"), &folder);
    command.envs([("RELSUM_JWT_SECRET", SECRET), ("RELSUM_DEMO", "off"), ("RELSUM_OTLP_ENDPOINT", collector.as_str())]);
    let service = Service::start(command);
    let token = prints(&folder, &["token", "--sub", "u-1", "--role", "AUDITOR"], &[("RELSUM_JWT_SECRET", SECRET)]);
    let (status, _) = ask(&service.address, &token, "{ reports { nodes { number } } }", json!({})).await.unwrap();
    assert_eq!(status, 200);
    // Ending sends what is left.
    assert!(service.stop());
    let sent = String::from_utf8_lossy(&seen.lock().unwrap()).into_owned();
    for part in ["POST /graphql", "graphql reports", "resolve reports", "SELECT", "db.query.text", "service.name", "relsum"] {
        assert!(sent.contains(part), "{part} is in no span");
    }
    serving.abort();
    std::fs::remove_dir_all(folder).unwrap();
}
