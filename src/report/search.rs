//! Which reports, in which order: the `where` and `orderBy` of `reports`, and of everything that reaches reports.

use async_graphql::{Enum, ID, InputObject};
use entity::{
    enums::{ComplianceVerdict, ReleaseOutcome, ReleaseStrategy, ReleaseType, ReportState},
    participant, product, release_application, report,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    catalog::number::version_key,
    error::Result,
    graphql::{
        filter::{DateFilter, DateTimeFilter, EnumFilter, StringFilter, combine},
        ids::Kind,
    },
    store::page::{Kind as SortKind, Sort},
};

/// Which reports. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ReportWhere {
    /// All of these hold.
    pub and: Option<Vec<ReportWhere>>,
    /// At least one of these holds.
    pub or: Option<Vec<ReportWhere>>,
    /// This does not hold.
    pub not: Option<Box<ReportWhere>>,
    /// One of these ids.
    pub ids: Option<Vec<ID>>,
    /// 报告编号.
    pub number: Option<StringFilter>,
    /// 对应发布申请编号.
    pub application_number: Option<StringFilter>,
    /// State.
    pub state: Option<EnumFilter<ReportState>>,
    /// 发布类型.
    pub release_type: Option<EnumFilter<ReleaseType>>,
    /// 发布策略.
    pub strategy: Option<EnumFilter<ReleaseStrategy>>,
    /// How the release ended.
    pub outcome: Option<EnumFilter<ReleaseOutcome>>,
    /// 流程合规性.
    pub compliance: Option<EnumFilter<ComplianceVerdict>>,
    /// Key of the product.
    pub product: Option<StringFilter>,
    /// 发布版本, compared without case and V.
    pub version: Option<StringFilter>,
    /// Code of a department that participates.
    pub participant: Option<StringFilter>,
    /// 编制日期.
    pub prepared_on: Option<DateFilter>,
    /// 计划发布时间.
    pub planned_release_at: Option<DateTimeFilter>,
    /// 实际发布时间.
    pub actual_release_at: Option<DateTimeFilter>,
    /// When anything of it was changed last.
    pub updated_at: Option<DateTimeFilter>,
    /// Whether a filed report replaced it.
    pub superseded: Option<bool>,
}

fn col(column: report::Column) -> Expr {
    Expr::col((report::Entity, column))
}

impl ReportWhere {
    /// The condition on `report`. An id of another type matches nothing.
    pub fn condition(&self) -> Condition {
        use report::Column;
        let Self {
            and,
            or,
            not,
            ids,
            number,
            application_number,
            state,
            release_type,
            strategy,
            outcome,
            compliance,
            product,
            version,
            participant,
            prepared_on,
            planned_release_at,
            actual_release_at,
            updated_at,
            superseded,
        } = self;
        let applications = |f: &StringFilter| {
            let column = Expr::col((release_application::Entity, release_application::Column::Number));
            let ids = release_application::Entity::find().select_only().column(release_application::Column::Id).filter(f.on(column));
            Column::ApplicationId.in_subquery(ids.into_query())
        };
        let products = |f: &StringFilter| {
            let column = Expr::col((product::Entity, product::Column::Key));
            let ids = product::Entity::find().select_only().column(product::Column::Id).filter(f.on(column));
            Column::ProductId.in_subquery(ids.into_query())
        };
        let participants = |f: &StringFilter| {
            let column = Expr::col((participant::Entity, participant::Column::Department));
            let ids = participant::Entity::find().select_only().column(participant::Column::ReportId).filter(f.on(column));
            Column::Id.in_subquery(ids.into_query())
        };
        let own = Condition::all()
            .add_option(ids.as_ref().map(|ids| Column::Id.is_in(ids.iter().filter_map(|id| Kind::Report.uuid(id).ok()))))
            .add_option(number.as_ref().map(|f| f.on(col(Column::Number))))
            .add_option(application_number.as_ref().map(applications))
            .add_option(state.as_ref().map(|f| f.on(col(Column::State), |v| v)))
            .add_option(release_type.as_ref().map(|f| f.on(col(Column::ReleaseType), |v| v)))
            .add_option(strategy.as_ref().map(|f| f.on(col(Column::Strategy), |v| v)))
            .add_option(outcome.as_ref().map(|f| f.on(col(Column::Outcome), |v| v)))
            .add_option(compliance.as_ref().map(|f| f.on(col(Column::Compliance), |v| v)))
            .add_option(product.as_ref().map(products))
            .add_option(version.as_ref().map(|f| f.on_key(col(Column::VersionKey), version_key)))
            .add_option(participant.as_ref().map(participants))
            .add_option(prepared_on.as_ref().map(|f| f.on(col(Column::PreparedOn))))
            .add_option(planned_release_at.as_ref().map(|f| f.on(col(Column::PlannedReleaseAt))))
            .add_option(actual_release_at.as_ref().map(|f| f.on(col(Column::ActualReleaseAt))))
            .add_option(updated_at.as_ref().map(|f| f.on(col(Column::UpdatedAt))))
            .add_option(superseded.map(|s| if s { col(Column::SupersededAt).is_not_null() } else { col(Column::SupersededAt).is_null() }));
        combine(own, and.as_ref(), or.as_ref(), not.as_deref(), Self::condition)
    }
}

/// The direction of a sort. Blank values come last in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// What reports can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ReportOrderField {
    /// By year and sequence of the number.
    Number,
    /// By preparation date.
    PreparedOn,
    /// By planned release time.
    PlannedReleaseAt,
    /// By actual release time.
    ActualReleaseAt,
    /// By version, as a version.
    Version,
    /// By the last change.
    UpdatedAt,
}

/// One key of a sort.
#[derive(Debug, Clone, InputObject)]
pub struct ReportOrder {
    /// What to sort by.
    pub field: ReportOrderField,
    /// Smallest or largest first. Default `ASC`.
    pub direction: Option<OrderDirection>,
}

/// Whether a direction is descending.
pub fn is_descending(direction: Option<OrderDirection>) -> bool {
    direction == Some(OrderDirection::Desc)
}

/// The sort of reports; by number, the latest first, unless given.
///
/// # Errors
/// `BAD_USER_INPUT` when a field is named twice.
pub fn sorts(order: Option<Vec<ReportOrder>>) -> Result<Vec<Sort<report::Model>>> {
    use report::{Column, Model};
    let order = order.filter(|o| !o.is_empty());
    let order = order.unwrap_or_else(|| vec![ReportOrder { field: ReportOrderField::Number, direction: Some(OrderDirection::Desc) }]);
    let mut sorts = Vec::new();
    let mut seen = Vec::new();
    for ReportOrder { field, direction } in order {
        once(&mut seen, field)?;
        let down = is_descending(direction);
        let keys = match field {
            ReportOrderField::Number => vec![
                Sort::by(col(Column::NumberYear), SortKind::Int, |r: &Model| r.number_year.into()),
                Sort::by(col(Column::NumberSequence), SortKind::Int, |r: &Model| r.number_sequence.into()),
            ],
            ReportOrderField::PreparedOn => vec![Sort::by(col(Column::PreparedOn), SortKind::Day, |r: &Model| r.prepared_on.into())],
            ReportOrderField::PlannedReleaseAt => {
                vec![Sort::by(col(Column::PlannedReleaseAt), SortKind::Instant, |r: &Model| r.planned_release_at.into()).nullable()]
            }
            ReportOrderField::ActualReleaseAt => {
                vec![Sort::by(col(Column::ActualReleaseAt), SortKind::Instant, |r: &Model| r.actual_release_at.into()).nullable()]
            }
            ReportOrderField::Version => {
                vec![Sort::by(col(Column::VersionSort), SortKind::Text, |r: &Model| r.version_sort.clone().into()).nullable()]
            }
            ReportOrderField::UpdatedAt => vec![Sort::by(col(Column::UpdatedAt), SortKind::Instant, |r: &Model| r.updated_at.into())],
        };
        sorts.extend(keys.into_iter().map(|sort| sort.descending(down)));
    }
    sorts.push(Sort::by(col(Column::Id), SortKind::Id, |r: &Model| r.id.into()));
    Ok(sorts)
}

/// Refuses a sort that names a field twice.
///
/// # Errors
/// `BAD_USER_INPUT`.
pub fn once<T: PartialEq>(seen: &mut Vec<T>, field: T) -> Result<()> {
    if seen.contains(&field) {
        return Err(crate::error::Error::BadInput(crate::error::say("orderBy names a field twice", "orderBy 中的字段重复")));
    }
    seen.push(field);
    Ok(())
}
