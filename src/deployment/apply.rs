//! Applies what deployments report to the report that they belong to, under its lock.

use entity::{
    deployment,
    enums::ReportSection,
    milestone,
    pipeline::{DeploymentStanding, DeploymentStatus, EnvironmentClass, ReportedField},
    report, reported_value,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait, prelude::Uuid,
};

use super::effects::{Filled, milestone_of, reported, take};
use crate::{
    error::Result,
    report::is_writable,
    store::{Change, Permitted, insert_many, update},
};

/// What a report's fields are after applying.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The report.
    pub report: report::Model,
    /// Its two milestones that pipelines fill.
    pub milestones: Vec<milestone::Model>,
    /// What pipelines reported.
    pub values: Vec<reported_value::Model>,
}

/// Locks reports, in the order of their ids.
///
/// # Errors
/// A fault of the database.
pub async fn lock(permitted: &Permitted, ids: impl IntoIterator<Item = Uuid>) -> Result<Vec<report::Model>> {
    let mut ids: Vec<Uuid> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut locked = Vec::with_capacity(ids.len());
    for id in ids {
        locked.extend(report::Entity::find_by_id(id).lock_exclusive().one(permitted.conn()).await?);
    }
    Ok(locked)
}

/// What the deployments of a report, and of the one that it is to replace, do to it. A frozen report stays as it is.
///
/// # Errors
/// A fault of the database.
pub async fn refresh(permitted: &mut Permitted, act: &'static str, report: report::Model) -> Result<Applied> {
    let conn = permitted.conn();
    let milestones = milestone::Entity::find()
        .filter(milestone::Column::ReportId.eq(report.id))
        .filter(
            milestone::Column::Kind
                .is_in([ReportedField::StagingVerification, ReportedField::ProductionDeployment].into_iter().filter_map(milestone_of)),
        )
        .all(conn)
        .await?;
    let values = reported_value::Entity::find().filter(reported_value::Column::ReportId.eq(report.id)).all(conn).await?;
    let before = Filled { report, milestones, values };
    if !is_writable(before.report.state) {
        return Ok(Applied { report: before.report, milestones: before.milestones, values: before.values });
    }
    let deployments = decisive(conn, &before.report).await?;
    let mut after = take(before.clone(), &reported(&deployments), permitted.calendar());
    let draft = after.report.first_submitted_at.is_none().then_some(after.report.id);
    let mut change = Change::of(act).about(after.report.id).uncounted(draft);
    if after.report != before.report {
        after.report.row_version += 1;
        after.report.updated_at = permitted.now();
        update(permitted, after.report.clone()).await?;
        let (id, version) = (after.report.id, after.report.row_version);
        change = change.edited("Report", id, &before.report, &after.report).content(ReportSection::Basics, id, version);
    }
    for (old, new) in before.milestones.iter().zip(&mut after.milestones) {
        if old != new {
            new.version += 1;
            update(permitted, new.clone()).await?;
            change = change.edited("Milestone", new.id, old, new).content(ReportSection::Milestones, new.id, new.version);
        }
    }
    write(permitted, &before.values, &after.values).await?;
    permitted.note(change).await?;
    Ok(Applied { report: after.report, milestones: after.milestones, values: after.values })
}

/// The deployments of a report, and of the one that it is to replace, that decide what it takes: of each time the first or the last.
/// [`reported`] makes of them what it makes of all. One statement, whose cost does not grow with them.
async fn decisive(conn: &impl ConnectionTrait, report: &report::Model) -> Result<Vec<deployment::Model>> {
    use deployment::{Column, Entity};
    let extreme = |of: Uuid, class: EnvironmentClass, column: Column, first: bool, not: &[DeploymentStatus]| {
        let order = if first { Order::Asc } else { Order::Desc };
        Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::ReportId.eq(of))
            .filter(Column::EnvironmentClass.eq(class))
            .filter(column.is_not_null())
            .filter(Column::Status.is_not_in(not.iter().copied()))
            .filter(Column::Inconsistent.eq(false))
            .filter(Column::RollbackOf.is_null())
            .filter(Column::Standing.ne(DeploymentStanding::Dismissed))
            .order_by(column, order.clone())
            .order_by(Column::Id, order)
            .limit(1)
            .into_query()
    };
    let mut any = Condition::any();
    for of in [Some(report.id), report.supersedes_id].into_iter().flatten() {
        use DeploymentStatus::{Canceled, Queued, RolledBack};
        use EnvironmentClass::{Production, Staging};
        for query in [
            extreme(of, Production, Column::PlannedStartAt, true, &[]),
            extreme(of, Production, Column::PlannedFinishAt, false, &[]),
            extreme(of, Production, Column::StartedAt, true, &[Canceled, Queued]),
            extreme(of, Production, Column::SucceededAt, false, &[RolledBack]),
            extreme(of, Production, Column::RolledBackAt, false, &[]),
            extreme(of, Staging, Column::SucceededAt, false, &[RolledBack]),
            extreme(of, Staging, Column::RolledBackAt, false, &[]),
        ] {
            any = any.add(Column::Id.in_subquery(query));
        }
    }
    Ok(Entity::find().filter(any).all(conn).await?)
}

async fn write(permitted: &Permitted, before: &[reported_value::Model], after: &[reported_value::Model]) -> Result<()> {
    let gone: Vec<Uuid> = before.iter().filter(|old| !after.contains(old)).map(|old| old.id).collect();
    if !gone.is_empty() {
        reported_value::Entity::delete_many().filter(reported_value::Column::Id.is_in(gone)).exec(permitted.conn()).await?;
    }
    let new: Vec<reported_value::Model> = after.iter().filter(|new| !before.contains(new)).cloned().collect();
    if new.is_empty() { Ok(()) } else { insert_many(permitted, new).await }
}

/// A person enters these fields: from now on no pipeline overwrites them.
///
/// # Errors
/// A fault of the database.
pub async fn entered(permitted: &Permitted, report: Uuid, fields: &[ReportedField]) -> Result<()> {
    if fields.is_empty() {
        return Ok(());
    }
    reported_value::Entity::update_many()
        .col_expr(reported_value::Column::Applied, sea_orm::sea_query::Expr::value(false))
        .filter(reported_value::Column::ReportId.eq(report))
        .filter(reported_value::Column::Field.is_in(fields.iter().copied()))
        .exec(permitted.conn())
        .await?;
    Ok(())
}
