//! Broken and hostile documents, variables, bodies and frames, at random: never a 5xx, never a panic, never without an end.

use std::{sync::OnceLock, time::Duration};

use axum::{body::Body, http::Request};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, time::timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    TestApp,
    database::Database,
    live::{PATIENCE, Served, init},
};

/// Runs a property against one application; `HOSTILE_TIMES=50` tries harder.
fn throw<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(&Runtime, &TestApp, S::Value) -> Result<(), TestCaseError>) {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(async { TestApp::on(Database::sqlite().await, |s| s).await });
    let times = std::env::var("HOSTILE_TIMES").map_or(1, |times| times.parse().unwrap());
    let mut runner = TestRunner::new(Config { cases: cases * times, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(strategy, |case| property(&runtime, &app, case));
    runtime.block_on(app.end());
    outcome.unwrap();
}

/// Sends a body: it is answered, with a code, and not by a fault of ours.
async fn answered(app: &TestApp, body: Vec<u8>) -> Result<(), TestCaseError> {
    let shown = String::from_utf8_lossy(&body).into_owned();
    let request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("accept", "application/graphql-response+json")
        .header("authorization", format!("Bearer {}", app.product().token));
    let begun = std::time::Instant::now();
    let sent = timeout(PATIENCE, app.send(request.body(Body::from(body)).unwrap())).await;
    let Ok((status, _, answer)) = sent else { return Err(TestCaseError::fail(format!("no answer to {shown}"))) };
    // What never yields cannot be timed out, but it can be seen.
    prop_assert!(begun.elapsed() < PATIENCE, "{:?} for {shown}", begun.elapsed());
    prop_assert!(status.as_u16() < 500, "{status} to {shown}");
    let answer: Value = serde_json::from_slice(&answer).map_err(|_| TestCaseError::fail(format!("no JSON to {shown}")))?;
    for error in answer.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap_or("none");
        prop_assert!(!matches!(code, "none" | "INTERNAL_SERVER_ERROR" | "SERVICE_UNAVAILABLE"), "{code} to {shown}: {answer}");
    }
    prop_assert!(answer.get("errors").is_some() || answer.get("data").is_some());
    Ok(())
}

const TOKENS: [&str; 56] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "...",
    "on",
    "query",
    "mutation",
    "subscription",
    "fragment",
    "F",
    "Query",
    "Report",
    "reports",
    "nodes",
    "id",
    "node",
    "$a",
    ":",
    "Int",
    "ID!",
    "[Nope]",
    "=",
    "1",
    "\"x\"",
    "\"\"\"",
    "\"",
    "\\",
    "@include(if: $a)",
    "@skip(if: true)",
    "first",
    "100",
    "null",
    "true",
    "!",
    "|",
    "&",
    "#",
    "\n",
    "__typename",
    "__schema",
    "types",
    "where",
    "state",
    "eq",
    "FILED",
    "🦀",
    "\u{feff}",
    "-",
    "1e999",
    "99999999999999999999",
    "viewer",
    "events",
    "a:",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(TOKENS.to_vec()), 0..60).prop_map(|tokens| tokens.join(" "))
}

/// Documents that parse: fields of ours and of nobody, arguments of any type, fragments that spread one another as they like.
fn document() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "1",
        "-1",
        "101",
        "1.5",
        "\"x\"",
        "null",
        "true",
        "FILED",
        "[]",
        "[1, null]",
        "{}",
        "{state: {eq: FILED}}",
        "{not: {not: {}}}",
        "$a",
        "$b",
        "[$a, $a]",
        "{id: $a}",
        "{number: $b}",
        "\"UmVwb3J0OjAxOTkwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA\"",
        "2147483648",
        "\"\\u0000\"",
    ]);
    let name = prop::sample::select(vec![
        "first", "last", "after", "where", "by", "id", "ids", "orderBy", "nope", "input", "types", "report", "enum",
    ]);
    let arguments = prop::collection::vec((name, value), 0..3).prop_map(|list| {
        let list: Vec<String> = list.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) }
    });
    let field = prop::sample::select(vec![
        "reports",
        "nodes",
        "edges",
        "node",
        "report",
        "viewer",
        "name",
        "id",
        "number",
        "totalCount",
        "milestones",
        "status",
        "owners",
        "code",
        "history",
        "__typename",
        "__schema",
        "types",
        "fields",
        "type",
        "enumLabels",
        "improvementActions",
        "occurrences",
        "supersedes",
        "worklist",
        "departments",
        "reportSign",
        "reportCreate",
        "userErrors",
        "events",
        "reportChanged",
        "position",
        "nope",
    ]);
    let directive = prop::sample::select(vec!["", "", "", "@skip(if: true)", "@include(if: $c)", "@nope", "@include", "@skip(if: 1)"]);
    let alias = prop::sample::select(vec!["", "", "", "a: ", "b: "]);
    let plain = (alias, field, arguments, directive)
        .prop_map(|(alias, field, arguments, directive)| format!("{alias}{field}{arguments} {directive}"));
    let spread = prop::sample::select(vec!["...F0", "...F1", "...F2", "...F3", "...Gone"]).prop_map(str::to_owned);
    let leaf = prop_oneof![6 => plain.clone(), 1 => spread];
    let selection = leaf.prop_recursive(5, 40, 5, move |inner| {
        let set = prop::collection::vec(inner, 1..5).prop_map(|items| items.join(" "));
        prop_oneof![
            5 => (plain.clone(), set.clone()).prop_map(|(field, set)| format!("{field} {{ {set} }}")),
            1 => (prop::sample::select(vec!["", "on Query", "on Report", "on Node", "on Nope"]), set).prop_map(|(on, set)| format!("... {on} {{ {set} }}")),
        ]
    });
    let head = prop::sample::select(vec![
        "",
        "query",
        "query A",
        "query B($a: ID!, $b: String, $c: Boolean = true)",
        "query C($a: [Nope] = [1], $b: Int)",
        "mutation D",
        "mutation E($a: ReportCreateInput!)",
        "subscription G",
        "query H($a: [ID!]!, $b: [ReportState!]! = [FILED])",
    ]);
    let on = prop::sample::select(vec!["Query", "Report", "ReportConnection", "Node", "Mutation", "Subscription", "Nope"]);
    let operation = (head, selection.clone()).prop_map(|(head, set)| format!("{head} {{ {set} }}"));
    let fragments = prop::collection::vec((on, selection), 0..4).prop_map(|list| {
        list.iter().enumerate().map(|(n, (on, set))| format!("fragment F{n} on {on} {{ {set} }}")).collect::<Vec<_>>().join(" ")
    });
    (prop::collection::vec(operation, 1..3), fragments).prop_map(|(operations, fragments)| format!("{} {fragments}", operations.join(" ")))
}

/// Fragments that spread the next one, each once, twice or three times, to some end or to none.
fn chain() -> impl Strategy<Value = String> {
    let end = prop::sample::select(vec!["__typename", "...Gone", "... { ...Gone }", "...F0", "nope", "viewer { name }"]);
    let root = prop::sample::select(vec!["{ ...F0 }", "mutation { ...F0 }", "subscription { ...F0 }", "{ __typename }"]);
    (root, 0..90usize, 1..4usize, end).prop_map(|(root, length, times, end)| {
        let link = |n: usize| format!("fragment F{n} on Query {{ {} }} ", format!("...F{} ", n + 1).repeat(times));
        format!("{root} {} fragment F{length} on Query {{ {end} }}", (0..length).map(link).collect::<String>())
    })
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["FILED", "2026-02-30", "REL-SUM-2026-001", "\u{0}", "1e9", "-0.001"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(
                prop::sample::select(vec!["and", "or", "not", "state", "eq", "in", "number", "id", "version", "nope", ""]),
                inner,
                0..5
            )
            .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

#[test]
fn any_bytes_and_any_json_are_answered() {
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        json_value().prop_map(|v| v.to_string().into_bytes()),
        (json_value(), json_value(), json_value(), json_value()).prop_map(|(query, name, variables, extensions)| {
            json!({ "query": query, "operationName": name, "variables": variables, "extensions": extensions }).to_string().into_bytes()
        }),
        json_value().prop_map(|hash| json!({ "extensions": { "persistedQuery": hash }, "documentId": null }).to_string().into_bytes()),
    ];
    throw(300, &body, |runtime, app, body| runtime.block_on(answered(app, body)));
}

#[test]
fn any_tokens_and_any_document_are_answered() {
    let query = prop_oneof![1 => soup(), 3 => document(), 1 => chain()];
    let name = prop::option::of(prop::sample::select(vec!["A", "B", "C", "D", "E", ""]));
    let body = (query, name, json_value()).prop_map(|(query, name, value)| {
        json!({ "query": query, "operationName": name, "variables": { "a": value, "b": value } }).to_string().into_bytes()
    });
    throw(600, &body, |runtime, app, body| {
        runtime.block_on(async {
            // Cold and warm: a document that is known goes another way.
            answered(app, body.clone()).await?;
            answered(app, body).await
        })
    });
}

#[test]
fn any_variables_are_answered() {
    let queries = prop::sample::select(vec![
        "query($a: ReportWhere, $b: Int) { reports(where: $a, first: $b) { totalCount } }",
        "query($a: ReportBy!) { report(by: $a) { number } }",
        "query($a: [ID!]!) { nodes(ids: $a) { id } }",
        "query($a: [ReportOrder!]) { reports(orderBy: $a) { nodes { id } } }",
        "query($a: ActionOccurrenceWhere) { actionOccurrences(where: $a) { totalCount } }",
        "mutation($a: ReportCreateInput!) { reportCreate(input: $a) { userErrors { code } } }",
        "mutation($a: ReportUpdateInput!) { reportUpdate(input: $a) { userErrors { code } } }",
    ]);
    let body = (queries, json_value(), json_value())
        .prop_map(|(query, a, b)| json!({ "query": query, "variables": { "a": a, "b": b } }).to_string().into_bytes());
    throw(400, &body, |runtime, app, body| runtime.block_on(answered(app, body)));
}

#[test]
fn any_frames_end_in_a_close_or_an_answer_and_the_server_serves_on() {
    let frame = prop_oneof![
        "\\PC{0,40}".prop_map(Message::text),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Message::binary),
        json_value().prop_map(|v| Message::text(v.to_string())),
        (
            prop::sample::select(vec!["connection_init", "subscribe", "complete", "ping", "pong", "next", "x"]),
            prop::option::of("[ab]"),
            json_value()
        )
            .prop_map(|(kind, id, payload)| Message::text(json!({ "type": kind, "id": id, "payload": payload }).to_string())),
        (prop::sample::select(vec!["a", "b"]), prop_oneof![soup(), document()])
            .prop_map(|(id, query)| Message::text(json!({ "type": "subscribe", "id": id, "payload": { "query": query } }).to_string())),
        Just(Message::Ping(Default::default())),
        Just(Message::Close(None)),
    ];
    let session = (any::<bool>(), prop::collection::vec(frame, 0..8));
    let served = OnceLock::new();
    throw(120, &session, |runtime, app, (acknowledged, frames)| {
        let served = served.get_or_init(|| runtime.block_on(Served::start(app)));
        runtime.block_on(async {
            use futures_util::SinkExt;
            let person = app.product();
            let mut socket = served.socket("graphql-transport-ws").await;
            if acknowledged {
                socket.say(init(&person.token)).await;
            }
            for frame in frames {
                if socket.stream.send(frame).await.is_err() {
                    break;
                }
            }
            drop(socket);
            let mut next = served.connected(&person).await;
            next.say(json!({ "type": "ping" })).await;
            prop_assert_eq!(next.hear().await, json!({ "type": "pong" }));
            drop(next);
            let free = async {
                while app.app.places.taken() > 0 {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            };
            prop_assert!(timeout(PATIENCE, free).await.is_ok(), "a place is still taken");
            Ok(())
        })
    });
}
