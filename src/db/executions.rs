//! Table `action_executions`: heartbeat, completion, rescue, and reading. Claims are in `claims.rs`.
//!
//! Every transition is guarded by id, status, attempt, claim token and unexpired lease, judged by the database's clock (G5, G6).

use std::collections::HashSet;

use serde_json::{Value, json};

use super::query::Select;
use super::{Db, Sql, Tx};
use crate::model::Timestamp;
use crate::model::action::{ExecutionMode, Priority};
use crate::model::execution::{Execution, ExecutionError, ExecutionFilter, Status};
use crate::{on_db, on_tx, sql};

/// The end of one attempt.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The execution.
    pub execution_id: String,
    /// The attempt that ended.
    pub attempt: u32,
    /// The token it was claimed with.
    pub token: String,
    /// The state it goes to.
    pub status: Status,
    /// What the handler returned.
    pub result: Option<Value>,
    /// Why it failed; kept from before when absent and not terminal.
    pub error: Option<ExecutionError>,
    /// For `retrying` and `pending`: milliseconds until it is due.
    pub wait_ms: i64,
    /// Whether the attempt counts against the retries.
    pub counts: bool,
}

const COMPLETE: Sql = sql!(
    "update action_executions set status = r.value->>3, result = r.value->>4,
        error = case when r.value->>3 in ('pending') then error else r.value->>5 end,
        error_class = case when r.value->>3 in ('pending') then error_class else r.value->>6 end,
        due_at = cast(r.value->>7 as bigint) +",
    NOW,
    ", claim_key = cast(r.value->>7 as bigint) + 20000 * priority +",
    NOW,
    ", failures = failures + cast(r.value->>8 as bigint), claim_token = null, lease_until = null, attempt_started_at = null,
        finished_at = case when cast(r.value->>9 as bigint) = 1 then",
    NOW,
    "end, duration_ms = case when cast(r.value->>9 as bigint) = 1 then",
    NOW,
    "- coalesce(started_at, created_at) end from",
    ROWS,
    "where action_executions.id = r.value->>0 and action_executions.status = 'running' and action_executions.attempt = cast(r.value->>1 as bigint)
        and action_executions.claim_token = r.value->>2 and action_executions.lease_until >",
    NOW,
    "returning action_executions.id"
);

/// What was to be stopped when its attempt ended by itself does not go on, now or later.
const STOP_WHAT_GOES_ON: Sql = sql!(
    "update action_executions set status = 'cancelled', finished_at =",
    NOW,
    "where cancel_requested = true and status in ('pending', 'retrying') and id in (select r.value->>0 from",
    ROWS,
    ")"
);

/// Applies the ends of attempts in one statement. Returns the ids it applied to; a stale worker's are not among them.
///
/// # Errors
/// The database's.
pub async fn complete(tx: &mut Tx, completions: &[&Completion]) -> sqlx::Result<HashSet<String>> {
    let rows: Vec<Value> = completions
        .iter()
        .map(|c| {
            json!([
                c.execution_id,
                c.attempt,
                c.token,
                c.status.name(),
                c.result.as_ref().map(Value::to_string),
                c.error.as_ref().and_then(|e| serde_json::to_string(e).ok()),
                c.error.as_ref().and_then(|e| serde_json::to_value(e.class).ok()),
                c.wait_ms,
                i64::from(c.counts),
                i64::from(c.status.is_terminal())
            ])
        })
        .collect();
    let (text, document) = (tx.pick(&COMPLETE), Value::Array(rows).to_string());
    let ids: Vec<(String,)> = on_tx!(tx, conn => sqlx::query_as(text).bind(document).fetch_all(conn).await)?;
    if completions.iter().any(|c| !c.status.is_terminal()) {
        let (text, ended) = (tx.pick(&STOP_WHAT_GOES_ON), json!(ids).to_string());
        on_tx!(tx, conn => sqlx::query(text).bind(ended).execute(conn).await.map(|_| ()))?;
    }
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

const HEARTBEAT: Sql = sql!(
    "update action_executions set lease_until = 25000 +",
    NOW,
    "from",
    ROWS,
    "where action_executions.id = r.value->>0 and action_executions.status = 'running' and action_executions.attempt = cast(r.value->>1 as bigint)
        and action_executions.claim_token = r.value->>2 and action_executions.lease_until >",
    NOW,
    "returning action_executions.id, action_executions.cancel_requested"
);

/// Extends the leases of running attempts. Returns those still held, with whether a person wants them stopped.
///
/// # Errors
/// The database's.
pub async fn heartbeat(db: &Db, running: &[(String, u32)], token: &str) -> sqlx::Result<Vec<(String, bool)>> {
    let rows: Vec<Value> = running.iter().map(|(id, attempt)| json!([id, attempt, token])).collect();
    let mut tx = db.begin().await?;
    let (text, document) = (tx.pick(&HEARTBEAT), Value::Array(rows).to_string());
    let held = on_tx!(&mut tx, conn => sqlx::query_as(text).bind(document).fetch_all(conn).await)?;
    tx.commit().await?;
    Ok(held)
}

/// An execution whose node lost its lease.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Rescued {
    /// The execution.
    pub id: String,
    /// Its tenant.
    pub tenant_id: String,
    /// Its action.
    pub action_id: String,
    /// Where it went: `pending`, `dead_letter` after three lost leases, or `cancelled` when somebody wanted it stopped.
    pub status: String,
    /// The attempt that was lost.
    pub attempt: i64,
    /// The node that lost it.
    pub node: Option<String>,
    /// When that attempt began.
    pub attempt_started_at: Option<i64>,
    /// The database's time.
    pub now: i64,
}

const RESCUE: Sql = sql!(
    "update action_executions set
        status = case when cancel_requested = true then 'cancelled' when lost_leases >= 2 then 'dead_letter' else 'pending' end, lost_leases = lost_leases + 1,
        error = case when lost_leases >= 2 then $1 else error end, error_class = case when lost_leases >= 2 then 'lost_lease' else error_class end,
        finished_at = case when cancel_requested = true or lost_leases >= 2 then",
    NOW,
    "end, duration_ms = case when lost_leases >= 2 then",
    NOW,
    "- coalesce(started_at, created_at) end, claim_token = null, lease_until = null, due_at =",
    NOW,
    ", claim_key = 20000 * priority +",
    NOW,
    "where id in (select e.id from action_executions e where e.status = 'running' and e.lease_until <",
    NOW,
    "order by e.lease_until limit 500",
    SKIP_LOCKED,
    ") and status = 'running'
    returning id, tenant_id, action_id, status, attempt, node, attempt_started_at,",
    NOW,
    "as now"
);

/// Takes back at most 500 executions whose lease ran out; after the third lost lease they become dead letters (G11).
///
/// # Errors
/// The database's.
pub async fn rescue(tx: &mut Tx, error: &ExecutionError) -> sqlx::Result<Vec<Rescued>> {
    let (text, error) = (tx.pick(&RESCUE), json!(error).to_string());
    on_tx!(tx, conn => sqlx::query_as(text).bind(error).fetch_all(conn).await)
}

const CANCEL: Sql = sql!(
    "update action_executions set status = case when status = 'running' then status else 'cancelled' end, cancel_requested = true,
        finished_at = case when status = 'running' then null else",
    NOW,
    "end where id = $1 and status in ('pending', 'retrying', 'running') returning status"
);

/// Cancels what waits, asks what runs to stop. Returns the status afterwards; `None` when it is terminal.
///
/// # Errors
/// The database's.
pub async fn cancel(tx: &mut Tx, id: &str) -> sqlx::Result<Option<Status>> {
    let text = tx.pick(&CANCEL);
    let status: Option<String> = on_tx!(tx, conn => sqlx::query_scalar(text).bind(id).fetch_optional(conn).await)?;
    Ok(status.and_then(|s| Status::parse(&s)))
}

/// Marks a dead letter as handled by a person. Returns whether it was one that nobody had handled.
///
/// # Errors
/// The database's.
pub async fn mark_handled(tx: &mut Tx, id: &str, at: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "update action_executions set handled_at = $2 where id = $1 and status = 'dead_letter' and handled_at is null";
    on_tx!(tx, conn => sqlx::query(SQL).bind(id).bind(at.0).execute(conn).await.map(|r| r.rows_affected() == 1))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    event_id: String,
    event_type: String,
    action_id: String,
    action_name: String,
    action_version: i64,
    handler_type: String,
    mode: String,
    priority: i64,
    status: String,
    due_at: i64,
    attempt: i64,
    ordering_key: Option<String>,
    result: Option<String>,
    error: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    duration_ms: Option<i64>,
    replay_of: Option<String>,
    handled_at: Option<i64>,
}

const HEAD: &str =
    "select id, tenant_id, event_id, event_type, action_id, action_name, action_version, handler_type, mode, priority, status, due_at, attempt, ordering_key, result, error,
    created_at, started_at, finished_at, duration_ms, replay_of, handled_at from action_executions";

impl From<Row> for Execution {
    fn from(r: Row) -> Self {
        let status = Status::parse(&r.status).unwrap_or(Status::Failed);
        Self {
            id: r.id,
            tenant_id: r.tenant_id,
            event_id: r.event_id,
            event_type: r.event_type,
            action_id: r.action_id,
            action_name: r.action_name,
            action_version: r.action_version,
            handler_type: r.handler_type,
            mode: ExecutionMode::parse(&r.mode),
            priority: Priority::from_rank(r.priority),
            status,
            result: r.result.and_then(|t| serde_json::from_str(&t).ok()),
            error: r.error.and_then(|t| serde_json::from_str(&t).ok()),
            attempt_count: u32::try_from(r.attempt).unwrap_or(0),
            attempts: Vec::new(),
            created_at: Timestamp(r.created_at),
            started_at: r.started_at.map(Timestamp),
            finished_at: r.finished_at.map(Timestamp),
            duration_ms: r.duration_ms,
            next_attempt_at: matches!(status, Status::Pending | Status::Retrying).then_some(Timestamp(r.due_at)),
            replay_of: r.replay_of,
            handled_at: r.handled_at.map(Timestamp),
            ordering_key: r.ordering_key,
        }
    }
}

/// One execution, without its attempts.
///
/// # Errors
/// The database's.
pub async fn get(db: &Db, id: &str) -> sqlx::Result<Option<Execution>> {
    let mut select = Select::new(HEAD);
    select.filter("id = ?", id);
    Ok(select.fetch::<Row>(db).await?.into_iter().next().map(Execution::from))
}

/// Executions of an event, in the order in which they were made.
///
/// # Errors
/// The database's.
pub async fn of_event(db: &Db, tenant: &str, event_id: &str) -> sqlx::Result<Vec<Execution>> {
    let mut select = Select::new(HEAD);
    select.filter("event_id = ?", event_id);
    select.filter("tenant_id = ?", tenant);
    select.tail("order by id");
    Ok(select.fetch::<Row>(db).await?.into_iter().map(Execution::from).collect())
}

/// What events, by tenant and id, led to when they came, replays left out: (tenant, event, status, how many).
///
/// # Errors
/// The database's.
pub async fn led_to(db: &Db, events: &[(&str, &str)]) -> sqlx::Result<Vec<(String, String, String, i64)>> {
    const SQL: Sql = sql!(
        "select x.tenant_id, x.event_id, x.status, count(*) from",
        ROWS,
        "join action_executions x on x.event_id = r.value->>1 and x.tenant_id = r.value->>0 where x.replay_of is null group by x.tenant_id, x.event_id, x.status"
    );
    on_db!(db, pool => sqlx::query_as(db.pick(&SQL)).bind(json!(events).to_string()).fetch_all(pool).await)
}

/// Whether so few executions wait that sorting them costs less than walking back until some are found.
async fn few_wait(db: &Db) -> sqlx::Result<bool> {
    const SQL: &str = "select count(*) from (select 1 from action_executions where status in ('pending', 'retrying') and claim_key >= 0 limit 2000) as waiting";
    let waiting: i64 = on_db!(db, pool => sqlx::query_scalar(SQL).fetch_one(pool).await)?;
    Ok(waiting < 2_000)
}

/// Executions of `tenant` (all when none), latest first, with ids below `cursor`.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, tenant: Option<&str>, filter: &ExecutionFilter, cursor: Option<&str>, limit: u32) -> sqlx::Result<Vec<Execution>> {
    let mut select = Select::new(HEAD);
    let few = match filter.status.as_deref() {
        Some("pending" | "retrying") => few_wait(db).await?,
        Some("running" | "failed" | "dead_letter" | "cancelled") => true,
        _ => false,
    };
    if (few || filter.event_type.is_some() || filter.error_class.is_some()) && filter.action_id.is_none() && !filter.unhandled_only {
        select.tenant_beside(db, tenant);
    } else {
        select.maybe("tenant_id = ?", tenant);
    }
    // Literal words, and conditions that are always so: they lead to the indexes that hold only these few.
    match filter.status.as_deref() {
        Some("failed") => select.fixed("status in ('failed', 'dead_letter')"),
        Some("dead_letter") => select.fixed("status = 'dead_letter'"),
        Some("cancelled") => select.fixed("status = 'cancelled'"),
        Some("pending") if few => select.fixed("status = 'pending' and status in ('pending', 'retrying') and claim_key >= 0"),
        Some("retrying") if few => select.fixed("status = 'retrying' and status in ('pending', 'retrying') and claim_key >= 0"),
        Some("running") => select.fixed("status = 'running' and lease_until >= 0"),
        other => select.maybe("status = ?", other),
    }
    if !db.is_shared() && matches!(filter.status.as_deref(), Some("failed" | "dead_letter" | "cancelled")) {
        // PostgreSQL concludes this by itself, and would count it twice.
        select.fixed("(status = 'failed' or status = 'cancelled' or status = 'dead_letter')");
    }
    select.maybe("action_id = ?", filter.action_id.as_deref());
    select.maybe("event_id = ?", filter.event_id.as_deref());
    select.maybe("event_type = ?", filter.event_type.as_deref());
    select.maybe("handler_type = ?", filter.handler_type.as_deref());
    select.maybe("error_class = ?", filter.error_class.as_deref());
    select.maybe("created_at >= ?", filter.from.map(|t| t.0));
    select.maybe("created_at < ?", filter.to.map(|t| t.0));
    select.maybe("duration_ms >= ?", filter.min_duration_ms);
    if filter.unhandled_only {
        select.fixed("status = 'dead_letter' and handled_at is null");
    }
    select.maybe("id < ?", cursor);
    select.tail("order by id desc");
    select.limit(limit);
    Ok(select.fetch::<Row>(db).await?.into_iter().map(Execution::from).collect())
}

/// Deletes at most `limit` terminal executions of a tenant, or of everybody, created before `before`, their attempts and steps
/// first. Returns how many.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, tenant: Option<&str>, before: Timestamp, limit: u32) -> sqlx::Result<u64> {
    const OLD_OF: &str =
        "select id from action_executions where created_at < $1 and status in ('succeeded', 'failed', 'cancelled', 'dead_letter') and tenant_id = $3 order by id limit $2";
    const OLD: &str = "select id from action_executions where created_at < $1 and status in ('succeeded', 'failed', 'cancelled', 'dead_letter') order by id limit $2";
    let ids: Vec<(String,)> = on_tx!(tx, conn => {
        let query = sqlx::query_as(if tenant.is_some() { OLD_OF } else { OLD }).bind(before.0).bind(i64::from(limit));
        if let Some(tenant) = tenant { query.bind(tenant) } else { query }.fetch_all(conn).await
    })?;
    if ids.is_empty() {
        return Ok(0);
    }
    const ATTEMPTS: Sql = sql!("delete from execution_attempts where execution_id in (select r.value->>0 from", ROWS, ")");
    const STEPS: Sql = sql!("delete from workflow_steps where execution_id in (select r.value->>0 from", ROWS, ")");
    const EXECUTIONS: Sql = sql!("delete from action_executions where id in (select r.value->>0 from", ROWS, ")");
    let document = json!(ids).to_string();
    for sql in [&ATTEMPTS, &STEPS, &EXECUTIONS] {
        let text = tx.pick(sql);
        on_tx!(tx, conn => sqlx::query(text).bind(&document).execute(conn).await.map(|_| ()))?;
    }
    Ok(ids.len() as u64)
}
