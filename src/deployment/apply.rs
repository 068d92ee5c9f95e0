//! Applies what deployments report to the report that they belong to, under its lock.

use entity::{deployment, enums::ReportSection, milestone, pipeline::ReportedField, report, reported_value};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid};

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
    let of = |id: Uuid| deployment::Column::ReportId.eq(id);
    let which = Condition::any().add(of(report.id)).add_option(report.supersedes_id.map(of));
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
    let deployments = deployment::Entity::find().filter(which).order_by_asc(deployment::Column::Id).all(conn).await?;
    let mut after = take(before.clone(), &reported(&deployments), permitted.calendar());
    let mut change = Change::of(act).about(after.report.id);
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
