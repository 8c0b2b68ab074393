//! Table `events`: reading and pruning. Writing is in `ingest`.

use std::collections::HashMap;

use anyhow::Context as _;
use serde_json::json;

use super::query::Select;
use super::{Db, Sql, Tx};
use crate::model::Timestamp;
use crate::model::event::Event;
use crate::model::testing::EventFilter;
use crate::{on_db, on_tx, sql};

const HEAD: &str = "select tenant_id, id, event_type, aggregate_id, aggregate_type, data, metadata, occurred_at, received_at, correlation_id, causation_id, depth from events";

#[derive(sqlx::FromRow)]
struct Row {
    tenant_id: String,
    id: String,
    event_type: String,
    aggregate_id: Option<String>,
    aggregate_type: Option<String>,
    data: String,
    metadata: String,
    occurred_at: i64,
    received_at: i64,
    correlation_id: Option<String>,
    causation_id: Option<String>,
    depth: i64,
}

impl Row {
    fn into_event(self) -> anyhow::Result<Event> {
        Ok(Event {
            data: serde_json::from_str(&self.data).with_context(|| format!("event {} cannot be read", self.id))?,
            metadata: serde_json::from_str(&self.metadata).with_context(|| format!("event {} cannot be read", self.id))?,
            id: self.id,
            tenant_id: self.tenant_id,
            event_type: self.event_type,
            aggregate_id: self.aggregate_id,
            aggregate_type: self.aggregate_type,
            occurred_at: Timestamp(self.occurred_at),
            received_at: Timestamp(self.received_at),
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            depth: u32::try_from(self.depth).unwrap_or(0),
        })
    }
}

/// An event by its id, in `tenant` when given.
///
/// # Errors
/// The database's.
pub async fn get(db: &Db, tenant: Option<&str>, id: &str) -> anyhow::Result<Option<Event>> {
    let mut select = Select::new(HEAD);
    select.maybe("tenant_id = ?", tenant);
    select.filter("id = ?", id);
    select.tail("order by received_at desc");
    select.limit(1);
    select.fetch::<Row>(db).await?.into_iter().next().map(Row::into_event).transpose()
}

/// Several events by tenant and id.
///
/// # Errors
/// The database's.
pub async fn get_many(db: &Db, keys: &[(&str, &str)]) -> anyhow::Result<HashMap<(String, String), Event>> {
    const SQL: Sql = sql!(
        "select e.tenant_id, e.id, e.event_type, e.aggregate_id, e.aggregate_type, e.data, e.metadata, e.occurred_at, e.received_at, e.correlation_id, e.causation_id, e.depth from",
        ROWS,
        "join events e on e.tenant_id = r.value->>0 and e.id = r.value->>1"
    );
    let rows: Vec<Row> = on_db!(db, pool => sqlx::query_as(db.pick(&SQL)).bind(json!(keys).to_string()).fetch_all(pool).await)?;
    rows.into_iter().map(|row| row.into_event().map(|e| ((e.tenant_id.clone(), e.id.clone()), e))).collect()
}

/// Events of `tenant` (all when none), latest first, after `cursor` (received, id).
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, tenant: Option<&str>, filter: &EventFilter, cursor: Option<(i64, String)>, limit: u32) -> anyhow::Result<Vec<Event>> {
    let mut select = Select::new(HEAD);
    // Types that begin alike are looked for in the order of time, where the indexes say the type too.
    if filter.event_type.as_deref().is_some_and(|t| !t.ends_with('*')) || filter.correlation_id.is_some() || filter.aggregate_id.is_some() {
        select.tenant_beside(db, tenant);
    } else {
        select.maybe("tenant_id = ?", tenant);
    }
    match filter.event_type.as_deref() {
        None | Some("*") => {}
        Some(pattern) => match pattern.strip_suffix(".*") {
            Some(prefix) => select.filter("event_type like ? escape '\\'", like_prefix(&format!("{prefix}."))),
            None => select.filter("event_type = ?", pattern),
        },
    }
    select.maybe("aggregate_id = ?", filter.aggregate_id.as_deref());
    select.maybe("correlation_id = ?", filter.correlation_id.as_deref());
    select.maybe("received_at >= ?", filter.from.map(|t| t.0));
    select.maybe("received_at < ?", filter.to.map(|t| t.0));
    if let Some((at, id)) = cursor {
        select.filters("received_at <= ? and (received_at < ? or id < ?)", [at.into(), at.into(), id.into()]);
    }
    select.tail("order by received_at desc, id desc");
    select.limit(limit);
    select.fetch::<Row>(db).await?.into_iter().map(Row::into_event).collect()
}

/// A `like` pattern for texts that begin with `prefix`.
fn like_prefix(prefix: &str) -> String {
    let escaped: String = prefix.chars().flat_map(|c| if matches!(c, '%' | '_' | '\\') { vec!['\\', c] } else { vec![c] }).collect();
    format!("{escaped}%")
}

/// Deletes at most `limit` events of a tenant, or of everybody, received before `before` that no execution needs. Returns how many.
///
/// # Errors
/// The database's.
pub async fn prune(tx: &mut Tx, tenant: Option<&str>, before: Timestamp, limit: u32) -> sqlx::Result<u64> {
    const SQL: &str = "delete from events where (tenant_id, id) in (
            select e.tenant_id, e.id from events e where e.received_at < $1
            and not exists (select 1 from action_executions x where x.event_id = e.id and x.tenant_id = e.tenant_id)
            order by e.received_at limit $2)";
    const SQL_OF: &str = "delete from events where (tenant_id, id) in (
            select e.tenant_id, e.id from events e where e.tenant_id = $3 and e.received_at < $1
            and not exists (select 1 from action_executions x where x.event_id = e.id and x.tenant_id = e.tenant_id)
            order by e.received_at limit $2)";
    on_tx!(tx, conn => {
        let query = sqlx::query(if tenant.is_some() { SQL_OF } else { SQL }).bind(before.0).bind(i64::from(limit));
        if let Some(tenant) = tenant { query.bind(tenant) } else { query }.execute(conn).await.map(|r| r.rows_affected())
    })
}

/// Deletes idempotency keys made before `before`.
///
/// # Errors
/// The database's.
pub async fn prune_keys(tx: &mut Tx, before: Timestamp) -> sqlx::Result<u64> {
    const SQL: &str = "delete from idempotency_keys where created_at < $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(before.0).execute(conn).await.map(|r| r.rows_affected()))
}
