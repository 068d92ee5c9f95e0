//! Improvement actions and what became of them: verified, open, overdue, recurring.

use chrono::{Days, NaiveDate, TimeDelta};
use entity::{
    enums::{ActionArea, OccurrenceStatus, ScheduleKind, VerificationVerdict},
    improvement_action, occurrence, rescheduling, verification,
};

use super::{
    report::{Company, Making},
    text,
};
use crate::{
    auth::actor::person_id,
    improvement::state::{derive, status_name},
    report::rules,
    store::Rows,
};

const QUARTER_ENDS: &str = "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1";

impl Company {
    /// Whether a report of this age was ever submitted.
    pub(super) fn was_submitted(age: u32) -> bool {
        age >= 2
    }

    pub(super) fn actions(&mut self, rows: &mut Rows, making: &Making) {
        let areas = [
            ActionArea::Testing,
            ActionArea::Collaboration,
            ActionArea::Capability,
            ActionArea::Process,
            ActionArea::Testing,
            ActionArea::Process,
        ];
        let submitted_on = making.row.prepared_on + Days::new(1);
        let watched = Self::was_submitted(making.age).then_some(submitted_on.min(self.calendar.day_of(self.now)));
        for (position, ((measure, check, owners), area)) in (1..).zip(text::MEASURES.into_iter().zip(areas)) {
            let (kind, wording) = match position {
                2 => (ScheduleKind::Immediate, Some("立即执行")),
                3 => (ScheduleKind::Recurring, Some("每季度末")),
                _ => (ScheduleKind::Date, None),
            };
            // Four of the six measures on average; the form's example has the first four.
            let kept = if making.age == 6 { position <= 4 } else { self.draw.percent(65) };
            if !kept {
                continue;
            }
            let on = submitted_on + Days::new(u64::try_from(self.draw.between(15, 120)).unwrap_or(30));
            let mut action = improvement_action::Model {
                id: self.draw.id(),
                report_id: making.row.id,
                position,
                area,
                area_note: None,
                measure: measure.into(),
                verification: Some(check.into()),
                schedule_kind: Some(kind),
                scheduled_on: (kind == ScheduleKind::Date).then_some(on),
                rule: (kind == ScheduleKind::Recurring).then(|| QUARTER_ENDS.to_owned()),
                schedule_text: wording.map(str::to_owned),
                watched_from: watched,
                open_due_on: None,
                status_kept: String::new(),
                ended_at: None,
                cancelled_at: None,
                closing_reason: None,
                closed_by: None,
                created_by: person_id("u-1001"),
                created_at: making.row.created_at,
                version: 1,
            };
            let before = rows.occurrences.len();
            if let Some(watched) = watched {
                self.occurrences(rows, &action, kind, on, watched);
            }
            let (status, due) = derive(&action, rows.occurrences.get(before..).unwrap_or_default());
            action.status_kept = status_name(status).to_owned();
            action.open_due_on = due;
            let id = action.id;
            rows.actions.push(action);
            self.owners(rows, making.row.id, (None, None, Some(id)), owners, owners.len() > 1);
        }
    }

    fn occurrences(&mut self, rows: &mut Rows, action: &improvement_action::Model, kind: ScheduleKind, on: NaiveDate, watched: NaiveDate) {
        let today = self.calendar.day_of(self.now);
        match kind {
            ScheduleKind::Date => self.occurrence(rows, action, 1, on),
            ScheduleKind::Immediate => self.occurrence(rows, action, 1, watched + Days::new(1)),
            ScheduleKind::Recurring => {
                let (mut after, mut number) = (watched, 0);
                while let Some(due) = rules::next_occurrence(QUARTER_ENDS, watched, after, 0) {
                    number += 1;
                    self.occurrence(rows, action, number, due);
                    after = due;
                    if due >= today {
                        break;
                    }
                }
            }
        }
    }

    fn occurrence(&mut self, rows: &mut Rows, action: &improvement_action::Model, number: i32, due_on: NaiveDate) {
        let today = self.calendar.day_of(self.now);
        let mut row = occurrence::Model {
            id: self.draw.id(),
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
            look_at: Some(self.now),
            version: 1,
        };
        let age = (today - due_on).num_days();
        // What is long past is nearly always done; of the recent, some are overdue.
        let done = age > 0 && self.draw.percent(if age > 60 { 94 } else { 55 });
        if done {
            let on = (due_on + TimeDelta::days(i64::from(self.draw.between(-12, 6)))).min(today);
            let by = person_id("u-1042");
            row.look_at = None;
            row.completed_on = Some(on);
            row.completed_at = Some(self.calendar.start_of(on) + TimeDelta::hours(9));
            row.completed_by = Some(by);
            row.evidence = Some("已完成，记录见发布知识库".into());
            row.status = OccurrenceStatus::Completed;
            if age > 10 && self.draw.percent(85) {
                row.status = OccurrenceStatus::Verified;
                rows.verifications.push(verification::Model {
                    id: self.draw.id(),
                    occurrence_id: row.id,
                    report_id: row.report_id,
                    number: 1,
                    verdict: VerificationVerdict::Passed,
                    comment: Some("检查通过".into()),
                    completed_on: on,
                    completed_by: by,
                    person_id: person_id("u-1072"),
                    at: (self.calendar.start_of(on) + TimeDelta::days(2)).min(self.now),
                });
            }
        } else if age > 30 && self.draw.percent(40) {
            // Moved once, and overdue again.
            let to = due_on + Days::new(14);
            row.due_on = to;
            rows.reschedulings.push(rescheduling::Model {
                id: self.draw.id(),
                occurrence_id: row.id,
                report_id: row.report_id,
                from_on: due_on,
                to_on: to,
                reason: "负责人调整，顺延两周".into(),
                person_id: person_id("u-1001"),
                at: self.calendar.start_of(due_on),
            });
        }
        rows.occurrences.push(row);
    }
}
