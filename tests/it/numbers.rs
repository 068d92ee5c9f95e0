//! Numbers: consecutive, unique, right under concurrency.

use std::{collections::BTreeSet, sync::Arc};

use relsum::{app::App, lifecycle};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{TestApp, database::Database, each_database, settings};

async fn create(app: &TestApp, n: u32) -> String {
    let input = json!({ "applicationNumber": format!("REL-APP-2026-{n:03}"), "preparedOn": "2026-03-01" });
    let payload = app.product().does("reportCreate", input, "report { number }").await;
    payload["report"]["number"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn numbers_count_per_year_of_the_preparation_date_and_grow_past_999() {
    each_database(async |app| {
        assert_eq!(create(app, 1).await, "REL-SUM-2026-001");
        assert_eq!(create(app, 2).await, "REL-SUM-2026-002");
        let other = json!({ "applicationNumber": "REL-APP-2025-001", "preparedOn": "2025-12-31" });
        let payload = app.product().does("reportCreate", other, "report { number }").await;
        assert_eq!(payload["report"]["number"], "REL-SUM-2025-001");
        let admin = app.person("管理员", &["ADMIN"]);
        let payload = admin.does("numberSequenceSet", json!({ "year": 2026, "last": 998 }), "nextNumber").await;
        assert_eq!(payload["nextNumber"], "REL-SUM-2026-999");
        assert_eq!(create(app, 3).await, "REL-SUM-2026-999");
        assert_eq!(create(app, 4).await, "REL-SUM-2026-1000");
        assert_eq!(admin.is_refused("numberSequenceSet", json!({ "year": 2026, "last": 5 })).await, ["INVALID last"]);
    })
    .await;
}

#[tokio::test]
async fn a_refused_creation_uses_no_number() {
    each_database(async |app| {
        create(app, 1).await;
        let second = json!({ "applicationNumber": "REL-APP-2026-001" });
        assert_eq!(app.product().is_refused("reportCreate", second).await, ["DUPLICATE applicationNumber"]);
        assert_eq!(create(app, 2).await, "REL-SUM-2026-002");
    })
    .await;
}

/// 200 creations from 20 clients at once, over `servers` processes' worth of servers on one database.
async fn twenty_clients(database: Database, servers: usize) {
    let stop = CancellationToken::new();
    let mut addresses = Vec::new();
    let mut serving = Vec::new();
    let app = TestApp::on(database, |s| s).await;
    for _ in 0..servers {
        let app = Arc::new(App::open(settings(app.database.url()), Arc::clone(&app.clock)).await.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addresses.push(listener.local_addr().unwrap());
        serving.push(tokio::spawn(lifecycle::serve(app, listener, stop.clone(), true)));
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let token = app.product().token;
    let clients = (0..20).map(|client| {
        let (address, token) = (addresses[client % servers], token.clone());
        tokio::spawn(async move {
            let http = reqwest::Client::new();
            let mut numbers = Vec::new();
            for i in 0..10 {
                let query =
                    "mutation($input: ReportCreateInput!) { reportCreate(input: $input) { report { number } userErrors { message } } }";
                let input = json!({ "applicationNumber": format!("REL-APP-2026-{:03}", client * 10 + i + 1), "preparedOn": "2026-05-01" });
                let body = json!({ "query": query, "variables": { "input": input } }).to_string();
                let request = http.post(format!("http://{address}/graphql")).bearer_auth(&token).header("content-type", "application/json");
                let answer: Value = request.body(body).send().await.unwrap().json().await.unwrap();
                numbers.push(answer["data"]["reportCreate"]["report"]["number"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned());
            }
            numbers
        })
    });
    let mut numbers = BTreeSet::new();
    for client in clients.collect::<Vec<_>>() {
        numbers.extend(client.await.unwrap());
    }
    let expected: BTreeSet<String> = (1..=200).map(|n| format!("REL-SUM-2026-{n:03}")).collect();
    assert_eq!(numbers, expected);
    stop.cancel();
    for server in serving {
        server.await.unwrap().unwrap();
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_creations_by_twenty_clients_get_consecutive_numbers_on_sqlite() {
    twenty_clients(Database::sqlite().await, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_creations_by_twenty_clients_over_two_servers_get_consecutive_numbers_on_postgresql() {
    let Some(database) = Database::postgres().await else { return };
    twenty_clients(database, 2).await;
}

#[tokio::test]
async fn an_idempotency_key_gives_the_same_report_and_refuses_another_input() {
    each_database(async |app| {
        let input = json!({ "applicationNumber": "REL-APP-2026-001", "idempotencyKey": "k1" });
        let first = app.product().does("reportCreate", input.clone(), "report { id }").await;
        let again = app.product().does("reportCreate", input, "report { id }").await;
        assert_eq!(first["report"]["id"], again["report"]["id"]);
        for key in [" ", "k\u{0}", "k".repeat(5_000).as_str()] {
            let input = json!({ "applicationNumber": "REL-APP-2026-003", "idempotencyKey": key });
            assert_eq!(app.product().is_refused("reportCreate", input).await, ["INVALID idempotencyKey"]);
        }
        let other = json!({ "applicationNumber": "REL-APP-2026-002", "idempotencyKey": "k1" });
        assert_eq!(app.product().is_refused("reportCreate", other).await, ["IDEMPOTENCY_MISMATCH idempotencyKey"]);
    })
    .await;
}
