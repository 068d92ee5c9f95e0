//! What is derived of actions, and how occurrences come to be (`events.md` 2–4).

use chrono::{DateTime, Days, NaiveDate, Utc};
use entity::{
    enums::{ActionStatus, OccurrenceStatus, ScheduleKind},
    improvement_action, occurrence, owner,
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait},
};
use serde_json::{Value, json};

use crate::{
    clock::Calendar,
    error::{Error, Result},
    report::{content::Content, owners::codes, rules},
    store::{Announcement, Change, Permitted, insert, update},
};

/// The name under which a derived status is kept for filters.
pub fn status_name(status: ActionStatus) -> &'static str {
    match status {
        ActionStatus::Planned => "PLANNED",
        ActionStatus::Open => "OPEN",
        ActionStatus::Completed => "COMPLETED",
        ActionStatus::Verified => "VERIFIED",
        ActionStatus::Ended => "ENDED",
        ActionStatus::Cancelled => "CANCELLED",
    }
}

/// The status with this name.
///
/// # Errors
/// A fault, when the table holds another.
pub fn status_from(name: &str) -> Result<ActionStatus> {
    Ok(match name {
        "PLANNED" => ActionStatus::Planned,
        "OPEN" => ActionStatus::Open,
        "COMPLETED" => ActionStatus::Completed,
        "VERIFIED" => ActionStatus::Verified,
        "ENDED" => ActionStatus::Ended,
        "CANCELLED" => ActionStatus::Cancelled,
        _ => return Err(Error::internal("an action with an unknown status")),
    })
}

/// Status and earliest open due date of an action, from its occurrences.
pub fn derive(action: &improvement_action::Model, occurrences: &[occurrence::Model]) -> (ActionStatus, Option<NaiveDate>) {
    let any = |status: OccurrenceStatus| occurrences.iter().any(|o| o.status == status);
    let due = occurrences.iter().filter(|o| o.status == OccurrenceStatus::Open).map(|o| o.due_on).min();
    let status = if action.watched_from.is_none() && action.cancelled_at.is_none() {
        ActionStatus::Planned
    } else if action.cancelled_at.is_some() {
        ActionStatus::Cancelled
    } else if due.is_some() {
        ActionStatus::Open
    } else if any(OccurrenceStatus::Completed) {
        ActionStatus::Completed
    } else if action.ended_at.is_some() {
        ActionStatus::Ended
    } else {
        ActionStatus::Verified
    };
    (status, due)
}

/// The occurrences of an action, the first first.
///
/// # Errors
/// A fault of the database.
pub async fn occurrences_of(permitted: &Permitted, action: Uuid) -> Result<Vec<occurrence::Model>> {
    let query = occurrence::Entity::find().filter(occurrence::Column::ActionId.eq(action)).order_by_asc(occurrence::Column::Number);
    Ok(query.all(permitted.conn()).await?)
}

/// Writes an action with what is derived of it.
///
/// # Errors
/// A fault of the database.
pub async fn keep(permitted: &Permitted, mut action: improvement_action::Model) -> Result<improvement_action::Model> {
    let occurrences = occurrences_of(permitted, action.id).await?;
    let (status, due) = derive(&action, &occurrences);
    action.status_kept = status_name(status).to_owned();
    action.open_due_on = due;
    action.version += 1;
    update(permitted, action.clone()).await?;
    Ok(action)
}

/// Makes an occurrence.
async fn make(permitted: &Permitted, action: &improvement_action::Model, number: i32, due_on: NaiveDate) -> Result<()> {
    let row = occurrence::Model {
        id: Uuid::now_v7(),
        action_id: action.id,
        report_id: action.report_id,
        number,
        original_due_on: due_on,
        due_on,
        status: OccurrenceStatus::Open,
        reopened: 0,
        completed_on: None,
        completed_at: None,
        completed_by: None,
        evidence: None,
        look_at: Some(permitted.now()),
        version: 1,
    };
    insert(permitted, row).await
}

/// The occurrence that follows one that passed, on the calendar grid (`events.md` 3).
pub fn following(action: &improvement_action::Model, passed: &occurrence::Model, now: DateTime<Utc>) -> Option<occurrence::Model> {
    let (rule, watched) = (action.rule.as_ref()?, action.watched_from?);
    if action.ended_at.is_some() || action.cancelled_at.is_some() {
        return None;
    }
    let due_on = rules::next_occurrence(rule, watched, passed.original_due_on, u32::try_from(passed.number).unwrap_or(u32::MAX))?;
    Some(occurrence::Model {
        id: Uuid::now_v7(),
        number: passed.number + 1,
        original_due_on: due_on,
        due_on,
        status: OccurrenceStatus::Open,
        reopened: 0,
        completed_on: None,
        completed_at: None,
        completed_by: None,
        evidence: None,
        look_at: Some(now),
        version: 1,
        ..passed.clone()
    })
}

/// Watches the actions that this submission brings: each gets its first occurrence. IMMEDIATE counts from the submission that
/// brings the action, so that one added on a return is not overdue at once.
///
/// # Errors
/// A fault of the database.
pub async fn watch(permitted: &Permitted, content: &Content, grace_days: u32) -> Result<()> {
    let today = permitted.today();
    let conn = permitted.conn();
    // What a signature will cover: the owners as they are now.
    let of_actions = || owner::Column::ReportId.eq(content.report.id).and(owner::Column::ActionId.is_not_null());
    owner::Entity::delete_many().filter(of_actions()).filter(owner::Column::Current.eq(false)).exec(conn).await?;
    owner::Entity::update_many().col_expr(owner::Column::Submitted, Expr::value(true)).filter(of_actions()).exec(conn).await?;
    for action in content.actions.iter().filter(|a| a.watched_from.is_none()) {
        let due = match (action.schedule_kind, action.scheduled_on, action.rule.as_deref()) {
            (Some(ScheduleKind::Date), Some(on), _) => Some(on),
            (Some(ScheduleKind::Immediate), ..) => today.checked_add_days(Days::new(u64::from(grace_days))),
            (Some(ScheduleKind::Recurring), _, Some(rule)) => rules::first_occurrence(rule, today),
            _ => None,
        };
        let due = due.ok_or_else(|| Error::internal("a complete action without a due date"))?;
        make(permitted, action, 1, due).await?;
        keep(permitted, improvement_action::Model { watched_from: Some(today), ..action.clone() }).await?;
    }
    Ok(())
}

/// Makes the next occurrence of a recurring action, on the calendar grid, once the latest is done (`events.md` 3).
///
/// # Errors
/// A fault of the database.
pub async fn roll_over(permitted: &Permitted, action: &improvement_action::Model, done: &occurrence::Model) -> Result<()> {
    let (Some(rule), Some(watched)) = (&action.rule, action.watched_from) else { return Ok(()) };
    let last = occurrences_of(permitted, action.id).await?.last().map_or(0, |o| o.number);
    if done.number != last || action.ended_at.is_some() || action.cancelled_at.is_some() {
        return Ok(());
    }
    match rules::next_occurrence(rule, watched, done.original_due_on, u32::try_from(last).unwrap_or(u32::MAX)) {
        Some(due) => make(permitted, action, last + 1, due).await,
        None => Ok(()),
    }
}

/// Closes what is open of an action that is cancelled or ended.
///
/// # Errors
/// A fault of the database.
pub async fn close_open(permitted: &Permitted, action: Uuid, mut change: Change) -> Result<Change> {
    for open in occurrences_of(permitted, action).await?.into_iter().filter(|o| o.status == OccurrenceStatus::Open) {
        let closed = occurrence::Model { status: OccurrenceStatus::Cancelled, look_at: None, version: open.version + 1, ..open.clone() };
        update(permitted, closed.clone()).await?;
        change = change.edited("ActionOccurrence", open.id, &open, &closed);
    }
    Ok(change)
}

/// Cancels every action of a report that is discarded, and says so (`events.md` 4).
///
/// # Errors
/// A fault of the database.
pub async fn cancel_all(permitted: &Permitted, report: Uuid, reason: &str, mut change: Change) -> Result<Change> {
    let actions = improvement_action::Entity::find()
        .filter(improvement_action::Column::ReportId.eq(report))
        .filter(improvement_action::Column::CancelledAt.is_null())
        .filter(improvement_action::Column::EndedAt.is_null())
        .order_by_asc(improvement_action::Column::Position)
        .all(permitted.conn())
        .await?;
    for before in actions {
        let watched = before.watched_from.is_some();
        change = close_open(permitted, before.id, change).await?;
        let after = improvement_action::Model {
            cancelled_at: Some(permitted.now()),
            closing_reason: Some(reason.to_owned()),
            closed_by: Some(permitted.person()),
            ..before.clone()
        };
        let after = keep(permitted, after).await?;
        change = change.edited("ImprovementAction", before.id, &before, &after);
        if watched {
            change = change.announce(tell(permitted, "action.cancelled.v1", &after, None).await?.with("reason", json!(reason)));
        }
    }
    Ok(change)
}

/// An event about an action, with what a receiver needs to route it (`events.md` 14).
///
/// # Errors
/// A fault of the database.
pub async fn tell(
    permitted: &Permitted,
    kind: &'static str,
    action: &improvement_action::Model,
    occurrence: Option<&occurrence::Model>,
) -> Result<Announcement> {
    let owners = owner::Entity::find()
        .filter(owner::Column::ActionId.eq(action.id))
        .filter(owner::Column::Current.eq(true))
        .order_by_asc(owner::Column::Position)
        .all(permitted.conn())
        .await?;
    let announcement = Announcement::action(kind, action.id).with("action", about_action(action, &owners));
    Ok(match occurrence {
        Some(occurrence) => announcement.with("occurrence", about_occurrence(occurrence, permitted.calendar(), permitted.now())),
        None => announcement,
    })
}

/// An action as events carry it.
pub fn about_action(action: &improvement_action::Model, owners: &[owner::Model]) -> Value {
    json!({
        "id": action.id,
        "measure": action.measure,
        "area": action.area,
        "departments": codes(owners),
        "lead": owners.iter().find(|o| o.lead).map(|o| &o.department),
        "schedule": { "kind": action.schedule_kind, "on": action.scheduled_on, "rule": action.rule, "text": action.schedule_text },
        "verification": action.verification,
    })
}

/// An occurrence as events carry it.
pub fn about_occurrence(o: &occurrence::Model, calendar: Calendar, now: DateTime<Utc>) -> Value {
    let overdue = o.status == OccurrenceStatus::Open && now >= calendar.passes_at(o.due_on);
    let since = overdue.then(|| calendar.passes_at(o.due_on));
    json!({ "id": o.id, "number": o.number, "dueOn": o.due_on, "originalDueOn": o.original_due_on, "status": o.status, "overdueSince": since })
}
