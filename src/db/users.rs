//! Tables `users` and `memberships`.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::query::Select;
use super::{Db, Sql, Tx, settings};
use crate::model::Timestamp;
use crate::model::access::Role;
use crate::model::user::{Membership, User};
use crate::{on_db, on_tx, sql};

/// Counts writers of rights; its row is their lock.
const LOCK_KEY: &str = "access.writes";

/// A person with the hash of the password.
pub struct Account {
    /// The person, without memberships.
    pub user: User,
    /// An Argon2id hash in PHC form.
    pub password_hash: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    email: String,
    name: String,
    password_hash: String,
    is_platform_admin: bool,
    created_at: i64,
    last_sign_in_at: Option<i64>,
}

impl Row {
    fn into_account(self) -> Account {
        let user = User {
            id: self.id,
            email: self.email,
            name: self.name,
            is_platform_admin: self.is_platform_admin,
            memberships: Vec::new(),
            created_at: Timestamp(self.created_at),
            last_sign_in_at: self.last_sign_in_at.map(Timestamp),
        };
        Account { user, password_hash: self.password_hash }
    }
}

/// Locks out other writers of accounts and memberships until the transaction ends, so that counting administrators holds.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut Tx) -> sqlx::Result<()> {
    settings::bump(tx, LOCK_KEY).await.map(|_| ())
}

/// The account of an e-mail address in lower case.
///
/// # Errors
/// The database's.
pub async fn by_email(db: &Db, email: &str) -> sqlx::Result<Option<Account>> {
    const SQL: &str = "select id, email, name, password_hash, is_platform_admin, created_at, last_sign_in_at from users where email = $1";
    let row: Option<Row> = on_db!(db, pool => sqlx::query_as(SQL).bind(email).fetch_optional(pool).await)?;
    Ok(row.map(Row::into_account))
}

/// The account of an id.
///
/// # Errors
/// The database's.
pub async fn by_id(db: &Db, id: &str) -> sqlx::Result<Option<Account>> {
    const SQL: &str = "select id, email, name, password_hash, is_platform_admin, created_at, last_sign_in_at from users where id = $1";
    let row: Option<Row> = on_db!(db, pool => sqlx::query_as(SQL).bind(id).fetch_optional(pool).await)?;
    Ok(row.map(Row::into_account))
}

/// A person with all memberships, as they are inside a transaction.
///
/// # Errors
/// The database's.
pub async fn get_in(tx: &mut Tx, id: &str) -> sqlx::Result<Option<User>> {
    const USER: &str = "select id, email, name, password_hash, is_platform_admin, created_at, last_sign_in_at from users where id = $1";
    const MEMBERSHIPS: &str = "select tenant_id, role from memberships where user_id = $1 order by tenant_id";
    let row: Option<Row> = on_tx!(tx, conn => sqlx::query_as(USER).bind(id).fetch_optional(conn).await)?;
    let Some(row) = row else { return Ok(None) };
    let memberships: Vec<(String, String)> = on_tx!(tx, conn => sqlx::query_as(MEMBERSHIPS).bind(id).fetch_all(conn).await)?;
    Ok(Some(User { memberships: read_memberships(memberships), ..row.into_account().user }))
}

/// Stored roles that this binary does not know give no right at all.
fn read_memberships(rows: Vec<(String, String)>) -> Vec<Membership> {
    rows.into_iter().filter_map(|(tenant_id, role)| Role::parse(&role).map(|role| Membership { tenant_id, role })).collect()
}

/// What a person is where.
///
/// # Errors
/// The database's.
pub async fn memberships(db: &Db, user_id: &str) -> sqlx::Result<Vec<Membership>> {
    const SQL: &str = "select tenant_id, role from memberships where user_id = $1 order by tenant_id";
    let rows: Vec<(String, String)> = on_db!(db, pool => sqlx::query_as(SQL).bind(user_id).fetch_all(pool).await)?;
    Ok(read_memberships(rows))
}

/// People by address behind `cursor`. With a `tenant` only its members, and of their memberships only that one.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, tenant: Option<&str>, cursor: Option<&str>, limit: u32) -> sqlx::Result<Vec<User>> {
    const MEMBERSHIPS: Sql = sql!("select m.user_id, m.tenant_id, m.role from memberships m join", ROWS, "on m.user_id = r.value->>0 order by m.tenant_id");
    let mut select = Select::new("select u.id, u.email, u.name, u.password_hash, u.is_platform_admin, u.created_at, u.last_sign_in_at from users u");
    select.maybe("exists (select 1 from memberships m where m.user_id = u.id and m.tenant_id = ?)", tenant);
    select.maybe("u.email > ?", cursor);
    select.tail("order by u.email");
    select.limit(limit);
    let rows: Vec<Row> = select.fetch(db).await?;
    let ids = Value::Array(rows.iter().map(|r| json!([r.id])).collect()).to_string();
    let found: Vec<(String, String, String)> = on_db!(db, pool => sqlx::query_as(db.pick(&MEMBERSHIPS)).bind(ids).fetch_all(pool).await)?;
    let mut by_user: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for (user, in_tenant, role) in found {
        if tenant.is_none_or(|t| t == in_tenant) {
            by_user.entry(user).or_default().push((in_tenant, role));
        }
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let memberships = read_memberships(by_user.remove(&row.id).unwrap_or_default());
            User { memberships, ..row.into_account().user }
        })
        .collect())
}

/// Stores a new account; false when the address is taken.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut Tx, user: &User, password_hash: &str) -> sqlx::Result<bool> {
    const SQL: &str = "insert into users (id, email, name, password_hash, is_platform_admin, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $6)
        on conflict (email) do nothing";
    let rows = on_tx!(tx, conn => sqlx::query(SQL).bind(&user.id).bind(&user.email).bind(&user.name).bind(password_hash).bind(user.is_platform_admin).bind(user.created_at.0).execute(conn).await?.rows_affected());
    Ok(rows == 1)
}

/// Sets name and platform right.
///
/// # Errors
/// The database's.
pub async fn update(tx: &mut Tx, user: &User, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "update users set name = $2, is_platform_admin = $3, updated_at = $4 where id = $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(&user.id).bind(&user.name).bind(user.is_platform_admin).bind(now.0).execute(conn).await.map(|_| ()))
}

/// Sets the password's hash.
///
/// # Errors
/// The database's.
pub async fn set_password(tx: &mut Tx, id: &str, password_hash: &str, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "update users set password_hash = $2, updated_at = $3 where id = $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(id).bind(password_hash).bind(now.0).execute(conn).await.map(|_| ()))
}

/// Notes a sign-in.
///
/// # Errors
/// The database's.
pub async fn signed_in(tx: &mut Tx, id: &str, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "update users set last_sign_in_at = $2 where id = $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(id).bind(now.0).execute(conn).await.map(|_| ()))
}

/// Deletes an account with its memberships and sessions.
///
/// # Errors
/// The database's.
pub async fn delete(tx: &mut Tx, id: &str) -> sqlx::Result<()> {
    on_tx!(tx, conn => sqlx::query("delete from users where id = $1").bind(id).execute(conn).await.map(|_| ()))
}

/// Deletes the accounts of people who belong to no tenant and do not administer the platform. Returns how many.
///
/// # Errors
/// The database's.
pub async fn delete_homeless(tx: &mut Tx) -> sqlx::Result<u64> {
    const SQL: &str = "delete from users where is_platform_admin = false and not exists (select 1 from memberships m where m.user_id = users.id)";
    on_tx!(tx, conn => sqlx::query(SQL).execute(conn).await.map(|r| r.rows_affected()))
}

/// Gives a person a role in a tenant, in place of any other there.
///
/// # Errors
/// The database's.
pub async fn set_membership(tx: &mut Tx, user_id: &str, membership: &Membership, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "insert into memberships (user_id, tenant_id, role, created_at) values ($1, $2, $3, $4) on conflict (user_id, tenant_id) do update set role = excluded.role";
    on_tx!(tx, conn => sqlx::query(SQL).bind(user_id).bind(&membership.tenant_id).bind(membership.role.name()).bind(now.0).execute(conn).await.map(|_| ()))
}

/// Takes a person out of a tenant.
///
/// # Errors
/// The database's.
pub async fn delete_membership(tx: &mut Tx, user_id: &str, tenant_id: &str) -> sqlx::Result<()> {
    const SQL: &str = "delete from memberships where user_id = $1 and tenant_id = $2";
    on_tx!(tx, conn => sqlx::query(SQL).bind(user_id).bind(tenant_id).execute(conn).await.map(|_| ()))
}

/// Whether anybody administers the platform.
///
/// # Errors
/// The database's.
pub async fn has_administrator(db: &Db) -> sqlx::Result<bool> {
    let count: i64 = on_db!(db, pool => sqlx::query_scalar("select count(*) from users where is_platform_admin").fetch_one(pool).await)?;
    Ok(count > 0)
}

/// How many people administer the platform, inside a transaction.
///
/// # Errors
/// The database's.
pub async fn count_platform_admins(tx: &mut Tx) -> sqlx::Result<i64> {
    on_tx!(tx, conn => sqlx::query_scalar("select count(*) from users where is_platform_admin").fetch_one(conn).await)
}

/// How many people administer a tenant, inside a transaction.
///
/// # Errors
/// The database's.
pub async fn count_tenant_admins(tx: &mut Tx, tenant_id: &str) -> sqlx::Result<i64> {
    const SQL: &str = "select count(*) from memberships where tenant_id = $1 and role = 'admin'";
    on_tx!(tx, conn => sqlx::query_scalar(SQL).bind(tenant_id).fetch_one(conn).await)
}
