//! What makes executions wait: rate limit, concurrency and circuit breaker of an action. Per node, in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Engine;
use super::alerts::{OpenBreaker, cause_of};
use super::executor::{Finished, Job};
use crate::model::action::{Action, NewAction};
use crate::model::event::Event;
use crate::model::execution::{ErrorClass, Status};
use crate::model::{ApiError, Timestamp};

mod reset;

/// What an action has been doing on this node.
#[derive(Debug, Default)]
struct Usage {
    /// When executions started, oldest first, within the rate limit's time.
    starts: VecDeque<Instant>,
    active: u32,
    failures_in_a_row: u32,
    opened_at: Option<Instant>,
    probing: bool,
    /// The alert rule whose event caused the attempt that opened the breaker.
    cause: Option<String>,
}

/// Why an execution waits, and until when as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// An English sentence.
    pub reason: String,
    /// How long at least.
    pub at_least: Option<Duration>,
}

impl Usage {
    /// How many executions may start at `now`, at most `most`; an error says what they wait for.
    fn room(&mut self, d: &NewAction, now: Instant, most: u32) -> Result<u32, Wait> {
        let mut room = most;
        let breaker = d.breaker();
        if let Some(opened) = self.opened_at {
            let cooled = opened + Duration::from_secs(u64::from(breaker.cooldown_seconds));
            if now < cooled || self.probing {
                let reason = format!("The breaker is open after {} failures in a row; one probe goes out after {} s.", self.failures_in_a_row, breaker.cooldown_seconds);
                return Err(Wait { reason, at_least: cooled.checked_duration_since(now) });
            }
            room = 1;
        }
        if let Some(max) = d.max_concurrency {
            if self.active >= max {
                return Err(Wait { reason: format!("{max} of {max} run already."), at_least: None });
            }
            room = room.min(max - self.active);
        }
        if let Some(limit) = d.rate_limit {
            let span = Duration::from_secs(u64::from(limit.per_seconds));
            while self.starts.front().is_some_and(|t| now.duration_since(*t) >= span) {
                self.starts.pop_front();
            }
            let used = u32::try_from(self.starts.len()).unwrap_or(u32::MAX);
            if used >= limit.max {
                let at_least = self.starts.front().map(|t| span.saturating_sub(now.duration_since(*t)));
                return Err(Wait { reason: format!("{used} of {} started within {} s.", limit.max, limit.per_seconds), at_least });
            }
            room = room.min(limit.max - used);
        }
        Ok(room)
    }

    fn begin(&mut self, d: &NewAction, now: Instant) {
        self.active += 1;
        self.probing |= self.opened_at.is_some();
        if d.rate_limit.is_some() {
            self.starts.push_back(now);
        }
    }

    /// Counts the end of an attempt. Returns whether the breaker opened now.
    fn end(&mut self, d: &NewAction, failed: Option<bool>, now: Instant) -> bool {
        self.active = self.active.saturating_sub(1);
        match failed {
            None => {
                self.probing = false;
                false
            }
            Some(false) => {
                self.close();
                false
            }
            Some(true) => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                let opens = self.failures_in_a_row >= d.breaker().failures;
                let opened = opens && self.opened_at.is_none();
                if opens {
                    self.opened_at = Some(now);
                }
                self.probing = false;
                opened
            }
        }
    }

    fn is_limited(&self, d: &NewAction) -> bool {
        self.opened_at.is_some() || has_limits(d)
    }

    /// Why the breaker is open, if it is, and when the next probe goes out.
    fn why_open(&self, d: &NewAction, now: Instant) -> Option<String> {
        let opened = self.opened_at?;
        let left = (opened + Duration::from_secs(u64::from(d.breaker().cooldown_seconds))).saturating_duration_since(now).as_secs();
        let next = match (self.probing, left) {
            (true, _) => "a probe is under way".to_owned(),
            (false, 0) => "the next execution is the probe".to_owned(),
            (false, left) => format!("a probe may go out in {left} s"),
        };
        Some(format!("The breaker is open after {} failures in a row; {next}.", self.failures_in_a_row))
    }

    /// Closes the breaker and forgets the failures; what runs goes on to count.
    fn close(&mut self) {
        (self.failures_in_a_row, self.opened_at, self.probing) = (0, None, false);
    }
}

fn has_limits(d: &NewAction) -> bool {
    d.rate_limit.is_some() || d.max_concurrency.is_some()
}

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
            usage.begin(&d, now);
            Ok(())
        })
    }

    /// Counts an execution that starts anyway, so that its end can be counted.
    fn begin(&self, id: &str, d: &Arc<NewAction>, now: Instant) {
        self.with(|map| map.entry(id.to_owned()).or_insert_with(|| (Usage::default(), d.clone())).0.begin(d, now));
    }

    fn end(&self, id: &str, failed: Option<bool>, now: Instant) -> bool {
        self.with(|map| {
            let Some((usage, d)) = map.get_mut(id) else { return false };
            let d = d.clone();
            usage.end(&d, failed, now)
        })
    }

    /// The actions that have limits or an open breaker now, each with how many executions may start, at most `most`.
    pub fn limited(&self, now: Instant, most: u32) -> Vec<(String, u32)> {
        self.with(|map| map.iter_mut().filter(|(_, (usage, d))| usage.is_limited(d)).map(|(id, (usage, d))| (id.clone(), usage.room(&d.clone(), now, most).unwrap_or(0))).collect())
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
        self.inner.limits.end(action_id, None, Instant::now());
    }

    /// Counts the start of an execution that the queue has claimed.
    pub(super) fn note_start(&self, job: &Job) {
        self.inner.limits.begin(&job.action_id, &job.definition, Instant::now());
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

    /// What an execution of the action would wait for now.
    pub(super) fn waits_for(&self, action_id: &str, d: &NewAction) -> Option<Wait> {
        self.inner.limits.with(|map| map.get_mut(action_id).and_then(|(usage, _)| usage.room(d, Instant::now(), 1).err()))
    }

    /// The rendered ordering key of an action for an event; an unusable template gives no key, and the attempt then says why.
    pub(super) fn ordering_key(&self, action: &Action, event: &Event) -> Option<String> {
        let template = action.definition.ordering_key.as_ref()?;
        self.render_for(action, event, template).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::{CircuitBreaker, RateLimit};
    use crate::model::handler::HandlerType;

    fn blank() -> NewAction {
        NewAction::blank(HandlerType::new("webhook"))
    }

    #[test]
    fn a_rate_limit_holds_in_any_window() {
        let d = NewAction { rate_limit: Some(RateLimit { max: 3, per_seconds: 10 }), ..blank() };
        let (mut usage, t0) = (Usage::default(), Instant::now());
        let at = |s| t0 + Duration::from_secs(s);
        for second in [0, 4, 9] {
            assert!(usage.room(&d, at(second), 1).is_ok());
            usage.begin(&d, at(second));
        }
        let wait = usage.room(&d, at(9), 5).unwrap_err();
        assert_eq!(wait.at_least, Some(Duration::from_secs(1)));
        assert_eq!(usage.room(&d, at(10), 5), Ok(1), "the first start is 10 s old");
        assert_eq!(usage.room(&d, at(14), 5), Ok(2));
    }

    #[test]
    fn a_breaker_opens_probes_and_closes() {
        let d = NewAction { circuit_breaker: Some(CircuitBreaker { failures: 2, cooldown_seconds: 60 }), ..blank() };
        let (mut usage, t0) = (Usage::default(), Instant::now());
        for expected in [false, true] {
            usage.begin(&d, t0);
            assert_eq!(usage.end(&d, Some(true), t0), expected);
        }
        assert!(usage.room(&d, t0 + Duration::from_secs(59), 9).is_err());
        assert_eq!(usage.room(&d, t0 + Duration::from_secs(60), 9), Ok(1), "one probe");
        usage.begin(&d, t0 + Duration::from_secs(60));
        assert!(usage.room(&d, t0 + Duration::from_secs(61), 9).is_err(), "only one");
        usage.end(&d, Some(true), t0 + Duration::from_secs(62));
        assert!(usage.room(&d, t0 + Duration::from_secs(121), 9).is_err(), "the cool-down begins anew");
        assert!(usage.why_open(&d, t0 + Duration::from_secs(121)).is_some_and(|why| why.contains("in 1 s")));
        usage.begin(&d, t0 + Duration::from_secs(122));
        usage.end(&d, Some(false), t0 + Duration::from_secs(123));
        assert_eq!(usage.room(&d, t0 + Duration::from_secs(123), 9), Ok(9));
        assert_eq!(usage.why_open(&d, t0 + Duration::from_secs(123)), None);
    }
}
