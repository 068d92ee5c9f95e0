//! Recording what one delivery says: it joins the set of observations, the set folds into the deployment, and the deployment does
//! to its report what it may. One transaction; locks go report, deployment, counters.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entity::{
    deployment, environment_rule, inbound_delivery, observation,
    pipeline::{DeploymentStanding, DeploymentStatus, EnvironmentClass, ParkedReason},
    report,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, prelude::Uuid, sea_query::ExprTrait};
use serde_json::json;

use super::{
    apply::{Applied, lock, refresh},
    correlate::{Known, lead, project_key},
    environment::class_of,
    fold::{Folded, Observed, fold},
    seen::Seen,
    telling::{Untold, tell, telling},
    told::Told,
};
use crate::{
    catalog::number::version_key,
    error::{Error, Result, UserErrorCode, say},
    graphql::input::Checks,
    report::is_writable,
    store::{Permitted, inbox, insert_later, insert_later_unless_raced, native_key, update},
};

/// The mutation that audit entries name, whichever the way in.
pub const ACT: &str = "deploymentRecord";

/// Who reports: with the sender's id it makes a deployment's identity.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// `native:` and the subject, or `source:` and the id.
    pub key: String,
    /// As people know it.
    pub name: String,
    /// The ingestion source, of a webhook.
    pub source_id: Option<Uuid>,
    /// Products that it is bound to; empty means any.
    pub bound_to: Vec<String>,
    /// Whether to refuse what its binding does not allow; otherwise that is parked.
    pub strict: bool,
}

impl Reporter {
    /// Who calls natively.
    pub fn native(subject: &str, bound_to: Vec<String>, strict: bool) -> Self {
        Self { key: native_key(subject), name: subject.to_owned(), source_id: None, bound_to, strict }
    }
}

/// What one delivery says.
#[derive(Debug, Clone)]
pub struct Saying {
    /// The sender's id of the deployment.
    pub id: String,
    /// What is said.
    pub told: Told,
    /// It takes back what succeeded last among those whose ids begin so.
    pub withdraws: Option<String>,
    /// The delivery.
    pub delivery: Delivery,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// Whether it is said again on purpose, as rules have changed: then it is folded and placed anew.
    pub again: bool,
}

/// The delivery that says it.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// Stored before.
    Stored(Uuid),
    /// Stored with what it does.
    New(Box<inbound_delivery::Model>),
}

impl Delivery {
    fn keep(self, permitted: &mut Permitted, deployment: Uuid) -> Uuid {
        match self {
            Self::Stored(id) => id,
            Self::New(row) => {
                let row = inbound_delivery::Model { deployment_id: Some(deployment), ..*row };
                let id = row.id;
                insert_later(permitted, row);
                id
            }
        }
    }
}

/// What became of it.
#[derive(Debug)]
pub struct Recorded {
    /// The deployment now.
    pub deployment: deployment::Model,
    /// Whether it is new.
    pub created: bool,
    /// Whether exactly this was said before.
    pub repeated: bool,
    /// Its report with what it fills, if it has one.
    pub applied: Option<Applied>,
    /// What is still to be told.
    pub untold: Untold,
}

/// The deployment of this identity.
fn identified(key: &str, id: &str) -> Select<deployment::Entity> {
    deployment::Entity::find().filter(deployment::Column::SourceKey.eq(key)).filter(deployment::Column::ExternalId.eq(id))
}

/// Records what is said.
///
/// # Errors
/// `FORBIDDEN` for what a strict reporter's binding does not allow; `Raced` when another write came between; faults.
pub async fn record(
    permitted: &mut Permitted,
    reporter: &Reporter,
    rules: &[environment_rule::Model],
    saying: Saying,
    seen: Option<Seen>,
) -> Result<Recorded> {
    let Saying { id, mut told, withdraws, delivery, received_at, again } = saying;
    let seen = match seen {
        Some(seen) => seen,
        None => Seen::under(permitted, &reporter.key, &id, &told).await?,
    };
    let Seen { before, observations: seen, taken_back_by, led, sinks } = seen;
    if before.is_none() {
        introduce(&told)?;
    }
    if let Some(group) = withdraws {
        // Of what it is a rollback may not be known; that it is one is.
        let last = last_in(permitted, &reporter.key, &group, told.happened_at(received_at)).await?;
        told.rollback_of = Some(last.unwrap_or_else(|| group.trim().to_owned()));
    }
    let (happened_at, digest) = (told.happened_at(received_at), told.digest());
    // Said again without a time of its own, after something else was said: it has happened again.
    let last = seen.iter().max_by_key(|o| (o.happened_at, o.id));
    let starts_or_ends = told.status != DeploymentStatus::Queued;
    let again_now = !again && starts_or_ends && !told.has_time() && last.is_some_and(|last| last.digest != digest);
    let digest = if again_now { format!("{digest} {received_at}") } else { digest };
    let known = seen.iter().any(|o| o.digest == digest);
    if let Some(before) = before.clone().filter(|_| known && !again) {
        delivery.keep(permitted, before.id);
        let applied = match before.report_id {
            Some(_) => shown(permitted, &before).await?,
            None => None,
        };
        return Ok(Recorded { deployment: before, created: false, repeated: true, applied, untold: Untold::default() });
    }
    let mut observed = read(&seen)?;
    if !known {
        observed.push(Observed { happened_at, told: told.clone() });
    }
    let folded = fold(&observed).ok_or_else(|| Error::internal("nothing was observed"))?;
    let mut row = before.clone().unwrap_or_else(|| blank(permitted, reporter, id));
    fill(&mut row, &folded, rules);
    take_back(permitted, &mut row, taken_back_by).await?;
    place(permitted, reporter, before.as_ref().filter(|_| !again), &mut row, led.as_ref()).await?;
    let undone = undone(permitted, &row).await?;
    let touched: BTreeSet<Uuid> = [before.as_ref().and_then(|b| b.report_id), row.report_id, undone.as_ref().and_then(|u| u.report_id)]
        .into_iter()
        .flatten()
        .collect();
    let reports = lock(permitted, touched).await?;
    stand(&mut row, &reports)?;
    write(permitted, before.as_ref(), &mut row).await?;
    let delivery_id = delivery.keep(permitted, row.id);
    if !known {
        let seen = observation::Model {
            id: Uuid::now_v7(),
            deployment_id: row.id,
            delivery_id,
            digest,
            status: told.status,
            happened_at,
            attempt: told.attempt,
            told: serde_json::to_value(&told).map_err(Error::internal)?,
        };
        insert_later(permitted, seen);
    }
    let change = telling(ACT, before.as_ref(), &row);
    if before.is_none() && reports.is_empty() && undone.is_none() {
        let untold = Untold(Some((change, sinks)));
        return Ok(Recorded { created: true, repeated: false, deployment: row, applied: None, untold });
    }
    permitted.note(change).await?;
    if let Some(mut target) = undone {
        let old = target.clone();
        roll_back(&mut target, row.succeeded_at);
        stand(&mut target, &reports)?;
        write(permitted, Some(&old), &mut target).await?;
        tell(permitted, ACT, Some(&old), &target).await?;
    }
    let mut applied = None;
    for report in reports {
        let is_its = row.report_id == Some(report.id);
        let after = Box::pin(refresh(permitted, ACT, report)).await?;
        if is_its {
            applied = Some(after);
        }
    }
    Ok(Recorded { created: before.is_none(), repeated: false, deployment: row, applied, untold: Untold::default() })
}

/// What is said first has to say where, and of what; later parts need not repeat it.
fn introduce(told: &Told) -> Result<()> {
    let mut checks = Checks::default();
    checks.require(!told.environment.is_empty(), UserErrorCode::Required, "environment", || {
        say("The first report of a deployment names its environment", "首次报告部署时必须给出环境")
    });
    let product = told.product.is_some() && told.version.is_some();
    let build = told.project.is_some() && (told.commit.is_some() || told.version.is_some());
    let named = told.application_number.is_some() || product || build || told.rollback_of.is_some();
    // A webhook says what it says: what leads nowhere is parked, not refused.
    checks.require(named || told.project.is_some(), UserErrorCode::Required, "applicationNumber", || {
        say(
            "The first report of a deployment names the applicationNumber, or product and version, or project and commit",
            "首次报告部署时必须给出 applicationNumber，或 product 与 version，或 project 与 commit",
        )
    });
    checks.done()
}

/// What a repeat is answered: the report as it stands.
async fn shown(permitted: &mut Permitted, row: &deployment::Model) -> Result<Option<Applied>> {
    let reports = lock(permitted, row.report_id).await?;
    match reports.into_iter().next() {
        Some(report) => Ok(Some(Box::pin(refresh(permitted, ACT, report)).await?)),
        None => Ok(None),
    }
}

/// Observations as the fold takes them.
///
/// # Errors
/// A fault, when one cannot be read.
pub fn read(rows: &[observation::Model]) -> Result<Vec<Observed>> {
    rows.iter()
        .map(|row| {
            let told = serde_json::from_value(row.told.clone()).map_err(Error::internal)?;
            Ok(Observed { happened_at: row.happened_at, told })
        })
        .collect()
}

fn blank(permitted: &Permitted, reporter: &Reporter, external_id: String) -> deployment::Model {
    deployment::Model {
        id: Uuid::now_v7(),
        source_key: reporter.key.clone(),
        source: reporter.name.clone(),
        source_id: reporter.source_id,
        external_id,
        application_number: None,
        application_id: None,
        product_key: None,
        product_id: None,
        version: None,
        version_key: None,
        project: None,
        ref_name: None,
        commit_sha: None,
        bound_to: json!(reporter.bound_to),
        environment: String::new(),
        environment_class: EnvironmentClass::Other,
        status: DeploymentStatus::Queued,
        attempt: 1,
        planned_start_at: None,
        planned_finish_at: None,
        started_at: None,
        finished_at: None,
        succeeded_at: None,
        rolled_back_at: None,
        inconsistent: false,
        oldest_commit_at: None,
        rollback_of: None,
        url: None,
        report_id: None,
        standing: DeploymentStanding::Parked,
        parked_reason: Some(ParkedReason::NoProduct),
        attached_by_hand: false,
        dismissal_reason: None,
        recheck: false,
        recorded_at: permitted.now(),
        updated_at: permitted.now(),
        row_version: 0,
    }
}

/// What was folded, into the row.
pub fn fill(row: &mut deployment::Model, folded: &Folded, rules: &[environment_rule::Model]) {
    let Folded { status, attempt, started_at, finished_at, succeeded_at, rolled_back_at, inconsistent, last } = folded.clone();
    row.environment_class = class_of(&last.environment, last.tier, rules);
    row.environment = last.environment;
    (row.status, row.attempt, row.inconsistent) = (status, attempt, inconsistent);
    (row.started_at, row.finished_at) = (started_at, finished_at);
    (row.succeeded_at, row.rolled_back_at) = (succeeded_at, rolled_back_at);
    (row.planned_start_at, row.planned_finish_at) = (last.planned_start_at, last.planned_finish_at);
    row.application_number = last.application_number;
    row.product_key = last.product;
    row.version = last.version;
    row.project = last.project.as_deref().map(project_key);
    row.ref_name = last.ref_name;
    row.commit_sha = last.commit.map(|sha| sha.to_lowercase());
    row.oldest_commit_at = last.oldest_commit_at;
    row.rollback_of = last.rollback_of;
    row.url = last.url;
}

/// A deployment that rolls this one back has succeeded already: it may come in any order.
async fn take_back(permitted: &mut Permitted, row: &mut deployment::Model, later: Option<deployment::Model>) -> Result<()> {
    if let Some(later) = later {
        roll_back(row, later.succeeded_at);
        // It may have had nothing but this one to find its report by.
        let waits = Condition::all().add(deployment::Column::Id.eq(later.id));
        if inbox::recheck(permitted, waits).await? > 0 {
            permitted.ring_work();
        }
    }
    Ok(())
}

fn roll_back(row: &mut deployment::Model, at: Option<DateTime<Utc>>) {
    // What succeeded again after the rollback stands.
    if row.succeeded_at.is_none_or(|success| at.is_some_and(|at| at >= success)) {
        row.status = DeploymentStatus::RolledBack;
        row.rolled_back_at = at;
    }
}

/// What this deployment has taken back, as it stands before that is noted there.
async fn undone(permitted: &Permitted, row: &deployment::Model) -> Result<Option<deployment::Model>> {
    match (&row.rollback_of, row.succeeded_at) {
        (Some(of), Some(_)) => Ok(identified(&row.source_key, of)
            .one(permitted.conn())
            .await?
            .filter(|t| t.id != row.id && t.rolled_back_at != row.succeeded_at)),
        _ => Ok(None),
    }
}

/// The last success among the deployments of a sender whose ids begin so, before a time.
async fn last_in(permitted: &Permitted, key: &str, group: &str, at: DateTime<Utc>) -> Result<Option<String>> {
    use sea_orm::sea_query::{Expr, Func};
    let length = i32::try_from(group.chars().count()).unwrap_or(i32::MAX);
    let start = Func::cust("substr").arg(Expr::col(deployment::Column::ExternalId)).arg(1).arg(length);
    let query = deployment::Entity::find()
        .filter(deployment::Column::SourceKey.eq(key))
        .filter(Expr::from(start).eq(group))
        .filter(deployment::Column::SucceededAt.lt(at))
        .order_by_desc(deployment::Column::SucceededAt);
    Ok(query.one(permitted.conn()).await?.map(|d| d.external_id))
}

/// Which report it belongs to. Who is attached stays, unless what it says of itself has changed.
async fn place(
    permitted: &Permitted,
    reporter: &Reporter,
    before: Option<&deployment::Model>,
    row: &mut deployment::Model,
    known: Option<&Known>,
) -> Result<()> {
    let said = |d: &deployment::Model| {
        (
            d.application_number.clone(),
            d.product_key.clone(),
            d.version.clone(),
            d.project.clone(),
            d.commit_sha.clone(),
            d.rollback_of.clone(),
        )
    };
    row.version = row.version.take().or_else(|| before.and_then(|b| b.version.clone()));
    let settled = row.standing == DeploymentStanding::Dismissed || row.attached_by_hand;
    if settled || before.is_some_and(|b| b.report_id.is_some() && said(b) == said(row)) {
        row.version_key = row.version.as_deref().map(version_key);
        return Ok(());
    }
    let led = Box::pin(lead(permitted, row, known)).await?;
    if reporter.strict && led.to == Err(ParkedReason::NotAllowed) {
        return Err(not_bound());
    }
    settle(row, led);
    Ok(())
}

/// What a pipeline is told that reports for another product than its own.
pub fn not_bound() -> Error {
    Error::Forbidden(say("Your token is bound to other products", "您的令牌仅限于其他产品"))
}

/// Takes over where a deployment leads.
pub fn settle(row: &mut deployment::Model, led: super::correlate::Led) {
    row.application_id = led.application_id;
    row.product_id = led.product_id;
    row.version = led.version;
    row.version_key = row.version.as_deref().map(version_key);
    row.report_id = led.to.ok();
    row.parked_reason = led.to.err();
    row.standing = if row.report_id.is_some() { DeploymentStanding::Attached } else { DeploymentStanding::Parked };
    row.recheck = false;
}

/// Whether it is applied or held, by the state of its report under the lock.
///
/// # Errors
/// `Raced`, when the report went away in between.
pub fn stand(row: &mut deployment::Model, reports: &[report::Model]) -> Result<()> {
    let Some(id) = row.report_id else { return Ok(()) };
    let report = reports.iter().find(|r| r.id == id).ok_or(Error::Raced)?;
    if report.state == entity::enums::ReportState::Discarded {
        return Err(Error::Raced);
    }
    row.standing = if is_writable(report.state) { DeploymentStanding::Attached } else { DeploymentStanding::Held };
    Ok(())
}

/// Writes the row, if it is still what was read; a new one with what is told of it.
///
/// # Errors
/// `Raced`, when it is not.
pub async fn write(permitted: &mut Permitted, before: Option<&deployment::Model>, row: &mut deployment::Model) -> Result<()> {
    row.row_version += 1;
    row.updated_at = permitted.now();
    let Some(before) = before else {
        insert_later_unless_raced(permitted, row.clone());
        return Ok(());
    };
    let now = deployment::Entity::find_by_id(row.id).lock_exclusive().one(permitted.conn()).await?;
    if now.is_none_or(|now| now.row_version != before.row_version) {
        return Err(Error::Raced);
    }
    update(permitted, row.clone()).await
}
