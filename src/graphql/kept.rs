//! A bounded memory of texts: the ones used least lately go first when their sizes come to more than is allowed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

/// Values by text.
pub struct Kept<V> {
    inside: Mutex<Inside<V>>,
    most: usize,
}

struct Inside<V> {
    entries: LruCache<Arc<str>, (V, usize)>,
    size: usize,
}

impl<V: Clone> Kept<V> {
    /// Keeps at most `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { inside: Mutex::new(Inside { entries: LruCache::unbounded(), size: 0 }), most }
    }

    fn inside(&self) -> MutexGuard<'_, Inside<V>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept under this text.
    pub fn get(&self, key: &str) -> Option<V> {
        self.inside().entries.get(key).map(|(value, _)| value.clone())
    }

    /// Keeps a value that takes `size` bytes, unless it alone would take more than an eighth of all.
    pub fn put(&self, key: Arc<str>, value: V, size: usize) {
        if size > self.most / 8 {
            return;
        }
        let mut inside = self.inside();
        inside.size += size;
        if let Some((_, (_, replaced))) = inside.entries.push(key, (value, size)) {
            inside.size -= replaced;
        }
        while inside.size > self.most {
            let Some((_, (_, gone))) = inside.entries.pop_lru() else { break };
            inside.size -= gone;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_never_keeps_more_than_it_may(puts in prop::collection::vec((0..40u8, 0..200usize), 1..200)) {
            let kept = Kept::new(1_000);
            for (key, size) in puts {
                kept.put(key.to_string().into(), key, size);
                let inside = kept.inside();
                let sum: usize = inside.entries.iter().map(|(_, (_, size))| size).sum();
                prop_assert_eq!(sum, inside.size);
                prop_assert!(sum <= 1_000);
            }
        }
    }
}
