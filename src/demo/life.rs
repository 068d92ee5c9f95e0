//! The life cycle of a demo report: the latest are being written or wait, the others are filed; some were returned once, some given up.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    enums::{LifeCycleAct, ReportState},
    life_cycle_step, submission,
};
use serde_json::json;

use super::report::{Company, Making};
use crate::{
    auth::actor::person_id,
    error::Result,
    report::{content::Content, digest::canonical},
    store::Rows,
};

/// A step to write: act, state after, who, reason.
type Step = (LifeCycleAct, ReportState, &'static str, Option<&'static str>);

impl Company {
    /// The steps that a report of this age went through.
    fn steps(&mut self, age: u32) -> Vec<Step> {
        use LifeCycleAct::{Create, Discard, File, Return, Sign, Submit};
        let create = (Create, ReportState::Draft, "u-1002", None);
        let submit = (Submit, ReportState::Submitted, "u-1002", None);
        let sign = (Sign, ReportState::Signed, "u-1001", None);
        let back = (Return, ReportState::Returned, "u-1071", Some("请补充问题的根本原因及长期改进计划"));
        let file = (File, ReportState::Filed, "u-1071", None);
        let discard = (Discard, ReportState::Discarded, "u-1002", Some("发布申请已撤销"));
        match age {
            0 | 1 => vec![create],
            2 => vec![create, submit, sign, back],
            3 => vec![create, submit, (Return, ReportState::Returned, "u-1001", Some("预算差异原因请写明"))],
            4 => vec![create, submit],
            5 => vec![create, submit, sign],
            6 => vec![create, submit, sign, back, submit, sign, file],
            _ if age % 19 == 8 => vec![create, submit, (Return, ReportState::Returned, "u-1001", Some("信息不全")), discard],
            _ if self.draw.percent(20) => vec![create, submit, sign, back, submit, sign, file],
            _ => vec![create, submit, sign, file],
        }
    }

    pub(super) fn life(&mut self, rows: &mut Rows, mut making: Making) -> Result<()> {
        let steps = self.steps(making.age);
        let report_id = making.row.id;
        let content = content(rows, &making);
        let form = canonical(&content, &making.application_number, Some(making.product_key));
        let mut at: DateTime<Utc> = making.row.created_at;
        let mut from = None;
        for (number, (act, to, who, reason)) in (1..).zip(steps) {
            if act == LifeCycleAct::Submit {
                making.row.round += 1;
                making.row.first_submitted_at.get_or_insert(at);
                rows.submissions.push(submission::Model {
                    id: self.draw.id(),
                    report_id,
                    round: making.row.round,
                    digest: form.digest.clone(),
                    canonical: form.text.clone(),
                    names: json!({}),
                    at,
                });
            }
            let signed = matches!(act, LifeCycleAct::Submit | LifeCycleAct::Sign | LifeCycleAct::File);
            rows.steps.push(life_cycle_step::Model {
                id: self.draw.id(),
                report_id,
                number,
                round: making.row.round,
                act,
                from_state: from,
                to_state: to,
                person_id: person_id(who),
                at,
                reason: reason.map(str::to_owned),
                digest: signed.then(|| form.digest.clone()),
                department: (act == LifeCycleAct::File).then(|| "COMMITTEE_OFFICE".to_owned()),
                filed_on: (act == LifeCycleAct::File).then(|| self.calendar.day_of(at)),
            });
            if act == LifeCycleAct::File {
                making.row.filed_at = Some(at);
            }
            making.row.state = to;
            making.row.updated_at = at;
            from = Some(to);
            at = (at + TimeDelta::minutes(i64::from(self.draw.between(200, 2_800)))).min(self.now);
        }
        if making.row.state == ReportState::Discarded {
            making.row.live_application_id = None;
            for action in rows.actions.iter_mut().filter(|a| a.report_id == report_id) {
                action.cancelled_at = Some(at);
                action.closing_reason = Some("发布申请已撤销".into());
                action.closed_by = Some(person_id("u-1002"));
                action.status_kept = "CANCELLED".into();
                action.open_due_on = None;
            }
            for open in
                rows.occurrences.iter_mut().filter(|o| o.report_id == report_id && o.status == entity::enums::OccurrenceStatus::Open)
            {
                open.status = entity::enums::OccurrenceStatus::Cancelled;
            }
        }
        rows.reports.push(making.row);
        Ok(())
    }
}

/// The rows of one report, as the digest reads them.
fn content(rows: &Rows, making: &Making) -> Content {
    let id = making.row.id;
    fn own<T: Clone>(list: &[T], is: impl Fn(&T) -> bool) -> Arc<Vec<T>> {
        // A report's rows are the latest ones.
        let mut own: Vec<T> = list.iter().rev().skip_while(|row| !is(row)).take_while(|row| is(row)).cloned().collect();
        own.reverse();
        Arc::new(own)
    }
    Content {
        report: Arc::new(making.row.clone()),
        participants: own(&rows.participants, |r| r.report_id == id),
        people: own(&rows.participant_people, |r| r.report_id == id),
        staffing: own(&rows.staffing, |r| r.report_id == id),
        milestones: own(&rows.milestones, |r| r.report_id == id),
        owners: own(&rows.owners, |r| r.report_id == id),
        problems: own(&rows.problems, |r| r.report_id == id),
        reviews: own(&rows.reviews, |r| r.report_id == id),
        timeline: own(&rows.timeline, |r| r.report_id == id),
        statistics: own(&rows.statistics, |r| r.report_id == id),
        fixes: own(&rows.fixes, |r| r.report_id == id),
        sources: own(&rows.sources, |r| r.report_id == id),
        cases: own(&rows.cases, |r| r.report_id == id),
        evaluations: own(&rows.evaluations, |r| r.report_id == id),
        shortcomings: own(&rows.shortcomings, |r| r.report_id == id),
        actions: own(&rows.actions, |r| r.report_id == id),
    }
}
