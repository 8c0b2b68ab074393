//! Table `event_actions` and its versions.

use anyhow::Context as _;
use serde_json::json;

use super::{Db, Sql, Tx};
use crate::model::Timestamp;
use crate::model::action::{Action, NewAction};
use crate::{on_db, on_tx, sql};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    document: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
    created_by: String,
    deleted_at: Option<i64>,
}

impl Row {
    fn into_action(self) -> anyhow::Result<Action> {
        let definition = serde_json::from_str(&self.document).with_context(|| format!("action {} cannot be read", self.id))?;
        Ok(Action {
            id: self.id,
            definition,
            version: self.version,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
            created_by: self.created_by,
            deleted_at: self.deleted_at.map(Timestamp),
            health: None,
            stats: None,
        })
    }
}

/// Stores an action that is new or changed, with its version row. `expected_version` guards a change; `None` inserts.
///
/// Returns false when another change came first.
///
/// # Errors
/// The database's.
pub async fn store(tx: &mut Tx, action: &Action, expected_version: Option<i64>, author: &str, revision: i64) -> anyhow::Result<bool> {
    const INSERT: &str = "insert into event_actions (id, tenant_id, name, handler_type, is_enabled, version, document, created_at, updated_at, created_by, deleted_at, revision)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    const UPDATE: &str = "update event_actions set tenant_id = $2, name = $3, handler_type = $4, is_enabled = $5, version = $6, document = $7, created_at = $8, updated_at = $9,
        created_by = $10, deleted_at = $11, revision = $12 where id = $1 and version = $13";
    const VERSION: &str = "insert into event_action_versions (action_id, version, document, deleted, author, created_at) values ($1, $2, $3, $4, $5, $6)";
    let d = &action.definition;
    let document = serde_json::to_string(d)?;
    let changed = on_tx!(tx, conn => {
        let query = sqlx::query(if expected_version.is_some() { UPDATE } else { INSERT })
            .bind(&action.id).bind(&d.tenant_id).bind(&d.name).bind(d.handler_type.as_str()).bind(d.is_enabled).bind(action.version).bind(&document)
            .bind(action.created_at.0).bind(action.updated_at.0).bind(&action.created_by).bind(action.deleted_at.map(|t| t.0)).bind(revision);
        let query = if let Some(expected) = expected_version { query.bind(expected) } else { query };
        query.execute(conn).await?.rows_affected()
    });
    if changed == 0 {
        return Ok(false);
    }
    on_tx!(tx, conn => sqlx::query(VERSION).bind(&action.id).bind(action.version).bind(&document).bind(action.deleted_at.is_some()).bind(author).bind(action.updated_at.0).execute(conn).await.map(|_| ()))?;
    Ok(true)
}

/// Actions whose revision is greater than `revision`, deleted ones included, in the order of change.
///
/// # Errors
/// The database's, or a document that cannot be read.
pub async fn changed_since(db: &Db, revision: i64) -> anyhow::Result<Vec<Action>> {
    const SQL: &str = "select id, document, version, created_at, updated_at, created_by, deleted_at from event_actions where revision > $1 order by revision";
    let rows: Vec<Row> = on_db!(db, pool => sqlx::query_as(SQL).bind(revision).fetch_all(pool).await)?;
    rows.into_iter().map(Row::into_action).collect()
}

/// One action, deleted or not.
///
/// # Errors
/// The database's.
pub async fn get(db: &Db, id: &str) -> anyhow::Result<Option<Action>> {
    const SQL: &str = "select id, document, version, created_at, updated_at, created_by, deleted_at from event_actions where id = $1";
    let row: Option<Row> = on_db!(db, pool => sqlx::query_as(SQL).bind(id).fetch_optional(pool).await)?;
    row.map(Row::into_action).transpose()
}

/// Actions deleted before `before`, for good: their executions keep their own names.
///
/// # Errors
/// The database's.
pub async fn prune_deleted(tx: &mut Tx, before: Timestamp) -> sqlx::Result<u64> {
    const SQL: &str = "delete from event_actions where deleted_at < $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(before.0).execute(conn).await.map(|_| ()))?;
    Ok(0)
}

/// One stored version of an action.
#[derive(Clone, Debug)]
pub struct VersionRow {
    /// The action.
    pub action_id: String,
    /// Counts from 1.
    pub version: i64,
    /// The action as it was.
    pub definition: NewAction,
    /// Whether it was deleted in that version.
    pub deleted: bool,
    /// Who made it.
    pub author: String,
    /// When.
    pub created_at: Timestamp,
}

type VersionColumns = (String, i64, String, bool, String, i64);

fn version_row(row: VersionColumns) -> anyhow::Result<VersionRow> {
    let (action_id, version, document, deleted, author, created_at) = row;
    let definition = serde_json::from_str(&document).with_context(|| format!("version {version} of action {action_id} cannot be read"))?;
    Ok(VersionRow { action_id, version, definition, deleted, author, created_at: Timestamp(created_at) })
}

/// Every version of an action, latest first.
///
/// # Errors
/// The database's.
pub async fn versions(db: &Db, action_id: &str) -> anyhow::Result<Vec<VersionRow>> {
    const SQL: &str = "select action_id, version, document, deleted, author, created_at from event_action_versions where action_id = $1 order by version desc";
    let rows: Vec<VersionColumns> = on_db!(db, pool => sqlx::query_as(SQL).bind(action_id).fetch_all(pool).await)?;
    rows.into_iter().map(version_row).collect()
}

/// One version of an action.
///
/// # Errors
/// The database's.
pub async fn version(db: &Db, action_id: &str, version: i64) -> anyhow::Result<Option<VersionRow>> {
    const SQL: &str = "select action_id, version, document, deleted, author, created_at from event_action_versions where action_id = $1 and version = $2";
    let row: Option<VersionColumns> = on_db!(db, pool => sqlx::query_as(SQL).bind(action_id).bind(version).fetch_optional(pool).await)?;
    row.map(version_row).transpose()
}

/// Of every action the number of the version that was in force at `at`, by id; actions made later are left out.
///
/// # Errors
/// The database's.
pub async fn versions_at(db: &Db, at: Timestamp) -> sqlx::Result<Vec<(String, i64)>> {
    const SQL: &str = "select action_id, max(version) from event_action_versions where created_at <= $1 group by action_id order by action_id";
    on_db!(db, pool => sqlx::query_as(SQL).bind(at.0).fetch_all(pool).await)
}

/// Several versions by action and number.
///
/// # Errors
/// The database's, or a document that cannot be read.
pub async fn versions_of(db: &Db, keys: &[(&str, i64)]) -> anyhow::Result<Vec<VersionRow>> {
    const SQL: Sql = sql!(
        "select v.action_id, v.version, v.document, v.deleted, v.author, v.created_at from",
        ROWS,
        "join event_action_versions v on v.action_id = r.value->>0 and v.version = cast(r.value->>1 as bigint)"
    );
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<VersionColumns> = on_db!(db, pool => sqlx::query_as(db.pick(&SQL)).bind(json!(keys).to_string()).fetch_all(pool).await)?;
    rows.into_iter().map(version_row).collect()
}
