//! Actions and occurrences across reports: `improvementActions`, `actionOccurrences`, `improvementAction`.

use async_graphql::{Context, Enum, ID, InputObject, Object};
use entity::{
    enums::{ActionArea, ActionStatus, OccurrenceStatus},
    improvement_action, occurrence, owner, report,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};

use super::{ActionOccurrence, ImprovementAction, state::status_name};
use crate::{
    auth::Actor,
    error::Result,
    graphql::{
        connection::{List, paged},
        context::{actor, store},
        filter::{DateFilter, EnumFilter, StringFilter, combine},
        ids::Kind,
    },
    metrics::drill,
    report::search::{OrderDirection, ReportWhere, is_descending, once},
    store::{
        page::{Kind as SortKind, PageArgs, Sort},
        visible,
    },
};

/// Which actions. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ImprovementActionWhere {
    /// All of these hold.
    pub and: Option<Vec<ImprovementActionWhere>>,
    /// At least one of these holds.
    pub or: Option<Vec<ImprovementActionWhere>>,
    /// This does not hold.
    pub not: Option<Box<ImprovementActionWhere>>,
    /// 改进领域.
    pub area: Option<EnumFilter<ActionArea>>,
    /// Derived status.
    pub status: Option<EnumFilter<ActionStatus>>,
    /// Code of an owner department.
    pub department: Option<StringFilter>,
    /// Earliest open due date.
    pub due_on: Option<DateFilter>,
    /// Whether an open due date has passed.
    pub overdue: Option<bool>,
    /// 改进措施.
    pub measure: Option<StringFilter>,
    /// Its report.
    pub report: Option<ReportWhere>,
}

fn action(column: improvement_action::Column) -> Expr {
    Expr::col((improvement_action::Entity, column))
}

fn due(column: occurrence::Column) -> Expr {
    Expr::col((occurrence::Entity, column))
}

/// The actions that a department owns.
pub fn owned_by(of: impl Fn(Expr) -> Condition) -> Select<owner::Entity> {
    owner::Entity::find()
        .select_only()
        .column(owner::Column::ActionId)
        .filter(owner::Column::ActionId.is_not_null())
        .filter(owner::Column::Current.eq(true))
        .filter(of(Expr::col((owner::Entity, owner::Column::Department))))
}

impl ImprovementActionWhere {
    fn condition(&self, today: chrono::NaiveDate) -> Condition {
        use improvement_action::Column;
        let Self { and, or, not, area, status, department, due_on, overdue, measure, report } = self;
        let reports = |f: &ReportWhere| {
            let ids = report::Entity::find().select_only().column(report::Column::Id).filter(f.condition());
            Column::ReportId.in_subquery(ids.into_query())
        };
        let is_overdue = |yes: bool| {
            if yes {
                action(Column::OpenDueOn).lt(today)
            } else {
                action(Column::OpenDueOn).gte(today).or(action(Column::OpenDueOn).is_null())
            }
        };
        let own = Condition::all()
            .add_option(area.as_ref().map(|f| f.on(action(Column::Area), |v| v)))
            .add_option(status.as_ref().map(|f| f.on(action(Column::StatusKept), status_name)))
            .add_option(department.as_ref().map(|f| Column::Id.in_subquery(owned_by(|d| f.on(d)).into_query())))
            .add_option(due_on.as_ref().map(|f| f.on(action(Column::OpenDueOn))))
            .add_option(overdue.map(is_overdue))
            .add_option(measure.as_ref().map(|f| f.on(action(Column::Measure))))
            .add_option(report.as_ref().map(reports));
        combine(own, and.as_ref(), or.as_ref(), not.as_deref(), |f| f.condition(today))
    }
}

/// Which occurrences. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ActionOccurrenceWhere {
    /// All of these hold.
    pub and: Option<Vec<ActionOccurrenceWhere>>,
    /// At least one of these holds.
    pub or: Option<Vec<ActionOccurrenceWhere>>,
    /// This does not hold.
    pub not: Option<Box<ActionOccurrenceWhere>>,
    /// Where it stands.
    pub status: Option<EnumFilter<OccurrenceStatus>>,
    /// Due date.
    pub due_on: Option<DateFilter>,
    /// Whether it is open and past due.
    pub overdue: Option<bool>,
    /// Code of an owner department of its action.
    pub department: Option<StringFilter>,
    /// Area of its action.
    pub area: Option<EnumFilter<ActionArea>>,
    /// Its report.
    pub report: Option<ReportWhere>,
}

impl ActionOccurrenceWhere {
    fn condition(&self, today: chrono::NaiveDate) -> Condition {
        use occurrence::Column;
        let Self { and, or, not, status, due_on, overdue, department, area, report } = self;
        let reports = |f: &ReportWhere| {
            let ids = report::Entity::find().select_only().column(report::Column::Id).filter(f.condition());
            Column::ReportId.in_subquery(ids.into_query())
        };
        let areas = |f: &EnumFilter<ActionArea>| {
            let of = f.on(action(improvement_action::Column::Area), |v| v);
            let ids = improvement_action::Entity::find().select_only().column(improvement_action::Column::Id).filter(of);
            Column::ActionId.in_subquery(ids.into_query())
        };
        let is_overdue = |yes: bool| {
            let all = Condition::all().add(Column::Status.eq(OccurrenceStatus::Open)).add(due(Column::DueOn).lt(today));
            if yes { all } else { all.not() }
        };
        let own = Condition::all()
            .add_option(status.as_ref().map(|f| f.on(due(Column::Status), |v| v)))
            .add_option(due_on.as_ref().map(|f| f.on(due(Column::DueOn))))
            .add_option(overdue.map(is_overdue))
            .add_option(department.as_ref().map(|f| Column::ActionId.in_subquery(owned_by(|d| f.on(d)).into_query())))
            .add_option(area.as_ref().map(areas))
            .add_option(report.as_ref().map(reports));
        combine(own, and.as_ref(), or.as_ref(), not.as_deref(), |f| f.condition(today))
    }
}

/// What actions can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ImprovementActionOrderField {
    /// By the earliest open due date.
    DueOn,
    /// By the time of writing.
    CreatedAt,
}

/// One key of a sort.
#[derive(Debug, Clone, InputObject)]
pub struct ImprovementActionOrder {
    /// What to sort by.
    pub field: ImprovementActionOrderField,
    /// Smallest or largest first. Default `ASC`.
    pub direction: Option<OrderDirection>,
}

/// What occurrences can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ActionOccurrenceOrderField {
    /// By due date.
    DueOn,
    /// By the day of completion.
    CompletedOn,
}

/// One key of a sort.
#[derive(Debug, Clone, InputObject)]
pub struct ActionOccurrenceOrder {
    /// What to sort by.
    pub field: ActionOccurrenceOrderField,
    /// Smallest or largest first. Default `ASC`.
    pub direction: Option<OrderDirection>,
}

fn action_sorts(order: Option<Vec<ImprovementActionOrder>>) -> Result<Vec<Sort<improvement_action::Model>>> {
    use improvement_action::{Column, Model};
    let order = order.filter(|o| !o.is_empty());
    let order = order.unwrap_or_else(|| vec![ImprovementActionOrder { field: ImprovementActionOrderField::DueOn, direction: None }]);
    let (mut sorts, mut seen) = (Vec::new(), Vec::new());
    for ImprovementActionOrder { field, direction } in order {
        once(&mut seen, field)?;
        let sort = match field {
            ImprovementActionOrderField::DueOn => {
                Sort::by(action(Column::OpenDueOn), SortKind::Day, |a: &Model| a.open_due_on.into()).nullable()
            }
            ImprovementActionOrderField::CreatedAt => {
                Sort::by(action(Column::CreatedAt), SortKind::Instant, |a: &Model| a.created_at.into())
            }
        };
        sorts.push(sort.descending(is_descending(direction)));
    }
    sorts.push(Sort::by(action(Column::Id), SortKind::Id, |a: &Model| a.id.into()));
    Ok(sorts)
}

/// The sort of occurrences; by due date unless given.
pub fn occurrence_sorts(order: Option<Vec<ActionOccurrenceOrder>>) -> Result<Vec<Sort<occurrence::Model>>> {
    use occurrence::{Column, Model};
    let order = order.filter(|o| !o.is_empty());
    let order = order.unwrap_or_else(|| vec![ActionOccurrenceOrder { field: ActionOccurrenceOrderField::DueOn, direction: None }]);
    let (mut sorts, mut seen) = (Vec::new(), Vec::new());
    for ActionOccurrenceOrder { field, direction } in order {
        once(&mut seen, field)?;
        let sort = match field {
            ActionOccurrenceOrderField::DueOn => Sort::by(due(Column::DueOn), SortKind::Day, |o: &Model| o.due_on.into()),
            ActionOccurrenceOrderField::CompletedOn => {
                Sort::by(due(Column::CompletedOn), SortKind::Day, |o: &Model| o.completed_on.into()).nullable()
            }
        };
        sorts.push(sort.descending(is_descending(direction)));
    }
    sorts.push(Sort::by(due(Column::Id), SortKind::Id, |o: &Model| o.id.into()));
    Ok(sorts)
}

/// The occurrences of reports that a caller sees.
pub fn seen_occurrences(actor: &Actor) -> Select<occurrence::Entity> {
    let seen = report::Entity::find().select_only().column(report::Column::Id).filter(visible(actor));
    occurrence::Entity::find().filter(occurrence::Column::ReportId.in_subquery(seen.into_query()))
}

/// Queries on actions.
#[derive(Default)]
pub struct ImprovementQuery;

#[Object]
impl ImprovementQuery {
    /// One improvement action, or null where it is absent or you may not see it.
    async fn improvement_action(&self, ctx: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Option<Result<ImprovementAction>> {
        find(ctx, &id).await.transpose()
    }

    /// Improvement actions of the reports that you see. `first` and `last`: 20 unless given, at most 100. By due date unless `orderBy` says otherwise.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn improvement_actions(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<ImprovementActionWhere>,
        order_by: Option<Vec<ImprovementActionOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<ImprovementAction>> {
        let store = store(ctx)?;
        let query = seen_actions(actor(ctx)?).filter(filter.unwrap_or_default().condition(store.today()));
        paged(ctx, query, &action_sorts(order_by)?, &PageArgs { first, after, last, before }, ImprovementAction::new).await
    }

    /// Due dates of the actions that you see. `first` and `last`: 20 unless given, at most 100. By due date unless `orderBy` says otherwise.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn action_occurrences(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<ActionOccurrenceWhere>,
        #[graphql(desc = "Only what a figure counted: as its `drillDown` gives it.")] counted: Option<ID>,
        order_by: Option<Vec<ActionOccurrenceOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<ActionOccurrence>> {
        let store = store(ctx)?;
        let behind = drill::condition(store, drill::List::ActionOccurrences, counted.as_ref())?;
        let query = seen_occurrences(actor(ctx)?).filter(filter.unwrap_or_default().condition(store.today())).filter(behind);
        paged(ctx, query, &occurrence_sorts(order_by)?, &PageArgs { first, after, last, before }, ActionOccurrence).await
    }
}

fn seen_actions(actor: &Actor) -> Select<improvement_action::Entity> {
    let seen = report::Entity::find().select_only().column(report::Column::Id).filter(visible(actor));
    improvement_action::Entity::find().filter(improvement_action::Column::ReportId.in_subquery(seen.into_query()))
}

async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<ImprovementAction>> {
    let Ok(id) = Kind::ImprovementAction.uuid(id) else { return Ok(None) };
    let found = store(ctx)?.one(seen_actions(actor(ctx)?).filter(improvement_action::Column::Id.eq(id))).await?;
    Ok(found.map(ImprovementAction::new))
}
