//! Making, changing and reading actions. Every change is a new version, audited, and in effect at once.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Caller, Engine, cursor, internal};
use crate::config::RESTORE_DAYS;
use crate::db::{actions, settings};
use crate::model::access::Scope;
use crate::model::action::{Action, ActionFilter, ActionVersion, NewAction, apply_update, diff};
use crate::model::event::pattern_matches;
use crate::model::health::HealthStatus;
use crate::model::page::{Page, PageRequest};
use crate::model::{ApiError, Timestamp};

impl Engine {
    /// Makes an action.
    ///
    /// # Errors
    /// 422 with every fault; 403 without `actions:write`.
    pub async fn create_action(&self, caller: &Caller, mut new: NewAction) -> Result<Action, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        new.tenant_id = self.owner(caller, new.tenant_id.take())?;
        self.check_action(caller, &new)?;
        self.check_action_quota(new.tenant_id.as_deref())?;
        let now = Timestamp::now();
        let action = Action {
            id: Uuid::now_v7().to_string(),
            definition: new,
            version: 1,
            created_at: now,
            updated_at: now,
            created_by: caller.actor.to_string(),
            deleted_at: None,
            health: None,
            stats: None,
        };
        self.store_action(caller, "action.create", None, &action).await?;
        Ok(action)
    }

    /// The tenant that a new thing belongs to: the caller's; a platform caller may name one, and none means platform-wide.
    pub(super) fn owner(&self, caller: &Caller, asked: Option<String>) -> Result<Option<String>, ApiError> {
        if caller.is_homeless() {
            return Err(Caller::homeless());
        }
        match (&caller.tenant_id, asked) {
            (Some(own), None) => Ok(Some(own.clone())),
            (Some(own), Some(asked)) if *own == asked => Ok(Some(asked)),
            (Some(_), Some(asked)) if !caller.is_platform => Err(ApiError::forbidden(format!("This credential is bound to another tenant than {asked:?}."))),
            (_, Some(asked)) if !self.tenant_exists(&asked) => Err(ApiError::invalid("/tenant_id", "unknown_tenant", format!("There is no tenant {asked:?}."))),
            (_, asked) => Ok(asked),
        }
    }

    /// One action with its health and numbers.
    ///
    /// # Errors
    /// 404 when there is none that the caller sees.
    pub async fn get_action(&self, caller: &Caller, id: &str) -> Result<Action, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let action = self.visible_action(caller, id)?;
        Ok(self.dressed((*action).clone()))
    }

    /// An action in the registry that the caller sees: its tenant's own, or a platform-wide one.
    pub(super) fn visible_action(&self, caller: &Caller, id: &str) -> Result<std::sync::Arc<Action>, ApiError> {
        let action = self.inner.matcher.get(id).ok_or_else(|| ApiError::not_found("action", id))?;
        match &action.definition.tenant_id {
            Some(tenant) if !caller.sees(tenant) => Err(ApiError::not_found("action", id)),
            _ => Ok(action),
        }
    }

    /// An action that the caller may change. Platform-wide actions are the platform's alone.
    pub(super) fn changeable(&self, caller: &Caller, action: &Action) -> Result<(), ApiError> {
        match &action.definition.tenant_id {
            Some(tenant) if !caller.sees(tenant) => Err(ApiError::not_found("action", &action.id)),
            None if !caller.is_platform => Err(ApiError::forbidden("This action is platform-wide; only a platform administrator changes it.")),
            _ => Ok(()),
        }
    }

    /// Adds health and the numbers of the last day.
    pub(super) fn dressed(&self, mut action: Action) -> Action {
        let board = self.inner.health.load();
        action.health = Some(board.health_of(&action));
        action.stats = Some(board.brief_of(&action.id));
        action
    }

    /// Actions that match the filter, latest first. Who looks at one tenant, a platform administrator too, is shown that tenant's
    /// and platform-wide ones; `tenant_id` in the filter asks for one tenant's own alone.
    ///
    /// # Errors
    /// 422 for a word that is no status.
    pub async fn list_actions(&self, caller: &Caller, filter: ActionFilter, page: PageRequest) -> Result<Page<Action>, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let limit = page.checked_limit()?;
        let after: Option<String> = cursor::decode(&page)?;
        if let Some(status) = &filter.status
            && !["active", "disabled", "degraded"].contains(&status.as_str())
        {
            return Err(ApiError::invalid("/status", "unknown_word", format!("status is {status:?}; it must be active, disabled or degraded.")));
        }
        let board = self.inner.health.load();
        let wanted = |action: &Action| {
            let seen = match (&action.definition.tenant_id, &filter.tenant_id) {
                (Some(own), Some(asked)) => own == asked && caller.sees(own),
                (Some(own), None) => caller.sees(own) && caller.tenant_id.as_ref().is_none_or(|current| own == current),
                (None, asked) => asked.is_none(),
            };
            seen && selects(&filter, action, || board.health_of(action).status)
        };
        let mut all: Vec<_> = self.inner.matcher.all().into_iter().filter(|a| wanted(a)).collect();
        all.sort_by(|a, b| b.id.cmp(&a.id));
        let total = all.len() as u64;
        let items: Vec<Action> = all.iter().filter(|a| after.as_ref().is_none_or(|id| a.id < *id)).take(limit as usize + 1).map(|a| (**a).clone()).collect();
        let mut page = cursor::page(items, limit, |a| a.id.clone()).map(|a| self.dressed(a));
        page.total = Some(total);
        Ok(page)
    }

    /// Changes any subset of the fields; null clears, absent keeps.
    ///
    /// # Errors
    /// 409 when `expected_version` is not the current one; 422 with every fault.
    pub async fn update_action(&self, caller: &Caller, id: &str, changes: Map<String, Value>, expected_version: Option<i64>) -> Result<Action, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        let before = self.visible_action(caller, id)?;
        self.changeable(caller, &before)?;
        let mut definition = apply_update(&before.definition, changes)?;
        if definition.tenant_id != before.definition.tenant_id {
            definition.tenant_id = self.owner(caller, definition.tenant_id.take())?;
        }
        self.check_action(caller, &definition)?;
        if let Some(expected) = expected_version
            && expected != before.version
        {
            return Err(version_conflict(expected, before.version));
        }
        let after = Action { definition, version: before.version + 1, updated_at: Timestamp::now(), ..(*before).clone() };
        self.store_action(caller, "action.update", Some(&before), &after).await?;
        Ok(self.dressed(after))
    }

    /// Switches an action on.
    ///
    /// # Errors
    /// 404, 403.
    pub async fn enable_action(&self, caller: &Caller, id: &str) -> Result<Action, ApiError> {
        self.switch(caller, id, true, "action.enable").await
    }

    /// Switches an action off; what already waits still runs.
    ///
    /// # Errors
    /// 404, 403.
    pub async fn disable_action(&self, caller: &Caller, id: &str) -> Result<Action, ApiError> {
        self.switch(caller, id, false, "action.disable").await
    }

    pub(super) async fn switch(&self, caller: &Caller, id: &str, on: bool, what: &str) -> Result<Action, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        let before = self.visible_action(caller, id)?;
        self.changeable(caller, &before)?;
        if before.definition.is_enabled == on {
            return Ok(self.dressed((*before).clone()));
        }
        let mut after = Action { version: before.version + 1, updated_at: Timestamp::now(), ..(*before).clone() };
        after.definition.is_enabled = on;
        self.store_action(caller, what, Some(&before), &after).await?;
        Ok(self.dressed(after))
    }

    /// Makes a disabled copy.
    ///
    /// # Errors
    /// 404, 403.
    pub async fn duplicate_action(&self, caller: &Caller, id: &str) -> Result<Action, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        let original = self.visible_action(caller, id)?;
        let mut copy = original.definition.clone();
        let base: String = copy.name.chars().take(193).collect();
        copy.name = format!("{base} (copy)");
        copy.is_enabled = false;
        if copy.tenant_id.is_none() && !caller.is_platform {
            copy.tenant_id.clone_from(&caller.tenant_id);
        }
        self.create_action(caller, copy).await
    }

    /// Deletes an action; restorable for 30 days.
    ///
    /// # Errors
    /// 404, 403.
    pub async fn delete_action(&self, caller: &Caller, id: &str) -> Result<(), ApiError> {
        caller.require(Scope::ActionsWrite)?;
        let before = self.visible_action(caller, id)?;
        self.changeable(caller, &before)?;
        let now = Timestamp::now();
        let after = Action { version: before.version + 1, updated_at: now, deleted_at: Some(now), ..(*before).clone() };
        self.store_action(caller, "action.delete", Some(&before), &after).await
    }

    /// Takes a deletion back, within 30 days.
    ///
    /// # Errors
    /// 404 when there is no deleted action of this id.
    pub async fn restore_action(&self, caller: &Caller, id: &str) -> Result<Action, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        let stored = actions::get(self.db(), id).await.map_err(internal)?;
        // One of a tenant that is deleted itself never comes back.
        let of_somebody = |a: &Action| a.definition.tenant_id.as_deref().is_none_or(|t| self.tenant_exists(t));
        let before = stored.filter(of_somebody).ok_or_else(|| ApiError::not_found("deleted action", id))?;
        self.changeable(caller, &before)?;
        let oldest = Timestamp::now().plus_ms(-i64::from(RESTORE_DAYS) * 86_400_000);
        match before.deleted_at {
            None => return Ok(self.dressed(before)),
            Some(at) if at < oldest => return Err(ApiError::not_found("deleted action", id)),
            Some(_) => {}
        }
        self.check_action_quota(before.definition.tenant_id.as_deref())?;
        let after = Action { version: before.version + 1, updated_at: Timestamp::now(), deleted_at: None, ..before.clone() };
        self.store_action(caller, "action.restore", Some(&before), &after).await?;
        Ok(self.dressed(after))
    }

    /// Every version with its diff against the one before, latest first.
    ///
    /// # Errors
    /// 404.
    pub async fn action_versions(&self, caller: &Caller, id: &str) -> Result<Vec<ActionVersion>, ApiError> {
        caller.require(Scope::ActionsRead)?;
        self.visible_action(caller, id)?;
        let rows = actions::versions(self.db(), id).await.map_err(internal)?;
        let document = |d: &NewAction| serde_json::to_value(d).unwrap_or_default();
        Ok(rows
            .iter()
            .enumerate()
            .map(|(i, row)| ActionVersion {
                version: row.version,
                diff: rows.get(i + 1).map_or_else(Vec::new, |older| diff(&document(&older.definition), &document(&row.definition))),
                definition: row.definition.clone(),
                author: row.author.clone(),
                created_at: row.created_at,
            })
            .collect())
    }

    /// Stores a new or changed action with version, audit entry and revision in one commit, then puts it into effect.
    pub(super) async fn store_action(&self, caller: &Caller, what: &str, before: Option<&Action>, after: &Action) -> Result<(), ApiError> {
        let mut tx = self.db().begin().await.map_err(internal)?;
        let revision = settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        let stored = actions::store(&mut tx, after, before.map(|b| b.version), &caller.actor.to_string(), revision).await.map_err(internal)?;
        if let (false, Some(before)) = (stored, before) {
            let current = actions::get(self.db(), &after.id).await.map_err(internal)?.map_or(0, |a| a.version);
            return Err(version_conflict(before.version, current));
        }
        let document = |a: &Action| json!({"version": a.version, "deleted": a.deleted_at.is_some(), "definition": a.definition});
        self.audit(&mut tx, caller, what, ("action", &after.id), after.definition.tenant_id.as_deref(), before.map(document), Some(document(after))).await?;
        tx.commit().await.map_err(internal)?;
        self.put_in_effect(after);
        Ok(())
    }
}

fn version_conflict(expected: i64, current: i64) -> ApiError {
    ApiError::conflict(
        "version_conflict",
        format!("The action has changed meanwhile: you worked on version {expected}, it is at version {current}. Load it again and repeat your change."),
    )
}

/// Whether an action passes the filters of a list.
fn selects(filter: &ActionFilter, action: &Action, health: impl FnOnce() -> HealthStatus) -> bool {
    let d = &action.definition;
    let search = filter.search.as_deref().map(str::to_lowercase);
    let by_status = match filter.status.as_deref() {
        Some("active") => d.is_enabled,
        Some("disabled") => !d.is_enabled,
        Some("degraded") => d.is_enabled && matches!(health(), HealthStatus::Degraded | HealthStatus::Critical),
        _ => true,
    };
    by_status
        && filter.handler_type.as_ref().is_none_or(|t| d.handler_type.as_str() == t)
        && filter.event_type.as_ref().is_none_or(|t| d.event_types.iter().any(|p| p == t || pattern_matches(p, t)))
        && filter.priority.is_none_or(|p| d.priority == p)
        && filter.execution_mode.is_none_or(|m| d.execution_mode == m)
        && filter.tag.as_ref().is_none_or(|t| d.tags.contains(t))
        && search.is_none_or(|s| d.name.to_lowercase().contains(&s) || d.description.to_lowercase().contains(&s) || action.id == s)
}
