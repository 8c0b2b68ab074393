//! Builds the tree: decides for every action of a node in which way it is filed there. `shelves` then builds the ways.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::hash::NONE;
use super::keys::Keys;
use super::program::{Plan, Predicate, Program};
use super::test::Scale;
use super::tree::{LIST, Node, Tree, key};

/// Up to so many actions are just listed: looking at each costs less than a search.
const FEW: usize = 6;
/// A literal that fewer actions share is not worth deciding before looking at them.
const WORTH_GUARDING: usize = 16;
/// Most keys one action is filed under, those of all its event types together.
const MAX_KEYS: usize = 4096;
/// Deepest nesting of nodes.
const MAX_DEPTH: usize = 24;

/// In which way an action is filed under a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// Under a value that the field must have.
    Key,
    /// Under a value that an array in the field must have in it.
    Element,
    /// By a word that a string must have in it.
    Word,
    /// By the interval in which a value must lie.
    Range(Scale),
    /// The field must be there.
    Present,
}

/// One action filed: by field, way and hash, so that sorting brings together what belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Filed {
    pub(super) field: u32,
    pub(super) way: Way,
    pub(super) hash: u64,
    pub(super) position: u32,
}

/// What is known of all actions of a node, since they were reached.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The fields by whose keys they were reached.
    fields: Vec<u32>,
    /// The literals found to hold on the way.
    literals: Vec<u32>,
}

impl Known {
    /// Calls `inner` with the field known too.
    pub(super) fn with_field<T>(&mut self, field: u32, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.fields.push(field);
        let result = inner(self);
        self.fields.pop();
        result
    }

    fn depth(&self) -> usize {
        self.fields.len() + self.literals.len()
    }
}

/// How often keys, fields and literals are wanted in a node.
struct Counts {
    total: usize,
    keys: FxHashMap<u64, u32>,
    fields: FxHashMap<u32, u32>,
    literals: FxHashMap<u32, u32>,
}

/// Builds the tree of one index.
#[derive(Debug)]
pub(super) struct Planter<'a> {
    pub(super) program: &'a Program,
    /// Per action its plan.
    pub(super) plans: &'a [Plan],
    /// Per action how many buckets it is in.
    spread: &'a [u32],
    keys: Keys<'a>,
    pub(super) tree: Tree,
}

impl<'a> Planter<'a> {
    /// An empty tree.
    pub(super) fn new(program: &'a Program, plans: &'a [Plan], spread: &'a [u32]) -> Self {
        Self { program, plans, spread, keys: Keys::new(program), tree: Tree::default() }
    }

    /// The tree of all buckets planted.
    pub(super) fn finish(mut self) -> Tree {
        self.tree.seal(self.program);
        self.tree
    }

    /// Plants the actions of a bucket; the target stands for them.
    pub(super) fn plant(&mut self, mut positions: Vec<u32>) -> u32 {
        self.target(&mut positions, &mut Known::default())
    }

    /// Plants actions of which something is known already.
    pub(super) fn target(&mut self, positions: &mut [u32], known: &mut Known) -> u32 {
        let first = self.literals(positions[0]);
        if positions.len() <= FEW || positions[1..].iter().all(|p| self.literals(*p) == first) {
            return LIST | self.list(positions);
        }
        let id = self.tree.nodes.len() as u32;
        self.tree.nodes.push(Node { plain: NONE, guards: (0, 0), branches: (0, 0) });
        self.tree.nodes[id as usize] = self.node(id, positions, known);
        id
    }

    pub(super) fn literals(&self, position: u32) -> &'a [u32] {
        self.program.literals(&self.plans[position as usize])
    }

    pub(super) fn positive(&self, position: u32) -> impl Iterator<Item = &'a Predicate> + use<'a> {
        self.program.positive(&self.plans[position as usize])
    }

    fn node(&mut self, id: u32, positions: &[u32], known: &mut Known) -> Node {
        let counts = self.counts(positions, known);
        let mut filed = Vec::with_capacity(positions.len());
        let mut guarded = Vec::new();
        let mut plain = Vec::new();
        for &position in positions {
            if self.by_key(position, &counts, known, &mut filed) {
                continue;
            }
            if let Some(guard) = self.guard(position, &counts) {
                guarded.push((guard, position));
            } else if let Some((field, way, hash)) = self.by_field(position, &counts, known) {
                filed.push(Filed { field, way, hash, position });
            } else {
                plain.push(position);
            }
        }
        drop(counts);
        filed.sort_unstable();
        filed.dedup();
        guarded.sort_unstable();
        let branches: Vec<_> = filed.chunk_by(|a, b| a.field == b.field).map(|chunk| self.branch(id, chunk, known)).collect();
        drop(filed);
        let guards: Vec<_> = guarded.chunk_by(|a, b| a.0 == b.0).map(|chunk| self.guarded(chunk, known)).collect();
        let plain = if plain.is_empty() { NONE } else { self.list(&mut plain) };
        Node { plain, guards: append(&mut self.tree.guards, guards), branches: append(&mut self.tree.branches, branches) }
    }

    fn guarded(&mut self, chunk: &[(u32, u32)], known: &mut Known) -> (u32, u32) {
        let mut positions: Vec<u32> = chunk.iter().map(|g| g.1).collect();
        known.literals.push(chunk[0].0);
        let target = self.target(&mut positions, known);
        known.literals.pop();
        (chunk[0].0, target)
    }

    fn counts(&self, positions: &[u32], known: &Known) -> Counts {
        let mut counts = Counts { total: positions.len(), keys: FxHashMap::default(), fields: FxHashMap::default(), literals: FxHashMap::default() };
        for &position in positions {
            for &literal in self.literals(position) {
                let (predicate, negated) = self.program.predicate(literal);
                if self.may_key(literal, position, known) {
                    self.keys.each(literal, &mut |field, hash| *counts.keys.entry(key(field, hash)).or_default() += 1);
                }
                if !negated && predicate.field != NONE {
                    *counts.fields.entry(predicate.field).or_default() += 1;
                }
                if predicate.memo != NONE && self.may_guard(literal, known) {
                    *counts.literals.entry(literal).or_default() += 1;
                }
            }
        }
        counts
    }

    /// Several keys multiply the places of an action, so they serve once on the way down, and only while there are not too many.
    fn may_key(&self, literal: u32, position: u32, known: &Known) -> bool {
        match self.keys.count(literal) as usize {
            0 => false,
            1 => known.depth() < MAX_DEPTH && !self.leads_to(literal, known),
            several => known.fields.is_empty() && several.saturating_mul(self.spread[position as usize] as usize) <= MAX_KEYS,
        }
    }

    /// Whether actions were reached by a key of this literal's fields, so that another such key tells nothing new.
    fn leads_to(&self, literal: u32, known: &Known) -> bool {
        let mut found = false;
        self.keys.each(literal, &mut |field, _| found |= known.fields.contains(&field));
        found
    }

    fn may_guard(&self, literal: u32, known: &Known) -> bool {
        known.depth() < MAX_DEPTH && !known.literals.contains(&literal) && !self.leads_to(literal, known)
    }

    /// Files an action under its rarest key, if that leaves most others out. Costs less than twice apart count as equal, so that
    /// actions agree on fields.
    fn by_key(&self, position: u32, counts: &Counts, known: &Known, filed: &mut Vec<Filed>) -> bool {
        let keyed = self.literals(position).iter().filter(|l| self.may_key(**l, position, known));
        let costs = keyed.map(|l| (self.cost(*l, counts), *l)).filter(|(cost, _)| cost * 4 <= counts.total * 3);
        let Some((_, _, literal)) = costs.map(|(cost, l)| (cost.checked_ilog2(), self.program.predicate(l).0.field, l)).min() else { return false };
        self.keys.each(literal, &mut |field, hash| filed.push(Filed { field, way: Way::Key, hash, position }));
        true
    }

    /// How many actions an event with one of the literal's keys would meet, were they all filed by it.
    fn cost(&self, literal: u32, counts: &Counts) -> usize {
        let mut cost = 0;
        self.keys.each(literal, &mut |field, hash| cost += counts.keys.get(&key(field, hash)).map_or(0, |n| *n as usize));
        cost
    }

    /// The literal that the action shares with most others, when so many share it that it is best decided first.
    fn guard(&self, position: u32, counts: &Counts) -> Option<u32> {
        let shared = self.literals(position).iter().filter_map(|l| Some((*counts.literals.get(l)?, *l)));
        let worth = WORTH_GUARDING.max(counts.total / 8);
        shared.filter(|(count, _)| *count as usize >= worth).max_by_key(|(count, l)| (*count, u32::MAX - l)).map(|(_, literal)| literal)
    }

    /// The best other way to file an action under a field that it needs: by the literal that fewest share.
    fn by_field(&self, position: u32, counts: &Counts, known: &Known) -> Option<(u32, Way, u64)> {
        let fresh = self.literals(position).iter().filter(|l| !known.literals.contains(l));
        let mut needed: Vec<_> = fresh.map(|l| (counts.literals.get(l).copied(), self.program.predicate(*l))).filter(|(_, (p, negated))| !negated && p.field != NONE).collect();
        needed.sort_by_key(|(shared, _)| *shared);
        let needed = || needed.iter().map(|(_, (p, _))| (p.field, &p.test));
        if let Some((field, _)) = needed().filter_map(|(field, test)| Some((field, test.word()?.len()))).min_by_key(|(_, len)| Reverse(*len)) {
            return Some((field, Way::Word, 0));
        }
        if let Some((field, hash)) = needed().find_map(|(field, test)| Some((field, test.element()?))) {
            return Some((field, Way::Element, hash));
        }
        if let Some((field, scale)) = needed().find_map(|(field, test)| Some((field, test.interval()?.0))) {
            return Some((field, Way::Range(scale), 0));
        }
        let rarest = needed().map(|(field, _)| field).min_by_key(|f| counts.fields.get(f).copied());
        rarest.map(|field| (field, Way::Present, 0))
    }
}

/// Appends a node's things to those of all nodes; the span they have there.
fn append<T>(all: &mut Vec<T>, own: Vec<T>) -> (u32, u32) {
    let start = all.len() as u32;
    all.extend(own);
    (start, all.len() as u32)
}
