//! Deliveries of events to sinks (`events.md` 15): queued in the transaction of the event, held by a worker while it tries, settled
//! with each attempt on record. Machinery, so unaudited.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    delivery_attempt, event, event_delivery, event_sink,
    sink::{DeliveryState, DisabledReason, SinkState},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType, Query},
};
use serde_json::Value;

use super::{Permitted, Store, batch::Batch, door::bulk_insert};
use crate::error::{Error, Result};

/// Edits of content go only to sinks that name the type (`events.md` 12).
const CHANGED: &str = super::outbox::REPORT_CHANGED;

/// Whether a sink wants an event, by type and department.
pub fn wants(sink: &event_sink::Model, kind: &str, data: &Value) -> bool {
    let list = |value: &Option<Value>| value.as_ref().and_then(|v| serde_json::from_value::<Vec<String>>(v.clone()).ok());
    let by_type = list(&sink.types).map_or(kind != CHANGED, |types| types.iter().any(|t| t == kind));
    let departments = || -> Vec<&str> {
        let lists = ["/action/departments", "/problem/owners"].iter().filter_map(|at| data.pointer(at)?.as_array());
        lists.flatten().filter_map(Value::as_str).collect()
    };
    by_type && list(&sink.departments).is_none_or(|wanted| departments().iter().any(|d| wanted.iter().any(|w| w == d)))
}

/// Queues events for every sink that wants them; for one that is disabled too, whose queue is kept. Whether there is one.
pub(super) async fn queue(conn: &impl ConnectionTrait, now: DateTime<Utc>, events: &[event::ActiveModel]) -> Result<bool> {
    let sinks = event_sink::Entity::find().filter(event_sink::Column::State.ne(SinkState::Removed)).all(conn).await?;
    let wanted = wanted(&sinks, events, now)?;
    let queued = !wanted.is_empty();
    bulk_insert(conn, wanted).await?;
    Ok(queued)
}

/// The deliveries of events to those sinks that want them.
///
/// # Errors
/// A fault, for an event that says nothing.
pub(super) fn wanted(sinks: &[event_sink::Model], events: &[event::ActiveModel], now: DateTime<Utc>) -> Result<Vec<event_delivery::Model>> {
    let mut rows = Vec::new();
    for event in events {
        let (Some(id), Some(kind), Some(data)) = (event.id.try_as_ref(), event.kind.try_as_ref(), event.data.try_as_ref()) else {
            return Err(Error::internal("an event that says nothing"));
        };
        // What is said of a sink is not said to it.
        let about_sink = data.pointer("/sink/id").and_then(Value::as_str);
        let wanted = sinks.iter().filter(|s| wants(s, kind, data) && about_sink != Some(&s.id.to_string()));
        rows.extend(wanted.map(|sink| waiting(sink.id, id.clone(), now)));
    }
    Ok(rows)
}

/// A delivery that waits for its first attempt.
pub fn waiting(sink_id: Uuid, event_id: String, now: DateTime<Utc>) -> event_delivery::Model {
    event_delivery::Model {
        id: Uuid::now_v7(),
        sink_id,
        event_id,
        state: DeliveryState::Waiting,
        attempts: 0,
        tried: 0,
        next_attempt_at: Some(now),
        held_until: None,
        last_status: None,
        last_error: None,
        created_at: now,
        delivered_at: None,
    }
}

/// A delivery that a worker holds, with its event.
#[derive(Debug, Clone)]
pub struct Held {
    /// The delivery.
    pub delivery: event_delivery::Model,
    /// Its event.
    pub event: event::Model,
}

/// What came of an attempt.
#[derive(Debug, Clone)]
pub struct Attempted {
    /// The delivery.
    pub delivery: event_delivery::Model,
    /// When.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub milliseconds: i32,
    /// Status of HTTP.
    pub status: Option<i32>,
    /// What failed; none of a success.
    pub error: Option<String>,
    /// When it is tried again; none of a success, and where every attempt is used up.
    pub next: Option<DateTime<Utc>>,
}

impl Store {
    /// Sinks that are enabled and have something due.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn sinks_with_work(&self) -> Result<Vec<event_sink::Model>> {
        use event_delivery::Column;
        let now = self.now();
        let due = event_delivery::Entity::find()
            .select_only()
            .expr(Expr::value(1))
            .filter(Column::State.eq(DeliveryState::Waiting))
            .filter(Column::NextAttemptAt.lte(now))
            .filter(free(now))
            .filter(Expr::col((event_delivery::Entity, Column::SinkId)).equals((event_sink::Entity, event_sink::Column::Id)));
        let query =
            event_sink::Entity::find().filter(event_sink::Column::State.eq(SinkState::Enabled)).filter(Expr::exists(due.into_query()));
        self.all(query).await
    }

    /// Takes deliveries of a sink that are due, the oldest first, and holds them for a while.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn hold(&self, sink: Uuid, most: u64, patience: TimeDelta) -> Result<Vec<Held>> {
        use event_delivery::{Column, Entity};
        let _turn = self.writers_turn().await?;
        let now = self.now();
        let mut due = Query::select();
        due.column(Column::Id)
            .from(Entity)
            .and_where(Column::SinkId.eq(sink))
            .and_where(Column::State.eq(DeliveryState::Waiting))
            .and_where(Column::NextAttemptAt.lte(now))
            .cond_where(free(now))
            .order_by(Column::NextAttemptAt, sea_orm::Order::Asc)
            .order_by(Column::Id, sea_orm::Order::Asc)
            .limit(most);
        if self.db.get_database_backend() == DbBackend::Postgres {
            due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        let deliveries = Entity::update_many()
            .col_expr(Column::HeldUntil, Expr::value(now + patience))
            .filter(Column::Id.in_subquery(due))
            .exec_with_returning(&self.db)
            .await?;
        let ids: Vec<String> = deliveries.iter().map(|d| d.event_id.clone()).collect();
        let events = self.all(event::Entity::find().filter(event::Column::Id.is_in(ids))).await?;
        let events: std::collections::HashMap<String, event::Model> = events.into_iter().map(|e| (e.id.clone(), e)).collect();
        let mut held: Vec<Held> =
            deliveries.into_iter().filter_map(|delivery| Some(Held { event: events.get(&delivery.event_id)?.clone(), delivery })).collect();
        held.sort_by_key(|h| h.event.position);
        Ok(held)
    }

    /// Gives back what was held and not tried.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn give_back(&self, deliveries: Vec<Uuid>) -> Result<()> {
        let _turn = self.writers_turn().await?;
        event_delivery::Entity::update_many()
            .col_expr(event_delivery::Column::HeldUntil, Expr::value(Option::<DateTime<Utc>>::None))
            .filter(event_delivery::Column::Id.is_in(deliveries))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Notes attempts: what was delivered together, what failed one by one.
    ///
    /// # Errors
    /// A fault of the database; then they are tried again.
    pub async fn attempted(&self, done: Vec<Attempted>) -> Result<()> {
        use event_delivery::{Column, Entity};
        let Some(sink) = done.first().map(|a| a.delivery.sink_id) else { return Ok(()) };
        let (delivered, failed): (Vec<_>, Vec<_>) = done.iter().partition(|a| a.error.is_none());
        self.machinery(async |conn| {
            let attempts = done.iter().map(|a| delivery_attempt::Model {
                id: Uuid::now_v7(),
                delivery_id: a.delivery.id,
                number: a.delivery.tried + 1,
                at: a.at,
                status: a.status,
                error: a.error.clone(),
                milliseconds: a.milliseconds,
            });
            bulk_insert(conn, attempts.collect()).await?;
            if !delivered.is_empty() {
                let last = delivered.iter().map(|a| a.at).max();
                Entity::update_many()
                    .col_expr(Column::State, Expr::value(DeliveryState::Delivered))
                    .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
                    .col_expr(Column::Tried, Expr::col(Column::Tried).add(1))
                    .col_expr(Column::HeldUntil, Expr::value(Option::<DateTime<Utc>>::None))
                    .col_expr(Column::NextAttemptAt, Expr::value(Option::<DateTime<Utc>>::None))
                    .col_expr(Column::LastError, Expr::value(Option::<String>::None))
                    .col_expr(Column::DeliveredAt, Expr::value(last))
                    .filter(Column::Id.is_in(delivered.iter().map(|a| a.delivery.id)))
                    .exec(conn)
                    .await?;
                event_sink::Entity::update_many()
                    .col_expr(event_sink::Column::FailingSince, Expr::value(Option::<DateTime<Utc>>::None))
                    .col_expr(event_sink::Column::LastSuccessAt, Expr::value(last))
                    .filter(event_sink::Column::Id.eq(sink))
                    .exec(conn)
                    .await?;
            }
            for a in &failed {
                let row = event_delivery::ActiveModel {
                    id: sea_orm::ActiveValue::Unchanged(a.delivery.id),
                    state: sea_orm::ActiveValue::Set(if a.next.is_some() { DeliveryState::Waiting } else { DeliveryState::Dead }),
                    attempts: sea_orm::ActiveValue::Set(a.delivery.attempts + 1),
                    tried: sea_orm::ActiveValue::Set(a.delivery.tried + 1),
                    next_attempt_at: sea_orm::ActiveValue::Set(a.next),
                    held_until: sea_orm::ActiveValue::Set(None),
                    last_status: sea_orm::ActiveValue::Set(a.status),
                    last_error: sea_orm::ActiveValue::Set(a.error.clone()),
                    ..Default::default()
                };
                row.update(conn).await?;
            }
            if let Some(last) = failed.last() {
                event_sink::Entity::update_many()
                    .col_expr(event_sink::Column::LastError, Expr::value(last.error.clone()))
                    .filter(event_sink::Column::Id.eq(sink))
                    .exec(conn)
                    .await?;
            }
            if let (Some(first), true) = (failed.first(), delivered.is_empty()) {
                event_sink::Entity::update_many()
                    .col_expr(event_sink::Column::FailingSince, Expr::value(first.at))
                    .filter(event_sink::Column::Id.eq(sink))
                    .filter(event_sink::Column::FailingSince.is_null())
                    .exec(conn)
                    .await?;
            }
            Ok(())
        })
        .await
    }

    /// Disables a sink that is enabled, and tells the others in the same transaction; whether it was this call that did.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn disable_sink(&self, sink: &event_sink::Model, reason: DisabledReason) -> Result<bool> {
        use event_sink::Column;
        let now = self.now();
        self.machinery(async |conn| {
            let disabled = event_sink::Entity::update_many()
                .col_expr(Column::State, Expr::value(SinkState::Disabled))
                .col_expr(Column::DisabledReason, Expr::value(reason))
                .col_expr(Column::DisabledAt, Expr::value(now))
                .col_expr(Column::Version, Expr::col(Column::Version).add(1))
                .filter(Column::Id.eq(sink.id))
                .filter(Column::State.eq(SinkState::Enabled))
                .exec(conn)
                .await?;
            if disabled.rows_affected == 0 {
                return Ok(false);
            }
            let told =
                serde_json::json!({ "id": sink.id, "name": sink.name, "kind": sink.kind, "reason": reason, "lastError": sink.last_error });
            let event = super::Announcement::operation("ops.sink_disabled.v1", format!("sinks/{}", sink.id))
                .identified(ops_id(), now)
                .with("sink", told);
            super::outbox::announce(conn, now, None, vec![event], Batch::default()).await?;
            Ok(true)
        })
        .await
        .inspect(|_| self.ring())
    }

    /// Tells the other sinks that a delivery is dead.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn tell_exhausted(&self, sink: &event_sink::Model, dead: Vec<Attempted>) -> Result<()> {
        let now = self.now();
        let events = dead.iter().map(|a| {
            let about = serde_json::json!({ "id": sink.id, "name": sink.name, "kind": sink.kind });
            let told = serde_json::json!({ "id": a.delivery.id, "eventId": a.delivery.event_id, "attempts": a.delivery.attempts + 1, "lastError": a.error });
            super::Announcement::operation("ops.delivery_exhausted.v1", format!("sinks/{}", sink.id))
                .identified(ops_id(), now)
                .with("sink", about)
                .with("delivery", told)
        });
        let events: Vec<_> = events.collect();
        self.machinery(async move |conn| super::outbox::announce(conn, now, None, events, Batch::default()).await).await?;
        self.ring();
        Ok(())
    }

    /// All sinks by name, without those that were removed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn sinks(&self) -> Result<Vec<event_sink::Model>> {
        let query = event_sink::Entity::find().filter(event_sink::Column::State.ne(SinkState::Removed));
        Ok(query.order_by_asc(event_sink::Column::Name).limit(1_000).all(&self.db).await?)
    }

    /// How many deliveries there are by sink and state, and how old the oldest waiting one is.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn queue_lengths(&self) -> Result<Vec<(Uuid, DeliveryState, i64, Option<DateTime<Utc>>)>> {
        use event_delivery::Column;
        let query = event_delivery::Entity::find()
            .select_only()
            .columns([Column::SinkId, Column::State])
            .column_as(Column::Id.count(), "number")
            .column_as(Column::CreatedAt.min(), "oldest")
            .filter(Column::State.ne(DeliveryState::Delivered))
            .group_by(Column::SinkId)
            .group_by(Column::State);
        Ok(query.into_tuple().all(&self.db).await?)
    }
}

/// Ids of what the service says of itself are known as such.
fn ops_id() -> String {
    format!("ops-{}", Uuid::now_v7())
}

/// Nobody holds it, or not any more.
fn free(now: DateTime<Utc>) -> Condition {
    Condition::any().add(event_delivery::Column::HeldUntil.is_null()).add(event_delivery::Column::HeldUntil.lte(now))
}

/// Everything that waits for a sink is due now: it is enabled again.
///
/// # Errors
/// A fault of the database.
pub async fn resume(permitted: &Permitted, sink: Uuid) -> Result<()> {
    use event_delivery::Column;
    event_delivery::Entity::update_many()
        .col_expr(Column::NextAttemptAt, Expr::value(permitted.now()))
        .filter(Column::SinkId.eq(sink))
        .filter(Column::State.eq(DeliveryState::Waiting))
        .exec(permitted.conn())
        .await?;
    Ok(())
}

/// Lets deliveries wait for a first attempt again; those that wait already are due now. How many.
///
/// # Errors
/// A fault of the database.
pub async fn again(permitted: &Permitted, which: Condition) -> Result<u64> {
    use event_delivery::Column;
    let done = event_delivery::Entity::update_many()
        .col_expr(Column::State, Expr::value(DeliveryState::Waiting))
        .col_expr(Column::Attempts, Expr::value(0))
        .col_expr(Column::NextAttemptAt, Expr::value(permitted.now()))
        .col_expr(Column::HeldUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(which)
        .exec(permitted.conn())
        .await?;
    Ok(done.rows_affected)
}

/// Events that are looked at together.
const PAGE: u64 = 1_000;

/// Lets every event of a time that a sink wants wait for it, whether or not it was ever queued. How many.
///
/// # Errors
/// `NOT_FOUND` for a sink that is not, faults.
pub async fn again_between(permitted: &Permitted, sink: Uuid, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<u64> {
    let conn = permitted.conn();
    let found = event_sink::Entity::find_by_id(sink).filter(event_sink::Column::State.ne(SinkState::Removed)).one(conn).await?;
    let sink = found.ok_or_else(|| Error::not_found("EventSink"))?;
    let (mut position, mut count) = (0, 0);
    loop {
        let events = event::Entity::find()
            .filter(event::Column::RecordedAt.gte(from))
            .filter(event::Column::RecordedAt.lte(to))
            .filter(event::Column::Position.gt(position))
            .order_by_asc(event::Column::Position)
            .limit(PAGE)
            .all(conn)
            .await?;
        let Some(last) = events.last() else { return Ok(count) };
        position = last.position;
        let wanted: Vec<String> = events.into_iter().filter(|e| wants(&sink, &e.kind, &e.data)).map(|e| e.id).collect();
        if wanted.is_empty() {
            continue;
        }
        let of =
            Condition::all().add(event_delivery::Column::SinkId.eq(sink.id)).add(event_delivery::Column::EventId.is_in(wanted.clone()));
        count += again(permitted, of.clone()).await?;
        let queued: Vec<String> =
            event_delivery::Entity::find().select_only().column(event_delivery::Column::EventId).filter(of).into_tuple().all(conn).await?;
        let new: Vec<_> = wanted.into_iter().filter(|id| !queued.contains(id)).map(|id| waiting(sink.id, id, permitted.now())).collect();
        count += u64::try_from(new.len()).unwrap_or(0);
        bulk_insert(conn, new).await?;
    }
}
