//! One program run on one event: every field is walked to at most once, every shared predicate decided at most once.

use std::cell::OnceCell;

use serde_json::Value;

use super::field::{Found, Root};
use super::hash::{self, NONE};
use super::program::{Plan, Predicate, Program};
use super::test::Test;
use super::trie::Trie;
use crate::model::event::Event;
use crate::model::path::Document;

/// What outlives an event: memos stamped with the number of the run that wrote them, so that nothing need be cleared.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    epoch: u32,
    /// Per field the epoch and the number of its slot.
    fields: Vec<(u32, u32)>,
    /// Per memo the epoch and the verdict in the lowest bit.
    memos: Vec<u32>,
    /// Per word of an automaton the visit that last met it.
    words: Vec<u32>,
    visit: u32,
    /// The positions of the actions that match.
    pub(super) hits: Vec<u32>,
}

/// The parts of the document that exist only when something asks for them.
#[derive(Debug)]
pub(super) struct Roots<'a> {
    event: &'a Event,
    document: OnceCell<Document<'a>>,
    event_type: OnceCell<Value>,
    tenant: OnceCell<Value>,
}

impl<'a> Roots<'a> {
    /// Those of `event`.
    pub(super) const fn new(event: &'a Event) -> Self {
        Self { event, document: OnceCell::new(), event_type: OnceCell::new(), tenant: OnceCell::new() }
    }

    fn value(&self, root: Root) -> Option<&Value> {
        match root {
            Root::Data => Some(&self.event.data),
            Root::Metadata | Root::Context => Some(&self.event.metadata),
            Root::EventType => Some(self.event_type.get_or_init(|| Value::String(self.event.event_type.clone()))),
            Root::Tenant => Some(self.tenant.get_or_init(|| Value::String(self.event.tenant_id.clone()))),
            Root::Header => self.document.get_or_init(|| Document::new(self.event)).resolve("event").first().copied(),
        }
    }
}

/// What a field has in the event at hand.
#[derive(Clone, Copy, Debug)]
struct Slot<'a> {
    values: Values<'a>,
    hashes: Hashes,
}

#[derive(Clone, Copy, Debug)]
enum Values<'a> {
    One(&'a Value),
    /// A span of `Run::many`.
    Span(u32, u32),
}

/// The hashes of a slot's values, in rising order, each once.
#[derive(Clone, Copy, Debug)]
enum Hashes {
    /// Nobody asked yet.
    Unknown,
    /// That of the only value.
    One(u64),
    /// A span of `Run::hashes`.
    Span(u32, u32),
}

/// A program at work on an event.
#[derive(Debug)]
pub(super) struct Run<'a, 'e> {
    program: &'a Program,
    roots: &'a Roots<'e>,
    scratch: &'a mut Scratch,
    slots: Vec<Slot<'a>>,
    many: Vec<&'a Value>,
    hashes: Vec<u64>,
    present: Option<Vec<u32>>,
}

impl Scratch {
    fn begin(&mut self, program: &Program) {
        self.epoch += 1;
        if self.epoch > u32::MAX >> 1 {
            self.epoch = 1;
            self.fields.clear();
            self.memos.clear();
        }
        if self.fields.len() < program.fields.len() {
            self.fields.resize(program.fields.len(), (0, 0));
        }
        if self.memos.len() < program.memos as usize {
            self.memos.resize(program.memos as usize, 0);
        }
    }
}

impl<'a, 'e> Run<'a, 'e> {
    /// Begins; what an earlier run left in `scratch` counts no more.
    pub(super) fn new(program: &'a Program, roots: &'a Roots<'e>, scratch: &'a mut Scratch) -> Self {
        scratch.begin(program);
        Self { program, roots, scratch, slots: Vec::new(), many: Vec::new(), hashes: Vec::new(), present: None }
    }

    /// The event.
    pub(super) const fn event(&self) -> &'e Event {
        self.roots.event
    }

    /// Whether all literals of a plan hold.
    pub(super) fn plan(&mut self, plan: &Plan) -> bool {
        let program = self.program;
        program.literals(plan).iter().all(|l| self.literal(*l))
    }

    /// Whether one literal holds.
    pub(super) fn literal(&mut self, literal: u32) -> bool {
        let (predicate, negated) = self.program.predicate(literal);
        if predicate.memo == NONE {
            return self.decide(predicate) != negated;
        }
        let memo = self.scratch.memos[predicate.memo as usize];
        let holds = if memo >> 1 == self.scratch.epoch {
            memo & 1 == 1
        } else {
            let holds = self.decide(predicate);
            self.scratch.memos[predicate.memo as usize] = self.scratch.epoch << 1 | u32::from(holds);
            holds
        };
        holds != negated
    }

    fn decide(&mut self, predicate: &'a Predicate) -> bool {
        match &predicate.test {
            Test::Always => true,
            Test::All(literals) => literals.iter().all(|l| self.literal(*l)),
            Test::Any(literals) => literals.iter().any(|l| self.literal(*l)),
            test => {
                let slot = self.slot(predicate.field);
                test.holds(self.values(slot))
            }
        }
    }

    /// The slot of a field, filled.
    pub(super) fn slot(&mut self, field: u32) -> usize {
        let (epoch, slot) = self.scratch.fields[field as usize];
        if epoch == self.scratch.epoch { slot as usize } else { self.fill(field) }
    }

    fn fill(&mut self, number: u32) -> usize {
        let field = &self.program.fields[number as usize];
        let start = self.many.len() as u32;
        let found = self.roots.value(field.root).map_or(Found::Missing, |at| field.resolve(at, &mut self.many));
        let values = match found {
            Found::One(value) => Values::One(value),
            Found::Missing => Values::Span(start, start),
            Found::Many => Values::Span(start, self.many.len() as u32),
        };
        let slot = self.slots.len();
        self.slots.push(Slot { values, hashes: Hashes::Unknown });
        self.scratch.fields[number as usize] = (self.scratch.epoch, slot as u32);
        slot
    }

    /// The values in a slot.
    pub(super) fn values(&self, slot: usize) -> &[&'a Value] {
        match &self.slots[slot].values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Span(start, end) => &self.many[*start as usize..*end as usize],
        }
    }

    /// The value at a position in a slot.
    pub(super) fn value(&self, slot: usize, position: usize) -> Option<&'a Value> {
        self.values(slot).get(position).copied()
    }

    /// Calls `found` with every hash among the values of a field. Lists and objects count only where some condition has one.
    pub(super) fn each_hash(&mut self, field: u32, slot: usize, mut found: impl FnMut(&mut Self, u64)) {
        match self.hashes(field, slot) {
            Hashes::Unknown => {}
            Hashes::One(hash) => found(self, hash),
            Hashes::Span(start, end) => {
                for at in start..end {
                    let hash = self.hashes[at as usize];
                    found(self, hash);
                }
            }
        }
    }

    fn hashes(&mut self, field: u32, slot: usize) -> Hashes {
        let Slot { values, hashes: Hashes::Unknown } = self.slots[slot] else { return self.slots[slot].hashes };
        let deep = self.program.fields[field as usize].deep;
        let counts = |v: &Value| deep || !(v.is_array() || v.is_object());
        let hashes = match values {
            Values::One(value) if counts(value) => Hashes::One(hash::of_value(value)),
            Values::One(_) => Hashes::Span(0, 0),
            Values::Span(start, end) => {
                let mut fresh: Vec<u64> = self.many[start as usize..end as usize].iter().filter(|v| counts(v)).map(|v| hash::of_value(v)).collect();
                fresh.sort_unstable();
                fresh.dedup();
                let start = self.hashes.len();
                self.hashes.append(&mut fresh);
                Hashes::Span(start as u32, self.hashes.len() as u32)
            }
        };
        self.slots[slot].hashes = hashes;
        hashes
    }

    /// How many fields lead anywhere in this event. `present` gives them one by one.
    pub(super) fn count_present(&mut self, trie: &Trie) -> usize {
        let roots = self.roots;
        let present = self.present.get_or_insert_with(|| {
            let mut fields = Vec::new();
            for root in Root::ALL.into_iter().filter(|r| trie.uses(*r)) {
                if let Some(value) = roots.value(root) {
                    trie.collect(root, value, &mut fields);
                }
            }
            fields.sort_unstable();
            fields.dedup();
            fields
        });
        present.len()
    }

    /// The field at a position below `count_present`.
    pub(super) fn present(&self, position: usize) -> Option<u32> {
        self.present.as_ref()?.get(position).copied()
    }

    /// Starts a visit of an automaton with so many words.
    pub(super) fn begin_words(&mut self, words: usize) {
        let scratch = &mut *self.scratch;
        scratch.visit = scratch.visit.wrapping_add(1);
        if scratch.visit == 0 {
            scratch.visit = 1;
            scratch.words.clear();
        }
        if scratch.words.len() < words {
            scratch.words.resize(words, 0);
        }
    }

    /// Whether this visit meets a word for the first time.
    pub(super) fn first_meeting(&mut self, word: usize) -> bool {
        let visit = self.scratch.visit;
        std::mem::replace(&mut self.scratch.words[word], visit) != visit
    }

    /// Notes actions that match.
    pub(super) fn hit(&mut self, positions: &[u32]) {
        self.scratch.hits.extend_from_slice(positions);
    }
}
