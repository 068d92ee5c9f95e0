//! Tokens that were accepted: the signature of each is checked once, not with every request. A token is good as long as the keys are the
//! same that accepted it, and it has not expired; whatever else goes the long way, which knows why it is refused.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;

use super::{
    keys::{Key, Keys},
    token::{Identity, LEEWAY_SECONDS},
};

/// How many are remembered.
const MOST: usize = 1_024;
/// The longest that is remembered, in bytes.
const LONGEST: usize = 2_048;

/// Tokens that were accepted, by their text; those used least lately are forgotten first.
pub struct Accepted(Mutex<LruCache<String, Known>>);

#[derive(Clone)]
struct Known {
    kid: Option<String>,
    keys: Arc<Vec<Key>>,
    identity: Identity,
}

impl Default for Accepted {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(NonZeroUsize::MIN.saturating_add(MOST - 1))))
    }
}

impl Accepted {
    fn known(&self) -> MutexGuard<'_, LruCache<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom a token names that is as good as when it was accepted; `now` in seconds since 1970.
    pub async fn find(&self, token: &str, keys: &Keys, now: u64) -> Option<Identity> {
        let known = self.known().get(token).cloned()?;
        // Asked each time, as for any token: it is here that an address is asked for its keys again.
        let same = Arc::ptr_eq(&known.keys, &keys.find(known.kid.as_deref()).await);
        let lasts = known.identity.expires_at.timestamp().saturating_add(LEEWAY_SECONDS) > i64::try_from(now).ok()?;
        (same && lasts).then_some(known.identity)
    }

    /// Remembers a token that these keys accepted.
    pub fn keep(&self, token: &str, kid: Option<String>, keys: Arc<Vec<Key>>, identity: Identity) {
        if token.len() <= LONGEST {
            self.known().put(token.to_owned(), Known { kid, keys, identity });
        }
    }
}
