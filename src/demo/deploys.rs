//! What pipelines reported of a demo report: a try on staging, and the production deployment, now and then failed before or rolled back.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    deployment,
    enums::{ReleaseOutcome, ReportState},
    pipeline::{DeploymentStanding, DeploymentStatus, EnvironmentClass},
    report,
};

use super::report::Company;
use crate::store::Rows;

/// The subject that reports in the demo.
const PIPELINE: &str = "pipeline-demo";

impl Company {
    /// Adds the deployments of the report that was made last. The latest reports have none yet.
    pub(super) fn deployments(&mut self, rows: &mut Rows, age: u32) {
        let Some(row) = rows.reports.last().cloned() else { return };
        let Some(start) = row.actual_release_at.filter(|_| age > 1 && row.state != ReportState::Discarded) else { return };
        let took = TimeDelta::minutes(i64::from(row.actual_duration_minutes.unwrap_or(60)));
        let staged = start - TimeDelta::hours(30);
        let mut add = |class, status, started: DateTime<Utc>, finished: DateTime<Utc>, attempt: i32| {
            let deployment = self.deployment(&row, class, status, (started, finished), attempt);
            rows.deployments.push(deployment);
        };
        add(EnvironmentClass::Staging, DeploymentStatus::Succeeded, staged, staged + TimeDelta::minutes(25), 1);
        if age % 9 == 4 {
            // A first attempt some days before came to nothing.
            let before = start - TimeDelta::days(2);
            add(EnvironmentClass::Production, DeploymentStatus::Failed, before, before + TimeDelta::minutes(12), 1);
        }
        let rolled_back = row.outcome == ReleaseOutcome::RolledBack;
        let status = if rolled_back { DeploymentStatus::RolledBack } else { DeploymentStatus::Succeeded };
        add(EnvironmentClass::Production, status, start, start + took, 2);
    }

    fn deployment(
        &mut self,
        row: &report::Model,
        class: EnvironmentClass,
        status: DeploymentStatus,
        (started, finished): (DateTime<Utc>, DateTime<Utc>),
        attempt: i32,
    ) -> deployment::Model {
        let id = self.draw.id();
        let ended = |when: bool| when.then_some(finished);
        let environment = if class == EnvironmentClass::Production { "production" } else { "staging" };
        deployment::Model {
            id,
            source_key: format!("native:{PIPELINE}"),
            source: PIPELINE.into(),
            source_id: None,
            external_id: format!("{}-{environment}-{attempt}", row.number),
            application_number: None,
            application_id: Some(row.application_id),
            product_key: None,
            product_id: row.product_id,
            version: row.version.clone(),
            version_key: row.version_key.clone(),
            project: None,
            ref_name: None,
            commit_sha: None,
            bound_to: serde_json::json!([]),
            environment: environment.into(),
            environment_class: class,
            status,
            attempt: 1,
            planned_start_at: None,
            planned_finish_at: None,
            started_at: Some(started),
            finished_at: Some(finished),
            succeeded_at: ended(matches!(status, DeploymentStatus::Succeeded | DeploymentStatus::RolledBack)),
            rolled_back_at: (status == DeploymentStatus::RolledBack).then(|| finished + TimeDelta::minutes(40)),
            inconsistent: false,
            oldest_commit_at: Some(started - TimeDelta::hours(24 * 9 + 5)),
            rollback_of: None,
            url: None,
            report_id: Some(row.id),
            standing: DeploymentStanding::Attached,
            parked_reason: None,
            attached_by_hand: false,
            dismissal_reason: None,
            recheck: false,
            recorded_at: started,
            updated_at: finished,
            row_version: 1,
        }
    }
}
