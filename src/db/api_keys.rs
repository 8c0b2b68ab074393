//! Table `api_keys`.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::query::Select;
use super::{Db, Sql, Tx};
use crate::model::Timestamp;
use crate::model::access::{ApiKey, Scope};
use crate::{on_tx, sql};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    key_hash: String,
    prefix: String,
    name: String,
    scopes: String,
    tenant_id: Option<String>,
    created_at: i64,
    created_by: String,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl Row {
    /// Stored scopes that this binary does not know give no right.
    fn into_key(self) -> anyhow::Result<(String, ApiKey)> {
        let words: Vec<String> = serde_json::from_str(&self.scopes).with_context(|| format!("the scopes of key {} cannot be read", self.id))?;
        let key = ApiKey {
            id: self.id,
            name: self.name,
            prefix: self.prefix,
            scopes: words.iter().filter_map(|w| Scope::parse(w)).collect(),
            tenant_id: self.tenant_id,
            created_at: Timestamp(self.created_at),
            created_by: self.created_by,
            expires_at: self.expires_at.map(Timestamp),
            last_used_at: self.last_used_at.map(Timestamp),
            revoked_at: self.revoked_at.map(Timestamp),
            key: None,
        };
        Ok((self.key_hash, key))
    }
}

const HEAD: &str = "select id, key_hash, prefix, name, scopes, tenant_id, created_at, created_by, expires_at, last_used_at, revoked_at from api_keys";

/// Every key that is not revoked, with its hash.
///
/// # Errors
/// The database's, or scopes that cannot be read.
pub async fn in_force(db: &Db) -> anyhow::Result<Vec<(String, ApiKey)>> {
    let mut select = Select::new(HEAD);
    select.fixed("revoked_at is null");
    let rows: Vec<Row> = select.fetch(db).await?;
    rows.into_iter().map(Row::into_key).collect()
}

/// Keys of `tenant` (all when none), latest first, with ids below `cursor`.
///
/// # Errors
/// The database's, or scopes that cannot be read.
pub async fn list(db: &Db, tenant: Option<&str>, cursor: Option<&str>, limit: u32) -> anyhow::Result<Vec<ApiKey>> {
    let mut select = Select::new(HEAD);
    select.maybe("tenant_id = ?", tenant);
    select.maybe("id < ?", cursor);
    select.tail("order by id desc");
    select.limit(limit);
    let rows: Vec<Row> = select.fetch(db).await?;
    rows.into_iter().map(|r| r.into_key().map(|(_, key)| key)).collect()
}

/// One key.
///
/// # Errors
/// The database's, or scopes that cannot be read.
pub async fn get(db: &Db, id: &str) -> anyhow::Result<Option<ApiKey>> {
    let mut select = Select::new(HEAD);
    select.filter("id = ?", id);
    let rows: Vec<Row> = select.fetch(db).await?;
    rows.into_iter().next().map(|r| r.into_key().map(|(_, key)| key)).transpose()
}

/// One key with its hash, as it is inside a transaction.
///
/// # Errors
/// The database's, or scopes that cannot be read.
pub async fn get_in(tx: &mut Tx, id: &str) -> anyhow::Result<Option<(String, ApiKey)>> {
    const SQL: &str = "select id, key_hash, prefix, name, scopes, tenant_id, created_at, created_by, expires_at, last_used_at, revoked_at from api_keys where id = $1";
    let row: Option<Row> = on_tx!(tx, conn => sqlx::query_as(SQL).bind(id).fetch_optional(conn).await)?;
    row.map(Row::into_key).transpose()
}

/// Stores a new key, or everything of an old one: name, scopes, hash, expiry, revocation.
///
/// # Errors
/// The database's; a hash that another key has.
pub async fn store(tx: &mut Tx, key: &ApiKey, key_hash: &str) -> anyhow::Result<()> {
    const SQL: &str =
        "insert into api_keys (id, key_hash, prefix, name, scopes, tenant_id, created_at, created_by, expires_at, revoked_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (id) do update set key_hash = excluded.key_hash, prefix = excluded.prefix, name = excluded.name, scopes = excluded.scopes,
            expires_at = excluded.expires_at, revoked_at = excluded.revoked_at";
    let scopes = serde_json::to_string(&key.scopes)?;
    on_tx!(tx, conn => {
        sqlx::query(SQL)
            .bind(&key.id).bind(key_hash).bind(&key.prefix).bind(&key.name).bind(scopes).bind(&key.tenant_id).bind(key.created_at.0).bind(&key.created_by)
            .bind(key.expires_at.map(|t| t.0)).bind(key.revoked_at.map(|t| t.0))
            .execute(conn).await.map(|_| ())
    })?;
    Ok(())
}

/// Notes when keys were last used, in one statement.
///
/// # Errors
/// The database's.
pub async fn used(tx: &mut Tx, used: &[(String, i64)]) -> sqlx::Result<()> {
    const SQL: Sql = sql!(
        "update api_keys set last_used_at = cast(r.value->>1 as bigint) from",
        ROWS,
        "where api_keys.id = r.value->>0 and coalesce(api_keys.last_used_at, 0) < cast(r.value->>1 as bigint)"
    );
    let document = Value::Array(used.iter().map(|(id, at)| json!([id, at])).collect()).to_string();
    let text = tx.pick(&SQL);
    on_tx!(tx, conn => sqlx::query(text).bind(document).execute(conn).await.map(|_| ()))
}
