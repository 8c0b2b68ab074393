//! Table `execution_stats`: rows that add up, so that any window is one sum on either database and from any number of nodes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::query::Select;
use super::{Db, Sql, Tx};
use crate::model::Timestamp;
use crate::{on_tx, sql};

/// What a row counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatKey {
    /// Unix minute.
    pub minute: i64,
    /// The event's tenant.
    pub tenant_id: String,
    /// The action.
    pub action_id: String,
    /// A terminal status of an execution, or `attempt_succeeded` or `attempt_failed`.
    pub kind: &'static str,
    /// Latency bucket of an attempt; -1 for executions.
    pub bucket: i64,
}

/// Counts to be added, by key: (count, summed milliseconds).
pub type Deltas = BTreeMap<StatKey, (i64, i64)>;

/// Adds the counts. Rows go in by key order, so that concurrent writers cannot deadlock.
///
/// # Errors
/// The database's.
pub async fn add(tx: &mut Tx, deltas: &Deltas) -> sqlx::Result<()> {
    const SQL: Sql = sql!(
        "insert into execution_stats (minute, tenant_id, action_id, kind, bucket, count, sum_ms)
         select cast(r.value->>0 as bigint), r.value->>1, r.value->>2, r.value->>3, cast(r.value->>4 as bigint), cast(r.value->>5 as bigint), cast(r.value->>6 as bigint) from",
        ROWS,
        "where true on conflict (minute, tenant_id, action_id, kind, bucket)
         do update set count = execution_stats.count + excluded.count, sum_ms = execution_stats.sum_ms + excluded.sum_ms"
    );
    if deltas.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = deltas.iter().map(|(k, (count, sum))| json!([k.minute, k.tenant_id, k.action_id, k.kind, k.bucket, count, sum])).collect();
    let (text, document) = (tx.pick(&SQL), Value::Array(rows).to_string());
    on_tx!(tx, conn => sqlx::query(text).bind(document).execute(conn).await.map(|_| ()))
}

/// A summed row.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StatRow {
    /// The start of the interval, in Unix minutes.
    pub slot: i64,
    /// The tenant.
    pub tenant_id: String,
    /// The action, or empty when summed over all.
    pub action_id: String,
    /// What is counted.
    pub kind: String,
    /// The latency bucket.
    pub bucket: i64,
    /// How many.
    pub count: i64,
    /// Summed milliseconds.
    pub sum_ms: i64,
}

/// Sums over intervals of `step` minutes from minute `from` on, per tenant; of one action when given.
///
/// # Errors
/// The database's.
pub async fn series(db: &Db, tenant: Option<&str>, action_id: Option<&str>, from: i64, step: i64) -> sqlx::Result<Vec<StatRow>> {
    const HEAD: &str = "select minute as slot, tenant_id, '' as action_id, kind, bucket, cast(sum(count) as bigint) as count, cast(sum(sum_ms) as bigint) as sum_ms from execution_stats";
    let mut select = Select::new(HEAD);
    select.filter("minute >= ?", from);
    select.maybe("tenant_id = ?", tenant);
    select.maybe("action_id = ?", action_id);
    select.tail("group by minute, tenant_id, kind, bucket");
    let mut rows: Vec<StatRow> = select.fetch(db).await?;
    for row in &mut rows {
        row.slot = from + (row.slot - from).div_euclid(step) * step;
    }
    Ok(rows)
}

/// Sums per action over hours from minute `from` on.
///
/// # Errors
/// The database's.
pub async fn per_action(db: &Db, tenant: Option<&str>, from: i64) -> sqlx::Result<Vec<StatRow>> {
    const HEAD: &str = "select (minute / 60) * 60 as slot, '' as tenant_id, action_id, kind, bucket, cast(sum(count) as bigint) as count, cast(sum(sum_ms) as bigint) as sum_ms from execution_stats";
    let mut select = Select::new(HEAD);
    select.filter("minute >= ?", from);
    select.maybe("tenant_id = ?", tenant);
    select.tail("group by minute / 60, action_id, kind, bucket");
    select.fetch(db).await
}

/// Deletes rows older than `before`.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> sqlx::Result<u64> {
    const SQL: &str = "delete from execution_stats where minute < $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(before.0 / 60_000).execute(conn).await.map(|r| r.rows_affected()))
}
