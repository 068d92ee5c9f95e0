//! Chance that is always the same: SplitMix64, and ids that count up.

use sea_orm::prelude::Uuid;

/// A stream of chance.
pub struct Draw {
    state: u64,
    ids: u128,
}

impl Draw {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed, ids: 0 }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` up to and with `to`.
    pub fn between(&mut self, from: i32, to: i32) -> i32 {
        let span = u64::try_from(i64::from(to) - i64::from(from) + 1).unwrap_or(1);
        from + i32::try_from(self.next() % span).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: i32) -> bool {
        self.between(1, 100) <= chance
    }

    /// One of a list.
    pub fn one<T: Copy>(&mut self, list: &[T], otherwise: T) -> T {
        let last = i32::try_from(list.len()).unwrap_or(1) - 1;
        let index = usize::try_from(self.between(0, last.max(0))).unwrap_or(0);
        list.get(index).copied().unwrap_or(otherwise)
    }

    /// The next id: in the order of making, as version 7 has it.
    pub fn id(&mut self) -> Uuid {
        self.ids += 1;
        // Version 7, variant RFC 9562, a time long past: real ids sort after these.
        Uuid::from_u128((self.ids << 80) | (0x7u128 << 76) | (0x2u128 << 62))
    }
}
