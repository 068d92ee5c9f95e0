//! An improvement action as GraphQL shows it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{
    enums::{ActionArea, ActionStatus, ScheduleKind},
    improvement_action, occurrence, report,
};

use super::{ActionOccurrence, state};
use crate::{
    auth::{Act, policy},
    catalog::{Department, Person},
    error::Result,
    graphql::{
        context::{actor, children, parent, store},
        ids::Kind,
        scalars::{Day, Instant},
        walk::{Many, One},
    },
    report::{
        Report,
        owners::{Owned, leads},
        permissions::facts,
    },
};

/// 改进措施: an improvement action.
#[derive(Clone)]
pub struct ImprovementAction(pub Arc<improvement_action::Model>);

impl ImprovementAction {
    /// The object of a row.
    pub fn new(row: improvement_action::Model) -> Self {
        Self(Arc::new(row))
    }
}

/// 计划完成时间: how due dates are given.
#[derive(SimpleObject)]
pub struct ActionSchedule {
    /// Which kind.
    pub kind: ScheduleKind,
    /// The date, of the kind `DATE`.
    pub on: Option<Day>,
    /// The RFC 5545 rule, of the kind `RECURRING`.
    pub rule: Option<String>,
}

/// 改进措施: an improvement action, watched from the submission that brings it.
#[Object]
impl ImprovementAction {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::ImprovementAction.id(self.0.id)
    }

    /// Place in the report.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// 改进领域.
    async fn area(&self) -> ActionArea {
        self.0.area
    }

    /// What `OTHER` stands for.
    async fn area_note(&self) -> Option<&str> {
        self.0.area_note.as_deref()
    }

    /// 改进措施.
    async fn measure(&self) -> &str {
        &self.0.measure
    }

    /// 责任部门, in order.
    async fn owners(&self, ctx: &Context<'_>) -> Result<Many<Department>> {
        Owned::Action(self.0.id).departments(ctx, self.0.report_id).await
    }

    /// 牵头: the owner that leads, if one does.
    async fn lead(&self, ctx: &Context<'_>) -> Option<Result<One<Department>>> {
        let owners = match Owned::Action(self.0.id).read(ctx, self.0.report_id).await {
            Ok(owners) => owners,
            Err(error) => return Some(Err(error)),
        };
        let lead = owners.into_iter().find(|o| o.lead)?;
        Some(Department::by_code(ctx, &lead.department).await)
    }

    /// 验证方式.
    async fn verification(&self) -> Option<&str> {
        self.0.verification.as_deref()
    }

    /// 计划完成时间.
    async fn schedule(&self) -> Option<One<ActionSchedule>> {
        let a = &self.0;
        a.schedule_kind.map(|kind| One(ActionSchedule { kind, on: a.scheduled_on.map(Day), rule: a.rule.clone() }))
    }

    /// The schedule's wording on the form: 每季度末.
    async fn schedule_text(&self) -> Option<&str> {
        self.0.schedule_text.as_deref()
    }

    /// Its due dates, the first first; none before it is submitted.
    async fn occurrences(&self, ctx: &Context<'_>) -> Result<Many<ActionOccurrence>> {
        let rows = children::<occurrence::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(ActionOccurrence).collect())
    }

    /// Derived from the occurrences.
    async fn status(&self) -> Result<ActionStatus> {
        state::status_from(&self.0.status_kept)
    }

    /// Derived: the earliest open due date.
    async fn due_on(&self) -> Option<Day> {
        self.0.open_due_on.map(Day)
    }

    /// Derived: whether an open due date has passed in the business time zone.
    async fn overdue(&self, ctx: &Context<'_>) -> Result<bool> {
        let today = store(ctx)?.today();
        Ok(self.0.open_due_on.is_some_and(|due| due < today))
    }

    /// Derived: days since the oldest open due date; 0 while none has passed.
    async fn overdue_days(&self, ctx: &Context<'_>) -> Result<i32> {
        let today = store(ctx)?.today();
        let days = self.0.open_due_on.map_or(0, |due| (today - due).num_days().max(0));
        Ok(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// The business day of the submission from which it is watched.
    async fn watched_from(&self) -> Option<Day> {
        self.0.watched_from.map(Day)
    }

    /// When a recurring one was ended.
    async fn ended_at(&self) -> Option<Instant> {
        self.0.ended_at.map(Instant)
    }

    /// When it was cancelled.
    async fn cancelled_at(&self) -> Option<Instant> {
        self.0.cancelled_at.map(Instant)
    }

    /// Why it was ended or cancelled.
    async fn closing_reason(&self) -> Option<&str> {
        self.0.closing_reason.as_deref()
    }

    /// Who ended or cancelled it.
    async fn closed_by(&self, ctx: &Context<'_>) -> Option<Result<One<Person>>> {
        match self.0.closed_by {
            Some(id) => Some(Person::by_id(ctx, id).await),
            None => None,
        }
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The report that brought it.
    async fn report(&self, ctx: &Context<'_>) -> Result<Report> {
        Ok(Report::shared(parent::<report::Entity>(ctx, self.0.report_id).await?))
    }

    /// What you may do with it now.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<ActionPermissions> {
        let report = parent::<report::Entity>(ctx, self.0.report_id).await?;
        let facts = facts(ctx, &report).await?;
        let leads = leads(&Owned::Action(self.0.id).read(ctx, self.0.report_id).await?);
        let actor = actor(ctx)?;
        let planned = self.0.watched_from.is_none();
        let closed = self.0.ended_at.is_some() || self.0.cancelled_at.is_some();
        let plan = planned && policy::may(actor, Act::ActionPlan, &facts);
        let steer = !planned && !closed && policy::may(actor, Act::ActionSteer { leads: &leads }, &facts);
        let recurring = self.0.schedule_kind == Some(ScheduleKind::Recurring);
        Ok(ActionPermissions { edit: plan, remove: plan, reassign: steer, cancel: steer, end: steer && recurring })
    }
}

/// What the caller may do with an action.
#[derive(SimpleObject)]
pub struct ActionPermissions {
    /// Edit it, while it was never submitted.
    pub edit: bool,
    /// Remove it, while it was never submitted.
    pub remove: bool,
    /// Give it other owners.
    pub reassign: bool,
    /// Cancel it.
    pub cancel: bool,
    /// End its recurrence.
    pub end: bool,
}
