//! Milestones across reports: `milestones`.

use async_graphql::{Context, Enum, ID, InputObject, Object};
use entity::{enums::MilestoneKind, milestone, owner, report};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr};

use super::Milestone;
use crate::{
    error::Result,
    graphql::{
        connection::{List, paged},
        context::{actor, store},
        filter::{DateTimeFilter, EnumFilter, StringFilter, combine},
    },
    metrics::drill,
    report::search::{OrderDirection, ReportWhere, is_descending, once},
    store::{
        page::{Kind as SortKind, PageArgs, Sort},
        visible,
    },
};

/// Which milestones. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct MilestoneWhere {
    /// All of these hold.
    pub and: Option<Vec<MilestoneWhere>>,
    /// At least one of these holds.
    pub or: Option<Vec<MilestoneWhere>>,
    /// This does not hold.
    pub not: Option<Box<MilestoneWhere>>,
    /// Which milestone.
    pub kind: Option<EnumFilter<MilestoneKind>>,
    /// Code of an owner department.
    pub owner: Option<StringFilter>,
    /// 计划完成时间.
    pub planned_at: Option<DateTimeFilter>,
    /// 实际完成时间.
    pub actual_at: Option<DateTimeFilter>,
    /// Whether it is set aside.
    pub not_applicable: Option<bool>,
    /// Its report.
    pub report: Option<ReportWhere>,
}

fn col(column: milestone::Column) -> Expr {
    Expr::col((milestone::Entity, column))
}

impl MilestoneWhere {
    fn condition(&self) -> Condition {
        use milestone::Column;
        let Self { and, or, not, kind, owner, planned_at, actual_at, not_applicable, report } = self;
        let owners = |f: &StringFilter| {
            let ids = owner::Entity::find()
                .select_only()
                .column(owner::Column::MilestoneId)
                .filter(owner::Column::MilestoneId.is_not_null())
                .filter(owner::Column::Current.eq(true))
                .filter(f.on(Expr::col((owner::Entity, owner::Column::Department))));
            Column::Id.in_subquery(ids.into_query())
        };
        let reports = |f: &ReportWhere| {
            let ids = report::Entity::find().select_only().column(report::Column::Id).filter(f.condition());
            Column::ReportId.in_subquery(ids.into_query())
        };
        let own = Condition::all()
            .add_option(kind.as_ref().map(|f| f.on(col(Column::Kind), |v| v)))
            .add_option(owner.as_ref().map(owners))
            .add_option(planned_at.as_ref().map(|f| f.on(col(Column::PlannedAt))))
            .add_option(actual_at.as_ref().map(|f| f.on(col(Column::ActualAt))))
            .add_option(not_applicable.map(|n| Column::NotApplicable.eq(n)))
            .add_option(report.as_ref().map(reports));
        combine(own, and.as_ref(), or.as_ref(), not.as_deref(), Self::condition)
    }
}

/// What milestones can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum MilestoneOrderField {
    /// By planned time.
    PlannedAt,
    /// By actual time.
    ActualAt,
}

/// One key of a sort.
#[derive(Debug, Clone, InputObject)]
pub struct MilestoneOrder {
    /// What to sort by.
    pub field: MilestoneOrderField,
    /// Smallest or largest first. Default `ASC`.
    pub direction: Option<OrderDirection>,
}

fn sorts(order: Option<Vec<MilestoneOrder>>) -> Result<Vec<Sort<milestone::Model>>> {
    use milestone::{Column, Model};
    let mut sorts = Vec::new();
    let mut seen = Vec::new();
    for MilestoneOrder { field, direction } in order.unwrap_or_default() {
        once(&mut seen, field)?;
        let sort = match field {
            MilestoneOrderField::PlannedAt => Sort::by(col(Column::PlannedAt), SortKind::Instant, |m: &Model| m.planned_at.into()),
            MilestoneOrderField::ActualAt => Sort::by(col(Column::ActualAt), SortKind::Instant, |m: &Model| m.actual_at.into()),
        };
        sorts.push(sort.nullable().descending(is_descending(direction)));
    }
    sorts.push(Sort::by(col(Column::Id), SortKind::Id, |m: &Model| m.id.into()).descending(true));
    Ok(sorts)
}

/// Queries on milestones.
#[derive(Default)]
pub struct MilestoneQuery;

#[Object]
impl MilestoneQuery {
    /// Milestones of the reports that you see. `first` and `last`: 20 unless given, at most 100.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn milestones(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<MilestoneWhere>,
        #[graphql(desc = "Only what a figure counted: as its `drillDown` gives it.")] counted: Option<ID>,
        order_by: Option<Vec<MilestoneOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Milestone>> {
        let seen = report::Entity::find().select_only().column(report::Column::Id).filter(visible(actor(ctx)?));
        let query = milestone::Entity::find()
            .filter(milestone::Column::ReportId.in_subquery(seen.into_query()))
            .filter(filter.unwrap_or_default().condition())
            .filter(drill::condition(store(ctx)?, drill::List::Milestones, counted.as_ref())?);
        paged(ctx, query, &sorts(order_by)?, &PageArgs { first, after, last, before }, Milestone).await
    }
}
