//! The native routes: `POST /api/v1/deployments`, its batch, and `POST /api/v1/builds`. Each is stored, folded and answered in one
//! transaction (`events.md` 23).

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, Utc};
use entity::pipeline::DeliveryWay;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;

use super::{
    answer::DeploymentAnswer,
    builds::{self, BuildAnswer, Registration},
    native::{self, Call, Raw},
    seen::Seen,
    telling::Untold,
};
use crate::{
    app::App,
    auth::Act,
    config::Settings,
    error::{Error, Lang, Result, UserErrorCode, say},
    graphql::{http::drain, input::Checks, negotiate::language},
    rest::{self, Refusals, refuse, request_id, take},
    store::{Origin, Permitted, idempotency, idempotency::Key, retrying},
};

/// An idempotency key, as it is described.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 200, pattern = "^[!-~]+$")]
#[expect(dead_code, reason = "describes a header")]
pub struct KeyText(String);

/// The statuses, as they are described.
#[derive(Debug, ToSchema, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "each is the status of that name")]
pub enum StatusName {
    Queued,
    Running,
    Succeeded,
    Failed,
    Canceled,
    RolledBack,
}

/// Calls of one batch.
pub const BATCH: usize = 500;

/// How many deliveries are at the database at once, and which idempotency keys are under way in this process.
pub struct Ingest {
    turns: Arc<Semaphore>,
    patience: Duration,
    under_way: Mutex<HashSet<(String, String)>>,
}

/// A key that is under way until this is dropped.
struct UnderWay<'a> {
    of: &'a Ingest,
    key: (String, String),
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.of.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Ingest {
    /// With nothing under way.
    pub fn new(settings: &Settings) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(settings.ingest_at_once)),
            patience: Duration::from_millis(settings.ingest_patience_ms),
            under_way: Mutex::default(),
        }
    }

    /// A turn at the database: a burst waits here, not for the connections that readers need.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE`, when it takes too long.
    pub async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turn = tokio::time::timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await;
        let long = || Error::Unavailable("the queue of deliveries is too long".into());
        turn.map_err(|_| long())?.map_err(|_| long())
    }

    fn begin(&self, subject: &str, key: Option<&str>) -> Result<Option<UnderWay<'_>>> {
        let Some(key) = key else { return Ok(None) };
        let key = (subject.to_owned(), key.to_owned());
        let fresh = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        if fresh { Ok(Some(UnderWay { of: self, key })) } else { Err(Error::UnderWay) }
    }
}

/// The body of a native call. Only `deploymentId` and `status` are always needed; the first call of a deployment also says where
/// (`environment`) and of what (`applicationNumber`, or `product` and `version`, or `project` and `commit`).
#[derive(Debug, ToSchema, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `native::read` reads, all errors of it at once")]
pub struct DeploymentReport {
    /// Your id of the deployment; later parts repeat it.
    #[schema(min_length = 1, max_length = 200, example = "netaudit-4.1.2-prod-1", pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$")]
    deployment_id: String,
    /// QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELED or ROLLED_BACK.
    #[schema(example = "SUCCEEDED")]
    status: StatusName,
    /// The environment as you name it; its class follows from the name.
    #[schema(min_length = 1, max_length = 200, example = "production", pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$")]
    environment: Option<String>,
    /// The release application.
    #[schema(example = "REL-APP-2026-001", pattern = r"^REL-APP-2[0-9]{3}-(00[1-9]|0[1-9][0-9]|[1-9][0-9]{2,8})$")]
    application_number: Option<String>,
    /// Key of the product, with `version`.
    #[schema(min_length = 1, max_length = 60, example = "netaudit", pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$")]
    product: Option<String>,
    /// The version, with `product`.
    #[schema(min_length = 1, max_length = 60, example = "V4.1.2", pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$")]
    version: Option<String>,
    /// The project in its code host, with `commit`, where the build was registered.
    #[schema(min_length = 1, max_length = 200, example = "github.com/xx/netaudit", pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$")]
    project: Option<String>,
    /// The commit.
    #[schema(min_length = 7, max_length = 64, pattern = "^[0-9a-fA-F]{7,64}$")]
    commit: Option<String>,
    /// Which attempt, from 1.
    #[schema(minimum = 1, maximum = 1_000_000)]
    attempt: Option<i32>,
    /// When it is to start.
    #[schema(example = "2026-03-28T21:42:10+08:00")]
    planned_start_at: Option<DateTime<Utc>>,
    /// When it is to finish.
    #[schema(example = "2026-03-28T21:42:10+08:00")]
    planned_finish_at: Option<DateTime<Utc>>,
    /// When it started; with RUNNING the time of the call, unless given.
    #[schema(example = "2026-03-28T21:42:10+08:00")]
    started_at: Option<DateTime<Utc>>,
    /// When it ended; with a status that ends it the time of the call, unless given.
    #[schema(example = "2026-03-28T21:42:10+08:00")]
    finished_at: Option<DateTime<Utc>>,
    /// When the oldest commit that is new with it was made: lead times start here.
    #[schema(example = "2026-03-28T21:42:10+08:00")]
    oldest_commit_at: Option<DateTime<Utc>>,
    /// `deploymentId` of what this one rolls back.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$")]
    rollback_of: Option<String>,
    /// Where it can be seen.
    #[schema(max_length = 2000, example = "https://ci.example.com/runs/42", pattern = "^https?://[!-~]+$")]
    url: Option<String>,
    /// Of members of OPS: subject of the pipeline whose deployment it is.
    #[schema(min_length = 1, max_length = 200, example = "ci-netaudit", pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$")]
    source: Option<String>,
}

/// Many calls at once, to fill in history: all of them are recorded, or none.
#[derive(Debug, ToSchema, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what is read")]
pub struct DeploymentBatch {
    /// At most 500, in any order.
    #[schema(min_items = 1, max_items = 500)]
    deployments: Vec<DeploymentReport>,
}

/// What a batch recorded.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// One for each call, in their order.
    deployments: Vec<DeploymentAnswer>,
}

/// A build to register: needs `applicationNumber`, or `product` and `version`.
#[derive(Debug, ToSchema, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `builds::read` reads, all errors of it at once")]
pub struct BuildRegistration {
    /// The project in its code host.
    #[schema(min_length = 1, max_length = 200, example = "github.com/xx/netaudit", pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$")]
    project: String,
    /// The commit, its whole hash.
    #[schema(pattern = "^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$", example = "03540e4eecf892a46485aa205c7af46e95583cbf")]
    commit: String,
    /// The release application.
    #[schema(example = "REL-APP-2026-001", pattern = r"^REL-APP-2[0-9]{3}-(00[1-9]|0[1-9][0-9]|[1-9][0-9]{2,8})$")]
    application_number: Option<String>,
    /// Key of the product.
    #[schema(min_length = 1, max_length = 60, example = "netaudit", pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$")]
    product: Option<String>,
    /// The version.
    #[schema(min_length = 1, max_length = 60, example = "V4.1.2", pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$")]
    version: Option<String>,
    /// Where the build can be seen.
    #[schema(max_length = 2000, example = "https://ci.example.com/runs/42", pattern = "^https?://[!-~]+$")]
    url: Option<String>,
}

/// A call that was let in.
struct Asked {
    origin: Origin,
    body: Vec<u8>,
    value: Value,
    key: Option<String>,
    lang: Lang,
}

/// Lets a call in: who asks, and the body as JSON.
async fn admit(app: &App, request: Request, most: usize) -> std::result::Result<(Asked, HeaderMap), Box<Response>> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let identity = match app.admit(&headers, &parts.extensions).await {
        Ok(identity) => identity,
        Err(error) => {
            drain(body).await;
            return Err(Box::new(refuse(&error, &headers)));
        }
    };
    let body = take(&headers, body, most, true).await?;
    let read = || -> Result<Asked> {
        let value = serde_json::from_slice(&body).map_err(|e| {
            Error::user(UserErrorCode::Invalid, "", say(format!("The body is no JSON: {e}"), format!("请求体不是有效的 JSON：{e}")))
        })?;
        let key = headers.get("idempotency-key").map(|v| v.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_graphic())));
        let key = key.map(|text| text.map(str::to_owned)).map_or(Ok(None), |text| text.map(Some).ok_or(())).map_err(|()| {
            let said = say("The key has visible ASCII characters only", "幂等键只能包含可见 ASCII 字符");
            Error::user(UserErrorCode::Invalid, "Idempotency-Key", said)
        })?;
        let origin = Origin { actor: identity.actor.clone(), request_id: request_id(&headers) };
        Ok(Asked { origin, value, key, lang: language(&headers), body: Vec::new() })
    };
    match read() {
        Ok(asked) => Ok((Asked { body, ..asked }, headers)),
        Err(error) => Err(Box::new(refuse(&error, &headers))),
    }
}

/// What is answered, and kept under the idempotency key.
struct Answered {
    status: StatusCode,
    body: String,
}

fn fresh(created: bool, body: &impl Serialize) -> Result<Answered> {
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Answered { status, body: serde_json::to_string(body).map_err(Error::internal)? })
}

/// What a call asks to be done.
enum Work {
    One(Box<Call>),
    Many(Vec<(Call, Vec<u8>)>),
    Build(Box<Registration>),
}

impl Work {
    /// Does it; what one call alone has still to tell is told with the commit.
    async fn run(&self, permitted: &mut Permitted, asked: &Asked, seen: Option<Seen>) -> Result<(Answered, Untold)> {
        let raw = |body: &[u8]| Raw { way: DeliveryWay::Native, body: body.to_vec(), key: asked.key.clone() };
        match self {
            Self::One(call) => {
                let (mut recorded, delivery) = native::run(permitted, (**call).clone(), raw(&asked.body), seen).await?;
                let untold = std::mem::take(&mut recorded.untold);
                Ok((fresh(recorded.created, &DeploymentAnswer::of(recorded, delivery, asked.lang))?, untold))
            }
            Self::Many(calls) => {
                let mut deployments = Vec::with_capacity(calls.len());
                for (index, (call, body)) in calls.iter().enumerate() {
                    let run = native::run(permitted, call.clone(), raw(body), None).await;
                    let (mut recorded, delivery) = run.map_err(|error| of_batch(error, index))?;
                    std::mem::take(&mut recorded.untold).note(permitted).await?;
                    deployments.push(DeploymentAnswer::of(recorded, delivery, asked.lang));
                }
                Ok((fresh(false, &BatchAnswer { deployments })?, Untold::default()))
            }
            Self::Build(registration) => {
                let built = builds::register(permitted, (**registration).clone()).await?;
                Ok((fresh(!built.repeated(), &built)?, Untold::default()))
            }
        }
    }
}

/// An error of one call of a batch names which.
fn of_batch(error: Error, index: usize) -> Error {
    match error {
        Error::User(errors) => Error::User(
            errors
                .into_iter()
                .map(|mut e| {
                    e.field.splice(0..0, ["deployments".to_owned(), index.to_string()]);
                    e
                })
                .collect(),
        ),
        other => other,
    }
}

/// Runs a call in its turn and in one transaction, once for each idempotency key.
async fn once(app: &App, place: &'static str, asked: &Asked, work: &Work) -> Result<Answered> {
    let _under_way = app.ingest.begin(&asked.origin.actor.subject, asked.key.as_deref())?;
    let _turn = app.ingest.turn().await?;
    let key = asked.key.clone().map(|key| Key::of_call(place, key, &asked.body));
    retrying(|| async {
        let (mut permitted, seen) = match (&key, work) {
            (None, Work::One(call)) => {
                native::begin(&app.store, &asked.origin, call).await.map(|(permitted, seen)| (permitted, Some(seen)))?
            }
            _ => (app.store.create(&asked.origin, Act::DeploymentRecord).await?, None),
        };
        if let Some(key) = &key
            && let Some(kept) = idempotency::answered(&permitted, key).await?
        {
            return kept_answer(&kept);
        }
        let (answered, untold) = Box::pin(work.run(&mut permitted, asked, seen)).await?;
        if let Some(key) = &key {
            let kept = json!({ "status": answered.status.as_u16(), "body": answered.body });
            idempotency::answer(&permitted, key, kept.to_string()).await?;
        }
        untold.commit(permitted).await?;
        Ok(answered)
    })
    .await
}

fn kept_answer(kept: &str) -> Result<Answered> {
    let kept: Value = serde_json::from_str(kept).map_err(Error::internal)?;
    let status = kept.get("status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok()).and_then(|s| StatusCode::from_u16(s).ok());
    let body = kept.get("body").and_then(Value::as_str);
    match (status, body) {
        (Some(status), Some(body)) => Ok(Answered { status, body: body.to_owned() }),
        _ => Err(Error::internal("an answer that was kept cannot be read")),
    }
}

fn respond(answered: Result<Answered>, headers: &HeaderMap) -> Response {
    match answered {
        Ok(Answered { status, body }) => rest::json(status, body),
        Err(error) => refuse(&error, headers),
    }
}

/// Report a deployment.
///
/// In one call when it is over, or in parts as it goes, under the same `deploymentId` and in any order. The answer names the report
/// and milestone that were touched, or says that the deployment is parked or held, and why. Requires: PIPELINE, or member of OPS.
#[utoipa::path(
    post,
    path = "/api/v1/deployments",
    operation_id = "reportDeployment",
    tag = "deployments",
    params(("Idempotency-Key" = inline(Option<KeyText>), Header, description = "The same key and body get the same status and answer.")),
    request_body = DeploymentReport,
    responses(
        (status = 200, description = "Recorded as a part of a deployment that is known, or said before", body = DeploymentAnswer),
        (status = 201, description = "Recorded as a new deployment", body = DeploymentAnswer),
        Refusals,
    ),
    security(("token" = [])),
)]
pub async fn deployments(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, headers) = match admit(&app, request, app.settings.hook_body_limit_bytes).await {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    respond(one(&app, &asked).await, &headers)
}

async fn one(app: &App, asked: &Asked) -> Result<Answered> {
    let call = native::read(&asked.value, "", app.store.now())?;
    once(app, "POST /api/v1/deployments", asked, &Work::One(Box::new(call))).await
}

/// Report many deployments at once.
///
/// To fill in history: at most 500 calls, in any order; all of them are recorded, or none. Requires: PIPELINE, or member of OPS.
#[utoipa::path(
    post,
    path = "/api/v1/deployments/batch",
    operation_id = "reportDeployments",
    tag = "deployments",
    params(("Idempotency-Key" = inline(Option<KeyText>), Header, description = "The same key and body get the same status and answer.")),
    request_body = DeploymentBatch,
    responses((status = 200, description = "All of them are recorded", body = BatchAnswer), Refusals),
    security(("token" = [])),
)]
pub async fn batch(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, headers) = match admit(&app, request, app.settings.body_limit_bytes).await {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    respond(many(&app, &asked).await, &headers)
}

async fn many(app: &App, asked: &Asked) -> Result<Answered> {
    let calls = calls_of(&asked.value, app.store.now())?;
    once(app, "POST /api/v1/deployments/batch", asked, &Work::Many(calls)).await
}

/// The calls of a batch, each with its own body.
fn calls_of(value: &Value, now: DateTime<Utc>) -> Result<Vec<(Call, Vec<u8>)>> {
    let object = native::object(value, "")?;
    let mut checks = Checks::default();
    native::known_only(&mut checks, object, "", &["deployments"]);
    let list = object.get("deployments").and_then(Value::as_array).filter(|list| (1..=BATCH).contains(&list.len()));
    checks.require(list.is_some(), UserErrorCode::Required, "deployments", || {
        say(format!("This is a list of 1 to {BATCH} calls"), format!("该字段应为 1 到 {BATCH} 个调用的列表"))
    });
    let mut calls = Vec::new();
    for (index, call) in list.into_iter().flatten().enumerate() {
        match native::read(call, &format!("deployments.{index}."), now) {
            Ok(read) => calls.push((read, call.to_string().into_bytes())),
            Err(Error::User(errors)) => errors.into_iter().for_each(|e| checks.fail(e.code, &e.field.join("."), e.message)),
            Err(other) => return Err(other),
        }
    }
    checks.done()?;
    Ok(calls)
}

/// Register a build.
///
/// Says for which application, or product and version, a commit of a project was built, so that deployments that name only project
/// and commit find their report. Requires: PIPELINE, or member of OPS.
#[utoipa::path(
    post,
    path = "/api/v1/builds",
    operation_id = "registerBuild",
    tag = "builds",
    params(("Idempotency-Key" = inline(Option<KeyText>), Header, description = "The same key and body get the same status and answer.")),
    request_body = BuildRegistration,
    responses(
        (status = 200, description = "It was registered before", body = BuildAnswer),
        (status = 201, description = "Registered", body = BuildAnswer),
        Refusals,
    ),
    security(("token" = [])),
)]
pub async fn builds(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, headers) = match admit(&app, request, app.settings.hook_body_limit_bytes).await {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    respond(build(&app, &asked).await, &headers)
}

async fn build(app: &App, asked: &Asked) -> Result<Answered> {
    let registration = builds::read(&asked.value)?;
    once(app, "POST /api/v1/builds", asked, &Work::Build(Box::new(registration))).await
}
