//! The durable queue: claims due executions for the workers that are free and runs them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use super::Engine;
use super::executor::Job;
use crate::db::claims::{self, Claimed, Which};
use crate::db::{actions, events};
use crate::model::Timestamp;
use crate::model::action::NewAction;
use crate::model::trace::TraceContext;

/// How long the queue rests when nothing wakes it.
const REST: Duration = Duration::from_millis(250);
/// Most executions claimed at once.
const MAX_CLAIM: usize = 256;

impl Engine {
    /// Claims and runs until shutdown.
    pub(super) async fn queue_loop(self) {
        loop {
            let claimed = match self.claim_and_run().await {
                Ok(n) => n,
                Err(e) => {
                    warn!(error = format!("{e:#}"), "the queue could not be read");
                    0
                }
            };
            // A full bite means that more is waiting.
            if claimed == MAX_CLAIM && !self.inner.stopping.is_cancelled() {
                continue;
            }
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = self.inner.wake.notified() => {}
                () = tokio::time::sleep(REST) => {}
            }
        }
    }

    async fn claim_and_run(&self) -> anyhow::Result<usize> {
        if self.inner.stopping.is_cancelled() || self.is_paused() {
            return Ok(0);
        }
        let free = self.inner.workers.available_permits().min(MAX_CLAIM);
        if free == 0 {
            return Ok(0);
        }
        let Ok(mut permits) = self.inner.workers.clone().try_acquire_many_owned(u32::try_from(free)?) else { return Ok(0) };
        let claimed_at = Instant::now();
        let (claimed, mut reserved) = self.claim(free).await?;
        if claimed.is_empty() {
            return Ok(0);
        }
        let count = claimed.len();
        for job in self.jobs_of(claimed, claimed_at).await? {
            if !reserved.take(&job.action_id) {
                self.note_start(&job);
            }
            let permit = permits.split(1);
            self.spawn_job(job, permit);
        }
        Ok(count)
    }

    /// Claims up to `free` executions: first of actions without limits, then of each limited action as many as may start.
    ///
    /// Starts of limited actions are counted before they are claimed, so that nobody else takes the same room meanwhile; no
    /// more than are due, so that new events still find what room is left.
    async fn claim(&self, free: usize) -> anyhow::Result<(Vec<Claimed>, Reserved)> {
        let limited = self.inner.limits.limited();
        let (node, token, types) = (&self.inner.node, &self.inner.token, self.inner.handlers.types());
        let mut reserved = Reserved { engine: self.clone(), starts: HashMap::new() };
        let mut tx = self.db().begin().await?;
        let mut claimed = claims::claim(&mut tx, node, token, &types, &Which::AllBut(&limited), free).await?;
        let due = if limited.is_empty() || claimed.len() == free { Vec::new() } else { claims::due(&mut tx, &limited, free - claimed.len()).await? };
        for (id, waiting) in due {
            let room = reserved.reserve(&id, waiting.min(free - claimed.len()))?;
            if room > 0 {
                let got = claims::claim(&mut tx, node, token, &types, &Which::Only(&id), room).await?;
                reserved.give_back(&id, room.saturating_sub(got.len()));
                claimed.extend(got);
            }
        }
        tx.commit().await?;
        Ok((claimed, reserved))
    }

    /// Loads what claimed executions need: their events and the versions of their actions.
    async fn jobs_of(&self, claimed: Vec<Claimed>, claimed_at: Instant) -> anyhow::Result<Vec<Job>> {
        let keys: Vec<(&str, &str)> = claimed.iter().map(|c| (c.tenant_id.as_str(), c.event_id.as_str())).collect();
        let mut found = HashMap::new();
        for (key, event) in events::get_many(self.db(), &keys).await? {
            found.insert(key, Arc::new(event));
        }
        let mut versions: HashMap<(String, i64), Arc<NewAction>> = HashMap::new();
        let mut jobs = Vec::with_capacity(claimed.len());
        for c in claimed {
            let Some(event) = found.get(&(c.tenant_id.clone(), c.event_id.clone())).cloned() else {
                warn!(execution_id = c.id, "its event is gone; the execution is left to its lease");
                continue;
            };
            let key = (c.action_id.clone(), c.action_version);
            if !versions.contains_key(&key) {
                let Some(definition) = self.definition_of(&c.action_id, c.action_version).await? else {
                    warn!(execution_id = c.id, "its action's version is gone; the execution is left to its lease");
                    continue;
                };
                versions.insert(key.clone(), definition);
            }
            let Some(definition) = versions.get(&key).cloned() else { continue };
            jobs.push(Job {
                execution_id: c.id,
                attempt: u32::try_from(c.attempt)?,
                failures: u32::try_from(c.failures)?,
                event,
                action_id: c.action_id,
                action_version: c.action_version,
                definition,
                claimed: claimed_at,
                created_at: Timestamp(c.created_at),
                trace: c.traceparent.map(|traceparent| TraceContext { traceparent, tracestate: c.tracestate }),
            });
        }
        Ok(jobs)
    }

    /// An action as it was in a version; from memory when it is the current one.
    pub(super) async fn definition_of(&self, action_id: &str, version: i64) -> anyhow::Result<Option<Arc<NewAction>>> {
        if let Some(current) = self.inner.matcher.get(action_id).filter(|a| a.version == version) {
            return Ok(Some(Arc::new(current.definition.clone())));
        }
        Ok(actions::version(self.db(), action_id, version).await?.map(|v| Arc::new(v.definition)))
    }
}

/// Starts counted for what is about to be claimed; those that never happen are given back when it is dropped.
struct Reserved {
    engine: Engine,
    starts: HashMap<String, usize>,
}

impl Reserved {
    /// Counts up to `most` starts of an action, as far as there is room. Returns how many.
    fn reserve(&mut self, id: &str, most: usize) -> anyhow::Result<usize> {
        let room = self.engine.inner.limits.reserve(id, u32::try_from(most)?, Instant::now()) as usize;
        *self.starts.entry(id.to_owned()).or_default() += room;
        Ok(room)
    }

    fn give_back(&mut self, id: &str, starts: usize) {
        if let Some(left) = self.starts.get_mut(id) {
            *left -= starts.min(*left);
            self.engine.inner.limits.give_back(id, starts);
        }
    }

    /// Hands a counted start over to what starts now. Returns whether there was one.
    fn take(&mut self, id: &str) -> bool {
        self.starts.get_mut(id).filter(|left| **left > 0).map(|left| *left -= 1).is_some()
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        for (id, starts) in &self.starts {
            self.engine.inner.limits.give_back(id, *starts);
        }
    }
}
