//! Chores: work whose lease ran out is taken back, what is old is deleted.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::Engine;
use crate::config::{IDEMPOTENCY_HOURS, MAX_LOST_LEASES, RESTORE_DAYS, SWEEP_SECONDS};
use crate::db::attempts::{self, NewAttempt};
use crate::db::executions::{self, Rescued};
use crate::db::stats::{self, Deltas, StatKey};
use crate::db::{actions, events};
use crate::model::Timestamp;
use crate::model::execution::{Attempt, ErrorClass, ExecutionError, Outcome, Status};

/// How often old rows are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// Most rows deleted in one transaction, so that nobody waits long for the writer.
const PRUNE_ROWS: u32 = 2000;

const DAY_MS: i64 = 86_400_000;

impl Engine {
    pub(super) async fn maintenance_loop(self) {
        let mut pruned: Option<Instant> = None;
        loop {
            if let Err(e) = self.rescue().await {
                warn!(error = format!("{e:#}"), "lost work could not be taken back");
            }
            if pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
                pruned = Some(Instant::now());
                if let Err(e) = self.prune(Timestamp::now()).await {
                    warn!(error = format!("{e:#}"), "old rows could not be deleted");
                }
            }
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(SWEEP_SECONDS)) => {}
            }
        }
    }

    /// Takes back executions whose lease ran out (G4); the third time they become dead letters (G11).
    async fn rescue(&self) -> anyhow::Result<()> {
        loop {
            let poison = ExecutionError {
                class: ErrorClass::LostLease,
                message: format!("It was started {MAX_LOST_LEASES} times and each time its node stopped or stalled before an end was recorded."),
                retryable: false,
            };
            let mut tx = self.db().begin().await?;
            let rescued = executions::rescue(&mut tx, &poison).await?;
            if rescued.is_empty() {
                return Ok(());
            }
            let lost: Vec<NewAttempt> = rescued.iter().map(lost_attempt).collect();
            attempts::insert(&mut tx, &lost.iter().collect::<Vec<_>>()).await?;
            let mut deltas = Deltas::new();
            for r in rescued.iter().filter(|r| r.status == Status::DeadLetter.name()) {
                let key = StatKey { minute: r.now.div_euclid(60_000), tenant_id: r.tenant_id.clone(), action_id: r.action_id.clone(), kind: Status::DeadLetter.name(), bucket: -1 };
                deltas.entry(key).or_default().0 += 1;
            }
            stats::add(&mut tx, &deltas).await?;
            tx.commit().await?;
            for r in &rescued {
                warn!(execution_id = r.id, attempt = r.attempt, node = r.node, status = r.status, "lost work taken back");
            }
            self.inner.wake.notify_one();
        }
    }

    /// Deletes what is older than its retention, a little at a time.
    pub(super) async fn prune(&self, now: Timestamp) -> anyhow::Result<()> {
        let config = self.config();
        let days = |n: u32| now.plus_ms(-i64::from(n) * DAY_MS);
        let mut total = 0;
        loop {
            let mut tx = self.db().begin().await?;
            let gone = executions::prune(&mut tx, days(config.retention_days), PRUNE_ROWS).await? + events::prune(&mut tx, days(config.retention_days), PRUNE_ROWS).await?;
            tx.commit().await?;
            total += gone;
            if gone == 0 || self.inner.stopping.is_cancelled() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let mut tx = self.db().begin().await?;
        events::prune_keys(&mut tx, now.plus_ms(-i64::from(IDEMPOTENCY_HOURS) * 3_600_000)).await?;
        stats::prune(&mut tx, days(config.stats_retention_days)).await?;
        actions::prune_deleted(&mut tx, days(RESTORE_DAYS)).await?;
        tx.commit().await?;
        if total > 0 {
            info!(rows = total, "old events and executions deleted");
        }
        Ok(())
    }
}

/// What is stored of an attempt that nobody saw end.
fn lost_attempt(r: &Rescued) -> NewAttempt {
    let started_at = Timestamp(r.attempt_started_at.unwrap_or(r.now));
    let message = "The node stopped or stalled before the end of this attempt was recorded; whether it was carried out is unknown.".to_owned();
    NewAttempt {
        execution_id: r.id.clone(),
        attempt: Attempt {
            number: u32::try_from(r.attempt).unwrap_or(0),
            node: r.node.clone().unwrap_or_default(),
            started_at,
            finished_at: Some(Timestamp(r.now)),
            duration_ms: None,
            outcome: Some(Outcome::Lost),
            error: Some(ExecutionError { class: ErrorClass::LostLease, message, retryable: true }),
            request: None,
            response: None,
            logs: Vec::new(),
        },
    }
}
