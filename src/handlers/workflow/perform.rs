//! One try of one step.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::builtin;
use super::plan::{Kind, Step};
use crate::handlers::render::members;
use crate::handlers::{Call, HandlerError, Output, StepRef};
use crate::model::Timestamp;
use crate::model::execution::ErrorClass;
use crate::template::MAX_OUTPUT_BYTES;

/// What the attempt shows: per step what was sent, what came back, what was logged.
#[derive(Default)]
pub struct Trace(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    requests: Vec<Value>,
    responses: Vec<Value>,
    logs: Vec<String>,
}

impl Trace {
    fn note(&self, step: &Step, request: Option<Value>, response: Option<Value>, logs: Vec<String>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.requests.extend(request.map(|request| json!({"number": step.number, "name": step.name, "request": request})));
        seen.responses.extend(response.map(|response| json!({"number": step.number, "name": step.name, "response": response})));
        seen.logs.extend(logs.into_iter().map(|line| format!("{}: {line}", step.name)));
    }

    /// Requests, responses and log lines of all steps so far.
    pub fn show(&self) -> (Option<Value>, Option<Value>, Vec<String>) {
        let seen = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let shown = |steps: Vec<Value>| (!steps.is_empty()).then(|| json!({"steps": steps}));
        (shown(seen.requests), shown(seen.responses), seen.logs)
    }
}

/// The name among `steps` for what the step before handed on, the event's data at first. In a dry run it is undefined
/// behind a step whose result only running it tells.
pub const PREVIOUS: &str = "previous";

/// The call that a step makes: its own configuration and number, and the results so far. The preview uses it too.
pub fn inner_call(call: &Call, step: &Step, results: &BTreeMap<String, Value>, previous: Option<&Value>) -> Call {
    let configuration = match &step.kind {
        Kind::Handler { configuration, .. } => configuration.clone(),
        _ => step.params.clone(),
    };
    let mut steps = results.clone();
    steps.remove(PREVIOUS);
    steps.extend(previous.map(|value| (PREVIOUS.to_owned(), value.clone())));
    Call { configuration, step: Some(StepRef { number: step.number, name: step.name.clone() }), steps, ..call.clone() }
}

/// The bound on one try: what is left of the workflow's time, or the step's own timeout if that is less.
pub fn limit(step: &Step, left: Duration) -> Duration {
    match &step.kind {
        Kind::Handler { configuration, .. } => configuration.get("timeout").and_then(Value::as_u64).map_or(left, |seconds| left.min(Duration::from_secs(seconds.max(1)))),
        _ => left,
    }
}

/// Runs a step once. `call` is its inner call.
///
/// # Errors
/// The handler's, or those of the step that is built in.
pub async fn perform(step: &Step, call: &Call, input: &Value, trace: &Trace) -> Result<Output, HandlerError> {
    let params = members(&step.params);
    let context = || builtin::context(call);
    let made = |result: Value| Output { result, ..Output::default() };
    match &step.kind {
        Kind::Validate => builtin::validate(call, &params).map(made),
        Kind::Transform => builtin::transform(&params, input, &context()).map(made),
        Kind::Delay => {
            let seconds = builtin::seconds(&params, &context())?;
            let wait = i64::try_from(seconds).unwrap_or(0) * 1000;
            let resume_at = (wait > 0).then(|| Timestamp::now().plus_ms(wait));
            Ok(Output { resume_at, ..made(json!({"seconds": seconds})) })
        }
        Kind::Emit { queued } => {
            let event = builtin::event(&params, input, &context())?;
            trace.note(step, Some(json!(event)), None, Vec::new());
            call.host.emit(call, &call.message_id(), event, *queued).await.map(made)
        }
        Kind::Handler { handler_type, .. } => hand_over(step, handler_type, call, trace).await,
    }
}

async fn hand_over(step: &Step, handler_type: &str, call: &Call, trace: &Trace) -> Result<Output, HandlerError> {
    let Some(handler) = call.host.handler(handler_type) else {
        return Err(HandlerError::retryable(ErrorClass::NoHandler, format!("This node has no handler {handler_type:?}.")));
    };
    let Ok(outcome) = tokio::time::timeout(call.timeout, handler.handle(call)).await else {
        return Err(HandlerError::retryable(ErrorClass::Timeout, format!("It did not finish within {:.1} s.", call.timeout.as_secs_f64())));
    };
    match outcome {
        Ok(output) => {
            trace.note(step, output.request.clone(), output.response.clone(), output.logs.clone());
            let bytes = output.result.to_string().len();
            if bytes > MAX_OUTPUT_BYTES {
                return Err(HandlerError::permanent(ErrorClass::Limit, format!("It returned {bytes} bytes of JSON; a step's result has at most {MAX_OUTPUT_BYTES}.")));
            }
            Ok(output)
        }
        Err(mut error) => {
            trace.note(step, error.request.take(), error.response.take(), std::mem::take(&mut error.logs));
            Err(error)
        }
    }
}
