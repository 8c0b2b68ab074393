//! What the monitor asks of table `action_executions`: open work, work that is overdue, why an action fails.

use super::Db;
use super::query::Select;
use crate::model::execution::ExecutionError;

/// Executions of a tenant in a status that is not over, or dead letters that nobody has handled.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenCount {
    /// The tenant.
    pub tenant_id: String,
    /// The status.
    pub status: String,
    /// How many.
    pub count: i64,
    /// For what waits: when the first was due, in Unix milliseconds.
    pub oldest_due: Option<i64>,
}

// `|| ''` and `>= 0` change no result. They keep SQLite from walking all executions in the order of another index: what is open
// stands in small partial indexes.

/// What waits, what runs and what is dead, per tenant; of one action when given.
///
/// # Errors
/// The database's.
pub async fn open_counts(db: &Db, action_id: Option<&str>) -> sqlx::Result<Vec<OpenCount>> {
    const WAITS: &str = "select tenant_id || '' as tenant_id, status || '' as status, count(*) as count, min(due_at) as oldest_due from action_executions";
    const RUNS: &str = "select tenant_id || '' as tenant_id, 'running' as status, count(*) as count, cast(null as bigint) as oldest_due from action_executions";
    const DEAD: &str = "select tenant_id, 'dead_letter' as status, count(*) as count, cast(null as bigint) as oldest_due from action_executions";
    let mut out = Vec::new();
    for (head, which, tail) in [
        (WAITS, "status in ('pending', 'retrying') and claim_key >= 0", "group by 1, 2"),
        (RUNS, "status = 'running' and lease_until >= 0", "group by 1"),
        (DEAD, "status = 'dead_letter' and handled_at is null", "group by tenant_id"),
    ] {
        let mut select = Select::new(head);
        select.fixed(which);
        select.maybe("action_id || '' = ?", action_id);
        select.tail(tail);
        out.extend(select.fetch::<OpenCount>(db).await?);
    }
    Ok(out)
}

/// Since when work of each action has been due, where that is before `due_before` (Unix milliseconds): (action, first due).
///
/// # Errors
/// The database's.
pub async fn overdue(db: &Db, due_before: i64) -> sqlx::Result<Vec<(String, i64)>> {
    let mut select = Select::new("select action_id || '' as action_id, min(due_at) as due_at from action_executions");
    select.fixed("status in ('pending', 'retrying') and claim_key >= 0");
    // claim_key is due_at and at most a minute; this lets the index end early.
    select.filter("claim_key < ?", due_before + 60_000);
    select.filter("due_at < ?", due_before);
    select.tail("group by 1");
    select.fetch(db).await
}

/// Since when the work of one action has been due, if any waits.
///
/// # Errors
/// The database's.
pub async fn oldest_due(db: &Db, action_id: &str) -> sqlx::Result<Option<i64>> {
    let mut select = Select::new("select min(due_at) from action_executions");
    select.fixed("status in ('pending', 'retrying') and claim_key >= 0");
    select.filter("action_id || '' = ?", action_id);
    let rows: Vec<(Option<i64>,)> = select.fetch(db).await?;
    Ok(rows.into_iter().next().and_then(|r| r.0))
}

/// The latest error among the last 200 executions of an action; of one tenant's events when given.
///
/// # Errors
/// The database's.
pub async fn latest_error(db: &Db, action_id: &str, tenant: Option<&str>) -> sqlx::Result<Option<ExecutionError>> {
    let mut select = Select::new("select error from (select id, error, tenant_id from action_executions");
    select.filter("action_id = ?", action_id);
    select.maybe("tenant_id = ?", tenant);
    select.tail("order by id desc limit 200) latest where error is not null order by id desc limit 1");
    let rows: Vec<(String,)> = select.fetch(db).await?;
    Ok(rows.into_iter().next().and_then(|(text,)| serde_json::from_str(&text).ok()))
}
