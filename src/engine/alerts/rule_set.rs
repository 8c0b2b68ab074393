//! Reading and writing rules. Tenants have their own and see those of the platform that concern them.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::db::{Tx, alert_rules};
use crate::engine::{Caller, Engine, internal};
use crate::model::access::Scope;
use crate::model::alert::rule::MAX_RULES;
use crate::model::alert::{AlertKind, AlertRule, RuleScope};
use crate::model::handler::from_value;
use crate::model::{ApiError, FieldError, Timestamp};

/// A rule as somebody writes it: the members that are there count, and where in the request it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleChange {
    /// The JSON Pointer of the rule in the request; empty for the whole.
    pub pointer: String,
    /// Its members. With an `id` it changes the rule of that id; null clears, absent keeps.
    pub members: Map<String, Value>,
}

impl RuleChange {
    fn at(&self, mut e: ApiError) -> ApiError {
        e.errors.iter_mut().for_each(|f: &mut FieldError| f.pointer.insert_str(0, &self.pointer));
        e
    }
}

/// What an audit entry keeps of a rule.
fn document(rule: &AlertRule) -> Value {
    serde_json::to_value(rule).unwrap_or_default()
}

/// The same rule but for what the product fills in.
fn definition(rule: &AlertRule) -> AlertRule {
    AlertRule { id: String::new(), version: 0, updated_at: Timestamp(0), updated_by: String::new(), ..rule.clone() }
}

impl Engine {
    /// The rules that hold for a tenant, or all of them for the platform, in the order in which they were made.
    ///
    /// # Errors
    /// 403 without `admin`, 404 for another tenant.
    pub async fn list_alert_rules(&self, caller: &Caller, tenant: Option<&str>) -> Result<Vec<AlertRule>, ApiError> {
        caller.require(Scope::Admin)?;
        let tenant = caller.reads(tenant)?;
        let all = alert_rules::all(self.db()).await.map_err(internal)?;
        Ok(all.into_iter().filter(|r| self.sees_rule(caller, tenant.as_deref(), r)).collect())
    }

    fn sees_rule(&self, caller: &Caller, tenant: Option<&str>, rule: &AlertRule) -> bool {
        let whose = tenant.is_none_or(|t| rule.tenant_id.as_deref().is_none_or(|owner| owner == t));
        let whole = caller.is_platform || rule.kind.is_per_action();
        let about = match &rule.scope {
            RuleScope::Action(id) if !caller.is_platform && rule.tenant_id.is_none() => self.visible_action(caller, id).is_ok(),
            _ => true,
        };
        whose && whole && about
    }

    /// Writes rules: those with an id change, the others are new. With `replace` those of the caller that are not named are
    /// deleted. Returns the rules afterwards.
    ///
    /// # Errors
    /// 403 without `admin` or for a changed rule of the platform, 404 for an unknown id, 409 for another version, 422 with every
    /// fault of the first faulty rule.
    pub async fn put_alert_rules(&self, caller: &Caller, changes: Vec<RuleChange>, replace: bool) -> Result<Vec<AlertRule>, ApiError> {
        caller.require(Scope::Admin)?;
        let all = alert_rules::all(self.db()).await.map_err(internal)?;
        let mut written: Vec<(Option<AlertRule>, AlertRule)> = Vec::with_capacity(changes.len());
        for change in &changes {
            written.push(self.written(caller, &all, change).map_err(|e| change.at(e))?);
        }
        let named = |id: &str| written.iter().any(|(before, _)| before.as_ref().is_some_and(|b| b.id == id));
        let gone: Vec<&AlertRule> = all.iter().filter(|r| replace && r.tenant_id == caller.tenant_id && !named(&r.id)).collect();
        let owners = |tenant: &Option<String>| {
            let kept = all.iter().filter(|r| r.tenant_id == *tenant && !gone.iter().any(|g| g.id == r.id)).count();
            kept + written.iter().filter(|(before, after)| before.is_none() && after.tenant_id == *tenant).count()
        };
        if written.iter().any(|(_, after)| owners(&after.tenant_id) > MAX_RULES) {
            return Err(ApiError::invalid("", "too_many", format!("A tenant, and the platform, has at most {MAX_RULES} alert rules.")));
        }
        let mut tx = self.db().begin().await.map_err(internal)?;
        for (before, after) in &written {
            if before.as_ref().is_none_or(|b| definition(b) != definition(after)) {
                self.store_rule(&mut tx, caller, before.as_ref(), after).await?;
            }
        }
        for rule in gone {
            self.remove_rule(&mut tx, caller, rule).await?;
        }
        tx.commit().await.map_err(internal)?;
        self.inner.alerts.poke();
        self.list_alert_rules(caller, None).await
    }

    /// Deletes a rule; its alerts end.
    ///
    /// # Errors
    /// 403 without `admin` or for a rule of the platform, 404.
    pub async fn delete_alert_rule(&self, caller: &Caller, id: &str) -> Result<(), ApiError> {
        caller.require(Scope::Admin)?;
        let rule = self.list_alert_rules(caller, None).await?.into_iter().find(|r| r.id == id).ok_or_else(|| ApiError::not_found("alert rule", id))?;
        may_change(caller, &rule)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        self.remove_rule(&mut tx, caller, &rule).await?;
        tx.commit().await.map_err(internal)?;
        self.inner.alerts.poke();
        Ok(())
    }

    /// The rule before and after a change, checked.
    fn written(&self, caller: &Caller, all: &[AlertRule], change: &RuleChange) -> Result<(Option<AlertRule>, AlertRule), ApiError> {
        let mut members = change.members.clone();
        let id = members.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let version = members.remove("version").filter(|v| !v.is_null());
        members.retain(|key, _| !["updated_at", "updated_by"].contains(&key.as_str()));
        let before = if id.is_empty() {
            None
        } else {
            let tenant = caller.reads(None)?;
            let known = all.iter().find(|r| r.id == id).filter(|r| self.sees_rule(caller, tenant.as_deref(), r));
            Some(known.cloned().ok_or_else(|| ApiError::not_found("alert rule", &id))?)
        };
        if let (Some(before), Some(version)) = (&before, &version)
            && version.as_i64() != Some(before.version)
        {
            return Err(ApiError::conflict(
                "version_conflict",
                format!("The rule {:?} has changed meanwhile: you worked on version {version}, it is at version {}.", before.name, before.version),
            ));
        }
        let mut merged = before.as_ref().and_then(|b| document(b).as_object().cloned()).unwrap_or_default();
        for (key, value) in members {
            if value.is_null() { drop(merged.remove(&key)) } else { drop(merged.insert(key, value)) }
        }
        let mut after: AlertRule = from_value::<AlertRule>(Value::Object(merged))?.normalised();
        match &before {
            None => {
                after.tenant_id = self.owner(caller, after.tenant_id.take())?;
                (after.id, after.version) = (Uuid::now_v7().to_string(), 1);
            }
            Some(before) if before.tenant_id != after.tenant_id => return Err(ApiError::invalid("/tenant_id", "read_only", "The tenant cannot change; make another rule there.")),
            Some(before) if definition(before) == definition(&after) => return Ok((Some(before.clone()), after)),
            Some(before) => {
                may_change(caller, before)?;
                after.version = before.version + 1;
            }
        }
        after.validate().into_result()?;
        if let RuleScope::Action(id) = &after.scope {
            self.visible_action(caller, id).map_err(|_| ApiError::invalid("/scope/action", "unknown_action", format!("There is no action {id:?}.")))?;
        }
        Ok((before, after))
    }

    async fn store_rule(&self, tx: &mut Tx, caller: &Caller, before: Option<&AlertRule>, after: &AlertRule) -> Result<(), ApiError> {
        let stored = AlertRule { updated_at: Timestamp::now(), updated_by: caller.actor.to_string(), ..after.clone() };
        if !alert_rules::put(tx, &stored).await.map_err(internal)? {
            return Err(ApiError::conflict("version_conflict", format!("The rule {:?} has changed meanwhile. Load it again and repeat your change.", after.name)));
        }
        let what = if before.is_some() { "alert_rule.update" } else { "alert_rule.create" };
        self.audit(tx, caller, what, ("alert_rule", &after.id), after.tenant_id.as_deref(), before.map(document), Some(document(&stored))).await
    }

    async fn remove_rule(&self, tx: &mut Tx, caller: &Caller, rule: &AlertRule) -> Result<(), ApiError> {
        alert_rules::delete(tx, &rule.id).await.map_err(internal)?;
        self.audit(tx, caller, "alert_rule.delete", ("alert_rule", &rule.id), rule.tenant_id.as_deref(), Some(document(rule)), None).await
    }

    /// The rules of a kind that are on; for what is never silent there is always one.
    pub(super) async fn rules_of(&self, kind: AlertKind) -> anyhow::Result<Vec<AlertRule>> {
        let all = alert_rules::all(self.db()).await?;
        Ok(all.into_iter().filter(|r| r.kind == kind && r.is_enabled).collect())
    }
}

fn may_change(caller: &Caller, rule: &AlertRule) -> Result<(), ApiError> {
    match &rule.tenant_id {
        Some(tenant) if !caller.sees(tenant) => Err(ApiError::not_found("alert rule", &rule.id)),
        None if !caller.is_platform => Err(ApiError::forbidden(format!("The rule {:?} is platform-wide; only a platform administrator changes it.", rule.name))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::Severity;

    #[test]
    fn what_the_product_fills_in_is_no_change() {
        let rule = AlertRule::new(AlertKind::ErrorRate, "A", 10.0, Severity::Warning);
        let stored = AlertRule { id: "r".into(), version: 3, updated_at: Timestamp(5), updated_by: "key:x".into(), ..rule.clone() };
        assert_eq!(definition(&rule), definition(&stored));
        assert_ne!(definition(&rule), definition(&AlertRule { threshold: 11.0, ..stored }));
    }

    #[test]
    fn faults_point_into_the_request() {
        let change = RuleChange { pointer: "/items/2".into(), members: Map::new() };
        let e = change.at(ApiError::invalid("/name", "empty", "name is needed."));
        assert_eq!(e.errors[0].pointer, "/items/2/name");
        assert_eq!(e.kind, crate::model::ErrorKind::Unprocessable);
    }
}
