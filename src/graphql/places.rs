//! How many sockets and streams there are, in all and of each subject, on this replica. A socket that has not yet said who it is
//! has a place of another kind, few of them for one address, so that the silent keep nobody out.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::config::Settings;

/// Of all places, this part may be waiting for `connection_init`; of one address, this many.
const WAITING_PART: usize = 4;
const WAITING_OF_ADDRESS: usize = 200;

/// The places.
#[derive(Debug)]
pub struct Places {
    taken: Mutex<Taken>,
    most: usize,
    most_of_subject: usize,
}

#[derive(Debug, Default)]
struct Taken {
    known: usize,
    waiting: usize,
    of_subject: HashMap<String, usize>,
    of_address: HashMap<IpAddr, usize>,
}

/// Whose a place is.
#[derive(Debug)]
enum Whose {
    Waiting(Option<IpAddr>),
    Subject(String),
}

/// One place, given back when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    whose: Whose,
}

impl Places {
    /// As configured.
    pub fn new(settings: &Settings) -> Self {
        Self { taken: Mutex::default(), most: settings.sockets, most_of_subject: settings.sockets_per_subject }
    }

    fn inside(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a socket that has not said who it is; none where too many wait.
    pub fn wait(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Place> {
        let mut taken = self.inside();
        let crowded = address.is_some_and(|address| taken.of_address.get(&address).is_some_and(|n| *n >= WAITING_OF_ADDRESS));
        if crowded || taken.waiting >= self.most.div_ceil(WAITING_PART) {
            return None;
        }
        taken.waiting += 1;
        if let Some(address) = address {
            *taken.of_address.entry(address).or_default() += 1;
        }
        Some(Place { places: Arc::clone(self), whose: Whose::Waiting(address) })
    }

    /// A place of a subject; none where there are as many as there may be.
    pub fn take(self: &Arc<Self>, subject: &str) -> Option<Place> {
        let mut taken = self.inside();
        if taken.known >= self.most || taken.of_subject.get(subject).is_some_and(|n| *n >= self.most_of_subject) {
            return None;
        }
        taken.known += 1;
        *taken.of_subject.entry(subject.to_owned()).or_default() += 1;
        Some(Place { places: Arc::clone(self), whose: Whose::Subject(subject.to_owned()) })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        let taken = self.inside();
        taken.known + taken.waiting
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.inside();
        match &self.whose {
            Whose::Waiting(address) => {
                taken.waiting -= 1;
                if let Some(address) = address {
                    give_back(&mut taken.of_address, address);
                }
            }
            Whose::Subject(subject) => {
                taken.known -= 1;
                give_back(&mut taken.of_subject, subject);
            }
        }
    }
}

fn give_back<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
