//! Raw import: rows as they are, unaudited, for demo content and benchmarks (`architecture.md`, The door).

use entity::{
    department_evaluation, deployment, feedback_source, improvement_action, incident_review, life_cycle_step, milestone, number_sequence,
    occurrence, owner, participant, participant_person, person, planned_fix, post_release_stat, problem, product, product_project,
    release_application, report, rescheduling, shortcoming, staffing, submission, timeline_entry, typical_case, verification,
};

use super::{Origin, Store, door::bulk_insert, rollup};
use crate::{auth::Actor, error::Result};

/// Rows of many tables, in the order in which they refer to each other.
#[derive(Default, Clone)]
#[expect(missing_docs, reason = "each field is the table of that name")]
pub struct Rows {
    pub people: Vec<person::Model>,
    pub products: Vec<product::Model>,
    pub projects: Vec<product_project::Model>,
    pub applications: Vec<release_application::Model>,
    pub reports: Vec<report::Model>,
    pub deployments: Vec<deployment::Model>,
    pub participants: Vec<participant::Model>,
    pub participant_people: Vec<participant_person::Model>,
    pub staffing: Vec<staffing::Model>,
    pub milestones: Vec<milestone::Model>,
    pub problems: Vec<problem::Model>,
    pub reviews: Vec<incident_review::Model>,
    pub timeline: Vec<timeline_entry::Model>,
    pub statistics: Vec<post_release_stat::Model>,
    pub fixes: Vec<planned_fix::Model>,
    pub sources: Vec<feedback_source::Model>,
    pub cases: Vec<typical_case::Model>,
    pub evaluations: Vec<department_evaluation::Model>,
    pub shortcomings: Vec<shortcoming::Model>,
    pub actions: Vec<improvement_action::Model>,
    pub owners: Vec<owner::Model>,
    pub occurrences: Vec<occurrence::Model>,
    pub reschedulings: Vec<rescheduling::Model>,
    pub verifications: Vec<verification::Model>,
    pub steps: Vec<life_cycle_step::Model>,
    pub submissions: Vec<submission::Model>,
    pub sequences: Vec<number_sequence::Model>,
}

impl Store {
    /// Writes rows in one transaction, as they are.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn import(&self, rows: Rows) -> Result<()> {
        let origin = Origin { actor: Actor::service("import"), request_id: "import".into() };
        let mut tx = self.begin(&origin).await?;
        let conn = &tx.conn;
        bulk_insert(conn, rows.people).await?;
        bulk_insert(conn, rows.products).await?;
        bulk_insert(conn, rows.projects).await?;
        bulk_insert(conn, rows.applications).await?;
        let submitted = rows.reports.iter().filter(|r| r.first_submitted_at.is_some()).map(|r| r.id).collect();
        bulk_insert(conn, rows.reports).await?;
        bulk_insert(conn, rows.deployments).await?;
        bulk_insert(conn, rows.participants).await?;
        bulk_insert(conn, rows.participant_people).await?;
        bulk_insert(conn, rows.staffing).await?;
        bulk_insert(conn, rows.milestones).await?;
        bulk_insert(conn, rows.problems).await?;
        bulk_insert(conn, rows.reviews).await?;
        bulk_insert(conn, rows.timeline).await?;
        bulk_insert(conn, rows.statistics).await?;
        bulk_insert(conn, rows.fixes).await?;
        bulk_insert(conn, rows.sources).await?;
        bulk_insert(conn, rows.cases).await?;
        bulk_insert(conn, rows.evaluations).await?;
        bulk_insert(conn, rows.shortcomings).await?;
        bulk_insert(conn, rows.actions).await?;
        bulk_insert(conn, rows.owners).await?;
        bulk_insert(conn, rows.occurrences).await?;
        bulk_insert(conn, rows.reschedulings).await?;
        bulk_insert(conn, rows.verifications).await?;
        bulk_insert(conn, rows.steps).await?;
        bulk_insert(conn, rows.submissions).await?;
        bulk_insert(conn, rows.sequences).await?;
        if let Some(rolls) = self.rolls {
            rollup::refresh(conn, rolls, self.calendar, &submitted).await?;
        }
        Ok(tx.conn.commit().await?)
    }
}
