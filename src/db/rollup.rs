//! Table `execution_stats_rollup`: what was counted in a half hour, an hour or a day, one row each, so that reading a window
//! costs the same however much has run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::query::Select;
use super::{Db, Sql, Tx, settings};
use crate::{on_tx, sql};

/// The spans in minutes, shortest first. Days end with a day of the Unix clock.
pub const SPANS: [i64; 4] = [1, 30, 60, 1_440];
/// Everything before this Unix minute is summed.
pub const ROLLED_KEY: &str = "stats.rolled";

/// What was counted: by kind and bucket, how many and their summed milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sums(BTreeMap<String, BTreeMap<i64, (i64, i64)>>);

impl Sums {
    /// Counts something.
    pub fn add(&mut self, kind: &str, bucket: i64, count: i64, sum_ms: i64) {
        if !self.0.contains_key(kind) {
            self.0.insert(kind.to_owned(), BTreeMap::new());
        }
        if let Some(buckets) = self.0.get_mut(kind) {
            let entry = buckets.entry(bucket).or_default();
            *entry = (entry.0 + count, entry.1 + sum_ms);
        }
    }

    /// Adds everything of another.
    pub fn merge(&mut self, other: &Self) {
        for (kind, buckets) in &other.0 {
            buckets.iter().for_each(|(bucket, (count, sum_ms))| self.add(kind, *bucket, *count, *sum_ms));
        }
    }

    /// How many of a kind, and their summed milliseconds.
    #[must_use]
    pub fn of(&self, kind: &str) -> (i64, i64) {
        self.0.get(kind).into_iter().flat_map(BTreeMap::values).fold((0, 0), |(n, s), (count, sum)| (n + count, s + sum))
    }

    /// How many of some kinds by bucket.
    #[must_use]
    pub fn buckets(&self, kinds: &[&str]) -> BTreeMap<i64, i64> {
        let mut out = BTreeMap::new();
        for (bucket, (count, _)) in kinds.iter().filter_map(|kind| self.0.get(*kind)).flatten() {
            *out.entry(*bucket).or_default() += count;
        }
        out
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What an interval was counted for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RollKey {
    /// Minutes of the interval.
    pub span: i64,
    /// An action's id, [`of_tenant`], or empty for everything.
    pub subject: String,
    /// Its first Unix minute.
    pub slot: i64,
    /// The event's tenant; empty where all are summed.
    pub tenant_id: String,
}

/// The subject that stands for all actions of a tenant's events.
#[must_use]
pub fn of_tenant(tenant: &str) -> String {
    format!("@{tenant}")
}

#[derive(sqlx::FromRow)]
struct Row {
    subject: String,
    slot: i64,
    tenant_id: String,
    body: String,
}

const HEAD: &str = "select subject, slot, tenant_id, body from execution_stats_rollup";

/// Which rows are read.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// One subject, of one tenant when given.
    Subject(&'a str, Option<&'a str>),
    /// Every single action.
    Actions,
    /// All actions of each tenant.
    Tenants,
    /// Everything.
    Every,
}

/// Sums of a span whose slots lie in `from..to`.
///
/// # Errors
/// The database's.
pub async fn read(db: &Db, span: i64, which: Which<'_>, from: i64, to: i64) -> sqlx::Result<Vec<(RollKey, Sums)>> {
    let mut select = Select::new(HEAD);
    select.filter("span = ?", span);
    select.filter("slot >= ?", from);
    select.filter("slot < ?", to);
    match which {
        Which::Subject(subject, tenant) => {
            select.filter("subject = ?", subject);
            select.maybe("tenant_id = ?", tenant);
        }
        Which::Every => {}
        Which::Actions => select.fixed("subject <> '' and subject not like '@%'"),
        Which::Tenants => select.fixed("subject like '@%'"),
    }
    let rows: Vec<Row> = select.fetch(db).await?;
    let key = |r: &Row| RollKey { span, subject: r.subject.clone(), slot: r.slot, tenant_id: r.tenant_id.clone() };
    Ok(rows.into_iter().map(|r| (key(&r), serde_json::from_str(&r.body).unwrap_or_default())).collect())
}

/// Puts sums into the place of those that are there.
///
/// # Errors
/// The database's.
pub async fn put(tx: &mut Tx, sums: &BTreeMap<RollKey, Sums>) -> sqlx::Result<()> {
    const SQL: Sql = sql!(
        "insert into execution_stats_rollup (span, subject, slot, tenant_id, body)
         select cast(r.value->>0 as bigint), r.value->>1, cast(r.value->>2 as bigint), r.value->>3, r.value->>4 from",
        ROWS,
        "where true on conflict (span, subject, slot, tenant_id) do update set body = excluded.body"
    );
    if sums.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = sums.iter().map(|(k, s)| json!([k.span, k.subject, k.slot, k.tenant_id, serde_json::to_string(s).unwrap_or_default()])).collect();
    let (text, document) = (tx.pick(&SQL), Value::Array(rows).to_string());
    on_tx!(tx, conn => sqlx::query(text).bind(document).execute(conn).await.map(|_| ()))
}

/// The minute before which everything is summed; none before the first time.
///
/// # Errors
/// The database's.
pub async fn rolled(db: &Db) -> sqlx::Result<Option<i64>> {
    Ok(settings::get(db, ROLLED_KEY).await?.and_then(|t| t.parse().ok()))
}

/// Moves that minute on; false when another node was quicker, and then the transaction must not be committed.
///
/// # Errors
/// The database's.
pub async fn advance(tx: &mut Tx, from: Option<i64>, to: i64) -> sqlx::Result<bool> {
    const FIRST: &str = "insert into settings (key, value) values ($1, $2) on conflict (key) do nothing";
    const NEXT: &str = "update settings set value = $2 where key = $1 and value = $3";
    let text = if from.is_some() { NEXT } else { FIRST };
    let from = from.map(|n| n.to_string());
    let changed = on_tx!(tx, conn => {
        let query = sqlx::query(text).bind(ROLLED_KEY).bind(to.to_string());
        let query = if let Some(from) = from { query.bind(from) } else { query };
        query.execute(conn).await?.rows_affected()
    });
    Ok(changed == 1)
}

/// Deletes sums of a span whose slots lie before `slot`.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, span: i64, slot: i64) -> sqlx::Result<u64> {
    const SQL: &str = "delete from execution_stats_rollup where span = $1 and slot < $2";
    on_tx!(tx, conn => sqlx::query(SQL).bind(span).bind(slot).execute(conn).await.map(|r| r.rows_affected()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_add_up_and_survive_storage() {
        let mut a = Sums::default();
        assert!(a.is_empty());
        a.add("attempt_succeeded", 7, 2, 14);
        a.add("attempt_succeeded", 9, 1, 9);
        a.add("succeeded", -1, 3, 0);
        let mut b: Sums = serde_json::from_str(&serde_json::to_string(&a).unwrap_or_default()).unwrap_or_default();
        assert_eq!(a, b);
        b.merge(&a);
        assert_eq!((b.of("attempt_succeeded"), b.of("succeeded"), b.of("failed")), ((6, 46), (6, 0), (0, 0)));
        assert_eq!(b.buckets(&["attempt_succeeded", "attempt_failed"]), BTreeMap::from([(7, 4), (9, 2)]));
    }
}
