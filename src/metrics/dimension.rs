//! What figures are grouped by.

use async_graphql::{Enum, resolver_utils::EnumType};
use chrono::{Datelike, Days, Months, NaiveDate};

/// What a figure is grouped by. Time buckets are of the business time zone; those that are empty are present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Enum, serde::Serialize, serde::Deserialize)]
#[graphql(name = "MetricDimension")]
pub enum Dimension {
    /// By day.
    Day,
    /// By week, from Monday; `2026-W13`.
    Week,
    /// By month; `2026-03`.
    Month,
    /// By quarter; `2026-Q1`.
    Quarter,
    /// By year.
    Year,
    /// By product; the value is its key.
    Product,
    /// By 发布类型.
    ReleaseType,
    /// By 发布策略.
    Strategy,
    /// By department: owner of a milestone or problem, lead of an action (its owners, where it has none), participant of a release.
    Department,
    /// By how the release ended.
    Outcome,
    /// By 流程合规性.
    Compliance,
    /// By 关键节点.
    MilestoneKind,
    /// By 出现阶段.
    ProblemPhase,
    /// By 影响程度.
    Impact,
    /// By 问题类型.
    IssueCategory,
    /// By where a deployment stands.
    DeploymentStatus,
    /// By 改进领域.
    ActionArea,
    /// By where an occurrence stands.
    OccurrenceStatus,
}

impl Dimension {
    /// As GraphQL names it.
    pub fn name(self) -> &'static str {
        Self::items().iter().find(|item| item.value == self).map_or("", |item| item.name)
    }

    /// The one that GraphQL names so.
    pub fn named(name: &str) -> Option<Self> {
        Self::items().iter().find(|item| item.name == name).map(|item| item.value)
    }

    /// Whether it is a time bucket.
    pub fn is_time(self) -> bool {
        self <= Self::Year
    }

    /// The enum whose labels its values have.
    pub fn labels(self) -> Option<&'static str> {
        Some(match self {
            Self::ReleaseType => "ReleaseType",
            Self::Strategy => "ReleaseStrategy",
            Self::Outcome => "ReleaseOutcome",
            Self::Compliance => "ComplianceVerdict",
            Self::MilestoneKind => "MilestoneKind",
            Self::ProblemPhase => "ProblemPhase",
            Self::Impact => "Impact",
            Self::IssueCategory => "IssueCategory",
            Self::DeploymentStatus => "DeploymentStatus",
            Self::ActionArea => "ActionArea",
            Self::OccurrenceStatus => "OccurrenceStatus",
            _ => return None,
        })
    }

    /// How many groups it is taken to have, before anybody looks.
    pub fn size(self, from: NaiveDate, to: NaiveDate) -> u64 {
        let days = u64::try_from((to - from).num_days() + 1).unwrap_or(0);
        match self {
            Self::Day => days,
            Self::Week => days / 7 + 2,
            Self::Month => days / 28 + 2,
            Self::Quarter => days / 90 + 2,
            Self::Year => days / 365 + 2,
            Self::Product => 200,
            Self::Department => 50,
            _ => 8,
        }
    }

    /// The first day of the bucket that `day` is in.
    fn start(self, day: NaiveDate) -> NaiveDate {
        let first = |month| NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day);
        match self {
            Self::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap_or(day),
            Self::Month => first(day.month()),
            Self::Quarter => first((day.month0() / 3) * 3 + 1),
            Self::Year => first(1),
            _ => day,
        }
    }

    /// The first day of the next bucket.
    fn next(self, start: NaiveDate) -> NaiveDate {
        let next = match self {
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Quarter => start.checked_add_months(Months::new(3)),
            Self::Year => start.checked_add_months(Months::new(12)),
            _ => start.succ_opt(),
        };
        next.unwrap_or(NaiveDate::MAX)
    }

    /// The buckets of a period, in order, cut to it.
    pub fn buckets(self, from: NaiveDate, to: NaiveDate) -> Vec<Bucket> {
        let mut all = Vec::new();
        let mut start = self.start(from);
        while start <= to {
            let next = self.next(start);
            let last = next.pred_opt().unwrap_or(next).min(to);
            all.push(Bucket { name: self.bucket_name(start), from: start.max(from), to: last });
            start = next;
        }
        all
    }

    fn bucket_name(self, start: NaiveDate) -> String {
        match self {
            Self::Week => format!("{}-W{:02}", start.iso_week().year(), start.iso_week().week()),
            Self::Month => start.format("%Y-%m").to_string(),
            Self::Quarter => format!("{}-Q{}", start.year(), start.month0() / 3 + 1),
            Self::Year => start.year().to_string(),
            _ => start.to_string(),
        }
    }
}

/// A time bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Such as `2026-03`.
    pub name: String,
    /// Its first day within the period.
    pub from: NaiveDate,
    /// Its last day within the period.
    pub to: NaiveDate,
}

impl Bucket {
    /// How many days it has.
    pub fn days(&self) -> i64 {
        (self.to - self.from).num_days() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn buckets_are_cut_to_the_period_and_named_by_the_calendar() {
        let names = |d: Dimension, from, to| d.buckets(day(from), day(to)).into_iter().map(|b| b.name).collect::<Vec<_>>();
        assert_eq!(names(Dimension::Month, "2025-12-15", "2026-02-01"), ["2025-12", "2026-01", "2026-02"]);
        assert_eq!(names(Dimension::Week, "2025-12-29", "2026-01-05"), ["2026-W01", "2026-W02"]);
        assert_eq!(names(Dimension::Quarter, "2026-03-31", "2026-04-01"), ["2026-Q1", "2026-Q2"]);
        assert_eq!(names(Dimension::Day, "2024-02-28", "2024-03-01"), ["2024-02-28", "2024-02-29", "2024-03-01"]);
        let cut = Dimension::Year.buckets(day("2025-06-01"), day("2026-01-31"));
        assert_eq!((cut[0].days(), cut[1].days()), (214, 31));
    }

    proptest! {
        #[test]
        fn buckets_cover_each_day_of_a_period_once(start in 0i64..40_000, length in 0i64..2_000, which in 0usize..5) {
            let from = day("1970-01-01") + chrono::TimeDelta::days(start);
            let to = from + chrono::TimeDelta::days(length);
            let dimension = [Dimension::Day, Dimension::Week, Dimension::Month, Dimension::Quarter, Dimension::Year][which];
            let buckets = dimension.buckets(from, to);
            prop_assert_eq!(buckets[0].from, from);
            prop_assert_eq!(buckets.last().unwrap().to, to);
            prop_assert!(buckets.windows(2).all(|pair| pair[0].to.succ_opt() == Some(pair[1].from)));
            prop_assert!(u64::try_from(buckets.len()).unwrap() <= dimension.size(from, to), "the estimate holds");
        }
    }
}
