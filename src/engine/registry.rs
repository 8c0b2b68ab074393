//! The actions in memory: loaded at start, changed at once here, and within a second on every other node.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::warn;

use super::Engine;
use crate::db::{actions, settings, tenants};
use crate::model::action::Action;

/// How often a node looks for changes made elsewhere.
const POLL: Duration = Duration::from_millis(500);

impl Engine {
    /// Loads every action anew.
    pub(super) async fn reload_registry(&self) -> anyhow::Result<()> {
        let revision = self.stored_revision().await?;
        let all = actions::changed_since(self.db(), -1).await?;
        all.iter().for_each(|a| self.inner.limits.learn(a));
        self.inner.matcher.replace_all(all.into_iter().filter(|a| a.deleted_at.is_none()).map(Arc::new).collect());
        self.reload_tenants().await?;
        self.reload_library().await?;
        self.reload_marks().await?;
        self.learn_breaker_resets().await?;
        self.inner.revision.store(revision, Ordering::Release);
        Ok(())
    }

    async fn reload_tenants(&self) -> anyhow::Result<()> {
        let ids = tenants::ids(self.db()).await?;
        self.inner.tenants.store(Arc::new(ids.into_iter().collect()));
        Ok(())
    }

    /// Learns whether work is paused and whether the demo is here.
    async fn reload_marks(&self) -> anyhow::Result<()> {
        self.reload_pause().await?;
        self.reload_demo().await
    }

    async fn stored_revision(&self) -> sqlx::Result<i64> {
        Ok(settings::get(self.db(), settings::REVISION_KEY).await?.and_then(|t| t.parse().ok()).unwrap_or(0))
    }

    /// Puts a changed action into effect on this node.
    pub(super) fn put_in_effect(&self, action: &Action) {
        self.tell_of_action(action);
        self.inner.limits.learn(action);
        if action.deleted_at.is_some() {
            self.inner.matcher.remove(&action.id);
        } else {
            self.inner.matcher.upsert(Arc::new(action.clone()));
        }
    }

    /// Takes over what changed since the last look, here or elsewhere.
    pub(super) async fn refresh_registry(&self) -> anyhow::Result<()> {
        let seen = self.inner.revision.load(Ordering::Acquire);
        let stored = self.stored_revision().await?;
        if stored == seen {
            return Ok(());
        }
        for action in actions::changed_since(self.db(), seen).await? {
            // A change made here may be newer than the row that was read a moment ago.
            let newer = self.inner.matcher.get(&action.id).is_some_and(|current| current.version > action.version);
            if !newer {
                self.put_in_effect(&action);
            }
        }
        self.reload_tenants().await?;
        self.reload_library().await?;
        self.reload_access().await?;
        self.reload_marks().await?;
        self.apply_breaker_resets().await?;
        self.inner.revision.store(stored, Ordering::Release);
        Ok(())
    }

    pub(super) async fn registry_loop(self) {
        loop {
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
            }
            let fresh = self.refresh_registry().await;
            self.inner.database_up.store(fresh.is_ok(), Ordering::Release);
            if let Err(e) = fresh {
                warn!(error = format!("{e:#}"), "changes of the registry could not be read");
            }
        }
    }

    /// Whether a tenant exists.
    pub(super) fn tenant_exists(&self, id: &str) -> bool {
        self.inner.tenants.load().contains(id)
    }
}
