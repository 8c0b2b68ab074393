//! Numbers: windows for people who ask, one snapshot a second for everybody who watches, verdicts on what they mean.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use tracing::warn;

use super::health::{HEALTH_MINUTES, Recent, SystemVitals, handler_verdict, system_verdict};
use super::{Caller, Engine, internal};
use crate::db::{stats, vitals};
use crate::model::access::Scope;
use crate::model::handler::{HandlerHealth, HandlerInfo};
use crate::model::health::{Check, Health, HealthStatus};
use crate::model::stats::{Period, Span, Stats};
use crate::model::{ApiError, Timestamp};

mod assemble;
mod board;
mod snapshot;
mod windows;

use assemble::Open;
use board::Tally;

/// How often the numbers beside actions are renewed.
const BOARD_EVERY: Duration = Duration::from_secs(5);
/// How often handlers are asked whether they can work.
const HANDLERS_EVERY: Duration = Duration::from_secs(30);
/// Time that a handler has to say so.
const HANDLER_PATIENCE: Duration = Duration::from_secs(5);
/// A renewal rests for this many times as long as it took, so that it never takes more than a twentieth of the time.
const REST: u32 = 20;

/// What the monitor keeps between two renewals.
#[derive(Default)]
pub(super) struct Monitor {
    snapshot: Mutex<snapshot::Base>,
    board: Mutex<board::Base>,
    handlers: ArcSwap<HashMap<String, HandlerHealth>>,
    /// When the handlers were asked last, in Unix milliseconds; 0 for never.
    handlers_at: AtomicI64,
}

impl Monitor {
    /// Forgets what is summed in memory, because the past has changed: the next renewal reads it anew.
    pub(super) async fn forget(&self) {
        *self.snapshot.lock().await = snapshot::Base::default();
        *self.board.lock().await = board::Base::default();
    }
}

impl Engine {
    /// Statistics over everything the caller sees: of a window, or of a range of one's own.
    ///
    /// # Errors
    /// 403; the database's.
    pub async fn overview(&self, caller: &Caller, period: impl Into<Period> + Send) -> Result<Stats, ApiError> {
        caller.require(Scope::ActionsRead)?;
        self.stats_of(caller, None, period.into()).await
    }

    /// Statistics of one action.
    ///
    /// # Errors
    /// 404; the database's.
    pub async fn action_stats(&self, caller: &Caller, id: &str, period: impl Into<Period> + Send) -> Result<Stats, ApiError> {
        caller.require(Scope::ActionsRead)?;
        self.visible_action(caller, id)?;
        self.stats_of(caller, Some(id), period.into()).await
    }

    async fn stats_of(&self, caller: &Caller, action: Option<&str>, period: Period) -> Result<Stats, ApiError> {
        let (tenant, now) = (caller.tenant_id.as_deref(), Timestamp::now());
        let span = period.span(now);
        let before = span.previous();
        let kept_from = now.0 / 60_000 - i64::from(self.config().stats_retention_days) * 1_440;
        let from = if before.from >= kept_from { before.from } else { span.from };
        let slots = self.sums_over(tenant, action, Span { from, ..span }).await.map_err(internal)?;
        let mut open = Open::default();
        let counts = vitals::open_counts(self.db(), action).await.map_err(internal)?;
        counts.iter().filter(|c| tenant.is_none_or(|tenant| c.tenant_id == tenant)).for_each(|c| open.add(c));
        let mut stats = assemble::assemble(span, now, &slots, &open, true);
        stats.previous = (from == before.from).then(|| assemble::previous(before, &slots));
        stats.firing_alerts = match action {
            Some(id) => self.firing_alerts_of(id),
            None => self.count_firing(caller),
        };
        Ok(stats)
    }

    /// The verdict on one action.
    ///
    /// # Errors
    /// 404.
    pub async fn action_health(&self, caller: &Caller, id: &str) -> Result<Health, ApiError> {
        caller.require(Scope::ActionsRead)?;
        self.verdict_on(caller, id).await
    }

    /// The same for whoever may change it.
    pub(super) async fn verdict_on(&self, caller: &Caller, id: &str) -> Result<Health, ApiError> {
        let action = self.visible_action(caller, id)?;
        let now = Timestamp::now();
        let since = now.0.div_euclid(60_000) - HEALTH_MINUTES + 1;
        let mut tally = Tally::default();
        let rows = stats::by_minute(self.db(), caller.tenant_id.as_deref(), Some(id), since..i64::MAX).await.map_err(internal)?;
        rows.iter().for_each(|r| tally.add(&r.kind, r.bucket, r.count));
        let due = vitals::oldest_due(self.db(), id).await.map_err(internal)?;
        let breakers = self.breakers_everywhere();
        Ok(self.inner.health.load().verdict_with(&action, tally.recent(), due.map(|due| now.0 - due), breakers.get(id).map(String::as_str)))
    }

    /// The verdict on the whole. Numbers of the platform are for those who look after it.
    ///
    /// # Errors
    /// None but the caller's rights.
    pub async fn system_health(&self, caller: &Caller) -> Result<Health, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let reports = self.inner.alerts.reports();
        let live = self.inner.live.borrow().clone();
        let most = |of: fn(&super::alerts::NodeReport) -> Option<f64>| reports.iter().filter_map(of).reduce(f64::max);
        let vitals = SystemVitals {
            database_up: self.inner.database_up.load(Ordering::Acquire),
            database_ms: most(|r| r.database_latency_ms),
            queue_depth: self.inner.queue_depth.load(Ordering::Relaxed),
            queue_max: self.config().queue_max_depth,
            oldest_pending_ms: live.all.oldest_pending_ms,
            memory_percent: most(|r| r.memory_percent),
            disk_percent: most(|r| r.disk_percent),
            unavailable: self.unavailable_in_use(),
        };
        let health = system_verdict(&vitals);
        if caller.is_platform { Ok(health) } else { Ok(told_to_tenants(&health)) }
    }

    /// Handlers that cannot work on this node although an action that is on uses them, with why.
    pub(super) fn unavailable_in_use(&self) -> Vec<(String, String)> {
        let handlers = self.inner.monitor.handlers.load();
        let mut out: Vec<(String, String)> = handlers
            .iter()
            .filter_map(|(kind, health)| match health {
                HandlerHealth::Unavailable(why) => Some((kind.clone(), why.clone())),
                HandlerHealth::Healthy | HandlerHealth::Unknown => None,
            })
            .collect();
        if !out.is_empty() {
            let all = self.inner.matcher.all();
            out.retain(|(kind, _)| all.iter().any(|a| a.definition.is_enabled && a.definition.handler_type.as_str() == kind));
            out.sort();
        }
        out
    }

    /// Every handler with its form, schema and health.
    ///
    /// # Errors
    /// 403.
    pub async fn handlers(&self, caller: &Caller) -> Result<Vec<HandlerInfo>, ApiError> {
        caller.require(Scope::ActionsRead)?;
        if self.inner.monitor.handlers_at.load(Ordering::Acquire) == 0 {
            self.ask_handlers().await;
        }
        let checked_at = Timestamp(self.inner.monitor.handlers_at.load(Ordering::Acquire));
        let known = self.inner.monitor.handlers.load();
        let recent = self.recent_by_handler(caller);
        let info = |(kind, handler): (&String, &Arc<dyn crate::handlers::Handler>)| {
            let spec = handler.spec();
            let health = known.get(kind).cloned().unwrap_or(HandlerHealth::Unknown);
            let verdict = handler_verdict(&health, recent.get(kind).copied().unwrap_or_default());
            HandlerInfo { schema: spec.schema(), health, verdict, checked_at, spec }
        };
        Ok(self.inner.handlers.iter().map(info).collect())
    }

    /// The recent attempts of the actions that a caller sees, by handler.
    fn recent_by_handler(&self, caller: &Caller) -> HashMap<String, Recent> {
        let mut out: HashMap<String, Recent> = HashMap::new();
        let board = self.inner.health.load();
        for (id, recent) in &board.recent {
            let Some(action) = self.inner.matcher.get(id) else { continue };
            if caller.owns(action.definition.tenant_id.as_deref()) {
                let sum = out.entry(action.definition.handler_type.0.clone()).or_default();
                (sum.succeeded, sum.failed) = (sum.succeeded + recent.succeeded, sum.failed + recent.failed);
            }
        }
        out
    }

    /// Asks every handler whether it can work, all at once.
    async fn ask_handlers(&self) {
        let ask = async |kind: &String, handler: &Arc<dyn crate::handlers::Handler>| {
            let late = || HandlerHealth::Unavailable(format!("It did not say within {} s whether it works.", HANDLER_PATIENCE.as_secs()));
            (kind.clone(), tokio::time::timeout(HANDLER_PATIENCE, handler.health()).await.unwrap_or_else(|_| late()))
        };
        let answers = futures::future::join_all(self.inner.handlers.iter().map(|(kind, handler)| ask(kind, handler))).await;
        self.inner.monitor.handlers.store(Arc::new(answers.into_iter().collect()));
        self.inner.monitor.handlers_at.store(Timestamp::now().0, Ordering::Release);
    }

    /// What keeps this node from taking work; empty when it is ready.
    pub async fn not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.inner.stopping.is_cancelled() {
            reasons.push("The node is shutting down.".to_owned());
        }
        let answer = tokio::time::timeout(Duration::from_secs(3), self.db().now_ms()).await;
        if !matches!(answer, Ok(Ok(_))) {
            reasons.push("The database does not answer.".to_owned());
        }
        reasons
    }

    /// The first numbers, before anybody asks.
    pub(super) async fn start_monitor(&self) -> anyhow::Result<()> {
        self.refresh_monitor().await?;
        self.refresh_board().await
    }

    pub(super) async fn monitor_loop(self) {
        let (mut beat, start) = (0_u64, Instant::now());
        let (mut next_snapshot, mut next_board) = (start, start + BOARD_EVERY);
        loop {
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            beat += 1;
            let began = Instant::now();
            // Without viewers every other second is often enough for the queue's depth.
            if (self.inner.live.receiver_count() > 0 || beat.is_multiple_of(2)) && began >= next_snapshot {
                match self.refresh_monitor().await {
                    Ok(()) => next_snapshot = Instant::now() + began.elapsed() * REST,
                    Err(e) => warn!(error = format!("{e:#}"), "the numbers could not be renewed"),
                }
            }
            let began = Instant::now();
            if began >= next_board {
                next_board = began + BOARD_EVERY;
                match self.refresh_board().await {
                    Ok(()) => next_board = next_board.max(Instant::now() + began.elapsed() * REST),
                    Err(e) => warn!(error = format!("{e:#}"), "the numbers beside actions could not be renewed"),
                }
            }
        }
    }

    pub(super) async fn handlers_loop(self) {
        loop {
            let ask_and_rest = async {
                self.ask_handlers().await;
                tokio::time::sleep(HANDLERS_EVERY).await;
            };
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = ask_and_rest => {}
            }
        }
    }
}

/// The verdict on the system without the platform's numbers.
fn told_to_tenants(health: &Health) -> Health {
    let message = match health.status {
        HealthStatus::Healthy | HealthStatus::Unknown => "The service works.",
        HealthStatus::Degraded => "The service works with difficulty.",
        HealthStatus::Critical => "The service cannot work as it should.",
    };
    let check = Check { name: "service".to_owned(), status: health.status, message: message.to_owned() };
    Health { status: health.status, message: message.to_owned(), checks: vec![check] }
}
