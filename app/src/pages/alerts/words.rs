//! Words for alerts and their rules: kinds, values with their unit, who did what, when a rule fires.

use event_actions::model::alert::{Alert, AlertKind, AlertRule, AlertState, Metric, Severity};
use leptos::prelude::*;

use crate::components::format::{count, duration, percent, plural};
use crate::components::icon;
use crate::components::status_badge::{Badge, Tone};

/// What an alert is about.
#[must_use]
pub const fn kind_words(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::ErrorRate => "Error rate",
        AlertKind::SlowExecutions => "Slow executions",
        AlertKind::HandlerFailure => "Handler failure",
        AlertKind::ResourceExhaustion => "Resource short",
        AlertKind::AutoDisable => "Switched off by itself",
        AlertKind::AuditChain => "Audit log",
        AlertKind::Loop => "Loop",
    }
}

/// What runs short.
#[must_use]
pub const fn metric_words(metric: Metric) -> &'static str {
    match metric {
        Metric::QueueDepth => "Executions that wait",
        Metric::QueueAgeSeconds => "Age of the oldest due execution (s)",
        Metric::DatabaseLatencyMs => "Database latency (ms)",
        Metric::MemoryPercent => "Memory in use (%)",
        Metric::DiskPercent => "Disk in use (%)",
        Metric::ConnectionsPercent => "Database connections in use (%)",
    }
}

/// How bad it is, in a word.
#[must_use]
pub const fn severity_words(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Notice",
        Severity::Warning => "Warning",
        Severity::Critical => "Critical",
    }
}

/// How bad it is.
#[component]
pub fn SeverityBadge(
    /// The severity.
    severity: Severity,
) -> impl IntoView {
    let (tone, icon) = match severity {
        Severity::Critical => (Tone::Bad, icon::TRIANGLE),
        Severity::Warning => (Tone::Warn, icon::DEGRADED),
        Severity::Info => (Tone::Idle, icon::INFO),
    };
    view! { <Badge tone=tone icon=icon text=severity_words(severity)/> }
}

/// Where an alert stands.
#[must_use]
pub const fn state_words(state: AlertState) -> &'static str {
    match state {
        AlertState::Pending => "Pending",
        AlertState::Firing => "Firing",
        AlertState::Acknowledged => "Acknowledged",
        AlertState::Silenced => "Silenced",
        AlertState::Resolved => "Resolved",
    }
}

/// Someone of the audit log as people say it: an address, the name of a key, the service itself.
#[must_use]
pub fn who(actor: &str) -> String {
    match actor.split_once(':') {
        Some(("user", email)) => email.to_owned(),
        Some(("key", name)) => format!("the key {name}"),
        _ => "the service".to_owned(),
    }
}

/// What of the system an alert is about, as its subject ends.
fn metric_of(subject: &str) -> Option<Metric> {
    Metric::ALL.into_iter().find(|m| subject.rsplit(':').next() == Some(m.name()))
}

fn measured(metric: Metric, value: f64) -> String {
    match metric {
        Metric::QueueDepth => plural(value as i64, "waits", "wait"),
        Metric::QueueAgeSeconds => duration(value * 1_000.0),
        Metric::DatabaseLatencyMs => duration(value),
        Metric::MemoryPercent | Metric::DiskPercent | Metric::ConnectionsPercent => format!("{} %", percent(value)),
    }
}

/// A number of an alert in its unit.
#[must_use]
pub fn value_words(kind: AlertKind, subject: &str, value: f64) -> String {
    match kind {
        AlertKind::ErrorRate => format!("{} %", percent(value)),
        AlertKind::SlowExecutions => duration(value),
        AlertKind::HandlerFailure => plural(value as i64, "failure", "failures"),
        AlertKind::ResourceExhaustion => metric_of(subject).map_or_else(|| count(value as i64), |m| measured(m, value)),
        AlertKind::AutoDisable | AlertKind::AuditChain | AlertKind::Loop => plural(value as i64, "time", "times"),
    }
}

/// What was measured beside what is allowed: `38 %, limit 10 %`; how often, where nothing is measured.
#[must_use]
pub fn against_limit(alert: &Alert) -> String {
    let of = |value: f64| value_words(alert.kind, &alert.subject, value);
    match alert.kind {
        AlertKind::AutoDisable | AlertKind::AuditChain | AlertKind::Loop => of(alert.value),
        AlertKind::HandlerFailure if alert.action_id.is_none() => "not available".to_owned(),
        _ => format!("{}, limit {}", of(alert.value), round(&of(alert.threshold))),
    }
}

/// A limit as people set it: `5 s`, not `5.0 s`.
fn round(words: &str) -> String {
    words.replace(".0 ", " ")
}

/// Seconds as people say them: `5 min`, `90 s`, `2 h`.
#[must_use]
pub fn seconds_words(seconds: u32) -> String {
    match seconds {
        s if s >= 3_600 && s % 3_600 == 0 => format!("{} h", s / 3_600),
        s if s >= 60 && s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// When a rule fires, as a sentence without its end: threshold, window, sample, time.
#[must_use]
pub fn fires_when(rule: &AlertRule) -> String {
    let (limit, window) = (rule.threshold, seconds_words(rule.window_seconds));
    let sample = plural(i64::from(rule.min_samples), "attempt", "attempts");
    let held = if rule.for_seconds == 0 { String::new() } else { format!(", for {}", seconds_words(rule.for_seconds)) };
    let what = match rule.kind {
        AlertKind::ErrorRate => format!("more than {limit} % of at least {sample} within {window} fail"),
        AlertKind::SlowExecutions => format!("the slowest 5 % of at least {sample} within {window} take longer than {}", round(&duration(limit))),
        AlertKind::HandlerFailure => "a circuit breaker is open, or a handler cannot work".to_owned(),
        AlertKind::ResourceExhaustion => {
            let metric = rule.metric.unwrap_or(Metric::QueueDepth);
            match metric {
                Metric::QueueDepth => format!("more than {} executions wait", count(limit as i64)),
                Metric::QueueAgeSeconds => format!("the oldest due execution waits longer than {}", round(&duration(limit * 1_000.0))),
                Metric::DatabaseLatencyMs => format!("the database takes longer than {} to answer", round(&duration(limit))),
                Metric::MemoryPercent => format!("more than {limit} % of the memory is in use"),
                Metric::DiskPercent => format!("more than {limit} % of the disk is in use"),
                Metric::ConnectionsPercent => format!("more than {limit} % of the database connections are in use"),
            }
        }
        AlertKind::AutoDisable => "an action is switched off by the service itself".to_owned(),
        AlertKind::AuditChain => "the audit log does not verify".to_owned(),
        AlertKind::Loop => format!("actions cause each other without end; over {window} after the last time"),
    };
    format!("{what}{held}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_carry_their_unit() {
        for (kind, subject, value, text) in [
            (AlertKind::ErrorRate, "action:x", 37.5, "37.5 %"),
            (AlertKind::SlowExecutions, "action:x", 5_200.0, "5.2 s"),
            (AlertKind::HandlerFailure, "action:x", 1.0, "1 failure"),
            (AlertKind::ResourceExhaustion, "queue_depth", 12_000.0, "12,000 wait"),
            (AlertKind::ResourceExhaustion, "queue_age_seconds", 90.0, "90 s"),
            (AlertKind::ResourceExhaustion, "node:a:b:disk_percent", 91.0, "91.0 %"),
            (AlertKind::Loop, "action:x", 3.0, "3 times"),
        ] {
            assert_eq!(value_words(kind, subject, value), text, "{subject}");
        }
    }

    #[test]
    fn rules_say_when_they_fire() {
        let rule = AlertRule { for_seconds: 90, ..AlertRule::new(AlertKind::ErrorRate, "A", 10.0, Severity::Critical) };
        assert_eq!(fires_when(&rule), "more than 10 % of at least 10 attempts within 5 min fail, for 90 s");
        let short = AlertRule { metric: Some(Metric::QueueAgeSeconds), ..AlertRule::new(AlertKind::ResourceExhaustion, "A", 120.0, Severity::Warning) };
        assert_eq!(fires_when(&short), "the oldest due execution waits longer than 2 min");
        let slow = AlertRule::new(AlertKind::SlowExecutions, "A", 5_000.0, Severity::Warning);
        assert_eq!(fires_when(&slow), "the slowest 5 % of at least 10 attempts within 5 min take longer than 5 s");
        assert_eq!((seconds_words(7_200), seconds_words(61)), ("2 h".to_owned(), "61 s".to_owned()));
    }

    #[test]
    fn people_are_named_without_their_kind() {
        assert_eq!((who("user:a@example.com"), who("key:ci"), who("system:x")), ("a@example.com".to_owned(), "the key ci".to_owned(), "the service".to_owned()));
    }
}
