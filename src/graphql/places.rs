//! How many sockets and streams there are, in all and of each subject, on this replica.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::config::Settings;

/// The places.
#[derive(Debug)]
pub struct Places {
    taken: AtomicUsize,
    of_subject: Mutex<HashMap<String, usize>>,
    most: usize,
    most_of_subject: usize,
}

/// One place, given back when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    subject: Option<String>,
}

impl Places {
    /// As configured.
    pub fn new(settings: &Settings) -> Self {
        let (most, most_of_subject) = (settings.sockets, settings.sockets_per_subject);
        Self { taken: AtomicUsize::new(0), of_subject: Mutex::default(), most, most_of_subject }
    }

    /// Takes a place, if there is one.
    pub fn take(self: &Arc<Self>) -> Option<Place> {
        if self.taken.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.taken.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Place { places: Arc::clone(self), subject: None })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Place {
    /// Says whose it is; false where they have as many as they may.
    pub fn belongs_to(&mut self, subject: &str) -> bool {
        let mut all = self.places.of_subject.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(subject.to_owned()).or_default();
        if *taken >= self.places.most_of_subject {
            return false;
        }
        *taken += 1;
        self.subject = Some(subject.to_owned());
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.fetch_sub(1, Ordering::Relaxed);
        let Some(subject) = self.subject.take() else { return };
        let mut all = self.places.of_subject.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&subject) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&subject);
            }
        }
    }
}
