//! The floor: an axum handler that runs the one best SQL statement for an answer and returns its bytes. `benches/run` measures it beside
//! the service, on the same PostgreSQL. No tokens, no rights, no GraphQL.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a measuring stick may fail loudly")]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::{Router, extract::State, http::header, response::IntoResponse, routing::post};
use sqlx::{PgPool, postgres::PgPoolOptions};

static COUNT: AtomicU64 = AtomicU64::new(0);

async fn answer(pool: &PgPool, sql: &'static str, value: Option<String>) -> impl IntoResponse + use<> {
    let query = sqlx::query_scalar::<_, String>(sql);
    let query = if let Some(value) = value { query.bind(value) } else { query };
    ([(header::CONTENT_TYPE, "application/json")], query.fetch_one(pool).await.unwrap())
}

fn next(prefix: &str) -> Option<String> {
    Some(format!("{prefix}{}", COUNT.fetch_add(1, Relaxed)))
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (url, number) = (arguments.next().expect("a database"), arguments.next().expect("a report's number"));
    let pool = PgPoolOptions::new().max_connections(10).connect(&url).await.unwrap();
    let full = move |State(pool): State<PgPool>, _: String| async move {
        answer(&pool, include_str!("floor/full.sql"), Some(number.clone())).await.into_response()
    };
    let routes = Router::new()
        .route("/full", post(full))
        .route(
            "/page",
            post(async |State(pool): State<PgPool>, _: String| answer(&pool, include_str!("floor/page.sql"), None).await.into_response()),
        )
        .route(
            "/overview",
            post(async |State(pool): State<PgPool>, _: String| {
                answer(&pool, include_str!("floor/overview.sql"), None).await.into_response()
            }),
        )
        .route(
            "/create",
            post(async |State(pool): State<PgPool>, _: String| {
                answer(&pool, include_str!("floor/create.sql"), next("REL-APP-2098-")).await.into_response()
            }),
        )
        .route(
            "/deploy",
            post(async |State(pool): State<PgPool>, _: String| {
                answer(&pool, include_str!("floor/deploy.sql"), next("floor-")).await.into_response()
            }),
        )
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8097").await.unwrap();
    axum::serve(listener, routes).await.unwrap();
}
