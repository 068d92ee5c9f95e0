//! What deployments do to a report (`events.md` 27): which values they report, and what of that the report takes. Pure.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use entity::{
    deployment,
    enums::{MilestoneKind, MilestonePrecision},
    milestone,
    pipeline::{
        DeploymentStanding, DeploymentStatus, EnvironmentClass,
        ReportedField::{self, ActualDuration, ActualRelease, PlannedDuration, PlannedRelease, ProductionDeployment, StagingVerification},
    },
    report, reported_value,
};
use sea_orm::prelude::Uuid;

use crate::clock::Calendar;

/// A value that pipelines report for a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Which field.
    pub field: ReportedField,
    /// The time, to the second.
    pub at: Option<DateTime<Utc>>,
    /// The minutes, of a duration.
    pub minutes: Option<i32>,
    /// The deployment that says so.
    pub deployment: Uuid,
}

/// The order in which fields are told.
pub const FIELDS: [ReportedField; 6] =
    [PlannedRelease, PlannedDuration, ActualRelease, ActualDuration, StagingVerification, ProductionDeployment];

/// To the minute, as the form keeps times.
pub fn to_the_minute(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at)
}

fn minutes_between(from: DateTime<Utc>, to: DateTime<Utc>) -> Option<i32> {
    i32::try_from((to_the_minute(to) - to_the_minute(from)).num_minutes()).ok().filter(|m| *m >= 0)
}

/// Everything that the deployments of a report say of its fields.
pub fn reported(all: &[deployment::Model]) -> Vec<Reported> {
    let counts = |d: &&deployment::Model| !d.inconsistent && d.rollback_of.is_none() && d.standing != DeploymentStanding::Dismissed;
    let of = |class| all.iter().filter(counts).filter(move |d| d.environment_class == class).collect::<Vec<_>>();
    let (production, staging) = (of(EnvironmentClass::Production), of(EnvironmentClass::Staging));
    let mut found = Vec::new();
    let mut time = |field, hit: Option<(DateTime<Utc>, Uuid)>| {
        found.extend(hit.map(|(at, deployment)| Reported { field, at: Some(at), minutes: None, deployment }));
    };
    let first = |at: fn(&deployment::Model) -> Option<DateTime<Utc>>| production.iter().filter_map(|d| Some((at(d)?, d.id))).min();
    let planned = first(|d| d.planned_start_at);
    // What was canceled or only waits released nothing.
    let started = first(|d| d.started_at.filter(|_| !matches!(d.status, DeploymentStatus::Canceled | DeploymentStatus::Queued)));
    let done = last_success(&production);
    time(PlannedRelease, planned);
    time(ActualRelease, started);
    time(StagingVerification, last_success(&staging));
    time(ProductionDeployment, done);
    let planned_finish = production.iter().filter_map(|d| Some((d.planned_finish_at?, d.id))).max();
    for (field, from, to) in [(PlannedDuration, planned, planned_finish), (ActualDuration, started, done)] {
        let (Some((from, _)), Some((to, deployment))) = (from, to) else { continue };
        found.extend(minutes_between(from, to).map(|m| Reported { field, at: None, minutes: Some(m), deployment }));
    }
    found
}

/// The last success, unless a rollback came after it: that leaves the milestone unfinished.
fn last_success(of: &[&deployment::Model]) -> Option<(DateTime<Utc>, Uuid)> {
    let stands = |d: &&&deployment::Model| d.status != DeploymentStatus::RolledBack;
    let success = of.iter().filter(stands).filter_map(|d| Some((d.succeeded_at?, d.id))).max()?;
    let rollback = of.iter().filter_map(|d| d.rolled_back_at).max();
    (rollback.is_none_or(|at| at < success.0)).then_some(success)
}

/// A report with what pipelines fill, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The report.
    pub report: report::Model,
    /// Its milestones.
    pub milestones: Vec<milestone::Model>,
    /// What pipelines reported.
    pub values: Vec<reported_value::Model>,
}

/// Takes over what is reported: into what is empty, or what a pipeline filled. What a person entered stays.
pub fn take(mut filled: Filled, reported: &[Reported], calendar: Calendar) -> Filled {
    for field in FIELDS {
        let prior = filled.values.iter().position(|v| v.field == field).map(|at| filled.values.remove(at));
        let wanted = reported.iter().find(|r| r.field == field);
        let now = read(&filled, field);
        let precision = match now {
            Some(Now { precision, .. }) => precision,
            None => continue,
        };
        let shown = |at: Option<DateTime<Utc>>, minutes: Option<i32>| kept(field, precision, at, minutes, calendar);
        let Some(now) = now else { continue };
        let ours = prior.as_ref().is_some_and(|p| p.applied && now.value == Some(shown(p.at, p.minutes)));
        let free = !now.closed && (now.value.is_none() || ours);
        match wanted {
            None if ours => write(&mut filled, field, None),
            None => {}
            Some(r) => {
                let value = shown(r.at, r.minutes);
                if free {
                    write(&mut filled, field, Some(value));
                }
                let id = prior.map_or_else(Uuid::now_v7, |p| p.id);
                let report_id = filled.report.id;
                filled.values.push(reported_value::Model {
                    id,
                    report_id,
                    field,
                    at: r.at,
                    minutes: r.minutes,
                    deployment_id: r.deployment,
                    applied: free,
                });
            }
        }
    }
    filled
}

/// A value as the form keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    At(DateTime<Utc>),
    Minutes(i32),
}

/// What a field holds.
struct Now {
    value: Option<Value>,
    precision: MilestonePrecision,
    /// A person said that it does not apply.
    closed: bool,
}

fn kept(field: ReportedField, precision: MilestonePrecision, at: Option<DateTime<Utc>>, minutes: Option<i32>, calendar: Calendar) -> Value {
    let at = at.unwrap_or_default();
    match field {
        PlannedDuration | ActualDuration => Value::Minutes(minutes.unwrap_or_default()),
        _ if precision == MilestonePrecision::Day => Value::At(calendar.start_of(calendar.day_of(at))),
        _ => Value::At(to_the_minute(at)),
    }
}

/// The milestone that a field is the actual time of.
pub fn milestone_of(field: ReportedField) -> Option<MilestoneKind> {
    match field {
        StagingVerification => Some(MilestoneKind::StagingVerification),
        ProductionDeployment => Some(MilestoneKind::ProductionDeployment),
        PlannedRelease | ActualRelease | PlannedDuration | ActualDuration => None,
    }
}

/// The field that a milestone's actual time is.
pub fn field_of(kind: MilestoneKind) -> Option<ReportedField> {
    [StagingVerification, ProductionDeployment].into_iter().find(|field| milestone_of(*field) == Some(kind))
}

fn read(filled: &Filled, field: ReportedField) -> Option<Now> {
    let of_report = |value| Some(Now { value, precision: MilestonePrecision::Minute, closed: false });
    let r = &filled.report;
    match field {
        PlannedRelease => of_report(r.planned_release_at.map(Value::At)),
        ActualRelease => of_report(r.actual_release_at.map(Value::At)),
        PlannedDuration => of_report(r.planned_duration_minutes.map(Value::Minutes)),
        ActualDuration => of_report(r.actual_duration_minutes.map(Value::Minutes)),
        StagingVerification | ProductionDeployment => {
            let m = filled.milestones.iter().find(|m| Some(m.kind) == milestone_of(field))?;
            Some(Now { value: m.actual_at.map(Value::At), precision: m.precision, closed: m.not_applicable })
        }
    }
}

fn write(filled: &mut Filled, field: ReportedField, value: Option<Value>) {
    let at = value.and_then(|v| if let Value::At(at) = v { Some(at) } else { None });
    let minutes = value.and_then(|v| if let Value::Minutes(m) = v { Some(m) } else { None });
    let r = &mut filled.report;
    match field {
        PlannedRelease => r.planned_release_at = at,
        ActualRelease => r.actual_release_at = at,
        PlannedDuration => r.planned_duration_minutes = minutes,
        ActualDuration => r.actual_duration_minutes = minutes,
        StagingVerification | ProductionDeployment => {
            if let Some(m) = filled.milestones.iter_mut().find(|m| Some(m.kind) == milestone_of(field)) {
                m.actual_at = at;
            }
        }
    }
}
