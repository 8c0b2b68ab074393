//! Taking a tenant away with everything that is stored for it, for good. Its audit entries stay, and so do the tombstones of its
//! actions, from which other nodes learn that they are gone.

use std::collections::BTreeMap;

use super::rollup::{RollKey, SPANS, Sums, Which};
use super::{Db, Tx, rollup};
use crate::on_tx;

/// What hangs on other rows goes first; what refers to the tenant itself goes with it.
const STATEMENTS: [&str; 12] = [
    "delete from execution_attempts where execution_id in (select id from action_executions where tenant_id = $1)",
    "delete from workflow_steps where execution_id in (select id from action_executions where tenant_id = $1)",
    "delete from action_executions where tenant_id = $1",
    "delete from idempotency_keys where tenant_id = $1",
    "delete from events where tenant_id = $1",
    "delete from outbox_mails where tenant_id = $1",
    "delete from execution_stats where tenant_id = $1",
    "delete from execution_stats_rollup where tenant_id = $1",
    "delete from library_items where tenant_key = $1",
    "delete from bulk_jobs where tenant_id = $1",
    "update sessions set tenant_id = null where tenant_id = $1",
    "delete from tenants where id = $1",
];

/// Whether executions or bulk jobs of a tenant have not ended.
///
/// # Errors
/// The database's.
pub async fn in_flight(tx: &mut Tx, tenant: &str) -> sqlx::Result<bool> {
    for statement in [
        "select id from action_executions where status in ('pending', 'retrying') and tenant_id = $1 limit 1",
        "select id from action_executions where status = 'running' and tenant_id = $1 limit 1",
        "select id from bulk_jobs where status in ('running', 'aborting') and tenant_id = $1 limit 1",
    ] {
        let found: Option<String> = on_tx!(tx, conn => sqlx::query_scalar(statement).bind(tenant).fetch_optional(conn).await)?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deletes a tenant with everything of it.
///
/// # Errors
/// The database's.
pub async fn tenant(tx: &mut Tx, tenant: &str) -> sqlx::Result<()> {
    for statement in STATEMENTS {
        on_tx!(tx, conn => sqlx::query(statement).bind(tenant).execute(conn).await.map(|_| ()))?;
    }
    Ok(())
}

/// The sums over everything without one tenant, for every interval in which it has some: what is left is the sum of the others.
///
/// # Errors
/// The database's.
pub async fn sums_without(db: &Db, tenant: &str) -> sqlx::Result<BTreeMap<RollKey, Sums>> {
    let own = rollup::of_tenant(tenant);
    let mut out = BTreeMap::new();
    for span in SPANS {
        for (key, _) in rollup::read(db, span, Which::Subject(&own, None), 0, i64::MAX).await? {
            out.insert(RollKey { span, subject: String::new(), slot: key.slot, tenant_id: String::new() }, Sums::default());
        }
        let slots: Vec<i64> = out.keys().filter(|k| k.span == span).map(|k| k.slot).collect();
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else { continue };
        for (key, sums) in rollup::read(db, span, Which::Tenants, *first, last + 1).await? {
            let total = RollKey { span, subject: String::new(), slot: key.slot, tenant_id: String::new() };
            if key.subject != own
                && let Some(entry) = out.get_mut(&total)
            {
                entry.merge(&sums);
            }
        }
    }
    Ok(out)
}
