//! What was received, as GraphQL shows it: `inboundDeliveries`, and replaying.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{
    deployment, inbound_delivery,
    pipeline::{DeliveryFate, DeliveryWay},
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid, sea_query::Expr};

use super::{object::Deployment, working::headers_of};
use crate::{
    auth::{Act, Actor, Facts, policy},
    error::{Error, Lang, Result, UserErrorCode, say},
    graphql::{
        connection::{List, paged},
        context::{actor, lang, row, store},
        filter::{DateTimeFilter, EnumFilter, StringFilter},
        ids::Kind,
        input::Checks,
        payload::{UserError, answer},
        scalars::Instant,
    },
    store::{
        Change, Origin, Store,
        page::{Kind as SortKind, PageArgs, Sort},
        sees_waiting,
    },
};

/// A delivery of a pipeline, kept as it was received.
#[derive(Clone)]
pub struct InboundDelivery(pub inbound_delivery::Model);

/// A header of a delivery.
#[derive(SimpleObject)]
pub struct DeliveryHeader {
    /// Its name, in small letters.
    name: String,
    /// Its value.
    value: String,
}

/// A delivery of a pipeline, kept as it was received.
#[Object]
impl InboundDelivery {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::InboundDelivery.id(self.0.id)
    }

    /// The receipt that its sender was given.
    async fn receipt(&self) -> String {
        self.0.id.to_string()
    }

    /// By which way it came.
    async fn way(&self) -> DeliveryWay {
        self.0.way
    }

    /// Who sent it: the subject of a token, or `source:` and the name of an ingestion source.
    async fn reported_by(&self) -> &str {
        &self.0.reported_by
    }

    /// The sender's id of the delivery, by which repeats are known.
    async fn delivery_key(&self) -> Option<&str> {
        self.0.dedupe_key.as_deref()
    }

    /// The sender's name for what happened: `deployment_status`.
    async fn event_type(&self) -> Option<&str> {
        self.0.event_type.as_deref()
    }

    /// When it came.
    async fn received_at(&self) -> Instant {
        Instant(self.0.received_at)
    }

    /// What became of it.
    async fn fate(&self) -> DeliveryFate {
        self.0.fate
    }

    /// Why: what is of no interest, or cannot be read.
    async fn reason(&self, ctx: &Context<'_>) -> Option<&str> {
        if lang(ctx) == Lang::Zh { self.0.reason_zh.as_deref() } else { self.0.reason.as_deref() }
    }

    /// When it was worked.
    async fn worked_at(&self) -> Option<Instant> {
        self.0.worked_at.map(Instant)
    }

    /// How often working it failed for a fault of the service.
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// The deployment that it told of.
    async fn deployment(&self, ctx: &Context<'_>) -> Option<Result<Deployment>> {
        let found = row::<deployment::Entity>(ctx, self.0.deployment_id?).await;
        found.map(|row| row.map(Deployment::shared)).transpose()
    }

    /// Size of the body, in bytes.
    async fn body_bytes(&self) -> i32 {
        self.0.body_bytes
    }

    /// SHA-256 of the body, in hex.
    async fn body_sha256(&self) -> &str {
        &self.0.body_sha256
    }

    /// The body as it was received; what is no UTF-8 is shown as U+FFFD. Null unless you are ADMIN, and after the retention period.
    async fn body(&self, ctx: &Context<'_>) -> Option<String> {
        let may = actor(ctx).is_ok_and(|actor| policy::may(actor, Act::DeliveryBodyRead, &Facts::default()));
        self.0.body.as_ref().filter(|_| may).map(|body| String::from_utf8_lossy(body).into_owned())
    }

    /// The headers that say what it is. Empty unless you are ADMIN.
    async fn headers(&self, ctx: &Context<'_>) -> Result<Vec<DeliveryHeader>> {
        let may = policy::may(actor(ctx)?, Act::DeliveryBodyRead, &Facts::default());
        let headers = headers_of(&self.0).into_iter().filter(|_| may);
        Ok(headers.map(|(name, value)| DeliveryHeader { name, value }).collect())
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<InboundDeliveryPermissions> {
        let may = policy::may(actor(ctx)?, Act::DeploymentSettle, &Facts::default());
        Ok(InboundDeliveryPermissions { replay: may && self.0.body.is_some() })
    }
}

/// What the caller may do with a delivery.
#[derive(SimpleObject)]
pub struct InboundDeliveryPermissions {
    /// Work it again, by the rules as they are now.
    pub replay: bool,
}

/// Which deliveries. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct InboundDeliveryWhere {
    /// What became of it.
    pub fate: Option<EnumFilter<DeliveryFate>>,
    /// By which way it came.
    pub way: Option<EnumFilter<DeliveryWay>>,
    /// Who sent it.
    pub reported_by: Option<StringFilter>,
    /// The sender's id of the delivery.
    pub delivery_key: Option<StringFilter>,
    /// The sender's name for what happened.
    pub event_type: Option<StringFilter>,
    /// When it came.
    pub received_at: Option<DateTimeFilter>,
    /// The deployment that it told of.
    pub deployment: Option<ID>,
}

impl InboundDeliveryWhere {
    fn condition(&self) -> Result<Condition> {
        use inbound_delivery::Column;
        let Self { fate, way, reported_by, delivery_key, event_type, received_at, deployment } = self;
        let col = |c: Column| Expr::col((inbound_delivery::Entity, c));
        let deployment = deployment.as_ref().map(|id| Kind::Deployment.uuid(id)).transpose()?;
        Ok(Condition::all()
            .add_option(fate.as_ref().map(|f| f.on(col(Column::Fate), |v| v)))
            .add_option(way.as_ref().map(|f| f.on(col(Column::Way), |v| v)))
            .add_option(reported_by.as_ref().map(|f| f.on(col(Column::ReportedBy))))
            .add_option(delivery_key.as_ref().map(|f| f.on(col(Column::DedupeKey))))
            .add_option(event_type.as_ref().map(|f| f.on(col(Column::EventType))))
            .add_option(received_at.as_ref().map(|f| f.on(col(Column::ReceivedAt))))
            .add_option(deployment.map(|id| Column::DeploymentId.eq(id))))
    }
}

/// The deliveries that the caller sees: all, or what they sent themselves.
pub fn seen(actor: &Actor) -> Condition {
    if sees_waiting(actor) { Condition::all() } else { Condition::all().add(inbound_delivery::Column::ReportedBy.eq(&actor.subject)) }
}

/// Queries on deliveries.
#[derive(Default)]
pub struct DeliveryQuery;

#[Object]
impl DeliveryQuery {
    /// What pipelines sent, the latest first, each with what became of it. A pipeline sees its own. `first` and `last`: 20 unless given, at most 100.
    async fn inbound_deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<InboundDeliveryWhere>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<InboundDelivery>>> {
        Some(list(ctx, filter.unwrap_or_default(), PageArgs { first, after, last, before }).await)
    }
}

/// The delivery with this id, if the caller sees it.
///
/// # Errors
/// A fault of the database.
pub async fn one(ctx: &Context<'_>, id: &ID) -> Result<Option<InboundDelivery>> {
    let Ok(id) = Kind::InboundDelivery.uuid(id) else { return Ok(None) };
    Ok(store(ctx)?.one(inbound_delivery::Entity::find_by_id(id).filter(seen(actor(ctx)?))).await?.map(InboundDelivery))
}

async fn list(ctx: &Context<'_>, filter: InboundDeliveryWhere, args: PageArgs) -> Result<List<InboundDelivery>> {
    use inbound_delivery::Column;
    let query = inbound_delivery::Entity::find().filter(seen(actor(ctx)?)).filter(filter.condition()?);
    let col = |c: Column| Expr::col((inbound_delivery::Entity, c));
    let by_time = Sort::by(col(Column::ReceivedAt), SortKind::Instant, |d: &inbound_delivery::Model| d.received_at.into()).descending(true);
    let by_id = Sort::by(col(Column::Id), SortKind::Id, |d: &inbound_delivery::Model| d.id.into()).descending(true);
    paged(ctx, query, &[by_time, by_id], &args, InboundDelivery).await
}

/// Which deliveries to work again.
#[derive(Debug, Clone, InputObject)]
pub struct InboundDeliveryReplayInput {
    /// Deliveries by their ids, at most 100.
    pub ids: Option<Vec<ID>>,
    /// Or those that hold this, the oldest 1000 of them; `{ fate: { eq: FAILED } }` for all that failed.
    #[graphql(name = "where")]
    pub filter: Option<InboundDeliveryWhere>,
}

/// What `inboundDeliveryReplay` answers.
#[derive(SimpleObject)]
pub struct InboundDeliveryReplayPayload {
    /// How many are worked again; null when there are user errors.
    replayed: Option<i32>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of deliveries.
#[derive(Default)]
pub struct DeliveryMutation;

/// Deliveries that one call replays at most.
const MOST: u64 = 1_000;

#[Object]
impl DeliveryMutation {
    /// Works deliveries again from their raw bodies, by the rules and mappings as they are now. What a person decided stays.
    async fn inbound_delivery_replay(&self, ctx: &Context<'_>, input: InboundDeliveryReplayInput) -> Result<InboundDeliveryReplayPayload> {
        let (replayed, user_errors) = answer(ctx, |store, origin| replay(store, origin, input.clone())).await?;
        Ok(InboundDeliveryReplayPayload { replayed, user_errors })
    }
}

async fn replay(store: &Store, origin: &Origin, input: InboundDeliveryReplayInput) -> Result<i32> {
    use inbound_delivery::Column;
    let InboundDeliveryReplayInput { ids, filter } = input;
    let mut permitted = store.create(origin, Act::DeploymentSettle).await?;
    let mut checks = Checks::default();
    checks.require(ids.is_some() != filter.is_some(), UserErrorCode::Required, "ids", || {
        say("Give ids, or where", "ids 与 where 须且只能给出一个")
    });
    checks.require(ids.as_ref().is_none_or(|ids| (1..=100).contains(&ids.len())), UserErrorCode::OutOfRange, "ids", || {
        say("Give 1 to 100 ids", "ids 须为 1 到 100 个")
    });
    checks.done()?;
    let which = match (&ids, &filter) {
        (Some(ids), _) => {
            let ids = ids.iter().map(|id| Kind::InboundDelivery.uuid(id)).collect::<Result<Vec<Uuid>>>()?;
            Condition::all().add(Column::Id.is_in(ids))
        }
        (None, Some(filter)) => {
            filter.condition()?.add(Column::Fate.is_in([DeliveryFate::Failed, DeliveryFate::Worked, DeliveryFate::Ignored]))
        }
        (None, None) => return Err(Error::internal("a replay of nothing")),
    };
    let rows = inbound_delivery::Entity::find()
        .filter(which)
        .order_by_asc(Column::ReceivedAt)
        .order_by_asc(Column::Id)
        .limit(MOST)
        .lock_exclusive()
        .all(permitted.conn())
        .await?;
    if ids.as_ref().is_some_and(|ids| rows.len() < ids.len()) {
        return Err(Error::not_found("InboundDelivery"));
    }
    let mut change = Change::of("inboundDeliveryReplay");
    let mut count = 0;
    for before in rows.into_iter().filter(|d| d.body.is_some() && d.fate != DeliveryFate::Received) {
        change = change.field("InboundDelivery", before.id, "fate", before.fate, DeliveryFate::Received);
        let after = inbound_delivery::Model {
            fate: DeliveryFate::Received,
            reason: None,
            reason_zh: None,
            attempts: 0,
            next_attempt_at: None,
            body: None,
            ..before
        };
        let mut row = after.into_active_model();
        row = sea_orm::ActiveModelTrait::reset_all(row);
        // The body stays as it is.
        row.body = sea_orm::ActiveValue::NotSet;
        inbound_delivery::Entity::update(row).exec_without_returning(permitted.conn()).await?;
        count += 1;
    }
    checks_some(ids.is_some(), count)?;
    permitted.ring_work();
    permitted.commit(change).await?;
    Ok(count)
}

fn checks_some(by_id: bool, count: i32) -> Result<()> {
    if by_id && count == 0 {
        let said = say("Their bodies are no longer kept, or they wait to be worked already", "原始内容已超过保留期，或已在等待处理");
        return Err(Error::user(UserErrorCode::WrongState, "ids", said));
    }
    Ok(())
}
