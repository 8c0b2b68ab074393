//! The ways in which a tree files actions, built: keys, sorted intervals, automata of words, lists.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::hash::NONE;
use super::planter::{Filed, Known, Planter, Way};
use super::program::Plan;
use super::ranges::Ranges;
use super::test::Scale;
use super::tree::{Branch, LIST, MORE, Posting, Tree, Words, element, key};

/// From so many words or intervals of one field on, they get an automaton or a sorted table.
const WORTH_SORTING: usize = 8;
/// Most words in one automaton; the time to build one grows with the square.
const MAX_WORDS: usize = 4096;

impl Planter<'_> {
    /// Everything that `node` files under one field.
    pub(super) fn branch(&mut self, node: u32, filed: &[Filed], known: &mut Known) -> Branch {
        let field = filed[0].field;
        let mut branch = Branch { field, keyed: false, elements: false, present: NONE, ranges: [NONE, NONE], words: (0, 0) };
        let mut present = Vec::new();
        for chunk in filed.chunk_by(|a, b| (a.way, a.hash) == (b.way, b.hash)) {
            let mut positions: Vec<u32> = chunk.iter().map(|f| f.position).collect();
            match chunk[0].way {
                Way::Key => {
                    branch.keyed = true;
                    let target = known.with_field(field, |known| self.target(&mut positions, known));
                    self.tree.keys.insert(key(field, chunk[0].hash), node, target);
                }
                Way::Element => {
                    branch.elements = true;
                    let list = LIST | self.list(&mut positions);
                    self.tree.keys.insert(element(field, chunk[0].hash), node, list);
                }
                Way::Word if positions.len() >= WORTH_SORTING => branch.words = self.words(field, &positions, &mut present),
                Way::Range(scale) if positions.len() >= WORTH_SORTING => branch.ranges[scale as usize] = self.ranges(field, scale, &positions),
                _ => present.extend(positions),
            }
        }
        if !present.is_empty() {
            branch.present = self.list(&mut present);
        }
        branch
    }

    /// Sorted intervals, each where all tests of the field on this scale allow it.
    fn ranges(&mut self, field: u32, scale: Scale, positions: &[u32]) -> u32 {
        let interval = |p: u32| {
            let on_scale = self.positive(p).filter(|q| q.field == field).filter_map(|q| q.test.interval()).filter(|i| i.0 == scale);
            on_scale.fold((f64::NEG_INFINITY, f64::INFINITY), |(low, high), i| (low.max(i.1), high.min(i.2)))
        };
        let mut intervals: Vec<(f64, f64, u32)> = positions.iter().map(|&p| (interval(p).0, interval(p).1, p)).collect();
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

    /// Automata of the longest word that each action needs in the field; the span they have. What they cannot take goes to `present`.
    fn words(&mut self, field: u32, positions: &[u32], present: &mut Vec<u32>) -> (u32, u32) {
        let word = |p: u32| self.positive(p).filter(|q| q.field == field).filter_map(|q| q.test.word()).max_by_key(|w| w.len()).unwrap_or_default();
        let mut needs: Vec<(&str, u32)> = positions.iter().map(|&p| (word(p), p)).collect();
        needs.sort_unstable();
        let groups: Vec<(&str, Vec<u32>)> = needs.chunk_by(|a, b| a.0 == b.0).map(|chunk| (chunk[0].0, chunk.iter().map(|n| n.1).collect())).collect();
        let start = self.tree.words.len() as u32;
        for groups in groups.chunks(MAX_WORDS) {
            let mut builder = AhoCorasick::builder();
            builder.match_kind(MatchKind::Standard).kind(Some(AhoCorasickKind::ContiguousNFA));
            match builder.build(groups.iter().map(|g| g.0)) {
                Ok(automaton) => {
                    let lists = groups.iter().map(|g| self.list(&mut g.1.clone())).collect();
                    self.tree.words.push(Words { automaton, lists });
                }
                Err(_) => present.extend(groups.iter().flat_map(|g| &g.1)),
            }
        }
        (start, self.tree.words.len() as u32)
    }

    /// A list of actions, those with the same plan together.
    pub(super) fn list(&mut self, positions: &mut [u32]) -> u32 {
        positions.sort_unstable_by(|a, b| self.literals(*a).cmp(self.literals(*b)).then(a.cmp(b)));
        let start = self.tree.postings.len() as u32;
        let (program, plans) = (self.program, self.plans);
        for chunk in positions.chunk_by(|a, b| program.literals(&plans[*a as usize]) == program.literals(&plans[*b as usize])) {
            post(&mut self.tree, plans[chunk[0] as usize], chunk);
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
