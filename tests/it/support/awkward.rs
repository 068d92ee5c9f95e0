//! A company whose reports are awkward in every way that figures have to bear.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use entity::{enums::*, pipeline::*};
use relsum::{demo, store::Rows};
use sea_orm::prelude::Uuid;

use super::TestApp;

/// Chance that is the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z ^ (z >> 27)) >> 11) % n
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn of<T: Clone>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len().try_into().unwrap())).unwrap()].clone()
    }
}

/// Blanks it now and then.
fn blank<T>(dice: &mut Dice, field: &mut Option<T>) {
    if dice.one_in(6) {
        *field = None;
    }
}

/// The demo company, made awkward: no plan, no actual time, midnight in another zone, two owners and none, discarded and superseded ones,
/// zero denominators, blanks everywhere, deployments without a report.
pub fn awkward(app: &TestApp, seed: u64, reports: u32) -> Rows {
    let dice = &mut Dice(seed);
    let calendar = app.app.store.calendar;
    let mut rows = demo::rows(calendar, app.clock.now(), reports).unwrap();
    let codes = ["PRODUCT", "RND", "TEST", "OPS", "INFOSEC", "CUSTOMER_SUCCESS"];
    for r in &mut rows.reports {
        let midnight = calendar.start_of(calendar.day_of(r.planned_release_at.unwrap()));
        if dice.one_in(4) {
            // The last minute of a day, or the first: of the month too, now and then.
            let first =
                if dice.one_in(2) { midnight.date_naive().format("%Y-%m-01").to_string() } else { midnight.date_naive().to_string() };
            let day: NaiveDate = first.parse().unwrap();
            r.actual_release_at = Some(calendar.start_of(day) - TimeDelta::minutes(i64::try_from(dice.below(2)).unwrap()));
            r.planned_release_at = if dice.one_in(2) { r.actual_release_at } else { Some(midnight) };
        }
        blank(dice, &mut r.planned_release_at);
        blank(dice, &mut r.actual_release_at);
        blank(dice, &mut r.planned_duration_minutes);
        blank(dice, &mut r.actual_duration_minutes);
        blank(dice, &mut r.product_id);
        blank(dice, &mut r.release_type);
        blank(dice, &mut r.compliance);
        blank(dice, &mut r.budget_planned);
        blank(dice, &mut r.effort_hours);
        if dice.one_in(10) {
            r.planned_duration_minutes = Some(0);
        }
        if dice.one_in(8) {
            r.strategy = None;
            r.currency = "USD".into();
        }
        if dice.one_in(8) {
            r.budget_actual = r.budget_planned;
        }
        if dice.one_in(12) {
            (r.state, r.live_application_id) = (ReportState::Discarded, None);
        }
        if dice.one_in(12) {
            r.superseded_at = Some(r.updated_at);
        }
        if dice.one_in(12) {
            r.first_submitted_at = None;
        }
        r.outcome = dice.of(&[ReleaseOutcome::Released, ReleaseOutcome::Released, ReleaseOutcome::RolledBack, ReleaseOutcome::Aborted]);
    }
    for m in &mut rows.milestones {
        blank(dice, &mut m.planned_at);
        blank(dice, &mut m.actual_at);
        m.not_applicable = dice.one_in(10);
        m.not_applicable_reason = m.not_applicable.then(|| "紧急修复".into());
        if dice.one_in(10) {
            m.planned_at = Some(calendar.start_of(app.app.store.today()) + TimeDelta::days(3));
        }
    }
    let deployments: Vec<Uuid> = rows.deployments.iter().map(|d| d.id).collect();
    for p in &mut rows.problems {
        blank(dice, &mut p.handling_minutes);
        p.impact = dice.of(&[None, Some(Impact::High), Some(Impact::Medium), Some(Impact::Low)]);
        p.phase = dice.of(&[None, Some(ProblemPhase::Testing), Some(ProblemPhase::First24Hours)]);
        p.triggered_rollback = dice.one_in(4);
        p.detected_at = dice.of(&[None, Some(p.recorded_at)]);
        p.resolved_at = dice.of(&[None, Some(p.recorded_at + TimeDelta::seconds(5_399))]);
        let tied = dice.of(&deployments);
        p.deployment_id = dice.of(&[None, Some(tied), Some(tied)]);
    }
    for s in &mut rows.statistics {
        blank(dice, &mut s.fixed);
        if dice.one_in(5) {
            (s.found_p0, s.found_p1, s.found_p2, s.found_p3) = (None, None, None, None);
            (s.found_high, s.found_medium, s.found_low, s.fixed) = (None, None, None, s.fixed.map(|_| 0));
        }
    }
    for c in &mut rows.cases {
        c.satisfaction = dice.of(&[None, Some(1), Some(4), Some(5)]);
    }
    for s in &mut rows.staffing {
        blank(dice, &mut s.people);
    }
    // Some rows have no owner, some leads are leads no more.
    rows.owners.retain(|_| !dice.one_in(8));
    for o in &mut rows.owners {
        o.lead = o.lead && !dice.one_in(3);
    }
    let mut taken: BTreeSet<(Uuid, String)> =
        rows.owners.iter().filter_map(|o| Some((o.milestone_id.or(o.problem_id).or(o.action_id)?, o.department.clone()))).collect();
    for mut o in rows.owners.clone() {
        let Some(of) = o.milestone_id.or(o.problem_id).or(o.action_id) else { continue };
        o.department = dice.of(&codes).into();
        if dice.one_in(3) && taken.insert((of, o.department.clone())) {
            (o.id, o.position, o.lead) = (Uuid::now_v7(), 9, false);
            rows.owners.push(o);
        }
    }
    let today = app.app.store.today();
    for o in &mut rows.occurrences {
        o.status = dice.of(&[
            OccurrenceStatus::Open,
            OccurrenceStatus::Open,
            OccurrenceStatus::Completed,
            OccurrenceStatus::Verified,
            OccurrenceStatus::Cancelled,
        ]);
        o.due_on = today + TimeDelta::days(i64::try_from(dice.below(400)).unwrap() - 300);
        let done = matches!(o.status, OccurrenceStatus::Completed | OccurrenceStatus::Verified);
        o.completed_on = done.then(|| o.due_on + TimeDelta::days(i64::try_from(dice.below(5)).unwrap() - 2));
        o.completed_at = done.then_some(app.clock.now());
        o.completed_by = done.then(|| rows.people[0].id);
        (o.original_due_on, o.look_at) = (o.due_on, None);
    }
    for v in &mut rows.verifications {
        v.verdict = dice.of(&[VerificationVerdict::Passed, VerificationVerdict::Failed]);
    }
    for d in &mut rows.deployments {
        d.status = dice.of(&[
            DeploymentStatus::Succeeded,
            DeploymentStatus::Succeeded,
            DeploymentStatus::Failed,
            DeploymentStatus::RolledBack,
            DeploymentStatus::Canceled,
            DeploymentStatus::Running,
        ]);
        if d.status == DeploymentStatus::Failed || dice.one_in(5) {
            d.succeeded_at = None;
        }
        if d.status == DeploymentStatus::Running {
            d.finished_at = None;
        }
        blank(dice, &mut d.oldest_commit_at);
        blank(dice, &mut d.application_id);
        blank(dice, &mut d.product_id);
        d.standing = dice.of(&[
            DeploymentStanding::Attached,
            DeploymentStanding::Held,
            DeploymentStanding::Attached,
            DeploymentStanding::Dismissed,
            DeploymentStanding::Parked,
        ]);
        if d.standing == DeploymentStanding::Parked {
            (d.report_id, d.parked_reason) = (None, Some(ParkedReason::NoReport));
        }
        if d.standing == DeploymentStanding::Dismissed {
            d.report_id = None;
            d.dismissal_reason = Some("试运行".into());
        }
    }
    rows
}
