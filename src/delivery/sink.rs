//! Event sinks as administrators see them, and how their queues stand.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    event_sink,
    sink::{DeliveryState, DisabledReason, SinkKind, SinkState},
    sink_secret,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, prelude::Uuid};

use super::event::EventType;
use crate::{
    auth::{Act, Facts, policy},
    error::Result,
    graphql::{
        context::{actor, children, store},
        ids::Kind,
        scalars::{Instant, Url},
    },
    store::Store,
};

/// How the queue of a sink stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Queue {
    /// Deliveries that wait.
    pub waiting: i64,
    /// Deliveries that are given up.
    pub dead: i64,
    /// When the oldest of those that wait was queued.
    pub oldest: Option<DateTime<Utc>>,
}

/// Who is told of events: a webhook, or a NATS JetStream stream.
#[derive(Clone)]
pub struct EventSink(pub event_sink::Model, pub Queue);

/// A secret of a sink; the secret itself is never shown again.
#[derive(SimpleObject)]
pub struct SinkSecret {
    /// When it was set.
    created_at: Instant,
    /// Until when it signs too, once it was rotated.
    ends_at: Option<Instant>,
}

fn texts(list: Option<&serde_json::Value>) -> Option<Vec<String>> {
    list.and_then(|list| serde_json::from_value(list.clone()).ok())
}

/// Who is told of events: a webhook, or a NATS JetStream stream.
#[Object]
impl EventSink {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::EventSink.id(self.0.id)
    }

    /// Name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What kind of receiver.
    async fn kind(&self) -> SinkKind {
        self.0.kind
    }

    /// Address of a webhook.
    async fn url(&self) -> Option<Url> {
        self.0.url.clone().map(Url)
    }

    /// Stream of NATS JetStream; made when it is first used, if there is none.
    async fn stream(&self) -> Option<&str> {
        self.0.stream.as_deref()
    }

    /// What stands before the type in subjects of NATS: `relsum` gives `relsum.action.overdue.v1`.
    async fn subject_prefix(&self) -> Option<&str> {
        self.0.subject_prefix.as_deref()
    }

    /// Only events of these types; null: all but edits of content.
    async fn types(&self) -> Option<Vec<EventType>> {
        Some(texts(self.0.types.as_ref())?.iter().filter_map(|name| EventType::of(name)).collect())
    }

    /// Only events about actions and problems of these departments; null: whatever the department.
    async fn departments(&self) -> Option<Vec<String>> {
        texts(self.0.departments.as_ref())
    }

    /// Whether it is delivered to.
    async fn state(&self) -> SinkState {
        self.0.state
    }

    /// Why it is disabled. What is for it waits.
    async fn disabled_reason(&self) -> Option<DisabledReason> {
        self.0.disabled_reason
    }

    /// Since when it is disabled.
    async fn disabled_at(&self) -> Option<Instant> {
        self.0.disabled_at.map(Instant)
    }

    /// First failure since the last success; null while all is well.
    async fn failing_since(&self) -> Option<Instant> {
        self.0.failing_since.map(Instant)
    }

    /// Last success.
    async fn last_success_at(&self) -> Option<Instant> {
        self.0.last_success_at.map(Instant)
    }

    /// What went wrong last.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// Deliveries that wait.
    async fn waiting(&self) -> i32 {
        i32::try_from(self.1.waiting).unwrap_or(i32::MAX)
    }

    /// Deliveries whose every attempt failed.
    async fn dead(&self) -> i32 {
        i32::try_from(self.1.dead).unwrap_or(i32::MAX)
    }

    /// Since when the oldest of them waits.
    async fn oldest_waiting_since(&self) -> Option<Instant> {
        self.1.oldest.map(Instant)
    }

    /// Its secrets, without the secrets themselves.
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Vec<SinkSecret>> {
        let rows = children::<sink_secret::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().map(|s| SinkSecret { created_at: Instant(s.created_at), ends_at: s.ends_at.map(Instant) }).collect())
    }

    /// When it was made.
    async fn created_at(&self) -> Instant {
        Instant(self.0.created_at)
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// How the queues stand, by sink.
///
/// # Errors
/// A fault of the database.
pub async fn queues(store: &Store) -> Result<HashMap<Uuid, Queue>> {
    let mut all: HashMap<Uuid, Queue> = HashMap::new();
    for (sink, state, number, oldest) in store.queue_lengths().await? {
        let queue = all.entry(sink).or_default();
        match state {
            DeliveryState::Waiting => (queue.waiting, queue.oldest) = (number, oldest),
            DeliveryState::Dead => queue.dead = number,
            DeliveryState::Delivered => {}
        }
    }
    Ok(all)
}

impl EventSink {
    /// With its queue.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn with_queue(ctx: &Context<'_>, row: event_sink::Model) -> Result<Self> {
        let queue = queues(store(ctx)?).await?.get(&row.id).copied().unwrap_or_default();
        Ok(Self(row, queue))
    }
}

/// Queries on sinks.
#[derive(Default)]
pub struct SinkQuery;

#[Object]
impl SinkQuery {
    /// All event sinks by name; none unless you administer them.
    async fn event_sinks(&self, ctx: &Context<'_>) -> Result<Vec<EventSink>> {
        if policy::allows(actor(ctx)?, Act::SinkManage, &Facts::default()).is_err() {
            return Ok(Vec::new());
        }
        let store = store(ctx)?;
        let rows = store.sinks().await?;
        let queues = queues(store).await?;
        let with = |row: event_sink::Model| {
            let queue = queues.get(&row.id).copied().unwrap_or_default();
            EventSink(row, queue)
        };
        Ok(rows.into_iter().map(with).collect())
    }
}

/// The sink with this id, if the caller administers them.
///
/// # Errors
/// A fault of the database.
pub async fn one(ctx: &Context<'_>, id: &ID) -> Result<Option<EventSink>> {
    let Ok(id) = Kind::EventSink.uuid(id) else { return Ok(None) };
    if policy::allows(actor(ctx)?, Act::SinkManage, &Facts::default()).is_err() {
        return Ok(None);
    }
    let row = store(ctx)?.one(event_sink::Entity::find_by_id(id).filter(event_sink::Column::State.ne(SinkState::Removed))).await?;
    match row {
        Some(row) => Ok(Some(EventSink::with_queue(ctx, row).await?)),
        None => Ok(None),
    }
}
