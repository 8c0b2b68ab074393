//! Chores: work whose lease ran out is taken back, what is old is deleted.

use std::time::{Duration, Instant};

use tracing::warn;

use super::Engine;
use crate::config::{MAX_LOST_LEASES, SWEEP_SECONDS};
use crate::db::attempts::{self, NewAttempt};
use crate::db::executions::{self, Rescued};
use crate::db::stats::{self, Deltas, StatKey};
use crate::model::Timestamp;
use crate::model::execution::{Attempt, ErrorClass, ExecutionError, Outcome, Status};

pub(super) mod retention;

/// How often old rows are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// How often it is written when keys and sessions were last used.
const FLUSH_EVERY: Duration = Duration::from_secs(30);
/// How often ended sessions, old invitations and forgotten failures are deleted.
const PRUNE_ACCESS_EVERY: Duration = Duration::from_secs(3600);
/// Something done every now and then, the first time at once.
struct Chore {
    every: Duration,
    done: Option<Instant>,
}

impl Chore {
    const fn every(every: Duration) -> Self {
        Self { every, done: None }
    }

    /// Whether it is due; then it counts as done now.
    fn is_due(&mut self) -> bool {
        let due = self.done.is_none_or(|at| at.elapsed() >= self.every);
        if due {
            self.done = Some(Instant::now());
        }
        due
    }
}

impl Engine {
    pub(super) async fn maintenance_loop(self) {
        let mut pruned = Chore::every(PRUNE_EVERY);
        let mut flushed = Chore::every(FLUSH_EVERY);
        let mut pruned_access = Chore::every(PRUNE_ACCESS_EVERY);
        loop {
            if let Err(e) = self.rescue().await {
                warn!(error = format!("{e:#}"), "lost work could not be taken back");
            }
            if pruned.is_due()
                && let Err(e) = self.prune(Timestamp::now()).await
            {
                warn!(error = format!("{e:#}"), "old rows could not be deleted");
            }
            if pruned_access.is_due()
                && let Err(e) = self.prune_access().await
            {
                warn!(error = format!("{e:#}"), "ended sessions could not be deleted");
            }
            if flushed.is_due() {
                self.note_usage().await;
            }
            tokio::select! {
                () = self.inner.stopping.cancelled() => return self.note_usage().await,
                () = tokio::time::sleep(Duration::from_secs(SWEEP_SECONDS)) => {}
            }
        }
    }

    async fn note_usage(&self) {
        if let Err(e) = self.flush_usage().await {
            warn!(error = format!("{e:#}"), "when keys and sessions were last used could not be written; it is tried again");
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
