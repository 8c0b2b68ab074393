//! The latest changes of executions and actions, for those who watch. Bounded: who is too slow for it takes a snapshot instead.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::Engine;
use crate::model::Timestamp;
use crate::model::action::Action;
use crate::model::execution::{Execution, Status};
use crate::model::feed::{ActionChange, ActionVerb, ExecutionChange};

/// Changes of executions that are kept.
const MAX_EXECUTIONS: usize = 1_000;
/// Changes of actions that are kept.
const MAX_ACTIONS: usize = 256;
/// Most changes of executions that a node tells the others of at a time, the latest.
const MAX_TOLD: usize = 100;

/// The latest of something, numbered. Numbers begin at the time of the start, so that those of another run are known as such.
pub struct Ring<T> {
    kept: Mutex<VecDeque<(u64, Arc<T>)>>,
    last: watch::Sender<u64>,
    most: usize,
}

impl<T> Ring<T> {
    fn new(most: usize) -> Self {
        let start = u64::try_from(Timestamp::now().0).unwrap_or(0) * 1_000;
        Self { kept: Mutex::default(), last: watch::Sender::new(start), most }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(u64, Arc<T>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the next; the oldest goes when it is full.
    fn push(&self, item: T) {
        let mut kept = self.kept();
        let number = *self.last.borrow() + 1;
        kept.push_back((number, Arc::new(item)));
        if kept.len() > self.most {
            kept.pop_front();
        }
        // Under the lock, so that the numbers come in order.
        self.last.send_replace(number);
    }

    /// The number of the latest; the receiver learns when there is another.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// What came after a number, the oldest first, beside the number of the latest; `None` for it when some is forgotten, or when
    /// the number is of another run.
    #[must_use]
    pub fn since(&self, seen: u64) -> (Option<Vec<Arc<T>>>, u64) {
        let kept = self.kept();
        let last = *self.last.borrow();
        let first = kept.front().map_or(last + 1, |(number, _)| *number);
        let whole = seen <= last && seen + 1 >= first;
        (whole.then(|| kept.iter().filter(|(number, _)| *number > seen).map(|(_, item)| item.clone()).collect()), last)
    }
}

/// A change of an execution as one node tells the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    number: u64,
    change: ExecutionChange,
}

/// What the engine keeps for those who watch.
pub(super) struct Feed {
    executions: Ring<ExecutionChange>,
    actions: Ring<ActionChange>,
    /// Own changes that the other nodes do not know of yet.
    untold: Mutex<VecDeque<Told>>,
    /// The latest number heard from each other node.
    heard: Mutex<HashMap<String, u64>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { executions: Ring::new(MAX_EXECUTIONS), actions: Ring::new(MAX_ACTIONS), untold: Mutex::default(), heard: Mutex::default() }
    }
}

/// What a change of the registry means to those who watch.
fn verb_of(before: Option<&Action>, after: &Action) -> Option<ActionVerb> {
    match (before, after.deleted_at.is_some()) {
        (None, true) => None,
        (None, false) if after.version == 1 => Some(ActionVerb::Created),
        (None, false) => Some(ActionVerb::Restored),
        (Some(_), true) => Some(ActionVerb::Deleted),
        (Some(before), false) if before.version >= after.version => None,
        (Some(before), false) => Some(match (before.definition.is_enabled, after.definition.is_enabled) {
            (false, true) => ActionVerb::Enabled,
            (true, false) => ActionVerb::Disabled,
            _ => ActionVerb::Changed,
        }),
    }
}

impl Engine {
    /// The latest changes of executions: on this node at once, on others within seconds.
    #[must_use]
    pub fn execution_changes(&self) -> &Ring<ExecutionChange> {
        &self.inner.feed.executions
    }

    /// The latest changes of actions, on any node.
    #[must_use]
    pub fn action_changes(&self) -> &Ring<ActionChange> {
        &self.inner.feed.actions
    }

    /// Tells those who watch that an execution went on.
    pub(super) fn tell_of_execution(&self, change: ExecutionChange) {
        if self.db().is_shared() {
            let mut untold = self.inner.feed.untold.lock().unwrap_or_else(PoisonError::into_inner);
            let number = untold.back().map_or(0, |t| t.number).max(u64::try_from(change.at.0).unwrap_or(0) * 1_000) + 1;
            untold.push_back(Told { number, change: change.clone() });
            if untold.len() > MAX_TOLD {
                untold.pop_front();
            }
        }
        self.inner.feed.executions.push(change);
    }

    /// Tells those who watch what the registry takes over; called before it does.
    pub(super) fn tell_of_action(&self, after: &Action) {
        let before = self.inner.matcher.get(&after.id);
        if let Some(change) = verb_of(before.as_deref(), after) {
            let d = &after.definition;
            self.inner.feed.actions.push(ActionChange {
                id: after.id.clone(),
                name: d.name.clone(),
                tenant_id: d.tenant_id.clone(),
                version: after.version,
                change,
                at: after.updated_at,
            });
        }
    }

    /// What this node tells the others with its report: its latest changes. They know by the numbers what they have heard before.
    pub(super) fn told_executions(&self) -> Vec<Told> {
        self.inner.feed.untold.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Takes over what another node tells. What it told before this node listened is passed over.
    pub(super) fn hear_executions(&self, node: &str, told: Vec<Told>) {
        let Some(latest) = told.iter().map(|t| t.number).max() else { return };
        let seen = self.inner.feed.heard.lock().unwrap_or_else(PoisonError::into_inner).insert(node.to_owned(), latest);
        let begin = seen.unwrap_or_else(|| u64::try_from(Timestamp::now().0.saturating_sub(5_000)).unwrap_or(0) * 1_000);
        told.into_iter().filter(|t| t.number > begin).for_each(|t| self.inner.feed.executions.push(t.change));
    }

    /// Forgets nodes that are gone.
    pub(super) fn forget_unheard(&self, nodes: &[String]) {
        self.inner.feed.heard.lock().unwrap_or_else(PoisonError::into_inner).retain(|node, _| nodes.contains(node));
    }
}

/// What is told of an execution that somebody changed.
pub(super) fn as_it_is(x: &Execution) -> ExecutionChange {
    ExecutionChange {
        id: x.id.clone(),
        tenant_id: x.tenant_id.clone(),
        event_id: x.event_id.clone(),
        event_type: x.event_type.clone(),
        action_id: x.action_id.clone(),
        action_name: x.action_name.clone(),
        status: x.status,
        attempt: x.attempt_count,
        duration_ms: x.duration_ms,
        at: Timestamp::now(),
    }
}

/// What is told of the end of an attempt.
pub(super) fn after_attempt(job: &super::executor::Job, status: Status, duration_ms: i64) -> ExecutionChange {
    ExecutionChange {
        id: job.execution_id.clone(),
        tenant_id: job.event.tenant_id.clone(),
        event_id: job.event.id.clone(),
        event_type: job.event.event_type.clone(),
        action_id: job.action_id.clone(),
        action_name: job.definition.name.clone(),
        status,
        attempt: job.attempt,
        duration_ms: Some(duration_ms),
        at: Timestamp::now(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_forgotten_is_said() {
        let ring = Ring::new(3);
        let start = *ring.watch().borrow();
        assert_eq!(ring.since(start), (Some(Vec::new()), start));
        (1..=5).for_each(|n| ring.push(n));
        let of = |seen: u64| ring.since(seen).0.map(|items| items.iter().map(|n| **n).collect::<Vec<i32>>());
        assert_eq!((of(start + 4), of(start + 2), of(start + 1)), (Some(vec![5]), Some(vec![3, 4, 5]), None));
        assert_eq!((of(start + 5), of(start + 6), of(0)), (Some(Vec::new()), None, None), "numbers of another run");
        assert_eq!(ring.since(0).1, start + 5);
    }

    #[test]
    fn changes_of_actions_have_their_word() {
        let action = |version: i64, is_enabled: bool, deleted: bool| {
            let definition =
                serde_json::from_value(json!({"name": "A", "handler_type": "webhook", "event_types": ["a"], "configuration": {}, "is_enabled": is_enabled})).expect("an action");
            let at = Timestamp(0);
            Action { id: "a".into(), definition, version, created_at: at, updated_at: at, created_by: String::new(), deleted_at: deleted.then_some(at), health: None, stats: None }
        };
        for (before, after, verb) in [
            (None, action(1, true, false), Some(ActionVerb::Created)),
            (None, action(4, true, false), Some(ActionVerb::Restored)),
            (None, action(4, true, true), None),
            (Some(action(1, true, false)), action(1, true, false), None),
            (Some(action(1, true, false)), action(2, true, false), Some(ActionVerb::Changed)),
            (Some(action(1, true, false)), action(2, false, false), Some(ActionVerb::Disabled)),
            (Some(action(1, false, false)), action(2, true, false), Some(ActionVerb::Enabled)),
            (Some(action(1, false, false)), action(2, false, true), Some(ActionVerb::Deleted)),
        ] {
            assert_eq!(verb_of(before.as_ref(), &after), verb, "{before:?} {after:?}");
        }
    }
}
