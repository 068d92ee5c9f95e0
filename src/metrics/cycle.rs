//! How long reports take from the release to their filing, and in which stage.

use super::{
    definition::{Definition, Unit},
    dimension::Dimension::{Department, Outcome},
    measure::{At, Measure, Source},
};

/// `report_cycle_minutes`: of each filed report the minutes from actual release to filing (blank where there is no actual time), the
/// minutes in each stage, and how often it was returned. The numerator are those with an actual time.
pub static REPORT_CYCLE_MINUTES: Definition = Definition {
    id: "report_cycle_minutes",
    version: 1,
    en: "Median from actual release to filing; per stage, summed over rounds: drafting (creation or return to submission), signature (submission to signature or return), committee (signature to filing or return); mean rounds of return",
    zh: "实际发布到备案的时长中位数；各阶段（按轮次累计）：编制（创建或退回到提交）、签字（提交到签字或退回）、委员会（签字到备案或退回）；平均退回次数",
    unit: Unit::Minutes,
    source: Source::Filings,
    by: &[Department, Outcome],
    split: None,
    measure: cycle,
};

fn cycle(at: &At) -> Measure {
    let stage = |states: &str| {
        let seconds = format!("{} - {}", at.seconds("step.until"), at.seconds("step.at"));
        format!("SUM(CASE WHEN step.to_state IN ({states}) THEN {seconds} ELSE 0 END)")
    };
    let join = format!(
        "JOIN (SELECT step.report_id AS report_id, {} AS drafting, {} AS signing, {} AS committee, \
         SUM(CASE WHEN step.act = 'RETURN' THEN 1 ELSE 0 END) AS returns FROM (SELECT report_id, act, to_state, at, \
         LEAD(at) OVER (PARTITION BY report_id ORDER BY number) AS until FROM life_cycle_step \
         WHERE report_id IN (SELECT report.id FROM report WHERE {{period}})) AS step GROUP BY step.report_id) AS stages ON stages.report_id = report.id",
        stage("'DRAFT', 'RETURNED'"),
        stage("'SUBMITTED'"),
        stage("'SIGNED'"),
    );
    Measure {
        numerator: Some("report.actual_release_at IS NOT NULL".into()),
        values: vec![
            at.minutes("report.actual_release_at", "report.filed_at"),
            "stages.drafting / 60".into(),
            "stages.signing / 60".into(),
            "stages.committee / 60".into(),
            "stages.returns".into(),
        ],
        join: Some(join),
        ..Measure::default()
    }
}
