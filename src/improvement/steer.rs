//! Steering a submitted action: rescheduling an occurrence, reassigning, cancelling and ending the action.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{
    enums::{OccurrenceStatus, ScheduleKind},
    improvement_action, occurrence, owner, rescheduling,
};
use sea_orm::prelude::Uuid;
use serde_json::json;

use super::{
    ActionOccurrence, ImprovementAction,
    complete::{action_of, expect_status},
    plan::Owners,
    state,
};
use crate::{
    auth::Act,
    catalog::department::check_codes,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::{Checks, LONG, expect_version},
        payload::{UserError, answer},
        scalars::Day,
    },
    report::owners::{Owned, codes, leads},
    store::{Change, Opened, Origin, Permitted, Store, insert, update},
};

/// To which day, and why.
#[derive(Debug, Clone, InputObject)]
pub struct ActionRescheduleInput {
    /// The occurrence.
    pub occurrence_id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// The new due date, today or later.
    pub due_on: Day,
    /// Why.
    pub reason: String,
}

/// To whom.
#[derive(Debug, Clone, InputObject)]
pub struct ActionReassignInput {
    /// The action.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// 责任部门: codes, in order.
    pub owners: Vec<String>,
    /// 牵头: code of the owner that leads; `null` for none. Omitted: stays, if it still is an owner.
    pub lead: MaybeUndefined<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Why it is cancelled.
#[derive(Debug, Clone, InputObject)]
pub struct ActionCancelInput {
    /// The action.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// Why.
    pub reason: String,
}

/// Why it is ended.
#[derive(Debug, Clone, InputObject)]
pub struct ActionEndInput {
    /// The action: a recurring one.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// Why.
    pub reason: String,
}

/// What `actionReschedule` answers.
#[derive(SimpleObject)]
pub struct ActionReschedulePayload {
    /// The occurrence with its new due date; null when there are user errors.
    occurrence: Option<ActionOccurrence>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `actionReassign` answers.
#[derive(SimpleObject)]
pub struct ActionReassignPayload {
    /// The action with its new owners; null when there are user errors.
    improvement_action: Option<ImprovementAction>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `actionCancel` answers.
#[derive(SimpleObject)]
pub struct ActionCancelPayload {
    /// The cancelled action; null when there are user errors.
    improvement_action: Option<ImprovementAction>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `actionEnd` answers.
#[derive(SimpleObject)]
pub struct ActionEndPayload {
    /// The ended action; null when there are user errors.
    improvement_action: Option<ImprovementAction>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations that steer.
#[derive(Default)]
pub struct SteerMutation;

#[Object]
impl SteerMutation {
    /// Moves the due date of an occurrence; a rule's grid stays.
    async fn action_reschedule(&self, ctx: &Context<'_>, input: ActionRescheduleInput) -> Result<ActionReschedulePayload> {
        let (row, user_errors) = answer(ctx, |store, origin| reschedule(store, origin, input.clone())).await?;
        Ok(ActionReschedulePayload { occurrence: row.map(ActionOccurrence), user_errors })
    }

    /// Gives a submitted action other owners.
    async fn action_reassign(&self, ctx: &Context<'_>, input: ActionReassignInput) -> Result<ActionReassignPayload> {
        let (row, user_errors) = answer(ctx, |store, origin| reassign(store, origin, input.clone())).await?;
        Ok(ActionReassignPayload { improvement_action: row.map(ImprovementAction::new), user_errors })
    }

    /// Cancels a submitted action: nothing of it is to be done any more.
    async fn action_cancel(&self, ctx: &Context<'_>, input: ActionCancelInput) -> Result<ActionCancelPayload> {
        let ActionCancelInput { id, expected_version, reason } = input;
        let (row, user_errors) =
            answer(ctx, |store, origin| close(store, origin, id.clone(), expected_version, reason.clone(), false)).await?;
        Ok(ActionCancelPayload { improvement_action: row.map(ImprovementAction::new), user_errors })
    }

    /// Ends the recurrence of a submitted action: no further due dates, and what is open is closed.
    async fn action_end(&self, ctx: &Context<'_>, input: ActionEndInput) -> Result<ActionEndPayload> {
        let ActionEndInput { id, expected_version, reason } = input;
        let (row, user_errors) =
            answer(ctx, |store, origin| close(store, origin, id.clone(), expected_version, reason.clone(), true)).await?;
        Ok(ActionEndPayload { improvement_action: row.map(ImprovementAction::new), user_errors })
    }
}

async fn permit(opened: Opened, action: Uuid) -> Result<(Permitted, Vec<owner::Model>)> {
    let owners = Owned::Action(action).opened(&opened).await?;
    let leads = leads(&owners);
    Ok((opened.permit(&[Act::ActionSteer { leads: &leads }])?, owners))
}

/// Refuses what is not watched or no longer is.
fn expect_running(action: &improvement_action::Model) -> Result<()> {
    let said = if action.watched_from.is_none() {
        say("The action was never submitted; edit or remove it instead", "该措施尚未提交，请直接修改或删除")
    } else if action.cancelled_at.is_some() || action.ended_at.is_some() {
        say("The action was ended or cancelled already", "该措施已终止或取消")
    } else {
        return Ok(());
    };
    Err(Error::user(UserErrorCode::WrongState, "id", said))
}

async fn reschedule(store: &Store, origin: &Origin, input: ActionRescheduleInput) -> Result<occurrence::Model> {
    let ActionRescheduleInput { occurrence_id, expected_version, due_on, reason } = input;
    let (opened, before) = store.open_row::<occurrence::Entity>(origin, Kind::ActionOccurrence.uuid(&occurrence_id)?).await?;
    let (permitted, _) = permit(opened, before.action_id).await?;
    expect_version(expected_version, before.version)?;
    expect_status(&before, OccurrenceStatus::Open)?;
    let mut checks = Checks::default();
    checks.filled("reason", &reason, LONG);
    checks.require(due_on.0 >= permitted.today(), UserErrorCode::Invalid, "dueOn", || {
        say("The new due date has passed already", "新的截止日期已过")
    });
    checks.require(due_on.0 != before.due_on, UserErrorCode::Invalid, "dueOn", || say("It is due on that day already", "截止日期未改变"));
    checks.done()?;
    let row = occurrence::Model { due_on: due_on.0, look_at: Some(permitted.now()), version: before.version + 1, ..before.clone() };
    update(&permitted, row.clone()).await?;
    let moved = rescheduling::Model {
        id: Uuid::now_v7(),
        occurrence_id: row.id,
        report_id: row.report_id,
        from_on: before.due_on,
        to_on: row.due_on,
        reason: reason.clone(),
        person_id: permitted.person(),
        at: permitted.now(),
    };
    insert(&permitted, moved).await?;
    let action = action_of(&permitted, &row).await?;
    let action = state::keep(&permitted, action).await?;
    let told = json!({ "from": before.due_on, "to": row.due_on, "reason": reason });
    let event = state::tell(&permitted, "action.rescheduled.v1", &action, Some(&row)).await?.with("rescheduling", told);
    let change = Change::of("actionReschedule").edited("ActionOccurrence", row.id, &before, &row);
    permitted.commit(change.field("ActionOccurrence", row.id, "reason", None::<()>, &reason).announce(event)).await?;
    Ok(row)
}

async fn reassign(store: &Store, origin: &Origin, input: ActionReassignInput) -> Result<improvement_action::Model> {
    let ActionReassignInput { id, expected_version, owners, lead, reason } = input;
    let (opened, before) = store.open_row::<improvement_action::Entity>(origin, Kind::ImprovementAction.uuid(&id)?).await?;
    let (permitted, owned) = permit(opened, before.id).await?;
    expect_running(&before)?;
    expect_version(expected_version, before.version)?;
    let old = Owners { codes: codes(&owned), lead: owned.iter().find(|o| o.lead).map(|o| o.department.clone()) };
    let lead = match lead {
        MaybeUndefined::Undefined => old.lead.clone().filter(|lead| owners.contains(lead)),
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(lead) => Some(lead),
    };
    let new = Owners { codes: owners, lead };
    let mut checks = Checks::default();
    checks.require(!new.codes.is_empty(), UserErrorCode::Required, "owners", || say("An action needs an owner", "改进措施必须有责任部门"));
    new.check_lead(&mut checks);
    check_codes(&permitted, &mut checks, "owners", &new.codes, &old.codes).await?;
    if let Some(reason) = &reason {
        checks.text("reason", reason, LONG);
    }
    checks.done()?;
    if new == old {
        return Ok(before);
    }
    Owned::Action(before.id).write(&permitted, before.report_id, &new.codes, new.lead.as_deref()).await?;
    let action = state::keep(&permitted, before).await?;
    let told = json!({ "from": { "departments": old.codes, "lead": old.lead }, "reason": reason });
    let event = state::tell(&permitted, "action.reassigned.v1", &action, None).await?.with("reassignment", told);
    let change = Change::of("actionReassign")
        .field("ImprovementAction", action.id, "owners", &old.codes, &new.codes)
        .field("ImprovementAction", action.id, "lead", &old.lead, &new.lead)
        .announce(event);
    permitted.commit(change).await?;
    Ok(action)
}

/// Cancels, or ends the recurrence of, an action.
async fn close(
    store: &Store,
    origin: &Origin,
    id: ID,
    expected_version: Option<i32>,
    reason: String,
    end: bool,
) -> Result<improvement_action::Model> {
    let (opened, before) = store.open_row::<improvement_action::Entity>(origin, Kind::ImprovementAction.uuid(&id)?).await?;
    let (permitted, _) = permit(opened, before.id).await?;
    expect_running(&before)?;
    expect_version(expected_version, before.version)?;
    let mut checks = Checks::default();
    checks.filled("reason", &reason, LONG);
    checks.require(!end || before.schedule_kind == Some(ScheduleKind::Recurring), UserErrorCode::Invalid, "id", || {
        say("Only a recurring action is ended; cancel this one", "仅周期性措施可以终止，请改为取消")
    });
    checks.done()?;
    let change = Change::of(if end { "actionEnd" } else { "actionCancel" });
    let change = state::close_open(&permitted, before.id, change).await?;
    let now = Some(permitted.now());
    let after = improvement_action::Model {
        ended_at: if end { now } else { None },
        cancelled_at: if end { None } else { now },
        closing_reason: Some(reason.clone()),
        closed_by: Some(permitted.person()),
        ..before.clone()
    };
    let after = state::keep(&permitted, after).await?;
    let kind = if end { "action.ended.v1" } else { "action.cancelled.v1" };
    let event = state::tell(&permitted, kind, &after, None).await?.with("reason", json!(reason));
    permitted.commit(change.edited("ImprovementAction", after.id, &before, &after).announce(event)).await?;
    Ok(after)
}
