//! Table `execution_attempts`.

use serde_json::{Value, json};

use super::{Db, Sql, Tx};
use crate::model::Timestamp;
use crate::model::execution::{Attempt, Outcome};
use crate::{on_db, on_tx, sql};

/// An attempt that has ended, to be stored.
#[derive(Clone, Debug)]
pub struct NewAttempt {
    /// Its execution.
    pub execution_id: String,
    /// The attempt itself.
    pub attempt: Attempt,
}

/// Stores attempts in one statement.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut Tx, attempts: &[&NewAttempt]) -> sqlx::Result<()> {
    const SQL: Sql = sql!(
        "insert into execution_attempts (execution_id, number, node, started_at, finished_at, duration_ms, outcome, error, request, response, logs)
         select r.value->>0, cast(r.value->>1 as bigint), r.value->>2, cast(r.value->>3 as bigint), cast(r.value->>4 as bigint), cast(r.value->>5 as bigint),
                r.value->>6, r.value->>7, r.value->>8, r.value->>9, r.value->>10 from",
        ROWS,
        "where true on conflict (execution_id, number) do nothing"
    );
    if attempts.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = attempts
        .iter()
        .map(|a| {
            let t = &a.attempt;
            let text = |v: &Option<Value>| v.as_ref().map(Value::to_string);
            let error = t.error.as_ref().and_then(|e| serde_json::to_string(e).ok());
            let logs = (!t.logs.is_empty()).then(|| json!(t.logs).to_string());
            json!([
                a.execution_id,
                t.number,
                t.node,
                t.started_at.0,
                t.finished_at.map(|f| f.0),
                t.duration_ms,
                t.outcome.map_or("lost", Outcome::name),
                error,
                text(&t.request),
                text(&t.response),
                logs
            ])
        })
        .collect();
    let document = Value::Array(rows).to_string();
    let text = tx.pick(&SQL);
    on_tx!(tx, conn => sqlx::query(text).bind(document).execute(conn).await.map(|_| ()))
}

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    node: String,
    started_at: i64,
    finished_at: i64,
    duration_ms: Option<i64>,
    outcome: String,
    error: Option<String>,
    request: Option<String>,
    response: Option<String>,
    logs: Option<String>,
}

/// The attempts of an execution in order.
///
/// # Errors
/// The database's.
pub async fn of_execution(db: &Db, execution_id: &str) -> sqlx::Result<Vec<Attempt>> {
    const SQL: &str =
        "select number, node, started_at, finished_at, duration_ms, outcome, error, request, response, logs from execution_attempts where execution_id = $1 order by number";
    let rows: Vec<Row> = on_db!(db, pool => sqlx::query_as(SQL).bind(execution_id).fetch_all(pool).await)?;
    Ok(rows
        .into_iter()
        .map(|r| Attempt {
            number: u32::try_from(r.number).unwrap_or(0),
            node: r.node,
            started_at: Timestamp(r.started_at),
            finished_at: Some(Timestamp(r.finished_at)),
            duration_ms: r.duration_ms,
            outcome: Some(Outcome::parse(&r.outcome)),
            error: r.error.and_then(|e| serde_json::from_str(&e).ok()),
            request: r.request.and_then(|e| serde_json::from_str(&e).ok()),
            response: r.response.and_then(|e| serde_json::from_str(&e).ok()),
            logs: r.logs.and_then(|e| serde_json::from_str(&e).ok()).unwrap_or_default(),
        })
        .collect())
}
