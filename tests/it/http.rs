//! The HTTP front: negotiation, status codes, limits, headers, the page.

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use relsum::config::Settings;
use serde_json::{Value, json};

use crate::support::{TestApp, database::Database, each_database};

const GRAPHQL: &str = "application/graphql-response+json";

async fn sqlite() -> TestApp {
    TestApp::on(Database::sqlite().await, |s| s).await
}

/// Sends a body to `/graphql`, and gives status, headers and JSON.
async fn post(app: &TestApp, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, HeaderMap, Value) {
    let token = app.product().token;
    let mut request = Request::post("/graphql");
    if !headers.iter().any(|(name, _)| *name == "authorization") {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    let (status, headers, body) = app.send(request.body(body.into()).unwrap()).await;
    (status, headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn queries_go_over_get_and_mutations_do_not() {
    let app = sqlite().await;
    let get = async |query: &str| {
        let uri = format!("/graphql?{query}");
        let request = Request::get(uri).header("authorization", format!("Bearer {}", app.product().token)).header("accept", GRAPHQL);
        let (status, headers, body) = app.send(request.body(Body::empty()).unwrap()).await;
        (status.as_u16(), headers, serde_json::from_slice::<Value>(&body).unwrap())
    };
    let (status, _, answer) = get("query=query($a:Boolean!){a:viewer%20@include(if:$a)%7Bname%7D}&variables=%7B%22a%22:true%7D").await;
    assert_eq!((status, &answer["data"]), (200, &json!({ "a": { "name": "张伟" } })));
    let (status, _, answer) = get("query=query%20A%7Ba:__typename%7Dquery%20B%7Bb:__typename%7D&operationName=B").await;
    assert_eq!((status, &answer["data"]), (200, &json!({ "b": "Query" })));
    let (status, headers, _) = get("query=mutation%7B__typename%7D").await;
    assert_eq!((status, headers["allow"].to_str().unwrap()), (405, "POST"));
    assert_eq!(get("query=%7B__typename%7D&variables=5").await.0, 400);
    app.end().await;
}

#[tokio::test]
async fn the_request_id_comes_back_and_headers_protect() {
    let app = sqlite().await;
    let (_, headers, _) =
        post(&app, &[("content-type", "application/json"), ("x-request-id", "abc-123")], json!({ "query": "{__typename}" }).to_string())
            .await;
    assert_eq!(headers["x-request-id"], "abc-123");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
    let (_, headers, _) = post(&app, &[("content-type", "application/json"), ("x-request-id", "a b\tc")], "{}").await;
    assert_ne!(headers["x-request-id"], "a b\tc");
    app.end().await;
}

#[tokio::test]
async fn the_page_and_the_probes_are_open_and_the_schema_needs_a_token() {
    let app = sqlite().await;
    let get = async |uri: &str, token: Option<String>| {
        let mut request = Request::get(uri);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (status, _, body) = app.send(request.body(Body::empty()).unwrap()).await;
        (status.as_u16(), body)
    };
    for open in [
        "/",
        "/graphiql/graphiql.js",
        "/graphiql/graphiql.css",
        "/graphiql/react.js",
        "/graphiql/react-dom.js",
        "/graphiql/page.js",
        "/livez",
        "/readyz",
        "/metrics",
    ] {
        assert_eq!(get(open, None).await.0, 200, "{open}");
    }
    let page = String::from_utf8(get("/", None).await.1).unwrap();
    assert!(!page.contains("://"), "the page loads nothing from elsewhere");
    assert_eq!(get("/schema.graphql", None).await.0, 401);
    let (status, schema) = get("/schema.graphql", Some(app.product().token)).await;
    assert_eq!((status, String::from_utf8(schema).unwrap()), (200, relsum::graphql::schema::sdl()));
    assert_eq!(get("/nowhere", None).await.0, 404);
    app.end().await;
}

#[tokio::test]
async fn production_turns_page_and_introspection_off() {
    let jwks = std::env::temp_dir().join(format!("relsum-jwks-{}.json", std::process::id()));
    std::fs::write(&jwks, relsum::auth::mint::key_pair().unwrap().1).unwrap();
    let app = TestApp::on(Database::sqlite().await, |s| relsum::config::Settings {
        graphiql: Some(false),
        introspection: Some(false),
        suggestions: Some(false),
        ..s
    })
    .await;
    let request = Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(app.send(request).await.0, StatusCode::NOT_FOUND);
    let answer = app.product().ask("{ __schema { types { name } } }", json!({})).await;
    assert!(answer["data"].is_null() || answer["data"]["__schema"].is_null(), "{answer}");
    let answer = app.product().ask("{ reprots { totalCount } }", json!({})).await;
    assert!(!answer["errors"][0]["message"].as_str().unwrap().contains("Did you mean"), "{answer}");
    std::fs::remove_file(jwks).unwrap();
    app.end().await;
}

#[tokio::test]
async fn introspection_by_the_usual_tools_passes() {
    each_database(async |app| {
        let deep = "ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } }";
        let query = format!("{{ __schema {{ queryType {{ name }} mutationType {{ name }} types {{ kind name description isOneOf fields(includeDeprecated: true) {{ name description args {{ name type {{ kind name {deep} }} defaultValue }} type {{ kind name {deep} }} }} inputFields {{ name type {{ kind name {deep} }} }} enumValues {{ name description }} possibleTypes {{ name }} }} directives {{ name locations args {{ name }} }} }} }}");
        let data = app.product().read(&query, json!({})).await;
        assert_eq!(data["__schema"]["queryType"]["name"], "Query");
    })
    .await;
}

#[tokio::test]
async fn a_call_whose_body_does_not_end_is_given_up_in_words() {
    let app = TestApp::on(Database::sqlite().await, |s| Settings { request_timeout_ms: 100, ..s }).await;
    let token = app.person("ci-netaudit", &["PIPELINE"]).token;
    let endless = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let request = Request::post("/api/v1/deployments")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("accept-language", "zh")
        .header("x-request-id", "run-42");
    let (status, headers, body) = app.send(request.body(endless).unwrap()).await;
    assert_eq!((status.as_u16(), headers["content-type"].to_str().unwrap()), (504, "application/problem+json"));
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&answer["code"], &answer["requestId"]), (&json!("TIMEOUT"), &json!("run-42")), "{answer:#}");
    assert!(answer["detail"].as_str().unwrap().contains("超时"), "{answer:#}");
    app.end().await;
}
