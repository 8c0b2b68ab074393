//! Telling of alerts: events that ordinary actions handle. Their ids are made of the alert's, so that each is sent once.

use serde_json::{Value, json};
use tracing::{error, warn};

use super::{ACTOR, ECHO_PREFIX};
use crate::db::alerts;
use crate::engine::{Caller, Engine};
use crate::model::alert::{Alert, AlertState, FIRED_EVENT, RESOLVED_EVENT};
use crate::model::event::NewEvent;
use crate::model::tenant::DEFAULT_TENANT;
use crate::model::{ApiError, ErrorKind};

/// The event that tells of the beginning of an alert, or of its end.
fn event_of(alert: &Alert, end: bool, action_name: Option<&str>, console: &str) -> NewEvent {
    let (event_type, word) = if end { (RESOLVED_EVENT, "resolved") } else { (FIRED_EVENT, "fired") };
    let told = if end { alert.clone() } else { Alert { state: AlertState::Firing, resolved_at: None, resolved_by: None, ..alert.clone() } };
    let mut data = serde_json::to_value(&told).unwrap_or_default();
    if let Value::Object(members) = &mut data {
        members.insert("action_name".to_owned(), json!(action_name));
        members.insert("url".to_owned(), json!(format!("{console}/alerts")));
        members.remove("revision");
    }
    NewEvent {
        id: Some(format!("{}-{word}", alert.id)),
        event_type: event_type.to_owned(),
        aggregate_id: Some(alert.id.clone()),
        aggregate_type: Some("alert".to_owned()),
        data,
        metadata: json!({"tenant_id": alert.tenant_id.as_deref().unwrap_or(DEFAULT_TENANT)}),
        occurred_at: if end { alert.resolved_at } else { alert.fired_at },
        correlation_id: Some(format!("{ECHO_PREFIX}{}:{}", alert.rule_id, alert.id)),
        causation_id: None,
    }
}

/// Whether trying again can help.
fn is_passing(e: &ApiError) -> bool {
    matches!(e.kind, ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::TooManyRequests)
}

impl Engine {
    /// Sends the events that are due. What cannot be sent now is sent with a later round.
    pub(super) async fn tell_of_alerts(&self) -> anyhow::Result<()> {
        let caller = Caller::system(ACTOR);
        for (alert, begun) in alerts::untold(self.db()).await? {
            let name = alert.action_id.as_deref().and_then(|id| self.inner.matcher.get(id)).map(|a| a.definition.name.clone());
            let ends = [(!begun).then_some(false), (alert.state == AlertState::Resolved).then_some(true)];
            for end in ends.into_iter().flatten() {
                let event = event_of(&alert, end, name.as_deref(), &self.config().public_url);
                match self.ingest_caused(&caller, event, 0, false).await {
                    Ok(_) => {}
                    Err(e) if is_passing(&e) => {
                        error!(alert_id = alert.id, error = %e, "the event of an alert could not be sent; it is tried again");
                        return Ok(());
                    }
                    // Sent before with other numbers.
                    Err(e) if e.kind == ErrorKind::Conflict => {}
                    Err(e) => warn!(alert_id = alert.id, error = %e, "the event of an alert cannot be sent"),
                }
                let mut tx = self.db().begin().await?;
                alerts::told(&mut tx, &alert.id, end).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }
}
