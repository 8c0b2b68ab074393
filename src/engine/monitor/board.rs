//! The numbers and verdicts beside every action in lists. What is finished stays in memory, as in the snapshot.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::assemble::{ATTEMPTS, Day};
use super::snapshot::LIVE_MINUTES;
use crate::db::rollup::{self, Which};
use crate::db::stats::{self, ATTEMPT_SUCCEEDED, Minutes};
use crate::db::vitals;
use crate::engine::Engine;
use crate::engine::health::{Board, HEALTH_MINUTES, QUEUE_DEGRADED_MS, Recent};
use crate::model::Timestamp;
use crate::model::stats::percentile;

/// The finished minutes of the last 24 hours, by action.
#[derive(Debug, Default)]
pub struct Base {
    first_hour: i64,
    upto: i64,
    actions: HashMap<String, Day>,
}

/// Minutes cut at whole hours.
fn by_hour(minutes: Minutes) -> Vec<Minutes> {
    let mut out = Vec::new();
    let mut at = minutes.start;
    while at < minutes.end {
        let end = minutes.end.min((at.div_euclid(60) + 1) * 60);
        out.push(at..end);
        at = end;
    }
    out
}

/// Attempts of some minutes, by how they ended and how long they took.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    succeeded: i64,
    failed: i64,
    latency: BTreeMap<i64, i64>,
}

impl Tally {
    /// Counts a row; other kinds than attempts are passed over.
    pub fn add(&mut self, kind: &str, bucket: i64, count: i64) {
        if ATTEMPTS.contains(&kind) {
            *(if kind == ATTEMPT_SUCCEEDED { &mut self.succeeded } else { &mut self.failed }) += count;
            *self.latency.entry(bucket).or_default() += count;
        }
    }

    /// What a verdict needs of it.
    pub fn recent(&self) -> Recent {
        Recent { succeeded: self.succeeded, failed: self.failed, p95_ms: percentile(&self.latency, 0.95) }
    }
}

impl Engine {
    /// Renews the board.
    pub(in crate::engine) async fn refresh_board(&self) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let minute = now.0.div_euclid(60_000);
        let (first_hour, finished) = ((minute.div_euclid(60) - 23) * 60, minute - LIVE_MINUTES);
        let mut base = self.inner.monitor.board.lock().await;
        if base.first_hour != first_hour || base.upto > finished {
            *base = self.rebuilt_days(first_hour, finished).await?;
        } else if base.upto < finished {
            let minutes = base.upto..finished;
            self.add_minutes(&mut base.actions, first_hour, minutes).await?;
            base.upto = finished;
        }
        let mut live = HashMap::new();
        self.add_minutes(&mut live, first_hour, finished..minute + 1).await?;
        let mut tallies: HashMap<String, Tally> = HashMap::new();
        for row in stats::by_action(self.db(), minute - HEALTH_MINUTES + 1..i64::MAX).await? {
            tallies.entry(row.action_id).or_default().add(&row.kind, row.bucket, row.count);
        }
        let overdue = vitals::overdue(self.db(), now.0 - QUEUE_DEGRADED_MS).await?;
        let mut board = Board {
            recent: tallies.into_iter().map(|(id, tally)| (id, tally.recent())).collect(),
            briefs: base.actions.iter().map(|(id, day)| (id.clone(), day.brief())).collect(),
            open_breakers: self.breakers_everywhere(),
            overdue_ms: overdue.into_iter().map(|(id, due)| (id, now.0 - due)).collect(),
            handlers: self.inner.monitor.handlers.load_full(),
        };
        for (id, day) in live {
            let mut whole = base.actions.get(&id).cloned().unwrap_or_default();
            whole.absorb(&day);
            board.briefs.insert(id, whole.brief());
        }
        self.inner.health.store(Arc::new(board));
        Ok(())
    }

    async fn rebuilt_days(&self, first_hour: i64, finished: i64) -> anyhow::Result<Base> {
        let mut base = Base { first_hour, upto: finished, ..Base::default() };
        let rolled = rollup::rolled(self.db()).await?.unwrap_or(0).min(finished);
        let (hours, halves) = (rolled.div_euclid(60) * 60, rolled.div_euclid(30) * 30);
        let (hours, halves) = (hours.max(first_hour), halves.max(first_hour));
        // One interval at a time: all of them at once could be large.
        let whole = (first_hour..hours).step_by(60).map(|slot| (60, slot));
        for (span, slot) in whole.chain((hours..halves).step_by(30).map(|slot| (30, slot))) {
            let hour = usize::try_from((slot - first_hour) / 60)?;
            for (key, sums) in rollup::read(self.db(), span, Which::Actions, slot, slot + 1).await? {
                base.actions.entry(key.subject).or_default().merge(hour, &sums);
            }
        }
        self.add_minutes(&mut base.actions, first_hour, halves..finished).await?;
        Ok(base)
    }

    async fn add_minutes(&self, days: &mut HashMap<String, Day>, first_hour: i64, minutes: Minutes) -> anyhow::Result<()> {
        for part in by_hour(minutes) {
            let hour = usize::try_from((part.start - first_hour) / 60)?;
            for row in stats::by_action(self.db(), part).await? {
                days.entry(row.action_id).or_default().add(hour, &row.kind, row.bucket, row.count);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_cut_at_hours() {
        assert_eq!(by_hour(118..241), [118..120, 120..180, 180..240, 240..241]);
        assert_eq!(by_hour(60..60), Vec::<Minutes>::new());
    }

    #[test]
    fn only_attempts_are_tallied() {
        let mut tally = Tally::default();
        for (kind, bucket, count) in [("attempt_succeeded", 3, 8), ("attempt_failed", 9, 2), ("queue_wait", 200, 5), ("echo_failed", 9, 2), ("failed", -1, 2)] {
            tally.add(kind, bucket, count);
        }
        assert_eq!(tally.recent(), Recent { succeeded: 8, failed: 2, p95_ms: Some(9.0) });
    }
}
