//! Table `audit_log`, and where its end is recorded.

use super::query::Select;
use super::{Db, Tx, settings};
use crate::model::Timestamp;
use crate::model::audit::{AuditEntry, AuditFilter};
use crate::{on_db, on_tx};

/// Counts the entries; its row is locked by whoever appends.
pub const COUNT_KEY: &str = "audit.count";
/// The hash of the last entry.
pub const HEAD_KEY: &str = "audit.head";

/// An entry with its documents as they were hashed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Stored {
    /// Its place, from 1.
    pub seq: i64,
    /// UUIDv7.
    pub id: String,
    /// Unix milliseconds.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// From where.
    pub address: Option<String>,
    /// What.
    pub action: String,
    /// To what kind of thing.
    pub subject_kind: String,
    /// To which.
    pub subject_id: String,
    /// Whose.
    pub tenant_id: Option<String>,
    /// JSON text.
    pub before_doc: Option<String>,
    /// JSON text.
    pub after_doc: Option<String>,
    /// With which request.
    pub request_id: Option<String>,
    /// Hex.
    pub hash: String,
}

impl Stored {
    fn into_entry(self) -> AuditEntry {
        let read = |text: Option<String>| text.map(|t| serde_json::from_str(&t).unwrap_or(serde_json::Value::String(t)));
        AuditEntry {
            id: self.id,
            seq: self.seq,
            at: Timestamp(self.at),
            actor: self.actor,
            address: self.address,
            action: self.action,
            subject_kind: self.subject_kind,
            subject_id: self.subject_id,
            tenant_id: self.tenant_id,
            before: read(self.before_doc),
            after: read(self.after_doc),
            request_id: self.request_id,
            hash: self.hash,
        }
    }
}

/// Takes the next place in the chain and the hash before it. Whoever else appends waits until this transaction ends.
///
/// # Errors
/// The database's.
pub async fn next(tx: &mut Tx) -> sqlx::Result<(i64, String)> {
    let seq = settings::bump(tx, COUNT_KEY).await?;
    let head: Option<String> = on_tx!(tx, conn => sqlx::query_scalar("select value from settings where key = $1").bind(HEAD_KEY).fetch_optional(conn).await)?;
    Ok((seq, head.unwrap_or_default()))
}

/// Appends an entry and records it as the end.
///
/// # Errors
/// The database's.
pub async fn append(tx: &mut Tx, e: &Stored) -> sqlx::Result<()> {
    const SQL: &str = "insert into audit_log (seq, id, at, actor, address, action, subject_kind, subject_id, tenant_id, before_doc, after_doc, request_id, hash)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    on_tx!(tx, conn => {
        sqlx::query(SQL)
            .bind(e.seq).bind(&e.id).bind(e.at).bind(&e.actor).bind(&e.address).bind(&e.action).bind(&e.subject_kind).bind(&e.subject_id).bind(&e.tenant_id)
            .bind(&e.before_doc).bind(&e.after_doc).bind(&e.request_id).bind(&e.hash)
            .execute(conn).await.map(|_| ())
    })?;
    settings::put_in(tx, HEAD_KEY, &e.hash).await
}

/// The recorded end: how many entries there are, and the last one's hash. Read in one statement, so that both fit.
///
/// # Errors
/// The database's.
pub async fn head(db: &Db) -> sqlx::Result<(Option<String>, Option<String>)> {
    const SQL: &str = "select key, value from settings where key in ($1, $2)";
    let rows: Vec<(String, String)> = on_db!(db, pool => sqlx::query_as(SQL).bind(COUNT_KEY).bind(HEAD_KEY).fetch_all(pool).await)?;
    let of = |key: &str| rows.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    Ok((of(COUNT_KEY), of(HEAD_KEY)))
}

/// Entries behind `seq` in the order of the chain.
///
/// # Errors
/// The database's.
pub async fn after(db: &Db, seq: i64, limit: i64) -> sqlx::Result<Vec<Stored>> {
    const SQL: &str = "select seq, id, at, actor, address, action, subject_kind, subject_id, tenant_id, before_doc, after_doc, request_id, hash
        from audit_log where seq > $1 order by seq limit $2";
    on_db!(db, pool => sqlx::query_as(SQL).bind(seq).bind(limit).fetch_all(pool).await)
}

/// Entries of `tenant` (all when none) that pass the filter, latest first, with places below `cursor`.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, tenant: Option<&str>, filter: &AuditFilter, cursor: Option<i64>, limit: u32) -> sqlx::Result<Vec<AuditEntry>> {
    let mut select = Select::new("select seq, id, at, actor, address, action, subject_kind, subject_id, tenant_id, before_doc, after_doc, request_id, hash from audit_log");
    select.maybe("tenant_id = ?", tenant);
    select.maybe("actor = ?", filter.actor.as_deref());
    select.maybe("action = ?", filter.action.as_deref());
    select.maybe("subject_kind = ?", filter.subject_kind.as_deref());
    select.maybe("subject_id = ?", filter.subject_id.as_deref());
    select.maybe("at >= ?", filter.from.map(|t| t.0));
    select.maybe("at < ?", filter.to.map(|t| t.0));
    select.maybe("seq < ?", cursor);
    select.tail("order by seq desc");
    select.limit(limit);
    let rows: Vec<Stored> = select.fetch(db).await?;
    Ok(rows.into_iter().map(Stored::into_entry).collect())
}
