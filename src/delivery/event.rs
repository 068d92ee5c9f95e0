//! An event of the log, as subscriptions show it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use entity::{deployment, enums::ReportSection, event, improvement_action, occurrence, report};
use sea_orm::prelude::Uuid;

use super::feed::Told;
use crate::{
    deployment::{Deployment, search::seen_row},
    error::Result,
    graphql::{
        context::{actor, row},
        ids::Kind,
        scalars::Instant,
    },
    improvement::{ActionOccurrence, ImprovementAction},
    report::Report,
};

/// What happened (`events.md` 14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum EventType {
    /// A draft was made.
    ReportCreated,
    /// Content was edited; `change` tells which.
    ReportChanged,
    /// It was submitted for signature.
    ReportSubmitted,
    /// Its submission was taken back.
    ReportWithdrawn,
    /// The product head signed.
    ReportSigned,
    /// The committee agreed and filed it.
    ReportFiled,
    /// It was sent back.
    ReportReturned,
    /// It was given up.
    ReportDiscarded,
    /// A filed report replaced it.
    ReportSuperseded,
    /// A problem was recorded.
    ProblemRecorded,
    /// Something was told of a deployment, or it was attached, held or dismissed.
    DeploymentRecorded,
    /// A due date comes soon.
    ActionDueSoon,
    /// A due date has passed.
    ActionOverdue,
    /// What is overdue is still not done.
    ActionReminder,
    /// An occurrence was completed.
    ActionCompleted,
    /// A completion was verified.
    ActionVerified,
    /// An occurrence is open again.
    ActionReopened,
    /// An occurrence has another due date.
    ActionRescheduled,
    /// The action has other owners.
    ActionReassigned,
    /// A recurring action was ended.
    ActionEnded,
    /// An action or an occurrence was cancelled.
    ActionCancelled,
    /// A sink was disabled; the others are told.
    OpsSinkDisabled,
    /// Every attempt at a delivery failed; the other sinks are told.
    OpsDeliveryExhausted,
}

const KINDS: [(EventType, &str); 23] = [
    (EventType::ReportCreated, "report.created.v1"),
    (EventType::ReportChanged, "report.changed.v1"),
    (EventType::ReportSubmitted, "report.submitted.v1"),
    (EventType::ReportWithdrawn, "report.withdrawn.v1"),
    (EventType::ReportSigned, "report.signed.v1"),
    (EventType::ReportFiled, "report.filed.v1"),
    (EventType::ReportReturned, "report.returned.v1"),
    (EventType::ReportDiscarded, "report.discarded.v1"),
    (EventType::ReportSuperseded, "report.superseded.v1"),
    (EventType::ProblemRecorded, "problem.recorded.v1"),
    (EventType::DeploymentRecorded, "deployment.recorded.v1"),
    (EventType::ActionDueSoon, "action.due_soon.v1"),
    (EventType::ActionOverdue, "action.overdue.v1"),
    (EventType::ActionReminder, "action.reminder.v1"),
    (EventType::ActionCompleted, "action.completed.v1"),
    (EventType::ActionVerified, "action.verified.v1"),
    (EventType::ActionReopened, "action.reopened.v1"),
    (EventType::ActionRescheduled, "action.rescheduled.v1"),
    (EventType::ActionReassigned, "action.reassigned.v1"),
    (EventType::ActionEnded, "action.ended.v1"),
    (EventType::ActionCancelled, "action.cancelled.v1"),
    (EventType::OpsSinkDisabled, "ops.sink_disabled.v1"),
    (EventType::OpsDeliveryExhausted, "ops.delivery_exhausted.v1"),
];

impl EventType {
    /// Every type but that of edits, which is told to those who name it (`events.md` 12).
    pub fn all_but_edits() -> Vec<Self> {
        KINDS.iter().map(|(kind, _)| *kind).filter(|kind| *kind != Self::ReportChanged).collect()
    }

    /// The type as the log has it.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// All types, with their names.
    pub fn all() -> impl Iterator<Item = (Self, &'static str)> {
        KINDS.iter().copied()
    }

    /// The type of an event of the log; none for one that only a newer release knows.
    pub fn of(kind: &str) -> Option<Self> {
        KINDS.iter().find(|(_, name)| *name == kind).map(|(kind, _)| *kind)
    }
}

/// Which content was edited.
#[derive(SimpleObject)]
pub struct ContentChange {
    /// The section of the form.
    section: ReportSection,
    /// Key of the row that was edited, as the audit log has it.
    row: String,
    /// Its version now.
    version: i32,
}

/// Something that happened, in the order of the log.
pub struct Event {
    told: Arc<Told>,
    kind: EventType,
}

impl Event {
    /// An event that was read from the log.
    pub fn read(event: Arc<event::Model>) -> Option<Self> {
        Self::of(Arc::new(Told { event: (*event).clone(), sight: None }))
    }

    /// An event that a subscription follows; none of a type that this release does not know.
    pub fn of(told: Arc<Told>) -> Option<Self> {
        EventType::of(&told.event.kind).map(|kind| Self { told, kind })
    }
}

/// Something that happened, in the order of the log.
#[Object]
impl Event {
    /// Where it stands in the log: send it as `after` to resume behind it. Opaque.
    async fn position(&self) -> String {
        self.told.event.position.to_string()
    }

    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::Event.id(&self.told.event.id)
    }

    /// The CloudEvents id: the same for every receiver and every replay.
    async fn event_id(&self) -> &str {
        &self.told.event.id
    }

    /// What happened.
    #[graphql(name = "type")]
    async fn kind(&self) -> EventType {
        self.kind
    }

    /// The report, its action or deployment, that it is about, as CloudEvents name it.
    async fn subject(&self) -> &str {
        &self.told.event.subject
    }

    /// 1, 2, 3… for each subject, without a gap.
    async fn subject_sequence(&self) -> Result<i32> {
        i32::try_from(self.told.event.subject_sequence).map_err(crate::error::Error::internal)
    }

    /// When it happened.
    async fn time(&self) -> Instant {
        Instant(self.told.event.at)
    }

    /// When it was seen.
    async fn recorded_time(&self) -> Instant {
        Instant(self.told.event.recorded_at)
    }

    /// The report, as it stood when the event was read: then, or later.
    async fn report(&self, ctx: &Context<'_>) -> Option<Result<Report>> {
        if let Some(sight) = &self.told.sight {
            return Some(Ok(Report::shared(Arc::clone(&sight.report))));
        }
        row::<report::Entity>(ctx, self.told.event.report_id?).await.map(|row| row.map(Report::shared)).transpose()
    }

    /// What it carries, as JSON, as its receivers see it (`/schemas/events/{type}.json`).
    async fn data(&self) -> String {
        self.told.event.data.to_string()
    }

    /// The improvement action that it is about, as it stands now.
    async fn action(&self, ctx: &Context<'_>) -> Option<Result<ImprovementAction>> {
        let found = row::<improvement_action::Entity>(ctx, self.told.event.action_id?).await;
        found.map(|row| row.map(|row| ImprovementAction::new((*row).clone()))).transpose()
    }

    /// The deployment that it is about, as it stands now, if you may see it.
    async fn deployment(&self, ctx: &Context<'_>) -> Option<Result<Deployment>> {
        let found = row::<deployment::Entity>(ctx, self.told.event.deployment_id?).await;
        let seen = |row: &Arc<deployment::Model>| actor(ctx).is_ok_and(|actor| seen_row(actor, row));
        found.map(|row| row.filter(seen).map(Deployment::shared)).transpose()
    }

    /// The occurrence of the action that it is about, as it stands now.
    async fn occurrence(&self, ctx: &Context<'_>) -> Option<Result<ActionOccurrence>> {
        let id: Uuid = self.told.event.data.pointer("/occurrence/id")?.as_str()?.parse().ok()?;
        let found = row::<occurrence::Entity>(ctx, id).await;
        found.map(|row| row.map(|row| ActionOccurrence((*row).clone()))).transpose()
    }

    /// Which content was edited, with `REPORT_CHANGED`.
    async fn change(&self) -> Option<ContentChange> {
        let change = self.told.event.data.get("change")?;
        Some(ContentChange {
            section: serde_json::from_value(change.get("section")?.clone()).ok()?,
            row: change.get("row")?.as_str()?.to_owned(),
            version: i32::try_from(change.get("version")?.as_i64()?).ok()?,
        })
    }
}
