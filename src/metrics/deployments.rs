//! Figures of production deployments, whether they found a report or not.

use super::{
    definition::{Definition, Unit},
    dimension::Dimension::DeploymentStatus,
    measure::{At, COUNTED, Measure, Reason, Source},
};

/// A later rollback does not undo a success.
const SUCCEEDED: &str = "(deployment.status = 'SUCCEEDED' OR (deployment.status = 'ROLLED_BACK' AND deployment.succeeded_at IS NOT NULL))";

fn dismissed() -> (Reason, String) {
    (Reason::Dismissed, "deployment.standing = 'DISMISSED'".into())
}

/// `deployment_frequency`.
pub static DEPLOYMENT_FREQUENCY: Definition = Definition {
    id: "deployment_frequency",
    version: 1,
    en: "Production deployments that succeeded (a later rollback does not undo that) / days of the period or bucket",
    zh: "成功的生产部署数（之后回滚不影响）/ 统计期或分组的天数",
    unit: Unit::PerDay,
    source: Source::Deployments,
    by: &[DeploymentStatus],
    split: None,
    measure: |_| Measure { of: Some(SUCCEEDED.into()), excluded: vec![dismissed()], ..Measure::default() },
};

/// `change_failure_rate`.
pub static CHANGE_FAILURE_RATE: Definition = Definition {
    id: "change_failure_rate",
    version: 1,
    en: "Production deployments that failed, were rolled back, or that a problem of HIGH impact or with a rollback is tied to / finished production deployments",
    zh: "失败、被回滚、或关联了高影响或触发回滚问题的生产部署数 / 已结束的生产部署数",
    unit: Unit::Ratio,
    source: Source::Deployments,
    by: &[DeploymentStatus],
    split: None,
    measure: |_| Measure {
        of: Some("deployment.status IN ('SUCCEEDED', 'FAILED', 'ROLLED_BACK')".into()),
        excluded: vec![dismissed()],
        numerator: Some(format!(
            "(deployment.status <> 'SUCCEEDED' OR deployment.id IN (SELECT problem.deployment_id FROM problem \
             JOIN report ON report.id = problem.report_id WHERE problem.deployment_id IS NOT NULL \
             AND (problem.impact = 'HIGH' OR problem.triggered_rollback) AND {COUNTED}))"
        )),
        ..Measure::default()
    },
};

/// `lead_time_minutes`.
pub static LEAD_TIME_MINUTES: Definition = Definition {
    id: "lead_time_minutes",
    version: 1,
    en: "Median of the finish of an application's first successful production deployment − the time of its oldest new commit",
    zh: "发布申请首次成功生产部署的完成时间 − 其最早新提交时间的中位数",
    unit: Unit::Minutes,
    source: Source::Deployments,
    by: &[],
    split: None,
    measure: lead_time,
};

fn lead_time(at: &At) -> Measure {
    let application = "COALESCE(deployment.application_id, report.application_id)";
    let minutes = vec![at.minutes("deployment.oldest_commit_at", "deployment.finished_at")];
    Measure {
        of: Some(format!(
            "{SUCCEEDED} AND ({application} IS NULL OR deployment.standing = 'DISMISSED' OR deployment.id IN (SELECT id FROM \
             (SELECT deployment.id AS id, ROW_NUMBER() OVER (PARTITION BY {application} ORDER BY deployment.finished_at, deployment.id) AS place \
             FROM deployment LEFT JOIN report ON report.id = deployment.report_id WHERE deployment.environment_class = 'PRODUCTION' \
             AND {SUCCEEDED} AND deployment.standing <> 'DISMISSED' AND {application} IS NOT NULL) AS ranked WHERE place = 1))"
        )),
        excluded: vec![
            dismissed(),
            (Reason::NoApplication, format!("{application} IS NULL")),
            (Reason::NoCommitTime, "deployment.oldest_commit_at IS NULL".into()),
        ],
        sums: minutes.clone(),
        values: minutes,
        ..Measure::default()
    }
}
