//! What the selection of a report will ask for, read at once before it is walked.

use async_graphql::{Context, SelectionField};
use sea_orm::prelude::Uuid;

use crate::{
    error::Result,
    graphql::context::{loaders, store},
    store::bundle::{Table, Tables},
};

/// The tables that a field below a report reads; its name tells, at whatever depth.
fn needs(field: &str) -> &'static [Table] {
    use Table::*;
    match field {
        "participants" => &[Participant, ParticipantPerson, Person, Department],
        "milestones" => &[Milestone],
        "owners" | "lead" => &[Owner, Department],
        "actualSource" | "reported" | "pipelineValues" => &[ReportedValue],
        "staffing" => &[Staffing, Department],
        "problems" => &[Problem],
        "incidentReview" => &[IncidentReview],
        "timeline" => &[TimelineEntry],
        "recordedBy" | "releaseOwner" | "completedBy" | "closedBy" | "by" => &[Person],
        "postReleaseStats" | "postReleaseTotals" => &[PostReleaseStat],
        "plannedFixes" => &[PlannedFix],
        "feedbackSources" => &[FeedbackSource],
        "cases" => &[Case],
        "departmentEvaluations" => &[Evaluation, Department],
        "shortcomings" => &[Shortcoming],
        "improvementActions" => &[Action],
        "occurrences" => &[Action, Occurrence],
        "reschedulings" => &[Action, Occurrence, Rescheduling],
        "attempts" => &[Action, Occurrence, Verification],
        "productHeadSignature" | "committeeOpinions" | "rounds" | "steps" => &[Step, Person],
        "filing" => &[Step, Person, Department],
        "completeness" => &[
            Participant,
            ParticipantPerson,
            Staffing,
            Milestone,
            Owner,
            Problem,
            IncidentReview,
            TimelineEntry,
            PostReleaseStat,
            PlannedFix,
            FeedbackSource,
            Case,
            Evaluation,
            Shortcoming,
            Action,
            Department,
        ],
        "viewerCan" => &[Participant, Step, Department],
        "product" => &[Product],
        "projects" => &[Product, Project],
        "application" | "applicationNumber" => &[Application],
        "preparedBy" | "department" => &[Department],
        "supersededBy" => &[Successor],
        _ => &[],
    }
}

fn gather(field: SelectionField<'_>) -> Tables {
    field.selection_set().fold(Tables::of(needs(field.name())), |all, below| all.and(gather(below)))
}

/// What the selection of the field at hand will ask of reports.
pub fn tables(ctx: &Context<'_>) -> Tables {
    ctx.field().selection_set().fold(Tables::default(), |all, below| all.and(gather(below)))
}

/// Reads what the selection of the field at hand will ask of these reports.
///
/// # Errors
/// A fault of the database.
pub async fn read(ctx: &Context<'_>, reports: &[Uuid]) -> Result<()> {
    if reports.is_empty() {
        return Ok(());
    }
    store(ctx)?.bundle(&loaders(ctx)?.bundled(), tables(ctx), reports).await
}
