//! One attempt: build the call, run the handler within its bounds, decide what follows, record it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, error, info, warn};

use super::running::StopReason;
use super::{Engine, alerts, retry, spans};
use crate::db::attempts::NewAttempt;
use crate::db::executions::Completion;
use crate::db::ingest::NewExecution;
use crate::db::stats::{ATTEMPT_FAILED, ATTEMPT_SUCCEEDED, Deltas, ECHO_FAILED, ECHO_SUCCEEDED, QUEUE_WAIT, StatKey};
use crate::db::writer::Record;
use crate::handlers::redact::Redactor;
use crate::handlers::{ActionRef, Call, Handler, HandlerError, Host, Output};
use crate::model::Timestamp;
use crate::model::action::{Action, NewAction};
use crate::model::event::Event;
use crate::model::execution::{Attempt, ErrorClass, ExecutionError, Outcome, Status};
use crate::model::stats::bucket_of;
use crate::model::trace::TraceContext;
use crate::telemetry::trace;

/// An attempt to be made: claimed, with everything it needs.
pub(super) struct Job {
    pub execution_id: String,
    pub attempt: u32,
    pub failures: u32,
    pub event: Arc<Event>,
    pub action_id: String,
    pub action_version: i64,
    pub definition: Arc<NewAction>,
    /// When the lease was taken, by this node's clock, at the earliest.
    pub claimed: Instant,
    /// When the execution was made.
    pub created_at: Timestamp,
    /// The place in a trace under which it runs.
    pub trace: Option<TraceContext>,
}

impl Job {
    /// The first attempt of an execution that this node stored as claimed.
    pub fn first(x: &NewExecution, action: &Action, event: Arc<Event>, claimed: Instant) -> Self {
        Self {
            execution_id: x.id.clone(),
            attempt: 1,
            failures: 0,
            event,
            action_id: action.id.clone(),
            action_version: action.version,
            definition: Arc::new(action.definition.clone()),
            claimed,
            created_at: x.created_at,
            trace: x.trace.clone(),
        }
    }

    fn call(&self, host: Arc<dyn Host>, cancel: CancellationToken) -> Call {
        Call {
            execution_id: self.execution_id.clone(),
            attempt: self.attempt,
            action: self.action_ref(),
            configuration: self.definition.configuration.clone(),
            event: self.event.clone(),
            timeout: Duration::from_secs(u64::from(self.definition.effective_timeout_seconds())),
            cancel,
            host,
            step: None,
            steps: std::collections::BTreeMap::new(),
        }
    }

    fn action_ref(&self) -> ActionRef {
        ActionRef { id: self.action_id.clone(), name: self.definition.name.clone(), version: self.action_version, tenant_id: self.definition.tenant_id.clone() }
    }
}

/// How an attempt ended, for a caller that waits.
#[derive(Clone, Debug)]
pub(super) struct Finished {
    pub status: Status,
    pub result: Option<Value>,
    pub error: Option<ExecutionError>,
}

impl Engine {
    /// Enters an attempt among those that run here; its lease is renewed from now on.
    pub(super) fn enter_running(&self, job: &Job) -> CancellationToken {
        self.inner.running.enter(&job.execution_id, job.attempt, job.claimed)
    }

    /// Runs an attempt in the background, holding a worker's place.
    pub(super) fn spawn_job(&self, job: Job, permit: Option<OwnedSemaphorePermit>) {
        let cancel = self.enter_running(&job);
        let engine = self.clone();
        self.inner.jobs.spawn(async move {
            engine.run_entered(job, cancel).await;
            drop(permit);
            engine.inner.wake.notify_one();
        });
    }

    /// Runs an attempt and records it. `None` when the lease was lost, or the end could not be stored: then nothing of it
    /// counts, and another attempt follows.
    pub(super) async fn run_entered(&self, job: Job, cancel: CancellationToken) -> Option<Finished> {
        let span = spans::execute(&job);
        let end = trace::within(job.trace.clone(), self.run_in_span(job, cancel)).instrument(span.clone()).await;
        spans::executed(&span, end.as_ref());
        end
    }

    async fn run_in_span(&self, job: Job, cancel: CancellationToken) -> Option<Finished> {
        self.note_running(&job.action_id);
        let began = (Timestamp::now(), Instant::now());
        let host = self.host_for(&job.action_ref(), &job.event.tenant_id, false);
        let call = job.call(host.clone(), cancel.clone());
        let mut result = self.attempt(&job, &call).await;
        redact(&mut result, &host.handed_out());
        let stop = self.inner.running.stop_reason(&job.execution_id);
        let end = if stop == Some(StopReason::LostLease) { None } else { self.settle(&job, result, stop, began).await };
        self.inner.running.leave(&job.execution_id);
        self.after_attempt(&job, end.as_ref());
        end
    }

    /// Runs the handler within the attempt's time; a panic is an error like any other.
    async fn attempt(&self, job: &Job, call: &Call) -> Result<Output, HandlerError> {
        let kind = job.definition.handler_type.as_str();
        let Some(handler) = self.inner.handlers.get(kind) else {
            return Err(HandlerError::retryable(ErrorClass::NoHandler, format!("This node has no handler {kind:?}.")));
        };
        let run = AssertUnwindSafe(bounded(&*handler, call)).catch_unwind();
        run.await.unwrap_or_else(|_| {
            error!("the handler panicked");
            Err(HandlerError::retryable(ErrorClass::Internal, "The handler failed unexpectedly; the log has the details."))
        })
    }

    /// Decides the next state and stores it with the attempt and its statistics.
    async fn settle(&self, job: &Job, result: Result<Output, HandlerError>, stop: Option<StopReason>, began: (Timestamp, Instant)) -> Option<Finished> {
        let duration_ms = i64::try_from(began.1.elapsed().as_millis()).unwrap_or(i64::MAX);
        let end = decide(job, result, stop);
        if end.disable {
            self.auto_disable(job, "the receiver answered 410 Gone").await;
        }
        let outcome = end.outcome;
        let finished = Finished { status: end.status, result: end.result.clone(), error: end.error.clone() };
        let record = Record {
            deltas: deltas(job, &end, duration_ms, began.0),
            completion: Completion {
                execution_id: job.execution_id.clone(),
                attempt: job.attempt,
                token: self.inner.token.clone(),
                status: end.status,
                result: end.result,
                error: end.error.clone(),
                wait_ms: end.wait_ms,
                counts: end.outcome == Outcome::Failed,
            },
            attempt: NewAttempt {
                execution_id: job.execution_id.clone(),
                attempt: Attempt {
                    number: job.attempt,
                    node: self.inner.node.clone(),
                    started_at: began.0,
                    finished_at: Some(began.0.plus_ms(duration_ms)),
                    duration_ms: Some(duration_ms),
                    outcome: Some(end.outcome),
                    error: end.error.clone(),
                    request: end.request,
                    response: end.response,
                    logs: end.logs,
                },
            },
        };
        let recorded = match self.writer() {
            Ok(writer) => writer.record(record).await,
            Err(_) => return None,
        };
        match recorded {
            Ok(true) => {
                log_end(&finished, duration_ms);
                self.tell_of_execution(super::feed::after_attempt(job, finished.status, duration_ms));
                self.inner.metrics.attempt(job.definition.handler_type.as_str(), outcome, finished.status, duration_ms);
                Some(finished)
            }
            Ok(false) => {
                warn!("the lease was lost; the result of this attempt does not count");
                None
            }
            Err(e) => {
                error!(error = e.0, "the end of an attempt could not be stored");
                None
            }
        }
    }
}

/// The handler within the call's time and until it must stop.
async fn bounded(handler: &dyn Handler, call: &Call) -> Result<Output, HandlerError> {
    tokio::select! {
        result = handler.handle(call) => result,
        () = tokio::time::sleep(call.timeout) => {
            call.cancel.cancel();
            Err(HandlerError::retryable(ErrorClass::Timeout, format!("Timed out after {} s.", call.timeout.as_secs())))
        }
        () = call.cancel.cancelled() => Err(HandlerError::permanent(ErrorClass::Cancelled, "Stopped.")),
    }
}

struct End {
    status: Status,
    outcome: Outcome,
    result: Option<Value>,
    error: Option<ExecutionError>,
    request: Option<Value>,
    response: Option<Value>,
    logs: Vec<String>,
    wait_ms: i64,
    disable: bool,
}

/// What an attempt's result means for the execution.
fn decide(job: &Job, result: Result<Output, HandlerError>, stop: Option<StopReason>) -> End {
    match result {
        Ok(out) => {
            let resume = out.resume_at.map(|at| (at.0 - Timestamp::now().0).max(0));
            End {
                status: if resume.is_some() { Status::Pending } else { Status::Succeeded },
                outcome: if resume.is_some() { Outcome::Suspended } else { Outcome::Succeeded },
                result: Some(out.result),
                error: None,
                request: out.request,
                response: out.response,
                logs: out.logs,
                wait_ms: resume.unwrap_or(0),
                disable: false,
            }
        }
        Err(e) => {
            let (status, outcome, wait_ms) = match stop {
                Some(StopReason::Cancelled) => (Status::Cancelled, Outcome::Cancelled, 0),
                Some(StopReason::Drain) if e.class == ErrorClass::Cancelled => (Status::Pending, Outcome::Suspended, 0),
                _ => {
                    let next = retry::next(&job.definition, &e, job.failures + 1, jitter());
                    (next.status, Outcome::Failed, next.wait_ms)
                }
            };
            End { status, outcome, result: None, error: Some(e.to_execution_error()), request: e.request, response: e.response, logs: e.logs, wait_ms, disable: e.disable_action }
        }
    }
}

/// A number from 0 to 1 that need not be secret.
fn jitter() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_u128() as u32) / f64::from(u32::MAX)
}

/// What an attempt adds to the statistics.
fn deltas(job: &Job, end: &End, duration_ms: i64, began: Timestamp) -> Deltas {
    let minute = Timestamp::now().0.div_euclid(60_000);
    let key = |kind, bucket| StatKey { minute, tenant_id: job.event.tenant_id.clone(), action_id: job.action_id.clone(), kind, bucket };
    let mut out = Deltas::new();
    let kinds = match end.outcome {
        Outcome::Succeeded => Some((ATTEMPT_SUCCEEDED, ECHO_SUCCEEDED)),
        Outcome::Failed => Some((ATTEMPT_FAILED, ECHO_FAILED)),
        _ => None,
    };
    if let Some((attempt, echo)) = kinds {
        out.insert(key(attempt, bucket_of(duration_ms)), (1, duration_ms));
        if alerts::cause_of(&job.event).is_some() {
            out.insert(key(echo, bucket_of(duration_ms)), (1, duration_ms));
        }
    }
    if job.attempt == 1 {
        let waited_ms = (began.0 - job.created_at.0).max(0);
        out.insert(key(QUEUE_WAIT, bucket_of(waited_ms)), (1, waited_ms));
    }
    if end.status.is_terminal() {
        out.insert(key(end.status.name(), -1), (1, 0));
    }
    out
}

/// Takes the values of secrets out of everything that is stored of an attempt.
pub(super) fn redact(result: &mut Result<Output, HandlerError>, secrets: &[String]) {
    if secrets.is_empty() {
        return;
    }
    let redactor = Redactor::new(secrets.iter().map(String::as_str));
    let clean = |value: &mut Value| *value = redactor.value(std::mem::take(value));
    let (sent, logs) = match result {
        Ok(out) => {
            clean(&mut out.result);
            ([&mut out.request, &mut out.response], &mut out.logs)
        }
        Err(e) => {
            e.message = redactor.text(&e.message);
            ([&mut e.request, &mut e.response], &mut e.logs)
        }
    };
    sent.into_iter().flatten().for_each(clean);
    logs.iter_mut().for_each(|line| *line = redactor.text(line));
}

/// The span around it has the ids.
fn log_end(end: &Finished, duration_ms: i64) {
    let status = end.status.name();
    match &end.error {
        None => debug!(status, duration_ms, "attempt ended"),
        Some(e) => info!(status, duration_ms, error = e.message, "attempt failed"),
    }
}
