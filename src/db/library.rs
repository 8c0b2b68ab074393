//! Tables `library_items` and `library_versions`: mail templates and functions, by name, with every version kept.

use super::{Db, Tx};
use crate::model::Timestamp;
use crate::{on_db, on_tx};

/// A stored thing that actions refer to by name.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Item {
    /// UUIDv7.
    pub id: String,
    /// `template` or `function`.
    pub kind: String,
    /// The tenant's id; empty for platform-wide.
    pub tenant_key: String,
    /// Unique within kind and tenant.
    pub name: String,
    /// Counts from 1.
    pub version: i64,
    /// A JSON document.
    pub body: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Who made it.
    pub created_by: String,
}

/// Every item; they are kept in memory.
///
/// # Errors
/// The database's.
pub async fn all(db: &Db) -> sqlx::Result<Vec<Item>> {
    const SQL: &str = "select id, kind, tenant_key, name, version, body, created_at, updated_at, created_by from library_items order by name, id";
    on_db!(db, pool => sqlx::query_as(SQL).fetch_all(pool).await)
}

/// Stores a new version; `expected` is the version it replaces, `None` makes the item. Returns false on a conflict of name or version.
///
/// # Errors
/// The database's.
pub async fn store(tx: &mut Tx, item: &Item, expected: Option<i64>, author: &str) -> sqlx::Result<bool> {
    const INSERT: &str = "insert into library_items (id, kind, tenant_key, name, version, body, created_at, updated_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing";
    const UPDATE: &str = "update library_items set name = $2, version = $3, body = $4, updated_at = $5 where id = $1 and version = $6
        and not exists (select 1 from library_items o where o.kind = library_items.kind and o.tenant_key = library_items.tenant_key and o.name = $2 and o.id <> $1)";
    const VERSION: &str = "insert into library_versions (item_id, version, body, author, created_at) values ($1, $2, $3, $4, $5)";
    let changed = on_tx!(tx, conn => match expected {
        None => sqlx::query(INSERT).bind(&item.id).bind(&item.kind).bind(&item.tenant_key).bind(&item.name).bind(item.version).bind(&item.body)
            .bind(item.created_at).bind(item.updated_at).bind(&item.created_by).execute(conn).await?.rows_affected(),
        Some(expected) => sqlx::query(UPDATE).bind(&item.id).bind(&item.name).bind(item.version).bind(&item.body).bind(item.updated_at).bind(expected)
            .execute(conn).await?.rows_affected(),
    });
    if changed == 0 {
        return Ok(false);
    }
    on_tx!(tx, conn => sqlx::query(VERSION).bind(&item.id).bind(item.version).bind(&item.body).bind(author).bind(item.updated_at).execute(conn).await.map(|_| ()))?;
    Ok(true)
}

/// Deletes an item; its versions stay for the audit.
///
/// # Errors
/// The database's.
pub async fn delete(tx: &mut Tx, id: &str) -> sqlx::Result<bool> {
    const SQL: &str = "delete from library_items where id = $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(id).execute(conn).await.map(|r| r.rows_affected() == 1))
}

/// The versions of an item, latest first: number, body, author, when.
///
/// # Errors
/// The database's.
pub async fn versions(db: &Db, id: &str) -> sqlx::Result<Vec<(i64, String, String, Timestamp)>> {
    const SQL: &str = "select version, body, author, created_at from library_versions where item_id = $1 order by version desc";
    let rows: Vec<(i64, String, String, i64)> = on_db!(db, pool => sqlx::query_as(SQL).bind(id).fetch_all(pool).await)?;
    Ok(rows.into_iter().map(|(version, body, author, at)| (version, body, author, Timestamp(at))).collect())
}
