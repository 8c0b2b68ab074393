//! Table `execution_stats`: rows that add up by the minute, from any number of nodes. Longer intervals are in `rollup.rs`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::query::Select;
use super::{Db, Sql, Tx};
use crate::{on_db, on_tx, sql};

/// An attempt that worked.
pub const ATTEMPT_SUCCEEDED: &str = "attempt_succeeded";
/// An attempt that failed.
pub const ATTEMPT_FAILED: &str = "attempt_failed";
/// The time from acceptance to the first start of an execution.
pub const QUEUE_WAIT: &str = "queue_wait";
/// Counted besides [`ATTEMPT_SUCCEEDED`]: an event that tells of an alert caused the attempt.
pub const ECHO_SUCCEEDED: &str = "echo_succeeded";
/// Counted besides [`ATTEMPT_FAILED`]: an event that tells of an alert caused the attempt.
pub const ECHO_FAILED: &str = "echo_failed";

/// What a row counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatKey {
    /// Unix minute.
    pub minute: i64,
    /// The event's tenant.
    pub tenant_id: String,
    /// The action.
    pub action_id: String,
    /// A terminal status of an execution, or one of the kinds below.
    pub kind: &'static str,
    /// Latency bucket of an attempt or a wait; -1 for executions.
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
    /// The Unix minute; 0 when summed over all.
    pub minute: i64,
    /// The tenant; empty when summed over all.
    pub tenant_id: String,
    /// The action; empty when summed over all.
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

/// The minutes from the first to before the second.
pub type Minutes = std::ops::Range<i64>;

/// Rows by minute and tenant, summed over actions; of one tenant or action when given.
///
/// # Errors
/// The database's.
pub async fn by_minute(db: &Db, tenant: Option<&str>, action_id: Option<&str>, minutes: Minutes) -> sqlx::Result<Vec<StatRow>> {
    const HEAD: &str = "select minute, tenant_id, '' as action_id, kind, bucket, cast(sum(count) as bigint) as count, cast(sum(sum_ms) as bigint) as sum_ms from execution_stats";
    let mut select = within(HEAD, minutes);
    select.maybe("tenant_id = ?", tenant);
    select.maybe("action_id = ?", action_id);
    select.tail("group by minute, tenant_id, kind, bucket");
    select.fetch(db).await
}

/// Rows by tenant, summed over minutes and actions.
///
/// # Errors
/// The database's.
pub async fn by_tenant(db: &Db, minutes: Minutes) -> sqlx::Result<Vec<StatRow>> {
    const HEAD: &str = "select cast(0 as bigint) as minute, tenant_id, '' as action_id, kind, bucket, cast(sum(count) as bigint) as count, cast(sum(sum_ms) as bigint) as sum_ms
        from execution_stats";
    let mut select = within(HEAD, minutes);
    select.tail("group by tenant_id, kind, bucket");
    select.fetch(db).await
}

/// Rows by tenant and action, summed over minutes.
///
/// # Errors
/// The database's.
pub async fn by_action(db: &Db, minutes: Minutes) -> sqlx::Result<Vec<StatRow>> {
    const HEAD: &str = "select cast(0 as bigint) as minute, tenant_id, action_id, kind, bucket, cast(sum(count) as bigint) as count, cast(sum(sum_ms) as bigint) as sum_ms
        from execution_stats";
    let mut select = within(HEAD, minutes);
    select.tail("group by tenant_id, action_id, kind, bucket");
    select.fetch(db).await
}

fn within(head: &'static str, minutes: Minutes) -> Select {
    let mut select = Select::new(head);
    select.filter("minute >= ?", minutes.start);
    select.filter("minute < ?", minutes.end);
    select
}

/// What is known of the attempts of an action since a minute: how many worked, how many failed, the minute of the first failure.
///
/// # Errors
/// The database's.
pub async fn attempts_of(db: &Db, action_id: &str, since: i64) -> sqlx::Result<(i64, i64, Option<i64>)> {
    let mut select = Select::new("select kind, cast(sum(count) as bigint), min(minute) from execution_stats");
    select.filter("action_id = ?", action_id);
    select.filter("minute >= ?", since);
    select.fixed("kind in ('attempt_succeeded', 'attempt_failed')");
    select.tail("group by kind");
    let rows: Vec<(String, i64, i64)> = select.fetch(db).await?;
    let of = |kind: &str| rows.iter().find(|r| r.0 == kind);
    Ok((of(ATTEMPT_SUCCEEDED).map_or(0, |r| r.1), of(ATTEMPT_FAILED).map_or(0, |r| r.1), of(ATTEMPT_FAILED).map(|r| r.2)))
}

/// The first minute from `since` on that has rows.
///
/// # Errors
/// The database's.
pub async fn first_minute(db: &Db, since: i64) -> sqlx::Result<Option<i64>> {
    const SQL: &str = "select min(minute) from execution_stats where minute >= $1";
    on_db!(db, pool => sqlx::query_scalar(SQL).bind(since).fetch_one(pool).await)
}

/// Deletes rows of minutes before `minute`.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, minute: i64) -> sqlx::Result<u64> {
    const SQL: &str = "delete from execution_stats where minute < $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(minute).execute(conn).await.map(|r| r.rows_affected()))
}
