//! Table `login_throttle`: how often somebody failed to get in.

use super::{Db, Tx};
use crate::model::Timestamp;
use crate::{on_db, on_tx};

/// What is remembered of one account or address. All in Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Count {
    /// Failed attempts that still count.
    pub failures: i64,
    /// No attempt is taken before.
    pub blocked_until: i64,
    /// The last attempt.
    pub updated_at: i64,
}

/// What is remembered, without locking it.
///
/// # Errors
/// The database's.
pub async fn get(db: &Db, key: &str) -> sqlx::Result<Option<Count>> {
    const SQL: &str = "select failures, blocked_until, updated_at from login_throttle where key = $1";
    on_db!(db, pool => sqlx::query_as(SQL).bind(key).fetch_optional(pool).await)
}

/// What is remembered; the row is made when missing and locked until the transaction ends.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut Tx, key: &str) -> sqlx::Result<Count> {
    const SQL: &str =
        "insert into login_throttle (key, failures, blocked_until, updated_at) values ($1, 0, 0, 0) on conflict (key) do update set failures = login_throttle.failures
        returning failures, blocked_until, updated_at";
    on_tx!(tx, conn => sqlx::query_as(SQL).bind(key).fetch_one(conn).await)
}

/// Stores a count.
///
/// # Errors
/// The database's.
pub async fn put(tx: &mut Tx, key: &str, count: Count) -> sqlx::Result<()> {
    const SQL: &str = "update login_throttle set failures = $2, blocked_until = $3, updated_at = $4 where key = $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(key).bind(count.failures).bind(count.blocked_until).bind(count.updated_at).execute(conn).await.map(|_| ()))
}

/// Forgets a key.
///
/// # Errors
/// The database's.
pub async fn delete(tx: &mut Tx, key: &str) -> sqlx::Result<()> {
    on_tx!(tx, conn => sqlx::query("delete from login_throttle where key = $1").bind(key).execute(conn).await.map(|_| ()))
}

/// Forgets what was last touched before `before`.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> sqlx::Result<()> {
    on_tx!(tx, conn => sqlx::query("delete from login_throttle where updated_at < $1").bind(before.0).execute(conn).await.map(|_| ()))
}
