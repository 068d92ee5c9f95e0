//! What is dear waits its turn: a dashboard with a hundred panels shall not starve those who edit. Bounds what one subject, and what
//! all together, run at once in this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// Requests for figures that one subject runs at once; the others wait.
const EACH: usize = 2;
/// Subjects after which those that run nothing are forgotten.
const FORGET_AFTER: usize = 1_000;

/// The turns.
pub struct Turns {
    all: Arc<Semaphore>,
    subjects: Mutex<HashMap<String, Arc<Semaphore>>>,
    patience: Duration,
}

/// A turn; it ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Turns {
    /// All together take at most half of so many connections, and nobody waits longer than `patience`.
    pub fn new(connections: u32, patience: Duration) -> Self {
        let half = usize::try_from(connections / 2).unwrap_or(1).max(1);
        Self { all: Arc::new(Semaphore::new(half)), subjects: Mutex::default(), patience }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// `RATE_LIMITED` when the subject's others take too long, `SERVICE_UNAVAILABLE` when everybody's do.
    pub async fn take(&self, subject: &str) -> Result<Turn> {
        let own = {
            let mut subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
            if subjects.len() > FORGET_AFTER {
                subjects.retain(|_, turns| Arc::strong_count(turns) > 1);
            }
            Arc::clone(subjects.entry(subject.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(EACH))))
        };
        let closed = |e: tokio::sync::AcquireError| Error::internal(e);
        let own = tokio::time::timeout(self.patience, own.acquire_owned());
        let own = own.await.map_err(|_| Error::RateLimited { seconds: 1 })?.map_err(closed)?;
        let of_all = tokio::time::timeout(self.patience, Arc::clone(&self.all).acquire_owned());
        let of_all = of_all.await.map_err(|_| Error::Unavailable("too many requests for figures wait".into()))?.map_err(closed)?;
        Ok(Turn { _own: own, _of_all: of_all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_subject_waits_for_its_own_and_not_another() {
        let turns = Turns::new(20, Duration::from_secs(5));
        let held = [turns.take("a").await.unwrap(), turns.take("a").await.unwrap()];
        assert!(matches!(turns.take("a").await, Err(Error::RateLimited { .. })));
        turns.take("b").await.unwrap();
        drop(held);
        turns.take("a").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn all_together_leave_half_of_the_connections() {
        let turns = Turns::new(4, Duration::from_secs(5));
        let _held = [turns.take("a").await.unwrap(), turns.take("b").await.unwrap()];
        assert!(matches!(turns.take("c").await, Err(Error::Unavailable(_))));
    }
}
