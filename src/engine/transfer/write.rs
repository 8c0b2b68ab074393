//! Writing what was planned: each thing through the door that people use, audited and in effect at once.

use serde_json::{Map, Value};

use super::plan::{ActionTarget, Planned, Step, What, at};
use super::to_value;
use crate::engine::{Caller, Engine, RuleChange};
use crate::model::action::{Action, NewAction};
use crate::model::{ApiError, Timestamp};

impl Engine {
    /// Writes a plan in its order and returns how many things changed. What came before a refusal stays written.
    ///
    /// # Errors
    /// 403 for anybody but the platform; 409 for what changed since it was planned; with the entry's place.
    pub async fn apply(&self, caller: &Caller, plan: Vec<Planned>) -> Result<usize, ApiError> {
        caller.require_platform()?;
        let mut written = 0;
        for planned in plan.into_iter().filter(|p| p.what != What::Same) {
            let place = planned.place.clone();
            self.write_one(caller, planned).await.map_err(|e| at(&place, e))?;
            written += 1;
        }
        Ok(written)
    }

    async fn write_one(&self, caller: &Caller, planned: Planned) -> Result<(), ApiError> {
        match planned.step {
            Step::Template(new, None) => self.create_template(caller, new).await.map(drop),
            Step::Template(new, Some(item)) => self.update_template(caller, &item.id, members(&new), Some(item.version)).await.map(drop),
            Step::Function(new, None) => self.create_function(caller, new).await.map(drop),
            Step::Function(new, Some(item)) => self.update_function(caller, &item.id, members(&new), Some(item.version)).await.map(drop),
            Step::Action(definition, target) => self.write_action(caller, *definition, target).await,
            Step::Rule(members) => self.put_alert_rules(caller, vec![RuleChange { pointer: String::new(), members }], false).await.map(drop),
        }
    }

    async fn write_action(&self, caller: &Caller, definition: NewAction, target: ActionTarget) -> Result<(), ApiError> {
        let now = Timestamp::now();
        match target {
            ActionTarget::New(id) => {
                self.check_action_quota(definition.tenant_id.as_deref())?;
                let by = caller.actor.to_string();
                let action = Action { id, definition, version: 1, created_at: now, updated_at: now, created_by: by, deleted_at: None, health: None, stats: None };
                self.store_action(caller, "action.create", None, &action).await
            }
            ActionTarget::Stored(before) => {
                let what = if before.deleted_at.is_some() { "action.restore" } else { "action.update" };
                let after = Action { definition, version: before.version + 1, updated_at: now, deleted_at: None, ..(*before).clone() };
                self.store_action(caller, what, Some(&before), &after).await
            }
        }
    }
}

/// Every member, absent ones as null, so that what a document leaves out is cleared.
fn members<T: serde::Serialize>(definition: &T) -> Map<String, Value> {
    to_value(definition).as_object().cloned().unwrap_or_default()
}
