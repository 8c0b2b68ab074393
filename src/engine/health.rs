//! How actions, handlers and the system are doing: pure verdicts over recent numbers.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::action::Action;
use crate::model::handler::HandlerHealth;
use crate::model::health::{Check, Health, HealthStatus};
use crate::model::stats::Brief;

mod system;

pub use system::{SystemVitals, handler_verdict, system_verdict};

/// The minutes that a verdict looks back on.
pub const HEALTH_MINUTES: i64 = 15;
/// Milliseconds for which due work of an action may wait before the action is degraded: the lowest priority yields for 60 s.
pub const QUEUE_DEGRADED_MS: i64 = 120_000;
/// Milliseconds for which due work may wait before it is critical.
const QUEUE_CRITICAL_MS: i64 = 600_000;
/// The share of failed attempts, in percent, from which an action is degraded.
const DEGRADED_PERCENT: f64 = 10.0;
/// The share of failed attempts, in percent, from which an action is critical.
const CRITICAL_PERCENT: f64 = 50.0;
/// The share of its timeout, in percent, from which the 95th percentile of durations degrades an action.
const SLOW_PERCENT: f64 = 80.0;
/// How often slower than on the whole last day degrades an action, if it is slower than [`SLOW_MS`] besides.
const SLOWER: f64 = 3.0;
/// Durations below this, in milliseconds, are never slow.
const SLOW_MS: f64 = 1_000.0;
/// Attempts needed to judge durations.
const MIN_DURATIONS: i64 = 10;

/// What is known of the attempts of the last minutes on all nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Recent {
    /// Attempts that worked.
    pub succeeded: i64,
    /// Attempts that failed.
    pub failed: i64,
    /// The 95th percentile of their durations, in milliseconds.
    pub p95_ms: Option<f64>,
}

/// What a verdict on an action looks at.
#[derive(Clone, Copy, Debug)]
pub struct Vitals<'a> {
    /// Its attempts in the last minutes.
    pub recent: Recent,
    /// The 95th percentile of durations over the last day, in milliseconds.
    pub usual_p95_ms: Option<f64>,
    /// The bound on one attempt, in milliseconds.
    pub timeout_ms: f64,
    /// How long work that is due has waited, in milliseconds.
    pub overdue_ms: Option<i64>,
    /// Why its breaker is open.
    pub open_breaker: Option<&'a str>,
    /// Whether its handler can work; none when this node has no such handler.
    pub handler: Option<&'a HandlerHealth>,
}

/// The numbers that lists show, renewed by the monitor.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// Recent attempts by action.
    pub recent: HashMap<String, Recent>,
    /// The last day by action.
    pub briefs: HashMap<String, Brief>,
    /// Why an action's breaker is open, on whichever node.
    pub open_breakers: HashMap<String, String>,
    /// How long due work of an action has waited, in milliseconds, where that is too long.
    pub overdue_ms: HashMap<String, i64>,
    /// Whether handlers can work, by type.
    pub handlers: Arc<HashMap<String, HandlerHealth>>,
}

impl Board {
    /// The verdict on an action.
    pub fn health_of(&self, action: &Action) -> Health {
        let recent = self.recent.get(&action.id).copied().unwrap_or_default();
        self.verdict_with(action, recent, self.overdue_ms.get(&action.id).copied(), self.open_breakers.get(&action.id).map(String::as_str))
    }

    /// The verdict on an action with some numbers that are fresher than the board's.
    pub fn verdict_with(&self, action: &Action, recent: Recent, overdue_ms: Option<i64>, open_breaker: Option<&str>) -> Health {
        let d = &action.definition;
        let vitals = Vitals {
            recent,
            usual_p95_ms: self.briefs.get(&action.id).and_then(|b| b.p95_ms),
            timeout_ms: f64::from(d.effective_timeout_seconds()) * 1_000.0,
            overdue_ms,
            open_breaker,
            // Before the first look at the handlers nothing is known of any.
            handler: if self.handlers.is_empty() { Some(&HandlerHealth::Unknown) } else { self.handlers.get(d.handler_type.as_str()) },
        };
        verdict(d.is_enabled, &vitals)
    }

    /// The numbers of an action's last day.
    pub fn brief_of(&self, action_id: &str) -> Brief {
        self.briefs.get(action_id).cloned().unwrap_or_else(|| Brief { hourly: vec![0; 24], ..Brief::default() })
    }
}

/// The verdict: the worst of the checks, with the sentence of that check.
pub fn verdict(enabled: bool, vitals: &Vitals<'_>) -> Health {
    if !enabled {
        return Health { status: HealthStatus::Unknown, message: "The action is switched off.".to_owned(), checks: Vec::new() };
    }
    summary(vec![error_rate(vitals.recent), latency(vitals), queue_age(vitals.overdue_ms), breaker(vitals.open_breaker), handler(vitals.handler)])
}

fn check(name: &str, status: HealthStatus, message: impl Into<String>) -> Check {
    Check { name: name.to_owned(), status, message: message.into() }
}

fn error_rate(recent: Recent) -> Check {
    let total = recent.succeeded + recent.failed;
    if total == 0 {
        return check("error_rate", HealthStatus::Unknown, format!("No attempts in the last {HEALTH_MINUTES} minutes."));
    }
    let percent = recent.failed as f64 * 100.0 / total as f64;
    let status = match percent {
        p if p >= CRITICAL_PERCENT => HealthStatus::Critical,
        p if p >= DEGRADED_PERCENT => HealthStatus::Degraded,
        _ => HealthStatus::Healthy,
    };
    check("error_rate", status, format!("{} of {total} attempts failed ({percent:.0} %) in the last {HEALTH_MINUTES} minutes.", recent.failed))
}

fn latency(vitals: &Vitals<'_>) -> Check {
    let Recent { succeeded, failed, p95_ms } = vitals.recent;
    let total = succeeded + failed;
    let Some(p95) = p95_ms.filter(|_| total >= MIN_DURATIONS) else {
        return check("latency", HealthStatus::Unknown, format!("Fewer than {MIN_DURATIONS} attempts in the last {HEALTH_MINUTES} minutes; too few to judge durations."));
    };
    let (took, timeout) = (seconds(p95), seconds(vitals.timeout_ms));
    if p95 * 100.0 >= vitals.timeout_ms * SLOW_PERCENT {
        return check("latency", HealthStatus::Degraded, format!("The slowest 5 % of attempts take {took} or more; the timeout is {timeout}."));
    }
    match vitals.usual_p95_ms {
        Some(usual) if p95 >= SLOW_MS && p95 >= usual * SLOWER => {
            let message = format!("The slowest 5 % of attempts take {took} or more; over the last day it was {}.", seconds(usual));
            check("latency", HealthStatus::Degraded, message)
        }
        _ => check("latency", HealthStatus::Healthy, format!("95 % of attempts take at most {took}; the timeout is {timeout}.")),
    }
}

/// A duration in milliseconds as people read it.
pub(super) fn seconds(ms: f64) -> String {
    match ms {
        ..1_000.0 => format!("{ms:.0} ms"),
        ..120_000.0 => format!("{:.1} s", ms / 1_000.0),
        _ => age((ms / 1_000.0) as i64),
    }
}

/// How long something has waited, in seconds, as people read it.
pub(super) fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

fn queue_age(overdue_ms: Option<i64>) -> Check {
    match overdue_ms {
        Some(ms) if ms >= QUEUE_DEGRADED_MS => {
            let status = if ms >= QUEUE_CRITICAL_MS { HealthStatus::Critical } else { HealthStatus::Degraded };
            check("queue_age", status, format!("Work that is due has waited for {}.", age(ms / 1_000)))
        }
        _ => check("queue_age", HealthStatus::Healthy, "No work waits longer than it should."),
    }
}

fn breaker(open: Option<&str>) -> Check {
    match open {
        Some(why) => check("breaker", HealthStatus::Critical, why),
        None => check("breaker", HealthStatus::Healthy, "The breaker is closed."),
    }
}

fn handler(health: Option<&HandlerHealth>) -> Check {
    match health {
        None => check("handler", HealthStatus::Critical, "This service has no such handler."),
        Some(HandlerHealth::Unavailable(why)) => check("handler", HealthStatus::Critical, format!("The handler cannot work: {why}")),
        Some(HandlerHealth::Healthy) => check("handler", HealthStatus::Healthy, "The handler works."),
        Some(HandlerHealth::Unknown) => check("handler", HealthStatus::Healthy, "The handler is there."),
    }
}

/// The worst trouble speaks for all, the first of equals; without trouble the first check does.
pub fn summary(checks: Vec<Check>) -> Health {
    let worst = checks.iter().reduce(|worst, c| if c.status > worst.status && c.status >= HealthStatus::Degraded { c } else { worst });
    match worst {
        Some(c) => Health { status: c.status, message: c.message.clone(), checks },
        None => Health::default(),
    }
}

#[cfg(test)]
mod tests;
