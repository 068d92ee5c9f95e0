//! What changed: collected in a [`Change`], written as audit entries in the same transaction. Append-only.

use chrono::{DateTime, Utc};
use entity::audit_entry;
use sea_orm::{ActiveValue::Set, prelude::Uuid};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Announcement, Origin, REPORT_CHANGED};
use crate::error::{Error, Result};

/// The section of the report that an edit belongs to.
pub type Section = entity::enums::ReportSection;

/// What an act changed, and what it has to tell.
#[derive(Debug)]
pub struct Change {
    act: &'static str,
    rows: Vec<Row>,
    pub(super) announcements: Vec<Announcement>,
    pub(super) report_id: Option<Uuid>,
    /// Whether the report itself was changed.
    pub(super) touches: bool,
    /// The report of the rows that follow.
    current: Option<Uuid>,
    /// A report that no figure counts.
    uncounted: Option<Uuid>,
}

#[derive(Debug)]
struct Row {
    object_type: &'static str,
    object_id: String,
    /// Of a change to several reports: which one.
    report: Option<Uuid>,
    changes: Vec<Value>,
}

impl Change {
    /// The change that an act makes; `act` is the mutation's name.
    pub fn of(act: &'static str) -> Self {
        Self { act, rows: Vec::new(), announcements: Vec::new(), report_id: None, touches: true, current: None, uncounted: None }
    }

    /// The act's name.
    pub(super) fn act(&self) -> &'static str {
        self.act
    }

    /// Names the report, where the door did not open one (creation).
    pub fn about(mut self, report: Uuid) -> Self {
        self.report_id = Some(report);
        self
    }

    /// Names the report that it is about, which stays as it is: what is held is told of it, and changes nothing in it.
    pub fn beside(mut self, report: Option<Uuid>) -> Self {
        self.report_id = report;
        self.touches = false;
        self
    }

    /// Names the report of the rows that follow, in a change to several.
    pub fn of_report(mut self, report: Uuid) -> Self {
        self.current = Some(report);
        self
    }

    /// A row before and after; fields that did not change are left out.
    pub fn edited<T: Serialize>(self, object_type: &'static str, id: impl ToString, before: &T, after: &T) -> Self {
        let (before, after) = (fields(before), fields(after));
        let changes = after.iter().filter_map(|(key, new)| {
            let old = before.get(key).unwrap_or(&Value::Null);
            (old != new && !is_bookkeeping(key, new)).then(|| change(key, old.clone(), new.clone()))
        });
        let changes = changes.collect();
        self.row(object_type, id, changes)
    }

    /// A new row.
    pub fn added<T: Serialize>(self, object_type: &'static str, id: impl ToString, row: &T) -> Self {
        let changes = fields(row).into_iter().filter(|(key, v)| !v.is_null() && !is_bookkeeping(key, v));
        let changes = changes.map(|(key, v)| change(&key, Value::Null, v)).collect();
        self.row(object_type, id, changes)
    }

    /// A row that is gone.
    pub fn removed<T: Serialize>(self, object_type: &'static str, id: impl ToString, row: &T) -> Self {
        let changes = fields(row).into_iter().filter(|(key, v)| !v.is_null() && !is_bookkeeping(key, v));
        let changes = changes.map(|(key, v)| change(&key, v, Value::Null)).collect();
        self.row(object_type, id, changes)
    }

    /// One field that is kept in rows of its own, such as owners.
    pub fn field(self, object_type: &'static str, id: impl ToString, field: &str, before: impl Serialize, after: impl Serialize) -> Self {
        let (before, after) = (json!(before), json!(after));
        if before == after { self } else { self.row(object_type, id, vec![change(field, before, after)]) }
    }

    fn row(mut self, object_type: &'static str, id: impl ToString, changes: Vec<Value>) -> Self {
        let object_id = id.to_string();
        if changes.is_empty() {
            return self;
        }
        match self.rows.iter_mut().find(|r| r.object_type == object_type && r.object_id == object_id) {
            Some(row) => row.changes.extend(changes),
            None => self.rows.push(Row { object_type, object_id, report: self.current, changes }),
        }
        self
    }

    /// An event to write with the change.
    pub fn announce(mut self, announcement: Announcement) -> Self {
        self.announcements.push(announcement);
        self
    }

    /// Content was edited: `report.changed` with section, row and version (`events.md` 12). Nothing is told of no change.
    pub fn content(self, section: Section, row: impl ToString, version: i32) -> Self {
        if self.is_empty() {
            return self;
        }
        let told = json!({ "section": section, "row": row.to_string(), "version": version });
        self.announce(Announcement::report(REPORT_CHANGED).with("change", told))
    }

    /// The reports whose part in the figures this may change. A report that was never submitted has none: the one that was opened is
    /// known, and one that is just being created; what a machine changes says so ([`Change::uncounted`]).
    pub(super) fn counting(&self, opened: Option<&entity::report::Model>) -> Vec<Uuid> {
        const COUNTED: [&str; 4] = ["Report", "Problem", "ImprovementAction", "ActionOccurrence"];
        let never = |id: Uuid| {
            self.uncounted == Some(id)
                || self.act == "reportCreate"
                || opened.is_some_and(|r| r.id == id && r.first_submitted_at.is_none() && self.act != "reportSubmit")
        };
        // That something was announced of an occurrence changes nothing in it.
        let told = |row: &&Row| COUNTED.contains(&row.object_type) && row.changes.iter().any(|c| c["field"] != "announced");
        let of = |row: &Row| {
            let own = if row.object_type == "Report" { row.object_id.parse().ok() } else { row.report };
            own.or(self.report_id).or(opened.map(|r| r.id))
        };
        self.rows.iter().filter(told).filter_map(of).filter(|id| !never(*id)).collect()
    }

    /// That this report was never submitted, so that no figure counts it.
    pub fn uncounted(mut self, report: Option<Uuid>) -> Self {
        self.uncounted = report;
        self
    }

    /// How many audit entries it makes.
    pub(super) fn entries(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.announcements.is_empty()
    }
}

fn fields<T: Serialize>(row: &T) -> Map<String, Value> {
    match serde_json::to_value(row) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Versions and times of writing say nothing that the entry itself does not.
fn is_bookkeeping(key: &str, value: &Value) -> bool {
    matches!(key, "id" | "report_id" | "updated_at" | "look_at" | "recheck") || (key.ends_with("version") && value.is_i64())
}

fn change(key: &str, before: Value, after: Value) -> Value {
    json!({ "field": camel(key), "before": before, "after": after })
}

/// `planned_at` as clients know it: `plannedAt`.
fn camel(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    let mut up = false;
    for c in key.chars() {
        if c == '_' {
            up = true;
        } else if up {
            out.extend(c.to_uppercase());
            up = false;
        } else {
            out.push(c);
        }
    }
    out
}

/// The entries of a change.
pub(super) fn entries(
    origin: &Origin,
    now: DateTime<Utc>,
    report_id: Option<Uuid>,
    change: &Change,
) -> Result<Vec<audit_entry::ActiveModel>> {
    if change.rows.is_empty() {
        return Err(Error::internal("a change without an audit entry"));
    }
    let entries = change.rows.iter().map(|row| audit_entry::ActiveModel {
        at: Set(now),
        subject: Set(origin.actor.subject.clone()),
        person_id: Set(Some(origin.actor.person_id())),
        role: Set(origin.actor.capacity()),
        request_id: Set(origin.request_id.clone()),
        act: Set(change.act.to_owned()),
        object_type: Set(row.object_type.to_owned()),
        object_id: Set(row.object_id.clone()),
        // An act may change two reports: filing one that supersedes another.
        report_id: Set(if row.object_type == "Report" { row.object_id.parse().ok().or(report_id) } else { row.report.or(report_id) }),
        changes: Set(Value::Array(row.changes.clone())),
        ..Default::default()
    });
    Ok(entries.collect())
}
