//! One immutable index over a set of actions: event types and tenants to buckets, buckets to the tree.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering as Memory};
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use super::compile::Compiler;
use super::hash::{Table, mix};
use super::planter::Planter;
use super::program::{Plan, Program};
use super::run::{Roots, Run, Scratch};
use super::tree::Tree;
use crate::model::action::{Action, NewAction};

/// The number of the pattern `*`.
const EVERYTHING: u32 = 0;
/// The number of no tenant.
const PLATFORM: u32 = 0;

/// An index over actions in the order in which they run.
#[derive(Debug)]
pub(super) struct Segment {
    actions: Box<[Arc<Action>]>,
    program: Program,
    tree: Tree,
    catalogue: Catalogue,
    /// Per action the state since which it is gone; 0 while it is not. Made when the first goes.
    gone: OnceLock<Box<[AtomicU64]>>,
    gone_count: AtomicUsize,
}

/// Tenants and patterns by number, and the target for each pair of them.
#[derive(Debug, Default)]
struct Catalogue {
    tenants: FxHashMap<Box<str>, u32>,
    platform: bool,
    everything: bool,
    exact: FxHashMap<Box<str>, u32>,
    prefixes: FxHashMap<Box<str>, u32>,
    buckets: Table,
}

/// The order in which actions run: priority, creation, id.
pub(super) fn order(a: &Action, b: &Action) -> Ordering {
    let key = |x: &Action| (x.definition.priority, x.created_at);
    key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
}

/// Whether gate 1 is open.
pub(super) const fn is_on(action: &Action) -> bool {
    action.definition.is_enabled && action.deleted_at.is_none()
}

const fn pair(tenant: u32, pattern: u32) -> u64 {
    (tenant as u64) << 32 | pattern as u64
}

impl Catalogue {
    /// The numbers of an action's tenant and patterns; new ones are given out on the way.
    fn file(&mut self, action: &NewAction, mut filed: impl FnMut(u64)) {
        let tenant = match &action.tenant_id {
            None => {
                self.platform = true;
                PLATFORM
            }
            Some(tenant) => number(&mut self.tenants, tenant, 1),
        };
        if action.event_types.iter().any(|p| p == "*") {
            self.everything = true;
            return filed(pair(tenant, EVERYTHING));
        }
        for pattern in &action.event_types {
            // Odd numbers are types, even ones prefixes.
            filed(pair(
                tenant,
                match pattern.strip_suffix(".*") {
                    Some(prefix) => number(&mut self.prefixes, prefix, 1) * 2,
                    None => number(&mut self.exact, pattern, 0) * 2 + 1,
                },
            ));
        }
    }

    /// Visits the buckets that an event belongs to.
    fn each(&self, tenant: &str, event_type: &str, mut visit: impl FnMut(u32)) {
        let tenant = self.tenants.get(tenant).copied();
        if tenant.is_none() && !self.platform {
            return;
        }
        let mut pattern = |pattern: u32| {
            for tenant in tenant.into_iter().chain(self.platform.then_some(PLATFORM)) {
                if let Some(target) = self.buckets.get(mix(pair(tenant, pattern), 0), 0) {
                    visit(target);
                }
            }
        };
        if self.everything {
            pattern(EVERYTHING);
        }
        if let Some(exact) = self.exact.get(event_type) {
            pattern(exact * 2 + 1);
        }
        if self.prefixes.is_empty() {
            return;
        }
        for (dot, _) in event_type.match_indices('.').filter(|(dot, _)| dot + 1 < event_type.len()) {
            if let Some(prefix) = self.prefixes.get(&event_type[..dot]) {
                pattern(prefix * 2);
            }
        }
    }
}

/// The number of a name, counted from `base`.
fn number(names: &mut FxHashMap<Box<str>, u32>, name: &str, base: u32) -> u32 {
    if let Some(&number) = names.get(name) {
        return number;
    }
    let number = names.len() as u32 + base;
    names.insert(name.into(), number);
    number
}

impl Segment {
    /// The index over `actions`, no two of which have the same id. At most 2^31.
    pub(super) fn new(mut actions: Vec<Arc<Action>>) -> Self {
        actions.sort_by(|a, b| order(a, b));
        let mut catalogue = Catalogue::default();
        let mut filed: Vec<(u64, u32)> = Vec::with_capacity(actions.len());
        for (position, action) in actions.iter().enumerate().filter(|(_, a)| is_on(a)) {
            catalogue.file(&action.definition, |pair| filed.push((pair, position as u32)));
        }
        filed.sort_unstable();
        filed.dedup();
        let mut spread = vec![0; actions.len()];
        let mut plans = vec![Plan::IMPOSSIBLE; actions.len()];
        let mut compiler = Compiler::new();
        for (_, position) in &filed {
            let position = *position as usize;
            if spread[position] == 0 {
                plans[position] = compiler.action(&actions[position].definition);
            }
            spread[position] += 1;
        }
        let program = compiler.finish();
        let mut planter = Planter::new(&program, &plans, &spread);
        for bucket in filed.chunk_by(|a, b| a.0 == b.0) {
            let positions: Vec<u32> = bucket.iter().map(|f| f.1).filter(|p| plans[*p as usize] != Plan::IMPOSSIBLE).collect();
            if !positions.is_empty() {
                let target = planter.plant(positions);
                catalogue.buckets.insert(mix(bucket[0].0, 0), 0, target);
            }
        }
        let tree = planter.finish();
        Self { actions: actions.into(), program, tree, catalogue, gone: OnceLock::new(), gone_count: AtomicUsize::new(0) }
    }

    /// Fills `scratch.hits` with the positions of the matching actions, in the order in which they run.
    pub(super) fn find(&self, roots: &Roots<'_>, scratch: &mut Scratch) {
        scratch.hits.clear();
        let mut run = Run::new(&self.program, roots, scratch);
        let event = run.event();
        self.catalogue.each(&event.tenant_id, &event.event_type, |target| self.tree.visit(target, &mut run));
        if scratch.hits.len() > 1 {
            scratch.hits.sort_unstable();
            scratch.hits.dedup();
        }
    }

    /// The action at a position, unless it was gone before the state numbered `seen`.
    pub(super) fn action(&self, position: u32, seen: u64) -> Option<&Arc<Action>> {
        let gone = self.gone.get().map_or(0, |gone| gone[position as usize].load(Memory::Relaxed));
        (gone == 0 || gone > seen).then(|| &self.actions[position as usize])
    }

    /// All actions that were not gone before the state numbered `seen`, in order.
    pub(super) fn actions(&self, seen: u64) -> impl Iterator<Item = &Arc<Action>> {
        (0..self.actions.len() as u32).filter_map(move |p| self.action(p, seen))
    }

    /// Marks this very action as gone from the state numbered `state` on. False when it is not here.
    pub(super) fn retire(&self, action: &Arc<Action>, state: u64) -> bool {
        let Ok(position) = self.actions.binary_search_by(|a| order(a, action)) else { return false };
        if !Arc::ptr_eq(&self.actions[position], action) {
            return false;
        }
        let gone = self.gone.get_or_init(|| self.actions.iter().map(|_| AtomicU64::new(0)).collect());
        if gone[position].compare_exchange(0, state, Memory::Relaxed, Memory::Relaxed).is_err() {
            return false;
        }
        self.gone_count.fetch_add(1, Memory::Relaxed);
        true
    }

    /// How many actions it holds, gone ones included.
    pub(super) fn len(&self) -> usize {
        self.actions.len()
    }

    /// How many actions it holds that are not gone.
    pub(super) fn live(&self) -> usize {
        self.len().saturating_sub(self.gone_count.load(Memory::Relaxed))
    }
}
