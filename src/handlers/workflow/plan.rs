//! A workflow's configuration, read and checked.

use serde_json::{Map, Value, json};

use super::perform::PREVIOUS;
use crate::handlers::render::{at, is_template, members, nonsense};
use crate::handlers::{Call, HandlerError};
use crate::model::FieldError;
use crate::model::error::Faults;
use crate::model::event::{RESERVED_PREFIX, type_fault};
use crate::model::path;
use crate::template;

/// Most steps of one workflow.
pub const MAX_STEPS: usize = 50;
/// How deep workflows may be nested in one another.
pub const MAX_DEPTH: usize = 3;
/// Longest delay of one step, in seconds: 30 days.
pub const MAX_DELAY_SECONDS: u64 = 30 * 86_400;
/// Most immediate retries of one step.
const MAX_STEP_RETRIES: u64 = 50;
/// Steps of a workflow inside step `n` are numbered from `n * NESTED + 1`, so that all numbers of an execution differ.
const NESTED: usize = 100;

/// What happens when a step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The workflow fails.
    Fail,
    /// It goes on.
    Continue,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Looks at `data`.
    Validate,
    /// Makes something of the result before.
    Transform,
    /// Waits.
    Delay,
    /// Emits an event.
    Emit {
        /// Whether the matched actions run through the queue.
        queued: bool,
    },
    /// Runs another handler.
    Handler {
        /// Its type.
        handler_type: String,
        /// Its configuration, not rendered.
        configuration: Value,
    },
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Unique within the execution; at the top it counts from 1.
    pub number: usize,
    /// What later steps call it.
    pub name: String,
    /// The word in the configuration.
    pub action: String,
    /// What it does.
    pub kind: Kind,
    /// Its settings.
    pub params: Value,
    /// A template; the step runs when it comes out truthy.
    pub when: Option<String>,
    /// What happens when it fails.
    pub on_error: OnError,
    /// How often it is tried again within one attempt of the workflow.
    pub max_retries: u32,
}

/// The steps and how they run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// All together instead of one after another.
    pub parallel: bool,
}

impl Kind {
    /// What an action word with these settings means. Words that are not built in name a handler.
    ///
    /// # Errors
    /// A fault whose pointer begins at the step.
    pub fn of(action: &str, params: &Value) -> Result<Self, FieldError> {
        match action {
            "" => Err(FieldError::new("/action", "missing", "A step needs an action: validate, transform, send, delay or the name of a handler.")),
            "validate" => Ok(Self::Validate),
            "transform" => Ok(Self::Transform),
            "delay" => Ok(Self::Delay),
            "send" => match params.get("destination").and_then(Value::as_str) {
                Some("event") => Ok(Self::Emit { queued: false }),
                Some("queue") => Ok(Self::Emit { queued: true }),
                Some(handler @ ("webhook" | "email")) => {
                    let mut configuration = members(params);
                    configuration.remove("destination");
                    Ok(Self::Handler { handler_type: handler.to_owned(), configuration: Value::Object(configuration) })
                }
                _ => Err(FieldError::new("/params/destination", "unknown_word", "destination must be webhook, email, event or queue.")),
            },
            handler => Ok(Self::Handler { handler_type: handler.to_owned(), configuration: params.clone() }),
        }
    }
}

impl Plan {
    /// The plan of a call.
    ///
    /// # Errors
    /// Permanent, when the configuration cannot be read.
    pub fn of(call: &Call) -> Result<Self, HandlerError> {
        let first = call.step.as_ref().map_or(0, |s| s.number * NESTED);
        let mut plan = Self::read(&call.configuration).map_err(|faults| nonsense(faults.first().map_or_else(String::new, |f| format!("{}: {}", f.pointer, f.message))))?;
        for step in &mut plan.steps {
            step.number += first;
        }
        Ok(plan)
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// Every fault, with pointers that begin at the configuration.
    pub fn read(configuration: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::default();
        let empty = Vec::new();
        let given = configuration.get("steps").and_then(Value::as_array).unwrap_or(&empty);
        if given.is_empty() || given.len() > MAX_STEPS {
            faults.add("/steps", "out_of_range", format!("A workflow has 1 to {MAX_STEPS} steps."));
        }
        let mut steps: Vec<Step> = Vec::new();
        for (i, value) in given.iter().take(MAX_STEPS).enumerate() {
            let pointer = format!("/steps/{i}");
            let mut found = Faults::default();
            if let Some(step) = read_step(value, i + 1, &mut found) {
                if steps.iter().any(|s| s.name == step.name) {
                    found.add("/name", "taken", format!("Another step is called {:?} already.", step.name));
                }
                steps.push(step);
            }
            faults.0.extend(found.0.into_iter().map(|f| FieldError { pointer: format!("{pointer}{}", f.pointer), ..f }));
        }
        let parallel = configuration.get("parallel").and_then(Value::as_bool).unwrap_or(false);
        if faults.0.is_empty() { Ok(Self { steps, parallel }) } else { Err(faults.0) }
    }
}

fn read_step(value: &Value, number: usize, faults: &mut Faults) -> Option<Step> {
    let Some(step) = value.as_object() else {
        faults.add("", "wrong_type", "A step is an object: {\"action\": ..., \"params\": {...}}.");
        return None;
    };
    refuse_unknown(step, &["name", "action", "params", "when", "on_error", "max_retries"], "", faults);
    let text = |key: &str| step.get(key).and_then(Value::as_str);
    let name = text("name").filter(|n| !n.is_empty()).map_or_else(|| format!("step_{number}"), str::to_owned);
    let fine = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !name.starts_with(|c: char| c.is_ascii_digit());
    faults.require(fine, "/name", "bad_name", "A step's name has 1 to 64 letters, digits and _, and begins with no digit, so that templates can say steps.NAME.");
    faults.require(name != PREVIOUS, "/name", "reserved", "steps.previous is always the result of the step before; choose another name.");
    let params = step.get("params").cloned().unwrap_or_else(|| json!({}));
    faults.require(params.is_object(), "/params", "wrong_type", "params must be an object.");
    let when = match step.get("when") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(Value::String(text)) => Some(as_template(text)),
        Some(_) => {
            faults.add("/when", "wrong_type", "when is a template, such as {{ data.total > 100 }}.");
            None
        }
    };
    if let Some(when) = &when {
        faults.0.extend(template::check_value(&json!(when), &[]).into_iter().take(1).map(|f| FieldError { pointer: "/when".into(), ..f }));
    }
    let on_error = match step.get("on_error") {
        None | Some(Value::Null) => OnError::Fail,
        Some(word) if word == "fail" => OnError::Fail,
        Some(word) if word == "continue" => OnError::Continue,
        Some(_) => {
            faults.add("/on_error", "unknown_word", "on_error must be fail or continue.");
            OnError::Fail
        }
    };
    let retries = step.get("max_retries").filter(|v| !v.is_null()).map_or(Some(0), Value::as_u64).filter(|n| *n <= MAX_STEP_RETRIES);
    faults.require(retries.is_some(), "/max_retries", "out_of_range", "max_retries of a step is a whole number from 0 to 50.");
    let action = text("action").unwrap_or_default().to_owned();
    let kind = match Kind::of(&action, &params) {
        Ok(kind) => kind,
        Err(fault) => {
            faults.0.push(fault);
            return None;
        }
    };
    check_params(&kind, &members(&params), faults);
    let max_retries = retries.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    Some(Step { number, name, action, kind, params, when, on_error, max_retries })
}

/// A text without braces is taken for the expression itself.
fn as_template(text: &str) -> String {
    if template::has_markup(text) { text.to_owned() } else { format!("{{{{ {} }}}}", text.trim()) }
}

fn refuse_unknown(given: &Map<String, Value>, known: &[&str], pointer: &str, faults: &mut Faults) {
    for key in given.keys().filter(|key| !known.contains(&key.as_str())) {
        faults.add(at(pointer, key), "unknown_field", format!("{key:?} is not known here; known are {}.", known.join(", ")));
    }
}

/// Faults in the settings of what is built in; those of other handlers are found by [`super::inner_configurations`].
fn check_params(kind: &Kind, params: &Map<String, Value>, faults: &mut Faults) {
    match kind {
        Kind::Validate => check_validate(params, faults),
        Kind::Transform => check_transform(params, faults),
        Kind::Delay => {
            refuse_unknown(params, &["seconds"], "/params", faults);
            let fine = params.get("seconds").is_some_and(|s| is_template(s) || s.as_u64().is_some_and(|n| n <= MAX_DELAY_SECONDS));
            faults.require(fine, "/params/seconds", "out_of_range", "seconds is a whole number from 0 to 2592000 (30 days), or a template that gives one.");
        }
        Kind::Emit { .. } => check_emit(params, faults),
        Kind::Handler { .. } => {}
    }
}

fn check_validate(params: &Map<String, Value>, faults: &mut Faults) {
    refuse_unknown(params, &["required_fields", "schema"], "/params", faults);
    if !params.contains_key("required_fields") && !params.contains_key("schema") {
        faults.add("/params", "missing", "validate needs required_fields, a list of paths in data, or schema, a JSON Schema of data.");
    }
    if let Some(fields) = params.get("required_fields") {
        match fields.as_array() {
            Some(paths) => {
                for (i, value) in paths.iter().enumerate() {
                    let why = value.as_str().map_or(Some("A path is a text, such as user.email."), path::fault);
                    if let Some(why) = why {
                        faults.add(format!("/params/required_fields/{i}"), "bad_path", why);
                    }
                }
            }
            None => faults.add("/params/required_fields", "wrong_type", "required_fields is a list of paths in data, such as [\"email\"]."),
        }
    }
    if let Some(Err(why)) = params.get("schema").map(super::builtin::compile) {
        faults.add("/params/schema", "bad_schema", why);
    }
}

fn check_transform(params: &Map<String, Value>, faults: &mut Faults) {
    const FORMS: [&str; 3] = ["format", "template", "mapping"];
    refuse_unknown(params, &FORMS, "/params", faults);
    if FORMS.into_iter().filter(|form| params.contains_key(*form)).count() != 1 {
        faults.add("/params", "missing", "transform needs exactly one of format (json, text or csv), template (a text) and mapping (an object of templates).");
    }
    if let Some(format) = params.get("format") {
        let fine = format.as_str().is_some_and(|f| super::convert::FORMATS.contains(&f));
        faults.require(fine, "/params/format", "unknown_word", "format must be json, text or csv.");
    }
    faults.require(params.get("template").is_none_or(Value::is_string), "/params/template", "wrong_type", "template is a text.");
    faults.require(params.get("mapping").is_none_or(Value::is_object), "/params/mapping", "wrong_type", "mapping is an object whose strings are templates.");
}

fn check_emit(params: &Map<String, Value>, faults: &mut Faults) {
    refuse_unknown(params, &["destination", "event_type", "data", "aggregate_id", "aggregate_type"], "/params", faults);
    match params.get("event_type") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) if template::has_markup(text) => {}
        Some(Value::String(text)) => {
            if let Some(why) = type_fault(text) {
                faults.add("/params/event_type", "bad_event_type", why);
            } else if text.starts_with(RESERVED_PREFIX) {
                faults.add("/params/event_type", "reserved", "Types that begin with \"system.\" are the product's own; choose another first segment.");
            }
        }
        Some(_) => faults.add("/params/event_type", "wrong_type", "event_type is a text, such as user.welcomed."),
    }
    let fine = params.get("data").is_none_or(|d| d.is_object() || d.is_null() || is_template(d));
    faults.require(fine, "/params/data", "wrong_type", "data must be an object.");
}
