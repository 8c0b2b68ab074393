//! Conditions as a program: fields, distinct predicates, and per action the literals that must all hold.
//!
//! A literal is twice the number of a predicate, plus one when it is negated. Predicate 0 always holds.

use super::field::Field;
use super::hash::NONE;
use super::test::Test;

/// The literal that always holds.
pub(super) const ALWAYS: u32 = 0;
/// The literal that never holds.
pub(super) const NEVER: u32 = 1;

/// A test of a field. Equal predicates of different actions are one.
#[derive(Debug)]
pub(super) struct Predicate {
    /// The number of the field; `NONE` for groups.
    pub(super) field: u32,
    /// Where the verdict on the event at hand is kept, when several actions ask; else `NONE`.
    pub(super) memo: u32,
    /// The test.
    pub(super) test: Test,
}

/// The literals of one action: a span of the program's literals, or the only one itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    start: u32,
    len: u32,
}

impl Plan {
    /// Of an action that can match no event.
    pub(super) const IMPOSSIBLE: Self = Self { start: NEVER, len: 1 };
}

/// Everything the evaluation of a set of actions needs.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// The fields that conditions and context filters look at.
    pub(super) fields: Vec<Field>,
    /// The distinct predicates.
    pub(super) predicates: Vec<Predicate>,
    /// How many of them have a memo.
    pub(super) memos: u32,
    literals: Vec<u32>,
}

impl Program {
    /// The predicate of a literal, and whether the literal negates it.
    pub(super) fn predicate(&self, literal: u32) -> (&Predicate, bool) {
        (&self.predicates[(literal >> 1) as usize], literal & 1 == 1)
    }

    /// The literals of a plan, the cheapest first.
    pub(super) fn literals<'a>(&'a self, plan: &'a Plan) -> &'a [u32] {
        match plan.len {
            1 => std::slice::from_ref(&plan.start),
            len => &self.literals[plan.start as usize..(plan.start + len) as usize],
        }
    }

    /// The predicates that must hold for a plan, without the negated ones.
    pub(super) fn positive<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a Predicate> {
        self.literals(plan).iter().filter(|l| *l & 1 == 0).map(|l| &self.predicates[(l >> 1) as usize])
    }

    /// Keeps the literals of an action, in order of cost, each once.
    pub(super) fn plan(&mut self, literals: &mut Vec<u32>) -> Plan {
        literals.sort_unstable_by_key(|l| (self.predicate(*l).0.test.cost(), *l));
        literals.dedup();
        literals.retain(|l| *l != ALWAYS);
        match **literals {
            _ if literals.contains(&NEVER) => Plan::IMPOSSIBLE,
            [only] => Plan { start: only, len: 1 },
            _ => {
                let start = self.literals.len() as u32;
                self.literals.extend_from_slice(literals);
                Plan { start, len: literals.len() as u32 }
            }
        }
    }

    /// Adds a predicate without asking whether there is one like it.
    pub(super) fn add(&mut self, field: u32, test: Test) -> u32 {
        self.predicates.push(Predicate { field, memo: NONE, test });
        self.predicates.len() as u32 - 1
    }

    /// Gives a predicate a memo, once.
    pub(super) fn share(&mut self, predicate: u32) {
        let predicate = &mut self.predicates[predicate as usize];
        if predicate.memo == NONE {
            predicate.memo = self.memos;
            self.memos += 1;
        }
    }

    /// Gives back the room that only building needed.
    pub(super) fn seal(&mut self) {
        self.fields.shrink_to_fit();
        self.predicates.shrink_to_fit();
        self.literals.shrink_to_fit();
    }
}
