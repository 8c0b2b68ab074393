//! Dotted paths into an event's document, and the document itself.

use serde_json::{Value, json};

use super::event::Event;

/// Longest path accepted, in characters.
pub const MAX_PATH_CHARS: usize = 512;
/// Most segments in a path.
pub const MAX_PATH_SEGMENTS: usize = 32;

/// Names a path may begin with; any other first segment is looked up in `data`.
pub const ROOTS: [&str; 5] = ["event", "event_type", "data", "metadata", "tenant_id"];

/// Splits a path on `.`; `\.` stands for a dot inside a segment.
#[must_use]
pub fn segments(path: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        let last = out.len() - 1;
        match c {
            '\\' if chars.peek() == Some(&'.') => {
                chars.next();
                out[last].push('.');
            }
            '.' => out.push(String::new()),
            c => out[last].push(c),
        }
    }
    out
}

/// Why a path is unusable, as a sentence; `None` when it is fine.
#[must_use]
pub fn fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("A path is needed, such as data.user.email.");
    }
    if path.chars().count() > MAX_PATH_CHARS {
        return Some("The path is longer than 512 characters.");
    }
    let parts = segments(path);
    if parts.len() > MAX_PATH_SEGMENTS {
        return Some("The path has more than 32 segments.");
    }
    if parts.iter().any(String::is_empty) {
        return Some("The path has an empty segment; write it like data.user.email, and \\. for a dot inside a name.");
    }
    None
}

/// Whether a path whose first segment is `first` starts at a root of the document (else it is looked up in `data`).
#[must_use]
pub fn is_root(first: &str) -> bool {
    ROOTS.contains(&first)
}

/// What conditions and templates see of an event: `{event, event_type, data, metadata, tenant_id}`.
#[derive(Debug)]
pub struct Document<'a> {
    header: Value,
    event_type: Value,
    tenant_id: Value,
    data: &'a Value,
    metadata: &'a Value,
}

impl<'a> Document<'a> {
    /// The document of `event`.
    #[must_use]
    pub fn new(event: &'a Event) -> Self {
        Self {
            header: json!({
                "id": event.id, "type": event.event_type, "occurred_at": event.occurred_at,
                "aggregate_id": event.aggregate_id, "aggregate_type": event.aggregate_type, "correlation_id": event.correlation_id,
            }),
            event_type: Value::String(event.event_type.clone()),
            tenant_id: Value::String(event.tenant_id.clone()),
            data: &event.data,
            metadata: &event.metadata,
        }
    }

    /// The document as one JSON object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({"event": self.header, "event_type": self.event_type, "data": self.data, "metadata": self.metadata, "tenant_id": self.tenant_id})
    }

    /// Every value that `path` resolves to; empty when it leads nowhere. Several when a segment met an array.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Vec<&Value> {
        let parts = segments(path);
        let (root, rest) = match parts.first().map(String::as_str) {
            Some("event") => (&self.header, &parts[1..]),
            Some("event_type") => (&self.event_type, &parts[1..]),
            Some("tenant_id") => (&self.tenant_id, &parts[1..]),
            Some("metadata") => (self.metadata, &parts[1..]),
            Some("data") => (self.data, &parts[1..]),
            _ => (self.data, &parts[..]),
        };
        let mut out = Vec::new();
        walk(root, rest, &mut out);
        out
    }
}

/// Follows `parts` from `at`; a number indexes an array, any other segment on an array looks at every element.
fn walk<'v>(at: &'v Value, parts: &[String], out: &mut Vec<&'v Value>) {
    let Some((first, rest)) = parts.split_first() else {
        out.push(at);
        return;
    };
    match at {
        Value::Object(map) => {
            if let Some(next) = map.get(first) {
                walk(next, rest, out);
            }
        }
        Value::Array(items) => {
            if let Some(index) = array_index(first) {
                if let Some(next) = items.get(index) {
                    walk(next, rest, out);
                }
            } else {
                for item in items {
                    walk(item, parts, out);
                }
            }
        }
        _ => {}
    }
}

/// The array index that a segment names: ASCII digits only; a number beyond `usize` indexes nothing.
#[must_use]
pub fn array_index(segment: &str) -> Option<usize> {
    (!segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit())).then(|| segment.parse().unwrap_or(usize::MAX))
}
