//! The application: everything that a request needs, and the routes.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, timeout::TimeoutLayer};
use uuid::Uuid;

use crate::{
    auth::{keys::Keys, mint::development_secret, token::Verifier},
    clock::{Calendar, Clock},
    config::{Mode, Settings},
    graphql::{
        front::{REQUEST_ID, graphql},
        graphiql,
        schema::{RelsumSchema, build, sdl},
    },
    store::{Store, connect},
};

/// Everything that a request needs. No state that matters lives here: any replica can answer any request.
pub struct App {
    /// The settings.
    pub settings: Settings,
    /// The database.
    pub store: Store,
    /// The schema.
    pub schema: RelsumSchema,
    /// Verifies tokens.
    pub verifier: Verifier,
}

impl App {
    /// Opens the database and the keys.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub async fn open(settings: Settings, clock: Arc<Clock>) -> Result<Self, String> {
        let db = connect(&settings).await.map_err(|e| format!("RELSUM_DATABASE_URL: {e}"))?;
        let patience = Duration::from_millis(settings.lock_timeout_ms);
        let store = Store::new(db, clock, Calendar { zone: settings.time_zone }, patience);
        Self::over(settings, store)
    }

    /// Over a store that is open already.
    ///
    /// # Errors
    /// What is wrong with the keys.
    pub fn over(settings: Settings, store: Store) -> Result<Self, String> {
        let keys = match (&settings.jwt_jwks, settings.mode) {
            (Some(place), _) => Keys::jwks(place, &settings.jwt_algorithms)?,
            (None, Mode::Development) => Keys::secret(&development_secret(&settings)?),
            (None, Mode::Production) => return Err("RELSUM_JWT_JWKS: production mode needs it".into()),
        };
        let verifier = Verifier::new(keys, &settings);
        Ok(Self { schema: build(&settings), store, verifier, settings })
    }
}

/// The routes, each with its rule (`operations.md`): `/livez`, `/readyz` and the page are open, everything else needs a token.
pub fn router(app: Arc<App>) -> Router {
    let settings = &app.settings;
    let timeout = Duration::from_millis(settings.request_timeout_ms);
    let mut router: Router<Arc<App>> = Router::new()
        .route("/graphql", get(graphql).post(graphql))
        .route("/schema.graphql", get(schema))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready));
    if settings.graphiql.unwrap_or(settings.development()) {
        router = router.merge(graphiql::routes());
    }
    router
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "There is nothing at this address") })
        .method_not_allowed_fallback(|| async { problem(StatusCode::METHOD_NOT_ALLOWED, "This address does not take that method") })
        .layer(CompressionLayer::new().gzip(true))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, timeout))
        .layer(CatchPanicLayer::custom(|_| problem(StatusCode::INTERNAL_SERVER_ERROR, "Internal error")))
        .layer(from_fn(around))
        .with_state(app)
}

/// The request id in and out, and the security headers.
async fn around(mut request: Request, next: Next) -> Response {
    let name = HeaderName::from_static(REQUEST_ID);
    let given = request.headers().get(&name).and_then(|v| v.to_str().ok());
    let fits = |id: &&str| (1..=100).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    let id = given.filter(fits).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let value = HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
    request.headers_mut().insert(name.clone(), value.clone());
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    headers.insert(name, value);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    answer
}

/// An RFC 9457 problem.
fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({ "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// `/readyz`: whether the database answers and its schema is ours.
async fn ready(State(app): State<Arc<App>>) -> Response {
    match tokio::time::timeout(Duration::from_secs(5), app.store.ready()).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(why)) => problem(StatusCode::SERVICE_UNAVAILABLE, &why),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "database: no answer within 5 s"),
    }
}

/// `/schema.graphql`, for those with a token.
async fn schema(State(app): State<Arc<App>>, request: Request) -> Response {
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    match app.verifier.actor_of(authorization).await {
        Ok(_) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], sdl()).into_response(),
        Err(error) => {
            let mut answer = problem(StatusCode::UNAUTHORIZED, &error.message().en);
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            answer
        }
    }
}
