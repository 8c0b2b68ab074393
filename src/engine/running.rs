//! The attempts under way on this node: their leases by a monotonic clock, and how to stop them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Engine;
use crate::config::{HEARTBEAT_SECONDS, LEASE_MARGIN_SECONDS, LEASE_SECONDS};
use crate::db::executions;

/// Why an attempt is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A person cancelled it.
    Cancelled,
    /// The node shuts down; the work goes back.
    Drain,
    /// The lease is lost; nothing may be written.
    LostLease,
}

struct Entry {
    attempt: u32,
    ends: Instant,
    cancel: CancellationToken,
    stopped: Option<StopReason>,
}

/// What runs here, by execution id.
#[derive(Default)]
pub struct Running {
    entries: Mutex<HashMap<String, Entry>>,
}

/// When a lease taken at `from` must be given up on this node.
#[must_use]
pub fn lease_end(from: Instant) -> Instant {
    from + Duration::from_secs(LEASE_SECONDS - LEASE_MARGIN_SECONDS)
}

impl Running {
    fn with<T>(&self, f: impl FnOnce(&mut HashMap<String, Entry>) -> T) -> T {
        f(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Enters an attempt whose lease was taken at `claimed`. The token fires when it must stop.
    pub fn enter(&self, id: &str, attempt: u32, claimed: Instant) -> CancellationToken {
        let cancel = CancellationToken::new();
        let entry = Entry { attempt, ends: lease_end(claimed), cancel: cancel.clone(), stopped: None };
        self.with(|e| e.insert(id.to_owned(), entry));
        cancel
    }

    /// Removes an attempt.
    pub fn leave(&self, id: &str) {
        self.with(|e| e.remove(id));
    }

    /// Why an attempt was told to stop, if it was.
    pub fn stop_reason(&self, id: &str) -> Option<StopReason> {
        self.with(|e| e.get(id).and_then(|entry| entry.stopped))
    }

    /// Tells one attempt to stop.
    pub fn stop(&self, id: &str, reason: StopReason) {
        self.with(|e| {
            if let Some(entry) = e.get_mut(id) {
                entry.stopped.get_or_insert(reason);
                entry.cancel.cancel();
            }
        });
    }

    /// Tells all to stop.
    pub fn stop_all(&self, reason: StopReason) {
        self.with(|e| {
            for entry in e.values_mut() {
                entry.stopped.get_or_insert(reason);
                entry.cancel.cancel();
            }
        });
    }

    /// How many run.
    pub fn len(&self) -> usize {
        self.with(|e| e.len())
    }

    fn held(&self) -> Vec<(String, u32)> {
        self.with(|e| e.iter().filter(|(_, entry)| entry.stopped != Some(StopReason::LostLease)).map(|(id, entry)| (id.clone(), entry.attempt)).collect())
    }

    fn renewed(&self, id: &str, at: Instant) {
        self.with(|e| {
            if let Some(entry) = e.get_mut(id) {
                entry.ends = lease_end(at);
            }
        });
    }

    /// Stops everything whose lease has run out by this node's own clock.
    fn expire(&self, now: Instant) {
        self.with(|e| {
            for (id, entry) in e.iter_mut().filter(|(_, entry)| entry.stopped.is_none() && entry.ends <= now) {
                warn!(execution_id = id, "lease lost; the attempt is abandoned");
                entry.stopped = Some(StopReason::LostLease);
                entry.cancel.cancel();
            }
        });
    }
}

impl Engine {
    /// Renews leases every 8 s and gives up what could not be renewed, until nothing runs after shutdown began.
    pub(super) async fn lease_loop(self) {
        let mut last = Instant::now();
        loop {
            let stopping = self.inner.stopping.is_cancelled();
            if stopping && self.inner.jobs.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(if stopping { 100 } else { 500 })).await;
            self.inner.running.expire(Instant::now());
            if last.elapsed() >= Duration::from_secs(HEARTBEAT_SECONDS) {
                last = Instant::now();
                self.heartbeat().await;
            }
        }
    }

    async fn heartbeat(&self) {
        let held = self.inner.running.held();
        if held.is_empty() {
            return;
        }
        let asked = Instant::now();
        match executions::heartbeat(self.db(), &held, &self.inner.token).await {
            Ok(still) => {
                let mut lost: HashMap<&str, ()> = held.iter().map(|(id, _)| (id.as_str(), ())).collect();
                for (id, cancel) in &still {
                    lost.remove(id.as_str());
                    self.inner.running.renewed(id, asked);
                    if *cancel {
                        self.inner.running.stop(id, StopReason::Cancelled);
                    }
                }
                // What is not held any more either ended meanwhile (then it has left) or is lost.
                for id in lost.keys() {
                    self.inner.running.lose_unless_ended(id);
                }
            }
            Err(e) => warn!(error = %e, "leases could not be renewed"),
        }
    }
}

impl Running {
    /// A lease that the database no longer knows: the attempt may have been recorded a moment ago, so it gets a second
    /// before it counts as lost by this node's clock.
    fn lose_unless_ended(&self, id: &str) {
        self.with(|e| {
            if let Some(entry) = e.get_mut(id) {
                entry.ends = entry.ends.min(Instant::now() + Duration::from_secs(1));
            }
        });
    }
}
