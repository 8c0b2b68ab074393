//! How executions of an action are delivered: what goes first, who waits, how often, and when to stop trying.

use serde::{Deserialize, Serialize};

/// What goes first among the work that one event starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Before everything.
    Critical,
    /// Before normal.
    High,
    /// The default.
    #[default]
    Normal,
    /// Yields to the others for at most 60 s.
    Low,
}

impl Priority {
    /// Every priority, most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// 0 for critical up to 3 for low; also the column's value.
    #[must_use]
    pub const fn rank(self) -> i64 {
        self as i64
    }

    /// The priority of a stored rank; unknown ranks are normal.
    #[must_use]
    pub fn from_rank(rank: i64) -> Self {
        usize::try_from(rank).ok().and_then(|r| Self::ALL.get(r).copied()).unwrap_or_default()
    }

    /// How long queued work of this priority yields to more urgent work, in milliseconds.
    #[must_use]
    pub const fn yield_ms(self) -> i64 {
        self.rank() * 20_000
    }

    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// Who waits for an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExecutionMode {
    /// The caller: it runs inside the request and the response carries the result.
    Sync,
    /// Nobody: it starts at once on the node that took the event.
    #[default]
    Async,
    /// Nobody: any node takes it from the durable queue.
    Queued,
}

impl ExecutionMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Sync, Self::Async, Self::Queued];

    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Async => "async",
            Self::Queued => "queued",
        }
    }

    /// The mode of a stored word; unknown words are queued, which any node can take.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|m| m.name() == word).unwrap_or(Self::Queued)
    }
}

/// How the wait grows between attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RetryStrategy {
    /// `retry_delay_seconds * 2^(n-1)`, at most one hour.
    #[default]
    Exponential,
    /// Always `retry_delay_seconds`.
    Fixed,
}

/// At most `max` starts in any `per_seconds`; over it executions wait. Per node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// 1 to 1,000,000.
    pub max: u32,
    /// 1 to 86,400.
    pub per_seconds: u32,
}

/// Opens after `failures` failed attempts in a row; after `cooldown_seconds` one probe goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CircuitBreaker {
    /// 1 to 1000.
    pub failures: u32,
    /// 1 to 86,400.
    pub cooldown_seconds: u32,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self { failures: 10, cooldown_seconds: 60 }
    }
}
