//! Dead letters that gave up for the same reason, seen as one.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Filters of the groups of dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterFilter {
    /// Only this action.
    pub action_id: Option<String>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub to: Option<Timestamp>,
    /// For a platform credential: only this tenant.
    pub tenant_id: Option<String>,
}

/// Dead letters of one action that nobody has handled and whose last errors read the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct DeadLetterGroup {
    /// The tenant of their events.
    pub tenant_id: String,
    /// The action.
    pub action_id: String,
    /// Its name, the latest when it changed.
    pub action_name: String,
    /// The class of the last error, such as `timeout`; absent when none was recorded.
    pub error_class: Option<String>,
    /// The last error's sentence.
    pub message: String,
    /// How many.
    pub count: i64,
    /// When the first of them was created.
    pub oldest_at: Timestamp,
    /// When the latest of them was created.
    pub latest_at: Timestamp,
    /// The latest of them, as an example.
    pub latest_id: String,
}
