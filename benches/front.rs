//! What the front costs: CPU per request through the whole front (token, gate, variables, kept documents, answer), and through a
//! handler without it that does what is left: parse, execute, serialise. `cargo bench --bench front`.

#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may fail loudly")]

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::Request,
    routing::post,
};
use migration::{Migrator, MigratorTrait};
use relsum::{
    app::{App, router},
    auth::{
        Actor,
        actor::membership_from,
        mint::{Signer, token},
    },
    clock::Clock,
    config::{Secret, Settings},
    demo,
    error::Lang,
    graphql::{
        context::{Caller, Loaders},
        drive::drive,
    },
    store::Origin,
};
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRET: &str = "a secret that only this benchmark knows, 32 bytes";
const ROUNDS: u32 = 7;

/// CPU of this process so far, in seconds: all threads, so that the database's count too.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // utime and stime, in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn actor() -> Actor {
    Actor {
        subject: "u-1".into(),
        name: "张伟".into(),
        memberships: vec![membership_from("PRODUCT:HEAD").unwrap()],
        roles: vec![],
        products: vec![],
    }
}

/// The handler without a front.
async fn bare(State(app): State<Arc<App>>, body: Bytes) -> String {
    let request: async_graphql::Request = serde_json::from_slice(&body).unwrap();
    let (loaders, mut asked) = Loaders::new(app.store.clone());
    let caller = Caller { origin: Origin { actor: actor(), request_id: "x".into() }, lang: Lang::En };
    let request = request.data(caller).data(loaders).data(app.store.clone());
    serde_json::to_string(&drive(app.schema.execute(request), &mut asked).await).unwrap()
}

async fn open(change: impl FnOnce(Settings) -> Settings) -> Arc<App> {
    let settings =
        Settings { database_url: Secret("sqlite::memory:".into()), jwt_secret: Some(Secret(SECRET.into())), ..Settings::default() };
    let clock = Arc::new(Clock::default());
    let db = relsum::store::connect(&settings, &relsum::store::Plans::default()).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    let calendar = relsum::clock::Calendar { zone: settings.time_zone };
    let pool = relsum::store::Pool::over(db, relsum::store::Plans::default(), |_| {});
    let store = relsum::store::Store::new(pool, clock, calendar, Duration::from_secs(5));
    demo::fill(&store, demo::REPORTS).await.unwrap();
    Arc::new(App::over(change(settings), store).unwrap())
}

async fn run(router: &Router, token: &str, body: &str, times: u32) -> f64 {
    let before = cpu();
    for _ in 0..times {
        let request =
            Request::post("/graphql").header("content-type", "application/json").header("authorization", format!("Bearer {token}"));
        let answer = router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    }
    (cpu() - before) * 1e6 / f64::from(times)
}

/// The median of the rounds, in microseconds.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let app = open(|s| s).await;
    let forgetful = open(|s| Settings { document_cache_bytes: 0, ..s }).await;
    let token = token(&app.settings, &Signer::Secret(SECRET.into()), &actor(), app.store.now(), 36_000).unwrap();
    let number = "REL-SUM-2026-001";
    let full =
        format!("{} query($number: String!) {{ report(by: {{number: $number}}) {{ ...Full }} }}", include_str!("full-report.graphql"));
    let page = "query($n: Int) { reports(first: $n) { totalCount nodes { id number version state product { name } milestones { kind status } } } }";
    println!("CPU per request in microseconds, median of {ROUNDS} rounds; SQLite in memory, its thread included");
    for (what, body, times) in [
        ("{ __typename }", json!({ "query": "{ __typename }" }), 20_000),
        ("{ viewer { name } }", json!({ "query": "{ viewer { name memberships { department role } } }" }), 20_000),
        ("one full report", json!({ "query": full, "variables": { "number": number } }), 300),
        ("a page of 20", json!({ "query": page, "variables": { "n": 20 } }), 1_000),
    ] {
        let body = Value::to_string(&body);
        let mut rounds = [Vec::new(), Vec::new(), Vec::new()];
        let routers = [
            router(Arc::clone(&app)),
            router(Arc::clone(&forgetful)),
            Router::new().route("/graphql", post(bare)).with_state(Arc::clone(&app)),
        ];
        for round in 0..=ROUNDS {
            for (figures, router) in rounds.iter_mut().zip(&routers) {
                let figure = run(router, &token, &body, times).await;
                // The first round warms up.
                if round > 0 {
                    figures.push(figure);
                }
            }
        }
        let [front, cold, bare] = rounds.map(median);
        println!(
            "{what:<22} front {front:8.1}   front, no document kept {cold:8.1}   handler without a front {bare:8.1}   front - handler {:+8.1}",
            front - bare
        );
    }
}
