//! Executions that are over when they are stored: a made-up past, and the mark of the sums that it moves back.

use serde_json::{Value, json};

use super::ingest::NewExecution;
use super::{Sql, Tx, rollup};
use crate::model::Timestamp;
use crate::model::event::Event;
use crate::model::execution::{ExecutionError, Status};
use crate::{on_tx, sql};

/// An execution with its end.
#[derive(Clone, Debug)]
pub struct PastExecution {
    /// What it is; its claim is passed over.
    pub execution: NewExecution,
    /// Its terminal status.
    pub status: Status,
    /// Attempts made, at least 1.
    pub attempts: u32,
    /// Attempts that failed.
    pub failures: u32,
    /// When the first attempt began.
    pub started_at: Timestamp,
    /// When the last one ended.
    pub finished_at: Timestamp,
    /// What the handler returned.
    pub result: Option<Value>,
    /// The last error.
    pub error: Option<ExecutionError>,
}

const INSERT: Sql = sql!(
    "insert into action_executions (id, tenant_id, event_id, event_type, action_id, action_name, action_version, handler_type, mode, priority, status, due_at, claim_key,
        attempt, failures, lost_leases, cancel_requested, result, error, error_class, created_at, started_at, finished_at, duration_ms)
     select r.value->>0, r.value->>1, r.value->>2, r.value->>3, r.value->>4, r.value->>5, cast(r.value->>6 as bigint), r.value->>7, r.value->>8, cast(r.value->>9 as bigint),
        r.value->>10, cast(r.value->>11 as bigint), cast(r.value->>11 as bigint), cast(r.value->>12 as bigint), cast(r.value->>13 as bigint), 0, false,
        r.value->>14, r.value->>15, r.value->>16, cast(r.value->>17 as bigint), cast(r.value->>18 as bigint), cast(r.value->>19 as bigint), cast(r.value->>20 as bigint) from",
    ROWS,
    "where true on conflict (id) do nothing"
);

/// Stores the executions of one event.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut Tx, event: &Event, past: &[PastExecution]) -> sqlx::Result<()> {
    if past.is_empty() {
        return Ok(());
    }
    let row = |p: &PastExecution| {
        let x = &p.execution;
        let error = p.error.as_ref().and_then(|e| serde_json::to_string(e).ok());
        let class = p.error.as_ref().and_then(|e| serde_json::to_value(e.class).ok());
        json!([
            x.id,
            event.tenant_id,
            event.id,
            event.event_type,
            x.action_id,
            x.action_name,
            x.action_version,
            x.handler_type,
            x.mode.name(),
            x.priority.rank(),
            p.status.name(),
            x.created_at.0,
            p.attempts,
            p.failures,
            p.result.as_ref().map(Value::to_string),
            error,
            class,
            x.created_at.0,
            p.started_at.0,
            p.finished_at.0,
            p.finished_at.0 - p.started_at.0
        ])
    };
    let document = Value::Array(past.iter().map(row).collect()).to_string();
    let text = tx.pick(&INSERT);
    on_tx!(tx, conn => sqlx::query(text).bind(document).execute(conn).await.map(|_| ()))
}

/// Lets the roll-up add up everything from a Unix minute on once more; its sums take the place of those that are there.
///
/// # Errors
/// The database's.
pub async fn sum_again_from(tx: &mut Tx, minute: i64) -> sqlx::Result<()> {
    const SQL: &str = "update settings set value = cast($2 as text) where key = $1 and cast(value as bigint) > $2";
    on_tx!(tx, conn => sqlx::query(SQL).bind(rollup::ROLLED_KEY).bind(minute).execute(conn).await.map(|_| ()))
}
