//! What mail templates and functions share: the filter of their lists, and the made-up event that they are tried with.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most characters of a template's or function's name.
pub const MAX_NAME_CHARS: usize = 100;

/// Filters of the lists of templates and functions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryFilter {
    /// Part of the name, letter case ignored.
    pub search: Option<String>,
    /// Only this tenant's own, without platform-wide ones.
    pub tenant_id: Option<String>,
}

/// Something that names a template, a function or a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct UsedBy {
    /// `action`, or for a secret also `template`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A made-up event; every member may be absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SampleEvent {
    /// Its type; `sample.event` when absent.
    #[serde(default)]
    pub event_type: Option<String>,
    /// Its payload: an object.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub event_data: Map<String, Value>,
    /// Its metadata: an object.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub metadata: Map<String, Value>,
}
