//! The whole content of a report, read for completeness, for the digest and for copying. Constant in statements.

use std::sync::Arc;

use async_graphql::Context;
use entity::{
    department_evaluation, feedback_source, improvement_action, incident_review, milestone, owner, participant, participant_person,
    planned_fix, post_release_stat, problem, report, shortcoming, staffing, timeline_entry, typical_case,
};
use sea_orm::prelude::Uuid;

use crate::{
    error::Result,
    graphql::context::children,
    store::{
        Permitted,
        children::{Child, load},
    },
};

/// Everything that a report says, apart from occurrences and what is derived.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is the table of that name")]
pub struct Content {
    pub report: Arc<report::Model>,
    pub participants: Arc<Vec<participant::Model>>,
    pub people: Arc<Vec<participant_person::Model>>,
    pub staffing: Arc<Vec<staffing::Model>>,
    pub milestones: Arc<Vec<milestone::Model>>,
    pub owners: Arc<Vec<owner::Model>>,
    pub problems: Arc<Vec<problem::Model>>,
    pub reviews: Arc<Vec<incident_review::Model>>,
    pub timeline: Arc<Vec<timeline_entry::Model>>,
    pub statistics: Arc<Vec<post_release_stat::Model>>,
    pub fixes: Arc<Vec<planned_fix::Model>>,
    pub sources: Arc<Vec<feedback_source::Model>>,
    pub cases: Arc<Vec<typical_case::Model>>,
    pub evaluations: Arc<Vec<department_evaluation::Model>>,
    pub shortcomings: Arc<Vec<shortcoming::Model>>,
    pub actions: Arc<Vec<improvement_action::Model>>,
}

impl Content {
    /// Reads for an answer, batched with the other reports of the request.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn read(ctx: &Context<'_>, report: Arc<report::Model>) -> Result<Self> {
        let id = report.id;
        let (participants, people, staffing, milestones, owners, problems, reviews, timeline) = futures_util::try_join!(
            children::<participant::Entity>(ctx, id),
            children::<participant_person::Entity>(ctx, id),
            children::<staffing::Entity>(ctx, id),
            children::<milestone::Entity>(ctx, id),
            children::<owner::Entity>(ctx, id),
            children::<problem::Entity>(ctx, id),
            children::<incident_review::Entity>(ctx, id),
            children::<timeline_entry::Entity>(ctx, id)
        )?;
        let (statistics, fixes, sources, cases, evaluations, shortcomings, actions) = futures_util::try_join!(
            children::<post_release_stat::Entity>(ctx, id),
            children::<planned_fix::Entity>(ctx, id),
            children::<feedback_source::Entity>(ctx, id),
            children::<typical_case::Entity>(ctx, id),
            children::<department_evaluation::Entity>(ctx, id),
            children::<shortcoming::Entity>(ctx, id),
            children::<improvement_action::Entity>(ctx, id)
        )?;
        Ok(Self {
            report,
            participants,
            people,
            staffing,
            milestones,
            owners,
            problems,
            reviews,
            timeline,
            statistics,
            fixes,
            sources,
            cases,
            evaluations,
            shortcomings,
            actions,
        })
    }

    /// Reads under the lock of a write.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn of(permitted: &Permitted, report: report::Model) -> Result<Self> {
        let id = report.id;
        Ok(Self {
            report: Arc::new(report),
            participants: rows::<participant::Entity>(permitted, id).await?,
            people: rows::<participant_person::Entity>(permitted, id).await?,
            staffing: rows::<staffing::Entity>(permitted, id).await?,
            milestones: rows::<milestone::Entity>(permitted, id).await?,
            owners: rows::<owner::Entity>(permitted, id).await?,
            problems: rows::<problem::Entity>(permitted, id).await?,
            reviews: rows::<incident_review::Entity>(permitted, id).await?,
            timeline: rows::<timeline_entry::Entity>(permitted, id).await?,
            statistics: rows::<post_release_stat::Entity>(permitted, id).await?,
            fixes: rows::<planned_fix::Entity>(permitted, id).await?,
            sources: rows::<feedback_source::Entity>(permitted, id).await?,
            cases: rows::<typical_case::Entity>(permitted, id).await?,
            evaluations: rows::<department_evaluation::Entity>(permitted, id).await?,
            shortcomings: rows::<shortcoming::Entity>(permitted, id).await?,
            actions: rows::<improvement_action::Entity>(permitted, id).await?,
        })
    }

    /// The current owners of a milestone, problem or action, in order.
    pub fn owners_of(&self, row: Uuid) -> Vec<&owner::Model> {
        let of = |o: &&owner::Model| o.current && [o.milestone_id, o.problem_id, o.action_id].contains(&Some(row));
        self.owners.iter().filter(of).collect()
    }

    /// The people of a participant, in order.
    pub fn people_of(&self, participant: Uuid) -> Vec<Uuid> {
        self.people.iter().filter(|p| p.participant_id == participant).map(|p| p.person_id).collect()
    }

    /// The review of a problem.
    pub fn review_of(&self, problem: Uuid) -> Option<&incident_review::Model> {
        self.reviews.iter().find(|r| r.problem_id == problem)
    }

    /// The timeline of a review, in order.
    pub fn timeline_of(&self, problem: Uuid) -> Vec<&timeline_entry::Model> {
        self.timeline.iter().filter(|t| t.problem_id == problem).collect()
    }
}

async fn rows<E: Child>(permitted: &Permitted, report: Uuid) -> Result<Arc<Vec<E::Model>>> {
    Ok(Arc::new(load::<E>(permitted.conn(), &[report]).await?.remove(&report).unwrap_or_default()))
}
