//! Numbers: windows for people who ask, one snapshot a second for everybody who watches.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::warn;

use super::health::{Board, HEALTH_MINUTES, Recent, verdict};
use super::{Caller, Engine, internal};
use crate::db::stats::{self, StatRow};
use crate::db::{executions, tenants};
use crate::model::access::Scope;
use crate::model::execution::Status;
use crate::model::handler::HandlerInfo;
use crate::model::health::{Check, Health, HealthStatus};
use crate::model::stats::{Brief, Live, Point, Stats, Window, percentile};
use crate::model::{ApiError, Timestamp};

/// Open work of one tenant: how many by status, and when the oldest that waits was due.
#[derive(Clone, Debug, Default)]
struct Open {
    by_status: BTreeMap<Status, i64>,
    oldest_due: Option<i64>,
}

impl Engine {
    /// Statistics over everything the caller sees.
    ///
    /// # Errors
    /// 403; the database's.
    pub async fn overview(&self, caller: &Caller, window: Window) -> Result<Stats, ApiError> {
        caller.require(Scope::ActionsRead)?;
        self.stats_of(caller.tenant_id.as_deref(), None, window).await
    }

    /// Statistics of one action.
    ///
    /// # Errors
    /// 404; the database's.
    pub async fn action_stats(&self, caller: &Caller, id: &str, window: Window) -> Result<Stats, ApiError> {
        caller.require(Scope::ActionsRead)?;
        self.visible_action(caller, id)?;
        self.stats_of(caller.tenant_id.as_deref(), Some(id), window).await
    }

    async fn stats_of(&self, tenant: Option<&str>, action: Option<&str>, window: Window) -> Result<Stats, ApiError> {
        let now = Timestamp::now();
        let (from, step) = start_of(window, now);
        let rows = stats::series(self.db(), tenant, action, from, step).await.map_err(internal)?;
        let open = executions::open_counts(self.db(), action).await.map_err(internal)?;
        let mut sum = Open::default();
        open.iter().filter(|(t, ..)| tenant.is_none_or(|tenant| t == tenant)).for_each(|(_, status, n, due)| sum.add(status, *n, *due));
        Ok(assemble(window, now, &rows.iter().collect::<Vec<_>>(), &sum, true))
    }

    /// The verdict on one action.
    ///
    /// # Errors
    /// 404.
    pub async fn action_health(&self, caller: &Caller, id: &str) -> Result<Health, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let action = self.visible_action(caller, id)?;
        let rows = stats::series(self.db(), caller.tenant_id.as_deref(), Some(id), Timestamp::now().0 / 60_000 - HEALTH_MINUTES + 1, 1).await.map_err(internal)?;
        let mut recent = Recent::default();
        rows.iter().for_each(|r| count_recent(&mut recent, r));
        Ok(verdict(action.definition.is_enabled, recent, self.open_breaker(id).as_deref()))
    }

    /// The verdict on the whole.
    ///
    /// # Errors
    /// None but the caller's rights.
    pub async fn system_health(&self, caller: &Caller) -> Result<Health, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let up = self.inner.database_up.load(Ordering::Acquire);
        let depth = self.inner.queue_depth.load(Ordering::Relaxed);
        let full = u64::try_from(depth).unwrap_or(0) >= self.config().queue_max_depth;
        let check = |name: &str, bad: bool, message: String| Check { name: name.to_owned(), status: if bad { HealthStatus::Critical } else { HealthStatus::Healthy }, message };
        Ok(super::health::summary(vec![
            check("database", !up, if up { "The database answers.".to_owned() } else { "The database cannot be reached.".to_owned() }),
            check("queue", full, format!("{depth} executions wait.")),
        ]))
    }

    /// Every handler with its form, schema and health.
    ///
    /// # Errors
    /// 403.
    pub async fn handlers(&self, caller: &Caller) -> Result<Vec<HandlerInfo>, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let mut out = Vec::new();
        for (_, handler) in self.inner.handlers.iter() {
            let spec = handler.spec();
            out.push(HandlerInfo { schema: spec.schema(), health: handler.health().await, checked_at: Timestamp::now(), spec });
        }
        Ok(out)
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

    pub(super) async fn monitor_loop(self) {
        let mut beat: u64 = 0;
        loop {
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            beat += 1;
            // Without viewers every fifth second is often enough for health and the queue's depth.
            if (self.inner.live.receiver_count() > 0 || beat.is_multiple_of(5))
                && let Err(e) = self.refresh_monitor().await
            {
                warn!(error = format!("{e:#}"), "the numbers could not be renewed");
            }
        }
    }

    /// Computes the snapshot for all viewers, and the numbers of lists.
    pub(super) async fn refresh_monitor(&self) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let (from, step) = start_of(Window::Day, now);
        let rows = stats::series(self.db(), None, None, from, step).await?;
        let mut open: HashMap<String, Open> = HashMap::new();
        let mut all = Open::default();
        for (tenant, status, n, due) in executions::open_counts(self.db(), None).await? {
            open.entry(tenant).or_default().add(&status, n, due);
            all.add(&status, n, due);
        }
        let waiting = [Status::Pending, Status::Retrying].iter().filter_map(|s| all.by_status.get(s)).sum();
        self.inner.queue_depth.store(waiting, Ordering::Relaxed);
        let mut by_tenant: HashMap<&str, Vec<&StatRow>> = HashMap::new();
        rows.iter().for_each(|r| by_tenant.entry(&r.tenant_id).or_default().push(r));
        let nothing = Open::default();
        let ids = tenants::ids(self.db()).await?;
        let tenants = ids
            .into_iter()
            .map(|id| {
                let stats = assemble(Window::Day, now, by_tenant.get(id.as_str()).map_or(&[][..], Vec::as_slice), open.get(&id).unwrap_or(&nothing), false);
                (id, stats)
            })
            .collect();
        let seq = self.inner.live.borrow().seq + 1;
        let live = Live { seq, at: now, tenants, all: assemble(Window::Day, now, &rows.iter().collect::<Vec<_>>(), &all, false) };
        self.inner.live.send_replace(Arc::new(live));
        self.refresh_board(now).await
    }

    async fn refresh_board(&self, now: Timestamp) -> anyhow::Result<()> {
        let minute = now.0 / 60_000;
        let first_hour = (minute / 60 - 23) * 60;
        let mut board = Board::default();
        for row in stats::per_action(self.db(), None, minute - HEALTH_MINUTES + 1).await? {
            count_recent(board.recent.entry(row.action_id.clone()).or_default(), &row);
        }
        let mut rows: HashMap<String, Vec<StatRow>> = HashMap::new();
        for row in stats::per_action(self.db(), None, first_hour).await? {
            rows.entry(row.action_id.clone()).or_default().push(row);
        }
        board.briefs = rows.into_iter().map(|(id, rows)| (id, brief_of(&rows, first_hour))).collect();
        board.open_breakers = self.open_breakers();
        self.inner.health.store(Arc::new(board));
        Ok(())
    }
}

impl Open {
    fn add(&mut self, status: &str, n: i64, due: Option<i64>) {
        let Some(status) = Status::parse(status) else { return };
        *self.by_status.entry(status).or_default() += n;
        if matches!(status, Status::Pending | Status::Retrying) {
            self.oldest_due = [self.oldest_due, due].into_iter().flatten().min();
        }
    }

    fn of(&self, status: Status) -> i64 {
        self.by_status.get(&status).copied().unwrap_or(0)
    }
}

/// The first minute of a window and the length of its intervals; intervals begin at round times.
fn start_of(window: Window, now: Timestamp) -> (i64, i64) {
    let step = window.step_minutes();
    let last = (now.0 / 60_000).div_euclid(step) * step;
    (last - window.minutes() + step, step)
}

fn count_recent(recent: &mut Recent, row: &StatRow) {
    match row.kind.as_str() {
        "attempt_succeeded" => recent.succeeded += row.count,
        "attempt_failed" => recent.failed += row.count,
        _ => {}
    }
}

fn success_rate(by_status: &BTreeMap<Status, i64>) -> Option<f64> {
    let terminal: i64 = by_status.iter().filter(|(s, _)| s.is_terminal()).map(|(_, n)| n).sum();
    (terminal > 0).then(|| by_status.get(&Status::Succeeded).copied().unwrap_or(0) as f64 * 100.0 / terminal as f64)
}

/// Latency buckets of attempts, whatever their outcome.
fn buckets<'a>(rows: impl Iterator<Item = &'a StatRow>) -> BTreeMap<i64, i64> {
    let mut out = BTreeMap::new();
    for row in rows.filter(|r| r.bucket >= 0) {
        *out.entry(row.bucket).or_default() += row.count;
    }
    out
}

/// Statistics from summed rows and the open work of now.
fn assemble(window: Window, now: Timestamp, rows: &[&StatRow], open: &Open, with_series: bool) -> Stats {
    let (from, step) = start_of(window, now);
    let mut by_status: BTreeMap<Status, i64> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.bucket < 0) {
        if let Some(status) = Status::parse(&row.kind) {
            *by_status.entry(status).or_default() += row.count;
        }
    }
    let success_rate_percent = success_rate(&by_status);
    for status in [Status::Pending, Status::Running, Status::Retrying] {
        let n = open.of(status);
        if n > 0 {
            by_status.insert(status, n);
        }
    }
    let all = buckets(rows.iter().copied());
    let (count, sum) = rows.iter().filter(|r| r.bucket >= 0).fold((0, 0), |(n, s), r| (n + r.count, s + r.sum_ms));
    let queue_depth = open.of(Status::Pending) + open.of(Status::Retrying);
    Stats {
        window,
        total_executions: by_status.values().sum(),
        by_status,
        success_rate_percent,
        avg_duration_ms: (count > 0).then(|| sum as f64 / count as f64),
        p50_ms: percentile(&all, 0.50),
        p95_ms: percentile(&all, 0.95),
        p99_ms: percentile(&all, 0.99),
        queue_depth,
        oldest_pending_ms: open.oldest_due.map(|due| (now.0 - due).max(0)).filter(|_| queue_depth > 0),
        dead_letters: open.of(Status::DeadLetter),
        series: if with_series { series(rows, from, step, window.minutes() / step) } else { Vec::new() },
    }
}

fn series(rows: &[&StatRow], from: i64, step: i64, count: i64) -> Vec<Point> {
    let mut slots: BTreeMap<i64, Vec<&StatRow>> = BTreeMap::new();
    rows.iter().for_each(|r| slots.entry(r.slot).or_default().push(r));
    (0..count)
        .map(|i| {
            let slot = from + i * step;
            let rows = slots.get(&slot).map_or(&[][..], Vec::as_slice);
            let mut by_status: BTreeMap<Status, i64> = BTreeMap::new();
            for row in rows.iter().filter(|r| r.bucket < 0) {
                if let Some(status) = Status::parse(&row.kind) {
                    *by_status.entry(status).or_default() += row.count;
                }
            }
            let latency = buckets(rows.iter().copied());
            Point { at: Timestamp(slot * 60_000), by_status, p50_ms: percentile(&latency, 0.50), p95_ms: percentile(&latency, 0.95), p99_ms: percentile(&latency, 0.99) }
        })
        .collect()
}

fn brief_of(rows: &[StatRow], first_hour: i64) -> Brief {
    let mut by_status: BTreeMap<Status, i64> = BTreeMap::new();
    let mut hourly = vec![0; 24];
    for row in rows.iter().filter(|r| r.bucket < 0) {
        if let Some(status) = Status::parse(&row.kind) {
            *by_status.entry(status).or_default() += row.count;
            if let Some(hour) = usize::try_from((row.slot - first_hour) / 60).ok().and_then(|h| hourly.get_mut(h)) {
                *hour += row.count;
            }
        }
    }
    Brief { total_executions: by_status.values().sum(), success_rate_percent: success_rate(&by_status), p95_ms: percentile(&buckets(rows.iter()), 0.95), hourly }
}
