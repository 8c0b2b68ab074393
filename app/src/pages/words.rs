//! Words for what executions say: classes of errors, modes, attempts.

use event_actions::model::action::NewAction;
use event_actions::model::execution::{Attempt, ErrorClass, Execution, Outcome};
use serde_json::Value;

use crate::components::format::{DASH, duration};

/// Every class of error, with its words.
pub const CLASSES: [(ErrorClass, &str); 17] = [
    (ErrorClass::Timeout, "Timed out"),
    (ErrorClass::Connection, "No connection"),
    (ErrorClass::Dns, "Name not found"),
    (ErrorClass::Tls, "TLS failed"),
    (ErrorClass::HttpStatus, "Receiver said no"),
    (ErrorClass::Protocol, "Broken answer"),
    (ErrorClass::ForbiddenTarget, "Address not allowed"),
    (ErrorClass::Configuration, "Bad configuration"),
    (ErrorClass::Render, "Did not render"),
    (ErrorClass::Smtp, "Mail server said no"),
    (ErrorClass::Function, "Function failed"),
    (ErrorClass::Limit, "Over a limit"),
    (ErrorClass::Step, "Step failed"),
    (ErrorClass::NoHandler, "No handler"),
    (ErrorClass::LostLease, "Node lost"),
    (ErrorClass::Cancelled, "Cancelled"),
    (ErrorClass::Internal, "Internal fault"),
];

/// The words for a class.
#[must_use]
pub fn class_words(class: ErrorClass) -> &'static str {
    CLASSES.iter().find(|(c, _)| *c == class).map_or("Failed", |(_, words)| words)
}

/// The word of a class in URLs and in JSON.
#[must_use]
pub fn class_name(class: ErrorClass) -> String {
    serde_json::to_value(class).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The words for a class by its word in JSON; the word itself when it is none.
#[must_use]
pub fn class_words_of(name: &str) -> String {
    CLASSES.iter().find(|(c, _)| class_name(*c) == name).map_or_else(|| name.to_owned(), |(_, words)| (*words).to_owned())
}

/// A status code with its reason, `503 Service Unavailable`.
#[must_use]
pub fn http_words(status: u16) -> String {
    let reason = axum::http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or_default();
    format!("{status} {reason}").trim_end().to_owned()
}

/// The status of an attempt's answer, where it was a web request.
#[must_use]
pub fn http_status(attempt: &Attempt) -> Option<u16> {
    attempt.response.as_ref()?.get("status")?.as_u64().and_then(|n| u16::try_from(n).ok())
}

/// What came of an attempt, in few words.
#[must_use]
pub fn outcome_words(attempt: &Attempt) -> String {
    if let Some(status) = http_status(attempt) {
        return http_words(status);
    }
    match (attempt.outcome, &attempt.error) {
        (Some(Outcome::Failed), Some(error)) => class_words(error.class).to_owned(),
        (None, _) => "running".to_owned(),
        (Some(Outcome::Succeeded), _) => "succeeded".to_owned(),
        (Some(Outcome::Failed), None) => "failed".to_owned(),
        (Some(Outcome::Lost), _) => "lost with its node".to_owned(),
        (Some(Outcome::Suspended), _) => "paused".to_owned(),
        (Some(Outcome::Cancelled), _) => "cancelled".to_owned(),
    }
}

/// `node-f0f4e8`, or `node a` for a name that does not say what it is.
#[must_use]
pub fn node_words(name: &str) -> String {
    if name.starts_with("node") { name.to_owned() } else { format!("node {name}") }
}

/// `queued, 96 ms`.
#[must_use]
pub fn ran_words(x: &Execution) -> String {
    let took = x.duration_ms.map_or_else(|| DASH.to_owned(), |ms| duration(ms as f64));
    let tries = if x.attempt_count > 1 { format!(", {} attempts", x.attempt_count) } else { String::new() };
    format!("{}, {took}{tries}", x.mode.name())
}

/// How often an action's handler may be called for one event.
#[must_use]
pub fn most_attempts(definition: &NewAction) -> u32 {
    definition.max_retries + 1
}

/// Ids of events that a result says were emitted, with how many actions each matched; at most ten.
#[must_use]
pub fn emitted(result: &Value) -> Vec<(String, i64)> {
    let mut out = Vec::new();
    let mut left = vec![result];
    while let Some(value) = left.pop() {
        match value {
            Value::Object(map) => {
                if let (Some(Value::String(id)), Some(matched)) = (map.get("event_id"), map.get("matched").and_then(Value::as_i64)) {
                    out.push((id.clone(), matched));
                }
                left.extend(map.values());
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
        if out.len() >= 10 {
            break;
        }
    }
    out.sort();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_class_has_a_word() {
        assert_eq!(class_name(ErrorClass::HttpStatus), "http_status");
        assert_eq!((class_words_of("dns").as_str(), class_words_of("odd").as_str()), ("Name not found", "odd"));
    }

    #[test]
    fn nodes_are_called_so_once() {
        assert_eq!((node_words("node-f0f4e8").as_str(), node_words("b").as_str()), ("node-f0f4e8", "node b"));
    }

    #[test]
    fn emitted_events_are_found_in_results() {
        let result = json!({"steps": [{"result": {"event_id": "e1", "matched": 2}}, {"result": {"event_id": "no number"}}], "output": {"event_id": "e1", "matched": 2}});
        assert_eq!(emitted(&result), [("e1".to_owned(), 2)]);
    }

    #[test]
    fn statuses_have_their_reason() {
        assert_eq!((http_words(503).as_str(), http_words(599).as_str()), ("503 Service Unavailable", "599"));
    }
}
