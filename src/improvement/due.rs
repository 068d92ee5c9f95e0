//! What of a due date is to be announced, and when there will be more (`events.md` 1, 7, 11). Pure: found by asking the state.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use entity::sink::AnnouncementKind;

use crate::{clock::Calendar, config::Settings};

/// How due dates are announced.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Days before, the first first.
    pub due_soon_days: Vec<u32>,
    /// Days between reminders while overdue; 0 for none.
    pub reminder_days: u32,
}

impl Plan {
    /// As configured.
    pub fn new(settings: &Settings) -> Self {
        Self { due_soon_days: settings.due_soon_days.clone(), reminder_days: settings.reminder_days }
    }
}

/// One announcement: the key that lets it be made once, and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Due soon, overdue, or a reminder.
    pub kind: AnnouncementKind,
    /// Days before, or the number of the reminder; 0 of `OVERDUE`.
    pub step: i32,
}

/// What was announced already for this due date and attempt.
pub type Told = BTreeSet<(AnnouncementKind, i32)>;

/// Reminders that one look makes at most; the others follow.
const AT_ONCE: usize = 50;

/// What is to be announced now of an open due date, the oldest first, and when to look again.
pub fn look(due_on: NaiveDate, told: &Told, plan: &Plan, calendar: Calendar, now: DateTime<Utc>) -> (Vec<Step>, Option<DateTime<Utc>>) {
    let passes = calendar.passes_at(due_on);
    if now < passes {
        return soon(due_on, told, plan, calendar, now, passes);
    }
    let mut steps = Vec::new();
    if !told.contains(&(AnnouncementKind::Overdue, 0)) {
        steps.push(Step { at: passes, kind: AnnouncementKind::Overdue, step: 0 });
    }
    if plan.reminder_days == 0 {
        return (steps, None);
    }
    let last = told.iter().filter(|(kind, _)| *kind == AnnouncementKind::Reminder).map(|(_, n)| *n).max().unwrap_or(0);
    for number in last + 1.. {
        let days = Days::new(u64::from(plan.reminder_days) * u64::try_from(number).unwrap_or(u64::MAX).min(100_000));
        let Some(day) = due_on.checked_add_days(days) else { return (steps, None) };
        let at = calendar.passes_at(day);
        if at > now || steps.len() >= AT_ONCE {
            return (steps, Some(at));
        }
        steps.push(Step { at, kind: AnnouncementKind::Reminder, step: number });
    }
    (steps, None)
}

/// Before it has passed: the nearest of the days before. Those before that one are past already, and say nothing any more.
fn soon(
    due_on: NaiveDate,
    told: &Told,
    plan: &Plan,
    calendar: Calendar,
    now: DateTime<Utc>,
    passes: DateTime<Utc>,
) -> (Vec<Step>, Option<DateTime<Utc>>) {
    let starts = |days: u32| due_on.checked_sub_days(Days::new(days.into())).map(|day| calendar.start_of(day));
    let all: Vec<(u32, DateTime<Utc>)> = plan.due_soon_days.iter().filter_map(|days| Some((*days, starts(*days)?))).collect();
    let next = all.iter().map(|(_, at)| *at).filter(|at| *at > now).min().unwrap_or(passes).min(passes);
    let nearest = all.iter().filter(|(_, at)| *at <= now).min_by_key(|(days, _)| *days);
    let step = nearest.and_then(|(days, at)| {
        let step = i32::try_from(*days).ok()?;
        (!told.contains(&(AnnouncementKind::DueSoon, step))).then_some(Step { at: *at, kind: AnnouncementKind::DueSoon, step })
    });
    (step.into_iter().collect(), Some(next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use AnnouncementKind::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn plan(reminder_days: u32) -> Plan {
        Plan { due_soon_days: vec![3, 1], reminder_days }
    }

    fn calendar() -> Calendar {
        Calendar { zone: chrono_tz::Asia::Shanghai }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Looks whenever it is told to, from `from` on, and once more at `to`.
    fn story(due_on: NaiveDate, plan: &Plan, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<(AnnouncementKind, i32, DateTime<Utc>)> {
        let (mut told, mut all, mut now) = (Told::new(), Vec::new(), from);
        loop {
            let (steps, next) = look(due_on, &told, plan, calendar(), now);
            for step in steps {
                assert!(told.insert((step.kind, step.step)), "said twice");
                all.push((step.kind, step.step, step.at));
            }
            match next {
                Some(next) if next <= to => now = next.max(now),
                _ if now < to => now = to,
                _ => return all,
            }
        }
    }

    #[test]
    fn a_due_date_is_announced_three_days_and_a_day_before_and_when_it_has_passed() {
        let all = story(day("2026-03-31"), &plan(0), at("2026-03-01T00:00:00Z"), at("2026-05-01T00:00:00Z"));
        assert_eq!(
            all,
            [(DueSoon, 3, at("2026-03-27T16:00:00Z")), (DueSoon, 1, at("2026-03-29T16:00:00Z")), (Overdue, 0, at("2026-03-31T16:00:00Z")),]
        );
    }

    #[test]
    fn what_is_past_already_is_skipped() {
        // Made a day before: the third day before is past. Looked at after an outage: only that it has passed is news.
        let late = story(day("2026-03-31"), &plan(0), at("2026-03-30T02:00:00Z"), at("2026-05-01T00:00:00Z"));
        assert_eq!(late.iter().map(|(kind, step, _)| (*kind, *step)).collect::<Vec<_>>(), [(DueSoon, 1), (Overdue, 0)]);
        let after = story(day("2026-03-31"), &plan(0), at("2026-07-09T00:00:00Z"), at("2026-07-09T00:00:00Z"));
        assert_eq!(after, [(Overdue, 0, at("2026-03-31T16:00:00Z"))]);
    }

    #[test]
    fn reminders_come_every_so_many_days_and_after_an_outage_all_of_them_in_batches() {
        let all = story(day("2026-03-31"), &plan(7), at("2026-03-31T16:00:00Z"), at("2026-04-22T00:00:00Z"));
        assert_eq!(
            all.iter().map(|(kind, step, _)| (*kind, *step)).collect::<Vec<_>>(),
            [(Overdue, 0), (Reminder, 1), (Reminder, 2), (Reminder, 3)]
        );
        assert_eq!(all[1].2, at("2026-04-07T16:00:00Z"));
        let (first, next) = look(day("2026-03-31"), &Told::new(), &plan(1), calendar(), at("2026-12-31T00:00:00Z"));
        assert_eq!(first.len(), AT_ONCE);
        assert!(next.unwrap() < at("2026-12-31T00:00:00Z"), "there is more at once");
    }

    proptest! {
        /// However seldom somebody looks, over years: overdue once, never before the day has passed, nothing twice, in order.
        #[test]
        fn nothing_is_missed_or_said_twice(start in 0i64..15_000, looks in proptest::collection::vec(1i64..2_000_000, 1..60), back in 0i64..500_000) {
            let due_on = day("2000-01-01") + TimeDelta::days(start);
            let passes = calendar().passes_at(due_on);
            let mut now = passes - TimeDelta::days(30);
            let mut told = Told::new();
            let mut said = Vec::new();
            for seconds in looks {
                now += TimeDelta::seconds(seconds);
                // A clock that is set back repeats nothing.
                for look_at in [now, now - TimeDelta::seconds(back)] {
                    let (steps, next) = look(due_on, &told, &plan(5), calendar(), look_at);
                    prop_assert!(next.is_none_or(|next| next > look_at) || steps.len() >= AT_ONCE);
                    for step in steps {
                        prop_assert!(told.insert((step.kind, step.step)));
                        prop_assert!(step.at <= look_at);
                        prop_assert!(step.kind == DueSoon || step.at >= passes);
                        said.push(step);
                    }
                }
            }
            let overdue = said.iter().filter(|s| s.kind == Overdue).count();
            prop_assert_eq!(overdue, usize::from(now >= passes));
            let numbers: Vec<i32> = said.iter().filter(|s| s.kind == Reminder).map(|s| s.step).collect();
            prop_assert_eq!(&numbers, &(1..=i32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
        }
    }
}
