//! Table `alerts`. A unique index allows one open alert per rule and subject; every change names the revision it is based on.

use super::query::Select;
use super::{Db, Tx, settings};
use crate::model::Timestamp;
use crate::model::alert::{Alert, AlertFilter, AlertKind, AlertState, Severity};
use crate::{on_db, on_tx};

/// Counts up with every change of any alert, in the order of commits.
const REVISION_KEY: &str = "alerts.revision";

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: Option<String>,
    rule_id: String,
    rule: String,
    kind: String,
    severity: String,
    state: String,
    subject: String,
    action_id: Option<String>,
    message: String,
    value: f64,
    threshold: f64,
    started_at: i64,
    fired_at: Option<i64>,
    updated_at: i64,
    acknowledged_at: Option<i64>,
    acknowledged_by: Option<String>,
    silenced_until: Option<i64>,
    silenced_by: Option<String>,
    resolved_at: Option<i64>,
    resolved_by: Option<String>,
    revision: i64,
}

const HEAD: &str = "select id, tenant_id, rule_id, rule, kind, severity, state, subject, action_id, message, value, threshold, started_at, fired_at, updated_at,
    acknowledged_at, acknowledged_by, silenced_until, silenced_by, resolved_at, resolved_by, revision from alerts";

impl From<Row> for Alert {
    fn from(r: Row) -> Self {
        Self {
            id: r.id,
            rule: r.rule,
            rule_id: r.rule_id,
            kind: AlertKind::parse(&r.kind).unwrap_or(AlertKind::ResourceExhaustion),
            severity: Severity::parse(&r.severity).unwrap_or_default(),
            state: AlertState::parse(&r.state).unwrap_or(AlertState::Firing),
            subject: r.subject,
            tenant_id: r.tenant_id,
            action_id: r.action_id,
            message: r.message,
            value: r.value,
            threshold: r.threshold,
            started_at: Timestamp(r.started_at),
            fired_at: r.fired_at.map(Timestamp),
            updated_at: Timestamp(r.updated_at),
            acknowledged_at: r.acknowledged_at.map(Timestamp),
            acknowledged_by: r.acknowledged_by,
            silenced_until: r.silenced_until.map(Timestamp),
            silenced_by: r.silenced_by,
            resolved_at: r.resolved_at.map(Timestamp),
            resolved_by: r.resolved_by,
            revision: r.revision,
        }
    }
}

async fn fetch(db: &Db, select: Select) -> sqlx::Result<Vec<Alert>> {
    Ok(select.fetch::<Row>(db).await?.into_iter().map(Alert::from).collect())
}

/// Stores a new alert under a new revision; `notify` says whether events tell of it. Returns it as stored, or `None` when its
/// rule has an open one for the subject.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut Tx, alert: &Alert, notify: bool) -> sqlx::Result<Option<Alert>> {
    const SQL: &str = "insert into alerts (id, tenant_id, rule_id, rule, kind, severity, state, subject, action_id, message, value, threshold, started_at, fired_at, updated_at,
        revision, fired_event, resolved_event) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17) on conflict do nothing";
    let revision = settings::bump(tx, REVISION_KEY).await?;
    let a = alert;
    let rows = on_tx!(tx, conn => {
        sqlx::query(SQL)
            .bind(&a.id).bind(&a.tenant_id).bind(&a.rule_id).bind(&a.rule).bind(a.kind.name()).bind(a.severity.name()).bind(a.state.name()).bind(&a.subject).bind(&a.action_id)
            .bind(&a.message).bind(a.value).bind(a.threshold).bind(a.started_at.0).bind(a.fired_at.map(|t| t.0)).bind(a.updated_at.0).bind(revision).bind(!notify)
            .execute(conn).await?.rows_affected()
    });
    Ok((rows == 1).then(|| Alert { revision, ..alert.clone() }))
}

/// Stores a changed alert under a new revision, if it is still as it was read. Returns it as stored.
///
/// # Errors
/// The database's.
pub async fn update(tx: &mut Tx, alert: &Alert) -> sqlx::Result<Option<Alert>> {
    const SQL: &str = "update alerts set state = $3, message = $4, value = $5, fired_at = $6, updated_at = $7, acknowledged_at = $8, acknowledged_by = $9, silenced_until = $10,
        silenced_by = $11, resolved_at = $12, resolved_by = $13, revision = $14, severity = $15, threshold = $16 where id = $1 and revision = $2";
    let revision = settings::bump(tx, REVISION_KEY).await?;
    let a = alert;
    let ms = |t: Option<Timestamp>| t.map(|t| t.0);
    let rows = on_tx!(tx, conn => {
        sqlx::query(SQL)
            .bind(&a.id).bind(a.revision).bind(a.state.name()).bind(&a.message).bind(a.value).bind(ms(a.fired_at)).bind(a.updated_at.0).bind(ms(a.acknowledged_at)).bind(&a.acknowledged_by)
            .bind(ms(a.silenced_until)).bind(&a.silenced_by).bind(ms(a.resolved_at)).bind(&a.resolved_by).bind(revision).bind(a.severity.name()).bind(a.threshold)
            .execute(conn).await?.rows_affected()
    });
    Ok((rows == 1).then(|| Alert { revision, ..alert.clone() }))
}

/// Deletes an alert that never fired, if it is still as it was read.
///
/// # Errors
/// The database's.
pub async fn drop_pending(tx: &mut Tx, alert: &Alert) -> sqlx::Result<()> {
    const SQL: &str = "delete from alerts where id = $1 and revision = $2 and state = 'pending'";
    on_tx!(tx, conn => sqlx::query(SQL).bind(&alert.id).bind(alert.revision).execute(conn).await.map(|_| ()))
}

/// One alert.
///
/// # Errors
/// The database's.
pub async fn get(db: &Db, id: &str) -> sqlx::Result<Option<Alert>> {
    let mut select = Select::new(HEAD);
    select.filter("id = ?", id);
    Ok(fetch(db, select).await?.into_iter().next())
}

/// Every alert that is not over.
///
/// # Errors
/// The database's.
pub async fn open(db: &Db) -> sqlx::Result<Vec<Alert>> {
    let mut select = Select::new(HEAD);
    select.fixed("state <> 'resolved'");
    select.tail("order by rule_id, subject");
    fetch(db, select).await
}

/// At most `limit` alerts changed since a revision, the latest change last.
///
/// # Errors
/// The database's.
pub async fn changed_since(db: &Db, revision: i64, limit: u32) -> sqlx::Result<Vec<Alert>> {
    let mut select = Select::new(HEAD);
    select.filter("revision > ?", revision);
    select.tail("order by revision desc");
    select.limit(limit);
    let mut found = fetch(db, select).await?;
    found.reverse();
    Ok(found)
}

/// Alerts of `tenant` (all when none), with the platform's own when asked for, latest first, with ids below `cursor`.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, tenant: Option<&str>, with_platform: bool, filter: &AlertFilter, cursor: Option<&str>, limit: u32) -> sqlx::Result<Vec<Alert>> {
    let mut select = Select::new(HEAD);
    select.maybe(if with_platform { "(tenant_id = ? or tenant_id is null)" } else { "tenant_id = ?" }, tenant);
    select.maybe("state = ?", filter.state.map(AlertState::name));
    if filter.active_only {
        select.fixed("state in ('firing', 'acknowledged', 'silenced')");
    }
    select.maybe("kind = ?", filter.kind.map(AlertKind::name));
    select.maybe("severity = ?", filter.severity.map(Severity::name));
    select.maybe("action_id = ?", filter.action_id.as_deref());
    select.maybe("id < ?", cursor);
    select.tail("order by id desc");
    select.limit(limit);
    fetch(db, select).await
}

/// When a person last ended an alert of this rule and subject, if that was after `since`.
///
/// # Errors
/// The database's.
pub async fn ended_by_hand(db: &Db, rule_id: &str, subject: &str, since: Timestamp) -> sqlx::Result<Option<Timestamp>> {
    const SQL: &str = "select max(resolved_at) from alerts where state = 'resolved' and resolved_at > $3 and resolved_by is not null and rule_id = $1 and subject = $2";
    let at: Option<i64> = on_db!(db, pool => sqlx::query_scalar(SQL).bind(rule_id).bind(subject).bind(since.0).fetch_one(pool).await)?;
    Ok(at.map(Timestamp))
}

/// Alerts whose beginning or end no event has told of yet, at most 100: with whether the beginning has been told of.
///
/// # Errors
/// The database's.
pub async fn untold(db: &Db) -> sqlx::Result<Vec<(Alert, bool)>> {
    #[derive(sqlx::FromRow)]
    struct Untold {
        id: String,
        fired_event: bool,
    }
    const SQL: &str = "select id, fired_event from alerts where (fired_event = false or resolved_event = false)
        and fired_at is not null and (fired_event = false or state = 'resolved') order by id limit 100";
    let rows: Vec<Untold> = on_db!(db, pool => sqlx::query_as(SQL).fetch_all(pool).await)?;
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(alert) = get(db, &row.id).await? {
            out.push((alert, row.fired_event));
        }
    }
    Ok(out)
}

/// Notes that an event has told of the beginning, or of the end.
///
/// # Errors
/// The database's.
pub async fn told(tx: &mut Tx, id: &str, end: bool) -> sqlx::Result<()> {
    const FIRED: &str = "update alerts set fired_event = true where id = $1";
    const RESOLVED: &str = "update alerts set resolved_event = true where id = $1";
    let text = if end { RESOLVED } else { FIRED };
    on_tx!(tx, conn => sqlx::query(text).bind(id).execute(conn).await.map(|_| ()))
}

/// Deletes alerts that ended before `before`.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> sqlx::Result<u64> {
    const SQL: &str = "delete from alerts where state = 'resolved' and resolved_at < $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(before.0).execute(conn).await.map(|r| r.rows_affected()))
}
