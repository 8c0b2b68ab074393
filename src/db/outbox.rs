//! Table `outbox_mails`: mails that stay here because no mail server is configured.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::query::Select;
use super::{Db, Tx};
use crate::model::Timestamp;
use crate::model::mail::{MailFilter, OutboxMail};
use crate::on_tx;

/// Puts a mail in; the same id a second time changes nothing.
///
/// # Errors
/// The database's.
pub async fn put(tx: &mut Tx, tenant: &str, execution_id: &str, mail: &OutboxMail) -> sqlx::Result<()> {
    const SQL: &str = "insert into outbox_mails (id, tenant_id, execution_id, sender, recipients, subject, raw, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do nothing";
    let recipients = serde_json::json!(mail.recipients).to_string();
    let raw = STANDARD.encode(&mail.raw);
    on_tx!(tx, conn => sqlx::query(SQL).bind(&mail.id).bind(tenant).bind(execution_id).bind(&mail.from).bind(recipients).bind(&mail.subject).bind(raw)
        .bind(mail.created_at.0).execute(conn).await.map(|_| ()))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    execution_id: String,
    sender: String,
    recipients: String,
    subject: String,
    raw: String,
    created_at: i64,
}

const HEAD: &str = "select id, tenant_id, execution_id, sender, recipients, subject, raw, created_at from outbox_mails";

impl From<Row> for OutboxMail {
    fn from(r: Row) -> Self {
        Self {
            id: r.id,
            tenant_id: r.tenant_id,
            execution_id: r.execution_id,
            from: r.sender,
            recipients: serde_json::from_str(&r.recipients).unwrap_or_default(),
            subject: r.subject,
            raw: STANDARD.decode(r.raw).unwrap_or_default(),
            created_at: Timestamp(r.created_at),
        }
    }
}

/// Mails of `tenant` (all when none) that pass the filter, latest first, after `cursor` (made, id), without the messages
/// themselves.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, tenant: Option<&str>, filter: &MailFilter, cursor: Option<(i64, String)>, limit: u32) -> sqlx::Result<Vec<OutboxMail>> {
    let mut select = Select::new("select id, tenant_id, execution_id, sender, recipients, subject, '' as raw, created_at from outbox_mails");
    select.maybe("tenant_id = ?", tenant);
    select.maybe("execution_id = ?", filter.execution_id.as_deref());
    if let Some(search) = filter.search.as_deref().map(like) {
        let search = || search.clone().into();
        select.filters("(lower(subject) like ? escape '\\' or lower(recipients) like ? escape '\\' or lower(sender) like ? escape '\\')", [search(), search(), search()]);
    }
    if let Some((at, id)) = cursor {
        select.filters("created_at <= ? and (created_at < ? or id < ?)", [at.into(), at.into(), id.into()]);
    }
    select.tail("order by created_at desc, id desc");
    select.limit(limit);
    Ok(select.fetch::<Row>(db).await?.into_iter().map(OutboxMail::from).collect())
}

/// A `like` pattern for texts that contain `part`, in lower case.
fn like(part: &str) -> String {
    let escaped: String = part.to_lowercase().chars().flat_map(|c| if matches!(c, '%' | '_' | '\\') { vec!['\\', c] } else { vec![c] }).collect();
    format!("%{escaped}%")
}

/// One mail.
///
/// # Errors
/// The database's.
pub async fn get(db: &Db, id: &str) -> sqlx::Result<Option<OutboxMail>> {
    let mut select = Select::new(HEAD);
    select.filter("id = ?", id);
    Ok(select.fetch::<Row>(db).await?.into_iter().next().map(OutboxMail::from))
}

/// Deletes at most `limit` mails of a tenant, or of everybody, made before `before`. Returns how many.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, tenant: Option<&str>, before: Timestamp, limit: u32) -> sqlx::Result<u64> {
    const SQL: &str = "delete from outbox_mails where id in (select id from outbox_mails where created_at < $1 order by created_at limit $2)";
    const SQL_OF: &str = "delete from outbox_mails where id in (select id from outbox_mails where tenant_id = $3 and created_at < $1 order by created_at limit $2)";
    on_tx!(tx, conn => {
        let query = sqlx::query(if tenant.is_some() { SQL_OF } else { SQL }).bind(before.0).bind(i64::from(limit));
        if let Some(tenant) = tenant { query.bind(tenant) } else { query }.execute(conn).await.map(|r| r.rows_affected())
    })
}
