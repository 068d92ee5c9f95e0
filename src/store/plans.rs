//! Plans that tables have outgrown. PostgreSQL keeps the plans of a connection's statements and of its foreign keys' checks, and one that
//! was made while a table was empty walks it from end to end, until the next ANALYZE: with 30,000 rows that tripled what recording a
//! deployment costs. So a connection whose plans are older than an act's last eightfold growth makes them anew when it is next asked for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Acts committed by this process, and when their rows were last many more than before. Cheap to clone.
#[derive(Clone, Default)]
pub struct Plans(Arc<Mutex<Growth>>);

#[derive(Default)]
struct Growth {
    acts: BTreeMap<&'static str, u64>,
    outgrown: Option<Instant>,
}

/// Which eightfold a count is in, from 64 on: before, walking a table is as good as any other way.
fn eightfold(count: u64) -> u32 {
    count.max(8).ilog2() / 3
}

impl Plans {
    fn growth(&self) -> MutexGuard<'_, Growth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An act was committed once more; it adds rows to the same tables each time.
    pub fn committed(&self, act: &'static str) {
        let mut growth = self.growth();
        let count = growth.acts.entry(act).or_default();
        let before = eightfold(*count);
        *count += 1;
        if eightfold(*count) > before {
            growth.outgrown = Some(Instant::now());
        }
    }

    /// Whether plans of this age may be of tables that have grown since.
    pub fn outgrew(&self, age: Duration) -> bool {
        self.growth().outgrown.is_some_and(|outgrown| outgrown.elapsed() < age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_outgrown_as_often_as_an_act_grows_eightfold() {
        let plans = Plans::default();
        let old = Duration::from_secs(3_600);
        let mut outgrown = Vec::new();
        for count in 1..=5_000 {
            plans.committed("deploymentRecord");
            if plans.outgrew(old) {
                outgrown.push(count);
                plans.growth().outgrown = None;
            }
        }
        assert_eq!(outgrown, [64, 512, 4_096]);
        plans.committed("reportCreate");
        assert!(!plans.outgrew(old), "acts are counted one by one");
    }

    #[test]
    fn plans_made_since_are_good() {
        let plans = Plans::default();
        assert!(!plans.outgrew(Duration::from_secs(3_600)));
        (0..64).for_each(|_| plans.committed("deploymentRecord"));
        assert!(plans.outgrew(Duration::from_secs(3_600)));
        assert!(!plans.outgrew(Duration::ZERO));
    }
}
