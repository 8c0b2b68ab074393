//! Closing a breaker by hand: here at once, on other nodes with their next look at the registry.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use serde_json::json;

use crate::db::{Tx, settings};
use crate::engine::health::Board;
use crate::engine::{Caller, Engine, internal};
use crate::model::access::Scope;
use crate::model::health::Health;
use crate::model::{ApiError, Timestamp};

/// When breakers were reset: a JSON object of instants by action.
const RESETS_KEY: &str = "breakers.resets";
/// How long a reset is remembered, so that every node sees it, in milliseconds.
const KEEP_MS: i64 = 3_600_000;

/// Instants by action, as they are stored.
type Resets = BTreeMap<String, i64>;

fn read(text: Option<String>) -> Resets {
    text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
}

/// The resets with one more, without old ones. A reset is always later than the action's one before.
fn with_reset(mut resets: Resets, action_id: &str, now: Timestamp) -> Resets {
    let at = resets.get(action_id).map_or(now.0, |before| now.0.max(before + 1));
    resets.insert(action_id.to_owned(), at);
    resets.retain(|_, at| *at > now.0 - KEEP_MS);
    resets
}

impl Engine {
    /// Closes the breaker of an action on every node: what waits for it goes out again. The next failures count from 1.
    ///
    /// # Errors
    /// 403 without `actions:write` or for a platform-wide action, 404.
    pub async fn reset_breaker(&self, caller: &Caller, id: &str) -> Result<Health, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        let action = self.visible_action(caller, id)?;
        self.changeable(caller, &action)?;
        let open = self.open_breaker(id);
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        let resets = store_reset(&mut tx, id).await.map_err(internal)?;
        let before = json!({"open": open.is_some(), "why": open});
        self.audit(&mut tx, caller, "action.reset_breaker", ("action", id), action.definition.tenant_id.as_deref(), Some(before), Some(json!({"open": false}))).await?;
        tx.commit().await.map_err(internal)?;
        self.carry_out(&resets);
        self.inner.wake.notify_one();
        self.verdict_on(caller, id).await
    }

    /// Notes what was reset before this node started: its own breakers are all closed.
    pub(in crate::engine) async fn learn_breaker_resets(&self) -> anyhow::Result<()> {
        let resets = read(settings::get(self.db(), RESETS_KEY).await?);
        self.inner.limits.resets.lock().unwrap_or_else(PoisonError::into_inner).extend(resets);
        Ok(())
    }

    /// Carries out resets that another node has stored.
    pub(in crate::engine) async fn apply_breaker_resets(&self) -> anyhow::Result<()> {
        let resets = read(settings::get(self.db(), RESETS_KEY).await?);
        self.carry_out(&resets);
        Ok(())
    }

    fn carry_out(&self, resets: &Resets) {
        let mut done = self.inner.limits.resets.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<&String> = resets.iter().filter(|(id, at)| done.get(*id).is_none_or(|before| before < at)).map(|(id, _)| id).collect();
        self.inner.limits.with(|map| {
            for id in &new {
                if let Some((usage, _)) = map.get_mut(id.as_str()) {
                    usage.close();
                }
            }
        });
        self.inner.health.rcu(|board| {
            let mut board = Board::clone(board);
            board.open_breakers.retain(|id, _| !new.contains(&id));
            board
        });
        for (id, at) in resets {
            let last = done.entry(id.clone()).or_insert(*at);
            *last = (*last).max(*at);
        }
    }
}

async fn store_reset(tx: &mut Tx, action_id: &str) -> sqlx::Result<Resets> {
    let resets = with_reset(read(settings::get_in(tx, RESETS_KEY).await?), action_id, Timestamp::now());
    settings::put_in(tx, RESETS_KEY, &json!(resets).to_string()).await?;
    Ok(resets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_always_newer_and_old_ones_go() {
        let resets = with_reset(Resets::from([("a".to_owned(), 500), ("b".to_owned(), 10)]), "a", Timestamp(400));
        assert_eq!(resets, Resets::from([("a".to_owned(), 501), ("b".to_owned(), 10)]));
        let resets = with_reset(resets, "c", Timestamp(KEEP_MS + 501));
        assert_eq!(resets, Resets::from([("c".to_owned(), KEEP_MS + 501)]));
        assert_eq!(read(Some("broken".to_owned())), Resets::new());
    }
}
