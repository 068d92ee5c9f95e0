//! Deployments as lists: `deployments`, `parkedDeployments`, `deployment`, and those of a report; and who sees which.

use async_graphql::{Context, Enum, ID, InputObject, Object};
use entity::{
    deployment,
    pipeline::{DeploymentStanding, DeploymentStatus, EnvironmentClass, ParkedReason},
    product, report,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select, sea_query::Expr};

use super::object::Deployment;
use crate::{
    auth::{Actor, policy},
    error::Result,
    graphql::{
        connection::{List, paged},
        context::{actor, store},
        filter::{DateTimeFilter, EnumFilter, StringFilter, combine},
        ids::Kind,
    },
    metrics::drill,
    report::search::{OrderDirection, ReportWhere, is_descending, once},
    store::{
        own_key,
        page::{Kind as SortKind, PageArgs, Sort},
        sees_waiting, visible,
    },
};

/// The deployments that the caller sees: those of reports that they read, what is parked or held if they may, and their own.
pub fn seen(actor: &Actor) -> Condition {
    use deployment::Column;
    let own = Column::SourceKey.eq(own_key(actor));
    if !policy::reads_submitted(actor) {
        return Condition::any().add(own);
    }
    let reports = report::Entity::find().select_only().column(report::Column::Id).filter(visible(actor));
    let attached =
        Condition::all().add(Column::Standing.eq(DeploymentStanding::Attached)).add(Column::ReportId.in_subquery(reports.into_query()));
    let any = Condition::any().add(own).add(attached);
    if sees_waiting(actor) {
        return any.add(Column::Standing.ne(DeploymentStanding::Attached));
    }
    any
}

/// Whether the caller sees this deployment of a report that they read: [`seen`], without asking the database.
pub fn seen_row(actor: &Actor, row: &deployment::Model) -> bool {
    row.source_key == own_key(actor) || row.standing == DeploymentStanding::Attached || sees_waiting(actor)
}

/// Which deployments. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct DeploymentWhere {
    /// All of these hold.
    pub and: Option<Vec<DeploymentWhere>>,
    /// At least one of these holds.
    pub or: Option<Vec<DeploymentWhere>>,
    /// This does not hold.
    pub not: Option<Box<DeploymentWhere>>,
    /// How far it is.
    pub status: Option<EnumFilter<DeploymentStatus>>,
    /// The environment, as named.
    pub environment: Option<StringFilter>,
    /// The class of the environment.
    pub environment_class: Option<EnumFilter<EnvironmentClass>>,
    /// How it stands to the reports.
    pub standing: Option<EnumFilter<DeploymentStanding>>,
    /// Why it is parked.
    pub parked_reason: Option<EnumFilter<ParkedReason>>,
    /// Who reports it.
    pub source: Option<StringFilter>,
    /// The sender's id of it.
    pub deployment_id: Option<StringFilter>,
    /// `REL-APP-YYYY-NNN`, as it names it.
    pub application_number: Option<StringFilter>,
    /// Key of the product.
    pub product: Option<StringFilter>,
    /// The commit.
    pub commit: Option<StringFilter>,
    /// First start.
    pub started_at: Option<DateTimeFilter>,
    /// Last success, or end.
    pub finished_at: Option<DateTimeFilter>,
    /// When it was first heard of.
    pub recorded_at: Option<DateTimeFilter>,
    /// Its report.
    pub report: Option<ReportWhere>,
}

impl DeploymentWhere {
    /// The condition on `deployment`.
    pub fn condition(&self) -> Condition {
        use deployment::Column;
        let Self {
            and,
            or,
            not,
            status,
            environment,
            environment_class,
            standing,
            parked_reason,
            source,
            deployment_id,
            application_number,
            product,
            commit,
            started_at,
            finished_at,
            recorded_at,
            report,
        } = self;
        let col = |c: Column| Expr::col((deployment::Entity, c));
        let products = |f: &StringFilter| {
            let ids = product::Entity::find()
                .select_only()
                .column(product::Column::Id)
                .filter(f.on(Expr::col((product::Entity, product::Column::Key))));
            Column::ProductId.in_subquery(ids.into_query())
        };
        let reports = |f: &ReportWhere| {
            let ids = report::Entity::find().select_only().column(report::Column::Id).filter(f.condition());
            Column::ReportId.in_subquery(ids.into_query())
        };
        let own = Condition::all()
            .add_option(status.as_ref().map(|f| f.on(col(Column::Status), |v| v)))
            .add_option(environment.as_ref().map(|f| f.on(col(Column::Environment))))
            .add_option(environment_class.as_ref().map(|f| f.on(col(Column::EnvironmentClass), |v| v)))
            .add_option(standing.as_ref().map(|f| f.on(col(Column::Standing), |v| v)))
            .add_option(parked_reason.as_ref().map(|f| f.on(col(Column::ParkedReason), |v| v)))
            .add_option(source.as_ref().map(|f| f.on(col(Column::Source))))
            .add_option(deployment_id.as_ref().map(|f| f.on(col(Column::ExternalId))))
            .add_option(application_number.as_ref().map(|f| f.on(col(Column::ApplicationNumber))))
            .add_option(product.as_ref().map(products))
            .add_option(commit.as_ref().map(|f| f.on(col(Column::CommitSha))))
            .add_option(started_at.as_ref().map(|f| f.on(col(Column::StartedAt))))
            .add_option(finished_at.as_ref().map(|f| f.on(col(Column::FinishedAt))))
            .add_option(recorded_at.as_ref().map(|f| f.on(col(Column::RecordedAt))))
            .add_option(report.as_ref().map(reports));
        combine(own, and.as_ref(), or.as_ref(), not.as_deref(), Self::condition)
    }
}

/// What deployments are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum DeploymentOrderField {
    /// When it was first heard of.
    RecordedAt,
    /// First start.
    StartedAt,
    /// Last success, or end.
    FinishedAt,
}

/// One key of an order.
#[derive(Debug, Clone, Copy, InputObject)]
pub struct DeploymentOrder {
    /// By what.
    pub field: DeploymentOrderField,
    /// Default `ASC`.
    pub direction: Option<OrderDirection>,
}

/// Queries on deployments.
#[derive(Default)]
pub struct DeploymentQuery;

#[Object]
impl DeploymentQuery {
    /// The deployment with this id, or null where it is absent or you may not see it.
    async fn deployment(&self, ctx: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Option<Result<Deployment>> {
        one(ctx, &id).await.transpose()
    }

    /// Deployments: those of reports that you may read, a pipeline's own, and what is parked or held if you may see that; the latest
    /// first. `first` and `last`: 20 unless given, at most 100.
    #[expect(clippy::too_many_arguments, reason = "Relay's four, where and orderBy")]
    async fn deployments(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<DeploymentWhere>,
        #[graphql(desc = "Only what a figure counted: as its `drillDown` gives it.")] counted: Option<ID>,
        order_by: Option<Vec<DeploymentOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<Deployment>>> {
        let behind = match store(ctx).and_then(|store| drill::condition(store, drill::List::Deployments, counted.as_ref())) {
            Ok(behind) => behind,
            Err(error) => return Some(Err(error)),
        };
        let which = filter.unwrap_or_default().condition().add(behind);
        Some(page(ctx, which, order_by.as_deref(), PageArgs { first, after, last, before }).await)
    }

    /// Deployments that belong to no report yet, or to more than one, the latest first. `first` and `last`: 20 unless given, at most 100.
    async fn parked_deployments(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<DeploymentWhere>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<Deployment>>> {
        let parked = filter.unwrap_or_default().condition().add(deployment::Column::Standing.eq(DeploymentStanding::Parked));
        Some(page(ctx, parked, None, PageArgs { first, after, last, before }).await)
    }
}

/// The deployment with this id, if the caller sees it.
///
/// # Errors
/// A fault of the database.
pub async fn one(ctx: &Context<'_>, id: &ID) -> Result<Option<Deployment>> {
    let Ok(id) = Kind::Deployment.uuid(id) else { return Ok(None) };
    let query = deployment::Entity::find_by_id(id).filter(seen(actor(ctx)?));
    Ok(store(ctx)?.one(query).await?.map(Deployment::new))
}

/// A page of deployments that the caller sees.
///
/// # Errors
/// `BAD_USER_INPUT` for arguments out of range, faults.
pub async fn page(ctx: &Context<'_>, which: Condition, order: Option<&[DeploymentOrder]>, args: PageArgs) -> Result<List<Deployment>> {
    use deployment::Column;
    let query: Select<deployment::Entity> = deployment::Entity::find().filter(seen(actor(ctx)?)).filter(which);
    let col = |c: Column| Expr::col((deployment::Entity, c));
    let mut sorts: Vec<Sort<deployment::Model>> = Vec::new();
    let latest = [DeploymentOrder { field: DeploymentOrderField::RecordedAt, direction: Some(OrderDirection::Desc) }];
    let order = order.filter(|o| !o.is_empty()).unwrap_or(&latest);
    let mut named = Vec::new();
    for DeploymentOrder { field, direction } in order {
        once(&mut named, *field)?;
        let sort = match field {
            DeploymentOrderField::RecordedAt => {
                Sort::by(col(Column::RecordedAt), SortKind::Instant, |d: &deployment::Model| d.recorded_at.into())
            }
            DeploymentOrderField::StartedAt => {
                Sort::by(col(Column::StartedAt), SortKind::Instant, |d: &deployment::Model| d.started_at.into()).nullable()
            }
            DeploymentOrderField::FinishedAt => {
                Sort::by(col(Column::FinishedAt), SortKind::Instant, |d: &deployment::Model| d.finished_at.into()).nullable()
            }
        };
        sorts.push(sort.descending(is_descending(*direction)));
    }
    let down = order.first().is_some_and(|o| is_descending(o.direction));
    sorts.push(Sort::by(col(Column::Id), SortKind::Id, |d: &deployment::Model| d.id.into()).descending(down));
    paged(ctx, query, &sorts, &args, Deployment::new).await
}
