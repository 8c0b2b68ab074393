//! Switching actions off that can no longer work: never silent, always with an alert and an audit entry (G13).

use tracing::{error, warn};

use super::executor::Job;
use super::{Caller, Engine, alerts};
use crate::db::stats;
use crate::model::Timestamp;

/// Minutes of nothing but failures after which an action is switched off: five days.
const DEAD_MINUTES: i64 = 5 * 1_440;
/// Minutes that are looked back on: as long as statistics by the minute are told apart.
const LOOK_BACK_MINUTES: i64 = 7 * 1_440;
/// Failures that it takes besides.
const DEAD_ATTEMPTS: i64 = 10;
/// How often it is tried again when somebody changes the action at the same time.
const TRIES: usize = 3;

/// Whether attempts since the action last changed say that it is dead: at least ten, all failed, for at least five days.
fn is_dead(succeeded: i64, failed: i64, first_failure: Option<i64>, minute: i64) -> bool {
    succeeded == 0 && failed >= DEAD_ATTEMPTS && first_failure.is_some_and(|first| minute - first >= DEAD_MINUTES)
}

impl Engine {
    /// Switches off the action of an attempt whose receiver is gone for good.
    pub(super) async fn auto_disable(&self, job: &Job, why: &str) {
        self.disable_action_itself(&job.action_id, why, alerts::cause_of(&job.event)).await;
    }

    /// The alert comes first: should the node stop in between, the alert ends by itself, but nothing is ever silent.
    async fn disable_action_itself(&self, action_id: &str, why: &str, cause: Option<&str>) {
        let caller = Caller::system("auto-disable");
        for _ in 0..TRIES {
            if !self.inner.matcher.get(action_id).is_some_and(|a| a.definition.is_enabled) {
                return;
            }
            if let Err(e) = self.raise_auto_disable(action_id, why, cause).await {
                error!(action_id, error = format!("{e:#}"), "the alert could not be stored, so the action stays on for now");
                return;
            }
            match self.switch(&caller, action_id, false, "action.auto_disable").await {
                Ok(_) => return warn!(action_id, why, "action disabled"),
                Err(e) if e.code == "version_conflict" => drop(self.refresh_registry().await),
                Err(e) => return error!(action_id, error = %e, "the action could not be disabled"),
            }
        }
    }

    /// Switches off actions that have done nothing but fail for five days.
    pub(super) async fn disable_dead_actions(&self, now: Timestamp) -> anyhow::Result<()> {
        let minute = now.0.div_euclid(60_000);
        let board = self.inner.health.load_full();
        for action in self.inner.matcher.all().into_iter().filter(|a| a.definition.is_enabled) {
            // Only what has ended in the last day, and never well, is worth a closer look.
            let suspicious = board.briefs.get(&action.id).is_some_and(|b| b.total_executions > 0 && b.success_rate_percent == Some(0.0));
            if !suspicious {
                continue;
            }
            let since = (minute - LOOK_BACK_MINUTES).max(action.updated_at.0.div_euclid(60_000));
            let (succeeded, failed, first) = stats::attempts_of(self.db(), &action.id, since).await?;
            if is_dead(succeeded, failed, first, minute) {
                let why = format!("its last {failed} attempts failed, over more than 5 days");
                self.disable_action_itself(&action.id, &why, None).await;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_days_of_nothing_but_failures() {
        let now = 100_000;
        for (succeeded, failed, days_ago, expected) in
            [(0, 10, Some(5.0), true), (0, 500, Some(6.5), true), (0, 10, Some(4.9), false), (0, 9, Some(6.0), false), (1, 500, Some(6.0), false), (0, 0, None, false)]
        {
            let first = days_ago.map(|d: f64| now - (d * 1_440.0) as i64);
            assert_eq!(is_dead(succeeded, failed, first, now), expected, "{succeeded} worked, {failed} failed, first {days_ago:?} days ago");
        }
    }
}
