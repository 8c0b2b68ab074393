//! Table `workflow_steps`: how far each workflow execution has come.

use super::{Db, Tx};
use crate::model::Timestamp;
use crate::{on_db, on_tx};

/// Stores a step's progress, replacing what was there.
///
/// # Errors
/// The database's.
pub async fn save(tx: &mut Tx, execution_id: &str, number: usize, record: &str, at: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "insert into workflow_steps (execution_id, number, record, updated_at) values ($1, $2, $3, $4)
        on conflict (execution_id, number) do update set record = excluded.record, updated_at = excluded.updated_at";
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    on_tx!(tx, conn => sqlx::query(SQL).bind(execution_id).bind(number).bind(record).bind(at.0).execute(conn).await.map(|_| ()))
}

/// The stored steps of an execution: number and record, in order.
///
/// # Errors
/// The database's.
pub async fn of_execution(db: &Db, execution_id: &str) -> sqlx::Result<Vec<(i64, String)>> {
    const SQL: &str = "select number, record from workflow_steps where execution_id = $1 order by number";
    on_db!(db, pool => sqlx::query_as(SQL).bind(execution_id).fetch_all(pool).await)
}
