//! The template engine with its limits: one environment, a budget per call, errors as sentences.

use std::borrow::Cow;
use std::io;
use std::sync::OnceLock;
use std::thread;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value as Rendered, escape_formatter};
use serde_json::Value;

use super::context::Context;
use super::{MAX_OUTPUT_BYTES, convert, has_markup, scan};

/// Work that one call may do: instructions, plus a share of the bytes and items touched. Printing 1 MiB of JSON takes half.
const FUEL: u64 = 500_000;
/// Nested loops and blocks within one template.
const MAX_NESTING: usize = 60;
/// Templates up to this many tokens are compiled and run on the caller's stack.
const INLINE_TOKENS: usize = 200;
/// The stack for larger ones; their values can be nested a few thousand deep, and dropping those recurses.
const STACK_BYTES: usize = 64 << 20;

/// Why a template could not be rendered or is none.
#[derive(Debug)]
pub struct Fault {
    pub message: String,
    /// The process was short of something.
    pub transient: bool,
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self { message, transient: false }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        explain(&error).into()
    }
}

/// What a render that produces too much is told.
pub fn too_large() -> String {
    format!("The rendered text is larger than {} KiB.", MAX_OUTPUT_BYTES >> 10)
}

/// One call of a render function: the context, and what is left of its budget.
pub struct Run<'c> {
    context: &'c Context,
    fuel: u64,
    bytes: usize,
    tokens: usize,
}

impl<'c> Run<'c> {
    /// A full budget.
    pub const fn new(context: &'c Context) -> Self {
        Self { context, fuel: FUEL, bytes: MAX_OUTPUT_BYTES, tokens: scan::MAX_TOKENS }
    }

    /// Renders a text; a text without markup passes as it is.
    pub fn text(&mut self, source: &str, html: bool) -> Result<String, Fault> {
        if !has_markup(source) {
            self.bytes = self.bytes.checked_sub(source.len()).ok_or_else(too_large)?;
            return Ok(source.to_owned());
        }
        let tokens = spend(source, &mut self.tokens)?;
        on_enough_stack(tokens, || self.print(source, html))
    }

    /// Renders a text to a string, or to the value of the one expression that it consists of.
    pub fn value(&mut self, source: &str) -> Result<Value, Fault> {
        let Some(expression) = sole_expression(source) else {
            return self.text(source, false).map(Value::String);
        };
        let tokens = spend(source, &mut self.tokens)?;
        on_enough_stack(tokens, || match environment(false).compile_expression(expression) {
            Ok(_) => self.evaluate(source, expression),
            Err(_) => self.print(source, false).map(Value::String),
        })
    }

    fn print(&mut self, source: &str, html: bool) -> Result<String, Fault> {
        let mut env = environment(html).clone();
        env.set_fuel(Some(self.fuel));
        let template = env.template_from_named_str("template", source)?;
        let mut sink = Sink { text: Vec::new(), left: self.bytes };
        let done = template.render_captured_to(self.context.root(), &mut sink)?;
        self.fuel = done.state().fuel_levels().map_or(0, |(_, remaining)| remaining);
        drop(done);
        self.bytes = sink.left;
        String::from_utf8(sink.text).map_err(|_| Fault::from("The rendered text is not UTF-8.".to_owned()))
    }

    /// The expression's value by way of a variable, since only a rendered template tells what it consumed.
    fn evaluate(&mut self, source: &str, expression: &str) -> Result<Value, Fault> {
        let mut env = environment(false).clone();
        env.set_fuel(Some(self.fuel));
        let wrapped = format!("{{% set __value = {expression} %}}");
        let template = env.template_from_named_str("template", &wrapped)?;
        let done = template.render_captured(self.context.root())?;
        self.fuel = done.state().fuel_levels().map_or(0, |(_, remaining)| remaining);
        let value = done.state().lookup("__value").unwrap_or_default();
        if value.is_undefined() {
            // Printing it is what names the undefined variable; `{{ x if no }}` prints nothing.
            return self.print(source, false).map(Value::String);
        }
        Ok(convert::to_json(&value, &mut self.bytes)?)
    }
}

/// Checks the syntax of a text and takes its tokens from `tokens`.
pub fn check(source: &str, tokens: &mut usize) -> Result<(), Fault> {
    if !has_markup(source) {
        return Ok(());
    }
    let size = spend(source, tokens)?;
    on_enough_stack(size, || Ok(environment(false).template_from_named_str("template", source).map(|_| ())?))
}

fn spend(source: &str, tokens: &mut usize) -> Result<usize, Fault> {
    let size = scan::scan(source)?;
    *tokens = tokens.checked_sub(size).ok_or_else(|| format!("The templates together have more than {} parts.", scan::MAX_TOKENS))?;
    Ok(size)
}

/// The inside of `{{ ... }}` when the text begins and ends with it; whether it is one expression, the compiler says.
fn sole_expression(source: &str) -> Option<&str> {
    let inner = source.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    Some(inner.strip_suffix(['-', '+']).unwrap_or(inner))
}

/// Compiling, running and dropping large templates recurses further than a worker's stack is deep.
fn on_enough_stack<T: Send>(tokens: usize, run: impl FnOnce() -> Result<T, Fault> + Send) -> Result<T, Fault> {
    if tokens <= INLINE_TOKENS {
        return run();
    }
    thread::scope(|scope| match thread::Builder::new().name("render".into()).stack_size(STACK_BYTES).spawn_scoped(scope, run) {
        Ok(handle) => handle.join().unwrap_or_else(|_| Err("The template could not be rendered.".to_owned().into())),
        Err(error) => Err(Fault { message: format!("No thread could be started to render the template: {error}."), transient: true }),
    })
}

fn environment(html: bool) -> &'static Environment<'static> {
    static TEXT: OnceLock<Environment<'static>> = OnceLock::new();
    static HTML: OnceLock<Environment<'static>> = OnceLock::new();
    let (cell, escape) = if html { (&HTML, AutoEscape::Html) } else { (&TEXT, AutoEscape::None) };
    cell.get_or_init(|| {
        let mut env = Environment::new();
        // A text ends as it is written, with or without markup in it.
        if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
            env.set_syntax(syntax);
        }
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(move |_| escape.clone());
        env.set_formatter(print_like_json);
        env.set_recursion_limit(MAX_NESTING);
        env.set_fuel(Some(FUEL));
        // What names the undefined variable in errors.
        env.set_debug(true);
        // `debug` prints the engine's insides; `namespace` would let a loop nest values without end.
        env.remove_global("debug");
        env.remove_global("namespace");
        env.add_filter("urlencode", urlencode);
        env.add_filter("b64encode", b64encode);
        env
    })
}

/// Printed values read like JSON (`true`, `null`, `[1,2]`), so that JSON can be written as text.
fn print_like_json(out: &mut Output, state: &mut State, value: &Rendered) -> Result<(), Error> {
    let shown = match value.kind() {
        ValueKind::Bool if value.is_true() => "true".to_owned(),
        ValueKind::Bool => "false".to_owned(),
        ValueKind::None => "null".to_owned(),
        ValueKind::Map | ValueKind::Seq | ValueKind::Iterable => {
            let mut bytes = MAX_OUTPUT_BYTES;
            let json = convert::to_json(value, &mut bytes).map_err(|message| Error::new(ErrorKind::BadSerialization, message))?;
            json.to_string()
        }
        _ => return escape_formatter(out, state, value),
    };
    escape_formatter(out, state, &Rendered::from(shown))
}

/// Percent-encodes everything but letters, digits, `-`, `.`, `_` and `~`: safe in any part of a URL.
fn urlencode(text: Cow<'_, str>) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn b64encode(text: Cow<'_, str>) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text.as_bytes())
}

/// Collects output up to what the budget leaves.
struct Sink {
    text: Vec<u8>,
    left: usize,
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("too large"))?;
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The engine's error as a sentence.
fn explain(error: &Error) -> String {
    let line = error.line().filter(|n| *n > 1).map(|n| format!(" (line {n})")).unwrap_or_default();
    let detail = error.detail().unwrap_or_default();
    if let Some(name) = undefined_name(detail) {
        return match name.strip_prefix("secret").filter(|rest| rest.starts_with(['.', '['])) {
            Some(secret) => format!("There is no secret \"{}\" that this action may use{line}.", secret.trim_matches(['.', '[', ']', '\'', '"'])),
            None => format!("{name} is not defined: the event has no such value{line}. Use {name}|default(\"...\") if it may be missing."),
        };
    }
    match error.kind() {
        ErrorKind::OutOfFuel => "The template does more work than is allowed.".to_owned(),
        ErrorKind::WriteFailure => too_large(),
        ErrorKind::SyntaxError => format!("The template has a syntax error: {detail}{line}."),
        kind if detail.is_empty() => format!("The template cannot be rendered: {kind}{line}."),
        _ => format!("The template cannot be rendered: {}{line}.", detail.trim_end_matches('.')),
    }
}

/// The name in "`user.email` is undefined".
fn undefined_name(detail: &str) -> Option<&str> {
    let (before, _) = detail.split_once("` is undefined")?;
    before.rsplit_once('`').map(|(_, name)| name)
}
