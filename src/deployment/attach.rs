//! How deployments come to a report, and leave it: when it appears, when it is returned or given up, by hand, by dismissal
//! (`events.md` 26, 28).

use entity::{
    deployment,
    pipeline::{DeploymentStanding, ParkedReason},
    report,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::Uuid,
    sea_query::{Expr, UnionType},
};

use super::{
    apply::{lock, refresh},
    correlate::lead,
    record::{settle, stand, write},
    telling::tell,
};
use crate::{
    auth::{Act, actor::service_pipeline},
    error::{Error, Result},
    store::{Origin, Permitted, Store, inbox},
};

/// Deployments that are looked at in one transaction.
const AT_ONCE: u64 = 500;

/// Attaches what waits for this report, which is locked and written; gives the report as it is then.
///
/// # Errors
/// A fault of the database.
pub async fn adopt(permitted: &mut Permitted, act: &'static str, report: report::Model) -> Result<report::Model> {
    // Each key by its own index: asked for either and in order at once, PostgreSQL walks all that is parked.
    let by = |key: Expr| {
        deployment::Entity::find().select_only().column(deployment::Column::Id).filter(inbox::parked()).filter(key).into_query()
    };
    let mut keys = by(deployment::Column::ApplicationId.eq(report.application_id));
    if let Some(key) = &report.version_key {
        keys.union(UnionType::Distinct, by(deployment::Column::VersionKey.eq(key)));
    }
    let waiting = deployment::Entity::find()
        .filter(inbox::parked())
        .filter(deployment::Column::Id.in_subquery(keys))
        .order_by_asc(deployment::Column::Id)
        .limit(AT_ONCE)
        .lock_exclusive()
        .all(permitted.conn())
        .await?;
    let mut came = false;
    for before in waiting {
        let led = Box::pin(lead(permitted, &before, None)).await?;
        let mut row = before.clone();
        if led.to == Ok(report.id) {
            settle(&mut row, led);
            stand(&mut row, std::slice::from_ref(&report))?;
            write(permitted, Some(&before), &mut row).await?;
            tell(permitted, act, Some(&before), &row).await?;
            came = true;
        } else if led.to.err() != before.parked_reason {
            // It leads elsewhere now, or is ambiguous: whoever works looks, under the locks that it takes.
            inbox::recheck(permitted, Condition::all().add(deployment::Column::Id.eq(before.id))).await?;
        }
    }
    if came { Ok(Box::pin(refresh(permitted, act, report)).await?.report) } else { Ok(report) }
}

/// Applies what was held, now that the report can be written again; gives the report as it is then.
///
/// # Errors
/// A fault of the database.
pub async fn apply_held(permitted: &mut Permitted, act: &'static str, report: report::Model) -> Result<report::Model> {
    let held = of(permitted, report.id, &[DeploymentStanding::Held]).await?;
    if held.is_empty() {
        return Ok(report);
    }
    for before in held {
        let mut row = before.clone();
        stand(&mut row, std::slice::from_ref(&report))?;
        write(permitted, Some(&before), &mut row).await?;
        tell(permitted, act, Some(&before), &row).await?;
    }
    Ok(Box::pin(refresh(permitted, act, report)).await?.report)
}

async fn of(permitted: &Permitted, report: Uuid, standings: &[DeploymentStanding]) -> Result<Vec<deployment::Model>> {
    let query = deployment::Entity::find()
        .filter(deployment::Column::ReportId.eq(report))
        .filter(deployment::Column::Standing.is_in(standings.iter().copied()))
        .order_by_asc(deployment::Column::Id)
        .lock_exclusive();
    Ok(query.all(permitted.conn()).await?)
}

/// Moves deployments from one report to another that takes its place: what is held to the draft, all to the filed one.
///
/// # Errors
/// A fault of the database.
pub async fn hand_over(permitted: &mut Permitted, act: &'static str, from: Uuid, to: report::Model, all: bool) -> Result<report::Model> {
    let standings: &[DeploymentStanding] =
        if all { &[DeploymentStanding::Attached, DeploymentStanding::Held] } else { &[DeploymentStanding::Held] };
    let moved = of(permitted, from, standings).await?;
    if moved.is_empty() {
        return Ok(to);
    }
    for before in moved {
        let mut row = deployment::Model { report_id: Some(to.id), ..before.clone() };
        if !all {
            stand(&mut row, std::slice::from_ref(&to))?;
        }
        write(permitted, Some(&before), &mut row).await?;
        tell(permitted, act, Some(&before), &row).await?;
    }
    Ok(Box::pin(refresh(permitted, act, to)).await?.report)
}

/// Parks what belonged to a report that is given up; another for the same application or version gets it.
///
/// # Errors
/// A fault of the database.
pub async fn let_go(permitted: &mut Permitted, act: &'static str, report: &report::Model) -> Result<()> {
    for before in of(permitted, report.id, &[DeploymentStanding::Attached, DeploymentStanding::Held]).await? {
        let mut row = deployment::Model {
            report_id: None,
            standing: DeploymentStanding::Parked,
            parked_reason: Some(ParkedReason::NoReport),
            attached_by_hand: false,
            recheck: true,
            ..before.clone()
        };
        write(permitted, Some(&before), &mut row).await?;
        tell(permitted, act, Some(&before), &row).await?;
    }
    // What it made ambiguous may be so no more.
    let alike = Condition::any()
        .add(deployment::Column::ApplicationId.eq(report.application_id))
        .add_option(report.version_key.as_ref().map(|key| deployment::Column::VersionKey.eq(key)));
    inbox::recheck(permitted, alike).await?;
    permitted.ring_work();
    Ok(())
}

/// Looks again where a deployment leads, and attaches it if that is to one report.
///
/// # Errors
/// Faults; `Raced` when another write came between.
pub async fn look_again(store: &Store, id: Uuid) -> Result<()> {
    let origin = Origin { actor: service_pipeline("deployments"), request_id: format!("deployment-{id}") };
    let mut permitted = store.create(&origin, Act::DeploymentRecord).await?;
    let Some(before) = deployment::Entity::find_by_id(id).one(permitted.conn()).await? else { return Ok(()) };
    let mut row = before.clone();
    row.recheck = false;
    if before.standing == DeploymentStanding::Parked {
        let led = Box::pin(lead(&permitted, &before, None)).await?;
        settle(&mut row, led);
    }
    let reports = lock(&permitted, row.report_id).await?;
    stand(&mut row, &reports)?;
    write(&mut permitted, Some(&before), &mut row).await?;
    let quiet =
        deployment::Model { recheck: before.recheck, row_version: before.row_version, updated_at: before.updated_at, ..row.clone() };
    if quiet != before {
        tell(&mut permitted, "deploymentAttach", Some(&before), &row).await?;
        for report in reports {
            Box::pin(refresh(&mut permitted, "deploymentAttach", report)).await?;
        }
    }
    permitted.commit(crate::store::Change::of("deploymentAttach")).await
}

/// Attaches a deployment to a report by hand, wherever it stood.
///
/// # Errors
/// `NOT_FOUND`, faults; `Raced` when another write came between.
pub async fn by_hand(mut permitted: Permitted, id: Uuid, to: Uuid) -> Result<deployment::Model> {
    let before = deployment::Entity::find_by_id(id).one(permitted.conn()).await?.ok_or_else(|| Error::not_found("Deployment"))?;
    let reports = lock(&permitted, [Some(to), before.report_id].into_iter().flatten()).await?;
    let mut row = deployment::Model {
        report_id: Some(to),
        standing: DeploymentStanding::Attached,
        parked_reason: None,
        dismissal_reason: None,
        attached_by_hand: true,
        recheck: false,
        ..before.clone()
    };
    stand(&mut row, &reports)?;
    write(&mut permitted, Some(&before), &mut row).await?;
    tell(&mut permitted, "deploymentAttach", Some(&before), &row).await?;
    for report in reports {
        Box::pin(refresh(&mut permitted, "deploymentAttach", report)).await?;
    }
    permitted.commit(crate::store::Change::of("deploymentAttach")).await?;
    Ok(row)
}

/// Sets a deployment aside with a reason, or takes that back: then it is looked at as if it came now.
///
/// # Errors
/// `NOT_FOUND`, faults; `Raced` when another write came between.
pub async fn dismiss(mut permitted: Permitted, act: &'static str, id: Uuid, reason: Option<String>) -> Result<deployment::Model> {
    let before = deployment::Entity::find_by_id(id).one(permitted.conn()).await?.ok_or_else(|| Error::not_found("Deployment"))?;
    let mut row = deployment::Model { dismissal_reason: reason.clone(), attached_by_hand: false, recheck: false, ..before.clone() };
    if reason.is_some() {
        (row.report_id, row.parked_reason, row.standing) = (None, None, DeploymentStanding::Dismissed);
    } else {
        let led = Box::pin(lead(&permitted, &row, None)).await?;
        settle(&mut row, led);
    }
    let reports = lock(&permitted, [before.report_id, row.report_id].into_iter().flatten()).await?;
    stand(&mut row, &reports)?;
    write(&mut permitted, Some(&before), &mut row).await?;
    tell(&mut permitted, act, Some(&before), &row).await?;
    for report in reports {
        Box::pin(refresh(&mut permitted, act, report)).await?;
    }
    permitted.commit(crate::store::Change::of(act)).await?;
    Ok(row)
}
