//! One due date of an action as GraphQL shows it.

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{
    enums::{OccurrenceStatus, VerificationVerdict},
    improvement_action, occurrence, report, rescheduling, verification,
};

use super::ImprovementAction;
use crate::{
    auth::{Act, policy},
    catalog::Person,
    error::Result,
    graphql::{
        context::{actor, children, parent, store},
        ids::Kind,
        scalars::{Day, Instant},
        walk::{Many, One},
    },
    report::{
        owners::{Owned, codes, leads},
        permissions::facts,
    },
};

/// One due date of an improvement action.
#[derive(Clone)]
pub struct ActionOccurrence(pub occurrence::Model);

/// One due date of an improvement action.
#[Object]
impl ActionOccurrence {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::ActionOccurrence.id(self.0.id)
    }

    /// 1 for the first.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// The due date before any rescheduling.
    async fn original_due_on(&self) -> Day {
        Day(self.0.original_due_on)
    }

    /// The due date; it passes when the day ends in the business time zone.
    async fn due_on(&self) -> Day {
        Day(self.0.due_on)
    }

    /// Where it stands.
    async fn status(&self) -> OccurrenceStatus {
        self.0.status
    }

    /// Derived: open and past due.
    async fn overdue(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.0.status == OccurrenceStatus::Open && self.0.due_on < store(ctx)?.today())
    }

    /// Derived: days past due; 0 unless overdue.
    async fn overdue_days(&self, ctx: &Context<'_>) -> Result<i32> {
        let days = if self.0.status == OccurrenceStatus::Open { (store(ctx)?.today() - self.0.due_on).num_days().max(0) } else { 0 };
        Ok(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// How it came to its due date, the first change first.
    async fn reschedulings(&self, ctx: &Context<'_>) -> Result<Many<Rescheduling>> {
        let rows = children::<rescheduling::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Rescheduling).collect())
    }

    /// The day the work was done, as entered.
    async fn completed_on(&self) -> Option<Day> {
        self.0.completed_on.map(Day)
    }

    /// When the completion was recorded.
    async fn completed_at(&self) -> Option<Instant> {
        self.0.completed_at.map(Instant)
    }

    /// Who recorded the completion.
    async fn completed_by(&self, ctx: &Context<'_>) -> Option<Result<One<Person>>> {
        match self.0.completed_by {
            Some(id) => Some(Person::by_id(ctx, id).await),
            None => None,
        }
    }

    /// What shows that the work was done.
    async fn evidence(&self) -> Option<&str> {
        self.0.evidence.as_deref()
    }

    /// Every verification, the first first.
    async fn attempts(&self, ctx: &Context<'_>) -> Result<Many<VerificationAttempt>> {
        let rows = children::<verification::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(VerificationAttempt).collect())
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The action it is a due date of.
    async fn action(&self, ctx: &Context<'_>) -> Result<ImprovementAction> {
        Ok(ImprovementAction(parent::<improvement_action::Entity>(ctx, self.0.action_id).await?))
    }

    /// What you may do with it now.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<OccurrencePermissions> {
        let report = parent::<report::Entity>(ctx, self.0.report_id).await?;
        let facts = facts(ctx, &report).await?;
        let owners = Owned::Action(self.0.action_id).read(ctx, self.0.report_id).await?;
        let (owner_codes, leads) = (codes(&owners), leads(&owners));
        let actor = actor(ctx)?;
        let may = |act: Act<'_>| policy::may(actor, act, &facts);
        let (open, completed) = (self.0.status == OccurrenceStatus::Open, self.0.status == OccurrenceStatus::Completed);
        let complete = may(Act::OccurrenceComplete { owners: &owner_codes });
        let action = parent::<improvement_action::Entity>(ctx, self.0.action_id).await?;
        let watched = action.cancelled_at.is_none() && action.ended_at.is_none();
        Ok(OccurrencePermissions {
            complete: open && complete,
            withdraw_completion: completed && complete && watched,
            reschedule: open && may(Act::ActionSteer { leads: &leads }),
            verify: completed && may(Act::OccurrenceVerify { completed_by: self.0.completed_by }),
        })
    }
}

/// What the caller may do with an occurrence.
#[derive(SimpleObject)]
pub struct OccurrencePermissions {
    /// Report it as done.
    pub complete: bool,
    /// Take the completion back.
    pub withdraw_completion: bool,
    /// Move its due date.
    pub reschedule: bool,
    /// Verify it.
    pub verify: bool,
}

/// A change of a due date.
pub struct Rescheduling(rescheduling::Model);

/// A change of a due date.
#[Object]
impl Rescheduling {
    /// The due date before.
    async fn from(&self) -> Day {
        Day(self.0.from_on)
    }

    /// The due date after.
    async fn to(&self) -> Day {
        Day(self.0.to_on)
    }

    /// Why.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// By whom.
    async fn by(&self, ctx: &Context<'_>) -> Result<One<Person>> {
        Person::by_id(ctx, self.0.person_id).await
    }

    /// When.
    async fn at(&self) -> Instant {
        Instant(self.0.at)
    }
}

/// One verification of an occurrence.
pub struct VerificationAttempt(verification::Model);

/// One verification of an occurrence.
#[Object]
impl VerificationAttempt {
    /// What was found.
    async fn verdict(&self) -> VerificationVerdict {
        self.0.verdict
    }

    /// What was said about it.
    async fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// The day of completion that was verified.
    async fn completed_on(&self) -> Day {
        Day(self.0.completed_on)
    }

    /// By whom.
    async fn by(&self, ctx: &Context<'_>) -> Result<One<Person>> {
        Person::by_id(ctx, self.0.person_id).await
    }

    /// When.
    async fn at(&self) -> Instant {
        Instant(self.0.at)
    }
}
