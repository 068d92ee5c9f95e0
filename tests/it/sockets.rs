//! The protocol of sockets and streams: each close code of `docs/graphql-http.md`, limits, slow readers, expiry, the end of the service.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{SinkExt, StreamExt, stream::BoxStream};
use relsum::config::Settings;
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    failures::table,
    support::{
        TestApp,
        database::Database,
        live::{PATIENCE, Served, Socket, init},
    },
};

async fn served(change: impl FnOnce(Settings) -> Settings) -> (TestApp, Served) {
    let app = TestApp::on(Database::sqlite().await, change).await;
    let served = Served::start(&app).await;
    (app, served)
}

const EVENTS: &str = "subscription { events { position type } }";

async fn create(app: &TestApp, n: i32) {
    let input = json!({ "applicationNumber": format!("REL-APP-2026-{n:03}"), "preparedOn": "2026-05-05" });
    app.product().does("reportCreate", input, "").await;
}

/// Whether all places are given back.
async fn places_are_free(app: &TestApp) {
    let free = async {
        while app.app.places.taken() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("a place is still taken");
}

#[tokio::test]
async fn each_close_code_comes_when_the_page_says() {
    let (app, served) =
        served(|s| Settings { socket_init_timeout_ms: 1_000, socket_frame_bytes: 20_000, sockets_per_subject: 1, ..s }).await;
    let person = app.product();
    let fresh = async || served.socket("graphql-transport-ws").await;
    let mut seen: BTreeSet<u16> = BTreeSet::new();
    let mut closes = async |mut socket: Socket, what: &str, code: u16| {
        assert_eq!(socket.close_code().await, Some(code), "{what}");
        seen.insert(code);
    };
    let say = async |text: &str| {
        let mut socket = fresh().await;
        socket.stream.send(Message::text(text)).await.unwrap();
        socket
    };
    for text in [
        "",
        "x",
        "[]",
        "{}",
        "null",
        "{\"type\":\"start\"}",
        "{\"type\":\"connection_init\",\"payload\":[]}",
        "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"\",\"variables\":5}}",
    ] {
        closes(say(text).await, text, 4400).await;
    }
    let mut binary = fresh().await;
    binary.stream.send(Message::binary(b"{\"type\":\"ping\"}".to_vec())).await.unwrap();
    closes(binary, "a binary frame", 4400).await;
    closes(say("{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"subscription{events{id}}\"}}").await, "early", 4401).await;
    closes(say("{\"type\":\"connection_init\"}").await, "no token", 4403).await;
    closes(say(&init("a.b.c").to_string()).await, "a bad token", 4403).await;
    closes(served.socket("").await, "no subprotocol", 4406).await;
    closes(fresh().await, "silence", 4408).await;
    let large = |bytes: usize| json!({ "type": "ping", "payload": { "x": "x".repeat(bytes) } }).to_string();
    closes(say(&large(25_000)).await, "a large frame", 1009).await;
    // One that is still being sent when the server hangs up may meet a reset instead of the reason.
    let mut huge = fresh().await;
    let sent = huge.stream.send(Message::text(large(4_000_000))).await;
    assert!(sent.is_err() || matches!(huge.close_code().await, None | Some(1009)));
    let mut socket = served.connected(&person).await;
    socket.say(init(&person.token)).await;
    closes(socket, "a second init", 4429).await;
    places_are_free(&app).await;
    let mut socket = served.subscribed(&person, EVENTS).await;
    let mut second = fresh().await;
    second.say(init(&person.token)).await;
    closes(second, "a second socket of one subject", 4429).await;
    socket.say(json!({ "id": "s", "type": "subscribe", "payload": { "query": EVENTS } })).await;
    closes(socket, "an id twice", 4409).await;
    places_are_free(&app).await;
    let short = app.person_for("短", &["PRODUCT"], 4);
    closes(served.subscribed(&short, EVENTS).await, "expiry", 4403).await;
    let last = served.subscribed(&person, EVENTS).await;
    served.stop.cancel();
    closes(last, "the end", 1001).await;
    served.end().await;
    // The slow reader has a story of its own.
    seen.insert(1008);
    let told: BTreeSet<u16> = table("<!-- closes -->").iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(seen, told);
    app.end().await;
}

#[tokio::test]
async fn a_request_that_cannot_be_run_is_an_error_of_its_id_and_the_socket_stays() {
    let (app, served) = served(|s| Settings { subscriptions_per_socket: 2, ..s }).await;
    let mut socket = served.connected(&app.product()).await;
    for (n, (payload, code)) in [
        (json!({ "query": "subscription { nope }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "subscription {" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ viewer { name } }" }), "BAD_USER_INPUT"),
        (json!({ "query": "mutation { reportSign(input: {id: \"x\"}) { report { id } } }" }), "BAD_USER_INPUT"),
        (json!({ "query": "subscription($a: ID!) { reportChanged(report: $a) { id } }" }), "BAD_USER_INPUT"),
        (json!({ "query": "subscription { reportChanged(report: \"x\") { id } }" }), "NOT_FOUND"),
        (json!({ "query": "subscription { events(after: \"x\") { id } }" }), "BAD_USER_INPUT"),
        (json!({ "query": "subscription { events(after: \"99999\") { id } }" }), "POSITION_EXPIRED"),
        (json!({ "query": format!("subscription {{ reportChanged {{ report {{ history(first: 100) {{ nodes {{ {} }} }} }} }} }}", "act ".repeat(200)) }), "QUERY_TOO_COMPLEX"),
        (json!({ "query": "{a".repeat(200) }), "QUERY_TOO_COMPLEX"),
        (json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "0".repeat(64) } } }), "PERSISTED_QUERY_NOT_FOUND"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = n.to_string();
        socket.say(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
        let answer = socket.hear().await;
        assert_eq!(answer["id"], id, "{answer}");
        assert_eq!(answer["type"], "error", "{answer}");
        let error = &answer["payload"][0]["extensions"];
        assert_eq!(error["code"], code, "{payload}: {answer}");
        assert!(error["requestId"].is_string());
    }
    socket.subscribe("a", EVENTS).await;
    socket.subscribe("b", EVENTS).await;
    socket.say(json!({ "id": "c", "type": "subscribe", "payload": { "query": EVENTS } })).await;
    let answer = socket.hear().await;
    assert_eq!((&answer["type"], &answer["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("RATE_LIMITED")));
    // One that the client completed leaves its place, and tells no more.
    socket.say(json!({ "id": "a", "type": "complete" })).await;
    socket.subscribe("c", EVENTS).await;
    create(&app, 1).await;
    let ids: BTreeSet<String> = [socket.hear().await, socket.hear().await].iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, ["b".to_owned(), "c".to_owned()].into());
    served.end().await;
    app.end().await;
}

#[tokio::test]
async fn a_reader_that_never_reads_is_dropped_with_a_reason_and_others_read_on() {
    let (app, served) = served(|s| Settings { socket_send_timeout_ms: 200, ..s }).await;
    let kept = crate::support::guide::play(&app, "created").await;
    let product = app.product();
    let id = &kept["reportId"];
    product.does("summaryUpdate", json!({ "id": id, "highlights": "长".repeat(19_000), "bugsFixed": 0 }), "").await;
    let much: String = (0..100).map(|n| format!("t{n}: achievements {{ highlights }} ")).collect();
    let mut slow = served.subscribed(&product, &format!("subscription {{ reportChanged {{ report {{ {much} }} }} }}")).await;
    let mut quick = served.subscribed(&app.person("王芳", &["PRODUCT"]), "subscription { reportChanged { type } }").await;
    // Each event is six megabytes to the slow one: the kernel's buffers are soon full.
    for n in 1..=6 {
        product.does("summaryUpdate", json!({ "id": id, "bugsFixed": n }), "").await;
        assert_eq!(quick.data().await["reportChanged"]["type"], "REPORT_CHANGED");
    }
    sleep(Duration::from_millis(300)).await;
    // The reason reaches a client that reads again within a second; one that does not finds the connection gone.
    assert!(matches!(slow.close_code().await, Some(1008) | None));
    drop(quick);
    places_are_free(&app).await;
    served.end().await;
    app.end().await;
}

#[tokio::test]
async fn a_quiet_socket_is_pinged_and_one_that_does_not_answer_is_gone() {
    let (app, served) = served(|s| Settings { socket_ping_ms: 400, ..s }).await;
    let mut alive = served.connected(&app.product()).await;
    let _silent = served.connected(&app.person("不读", &["PRODUCT"])).await;
    // The client answers pings while it reads.
    let mut pings = 0;
    while pings < 4 {
        if let Some(Ok(Message::Ping(_))) = tokio::time::timeout(PATIENCE, alive.stream.next()).await.unwrap() {
            pings += 1;
        }
    }
    let one = async {
        while app.app.places.taken() > 1 {
            alive.stream.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, one).await.expect("the silent one is still there");
    drop(alive);
    served.end().await;
    app.end().await;
}

/// The events of a stream: name and data.
async fn stream(served: &Served, token: &str, query: &str, get: bool) -> (u16, BoxStream<'static, (String, Value)>) {
    let client = reqwest::Client::new();
    let url = format!("http://{}/graphql", served.address);
    let request = if get {
        client.get(reqwest::Url::parse_with_params(&url, [("query", query)]).unwrap())
    } else {
        client.post(&url).json(&json!({ "query": query }))
    };
    let answer = request.bearer_auth(token).header("accept", "text/event-stream").send().await.unwrap();
    let status = answer.status().as_u16();
    if status == 200 {
        assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(answer.headers().get("content-encoding"), None);
    }
    let events = futures_util::stream::unfold((answer, String::new()), |(mut answer, mut text)| async move {
        loop {
            if let Some((event, rest)) = text.split_once("\n\n").map(|(e, r)| (e.to_owned(), r.to_owned())) {
                text = rest;
                let line = |name: &str| event.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().trim().to_owned();
                if event.starts_with(':') {
                    continue;
                }
                return Some(((line("event:"), serde_json::from_str(&line("data:")).unwrap_or(Value::Null)), (answer, text)));
            }
            text.push_str(std::str::from_utf8(&tokio::time::timeout(PATIENCE, answer.chunk()).await.unwrap().ok()??).unwrap());
        }
    });
    (status, events.boxed())
}

#[tokio::test]
async fn streams_tell_events_request_errors_and_the_end() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (app, served) = served(|s| Settings { sockets_per_subject: 2, socket_ping_ms: 50, ..s }).await;
    let token = app.product().token;
    let (_, mut events) = stream(&served, &token, EVENTS, false).await;
    sleep(Duration::from_millis(120)).await;
    create(&app, 1).await;
    let (name, data) = events.next().await.unwrap();
    assert_eq!((name.as_str(), &data["data"]["events"]["type"]), ("next", &json!("REPORT_CREATED")));
    let (_, second) = stream(&served, &token, EVENTS, true).await;
    assert_eq!(stream(&served, &token, EVENTS, true).await.0, 429, "as many as a subject may have");
    drop(second);
    drop(events);
    places_are_free(&app).await;
    let all = async |query: &str, get: bool| stream(&served, &token, query, get).await.1.collect::<Vec<_>>().await;
    let answer = all("{ viewer { name } }", true).await;
    assert_eq!((answer[0].1["data"].clone(), answer[1].0.as_str(), answer.len()), (json!({ "viewer": { "name": "张伟" } }), "complete", 2));
    let refused = all("subscription { nope }", false).await;
    assert_eq!(
        (&refused[0].1["errors"][0]["extensions"]["code"], refused[1].0.as_str()),
        (&json!("GRAPHQL_VALIDATION_FAILED"), "complete")
    );
    let refused = all("subscription {", false).await;
    assert_eq!((&refused[0].1["errors"][0]["extensions"]["code"], refused[1].0.as_str()), (&json!("GRAPHQL_PARSE_FAILED"), "complete"));
    assert_eq!(stream(&served, "a.b.c", EVENTS, false).await.0, 401);
    assert_eq!(stream(&served, &token, "mutation { reportSign(input: {id: \"x\"}) { report { id } } }", true).await.0, 405);
    let short = app.person_for("短", &["PRODUCT"], 4);
    let (_, expiring) = stream(&served, &short.token, EVENTS, false).await;
    let told: Vec<_> = expiring.collect().await;
    assert_eq!((&told[0].1["errors"][0]["extensions"]["code"], told[1].0.as_str()), (&json!("UNAUTHENTICATED"), "complete"));
    let (_, last) = stream(&served, &token, EVENTS, false).await;
    served.end().await;
    // Cut off, not complete: a client that is told `complete` would not come back.
    assert_eq!(last.collect::<Vec<_>>().await, []);
    app.end().await;
}
