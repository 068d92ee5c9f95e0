//! Verifying a completion, by somebody else. A failed one opens the occurrence again, with a new due date (`events.md` 9).

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{
    enums::{OccurrenceStatus, VerificationVerdict},
    occurrence, rescheduling, verification,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, prelude::Uuid};
use serde_json::json;

use super::{
    ActionOccurrence,
    complete::{action_of, expect_status, expect_watched, reopened},
    state,
};
use crate::{
    auth::Act,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::{Checks, LONG, expect_version},
        payload::{UserError, answer},
        scalars::Day,
    },
    store::{Change, Origin, Store, insert, update},
};

/// What was found.
#[derive(Debug, Clone, InputObject)]
pub struct ActionVerifyInput {
    /// The occurrence.
    pub occurrence_id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// Whether the work was done.
    pub verdict: VerificationVerdict,
    /// What is to be said about it; needed with `FAILED`.
    pub comment: Option<String>,
    /// With `FAILED`: the new due date, today or later.
    pub new_due_on: Option<Day>,
}

/// What `actionVerify` answers.
#[derive(SimpleObject)]
pub struct ActionVerifyPayload {
    /// The occurrence, verified or open again; null when there are user errors.
    occurrence: Option<ActionOccurrence>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations that verify.
#[derive(Default)]
pub struct VerifyMutation;

#[Object]
impl VerifyMutation {
    /// Verifies a completion, with a verdict.
    async fn action_verify(&self, ctx: &Context<'_>, input: ActionVerifyInput) -> Result<ActionVerifyPayload> {
        let (row, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(ActionVerifyPayload { occurrence: row.map(ActionOccurrence), user_errors })
    }
}

async fn run(store: &Store, origin: &Origin, input: ActionVerifyInput) -> Result<occurrence::Model> {
    let ActionVerifyInput { occurrence_id, expected_version, verdict, comment, new_due_on } = input;
    let (opened, before) = store.open_row::<occurrence::Entity>(origin, Kind::ActionOccurrence.uuid(&occurrence_id)?).await?;
    let permitted = opened.permit(&[Act::OccurrenceVerify { completed_by: before.completed_by }])?;
    expect_version(expected_version, before.version)?;
    expect_status(&before, OccurrenceStatus::Completed)?;
    let failed = verdict == VerificationVerdict::Failed;
    let action = action_of(&permitted, &before).await?;
    if failed {
        expect_watched(&action)?;
    }
    let comment = comment.filter(|c| !c.trim().is_empty());
    let today = permitted.today();
    let mut checks = Checks::default();
    if let Some(comment) = &comment {
        checks.text("comment", comment, LONG);
    }
    checks.require(!failed || comment.is_some(), UserErrorCode::Required, "comment", || {
        say("A failed verification needs a comment", "验证未通过时必须填写说明")
    });
    match (failed, new_due_on) {
        (true, None) => checks.fail(
            UserErrorCode::Required,
            "newDueOn",
            say("A failed verification needs a new due date", "验证未通过时必须给出新的截止日期"),
        ),
        (true, Some(day)) => checks
            .require(day.0 >= today, UserErrorCode::Invalid, "newDueOn", || say("The new due date has passed already", "新的截止日期已过")),
        (false, Some(_)) => {
            checks.fail(UserErrorCode::Invalid, "newDueOn", say("A new due date goes with FAILED only", "仅在验证未通过时给出新的截止日期"))
        }
        (false, None) => {}
    }
    checks.done()?;
    let (Some(completed_on), Some(completed_by)) = (before.completed_on, before.completed_by) else {
        return Err(Error::internal("a completed occurrence without its completion"));
    };
    let so_far = verification::Entity::find().filter(verification::Column::OccurrenceId.eq(before.id)).count(permitted.conn()).await?;
    let attempt = verification::Model {
        id: Uuid::now_v7(),
        occurrence_id: before.id,
        report_id: before.report_id,
        number: i32::try_from(so_far).unwrap_or(i32::MAX - 1) + 1,
        verdict,
        comment: comment.clone(),
        completed_on,
        completed_by,
        person_id: permitted.person(),
        at: permitted.now(),
    };
    let mut row = before.clone();
    match new_due_on {
        Some(due) if failed => {
            row = reopened(&before);
            row.reopened += 1;
            row.due_on = due.0;
            let moved = rescheduling::Model {
                id: Uuid::now_v7(),
                occurrence_id: row.id,
                report_id: row.report_id,
                from_on: before.due_on,
                to_on: due.0,
                reason: comment.clone().unwrap_or_default(),
                person_id: permitted.person(),
                at: permitted.now(),
            };
            insert(&permitted, moved).await?;
        }
        _ => {
            row.status = OccurrenceStatus::Verified;
            row.version += 1;
        }
    }
    update(&permitted, row.clone()).await?;
    insert(&permitted, attempt.clone()).await?;
    let action = state::keep(&permitted, action).await?;
    let kind = if failed { "action.reopened.v1" } else { "action.verified.v1" };
    let told = json!({ "verdict": verdict, "attempt": attempt.number, "comment": comment });
    let event = state::tell(&permitted, kind, &action, Some(&row)).await?.with("verification", told);
    let change = Change::of("actionVerify").edited("ActionOccurrence", row.id, &before, &row).added("Verification", attempt.id, &attempt);
    permitted.commit(change.announce(event)).await?;
    Ok(row)
}
