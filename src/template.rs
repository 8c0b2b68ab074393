//! Rendering of templates: pure, strict, bounded. Knows the model alone; who renders what is decided elsewhere.
//!
//! Jinja syntax (minijinja). An undefined variable is an error that names it; nothing is read from disk; work, output and
//! the size of the template itself are limited. Printed values read like JSON: `true`, `null`, `[1,2]`.

mod context;
mod convert;
mod engine;
mod scan;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

use crate::model::FieldError;
use engine::{Fault, Run};

pub use context::{Context, SecretResolver};

/// Most bytes that one call of a render function may produce, all strings together.
pub const MAX_OUTPUT_BYTES: usize = 1 << 20;
/// Most faults that [`check_value`] reports.
const MAX_FAULTS: usize = 50;

/// Why a template could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderError {
    /// JSON Pointer of the template within the value that was rendered; empty for a single text.
    pub pointer: String,
    /// An English sentence, naming the undefined variable where that is the cause.
    pub message: String,
    /// Whether this process was short of something, so that trying again can help.
    pub transient: bool,
}

impl RenderError {
    /// The same error, its place given from further up: `prefix` is the pointer of the rendered value.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }

    fn at(pointer: &str, fault: Fault) -> Self {
        Self { pointer: pointer.to_owned(), message: fault.message, transient: fault.transient }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.trim_start_matches('/') {
            "" => f.write_str(&self.message),
            place => write!(f, "{}: {}", place.replace('/', "."), self.message),
        }
    }
}

impl std::error::Error for RenderError {}

/// Whether a text holds template syntax at all.
#[must_use]
pub fn has_markup(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
}

/// Renders a text without escaping.
///
/// # Errors
/// Bad syntax, an undefined variable, a limit.
pub fn render_text(template: &str, context: &Context) -> Result<String, RenderError> {
    Run::new(context).text(template, false).map_err(|e| RenderError::at("", e))
}

/// Renders HTML: printed values are escaped, save those marked `|safe`.
///
/// # Errors
/// Bad syntax, an undefined variable, a limit.
pub fn render_html(template: &str, context: &Context) -> Result<String, RenderError> {
    Run::new(context).text(template, true).map_err(|e| RenderError::at("", e))
}

/// Renders every string in `value`, at any depth; keys stay as they are. A string that is exactly one expression keeps the
/// JSON type of its value, and what comes out is never rendered again. Members of the outermost object that are named in
/// `literal_keys` are copied as they are.
///
/// # Errors
/// Of the first string that cannot be rendered, with its pointer.
pub fn render_value(value: &Value, context: &Context, literal_keys: &[&str]) -> Result<Value, RenderError> {
    let mut run = Run::new(context);
    let Value::Object(members) = value else {
        return render_at(value, &mut String::new(), &mut run);
    };
    let mut out = Map::new();
    for (key, member) in members {
        let rendered = if literal_keys.contains(&key.as_str()) { member.clone() } else { render_at(member, &mut step("", key), &mut run)? };
        out.insert(key.clone(), rendered);
    }
    Ok(Value::Object(out))
}

/// Checks the syntax of every string in `value`, as [`render_value`] would render it: at most 50 faults, with pointers.
#[must_use]
pub fn check_value(value: &Value, literal_keys: &[&str]) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut tokens = scan::MAX_TOKENS;
    match value {
        Value::Object(members) => {
            for (key, member) in members.iter().filter(|(key, _)| !literal_keys.contains(&key.as_str())) {
                check_at(member, &mut step("", key), &mut tokens, &mut faults);
            }
        }
        other => check_at(other, &mut String::new(), &mut tokens, &mut faults),
    }
    faults
}

/// Checks the syntax of one text.
///
/// # Errors
/// Why it is no template, as a sentence.
pub fn check_text(text: &str) -> Result<(), String> {
    let mut tokens = scan::MAX_TOKENS;
    engine::check(text, &mut tokens).map_err(|fault| fault.message)
}

fn render_at(value: &Value, pointer: &mut String, run: &mut Run) -> Result<Value, RenderError> {
    match value {
        Value::String(text) => run.value(text).map_err(|e| RenderError::at(pointer, e)),
        Value::Array(items) => {
            let rendered = items.iter().enumerate().map(|(i, item)| within(pointer, &i.to_string(), |p| render_at(item, p, run)));
            rendered.collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(members) => {
            let rendered = members.iter().map(|(key, member)| Ok((key.clone(), within(pointer, key, |p| render_at(member, p, run))?)));
            rendered.collect::<Result<_, _>>().map(Value::Object)
        }
        scalar => Ok(scalar.clone()),
    }
}

fn check_at(value: &Value, pointer: &mut String, tokens: &mut usize, faults: &mut Vec<FieldError>) {
    match value {
        Value::String(text) if faults.len() < MAX_FAULTS => {
            if let Err(fault) = engine::check(text, tokens) {
                faults.push(FieldError::new(pointer.clone(), "bad_template", fault.message));
            }
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| within(pointer, &i.to_string(), |p| check_at(item, p, tokens, faults))),
        Value::Object(members) => members.iter().for_each(|(key, member)| within(pointer, key, |p| check_at(member, p, tokens, faults))),
        _ => {}
    }
}

/// Runs `f` with the pointer one step deeper.
fn within<T>(pointer: &mut String, key: &str, f: impl FnOnce(&mut String) -> T) -> T {
    let length = pointer.len();
    pointer.push_str(&step("", key));
    let out = f(pointer);
    pointer.truncate(length);
    out
}

/// `pointer` with one more reference token (RFC 6901).
fn step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
