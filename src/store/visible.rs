//! Which reports a caller sees (`model.md`, "Who may do what", the two rows on reading): as a condition for queries, and of a
//! report at hand for events. A test holds the two together.

use entity::{deployment, event, owner, participant, report};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr};

use super::log::Sight;
use crate::auth::{Act, Actor, Facts, policy};

/// The condition on `report` that holds for what the caller sees.
pub fn visible(actor: &Actor) -> Condition {
    if policy::may_read_unsubmitted(actor) {
        return Condition::all();
    }
    if !policy::reads_submitted(actor) {
        return Condition::all().add(Expr::value(false));
    }
    involving(actor.departments().map(str::to_owned).collect()).add(report::Column::FirstSubmittedAt.is_not_null())
}

/// Whether the caller sees this report: [`visible`], without asking the database.
pub fn sees(actor: &Actor, sight: &Sight) -> bool {
    policy::may_read_unsubmitted(actor)
        || policy::reads_submitted(actor)
            && (sight.report.first_submitted_at.is_some() || actor.departments().any(|department| sight.departments.contains(department)))
}

/// Whether the caller hears of this event: of a report that they see, of a deployment that waits for a report if they may see
/// those, and of what they reported themselves.
pub fn hears(actor: &Actor, event: &event::Model, sight: Option<&Sight>) -> bool {
    let own = || event.data.pointer("/deployment/sourceKey").and_then(|key| key.as_str()) == Some(&own_key(actor));
    match (sight, event.deployment_id) {
        (Some(sight), deployment) => sees(actor, sight) || (deployment.is_some() && own()),
        (None, Some(_)) => event.report_id.is_none() && (sees_waiting(actor) || own()),
        // What the service says of itself.
        (None, None) => event.report_id.is_none() && policy::reads_all(actor),
    }
}

/// [`hears`], as a condition on `event`.
pub fn heard(actor: &Actor) -> Condition {
    use event::Column;
    let reports = report::Entity::find().select_only().column(report::Column::Id).filter(visible(actor));
    let any = Condition::any().add(Column::ReportId.in_subquery(reports.into_query()));
    let any = if policy::reads_all(actor) {
        any.add(Condition::all().add(Column::ReportId.is_null()).add(Column::DeploymentId.is_null()))
    } else {
        any
    };
    let waiting = Condition::all().add(Column::ReportId.is_null()).add(Column::DeploymentId.is_not_null());
    if sees_waiting(actor) {
        return any.add(waiting);
    }
    let own =
        deployment::Entity::find().select_only().column(deployment::Column::Id).filter(deployment::Column::SourceKey.eq(own_key(actor)));
    any.add(Column::DeploymentId.in_subquery(own.into_query()))
}

/// Whether the caller sees deployments that are parked or held.
pub fn sees_waiting(actor: &Actor) -> bool {
    policy::may(actor, Act::DeploymentWaitingRead, &Facts::default())
}

/// The first part of the identity of deployments that the caller reports natively.
pub fn own_key(actor: &Actor) -> String {
    native_key(&actor.subject)
}

/// The first part of the identity of deployments that a subject reports natively.
pub fn native_key(subject: &str) -> String {
    format!("native:{subject}")
}

/// The condition on `report` that one of these departments participates, or owns a row of it.
pub fn involving(departments: Vec<String>) -> Condition {
    let participating = participant::Entity::find()
        .select_only()
        .column(participant::Column::ReportId)
        .filter(participant::Column::Department.is_in(departments.clone()));
    let owning = owner::Entity::find().select_only().column(owner::Column::ReportId).filter(owner::Column::Department.is_in(departments));
    Condition::any()
        .add(report::Column::Id.in_subquery(participating.into_query()))
        .add(report::Column::Id.in_subquery(owning.into_query()))
}
