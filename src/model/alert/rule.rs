//! Rules: when an alert fires.

use serde::{Deserialize, Serialize};

use super::{AlertKind, Severity};
use crate::model::Timestamp;
use crate::model::action::text;
use crate::model::error::Faults;

/// Most rules that a tenant, or the platform, has.
pub const MAX_RULES: usize = 100;
/// Shortest window in seconds: attempts are counted by whole minutes.
pub const MIN_WINDOW_SECONDS: u32 = 60;
/// Longest window in seconds: six hours.
pub const MAX_WINDOW_SECONDS: u32 = 21_600;
/// Longest time in seconds that a condition may have to hold before it fires.
pub const MAX_FOR_SECONDS: u32 = 3_600;

/// What of the system runs short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// How many executions wait, on all nodes.
    QueueDepth,
    /// For how many seconds the oldest execution that is due has waited.
    QueueAgeSeconds,
    /// How many milliseconds the database takes to answer a node.
    DatabaseLatencyMs,
    /// The share of the memory it may have that a node's process uses.
    MemoryPercent,
    /// The share of the disk under a node's data folder that is used.
    DiskPercent,
    /// The share of a node's connections to the database that are in use.
    ConnectionsPercent,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 6] = [Self::QueueDepth, Self::QueueAgeSeconds, Self::DatabaseLatencyMs, Self::MemoryPercent, Self::DiskPercent, Self::ConnectionsPercent];

    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueDepth => "queue_depth",
            Self::QueueAgeSeconds => "queue_age_seconds",
            Self::DatabaseLatencyMs => "database_latency_ms",
            Self::MemoryPercent => "memory_percent",
            Self::DiskPercent => "disk_percent",
            Self::ConnectionsPercent => "connections_percent",
        }
    }

    /// Whether its value is a share of a hundred.
    #[must_use]
    pub const fn is_percent(self) -> bool {
        matches!(self, Self::MemoryPercent | Self::DiskPercent | Self::ConnectionsPercent)
    }
}

/// Which actions a rule looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RuleScope {
    /// Every action, each by itself.
    #[default]
    All,
    /// Every action that carries this label.
    Tag(String),
    /// One action, by its id.
    Action(String),
}

/// When an alert fires. Written and shown in the same shape; what the product fills in is ignored when it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// UUIDv7; left out for a new rule.
    #[serde(default)]
    pub id: String,
    /// What is looked at.
    pub kind: AlertKind,
    /// 1 to 200 characters.
    pub name: String,
    /// For `resource_exhaustion`: what runs short.
    #[serde(default)]
    pub metric: Option<Metric>,
    /// The limit. `error_rate`: percent of attempts; `slow_executions`: milliseconds of the 95th percentile;
    /// `resource_exhaustion`: in the metric's unit; it fires above. Elsewhere how often it must happen, 1 when absent.
    #[serde(default)]
    pub threshold: f64,
    /// The time that counts, 60 to 21,600 in whole minutes; for `loop` how long after the last one it is over.
    #[serde(default = "default_window")]
    pub window_seconds: u32,
    /// `error_rate`, `slow_executions`: attempts needed to say anything, 1 to 1,000,000.
    #[serde(default = "default_min_samples")]
    pub min_samples: u32,
    /// How long the condition must hold before it fires, 0 to 3,600; 0 fires at once.
    #[serde(default)]
    pub for_seconds: u32,
    /// How bad it is.
    #[serde(default)]
    pub severity: Severity,
    /// Which actions it looks at: `"all"`, `{"tag": "..."}` or `{"action": "ID"}`.
    #[serde(default)]
    pub scope: RuleScope,
    /// Whose rule it is; absent for the platform's, which holds for every tenant.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// Whether it is looked at. `auto_disable` always is.
    #[serde(default = "default_true")]
    pub is_enabled: bool,
    /// Counts up with every change, from 1; a change that names another than the current one is refused.
    #[serde(default)]
    pub version: i64,
    /// When it last changed.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(read_only))]
    pub updated_at: Timestamp,
    /// Who changed it.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(read_only))]
    pub updated_by: String,
}

const fn default_window() -> u32 {
    300
}

const fn default_min_samples() -> u32 {
    10
}

const fn default_true() -> bool {
    true
}

impl AlertRule {
    /// A platform rule with every default, for all actions.
    #[must_use]
    pub fn new(kind: AlertKind, name: &str, threshold: f64, severity: Severity) -> Self {
        Self {
            id: String::new(),
            kind,
            name: name.to_owned(),
            metric: None,
            threshold,
            window_seconds: default_window(),
            min_samples: default_min_samples(),
            for_seconds: 0,
            severity,
            scope: RuleScope::All,
            tenant_id: None,
            is_enabled: true,
            version: 0,
            updated_at: Timestamp(0),
            updated_by: String::new(),
        }
    }

    /// Fills in the threshold of kinds that count how often something happens.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        let is_count = !self.kind.counts_attempts() && self.kind != AlertKind::ResourceExhaustion;
        if is_count && self.threshold == 0.0 {
            self.threshold = 1.0;
        }
        self
    }

    /// Every fault at once; pointers begin at the rule.
    #[must_use]
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        text(&mut f, "/name", &self.name, 1, 200);
        let most = match (self.kind, self.metric) {
            (AlertKind::ErrorRate, _) => 100.0,
            (_, Some(metric)) if metric.is_percent() => 100.0,
            _ => 1e12,
        };
        let fine = self.threshold.is_finite() && self.threshold > 0.0 && self.threshold <= most;
        f.require(fine, "/threshold", "out_of_range", &format!("threshold must be above 0 and at most {most}."));
        let windows = MIN_WINDOW_SECONDS..=MAX_WINDOW_SECONDS;
        f.require(windows.contains(&self.window_seconds), "/window_seconds", "out_of_range", "window_seconds must be 60 to 21,600.");
        f.require((1..=1_000_000).contains(&self.min_samples), "/min_samples", "out_of_range", "min_samples must be 1 to 1,000,000.");
        f.require(self.for_seconds <= MAX_FOR_SECONDS, "/for_seconds", "out_of_range", "for_seconds must be 0 to 3,600.");
        self.validate_subject(&mut f);
        f
    }

    fn validate_subject(&self, f: &mut Faults) {
        let exhaustion = self.kind == AlertKind::ResourceExhaustion;
        f.require(self.metric.is_some() || !exhaustion, "/metric", "missing", "resource_exhaustion needs a metric, such as queue_depth.");
        f.require(self.metric.is_none() || exhaustion, "/metric", "not_here", "metric belongs to resource_exhaustion alone.");
        f.require(self.scope == RuleScope::All || self.kind.is_per_action(), "/scope", "not_here", "This kind is not about actions; its scope is \"all\".");
        match &self.scope {
            RuleScope::All => {}
            RuleScope::Tag(label) => text(f, "/scope/tag", label, 1, 50),
            RuleScope::Action(id) => text(f, "/scope/action", id, 1, 128),
        }
        let for_tenants = self.kind.is_per_action();
        f.require(self.tenant_id.is_none() || for_tenants, "/tenant_id", "platform_only", "Rules of this kind are the platform's alone.");
        f.require(self.is_enabled || self.kind != AlertKind::AutoDisable, "/is_enabled", "always_on", "Switching an action off is never silent; this rule stays on.");
    }

    /// Whether it looks at an action with these labels. Whose action it is, is another question.
    #[must_use]
    pub fn covers(&self, action_id: &str, tags: &[String]) -> bool {
        match &self.scope {
            RuleScope::All => true,
            RuleScope::Tag(label) => tags.contains(label),
            RuleScope::Action(id) => id == action_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn faults_of_rules() {
        for (rule, pointers) in [
            (json!({"kind": "error_rate", "name": "A", "threshold": 10}), vec![]),
            (json!({"kind": "error_rate", "name": "A"}), vec!["/threshold"]),
            (json!({"kind": "error_rate", "name": "", "threshold": 101, "window_seconds": 59}), vec!["/name", "/threshold", "/window_seconds"]),
            (json!({"kind": "handler_failure", "name": "A", "scope": {"tag": "billing"}}), vec![]),
            (json!({"kind": "handler_failure", "name": "A", "scope": {"tag": ""}, "for_seconds": 3601}), vec!["/for_seconds", "/scope/tag"]),
            (json!({"kind": "resource_exhaustion", "name": "A", "threshold": 5}), vec!["/metric"]),
            (json!({"kind": "resource_exhaustion", "name": "A", "threshold": 101, "metric": "disk_percent"}), vec!["/threshold"]),
            (
                json!({"kind": "resource_exhaustion", "name": "A", "threshold": 5, "metric": "queue_depth", "scope": {"action": "x"}, "tenant_id": "a"}),
                vec!["/scope", "/tenant_id"],
            ),
            (json!({"kind": "error_rate", "name": "A", "threshold": 5, "metric": "queue_depth", "min_samples": 0}), vec!["/min_samples", "/metric"]),
            (json!({"kind": "auto_disable", "name": "A", "is_enabled": false}), vec!["/is_enabled"]),
        ] {
            let read: AlertRule = serde_json::from_value(rule.clone()).unwrap_or_else(|e| panic!("{rule}: {e}"));
            let found: Vec<String> = read.normalised().validate().0.into_iter().map(|f| f.pointer).collect();
            assert_eq!(found, pointers, "{rule}");
        }
        assert!(serde_json::from_value::<AlertRule>(json!({"kind": "error_rate", "name": "A", "colour": 1})).is_err());
    }

    #[test]
    fn which_actions_a_rule_covers() {
        let tags = vec!["billing".to_owned()];
        let rule = |scope| AlertRule { scope, ..AlertRule::new(AlertKind::ErrorRate, "A", 10.0, Severity::Critical) };
        assert!(rule(RuleScope::All).covers("x", &[]));
        assert!(rule(RuleScope::Tag("billing".into())).covers("x", &tags) && !rule(RuleScope::Tag("other".into())).covers("x", &tags));
        assert!(rule(RuleScope::Action("x".into())).covers("x", &[]) && !rule(RuleScope::Action("y".into())).covers("x", &[]));
    }
}
