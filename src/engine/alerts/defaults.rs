//! The rules that every installation begins with. People may change and delete them; they are never made again.

use uuid::Uuid;

use crate::db::alert_rules;
use crate::engine::{Caller, Engine};
use crate::model::Timestamp;
use crate::model::alert::{AlertKind, AlertRule, Metric, Severity};

/// The share of the queue's room, in percent, above which an alert fires.
const QUEUE_PERCENT: u64 = 80;
/// The id of the rule for what is never silent, where nobody keeps one.
pub const BUILT_IN: &str = "built-in";

/// A rule that stands in when there is none of its kind.
pub fn built_in(kind: AlertKind) -> AlertRule {
    AlertRule { id: BUILT_IN.to_owned(), ..AlertRule::new(kind, "Switched off by itself", 1.0, Severity::Critical) }
}

fn first_rules(queue_max_depth: u64) -> Vec<AlertRule> {
    use AlertKind::{AuditChain, AutoDisable, ErrorRate, HandlerFailure, Loop, ResourceExhaustion, SlowExecutions};
    let short = |metric, name, threshold, for_seconds, severity| AlertRule { metric: Some(metric), for_seconds, ..AlertRule::new(ResourceExhaustion, name, threshold, severity) };
    let queue = (queue_max_depth * QUEUE_PERCENT / 100).max(1) as f64;
    vec![
        AlertRule::new(ErrorRate, "High error rate", 10.0, Severity::Critical),
        AlertRule::new(SlowExecutions, "Slow executions", 5_000.0, Severity::Warning),
        AlertRule::new(HandlerFailure, "Breaker open or handler down", 1.0, Severity::Critical),
        AlertRule::new(AutoDisable, "Action switched off by itself", 1.0, Severity::Critical),
        AlertRule { window_seconds: 900, ..AlertRule::new(Loop, "Actions cause each other", 1.0, Severity::Warning) },
        AlertRule::new(AuditChain, "Audit log changed", 1.0, Severity::Critical),
        short(Metric::QueueDepth, "Queue nearly full", queue, 0, Severity::Critical),
        short(Metric::QueueAgeSeconds, "Work waits too long", 120.0, 10, Severity::Warning),
        short(Metric::DatabaseLatencyMs, "Database slow", 1_000.0, 30, Severity::Warning),
        short(Metric::MemoryPercent, "Memory short", 90.0, 60, Severity::Warning),
        short(Metric::DiskPercent, "Disk nearly full", 90.0, 60, Severity::Critical),
        short(Metric::ConnectionsPercent, "Database connections short", 95.0, 60, Severity::Warning),
    ]
}

impl Engine {
    /// Makes the first rules at the first start.
    pub(super) async fn make_first_rules(&self) -> anyhow::Result<()> {
        if alert_rules::are_made(self.db()).await? {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        if !alert_rules::begin_making(&mut tx).await? {
            return Ok(());
        }
        for rule in first_rules(self.config().queue_max_depth) {
            let made = AlertRule { id: Uuid::now_v7().to_string(), version: 1, updated_at: Timestamp::now(), updated_by: Caller::system(super::ACTOR).actor.to_string(), ..rule };
            alert_rules::put(&mut tx, &made).await?;
        }
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rules_are_fine() {
        let rules = first_rules(1_000);
        for rule in &rules {
            assert!(rule.validate().0.is_empty(), "{rule:?}: {:?}", rule.validate());
        }
        assert!(AlertKind::ALL.into_iter().all(|kind| rules.iter().any(|r| r.kind == kind)));
        let errors = &rules[0];
        assert_eq!((errors.threshold, errors.min_samples, errors.window_seconds, errors.for_seconds), (10.0, 10, 300, 0));
        assert_eq!(rules.iter().find(|r| r.metric == Some(Metric::QueueDepth)).map(|r| r.threshold), Some(800.0));
    }
}
