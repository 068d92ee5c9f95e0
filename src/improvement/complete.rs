//! Completing an occurrence, and taking a completion back. By its owners, in any state of the report but `DISCARDED`.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{enums::OccurrenceStatus, improvement_action, occurrence};
use sea_orm::EntityTrait;
use serde_json::json;

use super::{ActionOccurrence, state};
use crate::{
    auth::Act,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::{Checks, LONG, expect_version},
        payload::{UserError, answer},
        scalars::Day,
    },
    report::owners::{Owned, codes},
    store::{Change, Origin, Permitted, Store, update},
};

/// What was done.
#[derive(Debug, Clone, InputObject)]
pub struct ActionCompleteInput {
    /// The occurrence.
    pub occurrence_id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// The day the work was done, not in the future. Default: today.
    pub completed_on: Option<Day>,
    /// What shows that the work was done.
    pub evidence: Option<String>,
}

/// Which completion to take back.
#[derive(Debug, Clone, InputObject)]
pub struct ActionCompletionWithdrawInput {
    /// The occurrence.
    pub occurrence_id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
}

/// What `actionComplete` answers.
#[derive(SimpleObject)]
pub struct ActionCompletePayload {
    /// The completed occurrence; null when there are user errors.
    occurrence: Option<ActionOccurrence>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `actionCompletionWithdraw` answers.
#[derive(SimpleObject)]
pub struct ActionCompletionWithdrawPayload {
    /// The occurrence, open again; null when there are user errors.
    occurrence: Option<ActionOccurrence>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations that complete.
#[derive(Default)]
pub struct CompleteMutation;

#[Object]
impl CompleteMutation {
    /// Reports an occurrence of an action as done; somebody else verifies it.
    async fn action_complete(&self, ctx: &Context<'_>, input: ActionCompleteInput) -> Result<ActionCompletePayload> {
        let (row, user_errors) = answer(ctx, |store, origin| complete(store, origin, input.clone())).await?;
        Ok(ActionCompletePayload { occurrence: row.map(ActionOccurrence), user_errors })
    }

    /// Takes a completion back before it is verified.
    async fn action_completion_withdraw(
        &self,
        ctx: &Context<'_>,
        input: ActionCompletionWithdrawInput,
    ) -> Result<ActionCompletionWithdrawPayload> {
        let (row, user_errors) = answer(ctx, |store, origin| withdraw(store, origin, input.clone())).await?;
        Ok(ActionCompletionWithdrawPayload { occurrence: row.map(ActionOccurrence), user_errors })
    }
}

/// The action of an occurrence, under the lock.
///
/// # Errors
/// A fault of the database.
pub async fn action_of(permitted: &Permitted, occurrence: &occurrence::Model) -> Result<improvement_action::Model> {
    let found = improvement_action::Entity::find_by_id(occurrence.action_id).one(permitted.conn()).await?;
    found.ok_or_else(|| Error::internal("an occurrence without its action"))
}

/// Refuses unless the occurrence stands at `wanted`.
///
/// # Errors
/// The user error `WRONG_STATE`.
pub fn expect_status(occurrence: &occurrence::Model, wanted: OccurrenceStatus) -> Result<()> {
    if occurrence.status == wanted {
        return Ok(());
    }
    let name = |s: OccurrenceStatus| json!(s).as_str().unwrap_or_default().to_owned();
    let (now, wanted) = (name(occurrence.status), name(wanted));
    let said = say(
        format!("The occurrence is {now}; this is possible while it is {wanted}"),
        format!("该到期项当前为 {now}，仅在 {wanted} 时可以执行此操作"),
    );
    Err(Error::user(UserErrorCode::WrongState, "occurrenceId", said))
}

/// Refuses to open again what belongs to an action that was ended or cancelled (`events.md` 9).
///
/// # Errors
/// The user error `WRONG_STATE`.
pub fn expect_watched(action: &improvement_action::Model) -> Result<()> {
    if action.cancelled_at.is_none() && action.ended_at.is_none() {
        return Ok(());
    }
    let said = say("The action was ended or cancelled; nothing of it is opened again", "该措施已终止或取消，不能重新打开");
    Err(Error::user(UserErrorCode::WrongState, "occurrenceId", said))
}

async fn open(store: &Store, origin: &Origin, id: &ID) -> Result<(Permitted, occurrence::Model)> {
    let (opened, row) = store.open_row::<occurrence::Entity>(origin, Kind::ActionOccurrence.uuid(id)?).await?;
    let owners = codes(&Owned::Action(row.action_id).opened(&opened).await?);
    Ok((opened.permit(&[Act::OccurrenceComplete { owners: &owners }])?, row))
}

async fn complete(store: &Store, origin: &Origin, input: ActionCompleteInput) -> Result<occurrence::Model> {
    let ActionCompleteInput { occurrence_id, expected_version, completed_on, evidence } = input;
    let (permitted, before) = open(store, origin, &occurrence_id).await?;
    expect_version(expected_version, before.version)?;
    expect_status(&before, OccurrenceStatus::Open)?;
    let today = permitted.today();
    let done_on = completed_on.map_or(today, |d| d.0);
    let mut checks = Checks::default();
    checks.require(done_on <= today, UserErrorCode::Invalid, "completedOn", || {
        say("The day of completion lies in the future", "完成日期不能晚于今天")
    });
    if let Some(evidence) = &evidence {
        checks.text("evidence", evidence, LONG);
    }
    checks.done()?;
    let mut row = before.clone();
    row.status = OccurrenceStatus::Completed;
    row.look_at = None;
    row.completed_on = Some(done_on);
    row.completed_at = Some(permitted.now());
    row.completed_by = Some(permitted.person());
    row.evidence = evidence.filter(|e| !e.trim().is_empty());
    row.version += 1;
    update(&permitted, row.clone()).await?;
    let action = action_of(&permitted, &row).await?;
    state::roll_over(&permitted, &action, &row).await?;
    let action = state::keep(&permitted, action).await?;
    // Completing late says by how many days; recorded late but done in time says that too (`events.md` 8).
    let told = json!({
        "completedOn": done_on,
        "lateDays": (done_on - row.due_on).num_days().max(0),
        "recordedLate": done_on <= row.due_on && today > row.due_on,
    });
    let event = state::tell(&permitted, "action.completed.v1", &action, Some(&row)).await?.with("completion", told);
    permitted.commit(Change::of("actionComplete").edited("ActionOccurrence", row.id, &before, &row).announce(event)).await?;
    Ok(row)
}

/// An occurrence that is open again.
pub fn reopened(before: &occurrence::Model) -> occurrence::Model {
    occurrence::Model {
        status: OccurrenceStatus::Open,
        completed_on: None,
        completed_at: None,
        completed_by: None,
        evidence: None,
        // There may be something to announce of it again.
        look_at: Some(DateTime::<Utc>::UNIX_EPOCH),
        version: before.version + 1,
        ..before.clone()
    }
}

async fn withdraw(store: &Store, origin: &Origin, input: ActionCompletionWithdrawInput) -> Result<occurrence::Model> {
    let ActionCompletionWithdrawInput { occurrence_id, expected_version } = input;
    let (permitted, before) = open(store, origin, &occurrence_id).await?;
    expect_version(expected_version, before.version)?;
    expect_status(&before, OccurrenceStatus::Completed)?;
    let action = action_of(&permitted, &before).await?;
    expect_watched(&action)?;
    let row = reopened(&before);
    update(&permitted, row.clone()).await?;
    let action = state::keep(&permitted, action).await?;
    let event = state::tell(&permitted, "action.reopened.v1", &action, Some(&row)).await?.with("cause", json!("WITHDRAWN"));
    permitted.commit(Change::of("actionCompletionWithdraw").edited("ActionOccurrence", row.id, &before, &row).announce(event)).await?;
    Ok(row)
}
