//! The one filter of all figures: a period, products, release types, strategies, departments.

use async_graphql::InputObject;
use chrono::{Datelike, Months, NaiveDate};
use entity::enums::{ReleaseStrategy, ReleaseType};
use sea_orm::ActiveEnum;

use super::dimension::{Bucket, Dimension};
use crate::{
    error::{Error, Result, Said, say},
    graphql::scalars::Day,
};

/// Days of the business time zone, the last one included.
#[derive(Debug, Clone, InputObject)]
pub struct MetricPeriod {
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
}

/// What all figures are about. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct MetricsWhere {
    /// The period: releases fall into it by actual time (by planned time while there is none), actions by due date, deployments by
    /// finish, cycle times by filing. Unless given, twelve months, the present one included.
    pub period: Option<MetricPeriod>,
    /// One of these products, by key.
    pub products: Option<Vec<String>>,
    /// One of these kinds of release.
    pub release_types: Option<Vec<ReleaseType>>,
    /// One of these strategies.
    pub strategies: Option<Vec<ReleaseStrategy>>,
    /// One of these departments, by code: owner of a milestone or problem, lead of an action (its owners, where it has none),
    /// participant of the release for everything else.
    pub departments: Option<Vec<String>>,
}

/// The filter, checked. All texts in it are of letters that need no quoting.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Scope {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// Keys.
    pub products: Option<Vec<String>>,
    /// As stored.
    pub release_types: Option<Vec<String>>,
    /// As stored.
    pub strategies: Option<Vec<String>>,
    /// Codes.
    pub departments: Option<Vec<String>>,
}

/// Years that a period spans at most.
const YEARS: i32 = 100;
/// Names in a list of the filter at most.
const NAMES: usize = 100;
/// Buckets at most: a year by day.
const BUCKETS: u64 = 400;
/// Groups of one figure at most, as estimated.
const CELLS: u64 = 20_000;

fn bad<T>(said: Said) -> Result<T> {
    Err(Error::BadInput(said))
}

/// Whether a text is a key or a code: no other exists, and no other gets into a statement.
fn plain(name: &str) -> bool {
    (1..=60).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn names(path: &str, list: Option<Vec<String>>) -> Result<Option<Vec<String>>> {
    let Some(mut list) = list else { return Ok(None) };
    if list.len() > NAMES {
        return bad(say(format!("where.{path} takes at most {NAMES}"), format!("where.{path} 最多 {NAMES} 项")));
    }
    if let Some(wrong) = list.iter().find(|name| !plain(name)) {
        let wrong: String = wrong.chars().filter(|c| !c.is_control()).take(60).collect();
        return bad(say(
            format!("where.{path}: {wrong} is no key or code; they have letters, digits, - and _"),
            format!("where.{path}：{wrong} 不是有效的标识或编码"),
        ));
    }
    list.sort();
    list.dedup();
    Ok(Some(list))
}

fn values<E: ActiveEnum<Value = String>>(list: Option<Vec<E>>) -> Option<Vec<String>> {
    list.map(|list| {
        let mut list: Vec<String> = list.into_iter().map(|v| v.to_value()).collect();
        list.sort();
        list.dedup();
        list
    })
}

impl Scope {
    /// Checks a filter.
    ///
    /// # Errors
    /// `BAD_USER_INPUT`: a period that runs backwards or is too long, names that are none.
    pub fn of(filter: MetricsWhere, today: NaiveDate) -> Result<Self> {
        let MetricsWhere { period, products, release_types, strategies, departments } = filter;
        let (from, to) = match period {
            Some(MetricPeriod { from, to }) => (from.0, to.0),
            None => twelve_months(today),
        };
        if from > to {
            return bad(say("where.period runs backwards: from is after to", "where.period 的起始日期晚于结束日期"));
        }
        if to.year() - from.year() > YEARS {
            return bad(say(format!("where.period spans more than {YEARS} years"), format!("where.period 不能超过 {YEARS} 年")));
        }
        Ok(Self {
            from,
            to,
            products: names("products", products)?,
            release_types: values(release_types),
            strategies: values(strategies),
            departments: names("departments", departments)?,
        })
    }

    /// Checks one that came back in a token.
    ///
    /// # Errors
    /// `BAD_USER_INPUT`.
    pub fn again(self) -> Result<Self> {
        let Self { from, to, products, release_types, strategies, departments } = self;
        let period = Some(MetricPeriod { from: Day(from), to: Day(to) });
        let checked = Self::of(MetricsWhere { period, products, departments, ..MetricsWhere::default() }, from)?;
        Ok(Self { release_types: names("releaseTypes", release_types)?, strategies: names("strategies", strategies)?, ..checked })
    }

    /// The only time buckets among what is grouped by.
    pub fn buckets(&self, by: &[Dimension]) -> Vec<Bucket> {
        by.iter().find(|d| d.is_time()).map(|d| d.buckets(self.from, self.to)).unwrap_or_default()
    }

    /// How many days the period has.
    pub fn days(&self) -> i64 {
        (self.to - self.from).num_days() + 1
    }

    /// Whether it names nothing but a period.
    pub fn is_open(&self) -> bool {
        self.products.is_none() && self.release_types.is_none() && self.strategies.is_none() && self.departments.is_none()
    }

    /// Checks what a figure is to be grouped by, before any work.
    ///
    /// # Errors
    /// `BAD_USER_INPUT`: more than two dimensions, one twice, two of time, too many groups.
    pub fn check(&self, by: &[Dimension]) -> Result<()> {
        if by.len() > 2 {
            return bad(say("groupBy takes one or two dimensions", "groupBy 只能给出一个或两个维度"));
        }
        if let [a, b] = by
            && (a == b || a.is_time() && b.is_time())
        {
            return bad(say("groupBy names a dimension twice, or two time buckets", "groupBy 中的维度重复，或包含两个时间维度"));
        }
        let sizes = by.iter().map(|d| (d.is_time(), d.size(self.from, self.to)));
        if sizes.clone().any(|(time, size)| time && size > BUCKETS + 2) {
            return bad(say(
                format!("groupBy would give more than {BUCKETS} time buckets: shorten where.period, or take a larger bucket"),
                format!("groupBy 的时间分组超过 {BUCKETS} 个，请缩短 where.period 或使用更大的时间单位"),
            ));
        }
        if sizes.map(|(_, size)| size).product::<u64>() > CELLS {
            return bad(say(
                format!("groupBy could give more than {CELLS} groups: shorten where.period, or take a larger bucket"),
                format!("groupBy 的分组可能超过 {CELLS} 个，请缩短 where.period 或使用更大的时间单位"),
            ));
        }
        Ok(())
    }
}

/// The twelve months that end with the one of `today`.
fn twelve_months(today: NaiveDate) -> (NaiveDate, NaiveDate) {
    let month = today.with_day(1).unwrap_or(today);
    let from = month.checked_sub_months(Months::new(11)).unwrap_or(month);
    (from, month.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(today))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(from: &str, to: &str) -> Result<Scope> {
        let period = Some(MetricPeriod { from: Day(from.parse().unwrap()), to: Day(to.parse().unwrap()) });
        Scope::of(MetricsWhere { period, ..MetricsWhere::default() }, "2026-11-24".parse().unwrap())
    }

    #[test]
    fn what_asks_for_too_much_is_refused_before_any_work() {
        assert!(scope("2026-02-01", "2026-01-31").is_err());
        assert!(scope("1026-01-01", "2026-01-01").is_err());
        let century = scope("1950-01-01", "2049-12-31").unwrap();
        assert!(century.check(&[Dimension::Day]).is_err() && century.check(&[Dimension::Year]).is_ok());
        let year = scope("2026-01-01", "2026-12-31").unwrap();
        assert!(year.check(&[Dimension::Day]).is_ok() && year.check(&[Dimension::Day, Dimension::Product]).is_err());
        assert!(year.check(&[Dimension::Month, Dimension::Day]).is_err() && year.check(&[Dimension::Product, Dimension::Product]).is_err());
    }

    #[test]
    fn without_a_period_it_is_twelve_months() {
        let scope = Scope::of(MetricsWhere::default(), "2026-11-24".parse().unwrap()).unwrap();
        assert_eq!((scope.from.to_string(), scope.to.to_string()), ("2025-12-01".into(), "2026-11-30".into()));
    }

    #[test]
    fn no_text_that_needs_quoting_gets_through() {
        let products = Some(vec!["a'; DROP TABLE report; --".to_owned()]);
        assert!(Scope::of(MetricsWhere { products, ..MetricsWhere::default() }, "2026-11-24".parse().unwrap()).is_err());
    }
}
