//! What the selection of a report will ask for, read at once before it is walked.

use async_graphql::{Context, SelectionField};

use crate::{
    graphql::again::Known,
    store::bundle::{Table, Tables},
};

/// The tables that a field below a report reads; its name tells, at whatever depth, and what it is a field of where that says more.
fn needs(field: &str, of: &str) -> &'static [Table] {
    use Table::*;
    match field {
        "owners" if of == "milestones" => &[MilestoneOwner, Department],
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

fn gather(field: SelectionField<'_>, of: &str) -> Tables {
    let name = field.name();
    field.selection_set().fold(Tables::of(needs(name, of)), |all, below| all.and(gather(below, name)))
}

/// What the selection of the field at hand will ask of reports.
pub fn tables(ctx: &Context<'_>) -> Tables {
    ctx.data_opt::<Known>().map_or_else(|| asked(ctx), |known| known.or(ctx.item.pos, || asked(ctx)))
}

fn asked(ctx: &Context<'_>) -> Tables {
    let all = ctx.field().selection_set().fold(Tables::default(), |all, below| all.and(gather(below, "")));
    // All owners are these and more.
    if all.has(Table::Owner) { all.without(Table::MilestoneOwner) } else { all }
}
