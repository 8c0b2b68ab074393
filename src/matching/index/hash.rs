//! Hashing for the index: JSON values hashed the way `same` compares them, and an open table that only grows while an index is built.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use rustc_hash::FxHasher;
use serde_json::{Number, Value};

/// Secret of this process, so that nobody can choose values that crowd one corner of a table.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0_u8));

/// Folds two words into one; every bit of either reaches every bit of the result.
pub(super) const fn mix(a: u64, b: u64) -> u64 {
    let full = ((a ^ 0x2d35_8dcc_aa6c_78a5) as u128) * ((b ^ 0x8bb8_4b93_962e_acc9) as u128);
    (full as u64) ^ ((full >> 64) as u64)
}

/// The hash of a text.
pub(super) fn of_text(text: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text);
    hasher.finish()
}

/// The hash of a number. Numbers that compare equal have the same nearest double, so that is what is hashed.
pub(super) fn of_number(number: &Number) -> u64 {
    let nearest = number.as_f64().unwrap_or(0.0);
    mix(3, if nearest == 0.0 { 0 } else { nearest.to_bits() })
}

/// The hash of null.
pub(super) const fn of_null() -> u64 {
    mix(1, 1)
}

/// The hash of true or false.
pub(super) const fn of_bool(value: bool) -> u64 {
    mix(2, value as u64)
}

/// The hash of any value: equal for all values that `same` calls the same, whatever the order of their members.
pub(super) fn of_value(value: &Value) -> u64 {
    match value {
        Value::Null => of_null(),
        Value::Bool(b) => of_bool(*b),
        Value::Number(n) => of_number(n),
        Value::String(s) => of_text(s.as_bytes()),
        Value::Array(items) => items.iter().fold(mix(4, items.len() as u64), |hash, item| mix(hash.rotate_left(17), of_value(item))),
        Value::Object(map) => map.iter().fold(mix(5, map.len() as u64), |hash, (key, item)| hash.wrapping_add(mix(of_text(key.as_bytes()), of_value(item)))),
    }
}

/// Marks a free place and the absence of any index.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    owner: u32,
    target: u32,
}

const FREE: Entry = Entry { hash: 0, owner: NONE, target: NONE };

/// From a hash and an owner to targets. Keys may repeat: then every target is found.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    len: usize,
    seed: u64,
}

impl Table {
    /// Adds a target below `NONE`.
    pub(super) fn insert(&mut self, hash: u64, owner: u32, target: u32) {
        if (self.len + 1) * 8 > self.entries.len() * 5 {
            self.grow();
        }
        self.len += 1;
        self.place(Entry { hash: self.spread(hash, owner), owner, target });
    }

    /// Calls `found` with every target filed under `hash` and `owner`.
    pub(super) fn each(&self, hash: u64, owner: u32, mut found: impl FnMut(u32)) {
        if self.entries.is_empty() {
            return;
        }
        let hash = self.spread(hash, owner);
        let mask = self.entries.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let entry = &self.entries[at];
            if entry.target == NONE {
                return;
            }
            if entry.hash == hash && entry.owner == owner {
                found(entry.target);
            }
            at = (at + 1) & mask;
        }
    }

    /// The one target of a key that never repeats.
    pub(super) fn get(&self, hash: u64, owner: u32) -> Option<u32> {
        let mut target = None;
        self.each(hash, owner, |t| target = Some(t));
        target
    }

    const fn spread(&self, hash: u64, owner: u32) -> u64 {
        mix(hash, self.seed.wrapping_add(owner as u64))
    }

    fn grow(&mut self) {
        let size = (self.entries.len() * 2).max(8);
        let old = std::mem::replace(&mut self.entries, vec![FREE; size]);
        if old.is_empty() {
            self.seed = *SEED;
        }
        for entry in old.into_iter().filter(|e| e.target != NONE) {
            self.place(entry);
        }
    }

    /// Puts an entry into the first free place after its own; there always is one, since the table is never full.
    fn place(&mut self, entry: Entry) {
        let mask = self.entries.len() - 1;
        let mut at = entry.hash as usize & mask;
        while self.entries[at].target != NONE {
            at = (at + 1) & mask;
        }
        self.entries[at] = entry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::same;
    use serde_json::json;

    #[test]
    fn values_that_are_the_same_hash_alike() {
        let values = [
            json!(1),
            json!(1.0),
            json!(0),
            json!(-0.0),
            json!(9_007_199_254_740_992_u64),
            json!(9_007_199_254_740_993_u64),
            json!(9_007_199_254_740_992.0),
            json!(u64::MAX),
            json!(i64::MIN),
            json!("1"),
            json!(null),
            json!([]),
            json!([1, {"a": 2}]),
            json!([1.0, {"a": 2.0}]),
            json!({"a": 1, "b": [true]}),
            json!({"b": [true], "a": 1.0}),
        ];
        for a in &values {
            for b in &values {
                assert!(!same(a, b) || of_value(a) == of_value(b), "{a} and {b}");
            }
        }
    }

    #[test]
    fn a_table_finds_every_target_of_a_key() {
        let mut table = Table::default();
        for n in 0..1000 {
            table.insert(u64::from(n % 100), n % 2, n);
        }
        let mut found = Vec::new();
        table.each(7, 1, |t| found.push(t));
        found.sort_unstable();
        assert_eq!(found, (0..1000).filter(|n| n % 100 == 7 && n % 2 == 1).collect::<Vec<_>>());
        assert_eq!(Table::default().get(1, 1), None);
    }
}
