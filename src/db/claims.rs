//! Claims on table `action_executions`: what a node takes out of the queue.

use serde_json::json;

use super::{Sql, Tx};
use crate::{on_tx, sql};

/// An execution that this node has just claimed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Claimed {
    /// The execution.
    pub id: String,
    /// The event's tenant.
    pub tenant_id: String,
    /// The event.
    pub event_id: String,
    /// The action.
    pub action_id: String,
    /// Its version.
    pub action_version: i64,
    /// The number of the attempt that begins now.
    pub attempt: i64,
    /// Failed attempts so far.
    pub failures: i64,
    /// Priority rank.
    pub priority: i64,
    /// When its event was accepted.
    pub created_at: i64,
    /// Its ordering key.
    pub ordering_key: Option<String>,
    /// The place in a trace under which it runs.
    pub traceparent: Option<String>,
    /// What tracing systems added to it.
    pub tracestate: Option<String>,
}

const CLAIM: Sql = sql!(
    "update action_executions set status = 'running', attempt = attempt + 1, claim_token = $1, node = $2, lease_until = 25000 +",
    NOW,
    ", attempt_started_at =",
    NOW,
    ", started_at = coalesce(started_at,",
    NOW,
    ") where id in (
        select e.id from action_executions e
        where e.status in ('pending', 'retrying') and e.claim_key <= 60000 +",
    NOW,
    "and e.due_at <=",
    NOW,
    "and e.handler_type in (select",
    LIST_3,
    ") and e.action_id not in (select",
    LIST_4,
    ") and ($6 = '' or e.action_id = $6)
        and (e.ordering_key is null or not exists (
            select 1 from action_executions p where p.action_id = e.action_id and p.ordering_key = e.ordering_key
            and (p.status = 'running' or (p.status in ('pending', 'retrying') and p.ordering_seq < e.ordering_seq))))
        order by e.claim_key, e.id limit $5",
    SKIP_LOCKED,
    ") and status in ('pending', 'retrying')
    returning id, tenant_id, event_id, action_id, action_version, attempt, failures, priority, created_at, ordering_key, traceparent, tracestate"
);

/// Which actions a claim looks at.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// Every action but these.
    AllBut(&'a [String]),
    /// This action alone.
    Only(&'a str),
}

/// Claims up to `limit` due executions whose handler this node has, of the actions asked for.
///
/// # Errors
/// The database's.
pub async fn claim(tx: &mut Tx, node: &str, token: &str, handler_types: &[String], which: &Which<'_>, limit: usize) -> sqlx::Result<Vec<Claimed>> {
    let text = tx.pick(&CLAIM);
    let limit = i64::try_from(limit).unwrap_or(500);
    let (blocked, only) = match *which {
        Which::AllBut(ids) => (ids, ""),
        Which::Only(id) => (&[][..], id),
    };
    let (types, blocked) = (json!(handler_types).to_string(), json!(blocked).to_string());
    let mut rows: Vec<Claimed> = on_tx!(tx, conn => sqlx::query_as(text).bind(token).bind(node).bind(types).bind(blocked).bind(limit).bind(only).fetch_all(conn).await)?;
    rows.sort_by(|a, b| (a.created_at + a.priority * 20_000, &a.id).cmp(&(b.created_at + b.priority * 20_000, &b.id)));
    Ok(rows)
}

const DUE: Sql = sql!(
    "select r.value->>0, (select count(*) from (select 1 from action_executions e
        where e.action_id = r.value->>0 and e.status in ('pending', 'retrying') and e.due_at <=",
    NOW,
    "limit $2) w) from",
    ROWS
);

/// How many executions of each of these actions are due, counted up to `most`; only those with any.
///
/// # Errors
/// The database's.
pub async fn due(tx: &mut Tx, action_ids: &[String], most: usize) -> sqlx::Result<Vec<(String, usize)>> {
    let document = json!(action_ids.iter().map(|id| [id]).collect::<Vec<_>>()).to_string();
    let (text, most) = (tx.pick(&DUE), i64::try_from(most).unwrap_or(500));
    let rows: Vec<(String, i64)> = on_tx!(tx, conn => sqlx::query_as(text).bind(document).bind(most).fetch_all(conn).await)?;
    Ok(rows.into_iter().filter_map(|(id, n)| Some((id, usize::try_from(n).ok().filter(|n| *n > 0)?))).collect())
}
