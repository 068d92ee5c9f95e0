//! Making, changing, rotating, enabling and removing event sinks; and a ping that tells at once whether one answers.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use entity::{
    event_sink,
    sink::{DisabledReason, SinkKind, SinkState},
    sink_secret,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid, sea_query::Expr};
use serde_json::{Value, json};

use super::{
    dispatch::{Dispatcher, about},
    event::EventType,
    sink::EventSink,
};
use crate::{
    auth::{Act, seal::webhook_secret},
    catalog::department::check_codes,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::{Checks, SHORT, expect_version},
        payload::{UserError, answer},
        scalars::Url,
    },
    store::{
        Change, Origin, Permitted, Store,
        idempotency::{self, Key},
        insert, update,
    },
};

/// A new sink. Of a webhook `url`; of NATS `stream` and `subjectPrefix`.
#[derive(Debug, Clone, InputObject)]
pub struct EventSinkCreateInput {
    /// Name.
    pub name: String,
    /// What kind of receiver.
    pub kind: SinkKind,
    /// Address of the webhook. It may not resolve to a special address, unless `RELSUM_SINK_ALLOW` names its network.
    pub url: Option<Url>,
    /// Secret of the webhook: `whsec_` and 24 to 64 bytes in base64; made up unless given.
    pub secret: Option<String>,
    /// Stream of NATS JetStream: letters, digits, `-` and `_`.
    pub stream: Option<String>,
    /// What stands before the type in subjects of NATS: letters, digits, `-`, `_` and dots. Default `relsum`.
    pub subject_prefix: Option<String>,
    /// Only events of these types; all but edits of content unless given.
    pub types: Option<Vec<EventType>>,
    /// Only events about actions and problems of these departments, by code; whatever the department unless given.
    pub departments: Option<Vec<String>>,
    /// The same key and input give the same sink; the secret is shown the first time only.
    pub idempotency_key: Option<String>,
}

/// A patch of a sink: what is omitted stays, `null` clears a filter.
#[derive(Debug, Clone, InputObject)]
pub struct EventSinkUpdateInput {
    /// The sink.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// Name.
    pub name: MaybeUndefined<String>,
    /// Address of the webhook.
    pub url: MaybeUndefined<Url>,
    /// Only events of these types, from now on.
    pub types: MaybeUndefined<Vec<EventType>>,
    /// Only events of these departments, from now on.
    pub departments: MaybeUndefined<Vec<String>>,
    /// `true` delivers, what has waited first; `false` lets everything wait.
    pub enabled: MaybeUndefined<bool>,
}

/// A new secret for a webhook.
#[derive(Debug, Clone, InputObject)]
pub struct EventSinkSecretRotateInput {
    /// The sink.
    pub id: ID,
    /// The new secret; made up unless given.
    pub secret: Option<String>,
    /// Hours for which the secrets of before sign too, 0 to 720. Default 24.
    pub keep_old_hours: Option<i32>,
}

/// Which sink to remove.
#[derive(Debug, Clone, InputObject)]
pub struct EventSinkRemoveInput {
    /// The sink.
    pub id: ID,
}

/// Which sink to try.
#[derive(Debug, Clone, InputObject)]
pub struct EventSinkPingInput {
    /// The sink, enabled or not.
    pub id: ID,
}

/// What `eventSinkCreate` answers.
#[derive(SimpleObject)]
pub struct EventSinkCreatePayload {
    /// The new sink; null when there are user errors.
    event_sink: Option<EventSink>,
    /// Its secret, shown this once.
    secret: Option<String>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `eventSinkUpdate` answers.
#[derive(SimpleObject)]
pub struct EventSinkUpdatePayload {
    /// The changed sink; null when there are user errors.
    event_sink: Option<EventSink>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `eventSinkSecretRotate` answers.
#[derive(SimpleObject)]
pub struct EventSinkSecretRotatePayload {
    /// The sink; null when there are user errors.
    event_sink: Option<EventSink>,
    /// Its new secret, shown this once.
    secret: Option<String>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `eventSinkRemove` answers.
#[derive(SimpleObject)]
pub struct EventSinkRemovePayload {
    /// Whether it is gone; null when there are user errors.
    removed: Option<bool>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `eventSinkPing` answers.
#[derive(SimpleObject)]
pub struct EventSinkPingPayload {
    /// Whether the receiver took a test event; null when there are user errors.
    delivered: Option<bool>,
    /// Status of HTTP, if it answered.
    status: Option<i32>,
    /// What went wrong.
    error: Option<String>,
    /// How long it took.
    milliseconds: Option<i32>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of sinks.
#[derive(Default)]
pub struct SinkMutation;

#[Object]
impl SinkMutation {
    /// Adds a sink, which is told of events from now on. Its secret is shown in this answer only, and kept encrypted.
    async fn event_sink_create(&self, ctx: &Context<'_>, input: EventSinkCreateInput) -> Result<EventSinkCreatePayload> {
        let dispatcher = dispatcher(ctx)?;
        let (made, user_errors) = answer(ctx, |store, origin| create(store, origin, dispatcher, input.clone())).await?;
        let (sink, secret) = made.map_or((None, None), |(sink, secret)| (Some(sink), secret));
        Ok(EventSinkCreatePayload { event_sink: shown(ctx, sink).await?, secret, user_errors })
    }

    /// Changes a sink's address and filters, or whether it is delivered to.
    async fn event_sink_update(&self, ctx: &Context<'_>, input: EventSinkUpdateInput) -> Result<EventSinkUpdatePayload> {
        let dispatcher = dispatcher(ctx)?;
        let (sink, user_errors) = answer(ctx, |store, origin| edit(store, origin, dispatcher, input.clone())).await?;
        Ok(EventSinkUpdatePayload { event_sink: shown(ctx, sink).await?, user_errors })
    }

    /// Gives a webhook a new secret; those of before sign too for a while, so that the receiver can change over.
    async fn event_sink_secret_rotate(&self, ctx: &Context<'_>, input: EventSinkSecretRotateInput) -> Result<EventSinkSecretRotatePayload> {
        let dispatcher = dispatcher(ctx)?;
        let (made, user_errors) = answer(ctx, |store, origin| rotate(store, origin, dispatcher, input.clone())).await?;
        let (sink, secret) = made.map_or((None, None), |(sink, secret)| (Some(sink), Some(secret)));
        Ok(EventSinkSecretRotatePayload { event_sink: shown(ctx, sink).await?, secret, user_errors })
    }

    /// Removes a sink for good; its deliveries stay readable.
    async fn event_sink_remove(&self, ctx: &Context<'_>, input: EventSinkRemoveInput) -> Result<EventSinkRemovePayload> {
        let (removed, user_errors) = answer(ctx, |store, origin| remove(store, origin, input.clone())).await?;
        Ok(EventSinkRemovePayload { removed, user_errors })
    }

    /// Sends a test event (`ops.ping.v1`) to a sink at once, past its queue, and tells what came of it.
    async fn event_sink_ping(&self, ctx: &Context<'_>, input: EventSinkPingInput) -> Result<EventSinkPingPayload> {
        let dispatcher = dispatcher(ctx)?;
        let (sink, user_errors) = answer(ctx, |store, origin| permitted_sink(store, origin, &input.id)).await?;
        let Some(sink) = sink else {
            return Ok(EventSinkPingPayload { delivered: None, status: None, error: None, milliseconds: None, user_errors });
        };
        let tried = dispatcher.ping(&sink).await?;
        Ok(EventSinkPingPayload {
            delivered: Some(tried.error.is_none()),
            status: tried.status,
            error: tried.error,
            milliseconds: Some(tried.milliseconds),
            user_errors,
        })
    }
}

async fn shown(ctx: &Context<'_>, sink: Option<event_sink::Model>) -> Result<Option<EventSink>> {
    match sink {
        Some(sink) => Ok(Some(EventSink::with_queue(ctx, sink).await?)),
        None => Ok(None),
    }
}

fn dispatcher<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Dispatcher>> {
    ctx.data().map_err(|e| Error::internal(e.message))
}

fn check_secret(checks: &mut Checks, secret: Option<&String>) {
    let Some(secret) = secret else { return };
    let key = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    checks.require(key.is_some_and(|key| (24..=64).contains(&key.len())), UserErrorCode::Invalid, "secret", || {
        say("A secret is whsec_ and 24 to 64 bytes in base64", "密钥格式为 whsec_ 加 24 到 64 字节的 base64")
    });
}

fn check_name(checks: &mut Checks, path: &str, text: &str, dots: bool) {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || (dots && c == '.');
    let whole = !text.is_empty() && text.len() <= 100 && text.chars().all(fits) && !text.split('.').any(str::is_empty);
    checks.require(whole, UserErrorCode::Invalid, path, || say("This has letters, digits, - and _ only", "只能包含字母、数字、- 和 _"));
}

async fn check_url(checks: &mut Checks, dispatcher: &Dispatcher, url: &Url) {
    match url.0.parse() {
        Ok(parsed) => {
            if let Some(said) = dispatcher.guard().objects_to(&parsed).await {
                checks.fail(UserErrorCode::Invalid, "url", said);
            }
        }
        Err(_) => checks.fail(UserErrorCode::Invalid, "url", say("This is no address", "不是有效地址")),
    }
}

fn names(types: &[EventType]) -> Value {
    json!(types.iter().map(|kind| kind.name()).collect::<Vec<_>>())
}

async fn check_departments(permitted: &Permitted, checks: &mut Checks, list: &[String]) -> Result<()> {
    checks.require(!list.is_empty(), UserErrorCode::Required, "departments", || {
        say("Name at least one department, or leave it out", "请至少给出一个部门，或省略该字段")
    });
    check_codes(permitted, checks, "departments", list, &[]).await
}

fn check_types(checks: &mut Checks, types: &[EventType]) {
    checks.require(!types.is_empty(), UserErrorCode::Required, "types", || {
        say("Name at least one type, or leave it out", "请至少给出一种类型，或省略该字段")
    });
}

async fn add_secret(permitted: &Permitted, dispatcher: &Dispatcher, sink_id: Uuid, secret: &str) -> Result<()> {
    let id = Uuid::now_v7();
    let sealed = dispatcher.seal().seal(&about(id), secret)?;
    insert(permitted, sink_secret::Model { id, sink_id, sealed, created_at: permitted.now(), ends_at: None }).await
}

async fn create(
    store: &Store,
    origin: &Origin,
    dispatcher: &Dispatcher,
    input: EventSinkCreateInput,
) -> Result<(event_sink::Model, Option<String>)> {
    let retry = Key::of("eventSinkCreate", input.idempotency_key.as_deref(), &input);
    let EventSinkCreateInput { name, kind, url, secret, stream, subject_prefix, types, departments, idempotency_key: _ } = input;
    let mut checks = Checks::default();
    checks.filled("name", &name, SHORT);
    let webhook = kind == SinkKind::Webhook;
    checks.require(url.is_some() == webhook, UserErrorCode::Required, "url", || {
        say("A WEBHOOK has a url, and nothing else has", "仅 WEBHOOK 须给出 url")
    });
    checks.require(stream.is_some() != webhook, UserErrorCode::Required, "stream", || {
        say("NATS has a stream, and nothing else has", "仅 NATS 须给出 stream")
    });
    checks
        .require(webhook || secret.is_none(), UserErrorCode::Invalid, "secret", || say("Only a WEBHOOK has a secret", "仅 WEBHOOK 有密钥"));
    checks.require(webhook || dispatcher.has_broker(), UserErrorCode::Invalid, "kind", || {
        say("This service has no broker: RELSUM_NATS_URL is not set", "服务未配置 NATS（RELSUM_NATS_URL）")
    });
    check_secret(&mut checks, secret.as_ref());
    let prefix = (!webhook).then(|| subject_prefix.unwrap_or_else(|| "relsum".into()));
    if let Some(stream) = &stream {
        check_name(&mut checks, "stream", stream, false);
    }
    if let Some(prefix) = &prefix {
        check_name(&mut checks, "subjectPrefix", prefix, true);
    }
    if let Some(types) = &types {
        check_types(&mut checks, types);
    }
    // Names are looked up before the transaction begins.
    if let Some(url) = url.as_ref().filter(|_| webhook) {
        check_url(&mut checks, dispatcher, url).await;
    }
    let permitted = store.create(origin, Act::SinkManage).await?;
    if let Some(id) = idempotency::taken(&permitted, retry.as_ref()).await? {
        let id: Uuid = id.parse().map_err(Error::internal)?;
        let made = event_sink::Entity::find_by_id(id).one(permitted.conn()).await?;
        return made.map(|made| (made, None)).ok_or_else(|| Error::not_found("EventSink"));
    }
    if let Some(departments) = &departments {
        check_departments(&permitted, &mut checks, departments).await?;
    }
    checks.done()?;
    let row = event_sink::Model {
        id: Uuid::now_v7(),
        name,
        kind,
        url: url.map(|u| u.0),
        stream,
        subject_prefix: prefix,
        types: types.as_deref().map(names),
        departments: departments.map(|d| json!(d)),
        state: SinkState::Enabled,
        disabled_reason: None,
        disabled_at: None,
        failing_since: None,
        last_success_at: None,
        last_error: None,
        created_at: permitted.now(),
        version: 1,
    };
    insert(&permitted, row.clone()).await?;
    let mut shown = None;
    if webhook {
        let secret = secret.map_or_else(webhook_secret, Ok)?;
        add_secret(&permitted, dispatcher, row.id, &secret).await?;
        shown = Some(secret);
    }
    idempotency::done(&permitted, retry.as_ref(), row.id).await?;
    permitted.commit(Change::of("eventSinkCreate").added("EventSink", row.id, &row)).await?;
    Ok((row, shown))
}

/// The sink under its lock; a removed one is absent.
async fn opened(permitted: &Permitted, id: &ID) -> Result<event_sink::Model> {
    let found = event_sink::Entity::find_by_id(Kind::EventSink.uuid(id)?)
        .filter(event_sink::Column::State.ne(SinkState::Removed))
        .lock_exclusive()
        .one(permitted.conn())
        .await?;
    found.ok_or_else(|| Error::not_found("EventSink"))
}

async fn permitted_sink(store: &Store, origin: &Origin, id: &ID) -> Result<event_sink::Model> {
    let permitted = store.create(origin, Act::SinkManage).await?;
    opened(&permitted, id).await
}

async fn edit(store: &Store, origin: &Origin, dispatcher: &Dispatcher, input: EventSinkUpdateInput) -> Result<event_sink::Model> {
    let EventSinkUpdateInput { id, expected_version, name, url, types, departments, enabled } = input;
    let mut checks = Checks::default();
    if let MaybeUndefined::Value(url) = &url {
        check_url(&mut checks, dispatcher, url).await;
    }
    let permitted = store.create(origin, Act::SinkManage).await?;
    let before = opened(&permitted, &id).await?;
    expect_version(expected_version, before.version)?;
    let mut row = before.clone();
    checks.patch_filled("name", name, SHORT, &mut row.name);
    checks.require(url.is_undefined() || row.kind == SinkKind::Webhook, UserErrorCode::Invalid, "url", || {
        say("Only a WEBHOOK has a url", "仅 WEBHOOK 有 url")
    });
    match url {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => checks.cannot_clear("url"),
        MaybeUndefined::Value(url) => row.url = Some(url.0),
    }
    match types {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => row.types = None,
        MaybeUndefined::Value(types) => {
            check_types(&mut checks, &types);
            row.types = Some(names(&types));
        }
    }
    match departments {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => row.departments = None,
        MaybeUndefined::Value(list) => {
            check_departments(&permitted, &mut checks, &list).await?;
            row.departments = Some(json!(list));
        }
    }
    match enabled {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => checks.cannot_clear("enabled"),
        MaybeUndefined::Value(true) => {
            (row.state, row.disabled_reason, row.disabled_at, row.failing_since) = (SinkState::Enabled, None, None, None);
        }
        MaybeUndefined::Value(false) if row.state == SinkState::Enabled => {
            (row.state, row.disabled_reason, row.disabled_at) = (SinkState::Disabled, Some(DisabledReason::ByHand), Some(permitted.now()));
        }
        MaybeUndefined::Value(false) => {}
    }
    checks.done()?;
    let change = Change::of("eventSinkUpdate").edited("EventSink", row.id, &before, &row);
    if change.is_empty() {
        return Ok(row);
    }
    row.version += 1;
    update(&permitted, row.clone()).await?;
    if row.state == SinkState::Enabled && before.state != SinkState::Enabled {
        crate::store::deliveries::resume(&permitted, row.id).await?;
    }
    permitted.commit(change).await?;
    store.post_bell().notify_one();
    Ok(row)
}

async fn rotate(
    store: &Store,
    origin: &Origin,
    dispatcher: &Dispatcher,
    input: EventSinkSecretRotateInput,
) -> Result<(event_sink::Model, String)> {
    use sink_secret::Column;
    let EventSinkSecretRotateInput { id, secret, keep_old_hours } = input;
    let permitted = store.create(origin, Act::SinkManage).await?;
    let before = opened(&permitted, &id).await?;
    let hours = keep_old_hours.unwrap_or(24);
    let mut checks = Checks::default();
    check_secret(&mut checks, secret.as_ref());
    checks.require(before.kind == SinkKind::Webhook, UserErrorCode::Invalid, "id", || {
        say("Only a WEBHOOK has a secret", "仅 WEBHOOK 有密钥")
    });
    checks.require((0..=720).contains(&hours), UserErrorCode::OutOfRange, "keepOldHours", || {
        say("Secrets of before sign for 0 to 720 hours", "旧密钥可保留 0 到 720 小时")
    });
    checks.done()?;
    let secret = secret.map_or_else(webhook_secret, Ok)?;
    let end = permitted.now() + TimeDelta::hours(hours.into());
    let of_sink = Column::SinkId.eq(before.id);
    sink_secret::Entity::delete_many().filter(of_sink.clone()).filter(Column::EndsAt.lte(permitted.now())).exec(permitted.conn()).await?;
    sink_secret::Entity::update_many()
        .col_expr(Column::EndsAt, Expr::value(end))
        .filter(of_sink)
        .filter(Condition::any().add(Column::EndsAt.is_null()).add(Column::EndsAt.gt(end)))
        .exec(permitted.conn())
        .await?;
    add_secret(&permitted, dispatcher, before.id, &secret).await?;
    let mut row = before;
    row.version += 1;
    update(&permitted, row.clone()).await?;
    let change = Change::of("eventSinkSecretRotate").field("EventSink", row.id, "secret", "(secret)", "(another)");
    permitted.commit(change.field("EventSink", row.id, "oldSecretsEndAt", None::<()>, end)).await?;
    Ok((row, secret))
}

async fn remove(store: &Store, origin: &Origin, input: EventSinkRemoveInput) -> Result<bool> {
    let permitted = store.create(origin, Act::SinkManage).await?;
    let before = opened(&permitted, &input.id).await?;
    let row = event_sink::Model {
        state: SinkState::Removed,
        disabled_reason: None,
        // Another may have its name.
        name: format!("{} (removed {})", before.name, before.id),
        version: before.version + 1,
        ..before.clone()
    };
    update(&permitted, row.clone()).await?;
    permitted.commit(Change::of("eventSinkRemove").removed("EventSink", before.id, &before)).await?;
    Ok(true)
}
