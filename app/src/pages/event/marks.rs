//! Where the value that decided stands in the event as it is shown.

use event_actions::matching::{Gate, MatchReport};
use event_actions::model::event::Event;
use event_actions::model::path;
use serde_json::Value;

use super::trace::stopping;
use crate::components::gate_strip::deciding;

/// The event as `GET /events/{id}` gives it, without what is not set.
#[must_use]
pub fn shown(event: &Event) -> Value {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    if let Value::Object(map) = &mut value {
        map.retain(|_, member| !member.is_null());
    }
    value
}

/// JSON Pointers into [`shown`] of what a report stops at; none when nothing stops, or the value is missing.
#[must_use]
pub fn hits(report: &MatchReport, event: &Value) -> Vec<String> {
    let Some(gate) = stopping(report) else { return Vec::new() };
    match gate.gate {
        Gate::EventType => vec!["/event_type".to_owned()],
        Gate::Tenant => vec!["/tenant_id".to_owned()],
        Gate::ContextFilters => {
            let key = gate.reason.strip_prefix("metadata.").and_then(|rest| rest.split_once(" is ")).map(|(key, _)| key);
            key.filter(|key| event["metadata"].get(key).is_some()).map(|key| format!("/metadata/{}", escape(key))).into_iter().collect()
        }
        Gate::Conditions => deciding(&gate.conditions).and_then(|c| c.field.as_deref()).map(|field| resolve(event, field)).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Every place that a condition's path leads to.
fn resolve(event: &Value, field: &str) -> Vec<String> {
    let parts = path::segments(field);
    let rest = |n: usize| parts.get(n..).unwrap_or_default();
    let (start, parts): (&str, &[String]) = match parts.first().map(String::as_str) {
        Some("event") => match parts.get(1).map(String::as_str) {
            Some("type") => ("/event_type", rest(2)),
            _ => ("", rest(1)),
        },
        Some("event_type") => ("/event_type", rest(1)),
        Some("tenant_id") => ("/tenant_id", rest(1)),
        Some("metadata") => ("/metadata", rest(1)),
        Some("data") => ("/data", rest(1)),
        _ => ("/data", rest(0)),
    };
    let mut out = Vec::new();
    if let Some(root) = event.pointer(start) {
        walk(root, parts, start.to_owned(), &mut out);
    }
    out
}

fn walk(at: &Value, parts: &[String], pointer: String, out: &mut Vec<String>) {
    let Some((first, rest)) = parts.split_first() else { return out.push(pointer) };
    match at {
        Value::Object(map) => {
            if let Some(next) = map.get(first) {
                walk(next, rest, format!("{pointer}/{}", escape(first)), out);
            }
        }
        Value::Array(items) => match first.parse::<usize>() {
            Ok(n) => {
                if let Some(next) = items.get(n) {
                    walk(next, rest, format!("{pointer}/{n}"), out);
                }
            }
            Err(_) => items.iter().enumerate().for_each(|(n, next)| walk(next, parts, format!("{pointer}/{n}"), out)),
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_to_every_place_they_mean() {
        let event = json!({"id": "e", "event_type": "a.b", "data": {"a.b": {"c": 1}, "items": [{"n": 1}, {"n": 2}], "status": "x"}, "metadata": {"r/s": 1}});
        for (path, places) in [
            ("data.status", vec!["/data/status"]),
            ("status", vec!["/data/status"]),
            ("data.items.n", vec!["/data/items/0/n", "/data/items/1/n"]),
            ("data.items.1.n", vec!["/data/items/1/n"]),
            ("a\\.b.c", vec!["/data/a.b/c"]),
            ("metadata.r/s", vec!["/metadata/r~1s"]),
            ("event.type", vec!["/event_type"]),
            ("event.id", vec!["/id"]),
            ("data.missing", vec![]),
        ] {
            assert_eq!(resolve(&event, path), places, "{path}");
        }
    }
}
