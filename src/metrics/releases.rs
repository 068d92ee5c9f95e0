//! Figures of releases: how many, how punctual, how often rolled back, how compliant.

use super::{
    definition::{Definition, Unit},
    dimension::Dimension::{Compliance, Department, Outcome},
    measure::{At, Measure, Reason, Source},
};

/// What is left out of figures of releases: one that has no actual time yet, which falls into the period by its planned one; and `also`.
pub fn released<const N: usize>(also: [(Reason, &str); N]) -> Vec<(Reason, String)> {
    let first = (Reason::NoActualTime, "report.actual_release_at IS NULL");
    std::iter::once(first).chain(also).map(|(reason, when)| (reason, when.to_owned())).collect()
}

fn compared() -> Vec<(Reason, String)> {
    released([(Reason::NoPlan, "report.planned_release_at IS NULL")])
}

/// `releases`.
pub static RELEASES: Definition = Definition {
    id: "releases",
    version: 1,
    en: "Reports with an actual release time in the period",
    zh: "实际发布时间在统计期内的报告数",
    unit: Unit::Count,
    source: Source::Releases,
    by: &[Department, Outcome, Compliance],
    split: None,
    measure: |_| Measure { excluded: released([]), ..Measure::default() },
};

/// `on_time_release_rate`. Times are kept to the minute, so they are compared as they are.
pub static ON_TIME_RELEASE_RATE: Definition = Definition {
    id: "on_time_release_rate",
    version: 1,
    en: "Releases whose actual time is not after the planned one, to the minute / releases that have both",
    zh: "实际发布时间不晚于计划时间（精确到分钟）的发布数 / 两个时间都有的发布数",
    unit: Unit::Ratio,
    source: Source::Releases,
    by: &[Department, Outcome, Compliance],
    split: None,
    measure: |_| Measure {
        excluded: compared(),
        numerator: Some("report.actual_release_at <= report.planned_release_at".into()),
        ..Measure::default()
    },
};

/// `release_delay_minutes`.
pub static RELEASE_DELAY_MINUTES: Definition = Definition {
    id: "release_delay_minutes",
    version: 1,
    en: "Median, 90th percentile and mean of actual − planned release time over late releases",
    zh: "延迟发布的实际时间 − 计划时间的中位数、90 分位数与平均数",
    unit: Unit::Minutes,
    source: Source::Releases,
    by: &[Department, Outcome, Compliance],
    split: None,
    measure: delay,
};

fn delay(at: &At) -> Measure {
    let minutes = at.minutes("report.planned_release_at", "report.actual_release_at");
    Measure {
        of: Some(
            "(report.actual_release_at IS NULL OR report.planned_release_at IS NULL \
             OR report.actual_release_at > report.planned_release_at)"
                .into(),
        ),
        excluded: compared(),
        sums: vec![minutes.clone()],
        values: vec![minutes],
        ..Measure::default()
    }
}

/// `duration_deviation_rate`.
pub static DURATION_DEVIATION_RATE: Definition = Definition {
    id: "duration_deviation_rate",
    version: 1,
    en: "(Σ actual − Σ planned duration) / Σ planned duration, over releases that have both; negative when they were shorter",
    zh: "（实际发布时长合计 − 计划发布时长合计）/ 计划发布时长合计，仅统计两者都有的发布",
    unit: Unit::Ratio,
    source: Source::Releases,
    by: &[Department, Outcome, Compliance],
    split: None,
    measure: |_| {
        let excluded = released([
            (Reason::NoPlan, "report.planned_duration_minutes IS NULL"),
            (Reason::NoActualDuration, "report.actual_duration_minutes IS NULL"),
        ]);
        let sums =
            vec!["report.actual_duration_minutes - report.planned_duration_minutes".into(), "report.planned_duration_minutes".into()];
        Measure { excluded, sums, ..Measure::default() }
    },
};

/// `problems_per_release`.
pub static PROBLEMS_PER_RELEASE: Definition = Definition {
    id: "problems_per_release",
    version: 1,
    en: "Problems of the releases / releases; by department: of the releases that it takes part in",
    zh: "发布中的问题数 / 发布数；按部门统计时为该部门参与的发布",
    unit: Unit::PerRelease,
    source: Source::Releases,
    by: &[Department, Outcome, Compliance],
    split: None,
    measure: |_| Measure {
        excluded: released([]),
        sums: vec!["(SELECT COUNT(*) FROM problem WHERE problem.report_id = report.id)".into()],
        ..Measure::default()
    },
};

/// `rollback_rate`.
pub static ROLLBACK_RATE: Definition = Definition {
    id: "rollback_rate",
    version: 1,
    en: "Releases that ended ROLLED_BACK, with a problem that triggered a rollback, or with a production deployment rolled back / releases",
    zh: "发布结果为已回滚、有问题触发回滚、或有生产部署被回滚的发布数 / 发布数",
    unit: Unit::Ratio,
    source: Source::Releases,
    by: &[Department, Outcome, Compliance],
    split: None,
    measure: |_| Measure {
        excluded: released([]),
        numerator: Some(
            "(report.outcome = 'ROLLED_BACK' \
             OR report.id IN (SELECT problem.report_id FROM problem WHERE problem.triggered_rollback) \
             OR report.id IN (SELECT rolled.report_id FROM deployment AS rolled WHERE rolled.environment_class = 'PRODUCTION' \
             AND rolled.status = 'ROLLED_BACK' AND rolled.standing <> 'DISMISSED' AND rolled.report_id IS NOT NULL))"
                .into(),
        ),
        ..Measure::default()
    },
};

/// `compliance`.
pub static COMPLIANCE: Definition = Definition {
    id: "compliance",
    version: 1,
    en: "Releases with a verdict on compliance; group by COMPLIANCE to tell the verdicts apart",
    zh: "已有合规性结论的发布数；按 COMPLIANCE 分组可区分各结论",
    unit: Unit::Count,
    source: Source::Releases,
    by: &[Department, Outcome, Compliance],
    split: None,
    measure: |_| Measure { excluded: released([(Reason::NoVerdict, "report.compliance IS NULL")]), ..Measure::default() },
};
