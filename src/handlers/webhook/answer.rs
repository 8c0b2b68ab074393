//! What an answer means: success, another try, or the end.

use std::time::Duration;

use chrono::DateTime;
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use super::headers;
use super::request::{Prepared, shown_body};
use crate::handlers::outbound::{Failure, Response};
use crate::handlers::redact::{REDACTED, Redactor};
use crate::handlers::{HandlerError, Output};
use crate::model::Timestamp;
use crate::model::action::MAX_RETRY_DELAY_SECONDS;
use crate::model::execution::ErrorClass;

/// Statuses besides 5xx after which another try can help.
const RETRYABLE: [u16; 3] = [408, 425, 429];

/// The output or the error that follows from what came back. `now` dates a `Retry-After` that is a date.
///
/// # Errors
/// Of the client, or a status that means failure.
pub fn settle(outcome: Result<Response, Failure>, prepared: &Prepared, redactor: &Redactor, now: Timestamp) -> Result<Output, HandlerError> {
    let request = prepared.summary(redactor);
    let response = match outcome {
        Ok(response) => response,
        Err(failure) => {
            let error = HandlerError { retryable: failure.retryable, ..HandlerError::permanent(failure.class, redactor.text(&failure.message)) };
            let response = failure.response.map(|response| summary(&response, redactor).0);
            return Err(HandlerError { response, ..error.with_request(request) });
        }
    };
    let (shown, body) = summary(&response, redactor);
    if is_success(response.status, prepared.success.as_deref()) {
        return Ok(Output { result: json!({"status": response.status, "body": body}), request: Some(request), response: Some(shown), ..Output::default() });
    }
    let retryable = is_retryable(response.status);
    let error = HandlerError {
        retryable,
        retry_after: response.header("retry-after").filter(|_| retryable).and_then(|value| retry_after(value, now)),
        disable_action: response.status == 410,
        ..HandlerError::permanent(ErrorClass::HttpStatus, sentence(response.status))
    };
    Err(error.with_request(request).with_response(shown))
}

/// Whether a status means success: one of the list, or any 2xx without one.
#[must_use]
pub fn is_success(status: u16, statuses: Option<&[u16]>) -> bool {
    statuses.map_or((200..300).contains(&status), |list| list.contains(&status))
}

/// Whether another try can help after this status.
#[must_use]
pub fn is_retryable(status: u16) -> bool {
    status >= 500 || RETRYABLE.contains(&status)
}

/// The wait a receiver asks for, in seconds or as a date: at least one second, at most one hour.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let seconds = match value.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => u64::MAX,
        Err(_) => {
            let at = DateTime::parse_from_rfc2822(value).ok()?.timestamp_millis();
            u64::try_from((at - now.0).max(0)).unwrap_or_default().div_ceil(1000)
        }
    };
    Some(Duration::from_secs(seconds.clamp(1, u64::from(MAX_RETRY_DELAY_SECONDS))))
}

fn sentence(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).map(|r| format!(" {r}")).unwrap_or_default();
    let more = match status {
        300..=399 => " Redirects are never followed: put the final address into the action.",
        401 | 403 => " Check the credentials of the action.",
        404 => " Check the address.",
        410 => " It wants no more: the action is switched off.",
        413 => " The body is too large for it.",
        429 => " It asks for fewer requests.",
        _ => "",
    };
    format!("The receiver answered {status}{reason}.{more}")
}

/// The answer as it is kept, `{status, headers, body, truncated, duration_ms}`, and its body.
fn summary(response: &Response, redactor: &Redactor) -> (Value, Value) {
    let mut kept: Map<String, Value> = Map::new();
    for (name, value) in &response.headers {
        let hidden = headers::is_credential(name) && name != "www-authenticate";
        let value = if hidden { REDACTED.to_owned() } else { redactor.text(value) };
        match kept.get_mut(name) {
            Some(Value::String(before)) => before.push_str(&format!(", {value}")),
            _ => drop(kept.insert(name.clone(), Value::String(value))),
        }
    }
    let body = body(response, redactor);
    let duration_ms = u64::try_from(response.duration.as_millis()).unwrap_or(u64::MAX);
    (json!({"status": response.status, "headers": kept, "body": body, "truncated": response.truncated, "duration_ms": duration_ms}), body)
}

fn body(response: &Response, redactor: &Redactor) -> Value {
    if response.body.is_empty() {
        return Value::Null;
    }
    let text = String::from_utf8_lossy(&response.body);
    if response.truncated {
        // The cut may have split the last character.
        let text = text.trim_end_matches('\u{fffd}');
        return if is_text(text) { Value::String(redactor.text(text)) } else { no_text(response) };
    }
    if is_text(&text) { shown_body(&response.body, redactor).0 } else { no_text(response) }
}

/// Compressed and other binary bodies are not text; they are not decoded either.
fn is_text(text: &str) -> bool {
    !text.contains(['\0', '\u{fffd}'])
}

fn no_text(response: &Response) -> Value {
    let more = if response.truncated { "more than " } else { "" };
    Value::String(format!("({more}{} bytes that are not text)", response.body.len()))
}
