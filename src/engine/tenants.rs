//! Tenants, their settings and quotas.

use serde_json::{Map, Value, json};
use tracing::warn;

use super::{Caller, Engine, cursor, internal};
use crate::db::{settings, tenants};
use crate::model::access::Scope;
use crate::model::action::text;
use crate::model::error::Faults;
use crate::model::page::{Page, PageRequest};
use crate::model::quotas::Quotas;
use crate::model::tenant::{NewTenant, Tenant};
use crate::model::{ApiError, Timestamp};

mod removal;

/// A tenant with some fields changed: null clears a setting, an absent one stays. Also the names of loosened settings.
fn changed(before: &Tenant, changes: Map<String, Value>) -> Result<(Tenant, Vec<&'static str>), ApiError> {
    let mut faults = Faults::default();
    let mut after = before.clone();
    for (field, value) in changes {
        match (field.as_str(), value) {
            ("name", Value::String(name)) => after.name = name.trim().to_owned(),
            ("settings", Value::Object(members)) => after.settings.extend(members),
            ("settings", Value::Null) => after.settings.clear(),
            ("id", Value::String(id)) if id == before.id => {}
            ("id", _) => faults.add("/id", "read_only", "The id of a tenant cannot change."),
            ("name", _) => faults.add("/name", "wrong_type", "name must be a text."),
            ("settings", _) => faults.add("/settings", "wrong_type", "settings must be an object."),
            (other, _) => faults.add(format!("/{other}"), "unknown_field", format!("{other:?} is no field of a tenant that can change.")),
        }
    }
    text(&mut faults, "/name", &after.name, 1, 200);
    let (quotas, more) = Quotas::read(&after.settings);
    faults.0.extend(more.0);
    faults.into_result()?;
    after.settings = quotas.to_settings();
    Ok((after, Quotas::read(&before.settings).0.loosened_by(&quotas)))
}

impl Engine {
    /// Makes a tenant.
    ///
    /// # Errors
    /// 403 for anybody but the platform, 409 for a taken id, 422 with every fault.
    pub async fn create_tenant(&self, caller: &Caller, new: NewTenant) -> Result<Tenant, ApiError> {
        caller.require_platform()?;
        let mut faults = new.validate();
        let (quotas, more) = Quotas::read(&new.settings);
        faults.0.extend(more.0);
        faults.into_result()?;
        let tenant = Tenant { id: new.id, name: new.name.trim().to_owned(), settings: quotas.to_settings(), created_at: Timestamp::now() };
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        if !tenants::insert(&mut tx, &tenant).await.map_err(internal)? {
            return Err(ApiError::conflict("tenant_exists", format!("There is a tenant {:?} already.", tenant.id)));
        }
        self.audit(&mut tx, caller, "tenant.create", ("tenant", &tenant.id), Some(&tenant.id), None, Some(json!(tenant))).await?;
        tx.commit().await.map_err(internal)?;
        self.tenants_changed().await;
        Ok(tenant)
    }

    /// Puts a change that is committed into effect here. Should the database be away, the registry's poll does it later.
    async fn tenants_changed(&self) {
        if let Err(e) = self.refresh_registry().await {
            warn!(error = format!("{e:#}"), "a change of tenants is stored but not in effect on this node yet");
        }
    }

    /// Tenants by id: all for the platform, their own for everybody else.
    ///
    /// # Errors
    /// 403 without `actions:read`.
    pub async fn list_tenants(&self, caller: &Caller, page: PageRequest) -> Result<Page<Tenant>, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let own = if caller.is_platform { None } else { caller.reads(None)? };
        let limit = page.checked_limit()?;
        let after: Option<String> = cursor::decode(&page)?;
        let found = tenants::list(self.db(), own.as_deref(), after.as_deref(), limit + 1).await.map_err(internal)?;
        Ok(cursor::page(found, limit, |t| t.id.clone()))
    }

    /// The tenants that the person who asks can look at, at most 1,000: what the switcher shows.
    ///
    /// # Errors
    /// 403 for anybody but a person.
    pub async fn own_tenants(&self, caller: &Caller) -> Result<Vec<Tenant>, ApiError> {
        let user = super::sessions::own_id(caller)?;
        let found = if caller.is_platform { tenants::list(self.db(), None, None, 1_000).await } else { tenants::of_user(self.db(), user).await };
        found.map_err(internal)
    }

    /// One tenant.
    ///
    /// # Errors
    /// 403 without `actions:read`, 404 for another tenant.
    pub async fn get_tenant(&self, caller: &Caller, id: &str) -> Result<Tenant, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let found = if caller.sees(id) { tenants::get(self.db(), id).await.map_err(internal)? } else { None };
        found.ok_or_else(|| ApiError::not_found("tenant", id))
    }

    /// Changes name and settings. A tenant's own administrator may tighten settings, the platform may loosen them too.
    ///
    /// # Errors
    /// 403 without `admin` or for a loosened setting, 404 for another tenant, 422 with every fault.
    pub async fn update_tenant(&self, caller: &Caller, id: &str, changes: Map<String, Value>) -> Result<Tenant, ApiError> {
        caller.require(Scope::Admin)?;
        if !caller.sees(id) {
            return Err(ApiError::not_found("tenant", id));
        }
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        let before = tenants::get_in(&mut tx, id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("tenant", id))?;
        let (after, loosened) = changed(&before, changes)?;
        if !loosened.is_empty() && !caller.is_platform {
            return Err(ApiError::forbidden(format!("Only an administrator of the platform may loosen {}.", loosened.join(", "))));
        }
        tenants::update(&mut tx, &after, Timestamp::now()).await.map_err(internal)?;
        self.audit(&mut tx, caller, "tenant.update", ("tenant", id), Some(id), Some(json!(before)), Some(json!(after))).await?;
        tx.commit().await.map_err(internal)?;
        self.tenants_changed().await;
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_a_tenant() {
        let settings = json!({"max_actions": 5, "retention_days": 7}).as_object().cloned().unwrap_or_default();
        let before = Tenant { id: "a".into(), name: "A".into(), settings, created_at: Timestamp(0) };
        for (changes, expected) in [
            (json!({"name": " B "}), Some(("B", json!({"max_actions": 5, "retention_days": 7}), vec![]))),
            (json!({"settings": {"max_actions": 4}}), Some(("A", json!({"max_actions": 4, "retention_days": 7}), vec![]))),
            (json!({"settings": {"max_actions": null}}), Some(("A", json!({"retention_days": 7}), vec!["max_actions"]))),
            (json!({"settings": null}), Some(("A", json!({}), vec!["max_actions", "retention_days"]))),
            (json!({"id": "a"}), Some(("A", json!({"max_actions": 5, "retention_days": 7}), vec![]))),
            (json!({"id": "b"}), None),
            (json!({"name": ""}), None),
            (json!({"name": 1}), None),
            (json!({"settings": {"colour": 1}}), None),
            (json!({"created_at": "2026-01-01T00:00:00Z"}), None),
        ] {
            let found = changed(&before, changes.as_object().cloned().unwrap_or_default()).ok();
            let found = found.as_ref().map(|(t, loosened)| (t.name.as_str(), Value::Object(t.settings.clone()), loosened.clone()));
            assert_eq!(found, expected, "{changes}");
        }
    }
}
