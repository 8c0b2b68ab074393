//! Running a workflow: each step's end is stored before the next begins.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};

use super::perform::Trace;
use super::plan::{Kind, OnError, Plan, Step};
use super::record::{self, FAILED, WAITING};
use super::{builtin, perform};
use crate::handlers::render::own_limit;
use crate::handlers::{Call, HandlerError, Output, StepRecord};
use crate::model::Timestamp;
use crate::model::execution::ErrorClass;

/// Pauses before a step's retry up to this long are waited out; longer ones give the worker back.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
/// Longest pause before a step's retry.
const MAX_PAUSE: Duration = Duration::from_secs(3600);
/// Most bytes of step results that the workflow's own result repeats.
const MAX_REPEATED_BYTES: usize = 256 << 10;

/// How a step stands after this attempt looked at it.
enum Progress {
    /// Ended, and the workflow may go on.
    Ended(StepRecord),
    /// Goes on at that time.
    Paused(Timestamp),
}

/// Why the workflow cannot go on.
struct Stop {
    step: Option<(usize, String)>,
    error: HandlerError,
}

impl From<HandlerError> for Stop {
    fn from(error: HandlerError) -> Self {
        Self { step: None, error }
    }
}

struct Run<'a> {
    call: &'a Call,
    plan: &'a Plan,
    stored: BTreeMap<usize, StepRecord>,
    deadline: Instant,
    trace: Trace,
}

/// Runs what is left of a workflow.
///
/// # Errors
/// The error of the step that failed; retryable when trying the step again can help.
pub async fn run(call: &Call, plan: &Plan) -> Result<Output, HandlerError> {
    let stored = call.host.finished_steps(&call.execution_id).await?;
    let left = own_limit(call.timeout).saturating_sub(spent(plan, &stored));
    let run = Run { call, plan, stored, deadline: Instant::now() + left, trace: Trace::default() };
    let ended = if plan.parallel { run.together().await } else { run.one_by_one().await };
    let (request, response, logs) = run.trace.show();
    match ended {
        Ok(output) => Ok(Output { request, response, logs, ..output }),
        Err(stop) => {
            let message = match &stop.step {
                Some((number, name)) => format!("Step {number} {name:?} failed: {}", stop.error.message),
                None => stop.error.message,
            };
            Err(HandlerError { message, request, response, logs, ..stop.error })
        }
    }
}

/// How long the steps of a plan have run in earlier attempts.
fn spent(plan: &Plan, stored: &BTreeMap<usize, StepRecord>) -> Duration {
    let times = plan.steps.iter().filter_map(|step| stored.get(&step.number)).map(|r| u64::try_from(r.duration_ms).unwrap_or(0));
    Duration::from_millis(if plan.parallel { times.max().unwrap_or(0) } else { times.sum() })
}

impl Run<'_> {
    async fn one_by_one(&self) -> Result<Output, Stop> {
        let mut results = self.call.steps.clone();
        let mut input = self.call.event.data.clone();
        let mut ended = Vec::new();
        for step in &self.plan.steps {
            match self.advance(step, &results, &input).await? {
                Progress::Paused(until) => return Ok(Output { resume_at: Some(until), ..Output::default() }),
                Progress::Ended(record) => {
                    results.insert(step.name.clone(), record::visible(&record));
                    if let Some(made) = record::handed_on(&record, step) {
                        input = made.clone();
                    }
                    ended.push((step, record));
                }
            }
        }
        Ok(Output { result: summary(&ended, input), ..Output::default() })
    }

    async fn together(&self) -> Result<Output, Stop> {
        let data = &self.call.event.data;
        let all = join_all(self.plan.steps.iter().map(|step| self.advance(step, &self.call.steps, data))).await;
        let (mut ended, mut pauses, mut stops) = (Vec::new(), Vec::new(), Vec::new());
        for (step, progress) in self.plan.steps.iter().zip(all) {
            match progress {
                Ok(Progress::Ended(record)) => ended.push((step, record)),
                Ok(Progress::Paused(until)) => pauses.push(until),
                Err(stop) => stops.push(stop),
            }
        }
        if !stops.is_empty() {
            return Err(join_stops(stops));
        }
        if let Some(until) = pauses.into_iter().min() {
            return Ok(Output { resume_at: Some(until), ..Output::default() });
        }
        let results = ended.iter().map(|(step, record)| (step.name.clone(), record::visible(record))).collect();
        Ok(Output { result: summary(&ended, Value::Object(results)), ..Output::default() })
    }

    /// Brings one step as far as it gets: from its record if it ended before, else by running it.
    async fn advance(&self, step: &Step, results: &BTreeMap<String, Value>, input: &Value) -> Result<Progress, Stop> {
        let before = self.stored.get(&step.number);
        if let Some(record) = before.filter(|r| record::is_final(r, step)) {
            return Ok(Progress::Ended(record.clone()));
        }
        if let Some(until) = before.and_then(|r| r.resume_at).filter(|until| *until > Timestamp::now()) {
            return Ok(Progress::Paused(until));
        }
        let mut record = before.cloned().unwrap_or_else(|| record::blank(step));
        if record.status == FAILED {
            record.tries = 0;
        }
        let call = perform::inner_call(self.call, step, results, Some(input));
        let goes_on = before.is_some_and(|r| r.status == WAITING);
        // A condition that held is not asked again when its step goes on.
        if let Some(when) = step.when.as_ref().filter(|_| !goes_on) {
            match builtin::holds(when, &builtin::context(&call)) {
                Ok(true) => {}
                Ok(false) => return self.end(step, StepRecord { status: record::SKIPPED.to_owned(), ..record }).await,
                Err(error) => return self.fail(step, record, error).await,
            }
        }
        if goes_on && step.kind == Kind::Delay {
            let result = record.result.clone();
            return self.end(step, record::succeeded(record, result)).await;
        }
        self.attempts(step, record, call, input).await
    }

    /// Tries a step until it ends, sleeps long, or has no retries left.
    async fn attempts(&self, step: &Step, mut record: StepRecord, mut call: Call, input: &Value) -> Result<Progress, Stop> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if self.call.cancel.is_cancelled() {
                return Err(HandlerError::retryable(ErrorClass::Cancelled, "The workflow was stopped from outside.").into());
            }
            if left.is_zero() {
                return Err(self.out_of_time(step, record).await);
            }
            call.timeout = perform::limit(step, left);
            let began = Instant::now();
            let outcome = perform::perform(step, &call, input, &self.trace).await;
            record.duration_ms = record.duration_ms.saturating_add(millis(began.elapsed()));
            let error = match outcome {
                Ok(Output { resume_at: Some(until), result, .. }) => {
                    let record = record::waiting(StepRecord { result, ..record }, until, None);
                    self.save(step, record).await?;
                    return Ok(Progress::Paused(until));
                }
                Ok(output) => {
                    record.tries += 1;
                    let result = record::without_secrets(output.result, &call.host.handed_out());
                    return self.end(step, record::succeeded(record, result)).await;
                }
                Err(error) => error,
            };
            record.tries += 1;
            if self.call.cancel.is_cancelled() {
                return Err(error.into());
            }
            if self.deadline <= Instant::now() {
                return Err(self.out_of_time(step, record).await);
            }
            if !error.retryable || record.tries > step.max_retries {
                return self.fail(step, record, error).await;
            }
            let pause = error.retry_after.unwrap_or_else(|| Duration::from_secs(1 << (record.tries - 1).min(6))).min(MAX_PAUSE);
            let until = Timestamp::now().plus_ms(millis(pause));
            record = record::waiting(record, until, Some(&error));
            self.save(step, record.clone()).await?;
            if pause > SHORT_PAUSE {
                return Ok(Progress::Paused(until));
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Stores a step's end; only then may the workflow go on.
    async fn end(&self, step: &Step, record: StepRecord) -> Result<Progress, Stop> {
        self.save(step, record.clone()).await?;
        Ok(Progress::Ended(record))
    }

    async fn fail(&self, step: &Step, record: StepRecord, error: HandlerError) -> Result<Progress, Stop> {
        let record = record::failed(record, &error);
        self.save(step, record.clone()).await?;
        match step.on_error {
            OnError::Continue => Ok(Progress::Ended(record)),
            OnError::Fail => Err(Stop { step: Some((step.number, step.name.clone())), error }),
        }
    }

    /// The whole workflow's time is used up; no retry brings it back.
    async fn out_of_time(&self, step: &Step, record: StepRecord) -> Stop {
        let message = format!("The workflow has used up its {} s of running time, all attempts together.", self.call.timeout.as_secs());
        let error = HandlerError::permanent(ErrorClass::Timeout, message);
        match self.save(step, record::failed(record, &error)).await {
            Ok(()) => Stop { step: Some((step.number, step.name.clone())), error },
            Err(unsaved) => unsaved.into(),
        }
    }

    async fn save(&self, step: &Step, mut record: StepRecord) -> Result<(), HandlerError> {
        if let Some(error) = &mut record.error {
            let clean = record::without_secrets(Value::String(std::mem::take(&mut error.message)), &self.call.host.handed_out());
            error.message = clean.as_str().unwrap_or_default().to_owned();
        }
        self.call.host.save_step(self.call, step.number, record).await
    }
}

/// Several failures of steps that ran together: final when one of them is.
fn join_stops(stops: Vec<Stop>) -> Stop {
    let retryable = stops.iter().all(|s| s.error.retryable);
    let retry_after = stops.iter().filter_map(|s| s.error.retry_after).max();
    let disable_action = stops.iter().any(|s| s.error.disable_action);
    let others: Vec<String> =
        stops.iter().skip(1).map(|s| format!("step {} failed too: {}", s.step.as_ref().map_or_else(String::new, |(_, name)| format!("{name:?}")), s.error.message)).collect();
    let mut stops = stops.into_iter();
    // The caller checks that there is one.
    let Some(mut first) = stops.next() else { return HandlerError::permanent(ErrorClass::Internal, "No step failed.").into() };
    if stops.any(|s| s.error.class != first.error.class) {
        first.error.class = ErrorClass::Step;
    }
    if !others.is_empty() {
        first.error.message = format!("{} Also, {}", first.error.message, others.join(" Also, "));
    }
    first.error = HandlerError { retryable, retry_after, disable_action, ..first.error };
    first
}

fn summary(ended: &[(&Step, StepRecord)], output: Value) -> Value {
    let with_results = ended.iter().map(|(_, r)| r.result.to_string().len()).sum::<usize>() <= MAX_REPEATED_BYTES;
    let steps = ended.iter().map(|(step, record)| {
        let mut shown = json!({"number": step.number, "name": step.name, "action": step.action, "status": record.status, "tries": record.tries, "duration_ms": record.duration_ms});
        if let Some(error) = &record.error {
            shown["error"] = json!(error);
        }
        if with_results {
            shown["result"] = record.result.clone();
        }
        shown
    });
    json!({"steps": steps.collect::<Vec<_>>(), "output": output})
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
