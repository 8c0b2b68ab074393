//! From numbers to readings of a rule: pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::nodes::NodeReport;
use super::rules::Reading;
use crate::db::stats::{ATTEMPT_FAILED, ATTEMPT_SUCCEEDED, ECHO_FAILED, ECHO_SUCCEEDED, StatRow};
use crate::engine::health::{age, seconds};
use crate::model::action::Action;
use crate::model::alert::{AlertKind, AlertRule, Metric, RuleScope};
use crate::model::stats::percentile;

/// Attempts of one action for one tenant's events, without those that alerts caused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attempts {
    succeeded: i64,
    failed: i64,
    latency: BTreeMap<i64, i64>,
}

impl Attempts {
    fn merge(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        other.latency.iter().for_each(|(bucket, count)| *self.latency.entry(*bucket).or_default() += count);
    }
}

/// Attempts by action, and in it by tenant.
#[derive(Clone, Debug, Default)]
pub struct Counts(HashMap<String, HashMap<String, Attempts>>);

impl Counts {
    /// Counts a row. What an alert's own event caused is taken out again, so that no alert feeds on itself.
    pub fn add(&mut self, row: &StatRow) {
        let (failed, sign) = match row.kind.as_str() {
            ATTEMPT_SUCCEEDED => (false, 1),
            ATTEMPT_FAILED => (true, 1),
            ECHO_SUCCEEDED => (false, -1),
            ECHO_FAILED => (true, -1),
            _ => return,
        };
        let attempts = self.0.entry(row.action_id.clone()).or_default().entry(row.tenant_id.clone()).or_default();
        *(if failed { &mut attempts.failed } else { &mut attempts.succeeded }) += sign * row.count;
        *attempts.latency.entry(row.bucket).or_default() += sign * row.count;
    }

    /// The attempts that a rule looks at: of every tenant's events, or of the rule's own tenant.
    fn of(&self, action_id: &str, tenant: Option<&str>) -> Attempts {
        let mut sum = Attempts::default();
        let parts = self.0.get(action_id).into_iter().flatten();
        parts.filter(|(t, _)| tenant.is_none_or(|tenant| *t == tenant)).for_each(|(_, attempts)| sum.merge(attempts));
        sum
    }
}

/// Whom an alert of this rule on this action concerns: `None` when the rule does not look at it; within, the tenant.
pub fn concerns(rule: &AlertRule, action: &Action) -> Option<Option<String>> {
    if !rule.covers(&action.id, &action.definition.tags) {
        return None;
    }
    match (&rule.tenant_id, &action.definition.tenant_id) {
        (None, owner) => Some(owner.clone()),
        (Some(tenant), Some(owner)) if tenant != owner => None,
        (Some(tenant), _) => Some(Some(tenant.clone())),
    }
}

/// The subject of alerts on an action.
pub fn action_subject(id: &str) -> String {
    format!("action:{id}")
}

fn about_action(action: &Action, tenant_id: Option<String>, value: f64, limit: f64, message: String) -> Reading {
    Reading { subject: action_subject(&action.id), tenant_id, action_id: Some(action.id.clone()), value, limit, samples: 1, message }
}

/// Readings of a rule that counts attempts. `find` gives an action that exists.
pub fn of_attempts(rule: &AlertRule, counts: &Counts, find: impl Fn(&str) -> Option<Arc<Action>>) -> Vec<Reading> {
    let minutes = rule.window_seconds.div_ceil(60);
    let mut out = Vec::new();
    for id in counts.0.keys() {
        let Some(action) = find(id) else { continue };
        let Some(tenant) = concerns(rule, &action) else { continue };
        let attempts = counts.of(id, rule.tenant_id.as_deref());
        let (samples, name) = (attempts.succeeded + attempts.failed, &action.definition.name);
        let (value, message) = if rule.kind == AlertKind::ErrorRate {
            let percent = if samples > 0 { attempts.failed as f64 * 100.0 / samples as f64 } else { 0.0 };
            let message =
                format!("{percent:.0} % of the last {samples} attempts of {name:?} failed ({}) within {minutes} minutes; the limit is {} %.", attempts.failed, rule.threshold);
            (percent, message)
        } else {
            let p95 = percentile(&attempts.latency, 0.95).unwrap_or(0.0);
            let message = format!(
                "The slowest 5 % of the last {samples} attempts of {name:?} within {minutes} minutes took {} or more; the limit is {}.",
                seconds(p95),
                seconds(rule.threshold)
            );
            (p95, message)
        };
        out.push(Reading { samples, ..about_action(&action, tenant, value, rule.threshold, message) });
    }
    out
}

/// Readings of a rule about failing handlers: open breakers of actions on any node, and handlers that cannot work.
pub fn of_handlers(rule: &AlertRule, reports: &[NodeReport], find: impl Fn(&str) -> Option<Arc<Action>>) -> Vec<Reading> {
    let mut out: BTreeMap<String, Reading> = BTreeMap::new();
    for (id, breaker) in reports.iter().flat_map(|r| &r.breakers).filter(|(_, b)| b.cause.as_ref() != Some(&rule.id)) {
        let Some(action) = find(id) else { continue };
        let Some(tenant) = concerns(rule, &action) else { continue };
        let message = format!("The breaker of {:?} is open after {} failures in a row; its executions wait.", action.definition.name, breaker.failures);
        let reading = about_action(&action, tenant, f64::from(breaker.failures), f64::from(breaker.limit), message);
        let worse = out.get(&reading.subject).is_none_or(|other| other.value < reading.value);
        if worse {
            out.insert(reading.subject.clone(), reading);
        }
    }
    let is_whole = rule.tenant_id.is_none() && rule.scope == RuleScope::All;
    for (kind, why) in reports.iter().flat_map(|r| &r.unavailable).filter(|_| is_whole) {
        let subject = format!("handler:{kind}");
        let message = format!("The handler {kind} cannot work: {why}");
        // One is enough, however many failures in a row the rule asks of breakers.
        let value = rule.threshold;
        out.insert(subject.clone(), Reading { subject, tenant_id: None, action_id: None, value, limit: rule.threshold, samples: 1, message });
    }
    out.into_values().collect()
}

/// What all nodes share.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shared {
    /// How many executions wait.
    pub queue_depth: i64,
    /// For how many seconds the oldest that is due has waited.
    pub queue_age_seconds: f64,
}

/// Readings of a rule about what runs short.
pub fn of_resources(rule: &AlertRule, shared: Shared, reports: &[NodeReport]) -> Vec<Reading> {
    let Some(metric) = rule.metric else { return Vec::new() };
    let limit = rule.threshold;
    let one = |subject: String, value: f64, message: String| Reading { subject, tenant_id: None, action_id: None, value, limit, samples: 1, message };
    let allowed = if metric == Metric::DatabaseLatencyMs { seconds(limit) } else { format!("{limit} %") };
    let of_node = |of: fn(&NodeReport) -> Option<f64>, say: fn(&str, f64) -> String| {
        let read = |r: &NodeReport| of(r).map(|value| one(format!("node:{}:{}", r.node, metric.name()), value, format!("{} The limit is {allowed}.", say(&r.node, value))));
        reports.iter().filter_map(read).collect()
    };
    match metric {
        Metric::QueueDepth => vec![one("queue_depth".into(), shared.queue_depth as f64, format!("{} executions wait; the limit is {limit}.", shared.queue_depth))],
        Metric::QueueAgeSeconds => {
            let seconds = shared.queue_age_seconds;
            vec![one("queue_age_seconds".into(), seconds, format!("The oldest execution that is due has waited for {}; the limit is {}.", age(seconds as i64), age(limit as i64)))]
        }
        Metric::DatabaseLatencyMs => of_node(|r| r.database_latency_ms, |node, ms| format!("The database takes {ms:.0} ms to answer the node {node}.")),
        Metric::MemoryPercent => of_node(|r| r.memory_percent, |node, p| format!("The node {node} uses {p:.0} % of the memory it may have.")),
        Metric::DiskPercent => of_node(|r| r.disk_percent, |node, p| format!("{p:.0} % of the disk under the data folder of the node {node} is used.")),
        Metric::ConnectionsPercent => of_node(|r| r.connections_percent, |node, p| format!("{p:.0} % of the connections of the node {node} to the database are in use.")),
    }
}

#[cfg(test)]
mod tests;
