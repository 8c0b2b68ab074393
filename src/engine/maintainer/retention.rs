//! Deleting what is past its retention, a little at a time: the installation's, or a tenant's own.

use std::collections::HashMap;

use tracing::info;

use crate::config::{IDEMPOTENCY_HOURS, RESTORE_DAYS};
use crate::db::{actions, alerts, bulk, events, executions, outbox};
use crate::engine::Engine;
use crate::model::Timestamp;
use crate::model::quotas::Quotas;

/// Most rows deleted in one transaction, so that nobody waits long for the writer.
const PRUNE_ROWS: u32 = 2000;

const DAY_MS: i64 = 86_400_000;

/// For how many days whose events and executions are kept: first everybody's, the longest of all, then each tenant's that is shorter.
pub(in crate::engine) fn retentions(quotas: &HashMap<String, Quotas>, default: u32) -> Vec<(Option<String>, u32)> {
    let of = |q: &Quotas| q.retention_days.unwrap_or(default);
    let longest = quotas.values().map(of).max().unwrap_or(default).max(default);
    let mut shorter: Vec<_> = quotas.iter().map(|(tenant, q)| (Some(tenant.clone()), of(q))).filter(|(_, days)| *days < longest).collect();
    shorter.sort();
    shorter.insert(0, (None, longest));
    shorter
}

impl Engine {
    /// Deletes what is older than its retention.
    pub(in crate::engine) async fn prune(&self, now: Timestamp) -> anyhow::Result<()> {
        let config = self.config();
        let days = |n: u32| now.plus_ms(-i64::from(n) * DAY_MS);
        let mut total = 0;
        for (tenant, kept) in self.access().retentions(config.retention_days) {
            total += self.prune_of(tenant.as_deref(), days(kept)).await?;
        }
        let mut tx = self.db().begin().await?;
        events::prune_keys(&mut tx, now.plus_ms(-i64::from(IDEMPOTENCY_HOURS) * 3_600_000)).await?;
        self.prune_stats(&mut tx, now).await?;
        alerts::prune(&mut tx, days(config.stats_retention_days)).await?;
        actions::prune_deleted(&mut tx, days(RESTORE_DAYS)).await?;
        bulk::prune(&mut tx, days(config.retention_days)).await?;
        tx.commit().await?;
        if total > 0 {
            info!(rows = total, "old events, executions and mails deleted");
        }
        Ok(())
    }

    /// Deletes events, executions and mails of a tenant, or of everybody, from before an instant. Returns how many.
    async fn prune_of(&self, tenant: Option<&str>, before: Timestamp) -> anyhow::Result<u64> {
        let mut total = 0;
        loop {
            let mut tx = self.db().begin().await?;
            let mut gone = executions::prune(&mut tx, tenant, before, PRUNE_ROWS).await?;
            gone += events::prune(&mut tx, tenant, before, PRUNE_ROWS).await?;
            gone += outbox::prune(&mut tx, tenant, before, PRUNE_ROWS).await?;
            tx.commit().await?;
            total += gone;
            if gone == 0 || self.inner.stopping.is_cancelled() {
                return Ok(total);
            }
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_own_retention_counts_both_ways() {
        let quotas = |list: &[(&str, Option<u32>)]| list.iter().map(|(t, n)| ((*t).to_owned(), Quotas { retention_days: *n, ..Quotas::default() })).collect::<HashMap<_, _>>();
        let of = |tenant: &str, days: u32| (Some(tenant.to_owned()), days);
        for (given, expected) in [
            (quotas(&[]), vec![(None, 30)]),
            (quotas(&[("a", None)]), vec![(None, 30)]),
            (quotas(&[("a", Some(7)), ("b", None)]), vec![(None, 30), of("a", 7)]),
            (quotas(&[("a", Some(90)), ("b", None), ("c", Some(1))]), vec![(None, 90), of("b", 30), of("c", 1)]),
        ] {
            assert_eq!(retentions(&given, 30), expected);
        }
    }
}
