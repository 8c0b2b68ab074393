//! Small facts of the installation: a key and a text each.

use super::{Db, Tx};
use crate::{on_db, on_tx};

/// The oldest binary that can use the schema.
pub const OLDEST_BINARY_KEY: &str = "schema.oldest_binary";
/// Counts up with every change of actions and of what they use; nodes watch it.
pub const REVISION_KEY: &str = "registry.revision";
/// Counts executions with an ordering key in the order of their commits.
pub const ORDERING_KEY: &str = "executions.ordering";
/// Set while no execution may start: why and since when, as JSON.
pub const PAUSED_KEY: &str = "executions.paused";
/// Set while the demo is here: which tenant it is, as JSON.
pub const DEMO_KEY: &str = "demo.tenant";

const GET: &str = "select value from settings where key = $1";
const PUT: &str = "insert into settings (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value";
const BUMP: &str = "insert into settings (key, value) values ($1, cast($2 as text)) on conflict (key) do update
    set value = cast(cast(settings.value as bigint) + cast(excluded.value as bigint) as text) returning value";

/// The value of a key.
///
/// # Errors
/// The database's.
pub async fn get(db: &Db, key: &str) -> sqlx::Result<Option<String>> {
    on_db!(db, pool => sqlx::query_scalar(GET).bind(key).fetch_optional(pool).await)
}

/// The value of a key as it is inside a transaction.
///
/// # Errors
/// The database's.
pub async fn get_in(tx: &mut Tx, key: &str) -> sqlx::Result<Option<String>> {
    on_tx!(tx, conn => sqlx::query_scalar(GET).bind(key).fetch_optional(conn).await)
}

/// Sets a key.
///
/// # Errors
/// The database's.
pub async fn put(db: &Db, key: &str, value: &str) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    put_in(&mut tx, key, value).await?;
    tx.commit().await
}

/// Sets a key inside a transaction.
///
/// # Errors
/// The database's.
pub async fn put_in(tx: &mut Tx, key: &str, value: &str) -> sqlx::Result<()> {
    on_tx!(tx, conn => sqlx::query(PUT).bind(key).bind(value).execute(conn).await.map(|_| ()))
}

/// Removes a key inside a transaction.
///
/// # Errors
/// The database's.
pub async fn remove_in(tx: &mut Tx, key: &str) -> sqlx::Result<()> {
    on_tx!(tx, conn => sqlx::query("delete from settings where key = $1").bind(key).execute(conn).await.map(|_| ()))
}

/// Removes a key inside a transaction and returns its value; of several takers one gets it.
///
/// # Errors
/// The database's.
pub async fn take_in(tx: &mut Tx, key: &str) -> sqlx::Result<Option<String>> {
    on_tx!(tx, conn => sqlx::query_scalar("delete from settings where key = $1 returning value").bind(key).fetch_optional(conn).await)
}

/// Counts a number up by one inside a transaction and returns it. Serialises concurrent writers on its row.
///
/// # Errors
/// The database's.
pub async fn bump(tx: &mut Tx, key: &str) -> sqlx::Result<i64> {
    bump_by(tx, key, 1).await
}

/// Counts a number up by `n` inside a transaction and returns it; see [`bump`].
///
/// # Errors
/// The database's.
pub async fn bump_by(tx: &mut Tx, key: &str, n: i64) -> sqlx::Result<i64> {
    let text: String = on_tx!(tx, conn => sqlx::query_scalar(BUMP).bind(key).bind(n).fetch_one(conn).await)?;
    Ok(text.parse().unwrap_or(0))
}
