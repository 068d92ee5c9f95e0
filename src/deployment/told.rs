//! What one delivery says of a deployment, in the service's own words: every way in ends here.

use chrono::{DateTime, TimeDelta, Utc};
use entity::pipeline::{DeploymentStatus, EnvironmentClass};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Said, say};

/// What one delivery says of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// How far it is.
    pub status: DeploymentStatus,
    /// Since when, as far as the sender says.
    pub at: Option<DateTime<Utc>>,
    /// Which attempt, from 1.
    pub attempt: Option<i32>,
    /// When it was to start.
    pub planned_start_at: Option<DateTime<Utc>>,
    /// When it was to finish.
    pub planned_finish_at: Option<DateTime<Utc>>,
    /// When it started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it finished.
    pub finished_at: Option<DateTime<Utc>>,
    /// The environment, as named.
    pub environment: String,
    /// What the sender says of the environment's class.
    pub tier: Option<EnvironmentClass>,
    /// `REL-APP-YYYY-NNN`.
    pub application_number: Option<String>,
    /// Key of the product.
    pub product: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The project in its code host: `github.com/xx/netaudit`.
    pub project: Option<String>,
    /// The tag or branch.
    pub ref_name: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// When the oldest commit that is new with it was made.
    pub oldest_commit_at: Option<DateTime<Utc>>,
    /// `deploymentId` of what it rolls back.
    pub rollback_of: Option<String>,
    /// Where it can be seen.
    pub url: Option<String>,
}

impl Told {
    /// Nothing but a status in an environment.
    pub fn of(status: DeploymentStatus, environment: impl Into<String>) -> Self {
        Self {
            status,
            at: None,
            attempt: None,
            planned_start_at: None,
            planned_finish_at: None,
            started_at: None,
            finished_at: None,
            environment: environment.into(),
            tier: None,
            application_number: None,
            product: None,
            version: None,
            project: None,
            ref_name: None,
            commit: None,
            oldest_commit_at: None,
            rollback_of: None,
            url: None,
        }
    }

    /// Whether it says since when it is so.
    pub fn has_time(&self) -> bool {
        self.own_time().is_some()
    }

    fn own_time(&self) -> Option<DateTime<Utc>> {
        let own = match self.status {
            DeploymentStatus::Queued => None,
            DeploymentStatus::Running => self.started_at,
            _ => self.finished_at,
        };
        own.or(self.at)
    }

    /// Since when this is so: as told, or as received.
    pub fn happened_at(&self, received_at: DateTime<Utc>) -> DateTime<Utc> {
        self.own_time().unwrap_or(received_at)
    }

    /// The field whose time cannot be, and why: what has happened lies in the past, an hour of a clock that is wrong aside.
    pub fn implausible(&self, received_at: DateTime<Utc>) -> Option<(&'static str, Said)> {
        let latest = received_at + TimeDelta::hours(1);
        let far = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at > latest);
        let future = || say("This lies in the future; check the sender's clock", "时间在未来，请检查发送方时钟");
        let happened =
            [("startedAt", self.started_at), ("finishedAt", self.finished_at), ("oldestCommitAt", self.oldest_commit_at), ("at", self.at)];
        if let Some((field, _)) = happened.into_iter().find(|(_, at)| far(*at)) {
            return Some((field, future()));
        }
        let planned = matches!((self.planned_start_at, self.planned_finish_at), (Some(from), Some(to)) if to < from);
        planned.then(|| ("plannedFinishAt", say("It is planned to finish before it starts", "计划完成时间早于计划开始时间")))
    }

    /// The same for what says the same, whenever it comes.
    pub fn digest(&self) -> String {
        format!("{:x}", Sha256::digest(serde_json::to_vec(self).unwrap_or_default()))
    }
}
