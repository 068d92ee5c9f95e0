//! Pure rules that several sections share: a milestone's status and the dates of a recurrence rule.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use entity::{
    enums::{MilestonePrecision, MilestoneStatus},
    milestone,
};
use rrule::{Frequency, RRule, RRuleSet, Unvalidated};

use crate::{
    clock::Calendar,
    error::{Said, say},
};

/// 完成状态: derived from plan, actual time and now (`model.md`, 2.1).
pub fn milestone_status(m: &milestone::Model, calendar: Calendar, now: DateTime<Utc>) -> MilestoneStatus {
    if m.not_applicable {
        return MilestoneStatus::NotApplicable;
    }
    let by_day = m.precision == MilestonePrecision::Day;
    match (m.planned_at, m.actual_at) {
        (None, Some(_)) => MilestoneStatus::Unplanned,
        (None, None) => MilestoneStatus::Pending,
        (Some(planned), Some(actual)) => {
            let late = if by_day { calendar.day_of(actual) > calendar.day_of(planned) } else { actual > planned };
            if late { MilestoneStatus::Delayed } else { MilestoneStatus::OnTime }
        }
        (Some(planned), None) => {
            let past = if by_day { calendar.day_of(now) > calendar.day_of(planned) } else { now > planned };
            if past { MilestoneStatus::Overdue } else { MilestoneStatus::Pending }
        }
    }
}

/// Actual − planned, in minutes; at day precision whole days × 1440.
pub fn milestone_delay_minutes(m: &milestone::Model, calendar: Calendar) -> Option<i64> {
    let (planned, actual) = (m.planned_at?, m.actual_at?);
    Some(match m.precision {
        MilestonePrecision::Day => (calendar.day_of(actual) - calendar.day_of(planned)).num_days() * 1440,
        MilestonePrecision::Minute => (actual - planned).num_minutes(),
    })
}

/// A rule as it was read: its dates, and how many it allows.
struct Rule {
    rule: RRule<Unvalidated>,
    count: Option<u32>,
}

fn read(text: &str) -> Result<Rule, Said> {
    let wrong = || {
        say(
            "Not a recurrence rule of RFC 5545, such as FREQ=MONTHLY;BYMONTHDAY=-1",
            "不是有效的 RFC 5545 重复规则，例如 FREQ=MONTHLY;BYMONTHDAY=-1",
        )
    };
    let upper = text.trim().to_ascii_uppercase();
    if upper.len() > 300 || upper.contains(['\n', ':']) {
        return Err(wrong());
    }
    let rule: RRule<Unvalidated> = upper.parse().map_err(|_| wrong())?;
    let by_day = matches!(rule.get_freq(), Frequency::Yearly | Frequency::Monthly | Frequency::Weekly | Frequency::Daily);
    if !by_day || !rule.get_by_hour().is_empty() || !rule.get_by_minute().is_empty() || !rule.get_by_second().is_empty() {
        return Err(say(
            "A due date is a day: use FREQ=DAILY, WEEKLY, MONTHLY or YEARLY",
            "截止时间以天为单位，请使用 FREQ=DAILY、WEEKLY、MONTHLY 或 YEARLY",
        ));
    }
    // The count is of the dates after the submission, so it is counted here, not from the rule's own start.
    let count = rule.get_count();
    let without = upper.split(';').filter(|part| !part.starts_with("COUNT=")).collect::<Vec<_>>().join(";");
    Ok(Rule { rule: without.parse().map_err(|_| wrong())?, count })
}

/// Checks that a rule is one, and that it fires on some day at all.
///
/// # Errors
/// What is wrong with it.
pub fn check_rule(text: &str, today: NaiveDate) -> Result<(), Said> {
    let rule = read(text)?;
    let never = || say("The rule never yields a date", "该规则不会产生任何日期");
    if rule.count == Some(0) || dates(&rule.rule, today, today, 1).is_empty() { Err(never()) } else { Ok(()) }
}

/// The first date of a rule after the day of the first submission (`events.md` 3).
pub fn first_occurrence(text: &str, submitted_on: NaiveDate) -> Option<NaiveDate> {
    let rule = read(text).ok()?;
    dates(&rule.rule, submitted_on, submitted_on, 1).first().copied()
}

/// The date on the grid after `after`, for an action watched since `submitted_on` with `so_far` occurrences.
pub fn next_occurrence(text: &str, submitted_on: NaiveDate, after: NaiveDate, so_far: u32) -> Option<NaiveDate> {
    let rule = read(text).ok()?;
    if rule.count.is_some_and(|count| so_far >= count) {
        return None;
    }
    dates(&rule.rule, submitted_on, after, 1).first().copied()
}

/// Up to `most` dates of a rule that starts on `start`, after `after`. Computed in UTC: dates have no zone.
fn dates(rule: &RRule<Unvalidated>, start: NaiveDate, after: NaiveDate, most: u16) -> Vec<NaiveDate> {
    let utc = |day: NaiveDate| rrule::Tz::UTC.from_utc_datetime(&day.and_time(NaiveTime::MIN));
    let Some(from) = after.checked_add_days(Days::new(1)) else { return Vec::new() };
    let Ok(set) = rule.clone().build(utc(start)) else { return Vec::new() };
    let set: RRuleSet = set.after(utc(from)).limit();
    set.all(most).dates.iter().map(DateTime::date_naive).filter(|day| *day > after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Datelike;
    use proptest::prelude::*;

    const QUARTER_ENDS: &str = "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1";

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn quarter_ends_follow_each_other() {
        let submitted = day("2026-02-10");
        let mut on = first_occurrence(QUARTER_ENDS, submitted).unwrap();
        let mut seen = vec![on];
        for so_far in 1..5 {
            on = next_occurrence(QUARTER_ENDS, submitted, on, so_far).unwrap();
            seen.push(on);
        }
        assert_eq!(seen, ["2026-03-31", "2026-06-30", "2026-09-30", "2026-12-31", "2027-03-31"].map(day));
    }

    #[test]
    fn a_rule_counts_the_dates_after_the_submission() {
        let submitted = day("2026-01-05");
        let rule = "FREQ=WEEKLY;COUNT=2";
        assert_eq!(first_occurrence(rule, submitted), Some(day("2026-01-12")));
        assert_eq!(next_occurrence(rule, submitted, day("2026-01-12"), 1), Some(day("2026-01-19")));
        assert_eq!(next_occurrence(rule, submitted, day("2026-01-19"), 2), None);
    }

    #[test]
    fn a_rule_ends_by_its_until() {
        assert_eq!(first_occurrence("FREQ=DAILY;UNTIL=20260103T000000Z", day("2026-01-03")), None);
        assert_eq!(first_occurrence("FREQ=DAILY;UNTIL=20260103T000000Z", day("2026-01-02")), Some(day("2026-01-03")));
    }

    #[test]
    fn impossible_rules_are_refused() {
        let today = day("2026-01-01");
        for wrong in [
            "",
            "每季度末",
            "FREQ=SECONDLY",
            "FREQ=HOURLY",
            "FREQ=DAILY;BYHOUR=3",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY\nDTSTART:2026",
            "BYMONTH=1",
        ] {
            assert!(check_rule(wrong, today).is_err(), "{wrong}");
        }
        assert!(check_rule(QUARTER_ENDS, today).is_ok());
    }

    proptest! {
        #[test]
        fn the_grid_of_quarter_ends_does_not_depend_on_when_one_asks(start in 0i64..20_000, ask in 0i64..2_000) {
            let submitted = day("2000-01-01") + chrono::TimeDelta::days(start);
            let after = submitted + chrono::TimeDelta::days(ask);
            let next = next_occurrence(QUARTER_ENDS, submitted, after, 0).unwrap();
            prop_assert!(next > after);
            prop_assert!((next - after).num_days() <= 92);
            prop_assert!([3, 6, 9, 12].contains(&next.month()));
            prop_assert_eq!(next.succ_opt().unwrap().day(), 1);
        }
    }
}
