//! Table `leases`: what one node does for all, for as long as it renews its claim; judged by the database's clock alone.

use super::{Db, Sql};
use crate::{on_tx, sql};

/// Takes or renews a lease for `ms` milliseconds. Returns whether `holder` has it now.
///
/// # Errors
/// The database's.
pub async fn hold(db: &Db, name: &str, holder: &str, ms: i64) -> sqlx::Result<bool> {
    const SQL: Sql = sql!(
        "insert into leases (name, holder, until) values ($1, $2, $3 +",
        NOW,
        ") on conflict (name) do update set holder = excluded.holder, until = excluded.until where leases.holder = excluded.holder or leases.until <",
        NOW,
        "returning holder"
    );
    let mut tx = db.begin().await?;
    let text = tx.pick(&SQL);
    let held: Option<String> = on_tx!(&mut tx, conn => sqlx::query_scalar(text).bind(name).bind(holder).bind(ms).fetch_optional(conn).await)?;
    tx.commit().await?;
    Ok(held.is_some())
}

/// Gives a lease back.
///
/// # Errors
/// The database's.
pub async fn release(db: &Db, name: &str, holder: &str) -> sqlx::Result<()> {
    const SQL: &str = "delete from leases where name = $1 and holder = $2";
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, conn => sqlx::query(SQL).bind(name).bind(holder).execute(conn).await.map(|_| ()))?;
    tx.commit().await
}
