//! 4.2 典型问题处理案例: a typical case as GraphQL shows it, and `cases` across reports.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::{report, typical_case};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr};

use crate::{
    auth::{Act, policy},
    error::Result,
    graphql::{
        connection::{List, paged},
        context::{actor, parent, store},
        filter::{IntFilter, StringFilter, combine},
        ids::Kind,
    },
    metrics::drill,
    report::{
        Report,
        permissions::facts,
        search::{OrderDirection, ReportWhere, is_descending, once},
    },
    store::{
        page::{Kind as SortKind, PageArgs, Sort},
        visible,
    },
};

/// 典型问题处理案例: a typical case.
#[derive(Clone)]
pub struct Case(pub typical_case::Model);

/// 典型问题处理案例: a typical case.
#[Object]
impl Case {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::Case.id(self.0.id)
    }

    /// 问题 ID: `POST-001` within the report, given by the service, never reused.
    async fn code(&self) -> String {
        format!("POST-{:03}", self.0.number)
    }

    /// 问题描述.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// 处理方案.
    async fn solution(&self) -> Option<&str> {
        self.0.solution.as_deref()
    }

    /// 用户满意度: 1 to 5 stars.
    async fn satisfaction(&self) -> Option<i32> {
        self.0.satisfaction
    }

    /// 经验总结.
    async fn lesson(&self) -> Option<&str> {
        self.0.lesson.as_deref()
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The report it belongs to.
    async fn report(&self, ctx: &Context<'_>) -> Result<Report> {
        Ok(Report::shared(parent::<report::Entity>(ctx, self.0.report_id).await?))
    }

    /// What you may do with it now.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<CasePermissions> {
        let report = parent::<report::Entity>(ctx, self.0.report_id).await?;
        Ok(CasePermissions { edit: policy::may(actor(ctx)?, Act::CaseEdit, &facts(ctx, &report).await?) })
    }
}

/// What the caller may do with a case.
#[derive(SimpleObject)]
pub struct CasePermissions {
    /// Edit or remove it.
    pub edit: bool,
}

/// Which cases. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct CaseWhere {
    /// All of these hold.
    pub and: Option<Vec<CaseWhere>>,
    /// At least one of these holds.
    pub or: Option<Vec<CaseWhere>>,
    /// This does not hold.
    pub not: Option<Box<CaseWhere>>,
    /// 问题描述.
    pub description: Option<StringFilter>,
    /// 经验总结.
    pub lesson: Option<StringFilter>,
    /// 用户满意度.
    pub satisfaction: Option<IntFilter>,
    /// Its report.
    pub report: Option<ReportWhere>,
}

fn col(column: typical_case::Column) -> Expr {
    Expr::col((typical_case::Entity, column))
}

impl CaseWhere {
    fn condition(&self) -> Condition {
        use typical_case::Column;
        let Self { and, or, not, description, lesson, satisfaction, report } = self;
        let reports = |f: &ReportWhere| {
            let ids = report::Entity::find().select_only().column(report::Column::Id).filter(f.condition());
            Column::ReportId.in_subquery(ids.into_query())
        };
        let own = Condition::all()
            .add_option(description.as_ref().map(|f| f.on(col(Column::Description))))
            .add_option(lesson.as_ref().map(|f| f.on(col(Column::Lesson))))
            .add_option(satisfaction.as_ref().map(|f| f.on(col(Column::Satisfaction))))
            .add_option(report.as_ref().map(reports));
        combine(own, and.as_ref(), or.as_ref(), not.as_deref(), Self::condition)
    }
}

/// What cases can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CaseOrderField {
    /// By the time of recording.
    CreatedAt,
    /// By satisfaction.
    Satisfaction,
}

/// One key of a sort.
#[derive(Debug, Clone, InputObject)]
pub struct CaseOrder {
    /// What to sort by.
    pub field: CaseOrderField,
    /// Smallest or largest first. Default `ASC`.
    pub direction: Option<OrderDirection>,
}

fn sorts(order: Option<Vec<CaseOrder>>) -> Result<Vec<Sort<typical_case::Model>>> {
    use typical_case::{Column, Model};
    let mut sorts = Vec::new();
    let mut seen = Vec::new();
    for CaseOrder { field, direction } in order.unwrap_or_default() {
        once(&mut seen, field)?;
        let sort = match field {
            CaseOrderField::CreatedAt => Sort::by(col(Column::CreatedAt), SortKind::Instant, |c: &Model| c.created_at.into()),
            CaseOrderField::Satisfaction => {
                Sort::by(col(Column::Satisfaction), SortKind::Int, |c: &Model| c.satisfaction.into()).nullable()
            }
        };
        sorts.push(sort.descending(is_descending(direction)));
    }
    sorts.push(Sort::by(col(Column::Id), SortKind::Id, |c: &Model| c.id.into()).descending(true));
    Ok(sorts)
}

/// Queries on cases.
#[derive(Default)]
pub struct CaseQuery;

#[Object]
impl CaseQuery {
    /// Typical cases of the reports that you see. `first` and `last`: 20 unless given, at most 100.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn cases(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<CaseWhere>,
        #[graphql(desc = "Only what a figure counted: as its `drillDown` gives it.")] counted: Option<ID>,
        order_by: Option<Vec<CaseOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Case>> {
        let seen = report::Entity::find().select_only().column(report::Column::Id).filter(visible(actor(ctx)?));
        let query = typical_case::Entity::find()
            .filter(typical_case::Column::ReportId.in_subquery(seen.into_query()))
            .filter(filter.unwrap_or_default().condition())
            .filter(drill::condition(store(ctx)?, drill::List::Cases, counted.as_ref())?);
        paged(ctx, query, &sorts(order_by)?, &PageArgs { first, after, last, before }, Case).await
    }
}
