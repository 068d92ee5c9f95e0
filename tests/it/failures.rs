//! The table of failures in `docs/graphql-http.md`, row by row, in both media types.

use axum::{
    body::Body,
    http::{Method, Request},
};
use relsum::config::{RateLimit, Settings};
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};

use crate::support::{TestApp, database::Database, guide::play, sends};

/// Rows of the table behind a marker: its cells, without ornaments.
pub fn table(marker: &str) -> Vec<Vec<String>> {
    let page = include_str!("../../docs/graphql-http.md");
    let rows = page.split_once(marker).unwrap().1.trim_start().lines().take_while(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
    rows.map(cells).collect()
}

/// What a row sends, besides `Accept`.
struct Sent {
    method: Method,
    uri: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn post(app: &TestApp, body: impl Into<Vec<u8>>) -> Sent {
    let headers = vec![("content-type", "application/json".to_owned()), ("authorization", format!("Bearer {}", app.product().token))];
    Sent { method: Method::POST, uri: "/graphql".into(), headers, body: body.into() }
}

fn query(app: &TestApp, query: &str) -> Sent {
    post(app, json!({ "query": query }).to_string())
}

fn with(mut sent: Sent, name: &'static str, value: &str) -> Sent {
    sent.headers.retain(|(known, _)| *known != name);
    sent.headers.push((name, value.to_owned()));
    sent
}

fn without(mut sent: Sent, name: &str) -> Sent {
    sent.headers.retain(|(known, _)| *known != name);
    sent
}

const SIGN: &str = "mutation { reportSign(input: {id: \"x\"}) { report { id } } }";

/// The request of a row whose application is as all are.
fn plain(app: &TestApp, row: &str) -> Option<Sent> {
    let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
    let persisted =
        |query: Value| json!({ "query": query, "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } }).to_string();
    Some(match row {
        "no token" => without(query(app, "{ __typename }"), "authorization"),
        "a token that does not hold" => with(query(app, "{ __typename }"), "authorization", "Bearer a.b.c"),
        "the body is not application/json" => with(query(app, "{ __typename }"), "content-type", "text/plain"),
        "the body is a form" => with(post(app, "query={__typename}"), "content-type", "application/x-www-form-urlencoded"),
        "the body is in another charset" => with(query(app, "{ __typename }"), "content-type", "application/json; charset=latin1"),
        "the body is compressed" => with(query(app, "{ __typename }"), "content-encoding", "gzip"),
        "the body is too large" => query(app, &"x".repeat(3_000_000)),
        "the body is no JSON" => post(app, "{\"query\":"),
        "the body is not UTF-8" => post(app, b"{\"query\":\"\xff\"}"),
        "the body is an array" => post(app, "[]"),
        "variables are no object" => post(app, "{\"query\":\"{__typename}\",\"variables\":[1]}"),
        "no document" => post(app, "{}"),
        "a hash that is not that of the query" => post(app, persisted(json!("{ viewer { name } }"))),
        "a mutation over GET" => {
            let uri = "/graphql?query=mutation%20M%7BreportSign(input:%7Bid:%22x%22%7D)%7Breport%7Bid%7D%7D%7D".into();
            Sent { method: Method::GET, uri, body: Vec::new(), ..query(app, "") }
        }
        "a syntax error" => query(app, "{"),
        "an unknown field" => query(app, "{ nope }"),
        "an unknown operationName" => post(app, json!({ "query": "query A { __typename }", "operationName": "B" }).to_string()),
        "a variable that does not fit" => {
            post(app, json!({ "query": "query($n: Int) { reports(first: $n) { totalCount } }", "variables": { "n": "x" } }).to_string())
        }
        "a subscription that is not streamed" => query(app, "subscription { events { id } }"),
        "a document over a limit" => query(app, &"{a".repeat(300)),
        "an unknown persisted query" => post(app, persisted(Value::Null)),
        "an argument out of range" => query(app, "{ reports(first: 101) { totalCount } }"),
        "a permission is lacking" => query(app, "{ auditLog { totalCount } }"),
        "an id that names nothing visible" => query(app, SIGN),
        _ => return None,
    })
}

/// Sends in both media types, and compares with the row.
async fn check(app: &TestApp, row: &[String], sent: Sent) {
    let [what, strict, lenient, code] = row else { panic!("{row:?}") };
    for (accept, wanted) in [("application/graphql-response+json", strict), ("application/json", lenient)] {
        let mut request = Request::builder().method(sent.method.clone()).uri(&sent.uri).header("accept", accept);
        for (name, value) in &sent.headers {
            request = request.header(*name, value);
        }
        let (status, headers, body) = app.send(request.body(Body::from(sent.body.clone())).unwrap()).await;
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let error = &answer["errors"][0];
        assert_eq!((status.as_str(), error["extensions"]["code"].as_str()), (wanted.as_str(), Some(code.as_str())), "{what}: {answer}");
        assert_eq!(headers["content-type"], format!("{accept}; charset=utf-8"), "{what}");
        assert_eq!(error["extensions"]["requestId"], headers["x-request-id"].to_str().unwrap(), "{what}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{what}");
        let executed = answer["errors"].as_array().unwrap().iter().any(|error| error.get("path").is_some());
        assert_eq!(answer.get("data").is_some(), executed, "{what}: {answer}");
        let wait = matches!(status.as_u16(), 429 | 503);
        assert_eq!(headers.contains_key("retry-after"), wait, "{what}");
        assert_eq!(headers.contains_key("www-authenticate"), status == 401, "{what}");
        assert_eq!(headers.contains_key("allow"), status == 405, "{what}");
    }
}

#[tokio::test]
async fn each_failure_has_the_status_media_type_and_code_that_the_page_says() {
    let app = TestApp::on(Database::sqlite().await, |s| s).await;
    for row in table("<!-- failures -->") {
        match plain(&app, &row[0]) {
            Some(sent) => check(&app, &row, sent).await,
            None => Box::pin(special(&row)).await,
        }
    }
    app.end().await;
}

async fn with_settings(change: impl FnOnce(Settings) -> Settings) -> TestApp {
    TestApp::on(Database::sqlite().await, change).await
}

/// Rows that need an application of their own.
async fn special(row: &[String]) {
    match row[0].as_str() {
        "too many requests of a subject" => {
            let app = with_settings(|s| Settings { rate_limit: Some(RateLimit::Of("1/h".parse().unwrap())), ..s }).await;
            app.product().ask("{ __typename }", json!({})).await;
            check(&app, row, query(&app, "{ __typename }")).await;
            app.end().await;
        }
        "introspection where it is off" => {
            let app = with_settings(|s| Settings { introspection: Some(false), ..s }).await;
            check(&app, row, query(&app, "{ __schema { queryType { name } } }")).await;
            app.end().await;
        }
        "a document that is not registered" => {
            let manifest = std::env::temp_dir().join(format!("relsum-failures-{}.json", std::process::id()));
            std::fs::write(&manifest, "{ \"a\": \"{ __typename }\" }").unwrap();
            let app = with_settings(|s| Settings { persisted_documents: Some(manifest.clone()), persisted_only: true, ..s }).await;
            check(&app, row, query(&app, "{ viewer { name } }")).await;
            app.end().await;
            std::fs::remove_file(manifest).unwrap();
        }
        "the database is away" => {
            let app = with_settings(|s| s).await;
            app.app.store.clone().close().await;
            check(&app, row, query(&app, "{ reports { totalCount } }")).await;
            app.end().await;
        }
        "our fault" => {
            let app = with_settings(|s| s).await;
            let db = app.database.connect().await;
            db.execute_unprepared("ALTER TABLE report RENAME TO gone").await.unwrap();
            check(&app, row, query(&app, "{ reports { totalCount } }")).await;
            db.close().await.unwrap();
            app.end().await;
        }
        // Told by the test below.
        "the request takes too long" | "a lock or statement takes too long" => {}
        other => panic!("no request for the row {other:?}"),
    }
}

/// Somebody holds the report: whoever wants to write it waits.
#[tokio::test]
async fn what_takes_too_long_is_told_as_the_page_says() {
    for row in table("<!-- failures -->").into_iter().filter(|row| row[0].ends_with("takes too long")) {
        let Some(database) = Database::postgres().await else { return };
        let whole = row[0].starts_with("the request");
        let change = |s| if whole { Settings { request_timeout_ms: 200, ..s } } else { Settings { lock_timeout_ms: 200, ..s } };
        let app = TestApp::on(database, change).await;
        // Making the example takes longer than the limit that is tried here, on a busy machine.
        let patient = TestApp::beside(&app, |s| s).await;
        let kept = play(&patient, "created").await;
        let db = app.database.connect().await;
        let held = db.begin().await.unwrap();
        held.execute_unprepared("SELECT * FROM report FOR UPDATE").await.unwrap();
        let input = json!({ "id": kept["reportId"], "bugsFixed": 1 });
        let body = json!({ "query": sends("summaryUpdate", ""), "variables": { "input": input } }).to_string();
        check(&app, &row, post(&app, body)).await;
        held.rollback().await.unwrap();
        db.close().await.unwrap();
        patient.app.store.clone().close().await;
        app.end().await;
    }
}
