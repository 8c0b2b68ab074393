//! The roll-up of statistics: what is finished is added up once, so that long windows are cheap.
//!
//! Each step puts the sums of some minutes and moves the mark on in one commit; the sums replace what is there, so a step that is
//! done twice changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::warn;

use super::Engine;
use crate::db::Tx;
use crate::db::rollup::{self, RollKey, Sums, Which};
use crate::db::stats::{self, Minutes};
use crate::model::Timestamp;
use crate::model::stats::period::FINE_DAYS;

/// Minutes after which nothing is expected to come for a minute that has passed.
const GRACE_MINUTES: i64 = 5;
/// How often the roll-up looks for finished minutes.
const EVERY: Duration = Duration::from_secs(15);
/// Days for which minutes and half hours are kept: those that ranges tell apart, and as long before for the comparison.
const KEEP_FINE_DAYS: i64 = FINE_DAYS + 3;
/// Most minutes whose rows are deleted in one transaction.
const PRUNE_MINUTES: i64 = 360;

const DAY: i64 = 1_440;

type Collected = BTreeMap<RollKey, Sums>;

/// The minutes of the next step: at most to the end of a half hour.
fn step(rolled: i64, finished: i64) -> Minutes {
    rolled..((rolled.div_euclid(30) + 1) * 30).min(finished)
}

/// Counts a row for an interval: for its subject, and for the totals of its tenant and of everything.
fn collect(out: &mut Collected, span: i64, slot: i64, row: &stats::StatRow) {
    let key = |subject: String, tenant: &str| RollKey { span, subject, slot, tenant_id: tenant.to_owned() };
    let mut subjects = vec![key(rollup::of_tenant(&row.tenant_id), &row.tenant_id), key(String::new(), "")];
    if !row.action_id.is_empty() {
        subjects.push(key(row.action_id.clone(), &row.tenant_id));
    }
    for key in subjects {
        out.entry(key).or_default().add(&row.kind, row.bucket, row.count, row.sum_ms);
    }
}

/// Adds the intervals of `part` minutes that this step itself has made to longer ones.
fn lengthen(out: &mut Collected, part: i64, span: i64, slot: i64) {
    let made: Vec<(RollKey, Sums)> = out.iter().filter(|(k, _)| k.span == part && k.slot >= slot).map(|(k, s)| (k.clone(), s.clone())).collect();
    for (key, sums) in made {
        out.entry(RollKey { span, slot, ..key }).or_default().merge(&sums);
    }
}

impl Engine {
    pub(super) async fn rollup_loop(self) {
        loop {
            if self.leads()
                && let Err(e) = self.roll_up(Timestamp::now()).await
            {
                warn!(error = format!("{e:#}"), "statistics could not be added up");
            }
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Adds up every minute that is finished at `now`.
    async fn roll_up(&self, now: Timestamp) -> anyhow::Result<()> {
        let finished = now.0.div_euclid(60_000) - GRACE_MINUTES;
        while !self.inner.stopping.is_cancelled() {
            let rolled = rollup::rolled(self.db()).await?;
            let from = match rolled {
                Some(minute) => minute,
                // Days are whole from the first one on.
                None => match stats::first_minute(self.db(), 0).await? {
                    Some(first) if first < finished => first.div_euclid(DAY) * DAY,
                    _ => return Ok(()),
                },
            };
            let minutes = step(from, finished);
            if minutes.is_empty() {
                return Ok(());
            }
            let end = minutes.end;
            let sums = self.sums_of_step(minutes).await?;
            let mut tx = self.db().begin().await?;
            rollup::put(&mut tx, &sums).await?;
            if !rollup::advance(&mut tx, rolled, end).await? {
                return Ok(());
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// What a step puts: its minutes, and the half hour, hour and day that end with it.
    async fn sums_of_step(&self, minutes: Minutes) -> anyhow::Result<Collected> {
        let mut out = Collected::new();
        let end = minutes.end;
        for row in stats::by_minute(self.db(), None, None, minutes).await? {
            collect(&mut out, 1, row.minute, &row);
        }
        if end % 30 == 0 {
            for row in stats::by_action(self.db(), end - 30..end).await? {
                collect(&mut out, 30, end - 30, &row);
            }
        }
        for (span, part) in [(60, 30), (DAY, 60)] {
            if end % span == 0 {
                let first = end - span;
                lengthen(&mut out, part, span, first);
                // One interval at a time: all of them at once could be large.
                for slot in (first..end - part).step_by(usize::try_from(part)?) {
                    for (key, sums) in rollup::read(self.db(), part, Which::Every, slot, slot + 1).await? {
                        out.entry(RollKey { span, slot: first, ..key }).or_default().merge(&sums);
                    }
                }
            }
        }
        Ok(out)
    }

    /// Deletes statistics that are older than they are kept, the fine ones a little at a time.
    pub(super) async fn prune_stats(&self, tx: &mut Tx, now: Timestamp) -> anyhow::Result<()> {
        let minute = now.0.div_euclid(60_000);
        let days = i64::from(self.config().stats_retention_days);
        let fine = minute - KEEP_FINE_DAYS.min(days) * DAY;
        let rolled = rollup::rolled(self.db()).await?.unwrap_or(0);
        if let Some(first) = stats::first_minute(self.db(), 0).await? {
            stats::prune(tx, fine.min(rolled).min(first + PRUNE_MINUTES)).await?;
        }
        for (span, before) in [(1, fine), (30, fine), (60, minute - days * DAY), (DAY, minute - days * DAY)] {
            rollup::prune(tx, span, before).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, settings};

    #[test]
    fn steps_end_with_half_hours() {
        for (rolled, finished, expected) in [(60, 200, 60..90), (61, 200, 61..90), (60, 75, 60..75), (75, 75, 75..75), (80, 75, std::ops::Range { start: 80, end: 75 })] {
            assert_eq!(step(rolled, finished), expected);
            assert_eq!(step(rolled, finished).is_empty(), rolled >= finished);
        }
    }

    /// Far ahead, so that the node's own roll-up and deletions have no hand in it.
    #[tokio::test]
    async fn statistics_go_when_they_are_older_than_they_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut config = crate::config::Config::for_tests(folder.path());
        config.stats_retention_days = 400;
        let db = Db::connect(&config.effective_database_url(), 2).await.unwrap();
        db.migrate().await.unwrap();
        let engine = Engine::start(config.clone(), db.clone(), crate::handlers::registry(&config).unwrap()).await.unwrap();
        let minute = (Timestamp::now().0 / 60_000 / DAY + 2_000) * DAY;
        let (fine, coarse) = (minute - KEEP_FINE_DAYS * DAY, minute - 400 * DAY);
        let (mut deltas, mut sums) = (stats::Deltas::new(), Collected::new());
        for at in [fine - 500, fine - 141, fine - 140, fine - 1, fine, minute] {
            deltas.insert(stats::StatKey { minute: at, tenant_id: "default".into(), action_id: "a".into(), kind: "succeeded", bucket: -1 }, (1, 0));
        }
        for (span, before) in [(1, fine), (30, fine), (60, coarse), (DAY, coarse)] {
            for slot in [before - 1, before] {
                sums.insert(RollKey { span, subject: "a".into(), slot, tenant_id: "default".into() }, Sums::default());
            }
        }
        let mut tx = db.begin().await.unwrap();
        stats::add(&mut tx, &deltas).await.unwrap();
        rollup::put(&mut tx, &sums).await.unwrap();
        tx.commit().await.unwrap();

        // A little at a time, and never what is not summed yet.
        for (rolled, left) in
            [(fine - 10, vec![fine - 140, fine - 1, fine, minute]), (fine - 10, vec![fine - 1, fine, minute]), (minute, vec![fine, minute]), (minute, vec![fine, minute])]
        {
            settings::put(&db, rollup::ROLLED_KEY, &rolled.to_string()).await.unwrap();
            let mut tx = db.begin().await.unwrap();
            engine.prune_stats(&mut tx, Timestamp(minute * 60_000 + 59_999)).await.unwrap();
            tx.commit().await.unwrap();
            let kept: Vec<i64> = stats::by_minute(&db, None, None, coarse..minute + 1).await.unwrap().iter().map(|row| row.minute).collect();
            assert_eq!(kept, left);
        }
        for (span, before) in [(1, fine), (30, fine), (60, coarse), (DAY, coarse)] {
            let kept: Vec<i64> = rollup::read(&db, span, Which::Subject("a", None), 0, i64::MAX).await.unwrap().iter().map(|(key, _)| key.slot).collect();
            assert_eq!(kept, [before], "intervals of {span} minutes");
        }
        engine.shutdown().await;
    }

    #[test]
    fn a_row_counts_for_its_action_its_tenant_and_everything() {
        let row = |tenant: &str, action: &str| stats::StatRow {
            minute: 0,
            tenant_id: tenant.into(),
            action_id: action.into(),
            kind: "succeeded".into(),
            bucket: -1,
            count: 2,
            sum_ms: 0,
        };
        let mut out = Collected::new();
        for (tenant, action) in [("a", "x"), ("a", "y"), ("b", "x")] {
            collect(&mut out, 30, 60, &row(tenant, action));
        }
        collect(&mut out, 30, 30, &row("a", "x"));
        lengthen(&mut out, 30, 60, 60);
        let of =
            |span, slot, subject: &str, tenant: &str| out.get(&RollKey { span, subject: subject.into(), slot, tenant_id: tenant.into() }).map_or(0, |sums| sums.of("succeeded").0);
        assert_eq!((of(30, 60, "x", "a"), of(30, 60, "x", "b"), of(30, 60, "@a", "a"), of(30, 60, "", "")), (2, 2, 4, 6));
        assert_eq!((of(60, 60, "@a", "a"), of(60, 60, "", ""), of(60, 30, "", "")), (4, 6, 0), "only what lies in the longer interval");
        assert_eq!(of(1, 60, "@a", "a"), 0);
    }
}
