//! Dead letters in groups: table `action_executions`, those that nobody has handled, by action and last error.

use super::Db;
use super::query::Select;
use crate::model::Timestamp;
use crate::model::dead_letter::{DeadLetterFilter, DeadLetterGroup};
use crate::model::execution::ExecutionError;

#[derive(sqlx::FromRow)]
struct Row {
    tenant_id: String,
    action_id: String,
    action_name: String,
    error_class: Option<String>,
    error: Option<String>,
    n: i64,
    oldest: i64,
    latest: i64,
    latest_id: String,
}

impl From<Row> for DeadLetterGroup {
    fn from(r: Row) -> Self {
        let error: Option<ExecutionError> = r.error.and_then(|text| serde_json::from_str(&text).ok());
        Self {
            tenant_id: r.tenant_id,
            action_id: r.action_id,
            action_name: r.action_name,
            error_class: r.error_class,
            message: error.map_or_else(|| "No error was recorded.".to_owned(), |e| e.message),
            count: r.n,
            oldest_at: Timestamp(r.oldest),
            latest_at: Timestamp(r.latest),
            latest_id: r.latest_id,
        }
    }
}

/// Groups of `tenant` (all when none), the largest first.
///
/// # Errors
/// The database's.
pub async fn groups(db: &Db, tenant: Option<&str>, filter: &DeadLetterFilter, limit: u32) -> sqlx::Result<Vec<DeadLetterGroup>> {
    // An error is written the same way each time, so its text stands for its class and message.
    let mut select = Select::new(
        "select tenant_id, action_id, max(action_name) as action_name, error_class, error, count(*) as n, min(created_at) as oldest, max(created_at) as latest, max(id) as latest_id
        from action_executions",
    );
    select.fixed("status = 'dead_letter' and handled_at is null");
    select.maybe("tenant_id = ?", tenant);
    select.maybe("action_id = ?", filter.action_id.as_deref());
    select.maybe("created_at >= ?", filter.from.map(|t| t.0));
    select.maybe("created_at < ?", filter.to.map(|t| t.0));
    select.tail("group by tenant_id, action_id, error_class, error order by n desc, latest desc, latest_id desc");
    select.limit(limit);
    Ok(select.fetch::<Row>(db).await?.into_iter().map(DeadLetterGroup::from).collect())
}
