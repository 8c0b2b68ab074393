//! What the process tells of itself: the log, made from the configuration, and the traces. One line per event, whatever the
//! event holds.

mod file;
mod lines;
mod otlp;
#[cfg(test)]
mod tests;
pub mod trace;

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, FilterFn, filter_fn};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Config, LogFormat};
use file::LogFile;

/// Keeps log and traces open; dropped last, it brings the log file to the disk and sends the last spans.
#[must_use = "the log file is brought to the disk, and the last spans are sent, when this is dropped"]
#[derive(Debug)]
pub struct Guard {
    file: Option<Arc<LogFile>>,
    traces: Option<SdkTracerProvider>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces
            && let Err(e) = traces.shutdown_with_timeout(otlp::LAST_SPANS)
        {
            tracing::warn!(error = %e, "the last spans could not be delivered");
        }
        if let Some(file) = &self.file {
            // Nobody is left to tell: this is the log.
            let _ = file.sync();
        }
    }
}

/// Starts logging and tracing as configured, for the whole process, panics included. Needs a tokio runtime around it.
///
/// # Errors
/// When the log file cannot be opened, the collector's address cannot be used, or logging was started before.
pub fn init(config: &Config) -> anyhow::Result<Guard> {
    let filter = EnvFilter::try_new(&config.log).context("the setting log cannot be read")?;
    let file = match &config.log_file {
        None => None,
        Some(path) => {
            let file = LogFile::open(path, config.log_rotation, config.log_keep).with_context(|| format!("cannot open the log file {}", path.display()))?;
            Some(Arc::new(file))
        }
    };
    let sink = file.clone().map_or(Sink::Stderr, Sink::File);
    let is_text = match config.log_format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => file.is_none() && io::stderr().is_terminal(),
    };
    let traces = config.otlp_endpoint.as_deref().map(otlp::start).transpose()?;
    let spans = traces
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("event_actions")).with_location(false).with_threads(false).with_filter(our_spans()));
    let log = log_layer(is_text, move || sink.clone()).with_filter(filter.and(logged()));
    tracing_subscriber::registry().with(log).with(spans).try_init().map_err(|e| anyhow::anyhow!("logging cannot start: {e}"))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, cause = message, backtrace = %std::backtrace::Backtrace::capture(), "panic");
    }));
    if let Some(endpoint) = &config.otlp_endpoint {
        trace::start_exporting();
        tracing::info!(endpoint, "traces are exported");
    }
    Ok(Guard { file, traces })
}

/// The layer that writes lines.
fn log_layer<S, W>(is_text: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    W: for<'a> MakeWriter<'a> + Clone + Send + Sync + 'static,
{
    if is_text {
        fmt::layer().with_ansi(false).fmt_fields(lines::TextFields).with_writer(Plain(writer)).boxed()
    } else {
        fmt::layer().with_ansi(false).fmt_fields(JsonFields::new()).event_format(lines::JsonLines).with_writer(writer).boxed()
    }
}

/// What the log takes: everything but the spans that only traces show.
fn logged() -> FilterFn {
    filter_fn((|m| m.target() != trace::SPANS) as fn(&Metadata<'_>) -> bool).with_max_level_hint(LevelFilter::TRACE)
}

/// What traces take: our own spans, no events, nothing of libraries.
fn our_spans() -> FilterFn {
    filter_fn((|m| m.is_span() && m.target().starts_with("event_actions")) as fn(&Metadata<'_>) -> bool).with_max_level_hint(LevelFilter::INFO)
}

/// Where lines go.
#[derive(Clone)]
enum Sink {
    Stderr,
    File(Arc<LogFile>),
}

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stderr => io::stderr().lock().write(line),
            Self::File(file) => file.append(line).map(|()| line.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stderr => io::stderr().lock().flush(),
            Self::File(_) => Ok(()),
        }
    }
}

/// Makes writers of harmless lines.
struct Plain<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Plain<W> {
    type Writer = Escaping<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Escaping(self.0.make_writer())
    }
}

/// Writes each event as one line: what could forge a line or steer a terminal is escaped.
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.write_all(escape_line(&String::from_utf8_lossy(event)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with every control character but the final line break escaped, those that turn the reading direction too.
fn escape_line(text: &str) -> String {
    let (line, end) = text.strip_suffix('\n').map_or((text, ""), |line| (line, "\n"));
    let mut escaped = String::with_capacity(text.len());
    for c in line.chars() {
        if is_dangerous(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped + end
}

/// What could forge a line, steer a terminal or turn the reading direction.
fn is_dangerous(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
