//! The pause after a restore: events are taken and stored, but no execution starts on any node until a person says so.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::{info, warn};

use super::{Caller, Engine, internal};
use crate::db::settings;
use crate::model::{ApiError, Timestamp};

/// Why nothing starts, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When it began.
    pub since: Timestamp,
    /// One English sentence.
    pub reason: String,
}

impl Engine {
    /// Why nothing starts; none while work goes on. Of memory: another node's change is known within a second.
    #[must_use]
    pub fn pause(&self) -> Option<Arc<Pause>> {
        self.inner.pause.load_full()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.inner.pause.load().is_some()
    }

    /// Lets executions start again, on every node within a second. Returns whether they were paused.
    ///
    /// # Errors
    /// 403 for anybody but the platform, 503 without the database.
    pub async fn resume(&self, caller: &Caller) -> Result<bool, ApiError> {
        caller.require_platform()?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        let Some(before) = settings::get_in(&mut tx, settings::PAUSED_KEY).await.map_err(internal)? else { return Ok(false) };
        settings::remove_in(&mut tx, settings::PAUSED_KEY).await.map_err(internal)?;
        let before = serde_json::from_str(&before).unwrap_or_else(|_| json!({}));
        self.audit(&mut tx, caller, "executions.resume", ("installation", "executions"), None, Some(before), None).await?;
        tx.commit().await.map_err(internal)?;
        self.inner.pause.store(None);
        self.inner.wake.notify_one();
        Ok(true)
    }

    /// Learns from the database whether work is paused.
    pub(super) async fn reload_pause(&self) -> anyhow::Result<()> {
        let stored = settings::get(self.db(), settings::PAUSED_KEY).await?;
        let was = self.is_paused();
        // A mark that cannot be read still pauses: starting work by mistake cannot be taken back.
        let pause = stored.map(|text| serde_json::from_str(&text).unwrap_or_else(|_| Pause { since: Timestamp(0), reason: "Work is paused.".to_owned() }));
        match (&pause, was) {
            (Some(pause), false) => warn!(since = %pause.since, reason = pause.reason, "paused: no execution starts until `event-actions resume`, or the button in the console"),
            (None, true) => info!("executions start again"),
            _ => {}
        }
        self.inner.pause.store(pause.map(Arc::new));
        if was && !self.is_paused() {
            self.inner.wake.notify_one();
        }
        Ok(())
    }
}
