//! Figures of what came after releases: issues found and fixed, satisfaction.

use super::{
    definition::{Definition, Unit},
    dimension::Dimension::IssueCategory,
    measure::{Measure, Reason, Source},
    releases::released,
};

/// The severities, in the order of the sums of [`POST_RELEASE_ISSUES`] after the fixed ones.
pub const SEVERITIES: [(&str, &str); 7] = [
    ("P0", "found_p0"),
    ("P1", "found_p1"),
    ("P2", "found_p2"),
    ("P3", "found_p3"),
    ("HIGH", "found_high"),
    ("MEDIUM", "found_medium"),
    ("LOW", "found_low"),
];

fn found() -> String {
    SEVERITIES.map(|(_, column)| format!("COALESCE(post_release_stat.{column}, 0)")).join(" + ")
}

/// A row in which nothing was entered tells nothing.
fn entered() -> Vec<(Reason, String)> {
    let blank = SEVERITIES.map(|(_, column)| format!("post_release_stat.{column} IS NULL")).join(" AND ");
    released([(Reason::Blank, &format!("post_release_stat.fixed IS NULL OR ({blank})"))])
}

/// `post_release_issues`.
pub static POST_RELEASE_ISSUES: Definition = Definition {
    id: "post_release_issues",
    version: 1,
    en: "Issues found after releases, by severity, with the fixed and the unfixed; group by ISSUE_CATEGORY to tell the categories apart",
    zh: "发布后发现的问题数（按严重程度）及已修复、未修复数；按 ISSUE_CATEGORY 分组可区分问题类型",
    unit: Unit::Count,
    source: Source::Statistics,
    by: &[IssueCategory],
    split: None,
    measure: |_| {
        let severities = SEVERITIES.map(|(_, column)| format!("post_release_stat.{column}"));
        let sums = std::iter::once(String::from("post_release_stat.fixed")).chain(severities).collect();
        Measure { excluded: entered(), sums, ..Measure::default() }
    },
};

/// `fix_rate`.
pub static FIX_RATE: Definition = Definition {
    id: "fix_rate",
    version: 1,
    en: "Issues fixed / issues found after releases",
    zh: "发布后问题已修复数 / 发现数",
    unit: Unit::Ratio,
    source: Source::Statistics,
    by: &[IssueCategory],
    split: None,
    measure: |_| Measure { excluded: entered(), sums: vec!["post_release_stat.fixed".into(), found()], ..Measure::default() },
};

/// `satisfaction`.
pub static SATISFACTION: Definition = Definition {
    id: "satisfaction",
    version: 1,
    en: "Mean of the stars of typical cases",
    zh: "典型案例用户满意度（星级）的平均值",
    unit: Unit::Stars,
    source: Source::Cases,
    by: &[],
    split: None,
    measure: |_| Measure {
        excluded: released([(Reason::NoStars, "typical_case.satisfaction IS NULL")]),
        sums: vec!["typical_case.satisfaction".into()],
        ..Measure::default()
    },
};
