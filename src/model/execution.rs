//! Executions: one run of one action for one event, and its attempts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Timestamp;
use super::action::{ExecutionMode, Priority};

/// Most bytes kept of a response body in an attempt.
pub const MAX_CAPTURED_BYTES: usize = 64 * 1024;

/// Where an execution stands. Terminal states never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits to be started.
    Pending,
    /// An attempt is under way on some node.
    Running,
    /// Failed for now; the next attempt is due later.
    Retrying,
    /// Done. Terminal.
    Succeeded,
    /// A permanent error. Terminal.
    Failed,
    /// Stopped by a person. Terminal.
    Cancelled,
    /// Retries exhausted, or it killed its workers. Terminal; waits for a person.
    DeadLetter,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] = [Self::Pending, Self::Running, Self::Retrying, Self::Succeeded, Self::Failed, Self::Cancelled, Self::DeadLetter];

    /// The word in JSON and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::DeadLetter => "dead_letter",
        }
    }

    /// The status of a stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == word)
    }

    /// Whether nothing further will happen.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::DeadLetter)
    }
}

/// The class of an error, stable for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The attempt's time ran out.
    Timeout,
    /// No connection: refused, reset, unreachable.
    Connection,
    /// The name does not resolve.
    Dns,
    /// The certificate or handshake is bad.
    Tls,
    /// The receiver answered with a status that means failure.
    HttpStatus,
    /// The receiver's answer breaks its protocol or a limit.
    Protocol,
    /// The outbound guard forbids the address.
    ForbiddenTarget,
    /// The configuration does not make sense at run time.
    Configuration,
    /// A template could not be rendered.
    Render,
    /// The mail server refused.
    Smtp,
    /// A function threw or returned an error.
    Function,
    /// A sandbox limit (memory, output, fuel) was hit.
    Limit,
    /// A workflow step failed.
    Step,
    /// No handler of this type on this node.
    NoHandler,
    /// The lease was lost; the node crashed or stalled.
    LostLease,
    /// A person stopped it.
    Cancelled,
    /// Our own fault.
    Internal,
}

/// Why an execution or attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ExecutionError {
    /// The class.
    pub class: ErrorClass,
    /// An English sentence.
    pub message: String,
    /// Whether trying again can help.
    pub retryable: bool,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It worked.
    Succeeded,
    /// It failed.
    Failed,
    /// Nobody knows: the node lost its lease.
    Lost,
    /// A workflow paused for a delay, or the node drained; no failure.
    Suspended,
    /// A person stopped it.
    Cancelled,
}

impl Outcome {
    /// The word in JSON and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
        }
    }

    /// The outcome of a stored word; unknown words are lost.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        [Self::Succeeded, Self::Failed, Self::Suspended, Self::Cancelled].into_iter().find(|o| o.name() == word).unwrap_or(Self::Lost)
    }
}

/// One try at running an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Attempt {
    /// Counts from 1.
    pub number: u32,
    /// The node that ran it.
    pub node: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; absent for the attempt under way.
    pub finished_at: Option<Timestamp>,
    /// Milliseconds from start to end.
    pub duration_ms: Option<i64>,
    /// How it ended; absent for the attempt under way.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub error: Option<ExecutionError>,
    /// What was sent, secrets redacted: for a webhook `{method, url, headers, body}`.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub request: Option<Value>,
    /// What came back: for a webhook `{status, headers, body, truncated}`.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub response: Option<Value>,
    /// Lines that a function or workflow logged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<String>,
}

/// One run of one action for one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Execution {
    /// UUIDv7; also the `webhook-id`.
    pub id: String,
    /// The tenant of the event.
    pub tenant_id: String,
    /// The event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// The action.
    pub action_id: String,
    /// Its name when it matched.
    pub action_name: String,
    /// Its version when it matched.
    pub action_version: i64,
    /// Its handler type.
    pub handler_type: String,
    /// Who waits.
    pub mode: ExecutionMode,
    /// What goes first.
    pub priority: Priority,
    /// Where it stands.
    pub status: Status,
    /// What the handler returned.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub result: Option<Value>,
    /// The last error.
    pub error: Option<ExecutionError>,
    /// How many attempts have begun.
    pub attempt_count: u32,
    /// The attempts; filled in by the detail, empty in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// When the event was committed.
    pub created_at: Timestamp,
    /// When the first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it reached a terminal state.
    pub finished_at: Option<Timestamp>,
    /// Milliseconds from the first start to the end.
    pub duration_ms: Option<i64>,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Timestamp>,
    /// The execution this one replays.
    pub replay_of: Option<String>,
    /// When a person replayed or discarded the dead letter.
    pub handled_at: Option<Timestamp>,
    /// The rendered ordering key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordering_key: Option<String>,
}

/// Filters of the list of executions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionFilter {
    /// One status, or `failed`, which covers dead letters too.
    pub status: Option<String>,
    /// Only this action.
    pub action_id: Option<String>,
    /// Only this event.
    pub event_id: Option<String>,
    /// Exact event type.
    pub event_type: Option<String>,
    /// Exact handler type.
    pub handler_type: Option<String>,
    /// Exact error class.
    pub error_class: Option<String>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub to: Option<Timestamp>,
    /// Took at least this many milliseconds.
    pub min_duration_ms: Option<i64>,
    /// Dead letters that nobody has handled.
    #[serde(default)]
    pub unhandled_only: bool,
    /// For a platform credential: only this tenant.
    pub tenant_id: Option<String>,
}

/// An execution as the answer to an event shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ExecutionBrief {
    /// The execution.
    pub id: String,
    /// The action.
    pub action_id: String,
    /// Its name.
    pub action_name: String,
    /// Its priority.
    pub priority: Priority,
    /// Its mode.
    pub mode: ExecutionMode,
    /// Where it stands now.
    pub status: Status,
    /// What a sync action returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub result: Option<Value>,
    /// Why a sync action failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ExecutionError>,
}

/// The answer to an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The event's id, the client's own or a new one.
    pub event_id: String,
    /// Whether this event had been accepted before.
    pub duplicate: bool,
    /// How many actions matched.
    pub matched: usize,
    /// One execution per matching action, in order.
    pub executions: Vec<ExecutionBrief>,
}
