//! Which actions fail most: read from the numbers beside actions, which are in memory.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{Caller, Engine};
use crate::model::ApiError;
use crate::model::access::Scope;
use crate::model::action::Action;
use crate::model::stats::Brief;

/// Executions of a day that ended otherwise than well.
fn failed(brief: &Brief) -> i64 {
    let succeeded = brief.success_rate_percent.map_or(brief.total_executions as f64, |rate| rate * brief.total_executions as f64 / 100.0);
    brief.total_executions - succeeded.round() as i64
}

impl Engine {
    /// The actions that the caller sees whose executions failed most often in the last 24 hours, the worst first, at most `most`; with
    /// how many failed.
    ///
    /// # Errors
    /// 403.
    pub fn failing_most(&self, caller: &Caller, most: usize) -> Result<Vec<(Action, i64)>, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let board = self.inner.health.load();
        let seen = |a: &Arc<Action>| a.definition.tenant_id.as_deref().is_none_or(|own| caller.sees(own));
        let mut all: Vec<(Arc<Action>, i64)> =
            self.inner.matcher.all().into_iter().filter(seen).filter_map(|a| board.briefs.get(&a.id).map(failed).filter(|n| *n > 0).map(|n| (a, n))).collect();
        all.sort_by(|(a, n), (b, m)| (Reverse(n), &a.id).cmp(&(Reverse(m), &b.id)));
        Ok(all.into_iter().take(most).map(|(a, n)| (self.dressed((*a).clone()), n)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_succeed_failed() {
        let brief = |total_executions, success_rate_percent| Brief { total_executions, success_rate_percent, ..Brief::default() };
        for (total, rate, expected) in [(3, Some(100.0 / 3.0), 2), (10, Some(100.0), 0), (7, Some(0.0), 7), (0, None, 0)] {
            assert_eq!(failed(&brief(total, rate)), expected);
        }
    }
}
