//! The durable queue: claims due executions for the workers that are free and runs them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use super::Engine;
use super::executor::Job;
use crate::db::executions::{self, Claimed};
use crate::db::{actions, events};
use crate::model::Timestamp;
use crate::model::action::NewAction;

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
        if self.inner.stopping.is_cancelled() {
            return Ok(0);
        }
        let free = self.inner.workers.available_permits().min(MAX_CLAIM);
        if free == 0 {
            return Ok(0);
        }
        let Ok(mut permits) = self.inner.workers.clone().try_acquire_many_owned(u32::try_from(free)?) else { return Ok(0) };
        let claimed_at = Instant::now();
        let claimed = self.claim(free).await?;
        if claimed.is_empty() {
            return Ok(0);
        }
        let count = claimed.len();
        for job in self.jobs_of(claimed, claimed_at).await? {
            self.note_start(&job);
            let permit = permits.split(1);
            self.spawn_job(job, permit);
        }
        Ok(count)
    }

    /// Claims up to `free` executions: first of actions without limits, then of each limited action as many as may start.
    async fn claim(&self, free: usize) -> anyhow::Result<Vec<Claimed>> {
        let limited = self.inner.limits.limited(Instant::now(), u32::try_from(free)?);
        let (node, token, types) = (&self.inner.node, &self.inner.token, self.inner.handlers.types());
        let blocked: Vec<String> = limited.iter().map(|(id, _)| id.clone()).collect();
        let mut tx = self.db().begin().await?;
        let mut claimed = executions::claim(&mut tx, node, token, &types, &executions::Which::AllBut(&blocked), free).await?;
        for (id, room) in limited.iter().filter(|(_, room)| *room > 0) {
            let most = (*room as usize).min(free - claimed.len());
            if most == 0 {
                break;
            }
            claimed.extend(executions::claim(&mut tx, node, token, &types, &executions::Which::Only(id), most).await?);
        }
        tx.commit().await?;
        Ok(claimed)
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
