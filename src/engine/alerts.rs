//! Alerts: what a person sees of them and does about them. Who raises them: `watch.rs` by rules, `raise.rs` when something happens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::{Caller, Engine, cursor, internal};
use crate::db::alerts;
use crate::model::access::Scope;
use crate::model::alert::{Alert, AlertFilter, AlertState, Severity, SilenceRequest};
use crate::model::event::Event;
use crate::model::page::{Page, PageRequest};
use crate::model::{ApiError, Timestamp};

mod defaults;
mod nodes;
mod raise;
mod readings;
mod ready_made;
mod rule_set;
mod rules;
mod tell;
mod watch_loop;

pub use nodes::{NodeReport, OpenBreaker};
pub use raise::Note;
pub use ready_made::DUE_KEY;
pub use rule_set::RuleChange;

/// The name under which the product acts here; only it sends events whose types begin with `system.`.
pub const ACTOR: &str = "alerts";
/// What the correlation id of everything begins with that an alert's event causes; the rule's id follows.
const ECHO_PREFIX: &str = "system.alert:";
/// Changes that the stream can still send to a viewer who was away.
const MAX_CHANGES: u32 = 256;
/// Most notes that wait for a round; what comes beyond is about the same.
const MAX_NOTES: usize = 100;
/// How often a change is tried again that another one came before.
const TRIES: usize = 3;

/// What the engine keeps of alerts in memory.
pub struct AlertsState {
    /// Every alert that is not over.
    open: ArcSwap<Vec<Arc<Alert>>>,
    /// The latest changes, by revision.
    changes: watch::Sender<Arc<Vec<Arc<Alert>>>>,
    reports: ArcSwap<Vec<NodeReport>>,
    notes: Mutex<Vec<Note>>,
    poke: Notify,
    /// Until when this node alone evaluates rules, where several share a database.
    leads_until: Mutex<Option<Instant>>,
}

impl Default for AlertsState {
    fn default() -> Self {
        Self {
            open: ArcSwap::default(),
            changes: watch::Sender::new(Arc::default()),
            reports: ArcSwap::default(),
            notes: Mutex::default(),
            poke: Notify::new(),
            leads_until: Mutex::default(),
        }
    }
}

impl AlertsState {
    /// What every node said of itself last.
    pub fn reports(&self) -> Arc<Vec<NodeReport>> {
        self.reports.load_full()
    }

    /// Looks at the rules at once rather than with the next round.
    pub fn poke(&self) {
        self.poke.notify_one();
    }

    /// Notes something that has happened and is worth an alert, for the next round.
    pub fn note(&self, note: Note) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < MAX_NOTES && !notes.contains(&note) {
            notes.push(note);
        }
        drop(notes);
        self.poke();
    }
}

/// The rule of the alert that a correlation id leads back to.
pub fn cause_of_correlation(correlation_id: Option<&str>) -> Option<&str> {
    correlation_id.and_then(|c| c.strip_prefix(ECHO_PREFIX)).and_then(|rest| rest.split(':').next())
}

/// The rule of the alert whose event caused this one, however many events lie between.
pub fn cause_of(event: &Event) -> Option<&str> {
    let own = || if event.event_type.starts_with("system.alert.") { event.data.get("rule_id").and_then(Value::as_str) } else { None };
    cause_of_correlation(event.correlation_id.as_deref()).or_else(own)
}

impl Engine {
    /// Alerts that match the filter, latest first. The platform looking at one tenant also sees its own.
    ///
    /// # Errors
    /// 403, 404 for another tenant.
    pub async fn list_alerts(&self, caller: &Caller, filter: AlertFilter, page: PageRequest) -> Result<Page<Alert>, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        let limit = page.checked_limit()?;
        let after: Option<String> = cursor::decode(&page)?;
        let tenant = caller.reads(filter.tenant_id.as_deref())?;
        let with_platform = caller.is_platform && filter.tenant_id.is_none();
        let items = alerts::list(self.db(), tenant.as_deref(), with_platform, &filter, after.as_deref(), limit + 1).await.map_err(internal)?;
        Ok(cursor::page(items, limit, |a| a.id.clone()))
    }

    /// One alert.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn get_alert(&self, caller: &Caller, id: &str) -> Result<Alert, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        self.visible_alert(caller, id).await
    }

    async fn visible_alert(&self, caller: &Caller, id: &str) -> Result<Alert, ApiError> {
        let found = alerts::get(self.db(), id).await.map_err(internal)?;
        found.filter(|a| caller.owns(a.tenant_id.as_deref())).ok_or_else(|| ApiError::not_found("alert", id))
    }

    /// Takes an alert on: somebody looks after it.
    ///
    /// # Errors
    /// 403 without `executions:write`, 404, 409 when it has not fired or is over.
    pub async fn acknowledge_alert(&self, caller: &Caller, id: &str) -> Result<Alert, ApiError> {
        self.change_alert(caller, id, "alert.acknowledge", |alert, now| {
            let (acknowledged_at, acknowledged_by) = (Some(now), Some(caller.actor.to_string()));
            Alert { state: AlertState::Acknowledged, acknowledged_at, acknowledged_by, silenced_until: None, ..alert }
        })
        .await
    }

    /// Silences an alert for a while; should the trouble last, it fires again afterwards.
    ///
    /// # Errors
    /// As [`Engine::acknowledge_alert`]; 422 for an end that cannot be.
    pub async fn silence_alert(&self, caller: &Caller, id: &str, request: SilenceRequest) -> Result<Alert, ApiError> {
        caller.require(Scope::ExecutionsWrite)?;
        self.visible_alert(caller, id).await?;
        let until = request.ends(Timestamp::now())?;
        self.change_alert(caller, id, "alert.silence", |alert, _| Alert {
            state: AlertState::Silenced,
            silenced_until: Some(until),
            silenced_by: Some(caller.actor.to_string()),
            ..alert
        })
        .await
    }

    /// Ends an alert by hand. Should the trouble last, a new one begins once the rule's window has passed.
    ///
    /// # Errors
    /// As [`Engine::acknowledge_alert`].
    pub async fn resolve_alert(&self, caller: &Caller, id: &str) -> Result<Alert, ApiError> {
        self.change_alert(caller, id, "alert.resolve", |alert, now| Alert {
            state: AlertState::Resolved,
            resolved_at: Some(now),
            resolved_by: Some(caller.actor.to_string()),
            ..alert
        })
        .await
    }

    async fn change_alert(&self, caller: &Caller, id: &str, what: &str, change: impl Fn(Alert, Timestamp) -> Alert) -> Result<Alert, ApiError> {
        caller.require(Scope::ExecutionsWrite)?;
        for _ in 0..TRIES {
            let before = self.visible_alert(caller, id).await?;
            if !before.state.is_active() {
                return Err(ApiError::conflict("not_active", format!("The alert is {}; only one that has fired and is not over can be changed.", before.state.name())));
            }
            let now = Timestamp::now();
            let after = Alert { updated_at: now, ..change(before.clone(), now) };
            let mut tx = self.db().begin().await.map_err(internal)?;
            let Some(stored) = alerts::update(&mut tx, &after).await.map_err(internal)? else { continue };
            let told = |a: &Alert| json!({"state": a.state, "silenced_until": a.silenced_until, "rule": a.rule, "message": a.message});
            self.audit(&mut tx, caller, what, ("alert", id), stored.tenant_id.as_deref(), Some(told(&before)), Some(told(&stored))).await?;
            tx.commit().await.map_err(internal)?;
            // The next page that whoever did it sees counts already without it.
            self.reload_open_alerts().await.map_err(internal)?;
            self.inner.alerts.poke();
            return Ok(stored);
        }
        Err(ApiError::conflict("changed_meanwhile", "The alert changes too quickly just now; try again."))
    }

    /// The latest changes of alerts, the last one last; renewed within seconds of a change on any node.
    #[must_use]
    pub fn alert_changes(&self) -> watch::Receiver<Arc<Vec<Arc<Alert>>>> {
        self.inner.alerts.changes.subscribe()
    }

    /// Whether a caller who looks at `tenant` (all when none) is shown an alert: tenants see their own; the platform sees all, or
    /// those of one tenant and its own.
    #[must_use]
    pub fn shows_alert(caller: &Caller, tenant: Option<&str>, alert: &Alert) -> bool {
        caller.owns(alert.tenant_id.as_deref()) && (tenant.is_none() || alert.tenant_id.is_none() || alert.tenant_id.as_deref() == tenant)
    }

    /// How many alerts that the caller is shown have changed after a revision, as far as the node remembers; see [`Engine::alert_changes`].
    ///
    /// # Errors
    /// 403.
    pub fn count_alert_changes(&self, caller: &Caller, since: i64) -> Result<usize, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        let tenant = caller.tenant_id.as_deref();
        Ok(self.inner.alerts.changes.borrow().iter().filter(|a| a.revision > since && Self::shows_alert(caller, tenant, a)).count())
    }

    /// How many alerts that the caller is shown fire without anybody having taken them on.
    #[must_use]
    pub fn count_firing(&self, caller: &Caller) -> i64 {
        let tenant = caller.tenant_id.as_deref();
        let open = self.inner.alerts.open.load();
        open.iter().filter(|a| a.state == AlertState::Firing && Self::shows_alert(caller, tenant, a)).count() as i64
    }

    /// How many alerts fire without anybody having taken them on: all of them, and by tenant; those of the platform itself are
    /// under none.
    pub(super) fn firing_alerts(&self) -> (i64, HashMap<Option<String>, i64>) {
        let mut out = HashMap::new();
        let open = self.inner.alerts.open.load();
        open.iter().filter(|a| a.state == AlertState::Firing).for_each(|a| *out.entry(a.tenant_id.clone()).or_insert(0) += 1);
        (out.values().sum(), out)
    }

    /// How many alerts are not over, by severity and state.
    pub(super) fn open_alert_counts(&self) -> HashMap<(Severity, AlertState), i64> {
        let mut out = HashMap::new();
        self.inner.alerts.open.load().iter().for_each(|a| *out.entry((a.severity, a.state)).or_insert(0) += 1);
        out
    }

    /// The same for one action.
    pub(super) fn firing_alerts_of(&self, action_id: &str) -> i64 {
        let open = self.inner.alerts.open.load();
        open.iter().filter(|a| a.state == AlertState::Firing && a.action_id.as_deref() == Some(action_id)).count() as i64
    }

    /// Whether this node alone does what only one node is to do.
    pub(super) fn leads(&self) -> bool {
        let until = *self.inner.alerts.leads_until.lock().unwrap_or_else(PoisonError::into_inner);
        !self.db().is_shared() || until.is_some_and(|until| Instant::now() < until)
    }

    /// Takes the open alerts from the database anew, because some went without having ended.
    pub(super) async fn reload_open_alerts(&self) -> anyhow::Result<()> {
        self.inner.alerts.open.store(Arc::new(alerts::open(self.db()).await?.into_iter().map(Arc::new).collect()));
        Ok(())
    }

    fn leads_for(&self, time: Option<Duration>) {
        *self.inner.alerts.leads_until.lock().unwrap_or_else(PoisonError::into_inner) = time.map(|time| Instant::now() + time);
    }

    /// Takes over what changed in the database since the last look.
    async fn refresh_alerts(&self) -> anyhow::Result<()> {
        let state = &self.inner.alerts;
        let seen = state.changes.borrow().last().map_or(0, |a| a.revision);
        let fresh = alerts::changed_since(self.db(), seen, MAX_CHANGES).await?;
        if fresh.is_empty() && seen > 0 {
            return Ok(());
        }
        state.open.store(Arc::new(alerts::open(self.db()).await?.into_iter().map(Arc::new).collect()));
        if !fresh.is_empty() {
            // Of an alert that changed again only the latest counts.
            let mut latest: HashMap<String, Arc<Alert>> = state.changes.borrow().iter().map(|a| (a.id.clone(), a.clone())).collect();
            latest.extend(fresh.into_iter().map(|a| (a.id.clone(), Arc::new(a))));
            let mut all: Vec<Arc<Alert>> = latest.into_values().collect();
            all.sort_by_key(|a| a.revision);
            let from = all.len().saturating_sub(MAX_CHANGES as usize);
            state.changes.send_replace(Arc::new(all.split_off(from)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_alerts_cause_is_known_by_its_correlation() {
        let at = Timestamp(0);
        let event = |event_type: &str, correlation: Option<&str>, data: Value| Event {
            id: "e".into(),
            tenant_id: "default".into(),
            event_type: event_type.into(),
            aggregate_id: None,
            aggregate_type: None,
            data,
            metadata: json!({}),
            occurred_at: at,
            received_at: at,
            correlation_id: correlation.map(str::to_owned),
            causation_id: None,
            depth: 0,
        };
        for (event, cause) in [
            (event("order.paid", None, json!({})), None),
            (event("order.paid", Some("order-7"), json!({"rule_id": "r"})), None),
            (event("mail.sent", Some("system.alert:r1:a1"), json!({})), Some("r1")),
            (event("system.alert.fired", Some("own"), json!({"rule_id": "r2"})), Some("r2")),
            (event("system.alert.fired", Some("system.alert:r3:a1"), json!({})), Some("r3")),
        ] {
            assert_eq!(cause_of(&event), cause, "{event:?}");
        }
    }
}
