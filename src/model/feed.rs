//! What the live stream tells of single things: executions that went on, actions that were changed.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::execution::Status;

/// An execution after an attempt of it has ended, or after somebody cancelled it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ExecutionChange {
    /// The execution.
    pub id: String,
    /// The tenant of its event.
    pub tenant_id: String,
    /// The event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// The action.
    pub action_id: String,
    /// Its name.
    pub action_name: String,
    /// Where the execution stands now.
    pub status: Status,
    /// The attempt that ended; 0 when none had begun.
    pub attempt: u32,
    /// How long that attempt took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// When.
    pub at: Timestamp,
}

/// What was done to an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActionVerb {
    /// It is new.
    Created,
    /// It works otherwise from now on.
    Changed,
    /// It was switched on.
    Enabled,
    /// It was switched off, by a person or by the product.
    Disabled,
    /// It was deleted.
    Deleted,
    /// Its deletion was taken back.
    Restored,
}

/// An action that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ActionChange {
    /// The action.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its tenant; absent for a platform-wide one.
    pub tenant_id: Option<String>,
    /// Its version now.
    pub version: i64,
    /// What was done.
    pub change: ActionVerb,
    /// When.
    pub at: Timestamp,
}
