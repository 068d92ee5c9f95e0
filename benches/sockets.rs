//! A thousand sockets on one process, each with a subscription: resident memory per socket, and how long one event takes to reach
//! all of them. `cargo bench --bench sockets`; on PostgreSQL with `BENCH_DATABASE_URL=postgres://…` of an empty database.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may fail loudly")]

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt, future::join_all};
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

const SOCKETS: usize = 1_000;
const EVENTS: usize = 5;
const SECRET: &str = "a secret that only this benchmark knows, 32 bytes";

/// Resident memory of a process, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().split(' ').next().unwrap().parse().unwrap()
}

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = std::env::temp_dir().join(format!("relsum-sockets-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let relsum = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relsum"));
        command.current_dir(&folder).env("RELSUM_JWT_SECRET", SECRET).env("RELSUM_LISTEN", "127.0.0.1:0").env("RELSUM_DEMO", "off");
        command.env("RELSUM_SOCKETS_PER_SUBJECT", "2000").env("RELSUM_LOG_FORMAT", "json");
        if let Ok(url) = std::env::var("BENCH_DATABASE_URL") {
            command.env("RELSUM_DATABASE_URL", url);
        }
        command
    };
    let token = relsum().args(["token", "--sub", "u-1", "--membership", "PRODUCT:HEAD"]).output().unwrap().stdout;
    let token = String::from_utf8(token).unwrap().trim().to_owned();
    let mut service = relsum().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(service.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.find_map(|line| serde_json::from_str::<Value>(&line).ok()?.get("address")?.as_str().map(str::to_owned)).unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    let pid = service.id();
    let create = async |n: usize| {
        let query = "mutation($input: ReportCreateInput!) { reportCreate(input: $input) { report { number } userErrors { message } } }";
        let input = json!({ "applicationNumber": format!("REL-APP-2026-{n:03}"), "preparedOn": "2026-05-05" });
        let request = reqwest::Client::new().post(format!("http://{address}/graphql")).bearer_auth(&token);
        let answer: Value =
            request.json(&json!({ "query": query, "variables": { "input": input } })).send().await.unwrap().json().await.unwrap();
        assert!(answer["data"]["reportCreate"]["report"]["number"].is_string(), "{answer}");
    };
    create(1).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let idle = resident(pid);
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (mut socket, _) = connect_async(request).await.unwrap();
        for message in [
            json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } }),
            json!({ "type": "subscribe", "id": "1", "payload": { "query": "subscription { reportChanged { position type report { number state } } }" } }),
            json!({ "type": "ping" }),
        ] {
            socket.send(Message::text(message.to_string())).await.unwrap();
        }
        // The acknowledgement, and the answer to the ping behind the subscription.
        socket.next().await.unwrap().unwrap();
        socket.next().await.unwrap().unwrap();
        sockets.push(socket);
    }
    let full = resident(pid);
    println!("resident: {idle} KiB with no socket, {full} KiB with {SOCKETS}: {} KiB a socket", (full - idle) / 1_000);
    for n in 0..EVENTS {
        let heard = join_all(sockets.iter_mut().map(|socket| async {
            while !matches!(socket.next().await.unwrap().unwrap(), Message::Text(_)) {}
            Instant::now()
        }));
        let begun = Instant::now();
        let (_, heard) = tokio::join!(create(n + 2), heard);
        let mut after: Vec<Duration> = heard.into_iter().map(|at| at - begun).collect();
        after.sort();
        let at = |index: usize| after.get(index).unwrap().as_secs_f64() * 1e3;
        println!(
            "event {n}: from the call of the mutation to the first socket {:.0} ms, half of them {:.0} ms, the last {:.0} ms",
            at(0),
            at(SOCKETS / 2),
            at(SOCKETS - 1)
        );
    }
    println!("resident after the events: {} KiB", resident(pid));
    Command::new("kill").arg(pid.to_string()).status().unwrap();
    service.wait().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}
