//! Alerts about something that happened: an action switched off, a loop refused, an audit log that was changed.

use std::sync::PoisonError;

use tracing::{error, warn};
use uuid::Uuid;

use super::defaults::built_in;
use super::readings::{action_subject, concerns};
use super::rules::Reading;
use crate::db::{alerts, executions};
use crate::engine::Engine;
use crate::model::Timestamp;
use crate::model::alert::{Alert, AlertKind, AlertRule, AlertState};
use crate::model::audit::AuditVerdict;

/// The subject of alerts on the audit log.
pub const AUDIT_SUBJECT: &str = "audit_log";

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// An event was refused because it would have gone on without end.
    Loop {
        /// Its tenant.
        tenant: String,
        /// Its type.
        event_type: String,
        /// The execution that emitted it.
        causation_id: Option<String>,
        /// The alert rule whose event began it.
        cause: Option<String>,
    },
    /// Somebody has verified the audit log.
    Audit(AuditVerdict),
}

impl Engine {
    /// Raises alerts for what has been noted. What cannot be stored is noted again.
    pub(super) async fn raise_notes(&self) {
        let notes = std::mem::take(&mut *self.inner.alerts.notes.lock().unwrap_or_else(PoisonError::into_inner));
        for (at, note) in notes.iter().enumerate() {
            let raised = match note {
                Note::Loop { tenant, event_type, causation_id, cause } => self.raise_loop(tenant, event_type, causation_id.as_deref(), cause.as_deref()).await,
                Note::Audit(verdict) => self.raise_audit(verdict).await,
            };
            if let Err(e) = raised {
                error!(error = format!("{e:#}"), "an alert could not be stored; it is tried again");
                let mut again = self.inner.alerts.notes.lock().unwrap_or_else(PoisonError::into_inner);
                again.extend_from_slice(&notes[at..]);
                return;
            }
        }
    }

    async fn raise_loop(&self, tenant: &str, event_type: &str, causation_id: Option<&str>, cause: Option<&str>) -> anyhow::Result<()> {
        let emitter = match causation_id {
            Some(id) => executions::get(self.db(), id).await?.map(|x| x.action_id),
            None => None,
        };
        let action = emitter.and_then(|id| self.inner.matcher.get(&id));
        let by = action.as_ref().map_or_else(String::new, |a| format!(" by {:?}", a.definition.name));
        let message = format!("Actions cause each other without end: the event {event_type} emitted{by} was refused.");
        for rule in self.rules_of(AlertKind::Loop).await?.into_iter().filter(|r| cause != Some(r.id.as_str())) {
            let concerned = match &action {
                Some(action) => concerns(&rule, action),
                None if rule.tenant_id.as_deref().is_none_or(|t| t == tenant) => Some(Some(tenant.to_owned())),
                None => None,
            };
            let Some(tenant_id) = concerned else { continue };
            let subject = action.as_ref().map_or_else(|| format!("tenant:{tenant}"), |a| action_subject(&a.id));
            let reading = Reading { subject, tenant_id, action_id: action.as_ref().map(|a| a.id.clone()), value: 1.0, limit: rule.threshold, samples: 1, message: message.clone() };
            self.happened(&rule, &reading, true).await?;
        }
        Ok(())
    }

    async fn raise_audit(&self, verdict: &AuditVerdict) -> anyhow::Result<()> {
        let Some(fault) = &verdict.first_fault else {
            return self.audit_is_whole().await;
        };
        for rule in self.rules_of(AlertKind::AuditChain).await? {
            let message = format!("The audit log does not verify: {}", fault.message);
            let reading = Reading { subject: AUDIT_SUBJECT.to_owned(), tenant_id: None, action_id: None, value: 1.0, limit: rule.threshold, samples: 1, message };
            self.happened(&rule, &reading, true).await?;
        }
        Ok(())
    }

    /// Ends alerts on the audit log, once it verifies again.
    async fn audit_is_whole(&self) -> anyhow::Result<()> {
        for alert in alerts::open(self.db()).await?.into_iter().filter(|a| a.kind == AlertKind::AuditChain) {
            let now = Timestamp::now();
            let mut tx = self.db().begin().await?;
            alerts::update(&mut tx, &Alert { state: AlertState::Resolved, resolved_at: Some(now), updated_at: now, ..alert }).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Raises the alert that goes with an action switched off by the product itself; there always is one (G13). Events tell of
    /// it unless the event of the same rule's alert caused it.
    pub(in crate::engine) async fn raise_auto_disable(&self, action_id: &str, why: &str, cause: Option<&str>) -> anyhow::Result<()> {
        let Some(action) = self.inner.matcher.get(action_id) else { return Ok(()) };
        let mut rules: Vec<(AlertRule, Option<String>)> = self.rules_of(AlertKind::AutoDisable).await?.into_iter().filter_map(|r| concerns(&r, &action).map(|t| (r, t))).collect();
        if rules.is_empty() {
            rules.push((built_in(AlertKind::AutoDisable), action.definition.tenant_id.clone()));
        }
        for (rule, tenant_id) in rules {
            let message = format!("{:?} was switched off: {why}.", action.definition.name);
            let reading = Reading { subject: action_subject(action_id), tenant_id, action_id: Some(action_id.to_owned()), value: 1.0, limit: rule.threshold, samples: 1, message };
            self.happened(&rule, &reading, cause != Some(rule.id.as_str())).await?;
        }
        self.inner.alerts.poke();
        Ok(())
    }

    /// Begins an alert at once, or counts one more for the one that is open.
    async fn happened(&self, rule: &AlertRule, reading: &Reading, notify: bool) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let mut tx = self.db().begin().await?;
        let stored = alerts::insert(&mut tx, &begun(rule, reading, AlertState::Firing, now), notify).await?;
        if let Some(alert) = stored {
            tx.commit().await?;
            warn!(alert_id = alert.id, rule = alert.rule, subject = alert.subject, message = alert.message, "alert fired");
            return Ok(());
        }
        drop(tx);
        let open = alerts::open(self.db()).await?.into_iter().find(|a| a.rule_id == rule.id && a.subject == reading.subject);
        if let Some(open) = open {
            let mut tx = self.db().begin().await?;
            alerts::update(&mut tx, &Alert { value: open.value + 1.0, message: reading.message.clone(), updated_at: now, ..open }).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// A new alert of a rule.
pub fn begun(rule: &AlertRule, reading: &Reading, state: AlertState, now: Timestamp) -> Alert {
    Alert {
        id: Uuid::now_v7().to_string(),
        rule: rule.name.clone(),
        rule_id: rule.id.clone(),
        kind: rule.kind,
        severity: rule.severity,
        state,
        subject: reading.subject.clone(),
        tenant_id: reading.tenant_id.clone(),
        action_id: reading.action_id.clone(),
        message: reading.message.clone(),
        value: reading.value,
        threshold: reading.limit,
        started_at: now,
        fired_at: (state == AlertState::Firing).then_some(now),
        updated_at: now,
        acknowledged_at: None,
        acknowledged_by: None,
        silenced_until: None,
        silenced_by: None,
        resolved_at: None,
        resolved_by: None,
        revision: 0,
    }
}
