//! The matcher used in production: finds the actions that match an event without looking at the others.
//!
//! It agrees with `explain` on gates 1 to 5 for every input; a property test holds it to that. The way of an event:
//! `Matcher` takes the current `state`; each `segment` leads from tenant and type to a bucket of its `tree`, where `hash`ed
//! values, words and `ranges` find candidates, or a `trie` the fields that are there; `run` decides their conditions. The way of
//! an action: `compile` makes literals of a `program` of it, `test`s of `field`s against `atom`s; the `planter` files it in the
//! tree by its `keys` or otherwise, on `shelves`.

mod atom;
mod compile;
mod field;
mod hash;
mod keys;
mod planter;
mod program;
mod ranges;
mod run;
mod segment;
mod shelves;
mod state;
mod test;
mod tree;
mod trie;

use std::borrow::Borrow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard, TryLockError};

use arc_swap::ArcSwap;

use self::run::Scratch;
use self::segment::Segment;
use self::state::{Recent, State};
use crate::model::action::Action;
use crate::model::event::Event;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// All registered actions, and which of them an event starts.
///
/// Reading takes no lock but for `get` and `len`. A change is visible as soon as its call has made it, to every reader that
/// begins later, and a reader sees either all of it or none. Now and then a change is followed, in the thread that made it, by
/// work to keep later reads fast; its cost over many changes is logarithmic in the number of actions, and others may read and
/// change meanwhile.
#[derive(Debug, Default)]
pub struct Matcher {
    state: ArcSwap<State>,
    registry: RwLock<Registry>,
    merging: Mutex<()>,
}

#[derive(Debug, Default)]
struct Registry {
    by_id: HashSet<ById>,
    /// How often everything was replaced.
    generation: u64,
    /// While a merge is under way: the actions taken out since it began.
    departed: Option<Vec<Arc<Action>>>,
}

/// An action under its id.
#[derive(Debug)]
struct ById(Arc<Action>);

impl Borrow<str> for ById {
    fn borrow(&self) -> &str {
        &self.0.id
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl Matcher {
    /// A matcher without actions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces every action by those given; of several with one id the last counts.
    pub fn replace_all(&self, mut actions: Vec<Arc<Action>>) {
        let mut by_id = HashSet::with_capacity(actions.len());
        for action in &actions {
            by_id.replace(ById(Arc::clone(action)));
        }
        if by_id.len() < actions.len() {
            actions = by_id.iter().map(|entry| Arc::clone(&entry.0)).collect();
        }
        let segments = if actions.is_empty() { Vec::new() } else { vec![Arc::new(Segment::new(actions))] };
        let mut registry = self.write();
        let generation = registry.generation + 1;
        let old = std::mem::replace(&mut *registry, Registry { by_id, generation, departed: None });
        let number = self.state.load().number + 1;
        let previous = self.state.swap(Arc::new(State { number, segments, recent: Vec::new() }));
        drop(registry);
        drop((old, previous));
    }

    /// Adds an action, or replaces the one with its id. Visible at once.
    pub fn upsert(&self, action: Arc<Action>) {
        let recent = Arc::new(Recent::new(Arc::clone(&action)));
        self.change(|registry| registry.by_id.replace(ById(action)), Some(recent));
    }

    /// Takes an action out; nothing happens when there is none with this id.
    pub fn remove(&self, id: &str) {
        self.change(|registry| registry.by_id.take(id), None);
    }

    /// The action with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Action>> {
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        registry.by_id.get(id).map(|entry| Arc::clone(&entry.0))
    }

    /// Every registered action, disabled ones too, by priority, then by creation (time, id).
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Action>> {
        self.state.load().all()
    }

    /// The actions that match `event` (gates 1 to 5), by priority, then by creation (time, id).
    #[must_use]
    pub fn matching(&self, event: &Event) -> Vec<Arc<Action>> {
        let state = self.state.load();
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => state.matching(event, &mut scratch),
            Err(_) => state.matching(event, &mut Scratch::default()),
        })
    }

    /// How many actions are registered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).by_id.len()
    }

    /// Whether no action is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn write(&self) -> RwLockWriteGuard<'_, Registry> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the registry and publishes the state without the action displaced and with the one added.
    fn change(&self, exchange: impl FnOnce(&mut Registry) -> Option<ById>, added: Option<Arc<Recent>>) {
        let mut registry = self.write();
        let displaced = exchange(&mut registry);
        if displaced.is_none() && added.is_none() {
            return;
        }
        let mut next = State::clone(&self.state.load());
        next.number += 1;
        if let Some(ById(old)) = displaced {
            next.retire(&old);
            if let Some(departed) = &mut registry.departed {
                departed.push(old);
            }
        }
        if let Some(recent) = added {
            next.add(recent);
        }
        let crowded = next.crowded().is_some();
        self.state.store(Arc::new(next));
        drop(registry);
        if crowded {
            self.merge();
        }
    }

    /// Merges segments until none are crowded, unless another thread is at it. Others read and change meanwhile.
    fn merge(&self) {
        let _merging: MutexGuard<'_, ()> = match self.merging.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        loop {
            let mut registry = self.write();
            let state = self.state.load_full();
            let Some(crowded) = state.crowded() else { return };
            let generation = registry.generation;
            registry.departed = Some(Vec::new());
            drop(registry);
            let inputs = &state.segments[crowded];
            let actions: Vec<_> = inputs.iter().flat_map(|s| s.actions(state.number)).cloned().collect();
            let merged = Arc::new(Segment::new(actions));
            self.install(inputs, merged, generation);
        }
    }

    /// Puts `merged` in the place of `inputs`, less what has been taken out meanwhile.
    fn install(&self, inputs: &[Arc<Segment>], merged: Arc<Segment>, generation: u64) {
        let mut registry = self.write();
        let departed = registry.departed.take().unwrap_or_default();
        let mut next = State::clone(&self.state.load());
        let start = next.segments.iter().position(|s| inputs.first().is_some_and(|first| Arc::ptr_eq(s, first)));
        let Some(start) = start.filter(|_| registry.generation == generation) else { return };
        next.number += 1;
        for action in &departed {
            merged.retire(action, next.number);
        }
        next.segments.splice(start..start + inputs.len(), (merged.live() > 0).then_some(merged));
        self.state.store(Arc::new(next));
    }
}
