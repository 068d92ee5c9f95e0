//! Announces due dates (`events.md` 5–11): finds by state what is open and has something to say, under the report's lock, so that a
//! completion and an announcement exclude each other; each once, by a unique key in the event's own transaction. Any number of replicas.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{announcement, enums::OccurrenceStatus, improvement_action, occurrence, owner, sink::AnnouncementKind};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::Uuid,
    sea_query::{Alias, Expr, ExprTrait, Query},
};
use serde_json::json;

use super::{
    due::{Plan, Step, Told, look},
    state::{about_action, about_occurrence, following},
};
use crate::{
    auth::{Act, Actor},
    error::{Error, Result},
    store::{Announcement, Change, Origin, Permitted, Store, due_looks, insert_many, lock_free_reports},
};

/// The act that the audit log names.
const ACT: &str = "actionAnnounce";

/// Announces all that is to be announced now; gives how many events that were.
///
/// # Errors
/// A fault of the database; what was announced until then stays.
pub async fn scan(store: &Store, plan: &Plan) -> Result<usize> {
    let mut told = 0;
    loop {
        match batch(store, plan).await? {
            // Nothing is left, or others have it under their locks.
            None => return Ok(told),
            Some(events) => told += events,
        }
    }
}

/// One batch, in one transaction: how many events, or none where nothing was to be done.
async fn batch(store: &Store, plan: &Plan) -> Result<Option<usize>> {
    let candidates = due_looks(store).await?;
    if candidates.is_empty() {
        return Ok(None);
    }
    let origin = Origin { actor: Actor::service("due-dates"), request_id: format!("due-{}", Uuid::now_v7()) };
    let mut permitted = store.create(&origin, Act::DueAnnounce).await?;
    let reports = lock_free_reports(&permitted, candidates.iter().map(|(_, report)| *report).collect()).await?;
    let ids: Vec<Uuid> = candidates.iter().filter(|(_, report)| reports.contains(report)).map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return Ok(None);
    }
    let rows = occurrence::Entity::find()
        .filter(occurrence::Column::Id.is_in(ids))
        .filter(occurrence::Column::LookAt.lte(permitted.now()))
        .order_by_asc(occurrence::Column::LookAt)
        .order_by_asc(occurrence::Column::Id)
        .all(permitted.conn())
        .await?;
    let events = announce(&mut permitted, plan, rows).await?;
    permitted.commit(Change::of(ACT)).await?;
    Ok(Some(events))
}

/// What a batch looks at beside the occurrences.
struct Around {
    told: HashMap<Uuid, Vec<announcement::Model>>,
    actions: HashMap<Uuid, improvement_action::Model>,
    owners: HashMap<Uuid, Vec<owner::Model>>,
    /// Occurrences that no other follows yet.
    last: HashSet<Uuid>,
}

async fn around(permitted: &Permitted, rows: &[occurrence::Model]) -> Result<Around> {
    let conn = permitted.conn();
    let of = |f: fn(&occurrence::Model) -> Uuid| rows.iter().map(f).collect::<HashSet<_>>().into_iter().collect::<Vec<_>>();
    let (ids, actions) = (of(|o| o.id), of(|o| o.action_id));
    let mut told: HashMap<Uuid, Vec<announcement::Model>> = HashMap::new();
    for row in announcement::Entity::find().filter(announcement::Column::OccurrenceId.is_in(ids.clone())).all(conn).await? {
        told.entry(row.occurrence_id).or_default().push(row);
    }
    let mut owners: HashMap<Uuid, Vec<owner::Model>> = HashMap::new();
    let of_actions = owner::Entity::find()
        .filter(owner::Column::ActionId.is_in(actions.clone()))
        .filter(owner::Column::Current.eq(true))
        .order_by_asc(owner::Column::Position);
    for row in of_actions.all(conn).await? {
        owners.entry(row.action_id.unwrap_or_default()).or_default().push(row);
    }
    let later = Alias::new("later");
    let followed = Query::select()
        .expr(Expr::val(1))
        .from_as(occurrence::Entity, later.clone())
        .and_where(Expr::col((later.clone(), occurrence::Column::ActionId)).equals((occurrence::Entity, occurrence::Column::ActionId)))
        .and_where(Expr::col((later, occurrence::Column::Number)).gt(Expr::col((occurrence::Entity, occurrence::Column::Number))))
        .take();
    let last: Vec<Uuid> = occurrence::Entity::find()
        .select_only()
        .column(occurrence::Column::Id)
        .filter(occurrence::Column::Id.is_in(ids))
        .filter(Expr::exists(followed).not())
        .into_tuple()
        .all(conn)
        .await?;
    let actions = improvement_action::Entity::find().filter(improvement_action::Column::Id.is_in(actions)).all(conn).await?;
    Ok(Around { told, actions: actions.into_iter().map(|a| (a.id, a)).collect(), owners, last: last.into_iter().collect() })
}

async fn announce(permitted: &mut Permitted, plan: &Plan, rows: Vec<occurrence::Model>) -> Result<usize> {
    let (now, calendar) = (permitted.now(), permitted.calendar());
    let around = around(permitted, &rows).await?;
    let mut change = Change::of(ACT).beside(None);
    let (mut keys, mut made, mut events) = (Vec::new(), Vec::new(), 0);
    let mut looks: BTreeMap<Option<DateTime<Utc>>, Vec<Uuid>> = BTreeMap::new();
    for row in rows {
        if row.status != OccurrenceStatus::Open {
            looks.entry(None).or_default().push(row.id);
            continue;
        }
        let action = around.actions.get(&row.action_id).ok_or_else(|| Error::internal("an occurrence without its action"))?;
        let owners = around.owners.get(&row.action_id).map(Vec::as_slice).unwrap_or_default();
        let told = around.told.get(&row.id).map(Vec::as_slice).unwrap_or_default();
        let told: Told = told.iter().filter(|t| t.due_on == row.due_on && t.attempt == row.reopened).map(|t| (t.kind, t.step)).collect();
        let (steps, next) = look(row.due_on, &told, plan, calendar, now);
        looks.entry(next).or_default().push(row.id);
        for step in steps {
            keys.push(key(&row, step, now));
            change = change.of_report(row.report_id).field("ActionOccurrence", row.id, "announced", None::<()>, name(&row, step));
            let event = Announcement::action(kind(step.kind), action.id)
                .of(row.report_id)
                .identified(event_id(&row, step), step.at)
                .with("action", about_action(action, owners))
                .with("occurrence", about_occurrence(&row, calendar, now))
                .with("announcement", json!({ "kind": step.kind, "step": step.step, "attempt": row.reopened }));
            change = change.announce(event);
            events += 1;
        }
        // Passed: the next on the grid begins, unless completing did that already (`events.md` 3).
        let passed = now >= calendar.passes_at(row.due_on);
        if passed && around.last.contains(&row.id) {
            made.extend(following(action, &row, now));
        }
    }
    insert_many::<announcement::Model>(permitted, keys).await?;
    for row in &made {
        change = change.of_report(row.report_id).added("ActionOccurrence", row.id, row);
    }
    insert_many::<occurrence::Model>(permitted, made).await?;
    for (next, ids) in looks {
        occurrence::Entity::update_many()
            .col_expr(occurrence::Column::LookAt, Expr::value(next))
            .filter(occurrence::Column::Id.is_in(ids))
            .exec(permitted.conn())
            .await?;
    }
    permitted.note(change).await?;
    Ok(events)
}

fn key(row: &occurrence::Model, step: Step, now: DateTime<Utc>) -> announcement::Model {
    announcement::Model {
        id: Uuid::now_v7(),
        occurrence_id: row.id,
        due_on: row.due_on,
        kind: step.kind,
        step: step.step,
        attempt: row.reopened,
        at: now,
    }
}

fn kind(kind: AnnouncementKind) -> &'static str {
    match kind {
        AnnouncementKind::DueSoon => "action.due_soon.v1",
        AnnouncementKind::Overdue => "action.overdue.v1",
        AnnouncementKind::Reminder => "action.reminder.v1",
    }
}

fn name(row: &occurrence::Model, step: Step) -> String {
    let kind = serde_json::to_value(step.kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    format!("{kind} {} {} {}", row.due_on, step.step, row.reopened)
}

/// Namespace of the ids of events that time drives: the same key has the same id, on every replica and after every restore.
const EVENTS: Uuid = Uuid::from_u128(0x2b0e_5c0e_9f52_5d8e_b6a4_71a1_0c3d_55f7);

fn event_id(row: &occurrence::Model, step: Step) -> String {
    Uuid::new_v5(&EVENTS, format!("{} {}", row.id, name(row, step)).as_bytes()).to_string()
}
