//! API keys: made, shown once, rotated with overlap, revoked at once.

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::access::tokens;
use super::{Caller, Engine, cursor, internal};
use crate::db::{Tx, api_keys, settings};
use crate::model::access::{ApiKey, NewApiKey, Scope};
use crate::model::handler::from_value;
use crate::model::page::{Page, PageRequest};
use crate::model::{ApiError, Timestamp};

/// Keys in force of one tenant.
const MAX_KEYS: usize = 1_000;
/// How long a rotated key goes on when nobody says, in seconds.
const DEFAULT_OVERLAP_SECONDS: u32 = 86_400;
/// The longest overlap, in seconds.
const MAX_OVERLAP_SECONDS: u32 = 7 * 86_400;
/// The id of the key that the configuration names.
const BOOTSTRAP_ID: &str = "bootstrap";

/// When the old key of a rotation ends: after the overlap, but never later than it would have.
fn end_of_overlap(expires_at: Option<Timestamp>, now: Timestamp, overlap_seconds: u32) -> Timestamp {
    let end = now.plus_ms(i64::from(overlap_seconds) * 1000);
    expires_at.map_or(end, |t| t.min(end))
}

/// A key's fields with some changed; null clears, absent keeps. The tenant of a key never changes.
fn changed(before: &ApiKey, changes: Map<String, Value>, now: Timestamp) -> Result<NewApiKey, ApiError> {
    if changes.contains_key("tenant_id") {
        return Err(ApiError::invalid("/tenant_id", "read_only", "The tenant of a key cannot change; make another key."));
    }
    let mut document = Map::from_iter([("name".to_owned(), json!(before.name)), ("scopes".to_owned(), json!(before.scopes)), ("expires_at".to_owned(), json!(before.expires_at))]);
    let judges_expiry = changes.contains_key("expires_at");
    document.extend(changes);
    let new: NewApiKey = from_value(Value::Object(document))?;
    let mut faults = new.validate(now);
    if !judges_expiry {
        faults.0.retain(|f| f.pointer != "/expires_at");
    }
    faults.into_result()?;
    Ok(new)
}

impl Engine {
    /// Makes a key. The answer alone carries it, as `key`.
    ///
    /// # Errors
    /// 403 without `admin` or for another tenant, 409 when the tenant has its most, 422 with every fault.
    pub async fn create_api_key(&self, caller: &Caller, new: NewApiKey) -> Result<ApiKey, ApiError> {
        caller.require(Scope::Admin)?;
        let now = Timestamp::now();
        new.validate(now).into_result()?;
        let tenant_id = self.owner(caller, new.tenant_id)?;
        if tenant_id.is_none() {
            caller.require_platform()?;
        }
        if self.access().count_keys(tenant_id.as_deref()) >= MAX_KEYS {
            return Err(ApiError::conflict("too_many_keys", format!("There are {MAX_KEYS} keys in force; revoke some first.")));
        }
        let secret = tokens::api_key()?;
        let mut scopes = new.scopes;
        scopes.sort_unstable();
        scopes.dedup();
        let key = ApiKey {
            id: Uuid::now_v7().to_string(),
            name: new.name.trim().to_owned(),
            prefix: tokens::shown_part(&secret),
            scopes,
            tenant_id,
            created_at: now,
            created_by: caller.actor.to_string(),
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
            key: None,
        };
        let mut tx = self.db().begin().await.map_err(internal)?;
        self.store_key(&mut tx, caller, "api_key.create", None, (&key, &tokens::digest(&secret))).await?;
        tx.commit().await.map_err(internal)?;
        self.rights_changed().await;
        Ok(ApiKey { key: Some(secret), ..key })
    }

    /// Stores a new or changed key with revision and audit entry.
    async fn store_key(&self, tx: &mut Tx, caller: &Caller, what: &str, before: Option<&ApiKey>, after: (&ApiKey, &str)) -> Result<(), ApiError> {
        settings::bump(tx, settings::REVISION_KEY).await.map_err(internal)?;
        let (key, digest) = after;
        api_keys::store(tx, key, digest).await.map_err(internal)?;
        self.audit(tx, caller, what, ("api_key", &key.id), key.tenant_id.as_deref(), before.map(|k| json!(k)), Some(json!(key))).await
    }

    /// A key of the caller's tenant, or for the platform any, with its digest.
    async fn changeable_key(&self, tx: &mut Tx, caller: &Caller, id: &str) -> Result<(String, ApiKey), ApiError> {
        let found = api_keys::get_in(tx, id).await.map_err(internal)?;
        found.filter(|(_, key)| caller.owns(key.tenant_id.as_deref())).ok_or_else(|| ApiError::not_found("API key", id))
    }

    /// Keys, latest first, revoked ones included.
    ///
    /// # Errors
    /// 403 without `admin`.
    pub async fn list_api_keys(&self, caller: &Caller, page: PageRequest) -> Result<Page<ApiKey>, ApiError> {
        caller.require(Scope::Admin)?;
        let tenant = caller.reads(None)?;
        let limit = page.checked_limit()?;
        let after: Option<String> = cursor::decode(&page)?;
        let found = api_keys::list(self.db(), tenant.as_deref(), after.as_deref(), limit + 1).await.map_err(internal)?;
        Ok(cursor::page(found, limit, |k| k.id.clone()))
    }

    /// One key, without the key itself.
    ///
    /// # Errors
    /// 403 without `admin`, 404 when there is none that the caller sees.
    pub async fn get_api_key(&self, caller: &Caller, id: &str) -> Result<ApiKey, ApiError> {
        caller.require(Scope::Admin)?;
        let found = api_keys::get(self.db(), id).await.map_err(internal)?;
        found.filter(|key| caller.owns(key.tenant_id.as_deref())).ok_or_else(|| ApiError::not_found("API key", id))
    }

    /// Changes name, scopes or expiry; null clears, absent keeps.
    ///
    /// # Errors
    /// 403 without `admin`, 404, 409 for a revoked key, 422 with every fault.
    pub async fn update_api_key(&self, caller: &Caller, id: &str, changes: Map<String, Value>) -> Result<ApiKey, ApiError> {
        caller.require(Scope::Admin)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        let (digest, before) = self.changeable_key(&mut tx, caller, id).await?;
        if before.revoked_at.is_some() {
            return Err(revoked());
        }
        let new = changed(&before, changes, Timestamp::now())?;
        let after = ApiKey { name: new.name.trim().to_owned(), scopes: new.scopes, expires_at: new.expires_at, ..before.clone() };
        self.store_key(&mut tx, caller, "api_key.update", Some(&before), (&after, &digest)).await?;
        tx.commit().await.map_err(internal)?;
        self.rights_changed().await;
        Ok(after)
    }

    /// Makes a new key with the same rights; the old one goes on for `overlap_seconds` (a day when absent, at most a week).
    ///
    /// # Errors
    /// 403 without `admin`, 404, 409 for a revoked or expired key, 422 for too long an overlap.
    pub async fn rotate_api_key(&self, caller: &Caller, id: &str, overlap_seconds: Option<u32>) -> Result<ApiKey, ApiError> {
        caller.require(Scope::Admin)?;
        let overlap = overlap_seconds.unwrap_or(DEFAULT_OVERLAP_SECONDS);
        if overlap > MAX_OVERLAP_SECONDS {
            return Err(ApiError::invalid("/overlap_seconds", "out_of_range", format!("overlap_seconds is {overlap}; it must be 0 to {MAX_OVERLAP_SECONDS}.")));
        }
        if id == BOOTSTRAP_ID {
            return Err(ApiError::conflict("configured_key", "This key comes from EVENT_ACTIONS_BOOTSTRAP_API_KEY; change it there."));
        }
        let now = Timestamp::now();
        let secret = tokens::api_key()?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        let (digest, before) = self.changeable_key(&mut tx, caller, id).await?;
        if before.revoked_at.is_some() || before.expires_at.is_some_and(|t| t <= now) {
            return Err(revoked());
        }
        let old = ApiKey { expires_at: Some(end_of_overlap(before.expires_at, now, overlap)), ..before.clone() };
        let new = ApiKey {
            id: Uuid::now_v7().to_string(),
            prefix: tokens::shown_part(&secret),
            created_at: now,
            created_by: caller.actor.to_string(),
            last_used_at: None,
            ..before.clone()
        };
        self.store_key(&mut tx, caller, "api_key.rotate", Some(&before), (&old, &digest)).await?;
        self.store_key(&mut tx, caller, "api_key.create", None, (&new, &tokens::digest(&secret))).await?;
        tx.commit().await.map_err(internal)?;
        self.rights_changed().await;
        Ok(ApiKey { key: Some(secret), ..new })
    }

    /// Puts a key out of effect: here at once, on other nodes with their next look at the registry.
    ///
    /// # Errors
    /// 403 without `admin`, 404.
    pub async fn revoke_api_key(&self, caller: &Caller, id: &str) -> Result<ApiKey, ApiError> {
        caller.require(Scope::Admin)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        let (digest, before) = self.changeable_key(&mut tx, caller, id).await?;
        if before.revoked_at.is_some() {
            return Ok(before);
        }
        let after = ApiKey { revoked_at: Some(Timestamp::now()), ..before.clone() };
        self.store_key(&mut tx, caller, "api_key.revoke", Some(&before), (&after, &digest)).await?;
        tx.commit().await.map_err(internal)?;
        self.access().forget_key(id);
        self.rights_changed().await;
        Ok(after)
    }

    /// Stores the configured key hashed, when it is new or changed. One that was revoked stays so until it changes.
    pub(super) async fn store_bootstrap_key(&self) -> anyhow::Result<()> {
        let Some(secret) = self.config().bootstrap_api_key.as_ref() else { return Ok(()) };
        let digest = tokens::digest(secret.expose_secret());
        let mut tx = self.db().begin().await?;
        let before = api_keys::get_in(&mut tx, BOOTSTRAP_ID).await?;
        if before.as_ref().is_some_and(|(stored, _)| *stored == digest) {
            return Ok(());
        }
        let now = Timestamp::now();
        let caller = Caller::system("config");
        let key = ApiKey {
            id: BOOTSTRAP_ID.to_owned(),
            name: BOOTSTRAP_ID.to_owned(),
            prefix: "(configured)".to_owned(),
            scopes: Scope::ALL.to_vec(),
            tenant_id: None,
            created_at: now,
            created_by: caller.actor.to_string(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            key: None,
        };
        self.store_key(&mut tx, &caller, "api_key.configure", before.as_ref().map(|(_, k)| k), (&key, &digest)).await?;
        Ok(tx.commit().await?)
    }
}

fn revoked() -> ApiError {
    ApiError::conflict("key_not_in_force", "This key is revoked or expired; make a new one.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_never_prolongs_a_key() {
        for (expires_at, overlap, end) in [(None, 10, 11_000), (Some(5_000), 10, 5_000), (Some(50_000), 10, 11_000), (None, 0, 1_000)] {
            assert_eq!(end_of_overlap(expires_at.map(Timestamp), Timestamp(1_000), overlap), Timestamp(end));
        }
    }

    #[test]
    fn changes_of_a_key() {
        let before = ApiKey {
            id: "k".into(),
            name: "old".into(),
            prefix: "ea_".into(),
            scopes: vec![Scope::EventsWrite],
            tenant_id: None,
            created_at: Timestamp(0),
            created_by: String::new(),
            expires_at: Some(Timestamp(5)),
            last_used_at: None,
            revoked_at: None,
            key: None,
        };
        for (changes, fine) in [
            (json!({"name": "new"}), true),
            (json!({"scopes": ["admin"], "expires_at": null}), true),
            (json!({"scopes": []}), false),
            (json!({"expires_at": "1970-01-01T00:00:00Z"}), false),
            (json!({"tenant_id": "a"}), false),
            (json!({"key": "mine"}), false),
            (json!({"scopes": ["root"]}), false),
        ] {
            let result = changed(&before, changes.as_object().cloned().unwrap_or_default(), Timestamp(10));
            assert_eq!(result.is_ok(), fine, "{changes}");
        }
    }
}
