//! Events, their types, and patterns of types.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Timestamp;
use super::error::Faults;

/// Most bytes of one event's JSON.
pub const MAX_EVENT_BYTES: usize = 1 << 20;
/// Most bytes of one batch.
pub const MAX_BATCH_BYTES: usize = 16 << 20;
/// Most events in one batch.
pub const MAX_BATCH_EVENTS: usize = 1000;
/// Deepest JSON nesting accepted anywhere.
pub const MAX_JSON_DEPTH: usize = 64;
/// Longest event type, in characters.
pub const MAX_TYPE_CHARS: usize = 200;
/// Longest id a client may give, in characters.
pub const MAX_ID_CHARS: usize = 128;
/// Deepest chain of events that actions cause; see loop protection.
pub const MAX_CAUSATION_DEPTH: u32 = 8;
/// Types that begin with this are the product's own.
pub const RESERVED_PREFIX: &str = "system.";

/// An event as a client sends it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// The client's own id, at most 128 printable characters; a UUIDv7 is made when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Dot-separated segments of letters, digits, `_` and `-`; at most 200 characters.
    pub event_type: String,
    /// The thing the event is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate_id: Option<String>,
    /// The kind of that thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate_type: Option<String>,
    /// The payload: an object.
    #[serde(default = "empty_object")]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub data: Value,
    /// Context such as `tenant_id`, source, trace: an object.
    #[serde(default = "empty_object")]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub metadata: Value,
    /// When it happened; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// Ties events of one business process together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The event or execution that caused this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}

impl NewEvent {
    /// Every value fault at once.
    pub fn validate(&self) -> Faults {
        let mut faults = Faults::default();
        if let Some(why) = type_fault(&self.event_type) {
            faults.add("/event_type", "bad_event_type", why);
        } else if self.event_type.starts_with(RESERVED_PREFIX) {
            faults.add("/event_type", "reserved", "Types that begin with \"system.\" are the product's own; choose another first segment.");
        }
        if !self.data.is_object() {
            faults.add("/data", "wrong_type", "data must be an object.");
        }
        if !self.metadata.is_object() {
            faults.add("/metadata", "wrong_type", "metadata must be an object.");
        }
        if self.id.as_deref() == Some("") {
            faults.add("/id", "empty", "id is empty; leave it out to have one made.");
        }
        for (name, text) in [
            ("id", &self.id),
            ("aggregate_id", &self.aggregate_id),
            ("aggregate_type", &self.aggregate_type),
            ("correlation_id", &self.correlation_id),
            ("causation_id", &self.causation_id),
        ] {
            if let Some(text) = text
                && (text.chars().count() > MAX_ID_CHARS || text.chars().any(char::is_control))
            {
                faults.add(format!("/{name}"), "bad_id", format!("{name} has at most {MAX_ID_CHARS} characters, all printable."));
            }
        }
        faults
    }
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Event {
    /// Unique within the tenant.
    pub id: String,
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its type.
    pub event_type: String,
    /// The thing it is about.
    pub aggregate_id: Option<String>,
    /// The kind of that thing.
    pub aggregate_type: Option<String>,
    /// The payload.
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub data: Value,
    /// The context.
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub metadata: Value,
    /// When it happened, as the client says.
    pub occurred_at: Timestamp,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// Ties events of one business process together.
    pub correlation_id: Option<String>,
    /// What caused it.
    pub causation_id: Option<String>,
    /// How many actions lie between a client's event (0) and this one.
    #[serde(default)]
    pub depth: u32,
}

/// Why an event type is unusable, as a sentence; `None` when it is fine.
#[must_use]
pub fn type_fault(event_type: &str) -> Option<String> {
    let example = "write it like user.created";
    if event_type.is_empty() {
        return Some(format!("event_type is empty; {example}."));
    }
    if event_type.chars().count() > MAX_TYPE_CHARS {
        return Some(format!("event_type has at most {MAX_TYPE_CHARS} characters."));
    }
    if event_type.split('.').any(|s| s.is_empty() || !s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')) {
        return Some(format!("event_type {event_type:?} must be dot-separated segments of letters, digits, _ and -; {example}."));
    }
    None
}

/// Why a pattern of event types is unusable; `None` when it is an exact type, `prefix.*` or `*`.
#[must_use]
pub fn pattern_fault(pattern: &str) -> Option<String> {
    let stem = match pattern {
        "*" => return None,
        p => p.strip_suffix(".*").unwrap_or(p),
    };
    if stem.contains('*') {
        return Some(format!("{pattern:?} is no pattern: * stands alone or as the last segment, as in \"*\" or \"user.*\"."));
    }
    type_fault(stem).map(|_| format!("{pattern:?} is no pattern: write an event type (user.created), a prefix (user.*) or *."))
}

/// Whether `pattern` covers `event_type`. `prefix.*` needs at least one more segment.
#[must_use]
pub fn pattern_matches(pattern: &str, event_type: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(prefix) => event_type.strip_prefix(prefix).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.')),
        None => pattern == "*" || pattern == event_type,
    }
}
