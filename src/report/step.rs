//! A step of the life cycle: the row that every transition writes, and the report row that goes with it.

use entity::{
    enums::{LifeCycleAct, ReportState},
    life_cycle_step, report,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, prelude::Uuid};

use crate::{
    error::Result,
    store::{Permitted, insert, update},
};

/// What a step says beside act and states.
#[derive(Debug, Default)]
pub struct Note {
    /// Why.
    pub reason: Option<String>,
    /// What was submitted, signed or agreed to.
    pub digest: Option<String>,
    /// Of a filing.
    pub department: Option<String>,
    /// Of a filing.
    pub filed_on: Option<chrono::NaiveDate>,
}

/// Writes the step and the report in its new state.
///
/// # Errors
/// A fault of the database.
pub async fn take(permitted: &Permitted, act: LifeCycleAct, mut row: report::Model, to: ReportState, note: Note) -> Result<report::Model> {
    let from = row.state;
    row.state = to;
    row.row_version += 1;
    row.updated_at = permitted.now();
    update(permitted, row.clone()).await?;
    record(permitted, act, &row, Some(from), note).await?;
    Ok(row)
}

/// Writes the step alone.
///
/// # Errors
/// A fault of the database.
pub async fn record(permitted: &Permitted, act: LifeCycleAct, row: &report::Model, from: Option<ReportState>, note: Note) -> Result<()> {
    let so_far = match act {
        LifeCycleAct::Create => 0,
        _ => life_cycle_step::Entity::find().filter(life_cycle_step::Column::ReportId.eq(row.id)).count(permitted.conn()).await?,
    };
    let number = i32::try_from(so_far).unwrap_or(i32::MAX - 1) + 1;
    insert(permitted, made(permitted, act, row, from, note, number)).await
}

/// The step with this number of the report's, not written.
pub fn made(
    permitted: &Permitted,
    act: LifeCycleAct,
    row: &report::Model,
    from: Option<ReportState>,
    note: Note,
    number: i32,
) -> life_cycle_step::Model {
    let Note { reason, digest, department, filed_on } = note;
    life_cycle_step::Model {
        id: Uuid::now_v7(),
        report_id: row.id,
        number,
        round: row.round,
        act,
        from_state: from,
        to_state: row.state,
        person_id: permitted.person(),
        at: permitted.now(),
        reason,
        digest,
        department,
        filed_on,
    }
}
