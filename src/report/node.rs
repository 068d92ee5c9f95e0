//! Global object identification: `node` and `nodes`, checked again for permission.

use async_graphql::{Context, ID, Interface, Object};
use entity::{
    audit_entry, department_evaluation, improvement_action, milestone, occurrence, person, post_release_stat, problem, product,
    release_application, report, typical_case,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select, prelude::Uuid};
use std::sync::Arc;

use super::{Report, history::AuditEntry};
use crate::{
    aftermath::{Case, PostReleaseStat},
    auth::{Act, Facts, policy},
    catalog::{Department, Person, Product, ReleaseApplication, application},
    delivery::{self, event::Event, outgoing::EventDelivery, sink::EventSink},
    deployment::{self, Deployment, delivery::InboundDelivery, source::IngestionSource},
    error::{Error, Result, say},
    evaluation::DepartmentEvaluation,
    execution::Milestone,
    graphql::{
        context::{actor, departments, store},
        ids::{Kind, read},
    },
    improvement::{ActionOccurrence, ImprovementAction},
    problem::Problem,
    store::visible,
};

/// An object with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global id."))]
pub enum Node {
    /// A report.
    Report(Report),
    /// A department.
    Department(Department),
    /// A product.
    Product(Product),
    /// A person.
    Person(Person),
    /// A release application.
    ReleaseApplication(ReleaseApplication),
    /// A milestone.
    Milestone(Milestone),
    /// A problem.
    Problem(Problem),
    /// A row of the statistics.
    PostReleaseStat(PostReleaseStat),
    /// A typical case.
    Case(Case),
    /// A department's evaluation.
    DepartmentEvaluation(DepartmentEvaluation),
    /// An improvement action.
    ImprovementAction(ImprovementAction),
    /// An occurrence.
    ActionOccurrence(ActionOccurrence),
    /// An audit entry.
    AuditEntry(AuditEntry),
    /// A deployment.
    Deployment(Deployment),
    /// A delivery of a pipeline.
    InboundDelivery(InboundDelivery),
    /// An ingestion source.
    IngestionSource(IngestionSource),
    /// An event.
    Event(Event),
    /// An event sink.
    EventSink(EventSink),
    /// A delivery to a sink.
    EventDelivery(EventDelivery),
}

/// Queries by global id.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object with this global id, or null where it is absent or you may not see it.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Option<Result<Node>> {
        find(ctx, &id).await.transpose()
    }

    /// The objects with these global ids, in their order; at most 100.
    async fn nodes(&self, ctx: &Context<'_>, #[graphql(desc = "Their global ids.")] ids: Vec<ID>) -> Result<Vec<Option<Node>>> {
        if ids.len() > 100 {
            return Err(Error::BadInput(say("At most 100 ids", "最多 100 个 id")));
        }
        futures_util::future::try_join_all(ids.iter().map(|id| find(ctx, id))).await
    }
}

/// Rows of a table whose report the caller sees.
fn seen<E: EntityTrait>(ctx: &Context<'_>, report_id: E::Column, by: Select<E>) -> Result<Select<E>> {
    let ids = report::Entity::find().select_only().column(report::Column::Id).filter(visible(actor(ctx)?));
    Ok(by.filter(report_id.in_subquery(ids.into_query())))
}

async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Some((kind, key)) = read(id) else { return Ok(None) };
    // These know their own readers.
    match kind {
        Kind::Deployment => return Ok(deployment::search::one(ctx, id).await?.map(Node::Deployment)),
        Kind::InboundDelivery => return Ok(deployment::delivery::one(ctx, id).await?.map(Node::InboundDelivery)),
        Kind::Event => return Ok(delivery::search::one(ctx, id).await?.map(Node::Event)),
        Kind::EventSink => return Ok(delivery::sink::one(ctx, id).await?.map(Node::EventSink)),
        Kind::EventDelivery => return Ok(delivery::outgoing::one(ctx, id).await?.map(Node::EventDelivery)),
        Kind::IngestionSource => return Ok(deployment::source::one(ctx, id).await?.map(Node::IngestionSource)),
        _ => {}
    }
    // A pipeline reads what it reported, nothing else; and who belongs nowhere reads nothing.
    if !policy::reads_submitted(actor(ctx)?) {
        return Ok(None);
    }
    let store = store(ctx)?;
    let uuid: Option<Uuid> = key.parse().ok();
    if kind == Kind::Department {
        return Ok(departments(ctx).await?.get(&key).cloned().map(|d| Node::Department(Department(d))));
    }
    if kind == Kind::AuditEntry {
        if policy::allows(actor(ctx)?, Act::AuditRead, &Facts::default()).is_err() {
            return Ok(None);
        }
        let Ok(id) = key.parse::<i64>() else { return Ok(None) };
        return Ok(store.one(audit_entry::Entity::find_by_id(id)).await?.map(|e| Node::AuditEntry(AuditEntry(e))));
    }
    let Some(id) = uuid else { return Ok(None) };
    Ok(match kind {
        Kind::Department
        | Kind::AuditEntry
        | Kind::Deployment
        | Kind::InboundDelivery
        | Kind::IngestionSource
        | Kind::Event
        | Kind::EventSink
        | Kind::EventDelivery => None,
        Kind::Report => {
            let query = report::Entity::find_by_id(id).filter(visible(actor(ctx)?));
            store.one(query).await?.map(|r| Node::Report(Report::new(r)))
        }
        Kind::Product => store.one(product::Entity::find_by_id(id)).await?.map(|p| Node::Product(Product(Arc::new(p)))),
        Kind::Person => store.one(person::Entity::find_by_id(id)).await?.map(|p| Node::Person(Person(p))),
        Kind::ReleaseApplication => application::find(ctx, release_application::Column::Id.eq(id)).await?.map(Node::ReleaseApplication),
        Kind::Milestone => {
            let query = seen(ctx, milestone::Column::ReportId, milestone::Entity::find_by_id(id))?;
            store.one(query).await?.map(|m| Node::Milestone(Milestone(m)))
        }
        Kind::Problem => {
            let query = seen(ctx, problem::Column::ReportId, problem::Entity::find_by_id(id))?;
            store.one(query).await?.map(|p| Node::Problem(Problem(p)))
        }
        Kind::PostReleaseStat => {
            let query = seen(ctx, post_release_stat::Column::ReportId, post_release_stat::Entity::find_by_id(id))?;
            store.one(query).await?.map(|s| Node::PostReleaseStat(PostReleaseStat(s)))
        }
        Kind::Case => {
            let query = seen(ctx, typical_case::Column::ReportId, typical_case::Entity::find_by_id(id))?;
            store.one(query).await?.map(|c| Node::Case(Case(c)))
        }
        Kind::DepartmentEvaluation => {
            let query = seen(ctx, department_evaluation::Column::ReportId, department_evaluation::Entity::find_by_id(id))?;
            store.one(query).await?.map(|e| Node::DepartmentEvaluation(DepartmentEvaluation(e)))
        }
        Kind::ImprovementAction => {
            let query = seen(ctx, improvement_action::Column::ReportId, improvement_action::Entity::find_by_id(id))?;
            store.one(query).await?.map(|a| Node::ImprovementAction(ImprovementAction::new(a)))
        }
        Kind::ActionOccurrence => {
            let query = seen(ctx, occurrence::Column::ReportId, occurrence::Entity::find_by_id(id))?;
            store.one(query).await?.map(|o| Node::ActionOccurrence(ActionOccurrence(o)))
        }
    })
}
