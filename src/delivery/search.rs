//! The event log as a list: `events`.

use async_graphql::{Context, ID, InputObject, Object};
use entity::event;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, sea_query::Expr};

use super::event::{Event, EventType};
use crate::{
    error::Result,
    graphql::{
        connection::{List, asks_total, connect},
        context::{actor, store},
        filter::{DateTimeFilter, StringFilter},
        ids::Kind,
    },
    store::{
        heard,
        page::{Kind as SortKind, PageArgs, Sort},
    },
};

/// Which events. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct EventWhere {
    /// Only these types.
    pub types: Option<Vec<EventType>>,
    /// The report, its action or deployment, as CloudEvents name it.
    pub subject: Option<StringFilter>,
    /// The CloudEvents id.
    pub event_id: Option<StringFilter>,
    /// Of one report.
    pub report: Option<ID>,
    /// When it happened.
    pub time: Option<DateTimeFilter>,
    /// When it was seen.
    pub recorded_time: Option<DateTimeFilter>,
}

/// Queries on the event log.
#[derive(Default)]
pub struct EventQuery;

#[Object]
impl EventQuery {
    /// The event log, as far as you may read what it is about, the latest first. `first` and `last`: 20 unless given, at most 100.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<EventWhere>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<Event>>> {
        Some(list(ctx, filter.unwrap_or_default(), PageArgs { first, after, last, before }).await)
    }
}

async fn list(ctx: &Context<'_>, filter: EventWhere, args: PageArgs) -> Result<List<Event>> {
    use event::Column;
    let EventWhere { types, subject, event_id, report, time, recorded_time } = filter;
    let col = |c: Column| Expr::col((event::Entity, c));
    let report = report.map(|id| Kind::Report.uuid(&id)).transpose()?;
    // Of types that only a newer release knows, this one says nothing.
    let types = types.unwrap_or_else(|| EventType::all().map(|(kind, _)| kind).collect());
    let which = Condition::all()
        .add(Column::Kind.is_in(types.into_iter().map(EventType::name)))
        .add_option(subject.map(|f| f.on(col(Column::Subject))))
        .add_option(event_id.map(|f| f.on(col(Column::Id))))
        .add_option(report.map(|id| Column::ReportId.eq(id)))
        .add_option(time.map(|f| f.on(col(Column::At))))
        .add_option(recorded_time.map(|f| f.on(col(Column::RecordedAt))));
    let query = event::Entity::find().filter(heard(actor(ctx)?)).filter(which);
    let sort = Sort::by(col(Column::Position), SortKind::Int, |e: &event::Model| e.position.into());
    let page = store(ctx)?.page(query.clone(), &[sort.descending(true)], &args, asks_total(ctx)).await?;
    Ok(connect(page.filter_map(|row| Event::read(std::sync::Arc::new(row))), query, |event| event))
}

/// The event with this global id, if the caller hears of it.
///
/// # Errors
/// A fault of the database.
pub async fn one(ctx: &Context<'_>, id: &ID) -> Result<Option<Event>> {
    let Ok(key) = Kind::Event.key(id) else { return Ok(None) };
    let query = event::Entity::find().filter(event::Column::Id.eq(key)).filter(heard(actor(ctx)?));
    Ok(store(ctx)?.one(query).await?.and_then(|row| Event::read(std::sync::Arc::new(row))))
}
