//! Table `nodes`: what every node that shares the database says of itself.

use super::{Db, Sql};
use crate::{on_db, on_tx, sql};

/// Stores what a node says of itself now, as JSON.
///
/// # Errors
/// The database's.
pub async fn report(db: &Db, name: &str, document: &str) -> sqlx::Result<()> {
    const SQL: Sql =
        sql!("insert into nodes (name, seen_at, document) values ($1,", NOW, ", $2) on conflict (name) do update set seen_at = excluded.seen_at, document = excluded.document");
    let mut tx = db.begin().await?;
    let text = tx.pick(&SQL);
    on_tx!(&mut tx, conn => sqlx::query(text).bind(name).bind(document).execute(conn).await.map(|_| ()))?;
    tx.commit().await
}

/// The names and documents of the nodes that reported within `ms` milliseconds.
///
/// # Errors
/// The database's.
pub async fn recent(db: &Db, ms: i64) -> sqlx::Result<Vec<(String, String)>> {
    const SQL: Sql = sql!("select name, document from nodes where seen_at + $1 >=", NOW, "order by name");
    on_db!(db, pool => sqlx::query_as(db.pick(&SQL)).bind(ms).fetch_all(pool).await)
}

/// Forgets a node.
///
/// # Errors
/// The database's.
pub async fn forget(db: &Db, name: &str) -> sqlx::Result<()> {
    const SQL: &str = "delete from nodes where name = $1";
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, conn => sqlx::query(SQL).bind(name).execute(conn).await.map(|_| ()))?;
    tx.commit().await
}

/// Forgets nodes that have not reported for a day.
///
/// # Errors
/// The database's.
pub async fn forget_old(db: &Db) -> sqlx::Result<()> {
    const SQL: Sql = sql!("delete from nodes where seen_at + 86400000 <", NOW);
    let mut tx = db.begin().await?;
    let text = tx.pick(&SQL);
    on_tx!(&mut tx, conn => sqlx::query(text).execute(conn).await.map(|_| ()))?;
    tx.commit().await
}
