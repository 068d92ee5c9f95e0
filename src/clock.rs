//! Time: the one clock, and the calendar of the business time zone. Everything else takes times as arguments.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The process's clock, in microseconds (PostgreSQL keeps six digits), plus an offset that tests set.
#[derive(Debug, Default)]
pub struct Clock {
    offset_micros: AtomicI64,
}

impl Clock {
    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
        let now = Utc::now();
        self.shift(now)
    }

    /// Adds the test's offset to a time that the database told, and drops what is finer than a microsecond.
    pub fn shift(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        (at + TimeDelta::microseconds(self.offset_micros.load(Ordering::Relaxed))).trunc_subsecs(6)
    }

    /// Moves the clock; for tests.
    pub fn advance(&self, by: TimeDelta) {
        self.offset_micros.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::Relaxed);
    }
}

/// The business time zone: which day an instant falls on, and when a day begins and passes.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    /// The zone, `Asia/Shanghai` unless configured.
    pub zone: Tz,
}

impl Calendar {
    /// The business day of an instant.
    pub fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// The first instant of a business day. Where the zone skipped the day, that of the next one it has.
    pub fn start_of(&self, day: NaiveDate) -> DateTime<Utc> {
        match self.zone.from_local_datetime(&day.and_time(NaiveTime::MIN)) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc),
            LocalResult::None => self.first_instant_from(day),
        }
    }

    /// The instant from which something due on `day` is overdue (`events.md` 1).
    pub fn passes_at(&self, day: NaiveDate) -> DateTime<Utc> {
        self.start_of(day.checked_add_days(Days::new(1)).unwrap_or(day))
    }

    /// Midnight does not exist on `day`: search the first instant whose local date is not before it.
    fn first_instant_from(&self, day: NaiveDate) -> DateTime<Utc> {
        let around = day.and_time(NaiveTime::MIN).and_utc();
        let (mut before, mut from) = (around - TimeDelta::hours(36), around + TimeDelta::hours(36));
        while from - before > TimeDelta::seconds(1) {
            let middle = before + (from - before) / 2;
            if self.day_of(middle) >= day {
                from = middle;
            } else {
                before = middle;
            }
        }
        from.trunc_subsecs(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of `events.md` 1.
    #[test]
    fn a_due_date_passes_at_the_first_instant_of_the_next_day() {
        for (day, zone, passes) in [
            ("2026-03-31", "Asia/Shanghai", "2026-03-31T16:00:00Z"),
            ("2026-03-08", "America/New_York", "2026-03-09T04:00:00Z"),
            ("2026-11-01", "America/New_York", "2026-11-02T05:00:00Z"),
            ("2015-10-17", "America/Sao_Paulo", "2015-10-18T03:00:00Z"),
            ("2011-12-29", "Pacific/Apia", "2011-12-30T10:00:00Z"),
        ] {
            let calendar = Calendar { zone: zone.parse().unwrap() };
            assert_eq!(calendar.passes_at(day.parse().unwrap()), passes.parse::<DateTime<Utc>>().unwrap(), "{day} {zone}");
        }
    }

    #[test]
    fn the_start_of_a_day_lies_on_that_day() {
        let calendar = Calendar { zone: chrono_tz::America::Sao_Paulo };
        let mut day: NaiveDate = "2015-01-01".parse().unwrap();
        for _ in 0..730 {
            let start = calendar.start_of(day);
            assert_eq!(calendar.day_of(start), day);
            assert!(calendar.day_of(start - TimeDelta::seconds(1)) < day);
            day = day.succ_opt().unwrap();
        }
    }
}
