//! How actions and the system are doing: pure verdicts over recent numbers.

use std::collections::HashMap;

use crate::model::action::Action;
use crate::model::health::{Check, Health, HealthStatus};
use crate::model::stats::Brief;

/// The minutes that a verdict looks back on.
pub const HEALTH_MINUTES: i64 = 15;
/// The share of failed attempts, in percent, from which an action is degraded.
const DEGRADED_PERCENT: f64 = 10.0;
/// The share of failed attempts, in percent, from which an action is critical.
const CRITICAL_PERCENT: f64 = 50.0;

/// What is known of one action's last minutes on all nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Attempts that worked.
    pub succeeded: i64,
    /// Attempts that failed.
    pub failed: i64,
}

/// The numbers that lists show, renewed by the monitor.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// Recent attempts by action.
    pub recent: HashMap<String, Recent>,
    /// The last day by action.
    pub briefs: HashMap<String, Brief>,
    /// Why an action's breaker is open on this node.
    pub open_breakers: HashMap<String, String>,
}

impl Board {
    /// The verdict on an action.
    pub fn health_of(&self, action: &Action) -> Health {
        verdict(action.definition.is_enabled, self.recent.get(&action.id).copied().unwrap_or_default(), self.open_breakers.get(&action.id).map(String::as_str))
    }

    /// The numbers of an action's last day.
    pub fn brief_of(&self, action_id: &str) -> Brief {
        self.briefs.get(action_id).cloned().unwrap_or_else(|| Brief { hourly: vec![0; 24], ..Brief::default() })
    }
}

/// The verdict: the worst of the checks, with the sentence of that check.
pub fn verdict(enabled: bool, recent: Recent, open_breaker: Option<&str>) -> Health {
    if !enabled {
        return Health { status: HealthStatus::Unknown, message: "The action is switched off.".to_owned(), checks: Vec::new() };
    }
    let mut checks = vec![error_rate(recent)];
    checks.push(match open_breaker {
        Some(why) => Check { name: "breaker".to_owned(), status: HealthStatus::Critical, message: why.to_owned() },
        None => Check { name: "breaker".to_owned(), status: HealthStatus::Healthy, message: "The breaker is closed.".to_owned() },
    });
    summary(checks)
}

fn error_rate(recent: Recent) -> Check {
    let total = recent.succeeded + recent.failed;
    let (status, message) = if total == 0 {
        (HealthStatus::Unknown, format!("No attempts in the last {HEALTH_MINUTES} minutes."))
    } else {
        let percent = recent.failed as f64 * 100.0 / total as f64;
        let status = match percent {
            p if p >= CRITICAL_PERCENT => HealthStatus::Critical,
            p if p >= DEGRADED_PERCENT => HealthStatus::Degraded,
            _ => HealthStatus::Healthy,
        };
        (status, format!("{} of {total} attempts failed ({percent:.0} %) in the last {HEALTH_MINUTES} minutes.", recent.failed))
    };
    Check { name: "error_rate".to_owned(), status, message }
}

/// The worst check speaks for all; nothing known beats healthy only when nothing else was looked at.
pub fn summary(checks: Vec<Check>) -> Health {
    let worst = checks.iter().max_by_key(|c| if c.name == "breaker" && c.status == HealthStatus::Healthy { None } else { Some(c.status) });
    match worst {
        Some(c) => Health { status: c.status, message: c.message.clone(), checks },
        None => Health::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_by_share_of_failures() {
        for (succeeded, failed, expected) in [
            (0, 0, HealthStatus::Unknown),
            (100, 0, HealthStatus::Healthy),
            (91, 9, HealthStatus::Healthy),
            (90, 10, HealthStatus::Degraded),
            (51, 49, HealthStatus::Degraded),
            (1, 1, HealthStatus::Critical),
            (0, 3, HealthStatus::Critical),
        ] {
            let health = verdict(true, Recent { succeeded, failed }, None);
            assert_eq!(health.status, expected, "{succeeded} and {failed}: {}", health.message);
        }
        assert_eq!(verdict(false, Recent { succeeded: 0, failed: 9 }, None).status, HealthStatus::Unknown);
        let open = verdict(true, Recent { succeeded: 9, failed: 0 }, Some("The breaker is open."));
        assert_eq!((open.status, open.message.as_str()), (HealthStatus::Critical, "The breaker is open."));
    }
}
