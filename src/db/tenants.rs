//! Table `tenants`.

use anyhow::Context as _;

use super::query::Select;
use super::{Db, Tx};
use crate::model::Timestamp;
use crate::model::tenant::Tenant;
use crate::{on_db, on_tx};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    settings: String,
    created_at: i64,
}

impl Row {
    fn into_tenant(self) -> anyhow::Result<Tenant> {
        let settings = serde_json::from_str(&self.settings).with_context(|| format!("the settings of tenant {} cannot be read", self.id))?;
        Ok(Tenant { id: self.id, name: self.name, settings, created_at: Timestamp(self.created_at) })
    }
}

/// The ids of all tenants.
///
/// # Errors
/// The database's.
pub async fn ids(db: &Db) -> sqlx::Result<Vec<String>> {
    on_db!(db, pool => sqlx::query_scalar("select id from tenants").fetch_all(pool).await)
}

/// Every tenant.
///
/// # Errors
/// The database's, or settings that cannot be read.
pub async fn all(db: &Db) -> anyhow::Result<Vec<Tenant>> {
    let rows: Vec<Row> = on_db!(db, pool => sqlx::query_as("select id, name, settings, created_at from tenants").fetch_all(pool).await)?;
    rows.into_iter().map(Row::into_tenant).collect()
}

/// Tenants by id, behind `cursor`; only `tenant` when it is set.
///
/// # Errors
/// The database's, or settings that cannot be read.
pub async fn list(db: &Db, tenant: Option<&str>, cursor: Option<&str>, limit: u32) -> anyhow::Result<Vec<Tenant>> {
    let mut select = Select::new("select id, name, settings, created_at from tenants");
    select.maybe("id = ?", tenant);
    select.maybe("id > ?", cursor);
    select.tail("order by id");
    select.limit(limit);
    let rows: Vec<Row> = select.fetch(db).await?;
    rows.into_iter().map(Row::into_tenant).collect()
}

/// The tenants a person is a member of.
///
/// # Errors
/// The database's, or settings that cannot be read.
pub async fn of_user(db: &Db, user_id: &str) -> anyhow::Result<Vec<Tenant>> {
    const SQL: &str = "select t.id, t.name, t.settings, t.created_at from tenants t join memberships m on m.tenant_id = t.id where m.user_id = $1 order by t.id";
    let rows: Vec<Row> = on_db!(db, pool => sqlx::query_as(SQL).bind(user_id).fetch_all(pool).await)?;
    rows.into_iter().map(Row::into_tenant).collect()
}

/// One tenant.
///
/// # Errors
/// The database's, or settings that cannot be read.
pub async fn get(db: &Db, id: &str) -> anyhow::Result<Option<Tenant>> {
    const SQL: &str = "select id, name, settings, created_at from tenants where id = $1";
    let row: Option<Row> = on_db!(db, pool => sqlx::query_as(SQL).bind(id).fetch_optional(pool).await)?;
    row.map(Row::into_tenant).transpose()
}

/// One tenant as it is inside a transaction.
///
/// # Errors
/// The database's, or settings that cannot be read.
pub async fn get_in(tx: &mut Tx, id: &str) -> anyhow::Result<Option<Tenant>> {
    const SQL: &str = "select id, name, settings, created_at from tenants where id = $1";
    let row: Option<Row> = on_tx!(tx, conn => sqlx::query_as(SQL).bind(id).fetch_optional(conn).await)?;
    row.map(Row::into_tenant).transpose()
}

/// Stores a new tenant; false when the id is taken.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut Tx, tenant: &Tenant) -> anyhow::Result<bool> {
    const SQL: &str = "insert into tenants (id, name, settings, created_at, updated_at) values ($1, $2, $3, $4, $4) on conflict (id) do nothing";
    let settings = serde_json::to_string(&tenant.settings)?;
    let rows = on_tx!(tx, conn => sqlx::query(SQL).bind(&tenant.id).bind(&tenant.name).bind(settings).bind(tenant.created_at.0).execute(conn).await?.rows_affected());
    Ok(rows == 1)
}

/// Stores a changed name and settings.
///
/// # Errors
/// The database's.
pub async fn update(tx: &mut Tx, tenant: &Tenant, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "update tenants set name = $2, settings = $3, updated_at = $4 where id = $1";
    let settings = serde_json::to_string(&tenant.settings)?;
    on_tx!(tx, conn => sqlx::query(SQL).bind(&tenant.id).bind(&tenant.name).bind(settings).bind(now.0).execute(conn).await.map(|_| ()))?;
    Ok(())
}
