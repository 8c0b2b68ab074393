//! The actions of one tenant and event type, filed so that an event meets few that do not match.
//!
//! A node files each of its actions in one way: under the hash of its rarest equals or in value, behind a literal that many
//! share, in an automaton by a word it needs, among sorted intervals, under a field that it needs, or plainly. What an event
//! finds is a superset; the whole plan of each action found is then decided.

use aho_corasick::AhoCorasick;
use serde_json::Value;

use super::hash::{self, NONE, Table, mix};
use super::program::{Plan, Program};
use super::ranges::Ranges;
use super::run::Run;
use super::test::Scale;
use super::trie::Trie;

/// Marks a target that is the start of a list of postings, not a node.
pub(super) const LIST: u32 = 1 << 31;
/// Marks a posting behind which the list goes on.
pub(super) const MORE: u32 = 1 << 31;
/// From this many fields on, a node asks which the event has instead of trying each.
pub(super) const MANY_FIELDS: usize = 12;

/// Actions with the same plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posting {
    pub(super) plan: Plan,
    /// The position of the action, or of several positions in `Tree::positions`.
    pub(super) first: u32,
    /// How many actions; with `MORE` when another posting follows.
    pub(super) count: u32,
}

/// Where the actions of a bucket, or of one key below it, part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// The list of those that nothing files better, or `NONE`.
    pub(super) plain: u32,
    /// The span of its guards.
    pub(super) guards: (u32, u32),
    /// The span of its branches, in the order of their fields.
    pub(super) branches: (u32, u32),
}

/// What a node files under one field. Nothing in it can match an event without that field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    pub(super) field: u32,
    /// Whether there are keys of this field in `Tree::keys`.
    pub(super) keyed: bool,
    /// Whether there are keys of elements of arrays in this field.
    pub(super) elements: bool,
    /// The list of those that just need the field, or `NONE`.
    pub(super) present: u32,
    /// Positions in `Tree::ranges`, or `NONE`: by number and by date-time.
    pub(super) ranges: [u32; 2],
    /// The span in `Tree::words`.
    pub(super) words: (u32, u32),
}

/// Words that strings must have in them, and per word the list of actions.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) automaton: AhoCorasick,
    pub(super) lists: Box<[u32]>,
}

/// All nodes of an index.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) branches: Vec<Branch>,
    /// Literals, and the targets of which they must hold.
    pub(super) guards: Vec<(u32, u32)>,
    pub(super) postings: Vec<Posting>,
    pub(super) positions: Vec<u32>,
    /// From a value's hash with its field, and the node, to the target.
    pub(super) keys: Table,
    /// With each the posting of its first interval.
    pub(super) ranges: Vec<(Ranges, u32)>,
    pub(super) words: Vec<Words>,
    /// Only when some node has many fields.
    pub(super) trie: Option<Trie>,
}

/// The key under which a value's hash is filed.
pub(super) const fn key(field: u32, hash: u64) -> u64 {
    mix(hash, field as u64)
}

/// The key under which the hash of an array's element is filed.
pub(super) const fn element(field: u32, hash: u64) -> u64 {
    mix(hash, field as u64 | 1 << 32)
}

impl Tree {
    /// Hits every action below `target` that matches the event of `run`.
    pub(super) fn visit(&self, target: u32, run: &mut Run<'_, '_>) {
        if target & LIST != 0 {
            return self.list(target & !LIST, run);
        }
        let node = self.nodes[target as usize];
        if node.plain != NONE {
            self.list(node.plain, run);
        }
        for (literal, target) in &self.guards[node.guards.0 as usize..node.guards.1 as usize] {
            if run.literal(*literal) {
                self.visit(*target, run);
            }
        }
        let branches = &self.branches[node.branches.0 as usize..node.branches.1 as usize];
        match &self.trie {
            Some(trie) if branches.len() >= MANY_FIELDS => {
                for position in 0..run.count_present(trie) {
                    let branch = run.present(position).and_then(|field| branches.binary_search_by_key(&field, |b| b.field).ok());
                    if let Some(branch) = branch {
                        self.branch(target, &branches[branch], run);
                    }
                }
            }
            _ => branches.iter().for_each(|branch| self.branch(target, branch, run)),
        }
    }

    fn branch(&self, node: u32, branch: &Branch, run: &mut Run<'_, '_>) {
        let slot = run.slot(branch.field);
        if run.values(slot).is_empty() {
            return;
        }
        if branch.present != NONE {
            self.list(branch.present, run);
        }
        if branch.keyed {
            run.each_hash(branch.field, slot, |run, hash| self.keys.each(key(branch.field, hash), node, |target| self.visit(target, run)));
        }
        for (scale, ranges) in [Scale::Numbers, Scale::Instants].into_iter().zip(branch.ranges) {
            if let Some((ranges, first)) = self.ranges.get(ranges as usize) {
                self.ranges(scale, ranges, *first, slot, run);
            }
        }
        for words in &self.words[branch.words.0 as usize..branch.words.1 as usize] {
            self.words(words, slot, run);
        }
        if branch.elements {
            self.elements(node, branch.field, slot, run);
        }
    }

    fn elements(&self, node: u32, field: u32, slot: usize, run: &mut Run<'_, '_>) {
        let mut hashes: Vec<u64> = run.values(slot).iter().filter_map(|v| v.as_array()).flatten().map(hash::of_value).collect();
        hashes.sort_unstable();
        hashes.dedup();
        for hash in hashes {
            self.keys.each(element(field, hash), node, |target| self.visit(target, run));
        }
    }

    /// Gt may hold for one value and lt for another, so what must overlap is the whole span of the values.
    fn ranges(&self, scale: Scale, ranges: &Ranges, first: u32, slot: usize, run: &mut Run<'_, '_>) {
        let places = run.values(slot).iter().filter_map(|v| scale.place(v));
        let (least, most) = places.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), p| (least.min(p), most.max(p)));
        if least <= most {
            ranges.each(least, most, |n| {
                self.posting(first + n, run);
            });
        }
    }

    fn words(&self, words: &Words, slot: usize, run: &mut Run<'_, '_>) {
        run.begin_words(words.lists.len());
        let mut position = 0;
        while let Some(value) = run.value(slot, position) {
            match value {
                Value::String(text) => self.search(words, text, run),
                Value::Array(items) => items.iter().filter_map(Value::as_str).for_each(|text| self.search(words, text, run)),
                _ => {}
            }
            position += 1;
        }
    }

    fn search(&self, words: &Words, text: &str, run: &mut Run<'_, '_>) {
        for found in words.automaton.find_overlapping_iter(text) {
            let word = found.pattern().as_usize();
            if run.first_meeting(word) {
                self.list(words.lists[word], run);
            }
        }
    }

    fn list(&self, mut at: u32, run: &mut Run<'_, '_>) {
        while self.posting(at, run) & MORE != 0 {
            at += 1;
        }
    }

    /// Decides one posting; returns its count field.
    fn posting(&self, at: u32, run: &mut Run<'_, '_>) -> u32 {
        let posting = &self.postings[at as usize];
        if run.plan(&posting.plan) {
            match posting.count & !MORE {
                1 => run.hit(&[posting.first]),
                count => run.hit(&self.positions[posting.first as usize..(posting.first + count) as usize]),
            }
        }
        posting.count
    }

    /// Builds what only whole trees need and gives back spare room.
    pub(super) fn seal(&mut self, program: &Program) {
        if self.nodes.iter().any(|n| (n.branches.1 - n.branches.0) as usize >= MANY_FIELDS) {
            self.trie = Some(Trie::new(&program.fields));
        }
        self.nodes.shrink_to_fit();
        self.branches.shrink_to_fit();
        self.guards.shrink_to_fit();
        self.postings.shrink_to_fit();
        self.positions.shrink_to_fit();
    }
}
