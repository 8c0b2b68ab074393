//! What the evaluator found: the eight gates, each with its reason.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::condition::Operator;

/// The gates in the order in which an event meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The action is switched on and not deleted.
    Enabled,
    /// The event belongs to the action's tenant.
    Tenant,
    /// A pattern covers the event's type.
    EventType,
    /// Every context filter agrees with the metadata.
    ContextFilters,
    /// Every condition holds.
    Conditions,
    /// A token is left and the breaker is closed.
    RateLimit,
    /// The handler exists and can work.
    HandlerAvailable,
    /// The configuration renders.
    Rendering,
}

impl Gate {
    /// Every gate in order.
    pub const ALL: [Self; 8] = [Self::Enabled, Self::Tenant, Self::EventType, Self::ContextFilters, Self::Conditions, Self::RateLimit, Self::HandlerAvailable, Self::Rendering];

    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Tenant => "tenant",
            Self::EventType => "event_type",
            Self::ContextFilters => "context_filters",
            Self::Conditions => "conditions",
            Self::RateLimit => "rate_limit",
            Self::HandlerAvailable => "handler_available",
            Self::Rendering => "rendering",
        }
    }

    /// The word on the gate strip.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Tenant => "Tenant",
            Self::EventType => "Type",
            Self::ContextFilters => "Context",
            Self::Conditions => "Conditions",
            Self::RateLimit => "Limit",
            Self::HandlerAvailable => "Handler",
            Self::Rendering => "Render",
        }
    }
}

/// What a gate said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// It let the event through.
    Passed,
    /// It stopped the event.
    Stopped,
    /// The execution waits here and goes on by itself (limits, breaker).
    Waits,
    /// It was not looked at.
    NotEvaluated,
}

/// A change that would make a condition hold, offered as one click.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Mend {
    /// The words on the button, such as `Use "20"`.
    pub label: String,
    /// The condition's new value.
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub value: Value,
}

/// What one condition or group said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ConditionReport {
    /// Where it stands, as a JSON Pointer into the action: `/conditions/2`.
    pub pointer: String,
    /// Whether it holds.
    pub holds: bool,
    /// An English sentence with the actual and the expected value.
    pub reason: String,
    /// The path, for a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The operator, for a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// The condition's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub expected: Option<Value>,
    /// What the path resolved to, at most five values.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Vec<Object>))]
    pub actual: Vec<Value>,
    /// How to put it right, when the fault is a mix-up of types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<Mend>,
    /// The items of a group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "server", schema(no_recursion))]
    pub items: Vec<ConditionReport>,
}

/// What one gate said and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct GateReport {
    /// Which gate.
    pub gate: Gate,
    /// What it said.
    pub outcome: GateOutcome,
    /// An English sentence.
    pub reason: String,
    /// For `conditions`: each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionReport>,
}

/// The whole verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MatchReport {
    /// Whether gates 1 to 5 pass: an execution is made.
    pub matched: bool,
    /// One English sentence: the first gate that stops, with actual and expected values.
    pub reason: String,
    /// The first gate that stops or makes wait.
    pub stopped_at: Option<Gate>,
    /// All eight, in order.
    pub gates: Vec<GateReport>,
}

impl MatchReport {
    /// Sets what a server-side gate found, then settles reason and `stopped_at` anew.
    pub fn fill(&mut self, gate: Gate, outcome: GateOutcome, reason: impl Into<String>) {
        if let Some(report) = self.gates.iter_mut().find(|g| g.gate == gate) {
            report.outcome = outcome;
            report.reason = reason.into();
        }
        self.settle();
    }

    /// Derives `matched`, `stopped_at` and `reason` from the gates.
    pub fn settle(&mut self) {
        self.matched = self.gates.iter().filter(|g| g.gate <= Gate::Conditions).all(|g| g.outcome == GateOutcome::Passed);
        let first = self.gates.iter().find(|g| matches!(g.outcome, GateOutcome::Stopped | GateOutcome::Waits));
        self.stopped_at = first.map(|g| g.gate);
        self.reason = first.map_or_else(|| "Would run: every gate passes.".to_owned(), |g| g.reason.clone());
    }
}
