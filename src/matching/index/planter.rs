//! Builds the tree: decides for every action of a node in which way it is filed there.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use rustc_hash::FxHashMap;

use super::hash::NONE;
use super::keys::Keys;
use super::program::{Plan, Predicate, Program};
use super::ranges::Ranges;
use super::test::Scale;
use super::tree::{Branch, LIST, MORE, Node, Posting, Tree, Words, key};

/// Up to so many actions are just listed: looking at each costs less than a search.
const FEW: usize = 6;
/// From so many words or intervals of one field on, they get an automaton or a sorted table.
const WORTH_SORTING: usize = 8;
/// Most keys one action is filed under, those of all its event types together.
const MAX_KEYS: usize = 4096;
/// Deepest nesting of nodes.
const MAX_DEPTH: usize = 24;

/// In which way an action is filed under a field; the order in which a branch is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Key,
    Word,
    Range(Scale),
    Present,
}

/// One action filed: by field, way and hash, so that sorting brings together what belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Filed {
    field: u32,
    way: Way,
    hash: u64,
    position: u32,
}

/// Builds the tree of one index.
#[derive(Debug)]
pub(super) struct Planter<'a> {
    program: &'a Program,
    /// Per action its plan.
    plans: &'a [Plan],
    /// Per action how many buckets it is in.
    spread: &'a [u32],
    keys: Keys<'a>,
    tree: Tree,
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
        self.target(&mut positions, &mut Vec::new())
    }

    /// `used` are the fields by whose keys these actions were reached.
    fn target(&mut self, positions: &mut [u32], used: &mut Vec<u32>) -> u32 {
        let first = self.literals(positions[0]);
        if positions.len() <= FEW || positions[1..].iter().all(|p| self.literals(*p) == first) {
            return LIST | self.list(positions);
        }
        self.node(positions, used)
    }

    fn literals(&self, position: u32) -> &'a [u32] {
        self.program.literals(&self.plans[position as usize])
    }

    fn positive(&self, position: u32) -> impl Iterator<Item = &'a Predicate> + use<'a> {
        self.program.positive(&self.plans[position as usize])
    }

    fn node(&mut self, positions: &mut [u32], used: &mut Vec<u32>) -> u32 {
        let id = self.tree.nodes.len() as u32;
        self.tree.nodes.push(Node { plain: NONE, start: 0, end: 0 });
        let counts = self.counts(positions, used);
        let mut filed = Vec::with_capacity(positions.len());
        let mut plain = Vec::new();
        for &position in positions.iter() {
            if !self.file(position, &counts, used, &mut filed) {
                plain.push(position);
            }
        }
        drop(counts);
        filed.sort_unstable();
        filed.dedup();
        let branches: Vec<Branch> = filed.chunk_by_mut(|a, b| a.field == b.field).map(|chunk| self.branch(id, chunk, used)).collect();
        let start = self.tree.branches.len() as u32;
        self.tree.branches.extend(branches);
        let end = self.tree.branches.len() as u32;
        let plain = if plain.is_empty() { NONE } else { self.list(&mut plain) };
        self.tree.nodes[id as usize] = Node { plain, start, end };
        id
    }

    /// How often each key and each field is wanted.
    fn counts(&self, positions: &[u32], used: &[u32]) -> Counts {
        let mut counts = Counts { total: positions.len(), keys: FxHashMap::default(), fields: FxHashMap::default() };
        for &position in positions {
            for &literal in self.literals(position).iter().filter(|l| self.may_key(**l, position, used)) {
                self.keys.each(literal, &mut |field, hash| *counts.keys.entry(key(field, hash)).or_default() += 1);
            }
            for predicate in self.positive(position).filter(|p| p.field != NONE) {
                *counts.fields.entry(predicate.field).or_default() += 1;
            }
        }
        counts
    }

    /// Several keys multiply the places of an action, so they serve once on the way down, and only while there are not too many.
    fn may_key(&self, literal: u32, position: u32, used: &[u32]) -> bool {
        match self.keys.count(literal) as usize {
            0 => false,
            1 => {
                let mut fresh = used.len() < MAX_DEPTH;
                self.keys.each(literal, &mut |field, _| fresh &= !used.contains(&field));
                fresh
            }
            several => used.is_empty() && several.saturating_mul(self.spread[position as usize] as usize) <= MAX_KEYS,
        }
    }

    /// Files one action in the best way there is; false when there is none.
    fn file(&self, position: u32, counts: &Counts, used: &[u32], filed: &mut Vec<Filed>) -> bool {
        let keyed = self.literals(position).iter().filter(|l| self.may_key(**l, position, used));
        let rarest = keyed.map(|l| (self.cost(*l, counts), *l)).min();
        let word = self.positive(position).filter_map(|p| Some((p.test.word()?.len(), p.field))).max();
        let range = self.positive(position).find_map(|p| Some((p.test.interval()?.0, p.field)));
        let needed = self.positive(position).map(|p| p.field).filter(|f| *f != NONE).min_by_key(|f| counts.fields.get(f).copied());
        let narrows = rarest.is_some_and(|(cost, _)| cost * 4 <= counts.total * 3);
        let (way, field) = match (rarest, word, range, needed) {
            (Some((_, literal)), word, range, _) if narrows || word.is_none() && range.is_none() => {
                self.keys.each(literal, &mut |field, hash| filed.push(Filed { field, way: Way::Key, hash, position }));
                return true;
            }
            (_, Some((_, field)), ..) => (Way::Word, field),
            (_, _, Some((scale, field)), _) => (Way::Range(scale), field),
            (.., Some(field)) => (Way::Present, field),
            _ => return false,
        };
        filed.push(Filed { field, way, hash: 0, position });
        true
    }

    /// How many actions an event with one of the literal's keys would meet, were they all filed by it.
    fn cost(&self, literal: u32, counts: &Counts) -> usize {
        let mut cost = 0;
        self.keys.each(literal, &mut |field, hash| cost += counts.keys.get(&key(field, hash)).map_or(0, |n| *n as usize));
        cost
    }

    fn branch(&mut self, node: u32, filed: &mut [Filed], used: &mut Vec<u32>) -> Branch {
        let field = filed[0].field;
        let mut branch = Branch { field, keyed: false, present: NONE, ranges: [NONE, NONE], words: NONE };
        let mut present = Vec::new();
        for chunk in filed.chunk_by(|a, b| (a.way, a.hash) == (b.way, b.hash)) {
            let mut positions: Vec<u32> = chunk.iter().map(|f| f.position).collect();
            match chunk[0].way {
                Way::Key => {
                    branch.keyed = true;
                    used.push(field);
                    let target = self.target(&mut positions, used);
                    used.pop();
                    self.tree.keys.insert(key(field, chunk[0].hash), node, target);
                }
                Way::Word if positions.len() >= WORTH_SORTING => match self.words(field, &positions) {
                    Some(words) => branch.words = words,
                    None => present.extend(positions),
                },
                Way::Range(scale) if positions.len() >= WORTH_SORTING => branch.ranges[scale as usize] = self.ranges(field, scale, &positions),
                _ => present.extend(positions),
            }
        }
        if !present.is_empty() {
            branch.present = self.list(&mut present);
        }
        branch
    }

    /// Sorted intervals in which the field must lie. `None` of the predicates of other fields or scales counts.
    fn ranges(&mut self, field: u32, scale: Scale, positions: &[u32]) -> u32 {
        let mut intervals: Vec<(f64, f64, u32)> = positions.iter().map(|&p| {
            let on_scale = self.positive(p).filter(|q| q.field == field).filter_map(|q| q.test.interval()).filter(|i| i.0 == scale);
            let (low, high) = on_scale.fold((f64::NEG_INFINITY, f64::INFINITY), |(low, high), i| (low.max(i.1), high.min(i.2)));
            (low, high, p)
        }).collect();
        intervals.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)).then_with(|| self.literals(a.2).cmp(self.literals(b.2))));
        let first = self.tree.postings.len() as u32;
        let mut ends = Vec::new();
        let (program, plans) = (self.program, self.plans);
        for chunk in intervals.chunk_by(|a, b| program.literals(&plans[a.2 as usize]) == program.literals(&plans[b.2 as usize])) {
            ends.push((chunk[0].0, chunk[0].1));
            let positions: Vec<u32> = chunk.iter().map(|i| i.2).collect();
            post(&mut self.tree, self.plans[positions[0] as usize], &positions);
        }
        self.tree.ranges.push((Ranges::new(&ends), first));
        self.tree.ranges.len() as u32 - 1
    }

    /// An automaton of the longest word that each action needs in the field; `None` when it cannot be built.
    fn words(&mut self, field: u32, positions: &[u32]) -> Option<u32> {
        let word = |p: u32| self.positive(p).filter(|q| q.field == field).filter_map(|q| q.test.word()).max_by_key(|w| w.len()).unwrap_or_default();
        let mut needs: Vec<(&str, u32)> = positions.iter().map(|&p| (word(p), p)).collect();
        needs.sort_unstable();
        let groups: Vec<(&str, Vec<u32>)> = needs.chunk_by(|a, b| a.0 == b.0).map(|chunk| (chunk[0].0, chunk.iter().map(|n| n.1).collect())).collect();
        let mut builder = AhoCorasick::builder();
        let automaton = builder.match_kind(MatchKind::Standard).kind(Some(AhoCorasickKind::ContiguousNFA)).build(groups.iter().map(|g| g.0)).ok()?;
        let lists = groups.into_iter().map(|(_, mut positions)| self.list(&mut positions)).collect();
        self.tree.words.push(Words { automaton, lists });
        Some(self.tree.words.len() as u32 - 1)
    }

    /// A list of actions, those with the same plan together.
    fn list(&mut self, positions: &mut [u32]) -> u32 {
        positions.sort_unstable_by(|a, b| self.literals(*a).cmp(self.literals(*b)).then(a.cmp(b)));
        let start = self.tree.postings.len() as u32;
        let (program, plans) = (self.program, self.plans);
        for chunk in positions.chunk_by(|a, b| program.literals(&plans[*a as usize]) == program.literals(&plans[*b as usize])) {
            post(&mut self.tree, self.plans[chunk[0] as usize], chunk);
            if let Some(posting) = self.tree.postings.last_mut() {
                posting.count |= MORE;
            }
        }
        if let Some(posting) = self.tree.postings.last_mut() {
            posting.count &= !MORE;
        }
        start
    }
}

fn post(tree: &mut Tree, plan: Plan, positions: &[u32]) {
    let first = match positions {
        [only] => *only,
        _ => {
            tree.positions.extend_from_slice(positions);
            (tree.positions.len() - positions.len()) as u32
        }
    };
    tree.postings.push(Posting { plan, first, count: positions.len() as u32 });
}

/// How often values and fields are wanted in a node.
struct Counts {
    total: usize,
    keys: FxHashMap<u64, u32>,
    fields: FxHashMap<u32, u32>,
}
