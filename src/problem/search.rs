//! Problems across reports: `problems`.

use async_graphql::{Context, Enum, ID, InputObject, Object};
use entity::{
    enums::{Impact, ProblemPhase},
    owner, problem, report,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr};

use super::Problem;
use crate::{
    error::Result,
    graphql::{
        connection::{List, paged},
        context::{actor, store},
        filter::{DateTimeFilter, EnumFilter, IntFilter, StringFilter, combine},
    },
    metrics::drill,
    report::search::{OrderDirection, ReportWhere, is_descending, once},
    store::{
        page::{Kind as SortKind, PageArgs, Sort},
        visible,
    },
};

/// Which problems. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ProblemWhere {
    /// All of these hold.
    pub and: Option<Vec<ProblemWhere>>,
    /// At least one of these holds.
    pub or: Option<Vec<ProblemWhere>>,
    /// This does not hold.
    pub not: Option<Box<ProblemWhere>>,
    /// 出现阶段.
    pub phase: Option<EnumFilter<ProblemPhase>>,
    /// 影响程度.
    pub impact: Option<EnumFilter<Impact>>,
    /// 问题描述.
    pub description: Option<StringFilter>,
    /// Whether it triggered a rollback.
    pub triggered_rollback: Option<bool>,
    /// 处理时长, in minutes.
    pub handling_minutes: Option<IntFilter>,
    /// When it was recorded.
    pub recorded_at: Option<DateTimeFilter>,
    /// Code of an owner department.
    pub owner: Option<StringFilter>,
    /// Its report.
    pub report: Option<ReportWhere>,
}

fn col(column: problem::Column) -> Expr {
    Expr::col((problem::Entity, column))
}

impl ProblemWhere {
    fn condition(&self) -> Condition {
        use problem::Column;
        let Self { and, or, not, phase, impact, description, triggered_rollback, handling_minutes, recorded_at, owner, report } = self;
        let owners = |f: &StringFilter| {
            let ids = owner::Entity::find()
                .select_only()
                .column(owner::Column::ProblemId)
                .filter(owner::Column::ProblemId.is_not_null())
                .filter(f.on(Expr::col((owner::Entity, owner::Column::Department))));
            Column::Id.in_subquery(ids.into_query())
        };
        let reports = |f: &ReportWhere| {
            let ids = report::Entity::find().select_only().column(report::Column::Id).filter(f.condition());
            Column::ReportId.in_subquery(ids.into_query())
        };
        let own = Condition::all()
            .add_option(phase.as_ref().map(|f| f.on(col(Column::Phase), |v| v)))
            .add_option(impact.as_ref().map(|f| f.on(col(Column::Impact), |v| v)))
            .add_option(description.as_ref().map(|f| f.on(col(Column::Description))))
            .add_option(triggered_rollback.map(|t| Column::TriggeredRollback.eq(t)))
            .add_option(handling_minutes.as_ref().map(|f| f.on(col(Column::HandlingMinutes))))
            .add_option(recorded_at.as_ref().map(|f| f.on(col(Column::RecordedAt))))
            .add_option(owner.as_ref().map(owners))
            .add_option(report.as_ref().map(reports));
        combine(own, and.as_ref(), or.as_ref(), not.as_deref(), Self::condition)
    }
}

/// What problems can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ProblemOrderField {
    /// By the time of recording.
    RecordedAt,
    /// By handling time.
    HandlingMinutes,
}

/// One key of a sort.
#[derive(Debug, Clone, InputObject)]
pub struct ProblemOrder {
    /// What to sort by.
    pub field: ProblemOrderField,
    /// Smallest or largest first. Default `ASC`.
    pub direction: Option<OrderDirection>,
}

fn sorts(order: Option<Vec<ProblemOrder>>) -> Result<Vec<Sort<problem::Model>>> {
    use problem::{Column, Model};
    let mut sorts = Vec::new();
    let mut seen = Vec::new();
    for ProblemOrder { field, direction } in order.unwrap_or_default() {
        once(&mut seen, field)?;
        let sort = match field {
            ProblemOrderField::RecordedAt => Sort::by(col(Column::RecordedAt), SortKind::Instant, |p: &Model| p.recorded_at.into()),
            ProblemOrderField::HandlingMinutes => {
                Sort::by(col(Column::HandlingMinutes), SortKind::Int, |p: &Model| p.handling_minutes.into()).nullable()
            }
        };
        sorts.push(sort.descending(is_descending(direction)));
    }
    sorts.push(Sort::by(col(Column::Id), SortKind::Id, |p: &Model| p.id.into()).descending(true));
    Ok(sorts)
}

/// Queries on problems.
#[derive(Default)]
pub struct ProblemQuery;

#[Object]
impl ProblemQuery {
    /// Problems of the reports that you see. `first` and `last`: 20 unless given, at most 100.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn problems(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<ProblemWhere>,
        #[graphql(desc = "Only what a figure counted: as its `drillDown` gives it.")] counted: Option<ID>,
        order_by: Option<Vec<ProblemOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Problem>> {
        let seen = report::Entity::find().select_only().column(report::Column::Id).filter(visible(actor(ctx)?));
        let query = problem::Entity::find()
            .filter(problem::Column::ReportId.in_subquery(seen.into_query()))
            .filter(filter.unwrap_or_default().condition())
            .filter(drill::condition(store(ctx)?, drill::List::Problems, counted.as_ref())?);
        paged(ctx, query, &sorts(order_by)?, &PageArgs { first, after, last, before }, Problem).await
    }
}
