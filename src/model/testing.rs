//! Tests of actions without risk, questions about events, and their answers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Timestamp;
use super::action::Priority;
use super::execution::{ExecutionBrief, Status};
use super::report::{Gate, MatchReport};

/// A made-up event to test an action with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// The event's type.
    pub event_type: String,
    /// The event's payload: an object.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub event_data: Map<String, Value>,
    /// The event's metadata: an object.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub metadata: Map<String, Value>,
    /// Whether nothing is sent; true when absent. A real send also needs `executions:write`.
    #[serde(default = "yes")]
    pub dry_run: bool,
}

const fn yes() -> bool {
    true
}

/// What a test found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct TestReport {
    /// The eight gates, the reason, and whether it matched.
    #[serde(flatten)]
    pub report: MatchReport,
    /// What would be sent; absent when it cannot be rendered. `{destination, request, curl}`.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub preview: Option<Value>,
    /// What a real send did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionBrief>,
}

/// An event to ask about: which actions would it fire?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MatchRequest {
    /// The event's type.
    pub event_type: String,
    /// The event's payload: an object.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub event_data: Map<String, Value>,
    /// The event's metadata: an object.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub metadata: Map<String, Value>,
}

/// What one action makes of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Considered {
    /// The action.
    pub action_id: String,
    /// Its name.
    pub action_name: String,
    /// Its version.
    pub action_version: i64,
    /// Its priority.
    pub priority: Priority,
    /// The gates and the reason.
    #[serde(flatten)]
    pub report: MatchReport,
    /// The execution it made of a stored event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<String>,
    /// Where that execution stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_status: Option<Status>,
}

/// Which actions an event would fire, in order, and what stops each other one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MatchResponse {
    /// Those that would run, in the order in which they would.
    pub matched: Vec<Considered>,
    /// The others, at most 1,000, each with the gate that stops it.
    pub stopped: Vec<Considered>,
}

/// A test against stored events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BacktestRequest {
    /// How many of the latest events, 1 to 1,000; 200 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// What a backtest found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct BacktestReport {
    /// How many events were looked at.
    pub considered: usize,
    /// How many would have matched.
    pub matched: usize,
    /// The ids of those, latest first.
    pub event_ids: Vec<String>,
    /// How many were stopped by each of gates 1 to 5.
    pub stopped: Vec<StoppedAt>,
    /// How many events each top-level condition lets pass, in order.
    pub condition_passes: Vec<usize>,
    /// Whether time ran out (5 s) before as many events were looked at as asked for.
    pub is_cut_short: bool,
}

/// How many events one gate stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StoppedAt {
    /// The gate.
    pub gate: Gate,
    /// How many it stopped first.
    pub count: usize,
}

/// How to replay an execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// `original` (default) or `current`.
    #[serde(default)]
    pub action_version: ReplayVersion,
    /// Replaces the event's data; the edited event is stored as a new one.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub event_data: Option<Map<String, Value>>,
}

/// Which version of the action a replay runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReplayVersion {
    /// The one that matched then.
    #[default]
    Original,
    /// The one in force now.
    Current,
}

/// Filters of the list of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// An exact type, or a pattern such as `user.*`.
    pub event_type: Option<String>,
    /// Exact aggregate.
    pub aggregate_id: Option<String>,
    /// Exact correlation.
    pub correlation_id: Option<String>,
    /// Received at or after.
    pub from: Option<Timestamp>,
    /// Received before.
    pub to: Option<Timestamp>,
    /// For a platform credential: only this tenant.
    pub tenant_id: Option<String>,
}
