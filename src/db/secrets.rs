//! Table `secrets`: sealed values. What opens them is not here.

use super::query::Select;
use super::{Db, Tx, settings};
use crate::model::Timestamp;
use crate::model::secret::Secret;
use crate::{on_db, on_tx};

/// The id of the master key that new values are sealed with.
pub const KEY_ID_KEY: &str = "secrets.master_key_id";
/// Counts writes of secrets; its row is the writers' lock, and a new count means that something may have changed.
pub const WRITES_KEY: &str = "secrets.writes";

/// A secret with its sealed value.
pub struct Sealed {
    /// Everything but the value.
    pub secret: Secret,
    /// The id of the master key that opens it.
    pub key_id: String,
    /// Base64 of nonce and ciphertext.
    pub sealed: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: Option<String>,
    name: String,
    key_id: String,
    sealed: String,
    version: i64,
    created_at: i64,
    created_by: String,
    updated_at: i64,
    updated_by: String,
}

impl Row {
    fn into_sealed(self) -> Sealed {
        let secret = Secret {
            id: self.id,
            name: self.name,
            tenant_id: self.tenant_id,
            version: self.version,
            created_at: Timestamp(self.created_at),
            created_by: self.created_by,
            updated_at: Timestamp(self.updated_at),
            updated_by: self.updated_by,
            used_by: None,
        };
        Sealed { secret, key_id: self.key_id, sealed: self.sealed }
    }
}

/// The recorded id of the master key; `ours` is recorded when there is none yet.
///
/// # Errors
/// The database's.
pub async fn claim_key_id(tx: &mut Tx, ours: &str) -> sqlx::Result<String> {
    const SQL: &str = "insert into settings (key, value) values ($1, $2) on conflict (key) do update set value = settings.value returning value";
    on_tx!(tx, conn => sqlx::query_scalar(SQL).bind(KEY_ID_KEY).bind(ours).fetch_one(conn).await)
}

/// Locks out other writers of secrets until the transaction ends, and returns the recorded id of the master key.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut Tx) -> sqlx::Result<Option<String>> {
    settings::bump(tx, WRITES_KEY).await?;
    on_tx!(tx, conn => sqlx::query_scalar("select value from settings where key = $1").bind(KEY_ID_KEY).fetch_optional(conn).await)
}

/// Every secret.
///
/// # Errors
/// The database's.
pub async fn all(db: &Db) -> sqlx::Result<Vec<Sealed>> {
    const SQL: &str = "select id, tenant_id, name, key_id, sealed, version, created_at, created_by, updated_at, updated_by from secrets";
    let rows: Vec<Row> = on_db!(db, pool => sqlx::query_as(SQL).fetch_all(pool).await)?;
    Ok(rows.into_iter().map(Row::into_sealed).collect())
}

/// Every secret, as it is inside a transaction.
///
/// # Errors
/// The database's.
pub async fn all_in(tx: &mut Tx) -> sqlx::Result<Vec<Sealed>> {
    const SQL: &str = "select id, tenant_id, name, key_id, sealed, version, created_at, created_by, updated_at, updated_by from secrets";
    let rows: Vec<Row> = on_tx!(tx, conn => sqlx::query_as(SQL).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(Row::into_sealed).collect())
}

/// One secret by its id, as it is inside a transaction.
///
/// # Errors
/// The database's.
pub async fn get_in(tx: &mut Tx, id: &str) -> sqlx::Result<Option<Sealed>> {
    const SQL: &str = "select id, tenant_id, name, key_id, sealed, version, created_at, created_by, updated_at, updated_by from secrets where id = $1";
    let row: Option<Row> = on_tx!(tx, conn => sqlx::query_as(SQL).bind(id).fetch_optional(conn).await)?;
    Ok(row.map(Row::into_sealed))
}

/// Secrets whose id or name is `id_or_name`, at most a few.
///
/// # Errors
/// The database's.
pub async fn find(db: &Db, id_or_name: &str) -> sqlx::Result<Vec<Secret>> {
    const SQL: &str = "select id, tenant_id, name, key_id, sealed, version, created_at, created_by, updated_at, updated_by from secrets where id = $1 or name = $1";
    let rows: Vec<Row> = on_db!(db, pool => sqlx::query_as(SQL).bind(id_or_name).fetch_all(pool).await)?;
    Ok(rows.into_iter().map(|r| r.into_sealed().secret).collect())
}

/// Secrets of `tenant` (all when none) by id, behind `cursor`, without their values.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, tenant: Option<&str>, cursor: Option<&str>, limit: u32) -> sqlx::Result<Vec<Secret>> {
    let mut select = Select::new("select id, tenant_id, name, key_id, '' as sealed, version, created_at, created_by, updated_at, updated_by from secrets");
    select.maybe("tenant_id = ?", tenant);
    select.maybe("id < ?", cursor);
    select.tail("order by id desc");
    select.limit(limit);
    let rows: Vec<Row> = select.fetch(db).await?;
    Ok(rows.into_iter().map(|r| r.into_sealed().secret).collect())
}

/// How many secrets a tenant (or the platform) has, inside a transaction.
///
/// # Errors
/// The database's.
pub async fn count(tx: &mut Tx, tenant: Option<&str>) -> sqlx::Result<i64> {
    const SQL: &str = "select count(*) from secrets where coalesce(tenant_id, '') = $1";
    on_tx!(tx, conn => sqlx::query_scalar(SQL).bind(tenant.unwrap_or_default()).fetch_one(conn).await)
}

/// Stores a new secret; false when the tenant has one of that name.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut Tx, s: &Sealed) -> sqlx::Result<bool> {
    const SQL: &str =
        "insert into secrets (id, tenant_id, name, key_id, sealed, version, created_at, created_by, updated_at, updated_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict do nothing";
    let rows = on_tx!(tx, conn => {
        sqlx::query(SQL)
            .bind(&s.secret.id).bind(&s.secret.tenant_id).bind(&s.secret.name).bind(&s.key_id).bind(&s.sealed).bind(s.secret.version)
            .bind(s.secret.created_at.0).bind(&s.secret.created_by).bind(s.secret.updated_at.0).bind(&s.secret.updated_by)
            .execute(conn).await?.rows_affected()
    });
    Ok(rows == 1)
}

/// Stores a new sealed value.
///
/// # Errors
/// The database's.
pub async fn update(tx: &mut Tx, s: &Sealed) -> sqlx::Result<()> {
    const SQL: &str = "update secrets set key_id = $2, sealed = $3, version = $4, updated_at = $5, updated_by = $6 where id = $1";
    on_tx!(tx, conn => {
        sqlx::query(SQL)
            .bind(&s.secret.id).bind(&s.key_id).bind(&s.sealed).bind(s.secret.version).bind(s.secret.updated_at.0).bind(&s.secret.updated_by)
            .execute(conn).await.map(|_| ())
    })
}

/// Deletes a secret.
///
/// # Errors
/// The database's.
pub async fn delete(tx: &mut Tx, id: &str) -> sqlx::Result<()> {
    on_tx!(tx, conn => sqlx::query("delete from secrets where id = $1").bind(id).execute(conn).await.map(|_| ()))
}
