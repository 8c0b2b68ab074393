//! The steps that are built in: validate, transform, send to events, delay. Secrets are not resolved in them: what they
//! make is stored.

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value, json};

use super::convert;
use super::plan::MAX_DELAY_SECONDS;
use crate::handlers::render::{self, nonsense, text_of};
use crate::handlers::{Call, HandlerError};
use crate::model::event::NewEvent;
use crate::model::execution::ErrorClass;
use crate::model::path::{Document, ROOTS};
use crate::template::{self, Context};

/// The type of an event that a step emits when it names none.
pub const DEFAULT_EVENT_TYPE: &str = "workflow.output";
/// Most violations that a failed validation names.
const MAX_NAMED: usize = 5;
/// Most bytes of a compiled pattern in a schema.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// What templates see in a step that is built in: all that other handlers see, but no secrets.
pub fn context(call: &Call) -> Context {
    call.context().without_secrets()
}

/// Whether `when` came out truthy: not false, null, 0, nothing, or a word for no.
///
/// # Errors
/// When it cannot be rendered.
pub fn holds(when: &str, context: &Context) -> Result<bool, HandlerError> {
    let value = template::render_value(&json!(when), context, &[]).map_err(|e| render::failed(&e.under("/when")))?;
    Ok(match value {
        Value::Null => false,
        Value::Bool(b) => b,
        Value::Number(n) => n.as_f64().is_some_and(|n| n != 0.0),
        Value::String(text) => !matches!(text.trim().to_lowercase().as_str(), "" | "false" | "no" | "off" | "0" | "null" | "none"),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    })
}

/// A JSON Schema that fetches nothing and whose patterns take linear time.
///
/// # Errors
/// A sentence, when it is none.
pub fn compile(schema: &Value) -> Result<Validator, String> {
    let patterns = PatternOptions::regex().size_limit(MAX_PATTERN_BYTES);
    jsonschema::options().offline().should_validate_formats(true).with_pattern_options(patterns).build(schema).map_err(|e| format!("This is no usable JSON Schema: {e}."))
}

/// Checks the event's data against `required_fields` and `schema`.
///
/// # Errors
/// Permanent, naming what is missing or wrong.
pub fn validate(call: &Call, params: &Map<String, Value>) -> Result<Value, HandlerError> {
    let fields = params.get("required_fields").and_then(Value::as_array);
    let missing: Vec<&str> = fields.into_iter().flatten().filter_map(Value::as_str).filter(|path| !is_present(call, path)).collect();
    if !missing.is_empty() {
        return Err(HandlerError::permanent(ErrorClass::Step, format!("The event's data has no {}.", missing.join(", no "))));
    }
    if let Some(schema) = params.get("schema") {
        let validator = compile(schema).map_err(nonsense)?;
        let mut wrong: Vec<String> =
            validator.iter_errors(&call.event.data).take(MAX_NAMED + 1).map(|e| format!("data{}: {e}", e.instance_path().to_string().replace('/', "."))).collect();
        if wrong.len() > MAX_NAMED {
            wrong[MAX_NAMED] = "and more".to_owned();
        }
        if !wrong.is_empty() {
            return Err(HandlerError::permanent(ErrorClass::Step, format!("The event's data does not fit the schema: {}.", wrong.join("; "))));
        }
    }
    Ok(json!({"valid": true}))
}

/// Whether a path leads to something but null, in `data` or, for a path that says so, from the top.
fn is_present(call: &Call, path: &str) -> bool {
    let document = Document::new(&call.event);
    let leads = |path: &str| document.resolve(path).iter().any(|v| !v.is_null());
    leads(&format!("data.{path}")) || ROOTS.iter().any(|root| path.starts_with(&format!("{root}."))) && leads(path)
}

/// Makes something of `input`.
///
/// # Errors
/// Permanent: a template that cannot be rendered, or what does not fit the format.
pub fn transform(params: &Map<String, Value>, input: &Value, context: &Context) -> Result<Value, HandlerError> {
    if let Some(format) = params.get("format").and_then(Value::as_str) {
        return convert::convert(format, input);
    }
    let key = if params.contains_key("mapping") { "mapping" } else { "template" };
    let source = params.get(key).unwrap_or(&Value::Null);
    template::render_value(source, context, &[]).map_err(|e| render::failed(&e.under(&format!("/params/{key}"))))
}

/// The event that a step emits.
///
/// # Errors
/// Permanent, when a template cannot be rendered or gives something else than it should.
pub fn event(params: &Map<String, Value>, input: &Value, context: &Context) -> Result<NewEvent, HandlerError> {
    let rendered = template::render_value(&Value::Object(params.clone()), context, &["destination"]).map_err(|e| render::failed(&e.under("/params")))?;
    let text = |key: &str| match rendered.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => text_of(value).map(Some).ok_or_else(|| nonsense(format!("{key} must be a text."))),
    };
    let data = match rendered.get("data") {
        None | Some(Value::Null) if input.is_object() => input.clone(),
        None | Some(Value::Null) => json!({"value": input}),
        Some(data @ Value::Object(_)) => data.clone(),
        Some(_) => return Err(nonsense("data of an emitted event must be an object.")),
    };
    Ok(NewEvent {
        event_type: text("event_type")?.filter(|t| !t.is_empty()).unwrap_or_else(|| DEFAULT_EVENT_TYPE.to_owned()),
        data,
        metadata: json!({}),
        aggregate_id: text("aggregate_id")?,
        aggregate_type: text("aggregate_type")?,
        ..NewEvent::default()
    })
}

/// How many seconds a delay takes.
///
/// # Errors
/// Permanent, when it is no number in range.
pub fn seconds(params: &Map<String, Value>, context: &Context) -> Result<u64, HandlerError> {
    let given = params.get("seconds").unwrap_or(&Value::Null);
    let rendered = template::render_value(given, context, &[]).map_err(|e| render::failed(&e.under("/params/seconds")))?;
    let number = rendered.as_u64().or_else(|| rendered.as_str().and_then(|t| t.trim().parse().ok()));
    number.filter(|n| *n <= MAX_DELAY_SECONDS).ok_or_else(|| nonsense(format!("seconds must be a whole number from 0 to {MAX_DELAY_SECONDS}, not {rendered}.")))
}
