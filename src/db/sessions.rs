//! Table `sessions`.

use serde_json::{Value, json};

use super::{Db, Sql, Tx};
use crate::model::Timestamp;
use crate::model::user::{SessionInfo, User};
use crate::{on_db, on_tx, sql};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: Option<String>,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
    address: Option<String>,
    user_agent: Option<String>,
}

impl Row {
    fn into_info(self) -> SessionInfo {
        SessionInfo {
            id: self.id,
            tenant_id: self.tenant_id,
            created_at: Timestamp(self.created_at),
            last_seen_at: Timestamp(self.last_seen_at),
            expires_at: Timestamp(self.expires_at),
            address: self.address,
            user_agent: self.user_agent,
            is_current: false,
        }
    }
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    #[sqlx(flatten)]
    session: Row,
    user_id: String,
    email: String,
    name: String,
    is_platform_admin: bool,
    user_created_at: i64,
    last_sign_in_at: Option<i64>,
}

/// Stores a session.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut Tx, session: &SessionInfo, user_id: &str, token_hash: &str) -> sqlx::Result<()> {
    const SQL: &str = "insert into sessions (id, token_hash, user_id, tenant_id, created_at, last_seen_at, expires_at, address, user_agent)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let s = session;
    on_tx!(tx, conn => {
        sqlx::query(SQL)
            .bind(&s.id).bind(token_hash).bind(user_id).bind(&s.tenant_id).bind(s.created_at.0).bind(s.last_seen_at.0).bind(s.expires_at.0).bind(&s.address).bind(&s.user_agent)
            .execute(conn).await.map(|_| ())
    })
}

/// The session of a token with its person, without memberships. Whether it has ended is for the caller to judge.
///
/// # Errors
/// The database's.
pub async fn find(db: &Db, token_hash: &str) -> sqlx::Result<Option<(SessionInfo, User)>> {
    const SQL: &str = "select s.id, s.tenant_id, s.created_at, s.last_seen_at, s.expires_at, s.address, s.user_agent,
            u.id as user_id, u.email, u.name, u.is_platform_admin, u.created_at as user_created_at, u.last_sign_in_at
        from sessions s join users u on u.id = s.user_id where s.token_hash = $1";
    let row: Option<FoundRow> = on_db!(db, pool => sqlx::query_as(SQL).bind(token_hash).fetch_optional(pool).await)?;
    Ok(row.map(|r| {
        let user = User {
            id: r.user_id,
            email: r.email,
            name: r.name,
            is_platform_admin: r.is_platform_admin,
            memberships: Vec::new(),
            created_at: Timestamp(r.user_created_at),
            last_sign_in_at: r.last_sign_in_at.map(Timestamp),
        };
        (r.session.into_info(), user)
    }))
}

/// The sessions of a person, latest first, ended ones included until they are pruned.
///
/// # Errors
/// The database's.
pub async fn of_user(db: &Db, user_id: &str) -> sqlx::Result<Vec<SessionInfo>> {
    const SQL: &str = "select id, tenant_id, created_at, last_seen_at, expires_at, address, user_agent from sessions where user_id = $1 order by id desc";
    let rows: Vec<Row> = on_db!(db, pool => sqlx::query_as(SQL).bind(user_id).fetch_all(pool).await)?;
    Ok(rows.into_iter().map(Row::into_info).collect())
}

/// Ends a session of a person; false when there is none.
///
/// # Errors
/// The database's.
pub async fn delete(tx: &mut Tx, id: &str, user_id: &str) -> sqlx::Result<bool> {
    const SQL: &str = "delete from sessions where id = $1 and user_id = $2";
    let rows = on_tx!(tx, conn => sqlx::query(SQL).bind(id).bind(user_id).execute(conn).await?.rows_affected());
    Ok(rows == 1)
}

/// Ends the session of a token.
///
/// # Errors
/// The database's.
pub async fn delete_by_token(tx: &mut Tx, token_hash: &str) -> sqlx::Result<()> {
    on_tx!(tx, conn => sqlx::query("delete from sessions where token_hash = $1").bind(token_hash).execute(conn).await.map(|_| ()))
}

/// Ends every session of a person but one.
///
/// # Errors
/// The database's.
pub async fn delete_others(tx: &mut Tx, user_id: &str, keep: &str) -> sqlx::Result<u64> {
    const SQL: &str = "delete from sessions where user_id = $1 and id <> $2";
    Ok(on_tx!(tx, conn => sqlx::query(SQL).bind(user_id).bind(keep).execute(conn).await?.rows_affected()))
}

/// Sets the tenant that a session looks at.
///
/// # Errors
/// The database's.
pub async fn set_tenant(tx: &mut Tx, id: &str, tenant_id: Option<&str>) -> sqlx::Result<()> {
    on_tx!(tx, conn => sqlx::query("update sessions set tenant_id = $2 where id = $1").bind(id).bind(tenant_id).execute(conn).await.map(|_| ()))
}

/// Notes when sessions were last used, in one statement.
///
/// # Errors
/// The database's.
pub async fn seen(tx: &mut Tx, seen: &[(String, i64)]) -> sqlx::Result<()> {
    const SQL: Sql = sql!(
        "update sessions set last_seen_at = cast(r.value->>1 as bigint) from",
        ROWS,
        "where sessions.id = r.value->>0 and sessions.last_seen_at < cast(r.value->>1 as bigint)"
    );
    let document = Value::Array(seen.iter().map(|(id, at)| json!([id, at])).collect()).to_string();
    let text = tx.pick(&SQL);
    on_tx!(tx, conn => sqlx::query(text).bind(document).execute(conn).await.map(|_| ()))
}

/// Deletes sessions that ended before `now`, by age or by idleness since before `idle_since`.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, now: Timestamp, idle_since: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "delete from sessions where expires_at < $1 or last_seen_at < $2";
    on_tx!(tx, conn => sqlx::query(SQL).bind(now.0).bind(idle_since.0).execute(conn).await.map(|_| ()))
}
