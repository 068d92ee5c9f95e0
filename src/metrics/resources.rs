//! Figures of what releases cost: budget, hours, people.

use super::{
    definition::{Definition, Unit},
    dimension::Dimension::{Compliance, Department, Outcome},
    measure::{Measure, Reason, Source},
    releases::released,
};

/// `budget`: sums of what was planned and spent, in minor units, and how many releases were overspent.
pub static BUDGET: Definition = Definition {
    id: "budget",
    version: 1,
    en: "Σ planned, Σ actual, variance (actual − planned) and the share of releases overspent, per currency, over releases with both budgets",
    zh: "各币种计划预算合计、实际合计、差额（实际 − 计划）及超支发布占比，仅统计两项预算都有的发布",
    unit: Unit::Money,
    source: Source::Releases,
    by: &[Department, Outcome, Compliance],
    split: Some("report.currency"),
    measure: |_| Measure {
        excluded: released([(Reason::NoBudget, "report.budget_planned IS NULL OR report.budget_actual IS NULL")]),
        numerator: Some("report.budget_actual > report.budget_planned".into()),
        sums: vec!["report.budget_planned".into(), "report.budget_actual".into()],
        ..Measure::default()
    },
};

/// `effort_hours`, in hundredths.
pub static EFFORT_HOURS: Definition = Definition {
    id: "effort_hours",
    version: 1,
    en: "Σ hours of the releases",
    zh: "发布投入工时合计",
    unit: Unit::Hours,
    source: Source::Releases,
    by: &[Department, Outcome, Compliance],
    split: None,
    measure: |_| Measure {
        excluded: released([(Reason::Blank, "report.effort_hours IS NULL")]),
        sums: vec!["report.effort_hours".into()],
        ..Measure::default()
    },
};

/// `staffing`.
pub static STAFFING: Definition = Definition {
    id: "staffing",
    version: 1,
    en: "Σ people of the releases, by department",
    zh: "发布投入人数合计，可按部门统计",
    unit: Unit::People,
    source: Source::Staffing,
    by: &[Department],
    split: None,
    measure: |_| Measure {
        excluded: released([(Reason::Blank, "staffing.people IS NULL")]),
        sums: vec!["staffing.people".into()],
        ..Measure::default()
    },
};
