//! What surrounds a request: how often one may ask, who may call from a page, what the headers say, what is compressed.

use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use relsum::config::{RateLimit, Settings};
use serde_json::json;

use crate::support::{TestApp, database::Database, live::Served};

async fn app(change: impl FnOnce(Settings) -> Settings) -> TestApp {
    TestApp::on(Database::sqlite().await, change).await
}

fn rate(text: &str) -> Option<RateLimit> {
    Some(RateLimit::Of(text.parse().unwrap()))
}

#[tokio::test]
async fn a_subject_that_asks_too_often_waits_and_others_do_not() {
    let app = app(|s| Settings { rate_limit: rate("3/h"), ..s }).await;
    let person = app.product();
    for _ in 0..3 {
        assert_eq!(person.ask("{ __typename }", json!({})).await["data"]["__typename"], "Query");
    }
    let answer = person.ask("{ __typename }", json!({})).await;
    let error = &answer["errors"][0]["extensions"];
    assert_eq!(error["code"], "RATE_LIMITED");
    assert!((1_100..=1_200).contains(&error["retryAfterSeconds"].as_i64().unwrap()), "a third of an hour: {error}");
    assert_eq!(app.person("王芳", &["PRODUCT"]).ask("{ __typename }", json!({})).await["data"]["__typename"], "Query");
    app.end().await;
}

#[tokio::test]
async fn an_address_is_counted_before_anybody_knows_who_asks_and_proxies_are_believed_only_if_trusted() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for trusted in [false, true] {
        let networks = if trusted { vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()] } else { vec![] };
        let app = app(|s| Settings { rate_limit_address: rate("3/h"), trusted_proxies: networks, ..s }).await;
        let served = Served::start(&app).await;
        let status = async |forwarded: &str| {
            let request = reqwest::Client::new().post(format!("http://{}/graphql", served.address)).header("x-forwarded-for", forwarded);
            request.bearer_auth("a.b.c").body("{}").send().await.unwrap().status().as_u16()
        };
        for _ in 0..3 {
            assert_eq!(status("203.0.113.1").await, 401, "guessing tokens");
        }
        assert_eq!(status("203.0.113.1").await, 429);
        // Another client behind the same proxy; what it wrote into the header itself is not believed.
        assert_eq!(status("203.0.113.2").await, if trusted { 401 } else { 429 });
        assert_eq!(status("203.0.113.9, 203.0.113.1, 10.0.0.1").await, 429);
        assert_eq!(status("203.0.113.9, 203.0.113.1:4711").await, 429, "some proxies tell the port");
        served.end().await;
        app.end().await;
    }
}

#[tokio::test]
async fn pages_of_listed_origins_may_call_and_no_others() {
    let app = app(|s| Settings { cors_origins: vec!["https://portal.example.com".into()], ..s }).await;
    let preflight = async |origin: &str| {
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri("/graphql")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        app.send(request.body(Body::empty()).unwrap()).await.1
    };
    let allowed = preflight("https://portal.example.com").await;
    assert_eq!(allowed["access-control-allow-origin"], "https://portal.example.com");
    let headers = allowed["access-control-allow-headers"].to_str().unwrap();
    assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
    assert_eq!(allowed.get("access-control-allow-credentials"), None);
    assert_eq!(preflight("https://evil.example.com").await.get("access-control-allow-origin"), None);
    let plain = self::app(|s| s).await;
    let request = Request::post("/graphql").header("origin", "https://portal.example.com").body(Body::empty()).unwrap();
    assert_eq!(plain.send(request).await.1.get("access-control-allow-origin"), None, "by default nobody's");
    plain.end().await;
    app.end().await;
}

async fn ask(app: &TestApp, query: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", app.product().token));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(json!({ "query": query }).to_string())).unwrap()).await
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_accept_it() {
    let app = app(|s| s).await;
    let labels = "{ enumLabels { enum value label } }";
    let (_, headers, body) = ask(&app, labels, &[("accept-encoding", "gzip")]).await;
    assert_eq!((headers["content-encoding"].to_str().unwrap(), &body[..2]), ("gzip", &[0x1f, 0x8b][..]));
    let vary: Vec<&str> = headers.get_all("vary").iter().map(|v| v.to_str().unwrap()).collect();
    let vary = vary.join(",").to_lowercase();
    assert!(["accept", "accept-language", "authorization", "accept-encoding"].iter().all(|name| vary.contains(name)), "{vary}");
    assert_eq!(ask(&app, labels, &[]).await.1.get("content-encoding"), None);
    assert_eq!(
        ask(&app, "{ __typename }", &[("accept-encoding", "gzip")]).await.1.get("content-encoding"),
        None,
        "a small one is not worth it"
    );
    app.end().await;
}

#[tokio::test]
async fn transport_security_is_asked_for_behind_a_trusted_proxy_that_speaks_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let app = app(|s| Settings { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..s }).await;
    let served = Served::start(&app).await;
    let header = async |proto: &str| {
        let request = reqwest::Client::new().get(format!("http://{}/livez", served.address)).header("x-forwarded-proto", proto);
        request.send().await.unwrap().headers().get("strict-transport-security").is_some()
    };
    assert!(header("https").await);
    assert!(!header("http").await);
    let (_, headers, _) = ask(&app, "{ __typename }", &[("x-forwarded-proto", "https")]).await;
    assert_eq!(headers.get("strict-transport-security"), None, "nobody vouches for it");
    served.end().await;
    app.end().await;
}

#[tokio::test]
async fn a_large_body_is_answered_over_a_real_connection_whoever_sends_it() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let app = app(|s| s).await;
    let served = Served::start(&app).await;
    let client = reqwest::Client::new();
    for (token, status) in [(app.product().token, 413), ("a.b.c".to_owned(), 401)] {
        let body = json!({ "query": "x".repeat(3_000_000) }).to_string();
        let request = client.post(format!("http://{}/graphql", served.address)).bearer_auth(token);
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert!(answer["errors"][0]["extensions"]["code"].is_string(), "{answer}");
    }
    served.end().await;
    app.end().await;
}

#[tokio::test]
async fn who_accepts_nothing_of_ours_is_told_what_there_is() {
    let app = app(|s| s).await;
    for accept in ["text/html", "application/json;q=0", "image/*"] {
        let (status, headers, body) = ask(&app, "{ __typename }", &[("accept", accept)]).await;
        let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status.as_u16(), &answer["errors"][0]["extensions"]["code"]), (406, &json!("BAD_USER_INPUT")), "{accept}");
        assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    }
    app.end().await;
}
