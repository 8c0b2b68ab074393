//! Table `workflow_steps`: how far each workflow execution has come.

use super::{Db, Sql, Tx};
use crate::model::Timestamp;
use crate::{on_db, on_tx, sql};

/// The claim under which a step is stored.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The execution.
    pub execution_id: &'a str,
    /// The attempt that runs.
    pub attempt: u32,
    /// The token it was claimed with.
    pub token: &'a str,
}

/// Holds the execution until the transaction ends, so that nobody takes the claim away between the look and the write.
const HELD: Sql = sql!("select id from action_executions where id = $1 and status = 'running' and attempt = $2 and claim_token = $3 and lease_until >", NOW, ROW_LOCK);

/// Stores a step's progress, replacing what was there, if the claim still holds (G5). Returns whether it does.
///
/// # Errors
/// The database's.
pub async fn save(tx: &mut Tx, claim: Claim<'_>, number: usize, record: &str, at: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "insert into workflow_steps (execution_id, number, record, updated_at) values ($1, $2, $3, $4)
        on conflict (execution_id, number) do update set record = excluded.record, updated_at = excluded.updated_at";
    let held = tx.pick(&HELD);
    let (id, attempt) = (claim.execution_id, i64::from(claim.attempt));
    let held: Option<String> = on_tx!(tx, conn => sqlx::query_scalar(held).bind(id).bind(attempt).bind(claim.token).fetch_optional(conn).await)?;
    if held.is_none() {
        return Ok(false);
    }
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    on_tx!(tx, conn => sqlx::query(SQL).bind(id).bind(number).bind(record).bind(at.0).execute(conn).await.map(|_| true))
}

/// The stored steps of an execution: number and record, in order.
///
/// # Errors
/// The database's.
pub async fn of_execution(db: &Db, execution_id: &str) -> sqlx::Result<Vec<(i64, String)>> {
    const SQL: &str = "select number, record from workflow_steps where execution_id = $1 order by number";
    on_db!(db, pool => sqlx::query_as(SQL).bind(execution_id).fetch_all(pool).await)
}
