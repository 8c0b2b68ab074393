//! How an action, a handler or the system has been doing.

use serde::{Deserialize, Serialize};

/// The four words for health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Works.
    Healthy,
    /// Not enough is known to say.
    #[default]
    Unknown,
    /// Some of it fails.
    Degraded,
    /// Most of it fails.
    Critical,
}

impl HealthStatus {
    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::Critical => "critical",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Check {
    /// What was looked at, such as `error_rate`.
    pub name: String,
    /// What that says.
    pub status: HealthStatus,
    /// An English sentence with the numbers.
    pub message: String,
}

/// A verdict with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Health {
    /// The worst of the checks.
    pub status: HealthStatus,
    /// An English sentence.
    pub message: String,
    /// What was looked at.
    #[serde(default)]
    pub checks: Vec<Check>,
}
