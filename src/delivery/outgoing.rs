//! Deliveries as administrators see them, attempt by attempt, and replaying them (`events.md` 18).

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{delivery_attempt, event_delivery, event_sink, sink::DeliveryState};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, prelude::Uuid, sea_query::Expr};

use super::{event::Event, sink::EventSink};
use crate::{
    auth::{Act, Facts, policy},
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        connection::{List, paged},
        context::{actor, children, event_named, parent, store},
        filter::{DateTimeFilter, EnumFilter, StringFilter},
        ids::Kind,
        input::Checks,
        payload::{UserError, answer},
        scalars::Instant,
    },
    store::{
        Change, Origin, Store, deliveries,
        page::{Kind as SortKind, PageArgs, Sort},
    },
};

/// One event on its way to one sink.
#[derive(Clone)]
pub struct EventDelivery(pub event_delivery::Model);

/// One attempt at a delivery.
#[derive(SimpleObject)]
pub struct DeliveryAttempt {
    /// Which, from 1.
    pub number: i32,
    /// When it began.
    pub at: Instant,
    /// Status of HTTP, if the receiver answered.
    pub status: Option<i32>,
    /// What went wrong; null of a success.
    pub error: Option<String>,
    /// How long it took.
    pub milliseconds: i32,
}

/// One event on its way to one sink.
#[Object]
impl EventDelivery {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::EventDelivery.id(self.0.id)
    }

    /// The sink; null once it is removed.
    async fn sink(&self, ctx: &Context<'_>) -> Option<Result<EventSink>> {
        let found = parent::<event_sink::Entity>(ctx, self.0.sink_id).await;
        found.map(|row| (row.state != entity::sink::SinkState::Removed).then(|| EventSink((*row).clone(), Default::default()))).transpose()
    }

    /// The CloudEvents id of the event: the receiver knows repeats by it.
    async fn event_id(&self) -> &str {
        &self.0.event_id
    }

    /// The event.
    async fn event(&self, ctx: &Context<'_>) -> Option<Result<Event>> {
        event_named(ctx, &self.0.event_id).await.map(|row| row.and_then(Event::read)).transpose()
    }

    /// How far it is.
    async fn state(&self) -> DeliveryState {
        self.0.state
    }

    /// How often it was tried, before and after replays.
    async fn attempt_count(&self) -> i32 {
        self.0.tried
    }

    /// When it is tried next, while it waits.
    async fn next_attempt_at(&self) -> Option<Instant> {
        self.0.next_attempt_at.map(Instant)
    }

    /// What went wrong last.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// When it was queued.
    async fn created_at(&self) -> Instant {
        Instant(self.0.created_at)
    }

    /// When the receiver took it.
    async fn delivered_at(&self) -> Option<Instant> {
        self.0.delivered_at.map(Instant)
    }

    /// Every attempt, the first first.
    async fn attempts(&self, ctx: &Context<'_>) -> Result<Vec<DeliveryAttempt>> {
        let rows = children::<delivery_attempt::Entity>(ctx, self.0.id).await?;
        let shown = |a: &delivery_attempt::Model| DeliveryAttempt {
            number: a.number,
            at: Instant(a.at),
            status: a.status,
            error: a.error.clone(),
            milliseconds: a.milliseconds,
        };
        Ok(rows.iter().map(shown).collect())
    }
}

/// Which deliveries. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct EventDeliveryWhere {
    /// How far it is.
    pub state: Option<EnumFilter<DeliveryState>>,
    /// To which sink.
    pub sink: Option<ID>,
    /// The CloudEvents id of the event.
    pub event_id: Option<StringFilter>,
    /// When it was queued.
    pub created_at: Option<DateTimeFilter>,
}

impl EventDeliveryWhere {
    fn condition(&self) -> Result<Condition> {
        use event_delivery::Column;
        let Self { state, sink, event_id, created_at } = self;
        let col = |c: Column| Expr::col((event_delivery::Entity, c));
        let sink = sink.as_ref().map(|id| Kind::EventSink.uuid(id)).transpose()?;
        Ok(Condition::all()
            .add_option(state.as_ref().map(|f| f.on(col(Column::State), |v| v)))
            .add_option(sink.map(|id| Column::SinkId.eq(id)))
            .add_option(event_id.as_ref().map(|f| f.on(col(Column::EventId))))
            .add_option(created_at.as_ref().map(|f| f.on(col(Column::CreatedAt)))))
    }
}

/// Queries on deliveries.
#[derive(Default)]
pub struct OutgoingQuery;

#[Object]
impl OutgoingQuery {
    /// Deliveries to sinks, the latest first; none unless you administer sinks. `first` and `last`: 20 unless given, at most 100.
    async fn event_deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<EventDeliveryWhere>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<EventDelivery>>> {
        Some(list(ctx, filter.unwrap_or_default(), PageArgs { first, after, last, before }).await)
    }
}

fn may(ctx: &Context<'_>) -> Result<bool> {
    Ok(policy::may(actor(ctx)?, Act::SinkManage, &Facts::default()))
}

async fn list(ctx: &Context<'_>, filter: EventDeliveryWhere, args: PageArgs) -> Result<List<EventDelivery>> {
    use event_delivery::Column;
    let seen = if may(ctx)? { Condition::all() } else { Condition::all().add(Expr::value(false)) };
    let query = event_delivery::Entity::find().filter(seen).filter(filter.condition()?);
    let col = |c: Column| Expr::col((event_delivery::Entity, c));
    let by_time = Sort::by(col(Column::CreatedAt), SortKind::Instant, |d: &event_delivery::Model| d.created_at.into()).descending(true);
    let by_id = Sort::by(col(Column::Id), SortKind::Id, |d: &event_delivery::Model| d.id.into()).descending(true);
    paged(ctx, query, &[by_time, by_id], &args, EventDelivery).await
}

/// The delivery with this id, if the caller administers sinks.
///
/// # Errors
/// A fault of the database.
pub async fn one(ctx: &Context<'_>, id: &ID) -> Result<Option<EventDelivery>> {
    let Ok(id) = Kind::EventDelivery.uuid(id) else { return Ok(None) };
    if !may(ctx)? {
        return Ok(None);
    }
    Ok(store(ctx)?.one(event_delivery::Entity::find_by_id(id)).await?.map(EventDelivery))
}

/// What to deliver again: deliveries by id, all that failed, or all events of a time, delivered or not. The events keep their ids.
#[derive(Debug, Clone, InputObject)]
pub struct EventDeliveryReplayInput {
    /// Deliveries by their ids, at most 1000.
    pub ids: Option<Vec<ID>>,
    /// All dead deliveries of this sink.
    pub dead_of: Option<ID>,
    /// All events of a time that this sink wants, as it is now, whether or not they were ever for it.
    pub range: Option<ReplayRange>,
}

/// Events of a time, for a sink.
#[derive(Debug, Clone, InputObject)]
pub struct ReplayRange {
    /// The sink.
    pub sink_id: ID,
    /// Events that were recorded from then on.
    pub from: Instant,
    /// Until then; now unless given.
    pub to: Option<Instant>,
}

/// What `eventDeliveryReplay` answers.
#[derive(SimpleObject)]
pub struct EventDeliveryReplayPayload {
    /// How many deliveries wait again; null when there are user errors.
    replayed: Option<i32>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of deliveries.
#[derive(Default)]
pub struct OutgoingMutation;

#[Object]
impl OutgoingMutation {
    /// Delivers again, with the same event ids: by delivery, all that failed for good, or all of a time.
    async fn event_delivery_replay(&self, ctx: &Context<'_>, input: EventDeliveryReplayInput) -> Result<EventDeliveryReplayPayload> {
        let (replayed, user_errors) = answer(ctx, |store, origin| replay(store, origin, input.clone())).await?;
        store(ctx)?.post_bell().notify_one();
        Ok(EventDeliveryReplayPayload { replayed, user_errors })
    }
}

async fn replay(store: &Store, origin: &Origin, input: EventDeliveryReplayInput) -> Result<i32> {
    let EventDeliveryReplayInput { ids, dead_of, range } = input;
    let permitted = store.create(origin, Act::SinkManage).await?;
    let mut checks = Checks::default();
    let given = [ids.is_some(), dead_of.is_some(), range.is_some()].into_iter().filter(|given| *given).count();
    checks.require(given == 1, UserErrorCode::Required, "ids", || {
        say("Give one of ids, deadOf and range", "ids、deadOf、range 须且只能给出一个")
    });
    checks.require(ids.as_ref().is_none_or(|ids| (1..=1_000).contains(&ids.len())), UserErrorCode::OutOfRange, "ids", || {
        say("Give 1 to 1000 ids", "ids 须为 1 到 1000 个")
    });
    let backwards = range.as_ref().is_some_and(|r| r.to.is_some_and(|to| to < r.from));
    checks.require(!backwards, UserErrorCode::Invalid, "range.to", || say("The time ends before it begins", "结束时间早于开始时间"));
    checks.done()?;
    let again = match (ids, dead_of, range) {
        (Some(ids), ..) => {
            let ids = ids.iter().map(|id| Kind::EventDelivery.uuid(id)).collect::<Result<Vec<Uuid>>>()?;
            let wanted = ids.len();
            let again = deliveries::again(&permitted, Condition::all().add(event_delivery::Column::Id.is_in(ids))).await?;
            if usize::try_from(again).unwrap_or(0) < wanted {
                return Err(Error::not_found("EventDelivery"));
            }
            again
        }
        (None, Some(sink), _) => {
            let dead = Condition::all()
                .add(event_delivery::Column::SinkId.eq(Kind::EventSink.uuid(&sink)?))
                .add(event_delivery::Column::State.eq(DeliveryState::Dead));
            deliveries::again(&permitted, dead).await?
        }
        (None, None, Some(range)) => {
            let (from, to): (DateTime<Utc>, DateTime<Utc>) = (range.from.0, range.to.map_or(permitted.now(), |to| to.0));
            deliveries::again_between(&permitted, Kind::EventSink.uuid(&range.sink_id)?, from, to).await?
        }
        (None, None, None) => 0,
    };
    let change = Change::of("eventDeliveryReplay");
    let change = if again == 0 { change } else { change.field("EventDelivery", "many", "replayed", 0, again) };
    permitted.commit(change).await?;
    Ok(i32::try_from(again).unwrap_or(i32::MAX))
}
