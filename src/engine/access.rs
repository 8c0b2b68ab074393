//! Keys and quotas in memory, so that taking an event asks the database nothing about rights.
//!
//! A change counts at once on the node that makes it, and within the registry's poll on the others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use tracing::warn;

use super::maintainer::retention::retentions;
use super::{Actor, Caller, Engine};
use crate::db::{api_keys, invitations, sessions, tenants, throttle};
use crate::model::access::{ApiKey, Scope};
use crate::model::quotas::Quotas;
use crate::model::{ApiError, Timestamp};

pub(super) mod tokens;

/// Passwords that are hashed at a time on one node; each takes 19 MiB.
const HASHING: usize = 2;
/// How long expired invitations stay, in milliseconds.
const KEEP_INVITATIONS_MS: i64 = 30 * 86_400_000;
/// How long failed sign-ins are remembered, in milliseconds.
const KEEP_THROTTLE_MS: i64 = 86_400_000;

/// A key as the door needs it.
struct KnownKey {
    id: String,
    name: String,
    scopes: Vec<Scope>,
    tenant_id: Option<String>,
    expires_at: Option<Timestamp>,
    /// The minute of its last use that is noted already.
    noted_minute: AtomicI64,
}

/// What the engine remembers about rights between requests.
pub struct AccessState {
    /// By the digest of the key.
    keys: ArcSwap<HashMap<String, Arc<KnownKey>>>,
    quotas: ArcSwap<HashMap<String, Quotas>>,
    /// Held from reading the database until the result is in effect, so that no older reading overwrites a newer one.
    reloading: tokio::sync::Mutex<()>,
    used_keys: Mutex<HashMap<String, i64>>,
    seen_sessions: Mutex<HashMap<String, i64>>,
    /// Set once there is a platform administrator; there is always one from then on.
    pub(super) administered: AtomicBool,
    pub(super) hashing: Arc<Semaphore>,
}

impl Default for AccessState {
    fn default() -> Self {
        Self {
            keys: ArcSwap::default(),
            quotas: ArcSwap::default(),
            reloading: tokio::sync::Mutex::new(()),
            used_keys: Mutex::default(),
            seen_sessions: Mutex::default(),
            administered: AtomicBool::new(false),
            hashing: Arc::new(Semaphore::new(HASHING)),
        }
    }
}

impl AccessState {
    /// Notes that a session was used; written in the background.
    pub(super) fn session_seen(&self, id: &str, now: Timestamp) {
        self.seen_sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), now.0);
    }

    /// Puts a key out of effect on this node at once, before anything is loaded.
    pub(super) fn forget_key(&self, id: &str) {
        self.keys.rcu(|keys| {
            let mut keys = HashMap::clone(keys);
            keys.retain(|_, key| key.id != id);
            keys
        });
    }

    /// How many keys of a tenant (or of the platform) are in force.
    pub(super) fn count_keys(&self, tenant: Option<&str>) -> usize {
        self.keys.load().values().filter(|k| k.tenant_id.as_deref() == tenant).count()
    }

    /// For how many days whose events and executions are kept; see [`retentions`].
    pub(super) fn retentions(&self, default: u32) -> Vec<(Option<String>, u32)> {
        retentions(&self.quotas.load(), default)
    }

    fn key_used(&self, key: &KnownKey, now: Timestamp) {
        let minute = now.0 / 60_000;
        if key.noted_minute.fetch_max(minute, Ordering::Relaxed) < minute {
            self.used_keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key.id.clone(), minute * 60_000);
        }
    }
}

/// Takes what was noted, to be written.
fn drain(noted: &Mutex<HashMap<String, i64>>) -> Vec<(String, i64)> {
    std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
}

/// Notes again what could not be written.
fn put_back(noted: &Mutex<HashMap<String, i64>>, entries: Vec<(String, i64)>) {
    let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
    for (id, at) in entries {
        let entry = noted.entry(id).or_insert(at);
        *entry = at.max(*entry);
    }
}

/// Why a key is refused at `now`, if it is.
fn refusal(expires_at: Option<Timestamp>, now: Timestamp) -> Option<ApiError> {
    expires_at.filter(|t| *t <= now).map(|t| ApiError::unauthorized(format!("This API key expired at {t}.")))
}

impl Engine {
    /// Makes the configured administrator and the bootstrap key, then loads keys and quotas.
    pub(super) async fn start_access(&self) -> anyhow::Result<()> {
        self.make_configured_administrator().await?;
        self.store_bootstrap_key().await?;
        self.reload_access().await
    }

    /// Loads keys, quotas and secrets anew; called at start, after local changes and when another node changed something.
    pub(super) async fn reload_access(&self) -> anyhow::Result<()> {
        self.reload_keys().await?;
        self.reload_secrets().await
    }

    /// Puts a change that is committed into effect here. Should the database be away, the registry's poll does it later.
    pub(super) async fn rights_changed(&self) {
        if let Err(e) = self.reload_access().await {
            warn!(error = format!("{e:#}"), "a change of keys or secrets is stored but not in effect on this node yet");
        }
    }

    async fn reload_keys(&self) -> anyhow::Result<()> {
        let state = self.access();
        let _one_at_a_time = state.reloading.lock().await;
        let keys = api_keys::in_force(self.db()).await?;
        let tenants = tenants::all(self.db()).await?;
        let known = |key: ApiKey| KnownKey {
            noted_minute: AtomicI64::new(key.last_used_at.map_or(0, |t| t.0 / 60_000)),
            id: key.id,
            name: key.name,
            scopes: key.scopes,
            tenant_id: key.tenant_id,
            expires_at: key.expires_at,
        };
        state.keys.store(Arc::new(keys.into_iter().map(|(digest, key)| (digest, Arc::new(known(key)))).collect()));
        state.quotas.store(Arc::new(tenants.into_iter().map(|t| (t.id, Quotas::read(&t.settings).0)).collect()));
        Ok(())
    }

    /// The caller that an API key stands for. Asks memory alone.
    ///
    /// # Errors
    /// 401 when the key is unknown, expired or revoked.
    pub async fn authenticate_key(&self, key: &str, address: Option<IpAddr>) -> Result<Caller, ApiError> {
        let state = self.access();
        let now = Timestamp::now();
        let known = state.keys.load().get(&tokens::digest(key)).cloned();
        let known = known.ok_or_else(|| ApiError::unauthorized("This API key is unknown or revoked."))?;
        if let Some(why) = refusal(known.expires_at, now) {
            return Err(why);
        }
        state.key_used(&known, now);
        Ok(Caller {
            tenant_id: known.tenant_id.clone(),
            actor: Actor::ApiKey { id: known.id.clone(), name: known.name.clone() },
            scopes: known.scopes.clone(),
            is_platform: known.tenant_id.is_none(),
            address,
            request_id: None,
        })
    }

    /// What a tenant may use; no limits for one that is unknown.
    pub(super) fn quotas(&self, tenant: &str) -> Quotas {
        self.access().quotas.load().get(tenant).cloned().unwrap_or_default()
    }

    /// Writes when keys and sessions were last used. A chore of every half minute.
    pub(super) async fn flush_usage(&self) -> anyhow::Result<()> {
        let state = self.access();
        let (keys, seen) = (drain(&state.used_keys), drain(&state.seen_sessions));
        if keys.is_empty() && seen.is_empty() {
            return Ok(());
        }
        let written = self.write_usage(&keys, &seen).await;
        if written.is_err() {
            put_back(&state.used_keys, keys);
            put_back(&state.seen_sessions, seen);
        }
        Ok(written?)
    }

    async fn write_usage(&self, keys: &[(String, i64)], seen: &[(String, i64)]) -> sqlx::Result<()> {
        let mut tx = self.db().begin().await?;
        api_keys::used(&mut tx, keys).await?;
        sessions::seen(&mut tx, seen).await?;
        tx.commit().await
    }

    /// Deletes ended sessions, old invitations and forgotten failures. A chore of every hour.
    pub(super) async fn prune_access(&self) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let mut tx = self.db().begin().await?;
        sessions::prune(&mut tx, now, now.plus_ms(-super::sessions::IDLE_MS)).await?;
        invitations::prune(&mut tx, now.plus_ms(-KEEP_INVITATIONS_MS)).await?;
        throttle::prune(&mut tx, now.plus_ms(-KEEP_THROTTLE_MS)).await?;
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_counts_from_its_instant() {
        for (expires_at, now, refused) in [(None, 10, false), (Some(11), 10, false), (Some(10), 10, true), (Some(9), 10, true)] {
            assert_eq!(refusal(expires_at.map(Timestamp), Timestamp(now)).is_some(), refused, "{expires_at:?} {now}");
        }
    }

    #[test]
    fn use_is_noted_once_a_minute_and_never_lost() {
        let state = AccessState::default();
        let key = KnownKey { id: "k".into(), name: "k".into(), scopes: vec![], tenant_id: None, expires_at: None, noted_minute: AtomicI64::new(0) };
        state.key_used(&key, Timestamp(60_001));
        let noted = drain(&state.used_keys);
        assert_eq!(noted, vec![("k".to_owned(), 60_000)]);
        state.key_used(&key, Timestamp(119_999));
        assert!(drain(&state.used_keys).is_empty());
        state.key_used(&key, Timestamp(120_000));
        put_back(&state.used_keys, noted);
        assert_eq!(drain(&state.used_keys), vec![("k".to_owned(), 120_000)]);
    }
}
