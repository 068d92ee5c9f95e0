//! The application: everything that a request needs, and the routes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{MatchedPath, Path, Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    cors::CorsLayer,
};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    auth::{
        keys::Keys,
        mint::development_secret,
        rates::Rates,
        seal::Seal,
        token::{Identity, Verifier},
    },
    clock::{Calendar, Clock},
    config::{Mode, Settings},
    dashboard,
    delivery::{dispatch::Dispatcher, envelope::Envelope, event::EventType, feed::Feed, guard::Guard, schemas},
    deployment::{openapi::document, sources::Sources, ways::Ingest},
    error::{Error, Result, say},
    graphql::{
        front::Front,
        graphiql,
        http::{REQUEST_ID, graphql},
        negotiate,
        places::Places,
        schema::{RelsumSchema, build, sdl},
    },
    observe, rest,
    scrape::{self, Scans},
    store::{Plans, Pool, Store, connect},
    telemetry,
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
    /// The gate and the documents.
    pub front: Front,
    /// How often somebody may ask.
    pub rates: Rates,
    /// Ingestion sources, ready for use.
    pub sources: Arc<Sources>,
    /// Takes events to their sinks; whoever works runs it.
    pub dispatcher: Arc<Dispatcher>,
    /// What the job of due dates did.
    pub scans: Scans,
    /// What pipelines send waits here for its turn.
    pub ingest: Ingest,
    /// The event log as it grows; whoever serves runs it.
    pub feed: Arc<Feed>,
    /// Sockets and streams.
    pub places: Arc<Places>,
    /// Told when the service stops: sockets and streams end then.
    pub stop: CancellationToken,
}

impl App {
    /// Opens the database and the keys.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub async fn open(settings: Settings, clock: Arc<Clock>) -> Result<Self, String> {
        let plans = Plans::default();
        let db = connect(&settings, &plans).await.map_err(|e| format!("RELSUM_DATABASE_URL: {e}"))?;
        let patience = Duration::from_millis(settings.lock_timeout_ms);
        let pool = Pool::over(db, plans, observe::stated);
        let store = Store::new(pool, clock, Calendar { zone: settings.time_zone }, patience);
        Self::over(settings, store)
    }

    /// Who asks: counted by address before their token is looked at, and by subject after.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `RATE_LIMITED`.
    pub async fn admit(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Identity> {
        self.rates.address(headers, extensions)?;
        let authorization = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        let identity = self.verifier.identity_of(authorization).await?;
        self.rates.subject(&identity.actor.subject)?;
        Ok(identity)
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
        observe::recorder();
        let seal = Arc::new(Seal::new(&settings)?);
        let store = store.rolling(crate::metrics::rollup::rolls);
        let schema = build(&settings);
        Ok(Self {
            verifier,
            front: Front::new(&settings, &schema)?,
            schema,
            rates: Rates::new(&settings),
            dispatcher: Arc::new(Dispatcher::new(store.clone(), &settings, Arc::clone(&seal), Guard::new(settings.sink_allow.clone()))?),
            sources: Arc::new(Sources::new(seal)),
            scans: Scans::default(),
            ingest: Ingest::new(&settings),
            feed: Arc::new(Feed::new(store.clone(), &settings)),
            places: Arc::new(Places::new(&settings)),
            stop: CancellationToken::new(),
            store,
            settings,
        })
    }
}

/// Answers from this size on, in bytes, are worth compressing.
const COMPRESS_FROM: u64 = 2_048;

/// The routes, each with its rule (`operations.md`): `/livez`, `/readyz`, the page and, if so configured, `/metrics` are open, everything else needs a token.
pub fn router(app: Arc<App>) -> Router {
    let settings = &app.settings;
    let mut router: Router<Arc<App>> = Router::new()
        .route("/graphql", get(graphql).post(graphql))
        .route("/schema.graphql", get(schema))
        .route("/openapi.json", get(openapi))
        .route("/schemas/events/{file}", get(event_schema))
        .merge(crate::deployment::openapi::router())
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready));
    if settings.metrics.unwrap_or(settings.development()) {
        router = router.route("/metrics", get(metrics));
    }
    if settings.dashboard {
        router = router.merge(dashboard::routes());
    }
    if settings.graphiql.unwrap_or(settings.development()) {
        router = router.merge(graphiql::routes());
    }
    router
        .fallback(|headers: HeaderMap| async move { problem(StatusCode::NOT_FOUND, "There is nothing at this address", &headers) })
        .method_not_allowed_fallback(|headers: HeaderMap| async move {
            problem(StatusCode::METHOD_NOT_ALLOWED, "This address does not take that method", &headers)
        })
        .layer(CompressionLayer::new().gzip(true).compress_when(SizeAbove::new(COMPRESS_FROM).and(NotForContentType::SSE)))
        .layer(from_fn_with_state(Arc::clone(&app), in_time))
        .layer(CatchPanicLayer::custom(|_| problem(StatusCode::INTERNAL_SERVER_ERROR, "Internal error", &HeaderMap::new())))
        .layer(cors(settings))
        .layer(from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

/// The origins that may call from their own pages. Tokens travel in a header, so no credentials are allowed.
fn cors(settings: &Settings) -> CorsLayer {
    let origins = settings.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            header::ACCEPT_LANGUAGE,
            HeaderName::from_static(REQUEST_ID),
            HeaderName::from_static("apollo-require-preflight"),
        ])
        .expose_headers([HeaderName::from_static(REQUEST_ID), header::RETRY_AFTER])
        .max_age(Duration::from_secs(3_600))
}

/// Gives up what takes too long. GraphQL answers its own timeout a moment before.
async fn in_time(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let patience = Duration::from_millis(app.settings.request_timeout_ms) + Duration::from_secs(1);
    let headers = request.headers().clone();
    tokio::time::timeout(patience, next.run(request)).await.unwrap_or_else(|_| {
        let error = Error::Timeout("the request took too long".into());
        let detail = error.message().text(negotiate::language(&headers)).to_owned();
        rest::problem(StatusCode::GATEWAY_TIMEOUT, error.code(), &detail, &headers, Vec::new())
    })
}

/// The request id in and out, and the security headers.
async fn around(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let tls = app.rates.behind_tls(request.headers(), request.extensions());
    let name = HeaderName::from_static(REQUEST_ID);
    let given = request.headers().get(&name).and_then(|v| v.to_str().ok());
    let fits = |id: &&str| (1..=100).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    let id = given.filter(fits).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let value = HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
    request.headers_mut().insert(name.clone(), value.clone());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let (method, began) = (request.method().clone(), Instant::now());
    let span = telemetry::request(method.as_str(), &route, &id, request.headers());
    let mut answer = next.run(request).instrument(span.clone()).await;
    span.record("status", answer.status().as_u16());
    observe::answered(&route, method.as_str(), answer.status().as_u16(), began.elapsed());
    let headers = answer.headers_mut();
    headers.insert(name, value);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    answer
}

/// An RFC 9457 problem.
fn problem(status: StatusCode, detail: &str, headers: &HeaderMap) -> Response {
    let code = match status {
        StatusCode::NOT_FOUND => "NOT_FOUND",
        StatusCode::SERVICE_UNAVAILABLE => "SERVICE_UNAVAILABLE",
        StatusCode::INTERNAL_SERVER_ERROR => "INTERNAL_SERVER_ERROR",
        _ => "BAD_USER_INPUT",
    };
    rest::problem(status, code, detail, headers, Vec::new())
}

/// `/readyz`: whether the database answers and its schema is ours.
async fn ready(State(app): State<Arc<App>>) -> Response {
    match tokio::time::timeout(Duration::from_secs(5), app.store.ready()).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(why)) => problem(StatusCode::SERVICE_UNAVAILABLE, &why, &HeaderMap::new()),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "database: no answer within 5 s", &HeaderMap::new()),
    }
}

/// `/metrics`, where the configuration opens it.
async fn metrics(State(app): State<Arc<App>>) -> Response {
    match tokio::time::timeout(Duration::from_secs(5), scrape::page(&app.store, &app.scans)).await {
        Ok(Ok(page)) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response(),
        Ok(Err(_)) | Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "database: no answer", &HeaderMap::new()),
    }
}

/// What the listener of `RELSUM_METRICS_LISTEN` serves: `/metrics` alone.
pub fn metrics_router(app: Arc<App>) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(app)
}

/// `/schema.graphql`, for those with a token.
async fn schema(State(app): State<Arc<App>>, request: Request) -> Response {
    contract(&app, (request.headers(), request.extensions()), "text/plain; charset=utf-8", sdl).await
}

/// `/openapi.json`, for those with a token.
async fn openapi(State(app): State<Arc<App>>, request: Request) -> Response {
    contract(&app, (request.headers(), request.extensions()), "application/json", document).await
}

/// `/schemas/events/{type}.json`, for those with a token.
async fn event_schema(State(app): State<Arc<App>>, Path(file): Path<String>, request: Request) -> Response {
    let (headers, extensions) = (request.headers(), request.extensions());
    let kind = file.strip_suffix(".json").and_then(EventType::of);
    match (app.admit(headers, extensions).await, kind) {
        (Err(error), _) => rest::refuse(&error, headers),
        (Ok(_), Some(kind)) => {
            ([(header::CONTENT_TYPE, "application/schema+json")], schemas::file(kind, &Envelope::new(&app.settings))).into_response()
        }
        (Ok(_), None) => rest::refuse(&Error::NotFound(say("There is no such type of event", "不存在该事件类型")), headers),
    }
}

async fn contract(app: &App, (headers, extensions): (&HeaderMap, &Extensions), kind: &'static str, text: fn() -> String) -> Response {
    match app.admit(headers, extensions).await {
        Ok(_) => ([(header::CONTENT_TYPE, kind)], text()).into_response(),
        Err(error) => rest::refuse(&error, headers),
    }
}
