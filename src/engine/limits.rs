//! What makes executions wait: rate limit, concurrency and circuit breaker of an action. Per node, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::Engine;
use super::alerts::{OpenBreaker, cause_of};
use super::executor::{Finished, Job};
use crate::model::action::{Action, NewAction};
use crate::model::event::Event;
use crate::model::execution::{ErrorClass, Status};
use crate::model::{ApiError, Timestamp};

mod reset;
mod usage;

pub use usage::Wait;
use usage::{Usage, has_limits};

/// The usage of every action and tenant on this node.
#[derive(Debug, Default)]
pub(super) struct Limits {
    usage: Mutex<HashMap<String, (Usage, Arc<NewAction>)>>,
    /// Events taken by tenant: the minute, and how many in it.
    events: Mutex<HashMap<String, (i64, u32)>>,
    /// The last reset of each action's breaker that this node has carried out, in Unix milliseconds.
    resets: Mutex<HashMap<String, i64>>,
}

impl Limits {
    fn with<T>(&self, f: impl FnOnce(&mut HashMap<String, (Usage, Arc<NewAction>)>) -> T) -> T {
        f(&mut self.usage.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over an action that is new or changed; what it has used counts on.
    pub fn learn(&self, action: &Action) {
        self.with(|map| {
            let definition = Arc::new(action.definition.clone());
            if action.deleted_at.is_some() {
                // Executions of a deleted action still run, by their own version, without limits.
                map.remove(&action.id);
            } else if let Some(entry) = map.get_mut(&action.id) {
                entry.1 = definition;
            } else if has_limits(&definition) {
                map.insert(action.id.clone(), (Usage::default(), definition));
            }
        });
    }

    /// Begins one execution if nothing makes it wait.
    fn try_begin(&self, action: &Action, now: Instant) -> Result<(), Wait> {
        self.with(|map| {
            // Every action has a breaker, so every start is counted.
            let (usage, d) = map.entry(action.id.clone()).or_insert_with(|| (Usage::default(), Arc::new(action.definition.clone())));
            let d = d.clone();
            usage.room(&d, now, 1)?;
            usage.begin();
            Ok(())
        })
    }

    /// Counts an execution that starts anyway, so that its end can be counted.
    fn begin(&self, id: &str, d: &Arc<NewAction>) {
        self.with(|map| map.entry(id.to_owned()).or_insert_with(|| (Usage::default(), d.clone())).0.begin());
    }

    fn end(&self, id: &str, failed: Option<bool>, now: Instant) -> bool {
        self.with(|map| {
            let Some((usage, d)) = map.get_mut(id) else { return false };
            let d = d.clone();
            usage.end(&d, failed, now)
        })
    }

    /// The actions that have limits or an open breaker now: none of them starts without [`Limits::reserve`].
    pub fn limited(&self) -> Vec<String> {
        self.with(|map| map.iter().filter(|(_, (usage, d))| usage.is_limited(d)).map(|(id, _)| id.clone()).collect())
    }

    /// Counts up to `most` starts of an action, as many as its limits have room for now, in one step. Returns how many.
    pub fn reserve(&self, id: &str, most: u32, now: Instant) -> u32 {
        self.with(|map| {
            let Some((usage, d)) = map.get_mut(id) else { return 0 };
            let room = usage.room(d, now, most).unwrap_or(0);
            for _ in 0..room {
                usage.begin();
            }
            room
        })
    }

    /// Takes back counted starts that did not happen.
    pub fn give_back(&self, id: &str, starts: usize) {
        self.with(|map| {
            if let Some((usage, _)) = map.get_mut(id) {
                (0..starts).for_each(|_| usage.give_back());
            }
        });
    }
}

impl Engine {
    /// Counts one event against its tenant's quota for this minute.
    ///
    /// # Errors
    /// 429 with the seconds until the next minute (G14).
    pub(super) fn take_event_quota(&self, tenant: &str, now: Timestamp) -> Result<(), ApiError> {
        let Some(max) = self.quotas(tenant).events_per_minute else { return Ok(()) };
        let minute = now.0.div_euclid(60_000);
        let mut events = self.inner.limits.events.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = events.entry(tenant.to_owned()).or_insert((minute, 0));
        if entry.0 != minute {
            *entry = (minute, 0);
        }
        if entry.1 >= max {
            let seconds = 60 - u64::try_from(now.0.rem_euclid(60_000) / 1000).unwrap_or(0);
            return Err(ApiError::too_many("quota_events", format!("The tenant has sent its most of {max} events in this minute."), seconds));
        }
        entry.1 += 1;
        Ok(())
    }

    /// Begins one execution of an action at once, if its limits allow; then [`Engine::after_attempt`] must follow.
    pub(super) fn may_start_at_once(&self, action: &Action) -> bool {
        let limits = &self.inner.limits;
        limits.try_begin(action, Instant::now()).is_ok()
    }

    /// Takes back a start that never happened.
    pub(super) fn give_back_start(&self, action_id: &str) {
        self.inner.limits.give_back(action_id, 1);
    }

    /// Counts the start of an execution that the queue has claimed.
    pub(super) fn note_start(&self, job: &Job) {
        self.inner.limits.begin(&job.action_id, &job.definition);
    }

    /// A counted execution starts now.
    pub(super) fn note_running(&self, action_id: &str) {
        self.inner.limits.with(|map| {
            if let Some((usage, d)) = map.get_mut(action_id) {
                usage.start(d, Instant::now());
            }
        });
    }

    /// Counts the end of an attempt for breaker and concurrency.
    pub(super) fn after_attempt(&self, job: &Job, end: Option<&Finished>) {
        let failed = end.and_then(|e| match (&e.error, e.status) {
            (_, Status::Succeeded) => Some(false),
            (Some(error), Status::Retrying | Status::Failed | Status::DeadLetter) if error.class != ErrorClass::Render => Some(true),
            _ => None,
        });
        if self.inner.limits.end(&job.action_id, failed, Instant::now()) {
            tracing::warn!(action_id = job.action_id, "breaker opened");
            let cause = cause_of(&job.event).map(str::to_owned);
            self.inner.limits.with(|map| map.get_mut(&job.action_id).map(|(usage, _)| usage.cause = cause));
            self.inner.alerts.poke();
        }
    }

    /// The breakers that are open on this node, by action.
    pub(super) fn breakers_here(&self) -> BTreeMap<String, OpenBreaker> {
        let now = Instant::now();
        let open = |usage: &Usage, d: &NewAction| {
            let why = usage.why_open(d, now)?;
            Some(OpenBreaker { why, failures: usage.failures_in_a_row, limit: d.breaker().failures, cause: usage.cause.clone() })
        };
        self.inner.limits.with(|map| map.iter().filter_map(|(id, (usage, d))| Some((id.clone(), open(usage, d)?))).collect())
    }

    /// Why the breaker of one action is open on this node, if it is.
    pub(super) fn open_breaker(&self, action_id: &str) -> Option<String> {
        self.inner.limits.with(|map| map.get(action_id).and_then(|(usage, d)| usage.why_open(d, Instant::now())))
    }

    /// How many executions of an action may start now on this node, or what they wait for. An action that never ran has its limits whole.
    pub(super) fn room_of(&self, action_id: &str, d: &NewAction) -> Result<u32, Wait> {
        let now = Instant::now();
        self.inner.limits.with(|map| map.get_mut(action_id).map_or_else(|| Usage::default().room(d, now, u32::MAX), |(usage, _)| usage.room(d, now, u32::MAX)))
    }

    /// The rendered ordering key of an action for an event; an unusable template gives no key, and the attempt then says why.
    pub(super) fn ordering_key(&self, action: &Action, event: &Event) -> Option<String> {
        let template = action.definition.ordering_key.as_ref()?;
        self.render_for(action, event, template).ok()
    }
}
