//! The functions that are always there: `builtin.echo`, `builtin.transform`, `builtin.emit_event`, `builtin.fail`.

use serde_json::{Value, json};

use super::registered::{FunctionCall, Functions};
use crate::handlers::HandlerError;
use crate::handlers::render::nonsense;
use crate::model::event::NewEvent;
use crate::model::execution::ErrorClass;

/// The module they are in.
pub const MODULE: &str = "builtin";

/// Adds them.
pub(super) fn add_to(functions: Functions) -> Functions {
    functions.with(MODULE, "echo", |f| async move { Ok(echo(&f)) }).with(MODULE, "transform", |f| async move { transform(&f) }).with(MODULE, "emit_event", emit_event).with(
        MODULE,
        "fail",
        |f| async move { fail(&f) },
    )
}

/// Whether a function stores what it is given as an event.
pub(super) fn emits(module: &str, function: &str) -> bool {
    module == MODULE && function == "emit_event"
}

/// Returns what it was given.
fn echo(f: &FunctionCall) -> Value {
    json!({"event": *f.call.event, "args": f.args, "kwargs": f.kwargs})
}

/// Returns `kwargs.template` (or the first argument): a value as it was rendered, a text read as JSON.
fn transform(f: &FunctionCall) -> Result<Value, HandlerError> {
    let Some(template) = f.kwargs.get("template").or_else(|| f.args.first()) else {
        return Err(nonsense("builtin.transform needs kwargs.template: any JSON whose strings are templates, or a text that renders to JSON."));
    };
    match template {
        Value::String(text) => serde_json::from_str(text).map_err(|e| HandlerError::permanent(ErrorClass::Function, format!("The template did not render to JSON: {e}."))),
        value => Ok(value.clone()),
    }
}

/// Emits an event: kwargs `event_type`, `data`, and optionally `aggregate_id`, `aggregate_type`, `queued`.
async fn emit_event(f: FunctionCall) -> Result<Value, HandlerError> {
    let text = |key: &str| f.kwargs.get(key).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let Some(event_type) = text("event_type") else {
        return Err(nonsense("builtin.emit_event needs kwargs.event_type, such as user.welcomed."));
    };
    let data = match f.kwargs.get("data") {
        None | Some(Value::Null) => json!({}),
        Some(data @ Value::Object(_)) => data.clone(),
        Some(_) => return Err(nonsense("kwargs.data of builtin.emit_event must be an object.")),
    };
    let event = NewEvent {
        event_type,
        data,
        metadata: json!({}),
        aggregate_id: text("aggregate_id"),
        aggregate_type: text("aggregate_type"),
        correlation_id: f.call.event.correlation_id.clone(),
        ..NewEvent::default()
    };
    let queued = f.kwargs.get("queued").and_then(Value::as_bool).unwrap_or(false);
    f.call.host.emit(&f.call, &f.call.message_id(), event, queued).await
}

/// Fails: kwargs `message`, `retryable` (false), and `times`: only on the first so many attempts, then it returns.
fn fail(f: &FunctionCall) -> Result<Value, HandlerError> {
    let times = f.kwargs.get("times").and_then(Value::as_u64).unwrap_or(u64::MAX);
    if u64::from(f.call.attempt) > times {
        return Ok(json!({"attempt": f.call.attempt}));
    }
    let message = f.kwargs.get("message").and_then(Value::as_str).unwrap_or("builtin.fail was asked to fail.");
    let retryable = f.kwargs.get("retryable").and_then(Value::as_bool).unwrap_or(false);
    Err(HandlerError { retryable, ..HandlerError::permanent(ErrorClass::Function, message) })
}
