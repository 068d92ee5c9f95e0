//! The list of all figures, each with what it means.

use async_graphql::Enum;

use super::{
    actions, aftermath, cycle, deployments,
    dimension::Dimension,
    measure::{At, Measure, Source},
    milestones, problems, releases, resources,
};

/// What a figure is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "MetricUnit")]
pub enum Unit {
    /// A number of records.
    Count,
    /// A share; between 0 and 1 unless the definition says otherwise.
    Ratio,
    /// Minutes.
    Minutes,
    /// So many a day.
    PerDay,
    /// So many a release.
    PerRelease,
    /// 1 to 5 stars.
    Stars,
    /// Money, with its currency.
    Money,
    /// Hours.
    Hours,
    /// People.
    People,
}

/// A figure: its id, what it means, and how it is made.
pub struct Definition {
    /// Stable, as `on_time_release_rate`.
    pub id: &'static str,
    /// Grows when the meaning changes.
    pub version: i32,
    /// In one sentence.
    pub en: &'static str,
    /// The same in Chinese.
    pub zh: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// The records.
    pub source: Source,
    /// What it can be grouped by beside time, product, 发布类型 and 发布策略.
    pub by: &'static [Dimension],
    /// A column by which it is always told apart.
    pub split: Option<&'static str>,
    /// How it is made.
    pub measure: fn(&At) -> Measure,
}

impl Definition {
    /// The id with its version: `on_time_release_rate@1`.
    pub fn name(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// Whether medians or percentiles can be asked of it.
    pub fn takes_values(&self) -> bool {
        self.unit == Unit::Minutes
    }

    /// Everything that it can be grouped by.
    pub fn dimensions(&self) -> Vec<Dimension> {
        use Dimension::{Day, Month, Product, Quarter, ReleaseType, Strategy, Week, Year};
        [Day, Week, Month, Quarter, Year, Product, ReleaseType, Strategy].into_iter().chain(self.by.iter().copied()).collect()
    }
}

/// All figures, in the order of `metrics.md`.
pub static ALL: [&Definition; 25] = [
    &releases::RELEASES,
    &releases::ON_TIME_RELEASE_RATE,
    &releases::RELEASE_DELAY_MINUTES,
    &releases::DURATION_DEVIATION_RATE,
    &milestones::MILESTONE_ON_TIME_RATE,
    &problems::PROBLEMS,
    &problems::PROBLEM_HANDLING_MINUTES,
    &releases::PROBLEMS_PER_RELEASE,
    &releases::ROLLBACK_RATE,
    &deployments::DEPLOYMENT_FREQUENCY,
    &deployments::LEAD_TIME_MINUTES,
    &deployments::CHANGE_FAILURE_RATE,
    &problems::RECOVERY_MINUTES,
    &aftermath::POST_RELEASE_ISSUES,
    &aftermath::FIX_RATE,
    &aftermath::SATISFACTION,
    &releases::COMPLIANCE,
    &resources::BUDGET,
    &resources::EFFORT_HOURS,
    &resources::STAFFING,
    &actions::ACTIONS,
    &actions::OVERDUE_ACTIONS,
    &actions::ACTION_ON_TIME_RATE,
    &actions::ACTION_VERIFICATION_RATE,
    &cycle::REPORT_CYCLE_MINUTES,
];

/// The figure with this name, version included.
pub fn named(name: &str) -> Option<&'static Definition> {
    ALL.into_iter().find(|d| d.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_named_once_and_can_be_grouped_by_what_it_says() {
        for (index, one) in ALL.iter().enumerate() {
            assert!(ALL.iter().skip(index + 1).all(|other| other.id != one.id), "{}", one.id);
            for dimension in one.by.iter().filter(|d| **d != Dimension::Department) {
                assert!(one.source.column(*dimension).is_some(), "{} by {dimension:?}", one.id);
            }
        }
    }
}
