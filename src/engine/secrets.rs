//! Secrets: sealed in the database, open in memory alone, never given back.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tracing::{error, info};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Caller, Engine, cursor, internal};
use crate::config::Config;
use crate::db::secrets::{self, Sealed};
use crate::db::{Tx, settings};
use crate::model::access::Scope;
use crate::model::page::{Page, PageRequest};
use crate::model::secret::{NewSecret, Secret, secret_value_fault};
use crate::model::{ApiError, Timestamp};

mod keyring;

use keyring::{Keyring, MasterKey};

/// Secrets of one tenant.
const MAX_SECRETS: i64 = 1_000;

/// An open value.
#[derive(Clone)]
struct Opened {
    id: String,
    version: i64,
    value: Arc<Zeroizing<String>>,
}

/// Open values by tenant (empty for the platform) and name.
type Values = HashMap<String, HashMap<String, Opened>>;

/// What the engine remembers about secrets.
#[derive(Default)]
pub struct SecretsState {
    keyring: ArcSwap<Keyring>,
    values: ArcSwap<Values>,
    /// The count of writes that `values` is from. Held while loading, so that no older reading overwrites a newer one.
    loaded: tokio::sync::Mutex<Option<String>>,
}

/// Whether a master key is at hand: in the configuration or in the data folder.
pub(super) fn has_key(config: &Config, id: &str) -> bool {
    Keyring::load(config.master_key.as_ref().map(|k| k.expose_secret()), &config.data_dir).is_ok_and(|ring| ring.find(id).is_some())
}

/// What the audit log keeps of a secret.
fn document(secret: &Secret) -> Value {
    json!({"name": secret.name, "version": secret.version})
}

impl Engine {
    /// Finds the master key, or makes the first one, and checks that it is the database's.
    pub(super) async fn start_secrets(&self) -> anyhow::Result<()> {
        let recorded = settings::get(self.db(), secrets::KEY_ID_KEY).await?;
        let mut ring = self.load_keyring()?;
        if ring.wanted().is_none() {
            if recorded.is_some() {
                bail!("the master key of this database is missing: put master.key back into the data folder, or set EVENT_ACTIONS_MASTER_KEY");
            }
            if self.db().is_shared() {
                bail!("EVENT_ACTIONS_MASTER_KEY must be set with PostgreSQL");
            }
            let key = MasterKey::generate()?;
            keyring::write_first(&self.config().data_dir, &key)?;
            info!(key_id = key.id, "a master key was made in the data folder; keep a copy of it");
            ring = self.load_keyring()?;
        }
        let wanted = ring.wanted().map(|k| k.id.clone()).context("there is no master key")?;
        let mut tx = self.db().begin().await?;
        let in_force = secrets::claim_key_id(&mut tx, &wanted).await?;
        tx.commit().await?;
        if ring.find(&in_force).is_none() {
            bail!("the master key {wanted} is not the one of this database, {in_force}; set EVENT_ACTIONS_MASTER_KEY to the right one");
        }
        keyring::settle(&self.config().data_dir, &in_force)?;
        self.secrets_state().keyring.store(Arc::new(ring));
        Ok(())
    }

    /// Takes the master keys that are at hand, makes none and claims nothing: what a command needs beside a running service.
    pub(super) fn find_keyring(&self) {
        match self.load_keyring() {
            Ok(ring) => self.secrets_state().keyring.store(Arc::new(ring)),
            Err(e) => error!(error = format!("{e:#}"), "the master keys cannot be read"),
        }
    }

    fn load_keyring(&self) -> anyhow::Result<Keyring> {
        let config = self.config();
        Keyring::load(config.master_key.as_ref().map(|k| k.expose_secret()), &config.data_dir)
    }

    /// A key by its id; looks into the data folder again when it is new.
    fn key(&self, id: &str) -> Option<Arc<MasterKey>> {
        let state = self.secrets_state();
        state.keyring.load().find(id).or_else(|| {
            let ring = self.load_keyring().inspect_err(|e| error!(error = format!("{e:#}"), "the master keys cannot be read")).ok()?;
            let found = ring.find(id);
            if found.is_some() {
                state.keyring.store(Arc::new(ring));
            }
            found
        })
    }

    /// Opens what changed since the last time; values of the same version stay, even while keys are being exchanged.
    pub(super) async fn reload_secrets(&self) -> anyhow::Result<()> {
        let state = self.secrets_state();
        let mut loaded = state.loaded.lock().await;
        let writes = Some(settings::get(self.db(), secrets::WRITES_KEY).await?.unwrap_or_default());
        if *loaded == writes {
            return Ok(());
        }
        let before = state.values.load_full();
        let mut values = Values::new();
        let mut lost = Vec::new();
        for Sealed { secret, key_id, sealed } in secrets::all(self.db()).await? {
            let tenant = secret.tenant_id.clone().unwrap_or_default();
            let kept = before.get(&tenant).and_then(|names| names.get(&secret.name)).filter(|o| o.id == secret.id && o.version == secret.version);
            let opened = match kept {
                Some(opened) => Some(opened.clone()),
                None => self.key(&key_id).and_then(|key| key.open(&secret, &sealed)).map(|value| Opened { id: secret.id.clone(), version: secret.version, value: Arc::new(value) }),
            };
            match opened {
                Some(opened) => drop(values.entry(tenant).or_default().insert(secret.name, opened)),
                None => lost.push(secret.id),
            }
        }
        if !lost.is_empty() {
            error!(secrets = lost.join(","), "secrets cannot be opened: the rows were changed by hand, or a master key is missing");
        }
        state.values.store(Arc::new(values));
        *loaded = writes;
        Ok(())
    }

    /// The value of a secret for an action of `tenant`: its own alone, and platform-wide ones for platform-wide actions alone.
    pub(super) fn resolve_secret(&self, tenant: Option<&str>, name: &str) -> Option<String> {
        let values = self.secrets_state().values.load();
        values.get(tenant.unwrap_or_default())?.get(name).map(|opened| opened.value.to_string())
    }

    /// Locks out other writers and finds the key in force.
    async fn sealing_key(&self, tx: &mut Tx) -> Result<Arc<MasterKey>, ApiError> {
        settings::bump(tx, settings::REVISION_KEY).await.map_err(internal)?;
        let in_force = secrets::lock(tx).await.map_err(internal)?.unwrap_or_default();
        self.key(&in_force).ok_or_else(|| {
            error!(key_id = in_force, "the master key in force is not on this node");
            ApiError::unavailable("master_key_missing", "The master key was changed and this node does not have the new one yet.", 30)
        })
    }

    /// Stores a secret. Its value is never shown again.
    ///
    /// # Errors
    /// 403 without `admin` or for another tenant, 409 for a taken name, 422 with every fault.
    pub async fn create_secret(&self, caller: &Caller, new: NewSecret) -> Result<Secret, ApiError> {
        caller.require(Scope::Admin)?;
        new.validate().into_result()?;
        let tenant_id = self.owner(caller, new.tenant_id)?;
        if tenant_id.is_none() {
            caller.require_platform()?;
        }
        let value = Zeroizing::new(new.value);
        let now = Timestamp::now();
        let by = caller.actor.to_string();
        let (id, name) = (Uuid::now_v7().to_string(), new.name);
        let secret = Secret { id, name, tenant_id, version: 1, created_at: now, created_by: by.clone(), updated_at: now, updated_by: by, used_by: None };
        let mut tx = self.db().begin().await.map_err(internal)?;
        let key = self.sealing_key(&mut tx).await?;
        if secrets::count(&mut tx, secret.tenant_id.as_deref()).await.map_err(internal)? >= MAX_SECRETS {
            return Err(ApiError::conflict("too_many_secrets", format!("There are {MAX_SECRETS} secrets already; delete some first.")));
        }
        let sealed = Sealed { key_id: key.id.clone(), sealed: key.seal(&secret, &value)?, secret };
        if !secrets::insert(&mut tx, &sealed).await.map_err(internal)? {
            return Err(ApiError::conflict("secret_exists", format!("There is a secret {:?} already; give it a new value instead.", sealed.secret.name)));
        }
        let secret = sealed.secret;
        self.audit(&mut tx, caller, "secret.create", ("secret", &secret.id), secret.tenant_id.as_deref(), None, Some(document(&secret))).await?;
        tx.commit().await.map_err(internal)?;
        self.rights_changed().await;
        Ok(secret)
    }

    /// A secret of the caller's by its id or name; the platform's names mean the tenant it looks at.
    async fn find_secret(&self, caller: &Caller, id_or_name: &str) -> Result<Secret, ApiError> {
        let found = secrets::find(self.db(), id_or_name).await.map_err(internal)?;
        let is_meant = |s: &&Secret| caller.owns(s.tenant_id.as_deref()) && (s.id == id_or_name || s.tenant_id == caller.tenant_id);
        found.iter().find(is_meant).cloned().ok_or_else(|| ApiError::not_found("secret", id_or_name))
    }

    /// Gives a secret a new value, in effect for the next rendering.
    ///
    /// # Errors
    /// 403 without `admin`, 404, 422 for an empty or too long value.
    pub async fn update_secret(&self, caller: &Caller, id_or_name: &str, value: String) -> Result<Secret, ApiError> {
        caller.require(Scope::Admin)?;
        let value = Zeroizing::new(value);
        if let Some(why) = secret_value_fault(&value) {
            return Err(ApiError::invalid("/value", "bad_length", why));
        }
        let id = self.find_secret(caller, id_or_name).await?.id;
        let mut tx = self.db().begin().await.map_err(internal)?;
        let key = self.sealing_key(&mut tx).await?;
        let before = secrets::get_in(&mut tx, &id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("secret", id_or_name))?.secret;
        let secret = Secret { version: before.version + 1, updated_at: Timestamp::now(), updated_by: caller.actor.to_string(), ..before.clone() };
        let sealed = Sealed { key_id: key.id.clone(), sealed: key.seal(&secret, &value)?, secret };
        secrets::update(&mut tx, &sealed).await.map_err(internal)?;
        let secret = sealed.secret;
        self.audit(&mut tx, caller, "secret.update", ("secret", &id), secret.tenant_id.as_deref(), Some(document(&before)), Some(document(&secret))).await?;
        tx.commit().await.map_err(internal)?;
        self.rights_changed().await;
        Ok(secret)
    }

    /// Deletes a secret; what names it fails to render from then on.
    ///
    /// # Errors
    /// 403 without `admin`, 404.
    pub async fn delete_secret(&self, caller: &Caller, id_or_name: &str) -> Result<(), ApiError> {
        caller.require(Scope::Admin)?;
        let secret = self.find_secret(caller, id_or_name).await?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        self.sealing_key(&mut tx).await?;
        secrets::delete(&mut tx, &secret.id).await.map_err(internal)?;
        self.audit(&mut tx, caller, "secret.delete", ("secret", &secret.id), secret.tenant_id.as_deref(), Some(document(&secret)), None).await?;
        tx.commit().await.map_err(internal)?;
        self.rights_changed().await;
        Ok(())
    }

    /// Secrets without their values, latest first.
    ///
    /// # Errors
    /// 403 without `admin`.
    pub async fn list_secrets(&self, caller: &Caller, page: PageRequest) -> Result<Page<Secret>, ApiError> {
        caller.require(Scope::Admin)?;
        let tenant = caller.reads(None)?;
        let limit = page.checked_limit()?;
        let after: Option<String> = cursor::decode(&page)?;
        let found = secrets::list(self.db(), tenant.as_deref(), after.as_deref(), limit + 1).await.map_err(internal)?;
        Ok(cursor::page(found, limit, |s| s.id.clone()))
    }

    /// One secret without its value, and what names it.
    ///
    /// # Errors
    /// 403 without `admin`, 404.
    pub async fn get_secret(&self, caller: &Caller, id_or_name: &str) -> Result<Secret, ApiError> {
        caller.require(Scope::Admin)?;
        let secret = self.find_secret(caller, id_or_name).await?;
        Ok(Secret { used_by: Some(self.secret_used_by(&secret)), ..secret })
    }

    /// Seals every secret with a new master key while everything goes on, and returns its id and how many there were. The
    /// key is the first of `EVENT_ACTIONS_MASTER_KEY`, which must name the new and the old one, else a new one in the data
    /// folder.
    ///
    /// # Errors
    /// 403 for anybody but the platform, 409 when the configuration names no new key.
    pub async fn rotate_key(&self, caller: &Caller) -> Result<(String, usize), ApiError> {
        caller.require_platform()?;
        if settings::get(self.db(), secrets::KEY_ID_KEY).await.map_err(internal)?.is_none() {
            return Err(ApiError::conflict("no_key", "No service has started on this database yet, so there is no master key to exchange."));
        }
        let mut tx = self.db().begin().await.map_err(internal)?;
        let old = self.sealing_key(&mut tx).await?;
        // An exchange that was cut off behind its commit leaves the key in force where the next one is about to be put.
        keyring::settle(&self.config().data_dir, &old.id).map_err(internal)?;
        let new = self.next_key(&old)?;
        let all = secrets::all_in(&mut tx).await.map_err(internal)?;
        let count = all.len();
        for Sealed { secret, key_id, sealed } in all {
            let value = self.key(&key_id).and_then(|key| key.open(&secret, &sealed));
            let Some(value) = value else {
                return Err(ApiError::conflict("secret_unreadable", format!("The secret {} cannot be opened; give it a new value or delete it, then try again.", secret.id)));
            };
            let sealed = Sealed { key_id: new.id.clone(), sealed: new.seal(&secret, &value)?, secret };
            secrets::update(&mut tx, &sealed).await.map_err(internal)?;
        }
        settings::put_in(&mut tx, secrets::KEY_ID_KEY, &new.id).await.map_err(internal)?;
        let change = |key: &MasterKey| Some(json!({"key_id": key.id, "secrets": count}));
        self.audit(&mut tx, caller, "secret.rotate_key", ("master_key", &new.id), None, change(&old), change(&new)).await?;
        tx.commit().await.map_err(internal)?;
        keyring::settle(&self.config().data_dir, &new.id).map_err(internal)?;
        let ring = self.load_keyring().map_err(internal)?;
        self.secrets_state().keyring.store(Arc::new(ring));
        info!(key_id = new.id, secrets = count, "secrets are sealed with a new master key");
        Ok((new.id.clone(), count))
    }

    /// The key that replaces `old`. Writers are locked out, so nobody else makes one now.
    fn next_key(&self, old: &MasterKey) -> Result<Arc<MasterKey>, ApiError> {
        let ring = self.load_keyring().map_err(internal)?;
        if ring.is_configured {
            let new = ring.wanted().filter(|key| key.id != old.id).cloned();
            return new.ok_or_else(|| ApiError::conflict("no_new_key", "Set EVENT_ACTIONS_MASTER_KEY to the new key, a comma and the old one on every node first."));
        }
        let key = MasterKey::generate()?;
        keyring::write_next(&self.config().data_dir, &key).map_err(internal)?;
        Ok(Arc::new(key))
    }
}
