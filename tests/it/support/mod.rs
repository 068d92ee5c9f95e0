//! The harness: an application on a database of its own, people with tokens, and short ways to ask.

pub mod awkward;
pub mod database;
pub mod guide;
pub mod live;
pub mod plain;
pub mod process;
pub mod receiver;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use relsum::{
    app::{App, router},
    auth::{
        Actor,
        actor::{membership_from, role_from},
        mint::{Signer, token},
    },
    clock::{Calendar, Clock},
    config::{Secret, Settings},
    store::Store,
};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The secret that tests sign with.
pub const SECRET: &str = "a secret that only the tests know, 32 bytes and more";

/// An application on a database of its own.
pub struct TestApp {
    pub app: Arc<App>,
    pub router: Router,
    pub clock: Arc<Clock>,
    pub settings: Settings,
    /// Statements that the service sent.
    pub statements: Arc<AtomicUsize>,
    /// Tables that were written, while somebody looks.
    pub written: Arc<Mutex<Option<Vec<String>>>>,
    pub database: database::Database,
}

/// Somebody with memberships such as `PRODUCT:HEAD` and roles such as `AUDITOR`.
pub fn actor(name: &str, claims: &[&str]) -> Actor {
    let roles = claims.iter().filter_map(|c| role_from(c)).collect();
    let memberships = claims.iter().filter(|c| role_from(c).is_none()).map(|c| membership_from(c).unwrap()).collect();
    Actor { subject: format!("u-{name}"), name: name.to_owned(), memberships, roles, products: vec![] }
}

/// Settings as tests want them.
pub fn settings(database_url: &str) -> Settings {
    Settings {
        database_url: Secret(database_url.to_owned()),
        jwt_secret: Some(Secret(SECRET.to_owned())),
        demo: false,
        sink_allow: vec!["127.0.0.0/8".parse().unwrap()],
        encryption_key: Some(Secret("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".into())),
        database_connections: 8,
        ..Settings::default()
    }
}

/// Tells a story on each database.
pub async fn each_database(story: impl AsyncFn(&TestApp)) {
    for database in database::Database::each().await {
        eprintln!("on {}", database.name());
        let app = TestApp::on(database, |settings| settings).await;
        story(&app).await;
        app.end().await;
    }
}

impl TestApp {
    /// Starts on a fresh database, with changed settings.
    pub async fn on(database: database::Database, change: impl FnOnce(Settings) -> Settings) -> Self {
        let settings = change(settings(database.url()));
        let plans = relsum::store::Plans::default();
        let db = relsum::store::connect(&settings, &plans).await.unwrap();
        let statements = Arc::new(AtomicUsize::new(0));
        let written: Arc<Mutex<Option<Vec<String>>>> = Arc::new(Mutex::new(None));
        let (count, look) = (Arc::clone(&statements), Arc::clone(&written));
        let pool = relsum::store::Pool::over(db, plans, move |info| {
            count.fetch_add(1, Ordering::Relaxed);
            relsum::observe::stated(info);
            if let Some(tables) = look.lock().unwrap().as_mut() {
                let mut words = info.statement.sql.split_whitespace();
                let table = match words.next() {
                    Some("INSERT") => words.nth(1),
                    Some("UPDATE") => words.next(),
                    Some("DELETE") => words.nth(1),
                    Some("DISCARD") => words.next(),
                    _ => None,
                };
                tables.extend(table.map(|t| t.trim_matches('"').to_owned()));
            }
        });
        let clock = Arc::new(Clock::default());
        let store = Store::new(pool, Arc::clone(&clock), Calendar { zone: settings.time_zone }, std::time::Duration::from_secs(20));
        let app = Arc::new(App::over(settings.clone(), store).unwrap());
        Self { router: router(Arc::clone(&app)), app, clock, settings, statements, written, database }
    }

    /// Another application on the same database: a replica, or one with other settings.
    pub async fn beside(other: &Self, change: impl FnOnce(Settings) -> Settings) -> Self {
        Self::on(other.database.again(), change).await
    }

    /// Closes and removes the database.
    pub async fn end(self) {
        let Self { app, router, database, .. } = self;
        drop(router);
        app.store.clone().close().await;
        database.remove().await;
    }

    /// A person with memberships such as `PRODUCT:HEAD` and roles such as `AUDITOR`.
    pub fn person(&self, name: &str, claims: &[&str]) -> Person<'_> {
        self.person_for(name, claims, 3_600)
    }

    /// The same, with a token that lasts so many seconds.
    pub fn person_for(&self, name: &str, claims: &[&str], seconds: i64) -> Person<'_> {
        let token = token(&self.settings, &Signer::Secret(SECRET.into()), &actor(name, claims), self.clock.now(), seconds).unwrap();
        Person { app: self, token, language: "en" }
    }

    /// A pipeline that is bound to products.
    pub fn person_bound(&self, name: &str, claims: &[&str], products: &[&str]) -> Person<'_> {
        let actor = Actor { products: products.iter().map(|p| (*p).to_owned()).collect(), ..actor(name, claims) };
        let token = token(&self.settings, &Signer::Secret(SECRET.into()), &actor, self.clock.now(), 3_600).unwrap();
        Person { app: self, token, language: "en" }
    }

    /// The head of the product department.
    pub fn product(&self) -> Person<'_> {
        self.person("张伟", &["PRODUCT:HEAD"])
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        (status, headers, to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    /// How many rows the tables of content, audit and events hold: a refused act changes none.
    pub async fn fingerprint(&self) -> String {
        self.database.fingerprint().await
    }
}

impl TestApp {
    /// Announces what is due, as the job does; how many events.
    pub async fn announces(&self) -> usize {
        let plan = relsum::improvement::due::Plan::new(&self.settings);
        relsum::improvement::announce::scan(&self.app.store, &plan).await.unwrap()
    }

    /// Delivers what is due to every sink, as the job does, until nothing is; how many attempts.
    pub async fn delivers(&self) -> usize {
        let mut count = 0;
        loop {
            let sinks = self.app.store.sinks_with_work().await.unwrap();
            if sinks.is_empty() {
                return count;
            }
            for sink in sinks {
                count += self.app.dispatcher.drain(sink, &Default::default()).await.unwrap();
            }
        }
    }

    /// Works what waits, as the job does, until nothing does.
    pub async fn works(&self) -> usize {
        relsum::deployment::working::work(&self.app, &Default::default()).await.unwrap()
    }
}

/// Somebody with a token.
#[derive(Clone)]
pub struct Person<'a> {
    app: &'a TestApp,
    pub token: String,
    language: &'static str,
}

impl<'a> Person<'a> {
    /// The same person, reading Chinese.
    pub fn in_chinese(mut self) -> Self {
        self.language = "zh-CN";
        self
    }

    /// Sends a document, and gives the whole answer.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        self.post(json!({ "query": query, "variables": variables })).await
    }

    /// Sends a body, and gives the whole answer.
    pub async fn post(&self, body: Value) -> Value {
        let body = body.to_string();
        let request = Request::builder()
            .method(Method::POST)
            .uri("/graphql")
            .header("content-type", "application/json")
            .header("accept-language", self.language)
            .header("authorization", format!("Bearer {}", self.token));
        let (_, _, body) = self.app.send(request.body(Body::from(body)).unwrap()).await;
        serde_json::from_slice(&body).unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&body)))
    }

    /// Posts JSON to a path over REST: status and body.
    pub async fn posts(&self, path: &str, body: &Value) -> (u16, Value) {
        self.posts_with(path, &[], body.to_string().into_bytes()).await
    }

    /// The same, with more headers and any bytes.
    pub async fn posts_with(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Value) {
        let mut request =
            Request::post(path).header("authorization", format!("Bearer {}", self.token)).header("accept-language", self.language);
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, _, body) = self.app.send(request.body(Body::from(body)).unwrap()).await;
        let body = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&body)));
        (status.as_u16(), body)
    }

    /// Sends a document that asks for a stream, and gives the first answer in it.
    pub async fn post_for_stream(&self, query: &str) -> Value {
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {}", self.token));
        let (_, _, body) = self.app.send(request.body(Body::from(json!({ "query": query }).to_string())).unwrap()).await;
        let text = String::from_utf8(body).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_else(|| panic!("no event: {text}"));
        serde_json::from_str(data).unwrap()
    }

    /// The data of an answer without errors.
    pub async fn read(&self, query: &str, variables: Value) -> Value {
        let answer = self.ask(query, variables).await;
        assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
        answer["data"].clone()
    }

    /// Calls a mutation, and gives its payload.
    pub async fn call(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let answer = self.ask(&sends(mutation, selection), json!({ "input": input })).await;
        assert!(answer.get("errors").is_none(), "{mutation} {input}\n{answer:#}");
        answer["data"][mutation].clone()
    }

    /// Calls a mutation that must pass, and gives its payload.
    pub async fn does(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let payload = self.call(mutation, input.clone(), selection).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation} {input}");
        payload
    }

    /// Calls a mutation that must be refused by user errors: `CODE path`, in order.
    pub async fn is_refused(&self, mutation: &str, input: Value) -> Vec<String> {
        let payload = self.call(mutation, input.clone(), "").await;
        let errors = payload["userErrors"].as_array().unwrap();
        assert!(!errors.is_empty(), "{mutation} {input} was not refused");
        errors.iter().map(told).collect()
    }

    /// Calls a mutation that must be refused by a top-level error: its code.
    pub async fn is_denied(&self, mutation: &str, input: Value) -> String {
        let answer = self.ask(&sends(mutation, ""), json!({ "input": input })).await;
        answer["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("{mutation} {input} was not denied: {answer:#}"))
            .to_owned()
    }

    /// How a mutation ends: `ok`, the user errors, or the code of the top-level error.
    pub async fn outcome(&self, mutation: &str, input: Value) -> String {
        let answer = self.ask(&sends(mutation, ""), json!({ "input": input })).await;
        if let Some(error) = answer["errors"].get(0) {
            return error["extensions"]["code"].as_str().unwrap_or("no code").to_owned();
        }
        let errors = answer["data"][mutation]["userErrors"].as_array().cloned().unwrap_or_default();
        if errors.is_empty() { "ok".into() } else { errors.iter().map(told).collect::<Vec<_>>().join(", ") }
    }
}

fn told(error: &Value) -> String {
    let path: Vec<&str> = error["field"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    format!("{} {}", error["code"].as_str().unwrap(), path.join("."))
}

/// The document that calls a mutation with `$input`.
pub fn sends(mutation: &str, selection: &str) -> String {
    let mut input = mutation.to_owned();
    input[..1].make_ascii_uppercase();
    format!(
        "mutation($input: {input}Input!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ code field message currentVersion department }} }} }}"
    )
}
