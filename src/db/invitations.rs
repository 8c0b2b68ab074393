//! Table `invitations`.

use super::query::Select;
use super::{Db, Tx};
use crate::model::Timestamp;
use crate::model::access::Role;
use crate::model::user::Invitation;
use crate::{on_db, on_tx};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    email: String,
    tenant_id: String,
    role: String,
    is_platform_admin: bool,
    created_at: i64,
    created_by: String,
    expires_at: i64,
}

impl Row {
    fn into_invitation(self) -> Invitation {
        Invitation {
            id: self.id,
            email: self.email,
            tenant_id: self.tenant_id,
            role: Role::parse(&self.role).unwrap_or(Role::Viewer),
            is_platform_admin: self.is_platform_admin,
            created_at: Timestamp(self.created_at),
            created_by: self.created_by,
            expires_at: Timestamp(self.expires_at),
            account_exists: None,
            link: None,
        }
    }
}

/// Stores an invitation. Open ones for the same address and tenant stop working: the newest link counts.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut Tx, invitation: &Invitation, token_hash: &str) -> sqlx::Result<()> {
    const REPLACE: &str = "delete from invitations where email = $1 and tenant_id = $2 and accepted_at is null";
    const INSERT: &str = "insert into invitations (id, token_hash, email, tenant_id, role, is_platform_admin, created_at, created_by, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let i = invitation;
    on_tx!(tx, conn => sqlx::query(REPLACE).bind(&i.email).bind(&i.tenant_id).execute(conn).await.map(|_| ()))?;
    on_tx!(tx, conn => {
        sqlx::query(INSERT)
            .bind(&i.id).bind(token_hash).bind(&i.email).bind(&i.tenant_id).bind(i.role.name()).bind(i.is_platform_admin).bind(i.created_at.0).bind(&i.created_by).bind(i.expires_at.0)
            .execute(conn).await.map(|_| ())
    })
}

/// The open invitation of a token.
///
/// # Errors
/// The database's.
pub async fn open_by_token(db: &Db, token_hash: &str, now: Timestamp) -> sqlx::Result<Option<Invitation>> {
    const SQL: &str = "select i.id, i.email, i.tenant_id, i.role, i.is_platform_admin, i.created_at, i.created_by, i.expires_at
        from invitations i where i.token_hash = $1 and i.accepted_at is null and i.expires_at > $2";
    let row: Option<Row> = on_db!(db, pool => sqlx::query_as(SQL).bind(token_hash).bind(now.0).fetch_optional(pool).await)?;
    Ok(row.map(Row::into_invitation))
}

/// Uses an invitation up; false when somebody else did, or it is gone.
///
/// # Errors
/// The database's.
pub async fn accept(tx: &mut Tx, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "update invitations set accepted_at = $2 where id = $1 and accepted_at is null and expires_at > $2";
    let rows = on_tx!(tx, conn => sqlx::query(SQL).bind(id).bind(now.0).execute(conn).await?.rows_affected());
    Ok(rows == 1)
}

/// Open invitations of `tenant` (all when none), latest first, with ids below `cursor`.
///
/// # Errors
/// The database's.
pub async fn list_open(db: &Db, tenant: Option<&str>, now: Timestamp, cursor: Option<&str>, limit: u32) -> sqlx::Result<Vec<Invitation>> {
    let mut select = Select::new("select i.id, i.email, i.tenant_id, i.role, i.is_platform_admin, i.created_at, i.created_by, i.expires_at from invitations i");
    select.fixed("i.accepted_at is null");
    select.filter("i.expires_at > ?", now.0);
    select.maybe("i.tenant_id = ?", tenant);
    select.maybe("i.id < ?", cursor);
    select.tail("order by i.id desc");
    select.limit(limit);
    let rows: Vec<Row> = select.fetch(db).await?;
    Ok(rows.into_iter().map(Row::into_invitation).collect())
}

/// One open invitation.
///
/// # Errors
/// The database's.
pub async fn get_open(db: &Db, id: &str, now: Timestamp) -> sqlx::Result<Option<Invitation>> {
    let mut select = Select::new("select i.id, i.email, i.tenant_id, i.role, i.is_platform_admin, i.created_at, i.created_by, i.expires_at from invitations i");
    select.fixed("i.accepted_at is null");
    select.filter("i.expires_at > ?", now.0);
    select.filter("i.id = ?", id);
    let rows: Vec<Row> = select.fetch(db).await?;
    Ok(rows.into_iter().next().map(Row::into_invitation))
}

/// Withdraws an open invitation; false when it is used or gone.
///
/// # Errors
/// The database's.
pub async fn delete_open(tx: &mut Tx, id: &str) -> sqlx::Result<bool> {
    const SQL: &str = "delete from invitations where id = $1 and accepted_at is null";
    let rows = on_tx!(tx, conn => sqlx::query(SQL).bind(id).execute(conn).await?.rows_affected());
    Ok(rows == 1)
}

/// Deletes what expired before `before`.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> sqlx::Result<()> {
    on_tx!(tx, conn => sqlx::query("delete from invitations where expires_at < $1").bind(before.0).execute(conn).await.map(|_| ()))
}
