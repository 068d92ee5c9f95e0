//! `report(by:)` and `reports`.

use async_graphql::{Context, ID, Object, OneofObject};
use entity::{release_application, report};
use sea_orm::{
    ColumnTrait, EntityTrait, Order, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Query, SelectStatement},
};

use super::{
    Report, ahead,
    search::{ReportOrder, ReportWhere, sorts},
};
use crate::{
    catalog::number::FormNumber,
    error::Result,
    graphql::{
        connection::{List, asks_total, connect},
        context::{actor, loaders, store},
        ids::Kind,
    },
    metrics::drill,
    store::{page::PageArgs, visible},
};

/// Names a report.
#[derive(Debug, Clone, OneofObject)]
pub enum ReportBy {
    /// By global id.
    Id(ID),
    /// By 报告编号: `REL-SUM-YYYY-NNN`.
    Number(String),
    /// By 对应发布申请编号: the application's live report; without one, its latest.
    ApplicationNumber(String),
}

/// Queries on reports.
#[derive(Default)]
pub struct ReportRootQuery;

#[Object]
impl ReportRootQuery {
    /// One report, or null where it is absent or you may not see it.
    async fn report(&self, ctx: &Context<'_>, #[graphql(desc = "Its name.")] by: ReportBy) -> Option<Result<Report>> {
        let found = async {
            let Some(mut query) = named(by) else { return Ok(None) };
            let query = query.cond_where(visible(actor(ctx)?)).to_owned();
            let found = store(ctx)?.one_bundled(&loaders(ctx)?.bundled(), ahead::tables(ctx), query).await?;
            Ok(found.map(Report::new))
        };
        found.await.transpose()
    }

    /// The reports that you see. `first` and `last`: 20 unless given, at most 100. Sorted by number, the latest first, unless `orderBy` says otherwise.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn reports(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<ReportWhere>,
        #[graphql(desc = "Only what a figure counted: as its `drillDown` gives it.")] counted: Option<ID>,
        order_by: Option<Vec<ReportOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Report>> {
        let behind = drill::condition(store(ctx)?, drill::List::Reports, counted.as_ref())?;
        let query = report::Entity::find().filter(visible(actor(ctx)?)).filter(filter.unwrap_or_default().condition()).filter(behind);
        let (bundled, args) = (loaders(ctx)?.bundled(), PageArgs { first, after, last, before });
        let page = store(ctx)?.page_bundled(&bundled, ahead::tables(ctx), query.clone(), &sorts(order_by)?, &args, asks_total(ctx)).await?;
        Ok(connect(page, query, Report::new))
    }
}

/// The report of this name; `None` for what is no name.
fn named(by: ReportBy) -> Option<SelectStatement> {
    let mut query = Query::select();
    query.from(report::Entity);
    match by {
        ReportBy::Id(id) => query.and_where(report::Column::Id.eq(Kind::Report.uuid(&id).ok()?)),
        ReportBy::Number(number) => query.and_where(report::Column::Number.eq(FormNumber::read_report(&number)?.to_string())),
        ReportBy::ApplicationNumber(number) => {
            let number = FormNumber::application("by.applicationNumber", &number).ok()?;
            let of_this = release_application::Column::Number.eq(number.to_string());
            let application = release_application::Entity::find().filter(of_this).select_only().column(release_application::Column::Id);
            query
                .and_where(report::Column::ApplicationId.in_subquery(application.into_query()))
                .order_by_expr(report::Column::LiveApplicationId.is_null(), Order::Asc)
                .order_by((report::Entity, report::Column::Id), Order::Desc)
        }
    };
    Some(query)
}
