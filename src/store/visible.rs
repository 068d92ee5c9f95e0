//! Which reports a caller sees (`model.md`, "Who may do what", the two rows on reading): as a condition for queries, and of a
//! report at hand for events. A test holds the two together.

use entity::{owner, participant, report};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr};

use super::log::Sight;
use crate::auth::{Actor, policy};

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
