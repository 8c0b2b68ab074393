//! What is stored of a step, and what that means for the next attempt.

use serde_json::{Value, json};

use super::plan::{Kind, OnError, Step};
use crate::handlers::redact::Redactor;
use crate::handlers::{HandlerError, StepRecord};
use crate::model::Timestamp;

/// It worked.
pub const SUCCEEDED: &str = "succeeded";
/// It did not.
pub const FAILED: &str = "failed";
/// Its condition did not hold.
pub const SKIPPED: &str = "skipped";
/// It sleeps: a delay, or the pause before it is tried again.
pub const WAITING: &str = "waiting";

/// A record of a step that has not ended.
pub fn blank(step: &Step) -> StepRecord {
    StepRecord { name: step.name.clone(), status: WAITING.to_owned(), result: Value::Null, error: None, resume_at: None, tries: 0, duration_ms: 0 }
}

/// A step that worked.
pub fn succeeded(record: StepRecord, result: Value) -> StepRecord {
    StepRecord { status: SUCCEEDED.to_owned(), result, error: None, resume_at: None, ..record }
}

/// A step that failed for good, as far as this attempt goes.
pub fn failed(record: StepRecord, error: &HandlerError) -> StepRecord {
    StepRecord { status: FAILED.to_owned(), error: Some(error.to_execution_error()), resume_at: None, ..record }
}

/// A step that goes on later.
pub fn waiting(record: StepRecord, until: Timestamp, error: Option<&HandlerError>) -> StepRecord {
    StepRecord { status: WAITING.to_owned(), error: error.map(HandlerError::to_execution_error), resume_at: Some(until), ..record }
}

/// Whether the step has ended and is never run again. A failure that stopped the workflow is run again by its retry.
pub fn is_final(record: &StepRecord, step: &Step) -> bool {
    match record.status.as_str() {
        SUCCEEDED | SKIPPED => true,
        FAILED => step.on_error == OnError::Continue,
        _ => false,
    }
}

/// What later steps see as `steps.NAME`.
pub fn visible(record: &StepRecord) -> Value {
    match record.status.as_str() {
        FAILED => json!({"error": record.error}),
        _ => record.result.clone(),
    }
}

/// What the next step gets as `input`, when this one changes it: those that only look or wait hand on what they got.
pub fn handed_on<'r>(record: &'r StepRecord, step: &Step) -> Option<&'r Value> {
    let makes_something = !matches!(step.kind, Kind::Validate | Kind::Delay);
    (makes_something && record.status == SUCCEEDED).then_some(&record.result)
}

/// The value without the secrets in it, since step results are stored.
pub fn without_secrets(value: Value, secrets: &[String]) -> Value {
    Redactor::new(secrets.iter().map(String::as_str)).value(value)
}
