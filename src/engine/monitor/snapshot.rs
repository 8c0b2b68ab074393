//! The snapshot for everybody who watches: the last day by tenant. What is finished stays in memory; each renewal reads only the
//! last minutes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::assemble::{Open, assemble};
use super::windows::segments;
use crate::db::rollup::{self, Sums, Which};
use crate::db::stats::{self, StatRow};
use crate::db::{tenants, vitals};
use crate::engine::Engine;
use crate::model::Timestamp;
use crate::model::stats::{Live, Period, Span, Window};

/// Minutes that may still change: attempts that end now are written a little later, and clocks of nodes differ.
pub const LIVE_MINUTES: i64 = 2;

/// The finished minutes of the window, added up.
#[derive(Debug, Default)]
pub struct Base {
    from: i64,
    upto: i64,
    tenants: HashMap<String, Sums>,
    all: Sums,
}

impl Base {
    fn add(&mut self, rows: &[StatRow]) {
        for row in rows {
            self.tenants.entry(row.tenant_id.clone()).or_default().add(&row.kind, row.bucket, row.count, row.sum_ms);
            self.all.add(&row.kind, row.bucket, row.count, row.sum_ms);
        }
    }

    fn merge(&mut self, tenant: &str, sums: &Sums) {
        self.tenants.entry(tenant.to_owned()).or_default().merge(sums);
        self.all.merge(sums);
    }
}

impl Engine {
    /// Computes the snapshot and the depth of the queue.
    pub(in crate::engine) async fn refresh_monitor(&self) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let span = Period::Window(Window::Day).span(now);
        let finished = now.0.div_euclid(60_000) - LIVE_MINUTES;
        let ids = tenants::ids(self.db()).await?;
        let mut base = self.inner.monitor.snapshot.lock().await;
        if base.from != span.from || base.upto > finished {
            *base = self.rebuilt(span, finished, &ids).await?;
        } else if base.upto < finished {
            let rows = stats::by_tenant(self.db(), base.upto..finished).await?;
            base.add(&rows);
            base.upto = finished;
        }
        let mut live: HashMap<String, Sums> = HashMap::new();
        let mut all = base.all.clone();
        for row in stats::by_tenant(self.db(), finished..i64::MAX).await? {
            live.entry(row.tenant_id.clone()).or_default().add(&row.kind, row.bucket, row.count, row.sum_ms);
            all.add(&row.kind, row.bucket, row.count, row.sum_ms);
        }
        let (open, everything) = self.open_work().await?;
        self.inner.queue_depth.store(everything.waiting(), Ordering::Relaxed);
        let (firing, firing_of) = self.firing_alerts();
        let firing_of = |tenant: Option<&String>| firing_of.get(&tenant.cloned()).copied().unwrap_or(0);
        let nothing = Open::default();
        let one = |sums: Sums| BTreeMap::from([(span.from, sums)]);
        let stats_of = |id: String| {
            let mut sums = base.tenants.get(&id).cloned().unwrap_or_default();
            live.get(&id).into_iter().for_each(|more| sums.merge(more));
            let mut stats = assemble(span, now, &one(sums), open.get(&id).unwrap_or(&nothing), false);
            stats.firing_alerts = firing_of(Some(&id));
            (id, stats)
        };
        let tenants = ids.into_iter().map(stats_of).collect();
        let mut whole = assemble(span, now, &one(all), &everything, false);
        whole.firing_alerts = firing;
        let seq = self.inner.live.borrow().seq + 1;
        self.inner.live.send_replace(Arc::new(Live { seq, at: now, tenants, all: whole, platform_alerts: firing_of(None) }));
        Ok(())
    }

    /// The open work of each tenant, and of all.
    async fn open_work(&self) -> sqlx::Result<(HashMap<String, Open>, Open)> {
        let (mut by_tenant, mut all): (HashMap<String, Open>, Open) = Default::default();
        for count in vitals::open_counts(self.db(), None).await? {
            all.add(&count);
            by_tenant.entry(count.tenant_id.clone()).or_default().add(&count);
        }
        Ok((by_tenant, all))
    }

    /// Adds up the window anew, up to the minute `finished`.
    async fn rebuilt(&self, span: Span, finished: i64, tenants: &[String]) -> anyhow::Result<Base> {
        let mut base = Base { from: span.from, upto: finished, ..Base::default() };
        let rolled = rollup::rolled(self.db()).await?.unwrap_or(0).min(finished);
        for part in segments(Span { to: finished.max(span.from), ..span }, rolled, true) {
            let Some(length) = part.span else {
                base.add(&stats::by_tenant(self.db(), part.from..part.to).await?);
                continue;
            };
            for tenant in tenants {
                let subject = rollup::of_tenant(tenant);
                for (_, sums) in rollup::read(self.db(), length, Which::Subject(&subject, None), part.from, part.to).await? {
                    base.merge(tenant, &sums);
                }
            }
        }
        Ok(base)
    }
}
