//! Taking a tenant away for good, with everything that is stored for it. Its audit entries stay.

use std::sync::Arc;

use serde_json::json;
use tracing::info;

use crate::db::{Tx, events, executions, outbox, purge, rollup, settings, tenants, users};
use crate::engine::{Caller, Engine, internal};
use crate::model::action::Action;
use crate::model::tenant::{DEFAULT_TENANT, Tenant};
use crate::model::{ApiError, Timestamp};

/// Rows deleted in one transaction, so that nobody waits long for the writer.
const ROWS: u32 = 2_000;

/// Why a tenant stays, whatever is typed.
fn refusal(tenant: &Tenant, confirm: Option<&str>) -> Option<ApiError> {
    if tenant.id == DEFAULT_TENANT {
        return Some(ApiError::conflict("default_tenant", "The tenant \"default\" always exists; it cannot be deleted."));
    }
    let typed = confirm.map(str::trim);
    (typed != Some(tenant.name.as_str())).then(|| {
        let message = format!("Type the tenant's name, {:?}, to delete it with everything of it. This cannot be undone.", tenant.name);
        ApiError::invalid("/confirm", "not_confirmed", message)
    })
}

fn in_flight(tenant: &str) -> ApiError {
    ApiError::conflict("work_in_flight", format!("Executions or bulk jobs of {tenant:?} have not ended. Disable its actions, then wait for them or cancel them."))
}

impl Engine {
    /// Deletes a tenant with everything of it, for good: actions, events, executions, keys, secrets, people who belong to no other
    /// tenant. `confirm` is the tenant's name as a person types it.
    ///
    /// # Errors
    /// 403 for anybody but the platform, 404, 409 for `default` and while work of the tenant is in flight, 422 unless its name is
    /// typed.
    pub async fn delete_tenant(&self, caller: &Caller, id: &str, confirm: Option<&str>) -> Result<(), ApiError> {
        caller.require_platform()?;
        let tenant = tenants::get(self.db(), id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("tenant", id))?;
        if let Some(refusal) = refusal(&tenant, confirm) {
            return Err(refusal);
        }
        let mut tx = self.db().begin().await.map_err(internal)?;
        self.refuse_in_flight(&mut tx, id).await?;
        drop(tx);
        let own = |a: &Arc<Action>| a.definition.tenant_id.as_deref() == Some(id);
        for action in self.inner.matcher.all().into_iter().filter(own) {
            self.delete_action(caller, &action.id).await?;
        }
        self.empty(id).await?;
        let sums = purge::sums_without(self.db(), id).await.map_err(internal)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        // Anything that came in meanwhile counts again.
        self.refuse_in_flight(&mut tx, id).await?;
        users::lock(&mut tx).await.map_err(internal)?;
        purge::tenant(&mut tx, id).await.map_err(internal)?;
        let people = users::delete_homeless(&mut tx).await.map_err(internal)?;
        rollup::put(&mut tx, &sums).await.map_err(internal)?;
        self.audit(&mut tx, caller, "tenant.delete", ("tenant", id), Some(id), Some(json!(tenant)), Some(json!({"accounts_deleted": people}))).await?;
        tx.commit().await.map_err(internal)?;
        self.tenants_changed().await;
        self.reload_open_alerts().await.map_err(internal)?;
        info!(tenant_id = id, "a tenant is deleted");
        Ok(())
    }

    async fn refuse_in_flight(&self, tx: &mut Tx, id: &str) -> Result<(), ApiError> {
        if purge::in_flight(tx, id).await.map_err(internal)? { Err(in_flight(id)) } else { Ok(()) }
    }

    /// Deletes what there is much of, a little at a time.
    async fn empty(&self, id: &str) -> Result<(), ApiError> {
        let now = Timestamp::now().plus_ms(1);
        loop {
            let mut tx = self.db().begin().await.map_err(internal)?;
            let mut gone = executions::prune(&mut tx, Some(id), now, ROWS).await.map_err(internal)?;
            gone += events::prune(&mut tx, Some(id), now, ROWS).await.map_err(internal)?;
            gone += outbox::prune(&mut tx, Some(id), now, ROWS).await.map_err(internal)?;
            tx.commit().await.map_err(internal)?;
            if gone == 0 {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_typed_name_deletes_a_tenant() {
        let tenant = |id: &str| Tenant { id: id.into(), name: "North Ltd".into(), settings: serde_json::Map::new(), created_at: Timestamp(0) };
        for (id, confirm, refused) in [
            ("north", Some("North Ltd"), false),
            ("north", Some(" North Ltd "), false),
            ("north", Some("north"), true),
            ("north", Some("north ltd"), true),
            ("north", None, true),
            ("default", Some("North Ltd"), true),
        ] {
            assert_eq!(refusal(&tenant(id), confirm).is_some(), refused, "{id} {confirm:?}");
        }
    }
}
