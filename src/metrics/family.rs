//! The families of figures: a type for each, so that a client gets what it may read typed.

use async_graphql::{ContainerType, SimpleObject};

use super::{
    aftermath::SEVERITIES,
    count::Cell,
    figure::{Figure, MetricDefinition, Shared, int},
    number::{median, percentile_of, rate},
};
use crate::{
    error::Result,
    graphql::{scalars::Hundredths, walk::Many},
};

/// A number of records.
#[derive(SimpleObject)]
pub struct CountFigure {
    #[graphql(flatten)]
    shared: Shared,
    /// How many.
    value: i32,
}

impl Figure for CountFigure {
    fn of(shared: Shared, cell: &Cell, _: i64) -> Result<Self> {
        Ok(Self { shared, value: int(cell.counted())? })
    }
}

/// A rate, or a ratio of sums.
#[derive(SimpleObject)]
pub struct RateFigure {
    #[graphql(flatten)]
    shared: Shared,
    /// Numerator / denominator, four decimals, halves rounded to even; null where the denominator is 0.
    value: Option<f64>,
    /// The numerator.
    numerator: i32,
    /// The denominator.
    denominator: i32,
    /// How many records were counted.
    sample_size: i32,
}

impl Figure for RateFigure {
    fn of(shared: Shared, cell: &Cell, days: i64) -> Result<Self> {
        let (numerator, denominator) = match shared.figure() {
            "deployment_frequency" => (cell.counted(), days),
            "problems_per_release" => (cell.sum(0), cell.counted()),
            "duration_deviation_rate" | "fix_rate" => (cell.sum(0), cell.sum(1)),
            _ => (cell.numerator(), cell.counted()),
        };
        let value = rate(numerator, denominator);
        Ok(Self { shared, value, numerator: int(numerator)?, denominator: int(denominator)?, sample_size: int(cell.counted())? })
    }
}

/// How long something took.
#[derive(SimpleObject)]
pub struct DurationFigure {
    #[graphql(flatten)]
    shared: Shared,
    /// The median, in minutes; null where nothing was measured.
    value: Option<f64>,
    /// The same.
    median: Option<f64>,
    /// The 90th percentile, in minutes; linear between the nearest two.
    p90: Option<f64>,
    /// The mean, in minutes, four decimals.
    mean: Option<f64>,
    /// How many were measured.
    sample_size: i32,
}

impl Figure for DurationFigure {
    fn of(shared: Shared, cell: &Cell, _: i64) -> Result<Self> {
        let values = cell.values.first().map(Vec::as_slice).unwrap_or_default();
        let middle = median(values);
        Ok(Self {
            shared,
            value: middle,
            median: middle,
            p90: percentile_of(values, 9),
            mean: rate(cell.sum(0), cell.counted()),
            sample_size: int(cell.counted())?,
        })
    }
}

/// A mean.
#[derive(SimpleObject)]
pub struct MeanFigure {
    #[graphql(flatten)]
    shared: Shared,
    /// The mean, four decimals; null where nothing was measured.
    value: Option<f64>,
    /// How many were measured.
    sample_size: i32,
}

impl Figure for MeanFigure {
    fn of(shared: Shared, cell: &Cell, _: i64) -> Result<Self> {
        Ok(Self { shared, value: rate(cell.sum(0), cell.counted()), sample_size: int(cell.counted())? })
    }
}

/// Issues of one severity.
#[derive(SimpleObject)]
pub struct SeverityCount {
    /// `P0` to `P3`; `HIGH`, `MEDIUM` and `LOW` of vulnerabilities.
    severity: &'static str,
    /// How many were found.
    found: i32,
}

/// Issues found after releases.
#[derive(SimpleObject)]
pub struct IssuesFigure {
    #[graphql(flatten)]
    shared: Shared,
    /// How many were found; null where nothing was entered.
    value: Option<i32>,
    /// How many of them are fixed.
    fixed: Option<i32>,
    /// How many are not.
    unfixed: Option<i32>,
    /// The found ones by severity.
    by_severity: Vec<SeverityCount>,
    /// How many rows of the form this comes from.
    sample_size: i32,
}

impl Figure for IssuesFigure {
    fn of(shared: Shared, cell: &Cell, _: i64) -> Result<Self> {
        let by_severity: Vec<SeverityCount> = SEVERITIES
            .iter()
            .enumerate()
            .map(|(index, (severity, _))| Ok(SeverityCount { severity, found: int(cell.sum(index + 1))? }))
            .collect::<Result<_>>()?;
        let found: i64 = (1..=SEVERITIES.len()).map(|index| cell.sum(index)).sum();
        let any = |n: i64| if cell.counted() > 0 { int(n).map(Some) } else { Ok(None) };
        Ok(Self {
            shared,
            value: any(found)?,
            fixed: any(cell.sum(0))?,
            unfixed: any(found - cell.sum(0))?,
            by_severity,
            sample_size: int(cell.counted())?,
        })
    }
}

/// Budgets in one currency.
#[derive(SimpleObject)]
pub struct BudgetFigure {
    #[graphql(flatten)]
    shared: Shared,
    /// ISO 4217; null where nothing was counted.
    currency: Option<String>,
    /// Variance: actual − planned; null where nothing was counted.
    value: Option<Hundredths>,
    /// Σ planned.
    planned: Option<Hundredths>,
    /// Σ actual.
    actual: Option<Hundredths>,
    /// How many releases spent more than planned.
    overspent: i32,
    /// The share of these, four decimals.
    overspent_share: Option<f64>,
    /// How many releases were counted.
    sample_size: i32,
}

impl Figure for BudgetFigure {
    fn of(shared: Shared, cell: &Cell, _: i64) -> Result<Self> {
        let any = |n: i64| (cell.counted() > 0).then_some(Hundredths(n));
        let currency = shared.split();
        Ok(Self {
            shared,
            currency,
            value: any(cell.sum(1) - cell.sum(0)),
            planned: any(cell.sum(0)),
            actual: any(cell.sum(1)),
            overspent: int(cell.numerator())?,
            overspent_share: rate(cell.numerator(), cell.counted()),
            sample_size: int(cell.counted())?,
        })
    }
}

/// A sum of hours.
#[derive(SimpleObject)]
pub struct HoursFigure {
    #[graphql(flatten)]
    shared: Shared,
    /// Σ hours; null where nothing was counted.
    value: Option<Hundredths>,
    /// How many releases were counted.
    sample_size: i32,
}

impl Figure for HoursFigure {
    fn of(shared: Shared, cell: &Cell, _: i64) -> Result<Self> {
        Ok(Self { shared, value: (cell.counted() > 0).then_some(Hundredths(cell.sum(0))), sample_size: int(cell.counted())? })
    }
}

/// A sum of people.
#[derive(SimpleObject)]
pub struct PeopleFigure {
    #[graphql(flatten)]
    shared: Shared,
    /// Σ people; null where nothing was counted.
    value: Option<i32>,
    /// How many rows of the form were counted.
    sample_size: i32,
}

impl Figure for PeopleFigure {
    fn of(shared: Shared, cell: &Cell, _: i64) -> Result<Self> {
        let value = if cell.counted() > 0 { Some(int(cell.sum(0))?) } else { None };
        Ok(Self { shared, value, sample_size: int(cell.counted())? })
    }
}

/// Occurrences that are overdue.
#[derive(SimpleObject)]
pub struct OverdueFigure {
    #[graphql(flatten)]
    shared: Shared,
    /// How many.
    value: i32,
    /// How many days they are overdue on average, four decimals; null where none is.
    mean_days: Option<f64>,
    /// How many days the oldest is overdue; null where none is.
    max_days: Option<i32>,
}

impl Figure for OverdueFigure {
    fn of(shared: Shared, cell: &Cell, _: i64) -> Result<Self> {
        let max_days = cell.most.map(int).transpose()?;
        Ok(Self { shared, value: int(cell.counted())?, mean_days: rate(cell.sum(0), cell.counted()), max_days })
    }
}

/// How long reports took.
#[derive(SimpleObject)]
pub struct CycleFigure {
    #[graphql(flatten)]
    shared: Shared,
    /// The median from actual release to filing, in minutes; null where nothing was measured.
    value: Option<f64>,
    /// How many of the filed reports have an actual release time.
    sample_size: i32,
    /// How many reports were filed.
    filed: i32,
    /// The median in drafting, in minutes: from creation or return to submission, over all rounds.
    drafting: Option<f64>,
    /// The median waiting for the signature.
    signature: Option<f64>,
    /// The median with the committee.
    committee: Option<f64>,
    /// The mean number of returns, four decimals.
    mean_returns: Option<f64>,
}

impl Figure for CycleFigure {
    fn of(shared: Shared, cell: &Cell, _: i64) -> Result<Self> {
        let column = |index: usize| cell.values.get(index).map(Vec::as_slice).unwrap_or_default();
        Ok(Self {
            shared,
            value: median(column(0)),
            sample_size: int(cell.numerator())?,
            filed: int(cell.counted())?,
            drafting: median(column(1)),
            signature: median(column(2)),
            committee: median(column(3)),
            mean_returns: rate(column(4).iter().sum(), i64::try_from(column(4).len()).unwrap_or(0)),
        })
    }
}

/// A figure in all.
#[derive(SimpleObject)]
#[graphql(concrete(name = "CountMetric", params(CountFigure)))]
#[graphql(concrete(name = "RateMetric", params(RateFigure)))]
#[graphql(concrete(name = "DurationMetric", params(DurationFigure)))]
#[graphql(concrete(name = "MeanMetric", params(MeanFigure)))]
#[graphql(concrete(name = "IssuesMetric", params(IssuesFigure)))]
#[graphql(concrete(name = "HoursMetric", params(HoursFigure)))]
#[graphql(concrete(name = "PeopleMetric", params(PeopleFigure)))]
#[graphql(concrete(name = "OverdueMetric", params(OverdueFigure)))]
#[graphql(concrete(name = "CycleMetric", params(CycleFigure)))]
pub struct Metric<F: ContainerType> {
    /// What it means.
    pub definition: MetricDefinition,
    /// Of everything that the filter lets through.
    pub total: F,
    /// By group; empty unless `groupBy` is given. Time buckets in their order, the empty ones too.
    pub groups: Many<F>,
}

/// Budgets, per currency.
#[derive(SimpleObject)]
pub struct BudgetMetric {
    /// What it means.
    pub definition: MetricDefinition,
    /// Of everything that the filter lets through, one for each currency.
    pub totals: Vec<BudgetFigure>,
    /// By group and currency; empty unless `groupBy` is given.
    pub groups: Many<BudgetFigure>,
}
