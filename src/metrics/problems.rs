//! Figures of problems.

use super::{
    definition::{Definition, Unit},
    dimension::Dimension::{Department, Impact, ProblemPhase},
    measure::{At, Measure, Reason, Source},
    releases::released,
};

/// `problems`.
pub static PROBLEMS: Definition = Definition {
    id: "problems",
    version: 1,
    en: "Problems of releases with an actual time",
    zh: "已实际发布的报告中的问题数",
    unit: Unit::Count,
    source: Source::Problems,
    by: &[Department, ProblemPhase, Impact],
    split: None,
    measure: |_| Measure { excluded: released([]), ..Measure::default() },
};

/// `problem_handling_minutes`.
pub static PROBLEM_HANDLING_MINUTES: Definition = Definition {
    id: "problem_handling_minutes",
    version: 1,
    en: "Median, 90th percentile and mean of the handling time of problems",
    zh: "问题处理时长的中位数、90 分位数与平均数",
    unit: Unit::Minutes,
    source: Source::Problems,
    by: &[Department, ProblemPhase, Impact],
    split: None,
    measure: |_| {
        let excluded = released([(Reason::NoHandlingTime, "problem.handling_minutes IS NULL")]);
        let minutes = vec![String::from("problem.handling_minutes")];
        Measure { excluded, sums: minutes.clone(), values: minutes, ..Measure::default() }
    },
};

/// `recovery_minutes`.
pub static RECOVERY_MINUTES: Definition = Definition {
    id: "recovery_minutes",
    version: 1,
    en: "Median of resolved − detected (where nothing was detected: − finish of the deployment it is tied to) over problems of HIGH impact or with a rollback",
    zh: "高影响或触发回滚的问题的恢复时长中位数：解决时间 − 发现时间（无发现时间时取所关联部署的完成时间）",
    unit: Unit::Minutes,
    source: Source::Problems,
    by: &[Department, ProblemPhase, Impact],
    split: None,
    measure: recovery,
};

fn recovery(at: &At) -> Measure {
    let since = "COALESCE(problem.detected_at, (SELECT tied.finished_at FROM deployment AS tied WHERE tied.id = problem.deployment_id))";
    let excluded = released([(Reason::NotResolved, "problem.resolved_at IS NULL"), (Reason::NoStart, &format!("{since} IS NULL"))]);
    let minutes = vec![at.minutes(since, "problem.resolved_at")];
    Measure {
        of: Some("(problem.impact = 'HIGH' OR problem.triggered_rollback)".into()),
        excluded,
        sums: minutes.clone(),
        values: minutes,
        ..Measure::default()
    }
}
