//! Observations fold into a deployment as a set (`events.md` 24): any order and any repetition give the same.

use chrono::{DateTime, Utc};
use entity::pipeline::DeploymentStatus;

use super::told::Told;

/// What was told, and since when it is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// As told, or as received.
    pub happened_at: DateTime<Utc>,
    /// What was told.
    pub told: Told,
}

/// A deployment as its observations add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// How far it is.
    pub status: DeploymentStatus,
    /// The highest attempt.
    pub attempt: i32,
    /// First start.
    pub started_at: Option<DateTime<Utc>>,
    /// Last success, or the last end of one that never succeeded; none while it is under way.
    pub finished_at: Option<DateTime<Utc>>,
    /// Last success, even if it was rolled back or is under way again.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// When it was rolled back, if it is.
    pub rolled_back_at: Option<DateTime<Utc>>,
    /// It finished before it started.
    pub inconsistent: bool,
    /// What was told last of everything else.
    pub last: Told,
}

fn is_over(status: DeploymentStatus) -> bool {
    !matches!(status, DeploymentStatus::Queued | DeploymentStatus::Running)
}

/// Where an observation stands in the order. To be queued comes before everything else, so nothing is known of when it was only
/// received late. An end before every start belongs to the first of them, by a clock that is wrong; it does not come before it.
fn since(o: &Observed, first_start: Option<DateTime<Utc>>) -> DateTime<Utc> {
    match o.told.status {
        DeploymentStatus::Queued if o.told.at.is_none() => DateTime::<Utc>::MIN_UTC,
        status if is_over(status) => first_start.map_or(o.happened_at, |start| start.max(o.happened_at)),
        _ => o.happened_at,
    }
}

/// The start that an observation tells of.
fn start(o: &Observed) -> Option<DateTime<Utc>> {
    o.told.started_at.or((o.told.status == DeploymentStatus::Running).then_some(o.happened_at))
}

/// Folds observations; none of nothing.
pub fn fold(observed: &[Observed]) -> Option<Folded> {
    let mut all: Vec<(i32, &Observed, String)> = observed.iter().map(|o| (attempt_of(o, observed), o, o.told.digest())).collect();
    let first = observed.iter().filter_map(start).min();
    // Attempts follow each other; within one, what happened later counts, and of what happened at once the further state.
    all.sort_by(|(a, x, p), (b, y, q)| {
        (a, since(x, first), x.told.status, p, x.happened_at).cmp(&(b, since(y, first), y.told.status, q, y.happened_at))
    });
    all.dedup_by(|(a, x, p), (b, y, q)| a == b && x.happened_at == y.happened_at && p == q);
    let (_, latest, _) = all.last()?;
    let status = latest.told.status;
    let started_at = first;
    let ended = |o: &Observed| o.told.finished_at.unwrap_or(o.happened_at);
    let last_end = |of: DeploymentStatus| all.iter().filter(|(_, o, _)| o.told.status == of).map(|(_, o, _)| ended(o)).max();
    let succeeded_at = last_end(DeploymentStatus::Succeeded);
    let rolled_back_at = if status == DeploymentStatus::RolledBack { last_end(status) } else { None };
    let finished_at = match status {
        DeploymentStatus::Queued | DeploymentStatus::Running => None,
        DeploymentStatus::Succeeded | DeploymentStatus::RolledBack => succeeded_at.or(Some(ended(latest))),
        DeploymentStatus::Failed | DeploymentStatus::Canceled => Some(ended(latest)),
    };
    // A start that follows an end is a new attempt, where nobody counts them.
    let restarts =
        all.windows(2).filter(|pair| matches!(pair, [(_, a, _), (_, b, _)] if is_over(a.told.status) && !is_over(b.told.status)));
    let counted = i32::try_from(restarts.count()).unwrap_or(i32::MAX - 1) + 1;
    let attempt = all.iter().filter_map(|(_, o, _)| o.told.attempt).max().unwrap_or(counted);
    Some(Folded {
        status,
        attempt,
        started_at,
        finished_at,
        succeeded_at,
        rolled_back_at,
        inconsistent: matches!((started_at, finished_at), (Some(start), Some(end)) if end < start),
        last: merge(all.iter().map(|(_, o, _)| &o.told)),
    })
}

/// The attempt of an observation: as told, else the highest that was told until then.
fn attempt_of(o: &Observed, all: &[Observed]) -> i32 {
    let until = all.iter().filter(|other| other.happened_at <= o.happened_at).filter_map(|other| other.told.attempt);
    o.told.attempt.or(until.max()).unwrap_or(1)
}

/// Of each field what was told last: a part that leaves a field out takes nothing back.
fn merge<'a>(told: impl Iterator<Item = &'a Told>) -> Told {
    let mut last = Told::of(DeploymentStatus::Queued, "");
    for one in told {
        let Told {
            status,
            at,
            attempt,
            planned_start_at,
            planned_finish_at,
            started_at,
            finished_at,
            environment,
            tier,
            application_number,
            product,
            version,
            project,
            ref_name,
            commit,
            oldest_commit_at,
            rollback_of,
            url,
        } = one.clone();
        last = Told {
            status,
            at: at.or(last.at),
            attempt: attempt.or(last.attempt),
            planned_start_at: planned_start_at.or(last.planned_start_at),
            planned_finish_at: planned_finish_at.or(last.planned_finish_at),
            started_at: started_at.or(last.started_at),
            finished_at: finished_at.or(last.finished_at),
            environment: if environment.is_empty() { last.environment } else { environment },
            tier: tier.or(last.tier),
            application_number: application_number.or(last.application_number),
            product: product.or(last.product),
            version: version.or(last.version),
            project: project.or(last.project),
            ref_name: ref_name.or(last.ref_name),
            commit: commit.or(last.commit),
            oldest_commit_at: earliest(oldest_commit_at, last.oldest_commit_at),
            rollback_of: rollback_of.or(last.rollback_of),
            url: url.or(last.url),
        };
    }
    last
}

fn earliest(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeploymentStatus::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn at(minute: i64) -> DateTime<Utc> {
        "2026-03-28T10:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
    }

    fn saw(status: DeploymentStatus, minute: i64) -> Observed {
        let mut told = Told::of(status, "production");
        match status {
            Queued => told.at = Some(at(minute)),
            Running => told.started_at = Some(at(minute)),
            _ => told.finished_at = Some(at(minute)),
        }
        Observed { happened_at: told.happened_at(at(minute)), told }
    }

    /// Planned, queued, started, failed, started again, succeeded, rolled back (issue and `events.md` 24).
    fn story() -> Vec<Observed> {
        let mut planned = saw(Queued, 0);
        planned.told.planned_start_at = Some(at(2));
        planned.told.planned_finish_at = Some(at(30));
        vec![planned, saw(Queued, 1), saw(Running, 2), saw(Failed, 10), saw(Running, 12), saw(Succeeded, 25), saw(RolledBack, 40)]
    }

    fn permutations(of: Vec<Observed>) -> Vec<Vec<Observed>> {
        if of.len() <= 1 {
            return vec![of];
        }
        let mut all = Vec::new();
        for index in 0..of.len() {
            let mut rest = of.clone();
            let first = rest.remove(index);
            for mut tail in permutations(rest) {
                tail.push(first.clone());
                all.push(tail);
            }
        }
        all
    }

    #[test]
    fn the_story_ends_the_same_in_every_order() {
        let end = fold(&story()).unwrap();
        assert_eq!(end.status, RolledBack);
        assert_eq!((end.started_at, end.finished_at, end.rolled_back_at), (Some(at(2)), Some(at(25)), Some(at(40))));
        assert_eq!((end.attempt, end.inconsistent), (2, false));
        assert_eq!((end.last.planned_start_at, end.last.planned_finish_at), (Some(at(2)), Some(at(30))));
        let all = permutations(story());
        assert_eq!(all.len(), 5_040);
        for order in all {
            assert_eq!(fold(&order).unwrap(), end);
        }
    }

    #[test]
    fn every_prefix_says_how_far_it_is() {
        let story = story();
        let status = |n: usize| fold(&story[..n]).unwrap().status;
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(status), [Queued, Queued, Running, Failed, Running, Succeeded, RolledBack]);
        assert_eq!(fold(&story[..5]).unwrap().finished_at, None, "it is under way again");
        assert_eq!(fold(&[]), None);
    }

    #[test]
    fn an_end_before_the_start_is_inconsistent() {
        assert!(fold(&[saw(Running, 10), saw(Succeeded, 5), saw(Succeeded, 5)]).unwrap().inconsistent);
    }

    #[test]
    fn a_plan_that_comes_late_takes_nothing_back() {
        let planned = Observed { happened_at: at(50), told: Told { planned_start_at: Some(at(1)), ..Told::of(Queued, "production") } };
        let end = fold(&[saw(Running, 2), saw(Succeeded, 25), planned]).unwrap();
        assert_eq!((end.status, end.last.planned_start_at), (Succeeded, Some(at(1))));
    }

    #[test]
    fn counted_attempts_win_over_a_clock_that_is_wrong() {
        let mut first = saw(Failed, 30);
        first.told.attempt = Some(1);
        let mut second = saw(Running, 20);
        second.told.attempt = Some(2);
        let end = fold(&[first, second]).unwrap();
        assert_eq!((end.status, end.attempt), (Running, 2));
    }

    proptest! {
        #[test]
        fn any_repetition_in_any_order_ends_the_same(picks in proptest::collection::vec(0usize..7, 1..30), seed in any::<u64>()) {
            let story = story();
            let mut seen: Vec<usize> = picks.clone();
            seen.sort_unstable();
            seen.dedup();
            let once: Vec<Observed> = seen.iter().map(|i| story[*i].clone()).collect();
            let mut many: Vec<Observed> = picks.iter().map(|i| story[*i].clone()).collect();
            let turn = usize::try_from(seed).unwrap_or(0) % many.len().max(1);
            many.rotate_left(turn);
            prop_assert_eq!(fold(&once), fold(&many));
        }

        #[test]
        fn what_is_told_without_times_folds_the_same_in_any_order(
            list in proptest::collection::vec((0usize..6, 0i64..5, proptest::option::of(1i32..4)), 1..8).prop_shuffle(),
        ) {
            let of = |(status, minute, attempt): &(usize, i64, Option<i32>)| {
                let mut told = Told::of([Queued, Running, Canceled, Failed, Succeeded, RolledBack][*status], "production");
                told.attempt = *attempt;
                Observed { happened_at: at(*minute), told }
            };
            let forward: Vec<Observed> = list.iter().map(of).collect();
            let backward: Vec<Observed> = list.iter().rev().map(of).collect();
            prop_assert_eq!(fold(&forward), fold(&backward));
        }
    }
}
