//! How a line of the log is written: JSON with the fields of all spans around it at the top, or text.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Fields that only traces show.
const HIDDEN: &str = "otel.";
/// What every line has; a field of the same name is written with an underscore before it.
const OWN: [&str; 4] = ["timestamp", "level", "target", "message"];

/// One JSON object per event: time, level, target, message, then the fields of the spans from the outermost on and its own.
/// The innermost counts when a name occurs twice.
pub(super) struct JsonLines;

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for JsonLines {
    fn format_event(&self, context: &FmtContext<'_, S, JsonFields>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Map::new();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let known = extensions.get::<FormattedFields<JsonFields>>().and_then(|known| serde_json::from_str::<Map<String, Value>>(&known.fields).ok());
            fields.extend(known.into_iter().flatten().filter(|(name, _)| !name.starts_with(HIDDEN)));
        }
        let mut own = Collector::default();
        event.record(&mut own);
        fields.extend(own.fields);
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let head = [("timestamp", time), ("level", event.metadata().level().to_string()), ("target", event.metadata().target().to_owned()), ("message", own.message)];
        let mut separator = '{';
        for (name, value) in head {
            write!(writer, "{separator}\"{name}\":{}", harmless(&Value::String(value)))?;
            separator = ',';
        }
        for (name, value) in fields {
            let name = if OWN.contains(&name.as_str()) { format!("_{name}") } else { name };
            write!(writer, ",{}:{}", harmless(&Value::String(name)), harmless(&value))?;
        }
        writeln!(writer, "}}")
    }
}

/// A value as JSON that does no harm to a terminal either: JSON itself lets some control characters stand.
fn harmless(value: &Value) -> String {
    let text = value.to_string();
    if !text.chars().any(super::is_dangerous) {
        return text;
    }
    text.chars().fold(String::with_capacity(text.len() + 8), |mut out, c| {
        if super::is_dangerous(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
        out
    })
}

/// The fields of an event as JSON.
#[derive(Default)]
struct Collector {
    message: String,
    fields: Map<String, Value>,
}

impl Collector {
    fn put(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        } else if !field.name().starts_with(HIDDEN) {
            self.fields.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Collector {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

/// Fields in a line of text: the message, then `name=value`, texts in quotes.
pub(super) struct TextFields;

impl<'w> FormatFields<'w> for TextFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = TextVisitor { writer, is_first: true, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct TextVisitor<'w> {
    writer: Writer<'w>,
    is_first: bool,
    result: fmt::Result,
}

impl Visit for TextVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" { self.record_debug(field, &format_args!("{value}")) } else { self.record_debug(field, &value) }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let name = field.name();
        if self.result.is_err() || name.starts_with(HIDDEN) {
            return;
        }
        let gap = if self.is_first { "" } else { " " };
        self.is_first = false;
        self.result = if name == "message" { write!(self.writer, "{gap}{value:?}") } else { write!(self.writer, "{gap}{name}={value:?}") };
    }
}
