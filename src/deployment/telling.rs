//! What is told of a deployment, in the audit and as an event.

use entity::{deployment, event_sink};
use serde_json::{Value, json};

use super::record::ACT;
use crate::{
    error::Result,
    store::{Announcement, Change, Permitted},
};

/// What is told of a deployment with the commit, as its last word: of one that is new and does nothing to a report.
#[derive(Debug, Default)]
#[must_use]
pub struct Untold(pub Option<(Change, Vec<event_sink::Model>)>);

impl Untold {
    /// Tells it, where more than the commit is to follow.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn note(self, permitted: &mut Permitted) -> Result<()> {
        match self.0 {
            Some((change, _)) => permitted.note(change).await,
            None => Ok(()),
        }
    }

    /// Tells it and commits.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn commit(self, permitted: Permitted) -> Result<()> {
        match self.0 {
            Some((change, sinks)) => permitted.commit_heard(change, &sinks).await,
            None => permitted.commit(Change::of(ACT)).await,
        }
    }
}

/// Audit entry and event of a deployment.
///
/// # Errors
/// A fault of the database.
pub async fn tell(permitted: &mut Permitted, act: &'static str, before: Option<&deployment::Model>, row: &deployment::Model) -> Result<()> {
    permitted.note(telling(act, before, row)).await
}

/// What is told of a deployment; nothing of one that did not change.
pub fn telling(act: &'static str, before: Option<&deployment::Model>, row: &deployment::Model) -> Change {
    let change = Change::of(act).beside(row.report_id);
    let change = match before {
        Some(before) => change.edited("Deployment", row.id, before, row),
        None => change.added("Deployment", row.id, row),
    };
    if change.is_empty() {
        return change;
    }
    change.announce(Announcement::deployment("deployment.recorded.v1", row.id).with("deployment", as_told(row)))
}

/// A deployment as events carry it.
pub fn as_told(row: &deployment::Model) -> Value {
    json!({
        "id": row.id, "sourceKey": row.source_key, "deploymentId": row.external_id, "source": row.source, "environment": row.environment,
        "environmentClass": row.environment_class, "status": row.status, "attempt": row.attempt, "startedAt": row.started_at,
        "finishedAt": row.finished_at, "rolledBackAt": row.rolled_back_at, "inconsistent": row.inconsistent,
        "applicationNumber": row.application_number, "version": row.version, "commit": row.commit_sha, "url": row.url,
        "standing": row.standing, "parkedReason": row.parked_reason,
    })
}
