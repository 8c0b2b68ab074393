//! The verdicts on the system and on handlers.

use super::{Recent, age, check, error_rate, summary};
use crate::model::handler::HandlerHealth;
use crate::model::health::{Check, Health, HealthStatus};

/// Milliseconds of an answer from which the database is degraded.
const SLOW_DATABASE_MS: f64 = 500.0;
/// The share of the queue's room, in percent, from which it is degraded.
const FULL_PERCENT: f64 = 80.0;
/// Seconds that the oldest work may have waited before the queue is degraded.
const OLD_SECONDS: i64 = 120;
/// The share of memory or disk, in percent, from which it is degraded and critical.
const SHORT_PERCENT: (f64, f64) = (85.0, 95.0);

/// What a verdict on the system looks at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemVitals {
    /// Whether the database answers.
    pub database_up: bool,
    /// How long it took to, in milliseconds.
    pub database_ms: Option<f64>,
    /// How many executions wait.
    pub queue_depth: i64,
    /// How many may wait.
    pub queue_max: u64,
    /// How long the oldest that is due has waited, in milliseconds.
    pub oldest_pending_ms: Option<i64>,
    /// The largest share of its memory that a node uses.
    pub memory_percent: Option<f64>,
    /// The largest share of a node's disk that is used.
    pub disk_percent: Option<f64>,
    /// Handlers that cannot work although actions use them, with why.
    pub unavailable: Vec<(String, String)>,
}

/// The verdict on the system.
pub fn system_verdict(v: &SystemVitals) -> Health {
    let mut checks = vec![database(v), queue(v), handlers(&v.unavailable)];
    let shares = [("memory", "of the memory it may have", v.memory_percent), ("disk", "of the disk under the data folder", v.disk_percent)];
    checks.extend(shares.into_iter().filter_map(|(name, of, percent)| Some(share(name, of, percent?))));
    summary(checks)
}

fn database(v: &SystemVitals) -> Check {
    match v.database_ms {
        _ if !v.database_up => check("database", HealthStatus::Critical, "The database cannot be reached."),
        Some(ms) if ms >= SLOW_DATABASE_MS => check("database", HealthStatus::Degraded, format!("The database takes {ms:.0} ms to answer.")),
        _ => check("database", HealthStatus::Healthy, "The database answers."),
    }
}

fn queue(v: &SystemVitals) -> Check {
    let percent = v.queue_depth as f64 * 100.0 / v.queue_max.max(1) as f64;
    let seconds = v.oldest_pending_ms.unwrap_or(0) / 1_000;
    match percent {
        p if p >= 100.0 => check("queue", HealthStatus::Critical, format!("The queue is full: {} executions wait, and events are refused.", v.queue_depth)),
        p if p >= FULL_PERCENT => check("queue", HealthStatus::Degraded, format!("{} executions wait; at {} events are refused.", v.queue_depth, v.queue_max)),
        _ if seconds >= OLD_SECONDS => check("queue", HealthStatus::Degraded, format!("{} executions wait, the oldest for {}.", v.queue_depth, age(seconds))),
        _ => check("queue", HealthStatus::Healthy, format!("{} executions wait.", v.queue_depth)),
    }
}

fn handlers(unavailable: &[(String, String)]) -> Check {
    match unavailable {
        [] => check("handlers", HealthStatus::Healthy, "Every handler that actions use can work."),
        [(name, why), rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" {} more cannot work either.", rest.len()) };
            check("handlers", HealthStatus::Degraded, format!("The handler {name} cannot work: {why}{more}"))
        }
    }
}

fn share(name: &str, of: &str, percent: f64) -> Check {
    let status = match percent {
        p if p >= SHORT_PERCENT.1 => HealthStatus::Critical,
        p if p >= SHORT_PERCENT.0 => HealthStatus::Degraded,
        _ => HealthStatus::Healthy,
    };
    check(name, status, format!("{percent:.0} % {of} is used."))
}

/// The verdict on a handler: whether it can work, and how attempts through it went.
pub fn handler_verdict(health: &HandlerHealth, recent: Recent) -> Health {
    let available = match health {
        HandlerHealth::Unavailable(why) => check("available", HealthStatus::Critical, format!("It cannot work: {why}")),
        HandlerHealth::Healthy => check("available", HealthStatus::Healthy, "It works."),
        HandlerHealth::Unknown => check("available", HealthStatus::Unknown, "Nothing tells whether it works but its attempts."),
    };
    let attempts = error_rate(recent);
    // What it says of itself comes first; where it says nothing its attempts speak.
    if *health == HandlerHealth::Unknown { summary(vec![attempts, available]) } else { summary(vec![available, attempts]) }
}
