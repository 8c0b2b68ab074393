//! Alerts: that something is wrong, since when, and what a person did about it. Their rules are in [`rule`].

use serde::{Deserialize, Serialize};

use super::{ApiError, Timestamp};

pub mod rule;

pub use rule::{AlertRule, Metric, RuleScope};

/// Minutes of a silence when nobody says how long.
pub const DEFAULT_SILENCE_MINUTES: u32 = 60;
/// Longest silence in minutes: 30 days.
pub const MAX_SILENCE_MINUTES: u32 = 43_200;
/// The type of the event that tells of an alert that began.
pub const FIRED_EVENT: &str = "system.alert.fired";
/// The type of the event that tells of its end.
pub const RESOLVED_EVENT: &str = "system.alert.resolved";

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Too many attempts of an action fail.
    ErrorRate,
    /// Attempts of an action take too long.
    SlowExecutions,
    /// The breaker of an action is open, or a handler cannot work.
    HandlerFailure,
    /// Something that everything shares runs short: queue, database, memory, disk.
    ResourceExhaustion,
    /// An action was switched off by the product itself.
    AutoDisable,
    /// The chain of the audit log does not hold.
    AuditChain,
    /// Events that actions emit cause each other without end.
    Loop,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [Self::ErrorRate, Self::SlowExecutions, Self::HandlerFailure, Self::ResourceExhaustion, Self::AutoDisable, Self::AuditChain, Self::Loop];

    /// The word in JSON and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::SlowExecutions => "slow_executions",
            Self::HandlerFailure => "handler_failure",
            Self::ResourceExhaustion => "resource_exhaustion",
            Self::AutoDisable => "auto_disable",
            Self::AuditChain => "audit_chain",
            Self::Loop => "loop",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == word)
    }

    /// Whether its alerts are about single actions, so that a rule may be narrowed to some of them.
    #[must_use]
    pub const fn is_per_action(self) -> bool {
        matches!(self, Self::ErrorRate | Self::SlowExecutions | Self::HandlerFailure | Self::AutoDisable | Self::Loop)
    }

    /// Whether it looks at attempts within a window.
    #[must_use]
    pub const fn counts_attempts(self) -> bool {
        matches!(self, Self::ErrorRate | Self::SlowExecutions)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Look at it today.
    #[default]
    Warning,
    /// Look at it now.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word in JSON and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The severity of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == word)
    }
}

/// Where an alert stands. Resolved is terminal: the next time is a new alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The condition holds, but not long enough yet.
    Pending,
    /// It wants somebody's attention.
    Firing,
    /// Somebody looks after it.
    Acknowledged,
    /// Nobody is to be bothered for a while.
    Silenced,
    /// It is over.
    Resolved,
}

impl AlertState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Firing, Self::Acknowledged, Self::Silenced, Self::Resolved];

    /// The word in JSON and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Silenced => "silenced",
            Self::Resolved => "resolved",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == word)
    }

    /// Whether it has fired and is not over.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Firing | Self::Acknowledged | Self::Silenced)
    }
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Alert {
    /// UUIDv7.
    pub id: String,
    /// The name of its rule when it began.
    pub rule: String,
    /// The rule.
    pub rule_id: String,
    /// What it is about.
    pub kind: AlertKind,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// What exactly it is about, such as `action:ID`; a rule has one open alert per subject.
    pub subject: String,
    /// The tenant it concerns; absent for the platform.
    pub tenant_id: Option<String>,
    /// The action it concerns.
    pub action_id: Option<String>,
    /// An English sentence with the numbers.
    pub message: String,
    /// What was measured last, in the unit of the threshold.
    pub value: f64,
    /// The limit that it passed: percent, milliseconds, seconds or a count.
    pub threshold: f64,
    /// When the condition began to hold.
    pub started_at: Timestamp,
    /// When it fired; absent while it is pending.
    pub fired_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When somebody took it on.
    pub acknowledged_at: Option<Timestamp>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// Until when it is silent.
    pub silenced_until: Option<Timestamp>,
    /// Who silenced it.
    pub silenced_by: Option<String>,
    /// When it ended.
    pub resolved_at: Option<Timestamp>,
    /// Who ended it; absent when it ended by itself.
    pub resolved_by: Option<String>,
    /// Counts up with every change of any alert.
    pub revision: i64,
}

/// Filters of the list of alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertFilter {
    /// Exact state.
    pub state: Option<AlertState>,
    /// Only alerts that fired and are not over, whatever was done about them.
    #[serde(default)]
    pub active_only: bool,
    /// Exact kind.
    pub kind: Option<AlertKind>,
    /// Exact severity.
    pub severity: Option<Severity>,
    /// Only this action.
    pub action_id: Option<String>,
    /// For a platform credential: only this tenant.
    pub tenant_id: Option<String>,
}

/// How long an alert is to be silent; an hour when neither is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SilenceRequest {
    /// Until then.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// For so many minutes, 1 to 43,200.
    #[serde(default)]
    pub minutes: Option<u32>,
}

impl SilenceRequest {
    /// When the silence ends.
    ///
    /// # Errors
    /// 422 when both are given, or the end is past or more than 30 days away.
    pub fn ends(self, now: Timestamp) -> Result<Timestamp, ApiError> {
        let after = |minutes: u32| now.plus_ms(i64::from(minutes) * 60_000);
        match (self.until, self.minutes) {
            (Some(_), Some(_)) => Err(ApiError::invalid("/until", "contradiction", "Give until or minutes, not both.")),
            (None, None) => Ok(after(DEFAULT_SILENCE_MINUTES)),
            (None, Some(minutes @ 1..=MAX_SILENCE_MINUTES)) => Ok(after(minutes)),
            (None, Some(n)) => Err(ApiError::invalid("/minutes", "out_of_range", format!("minutes is {n}; it must be 1 to {MAX_SILENCE_MINUTES}."))),
            (Some(until), None) if until > now && until <= after(MAX_SILENCE_MINUTES) => Ok(until),
            (Some(_), None) => Err(ApiError::invalid("/until", "out_of_range", "until must lie ahead, at most 30 days.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back() {
        assert!(AlertKind::ALL.into_iter().all(|k| AlertKind::parse(k.name()) == Some(k)));
        assert!(Severity::ALL.into_iter().all(|s| Severity::parse(s.name()) == Some(s)));
        assert!(AlertState::ALL.into_iter().all(|s| AlertState::parse(s.name()) == Some(s)));
    }

    #[test]
    fn ends_of_silences() {
        let now = Timestamp(1_000_000);
        let minutes = |n| SilenceRequest { minutes: Some(n), until: None };
        let until = |ms| SilenceRequest { minutes: None, until: Some(Timestamp(ms)) };
        for (request, expected) in [
            (SilenceRequest::default(), Some(1_000_000 + 3_600_000)),
            (minutes(5), Some(1_300_000)),
            (minutes(0), None),
            (minutes(MAX_SILENCE_MINUTES + 1), None),
            (until(1_000_001), Some(1_000_001)),
            (until(1_000_000), None),
            (until(i64::MAX), None),
            (SilenceRequest { minutes: Some(1), until: Some(Timestamp(1_000_001)) }, None),
        ] {
            assert_eq!(request.ends(now).ok().map(Timestamp::millis), expected, "{request:?}");
        }
    }
}
