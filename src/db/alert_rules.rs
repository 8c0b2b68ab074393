//! Table `alert_rules`.

use anyhow::Context as _;

use super::{Db, Tx, settings};
use crate::model::Timestamp;
use crate::model::alert::AlertRule;
use crate::{on_db, on_tx};

/// Set once the rules that every installation begins with have been made.
const MADE_KEY: &str = "alerts.rules_made";

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: Option<String>,
    version: i64,
    document: String,
    updated_at: i64,
    updated_by: String,
}

impl Row {
    fn into_rule(self) -> anyhow::Result<AlertRule> {
        let stored: AlertRule = serde_json::from_str(&self.document).with_context(|| format!("alert rule {} cannot be read", self.id))?;
        Ok(AlertRule { id: self.id, tenant_id: self.tenant_id, version: self.version, updated_at: Timestamp(self.updated_at), updated_by: self.updated_by, ..stored })
    }
}

/// Every rule, in the order in which they were made.
///
/// # Errors
/// The database's, or a document that cannot be read.
pub async fn all(db: &Db) -> anyhow::Result<Vec<AlertRule>> {
    const SQL: &str = "select id, tenant_id, version, document, updated_at, updated_by from alert_rules order by created_at, id";
    let rows: Vec<Row> = on_db!(db, pool => sqlx::query_as(SQL).fetch_all(pool).await)?;
    rows.into_iter().map(Row::into_rule).collect()
}

/// Stores a rule that is new (version 1) or changed from the version before. False when another change came first.
///
/// # Errors
/// The database's.
pub async fn put(tx: &mut Tx, rule: &AlertRule) -> anyhow::Result<bool> {
    const INSERT: &str =
        "insert into alert_rules (id, tenant_id, version, document, created_at, updated_at, updated_by) values ($1, $2, $3, $4, $5, $5, $6) on conflict (id) do nothing";
    const UPDATE: &str = "update alert_rules set tenant_id = $2, version = $3, document = $4, updated_at = $5, updated_by = $6 where id = $1 and version = $3 - 1";
    let text = if rule.version == 1 { INSERT } else { UPDATE };
    let document = serde_json::to_string(rule)?;
    let changed = on_tx!(tx, conn => {
        sqlx::query(text).bind(&rule.id).bind(&rule.tenant_id).bind(rule.version).bind(&document).bind(rule.updated_at.0).bind(&rule.updated_by).execute(conn).await?.rows_affected()
    });
    Ok(changed == 1)
}

/// Deletes a rule.
///
/// # Errors
/// The database's.
pub async fn delete(tx: &mut Tx, id: &str) -> sqlx::Result<()> {
    const SQL: &str = "delete from alert_rules where id = $1";
    on_tx!(tx, conn => sqlx::query(SQL).bind(id).execute(conn).await.map(|_| ()))
}

/// Whether the first rules have been made.
///
/// # Errors
/// The database's.
pub async fn are_made(db: &Db) -> sqlx::Result<bool> {
    Ok(settings::get(db, MADE_KEY).await?.is_some())
}

/// Notes that the first rules are being made; false when another node was quicker.
///
/// # Errors
/// The database's.
pub async fn begin_making(tx: &mut Tx) -> sqlx::Result<bool> {
    const SQL: &str = "insert into settings (key, value) values ($1, '1') on conflict (key) do nothing";
    on_tx!(tx, conn => sqlx::query(SQL).bind(MADE_KEY).execute(conn).await.map(|r| r.rows_affected() == 1))
}
