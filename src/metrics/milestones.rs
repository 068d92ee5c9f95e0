//! Figures of milestones.

use super::{
    definition::{Definition, Unit},
    dimension::Dimension::{Department, MilestoneKind},
    measure::{At, Measure, Reason, Source, instant},
    releases::released,
};

/// `milestone_on_time_rate`: the statuses of `report::rules::milestone_status`, in SQL; a test holds the two together.
pub static MILESTONE_ON_TIME_RATE: Definition = Definition {
    id: "milestone_on_time_rate",
    version: 1,
    en: "Milestones ON_TIME / milestones ON_TIME, DELAYED or OVERDUE, of releases with an actual time",
    zh: "按时完成的节点数 / 按时、延迟或超期的节点数，仅统计已实际发布的报告",
    unit: Unit::Ratio,
    source: Source::Milestones,
    by: &[Department, MilestoneKind],
    split: None,
    measure: on_time,
};

fn on_time(at: &At) -> Measure {
    let (day, minute) = (instant(at.calendar.start_of(at.calendar.day_of(at.now))), instant(at.now));
    let past = format!(
        "((milestone.precision = 'DAY' AND milestone.planned_at < {day}) OR (milestone.precision = 'MINUTE' AND milestone.planned_at < {minute}))"
    );
    Measure {
        excluded: released([
            (Reason::NotApplicable, "milestone.not_applicable"),
            (Reason::NoPlan, "milestone.planned_at IS NULL AND milestone.actual_at IS NOT NULL"),
            (Reason::Pending, &format!("milestone.actual_at IS NULL AND (milestone.planned_at IS NULL OR NOT {past})")),
        ]),
        // At day precision both are the start of their day.
        numerator: Some("milestone.actual_at <= milestone.planned_at".into()),
        ..Measure::default()
    }
}
