//! Logging: the subscriber made from the configuration. One line per event, whatever the event holds.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Keeps the log open; dropped last, it brings the log file to the disk.
#[must_use = "the log file is brought to the disk when this is dropped"]
#[derive(Debug)]
pub struct Guard {
    file: Option<Arc<File>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Nobody is left to tell: this is the log.
            let _ = file.sync_data();
        }
    }
}

/// Starts logging as configured, for the whole process, panics included.
///
/// # Errors
/// When the log file cannot be opened, or logging was started before.
pub fn init(config: &Config) -> anyhow::Result<Guard> {
    let filter = EnvFilter::try_new(&config.log).context("the setting log cannot be read")?;
    let file = match &config.log_file {
        None => None,
        Some(path) => Some(Arc::new(OpenOptions::new().create(true).append(true).open(path).with_context(|| format!("cannot open the log file {}", path.display()))?)),
    };
    let sink = file.clone().map_or(Sink::Stderr, Sink::File);
    let text = match config.log_format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => file.is_none() && io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let started = if text {
        lines.with_writer(move || Escaping(sink.clone())).try_init()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_writer(move || sink.clone()).try_init()
    };
    started.map_err(|e| anyhow::anyhow!("logging cannot start: {e}"))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, backtrace = %std::backtrace::Backtrace::capture(), "panic");
    }));
    if config.otlp_endpoint.is_some() {
        tracing::warn!("otlp_endpoint is set, but this build sends no traces");
    }
    Ok(Guard { file })
}

/// Where lines go.
#[derive(Clone)]
enum Sink {
    Stderr,
    File(Arc<File>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stderr => io::stderr().lock().write(bytes),
            Self::File(file) => (&**file).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stderr => io::stderr().lock().flush(),
            Self::File(file) => (&**file).flush(),
        }
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
        if c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_is_one_harmless_line() {
        for (text, line) in [
            ("plain, ümläute\n", "plain, ümläute\n"),
            ("a\nINFO forged\n", "a\\nINFO forged\n"),
            ("\u{1b}[31mred\u{9b}\u{7f}\r\t", "\\u{1b}[31mred\\u{9b}\\u{7f}\\r\\t"),
            ("abc\u{202e}fdp\u{2066}", "abc\\u{202e}fdp\\u{2066}"),
            ("", ""),
        ] {
            let mut out = Vec::new();
            let written = Escaping(&mut out).write(text.as_bytes()).expect("memory takes it");
            assert_eq!((written, String::from_utf8(out).expect("text").as_str()), (text.len(), line));
        }
    }
}
