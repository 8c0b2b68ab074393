//! The ready-made actions of a new installation: mails to the first administrator when an alert fires and when it is over.
//! Actions like any other: people change, disable and delete them, and they are never made again.

use serde_json::{Value, json};
use tracing::{info, warn};

use crate::db::settings;
use crate::engine::{Caller, Engine};
use crate::model::ApiError;
use crate::model::action::NewAction;
use crate::model::alert::{FIRED_EVENT, RESOLVED_EVENT};
use crate::model::tenant::DEFAULT_TENANT;

/// Set with the first administrator, until the actions are made: the address that the mails go to.
pub const DUE_KEY: &str = "alerts.notify";

/// The two actions. They belong to the default tenant, which also hears of the platform's own alerts.
fn ready_made(address: &str) -> [Value; 2] {
    let mail = |name: &str, description: &str, event_type: &str, subject: &str, text: &str| {
        json!({
            "name": name,
            "description": description,
            "handler_type": "email",
            "event_types": [event_type],
            "tenant_id": DEFAULT_TENANT,
            "tags": ["alerts"],
            "configuration": {"to": address, "from": address, "subject": subject, "text": text},
        })
    };
    [
        mail(
            "Mail when an alert fires",
            "Made at set-up. Change who gets it, or turn it off.",
            FIRED_EVENT,
            "[{{ severity }}] {{ rule }}",
            "{{ message }}\n\nIt began at {{ started_at }}. Look after it at {{ url }}\n",
        ),
        mail(
            "Mail when an alert is over",
            "Made at set-up. Change who gets it, or turn it off.",
            RESOLVED_EVENT,
            "[over] {{ rule }}",
            "It is over since {{ resolved_at }}. It was: {{ message }}\n\n{{ url }}\n",
        ),
    ]
}

impl Engine {
    /// Makes the ready-made actions once the first administrator is known. What goes wrong keeps nobody from signing in; the next
    /// start tries again.
    pub(in crate::engine) async fn make_notify_actions(&self) {
        match self.take_notify_address().await {
            Ok(None) => {}
            Ok(Some(address)) => {
                if let Err(e) = self.make_notify_actions_for(&address).await {
                    warn!(error = %e, "the actions that mail alerts could not be made; the next start tries again");
                    if let Err(e) = settings::put(self.db(), DUE_KEY, &address).await {
                        warn!(error = %e, "nor could it be noted");
                    }
                }
            }
            Err(e) => warn!(error = %e, "whether actions that mail alerts are to be made could not be read"),
        }
    }

    /// Takes the address out, so that of several nodes one makes the actions.
    async fn take_notify_address(&self) -> sqlx::Result<Option<String>> {
        if settings::get(self.db(), DUE_KEY).await?.is_none() {
            return Ok(None);
        }
        let mut tx = self.db().begin().await?;
        let address = settings::take_in(&mut tx, DUE_KEY).await?;
        tx.commit().await?;
        Ok(address)
    }

    async fn make_notify_actions_for(&self, address: &str) -> Result<(), ApiError> {
        let caller = Caller::system("set-up");
        for document in ready_made(address) {
            let new: NewAction = serde_json::from_value(document).map_err(crate::engine::internal)?;
            let made = self.create_action(&caller, new).await?;
            info!(action_id = made.id, name = made.definition.name, "made an action that mails alerts");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_made_actions_are_fine() {
        for document in ready_made("ada@example.com") {
            let action: NewAction = serde_json::from_value(document).expect("an action");
            assert!(action.validate().0.is_empty(), "{:?}", action.validate());
            assert!(action.is_enabled && action.tenant_id.as_deref() == Some(DEFAULT_TENANT));
        }
    }
}
