//! NATS JetStream as a sink (`events.md` 19), against a real server: where `TEST_NATS_URL` names one. A broker that is away, full or
//! wiped loses nothing; what is published twice is there once.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use async_nats::jetstream::{self, stream};
use chrono::TimeDelta;
use futures_util::StreamExt;
use relsum::config::{Secret, Settings};
use serde_json::{Value, json};

use crate::support::{TestApp, database::Database};

/// A server of our own: it is killed and started again. None where the program is not there.
struct Server {
    child: Option<Child>,
    folder: std::path::PathBuf,
    port: u16,
}

impl Server {
    fn new(name: &str) -> Option<Self> {
        std::env::var("TEST_NATS_URL").ok()?;
        Command::new("nats-server").arg("--version").output().ok()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("relsum-nats-{name}-{}", std::process::id()));
        let mut server = Self { child: None, folder, port };
        server.start();
        Some(server)
    }

    fn start(&mut self) {
        let mut command = Command::new("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-js", "-sd", self.folder.to_str().unwrap()]);
        self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    }

    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn wipe(&self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    async fn context(&self) -> jetstream::Context {
        for _ in 0..200 {
            if let Ok(client) = async_nats::connect(self.url()).await {
                return jetstream::new(client);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no broker");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The ids of all messages of a stream.
async fn stored(context: &jetstream::Context, name: &str) -> Vec<String> {
    let stream = context.get_stream(name).await.unwrap();
    let count = stream.get_info().await.unwrap().state.messages;
    let config = jetstream::consumer::pull::Config { ack_policy: jetstream::consumer::AckPolicy::None, ..Default::default() };
    let consumer = stream.create_consumer(config).await.unwrap();
    let mut messages = consumer.messages().await.unwrap().take(usize::try_from(count).unwrap());
    let mut ids = Vec::new();
    while ids.len() < usize::try_from(count).unwrap() {
        let message = messages.next().await.unwrap().unwrap();
        let event: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(message.headers.as_ref().unwrap().get("Nats-Msg-Id").unwrap().as_str(), event["id"]);
        assert_eq!(message.subject.as_str(), format!("releases.{}", event["type"].as_str().unwrap().trim_start_matches("org.relsum.")));
        ids.push(event["id"].as_str().unwrap().to_owned());
    }
    ids.sort();
    ids
}

async fn logged(app: &TestApp) -> Vec<String> {
    let db = app.database.connect().await;
    let rows = sea_orm::ConnectionTrait::query_all_raw(
        &db,
        sea_orm::Statement::from_string(app.database.backend(), "SELECT id FROM event WHERE kind <> 'report.changed.v1'"),
    )
    .await
    .unwrap();
    db.close().await.unwrap();
    let mut ids: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    ids.sort();
    ids
}

async fn happen(app: &TestApp, from: usize, to: usize) {
    let ci = app.person("ci", &["PIPELINE"]);
    for chunk in (from..to).collect::<Vec<_>>().chunks(250) {
        let calls: Vec<Value> = chunk.iter().map(|n| json!({ "deploymentId": format!("d-{n}"), "status": "RUNNING", "environment": "test", "product": "x", "version": "1.0" })).collect();
        let (status, answer) = ci.posts("/api/v1/deployments/batch", &json!({ "deployments": calls })).await;
        assert_eq!(status, 200, "{answer}");
    }
}

/// Tries again, past the pauses, until nothing waits.
async fn delivered(app: &TestApp) {
    for _ in 0..200 {
        app.delivers().await;
        let admin = app.person("管理", &["ADMIN"]);
        let list = admin.read("{ eventSinks { waiting dead state lastError } }", json!({})).await;
        assert_eq!(
            (&list["eventSinks"][0]["dead"], &list["eventSinks"][0]["state"]),
            (&json!(0), &json!("ENABLED")),
            "a broker is waited for"
        );
        if list["eventSinks"][0]["waiting"] == 0 {
            return;
        }
        app.clock.advance(TimeDelta::minutes(2));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("something still waits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_for_a_thousand_events_full_or_wiped_loses_nothing() {
    let Some(mut server) = Server::new("killed") else { return };
    for database in Database::each().await {
        let url = server.url();
        let app = TestApp::on(database, |s| Settings { nats_url: Some(Secret(url.clone())), ..s }).await;
        let stream = format!("RELSUM_{}", app.database.name().to_uppercase());
        let context = server.context().await;
        let admin = app.person("管理", &["ADMIN"]);
        let made = admin
            .does(
                "eventSinkCreate",
                json!({ "name": "broker", "kind": "NATS", "stream": stream, "subjectPrefix": "releases" }),
                "eventSink { id }",
            )
            .await;
        let ping = admin.does("eventSinkPing", json!({ "id": made["eventSink"]["id"] }), "delivered error").await;
        assert_eq!(ping, json!({ "delivered": true, "error": null, "userErrors": [] }), "the stream is made");
        context.get_stream(&stream).await.unwrap().purge().await.unwrap();
        happen(&app, 0, 100).await;
        app.delivers().await;
        server.kill();
        happen(&app, 100, 1_100).await;
        app.delivers().await;
        let waiting = admin.read("{ eventSinks { waiting lastError } }", json!({})).await;
        assert!(waiting["eventSinks"][0]["waiting"].as_i64().unwrap() >= 1_000, "{waiting}");
        server.start();
        let context = server.context().await;
        delivered(&app).await;
        assert_eq!(stored(&context, &stream).await, logged(&app).await);
        // Full: new messages are refused, and wait.
        let mut config = context.get_stream(&stream).await.unwrap().cached_info().config.clone();
        config.max_messages = 1_105;
        config.discard = stream::DiscardPolicy::New;
        context.update_stream(config.clone()).await.unwrap();
        happen(&app, 1_100, 1_120).await;
        app.delivers().await;
        assert_eq!(stored(&context, &stream).await.len(), 1_105);
        config.max_messages = -1;
        context.update_stream(config).await.unwrap();
        delivered(&app).await;
        assert_eq!(stored(&context, &stream).await, logged(&app).await);
        // Wiped: the database is the truth, and publishing all of it again is an ordinary act.
        server.kill();
        server.wipe();
        server.start();
        let context = server.context().await;
        let from = json!({ "range": { "sinkId": made["eventSink"]["id"], "from": "2000-01-01T00:00:00Z" } });
        // The clock was moved: a new token.
        let admin = app.person("管理", &["ADMIN"]);
        assert_eq!(admin.does("eventDeliveryReplay", from.clone(), "replayed").await["replayed"], 1_120);
        delivered(&app).await;
        assert_eq!(stored(&context, &stream).await, logged(&app).await);
        // And once more: the broker knows the ids.
        let admin = app.person("管理", &["ADMIN"]);
        admin.does("eventDeliveryReplay", from, "replayed").await;
        delivered(&app).await;
        assert_eq!(stored(&context, &stream).await, logged(&app).await);
        // The next database has the same subjects.
        context.delete_stream(&stream).await.unwrap();
        app.end().await;
    }
}
