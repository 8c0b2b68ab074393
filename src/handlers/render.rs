//! What handlers share around templates: errors as the executor understands them, and reading what was rendered.

use serde_json::{Map, Value};

use super::HandlerError;
use crate::model::execution::ErrorClass;
use crate::template::RenderError;

/// A template that could not be rendered. Permanent, unless this process was short of something.
#[must_use]
pub fn failed(error: &RenderError) -> HandlerError {
    HandlerError { retryable: error.transient, ..HandlerError::permanent(ErrorClass::Render, error.to_string()) }
}

/// A configuration that makes no sense once rendered. Permanent.
pub fn nonsense(message: impl Into<String>) -> HandlerError {
    HandlerError::permanent(ErrorClass::Configuration, message)
}

/// A rendered value as text: strings as they are, numbers and booleans written out; none for the rest.
#[must_use]
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The members of an object; empty for anything else.
#[must_use]
pub fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Whether a value may stand where something else than a string is expected, because a template makes it.
#[must_use]
pub fn is_template(value: &Value) -> bool {
    value.as_str().is_some_and(crate::template::has_markup)
}

/// JSON Pointer of a member.
#[must_use]
pub fn at(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// A handler's own bound: a little before the executor's, so that the handler's explanation is the one that is recorded.
#[must_use]
pub fn own_limit(timeout: std::time::Duration) -> std::time::Duration {
    timeout - (timeout / 20).min(std::time::Duration::from_millis(250))
}
