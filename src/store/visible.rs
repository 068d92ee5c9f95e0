//! Which reports a caller sees, as a condition (`model.md`, "Who may do what", the two rows on reading).

use entity::{owner, participant, report};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr};

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
