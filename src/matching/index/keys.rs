//! Which values an event must have for a predicate to hold: the keys under which actions can be filed.

use super::program::{Predicate, Program};
use super::test::Test;

/// How many keys each predicate of a program has.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    program: &'a Program,
    counts: Vec<u32>,
}

impl<'a> Keys<'a> {
    /// Counts them; a group comes after its items, so one pass does.
    pub(super) fn new(program: &'a Program) -> Self {
        let mut keys = Self { program, counts: Vec::with_capacity(program.predicates.len()) };
        for predicate in &program.predicates {
            let count = match &predicate.test {
                Test::Equals(_) => 1,
                Test::OneOf(list) => list.len() as u32,
                Test::Any(literals) => {
                    let counts: Vec<u32> = literals.iter().map(|l| keys.count(*l)).collect();
                    if counts.contains(&0) { 0 } else { counts.into_iter().fold(0, u32::saturating_add) }
                }
                Test::All(literals) => keys.narrowest(literals).map_or(0, |l| keys.count(l)),
                _ => 0,
            };
            keys.counts.push(count);
        }
        keys
    }

    /// How many keys `each` gives for a literal; none when it cannot be found by key.
    pub(super) fn count(&self, literal: u32) -> u32 {
        if literal & 1 == 1 { 0 } else { self.counts[(literal >> 1) as usize] }
    }

    /// The fields and hashes of which an event must have at least one pair for the literal to hold. Some may come twice.
    pub(super) fn each(&self, literal: u32, key: &mut dyn FnMut(u32, u64)) {
        if self.count(literal) == 0 {
            return;
        }
        let (Predicate { field, test, .. }, _) = self.program.predicate(literal);
        match test {
            Test::Equals(atom) => key(*field, atom.hash()),
            Test::OneOf(list) => list.iter().for_each(|(hash, _)| key(*field, *hash)),
            Test::Any(literals) => literals.iter().for_each(|l| self.each(*l, key)),
            Test::All(literals) => self.narrowest(literals).into_iter().for_each(|l| self.each(l, key)),
            _ => {}
        }
    }

    /// Of literals that must all hold, the one with the fewest keys.
    fn narrowest(&self, literals: &[u32]) -> Option<u32> {
        literals.iter().copied().filter(|l| self.count(*l) > 0).min_by_key(|l| self.count(*l))
    }
}
