//! The dry run of a workflow: what each step would be given, by the code that would give it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::plan::{Kind, Plan, Step};
use super::{builtin, perform};
use crate::handlers::render::members;
use crate::handlers::{Call, HandlerError, Preview};
use crate::model::execution::ErrorClass;

/// What is known of earlier steps while nothing really runs.
struct Known {
    results: BTreeMap<String, Value>,
    /// What the step before would hand on; none when only running it tells.
    input: Option<Value>,
    /// Steps whose result only running them tells.
    unknown: Vec<String>,
}

/// Previews every step. A step that needs the result of one that only running it tells is marked so.
///
/// # Errors
/// The render and configuration errors that running it would meet.
pub fn preview(call: &Call, plan: &Plan) -> Result<Preview, HandlerError> {
    let start = || Known { results: call.steps.clone(), input: Some(call.event.data.clone()), unknown: Vec::new() };
    let mut known = start();
    let mut shown = Vec::new();
    for step in &plan.steps {
        if plan.parallel {
            known = start();
        }
        shown.push(known.step(call, step)?);
    }
    let how = if plan.parallel { "all together" } else { "one after another" };
    let actions: Vec<&str> = plan.steps.iter().map(|s| s.action.as_str()).collect();
    let count = if plan.steps.len() == 1 { "1 step".to_owned() } else { format!("{} steps, {how}", plan.steps.len()) };
    Ok(Preview { destination: format!("{count}: {}", actions.join(", ")), request: json!({"steps": shown}), curl: None })
}

impl Known {
    fn step(&mut self, call: &Call, step: &Step) -> Result<Value, HandlerError> {
        let mut shown = Map::from_iter([("number".to_owned(), json!(step.number)), ("name".to_owned(), json!(step.name)), ("action".to_owned(), json!(step.action))]);
        let inner = perform::inner_call(call, step, &self.results, self.input.as_ref());
        if let Some(when) = &step.when {
            match builtin::holds(when, &builtin::context(&inner)) {
                Ok(true) => {}
                Ok(false) => {
                    shown.insert("runs".into(), json!(false));
                    self.results.insert(step.name.clone(), Value::Null);
                    return Ok(Value::Object(shown));
                }
                Err(error) if self.may_wait(when, &error) => {
                    shown.insert("runs".into(), json!(self.reason()));
                }
                Err(error) => return Err(named(step, error)),
            }
        }
        let input = self.input.clone().unwrap_or_else(|| json!(self.reason()));
        shown.insert("input".into(), input);
        match self.look(&inner, step) {
            Ok(seen) => shown.extend(seen),
            Err(error) if self.may_wait(&step.params.to_string(), &error) => {
                shown.insert("pending".into(), json!(self.reason()));
                self.becomes_unknown(step);
            }
            Err(error) => return Err(named(step, error)),
        }
        Ok(Value::Object(shown))
    }

    /// What the step would do, as members of its entry; notes its result when that is known without running it.
    fn look(&mut self, call: &Call, step: &Step) -> Result<Map<String, Value>, HandlerError> {
        let params = members(&step.params);
        let context = builtin::context(call);
        let input = self.input.clone().unwrap_or(Value::Null);
        match &step.kind {
            Kind::Validate => {
                let outcome = match builtin::validate(call, &params) {
                    Ok(result) => {
                        self.results.insert(step.name.clone(), result);
                        json!({"valid": true})
                    }
                    Err(error) if error.class == ErrorClass::Step => json!({"valid": false, "reason": error.message}),
                    Err(error) => return Err(error),
                };
                Ok(Map::from_iter([("request".to_owned(), step.params.clone()), ("outcome".to_owned(), outcome)]))
            }
            Kind::Transform if self.input.is_none() && params.contains_key("format") => {
                Err(HandlerError::permanent(ErrorClass::Render, "The result of the step before is not known yet."))
            }
            Kind::Transform => {
                let result = builtin::transform(&params, &input, &context)?;
                self.results.insert(step.name.clone(), result.clone());
                self.input = Some(result.clone());
                Ok(Map::from_iter([("request".to_owned(), step.params.clone()), ("outcome".to_owned(), result)]))
            }
            Kind::Delay => {
                let seconds = builtin::seconds(&params, &context)?;
                self.results.insert(step.name.clone(), json!({"seconds": seconds}));
                Ok(Map::from_iter([("request".to_owned(), json!({"seconds": seconds}))]))
            }
            Kind::Emit { queued } => {
                let mut event = json!(builtin::event(&params, &input, &context)?);
                if self.input.is_none() && params.get("data").is_none_or(Value::is_null) {
                    event["data"] = json!(self.reason());
                }
                self.becomes_unknown(step);
                let destination = format!("emit {}{}", event["event_type"].as_str().unwrap_or_default(), if *queued { ", queued" } else { "" });
                Ok(Map::from_iter([("destination".to_owned(), json!(destination)), ("request".to_owned(), event)]))
            }
            Kind::Handler { handler_type, .. } => {
                let handler = call.host.handler(handler_type).ok_or_else(|| HandlerError::permanent(ErrorClass::NoHandler, format!("There is no handler {handler_type:?}.")))?;
                let inner = handler.preview(call)?;
                self.becomes_unknown(step);
                Ok(Map::from_iter([("destination".to_owned(), json!(inner.destination)), ("request".to_owned(), inner.request), ("curl".to_owned(), json!(inner.curl))]))
            }
        }
    }

    fn becomes_unknown(&mut self, step: &Step) {
        self.unknown.push(step.name.clone());
        self.input = None;
    }

    /// Whether an error may come of a result that is not known yet.
    fn may_wait(&self, templates: &str, error: &HandlerError) -> bool {
        let uses_results = self.unknown.iter().any(|name| templates.contains(name.as_str())) && templates.contains("steps");
        let uses_input = self.input.is_none() && (templates.contains(perform::PREVIOUS) || templates.contains("format"));
        matches!(error.class, ErrorClass::Render | ErrorClass::Configuration) && (uses_results || uses_input)
    }

    fn reason(&self) -> String {
        format!("known when these have run: {}", self.unknown.join(", "))
    }
}

fn named(step: &Step, error: HandlerError) -> HandlerError {
    HandlerError { message: format!("Step {} {:?}: {}", step.number, step.name, error.message), ..error }
}
