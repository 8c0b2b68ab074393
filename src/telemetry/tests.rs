//! Lines as they are written: one per event, harmless, with the ids of everything around them.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tracing::{error, error_span, info, info_span};

use super::*;

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written while `work` runs.
fn written(is_text: bool, work: impl FnOnce()) -> String {
    let memory = Memory::default();
    let writer = memory.clone();
    let subscriber = tracing_subscriber::registry().with(log_layer(is_text, move || writer.clone()).with_filter(EnvFilter::new("info").and(logged())));
    tracing::subscriber::with_default(subscriber, work);
    let bytes = memory.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8(bytes).expect("text")
}

#[test]
fn a_json_line_has_the_ids_of_the_spans_around_it_at_the_top() {
    let text = written(false, || {
        let _request = error_span!("request", request_id = "r-1", tenant_id = tracing::field::Empty, "otel.kind" = "server").entered();
        tracing::Span::current().record("tenant_id", "north");
        let _own = info_span!(target: trace::SPANS, "ingest", event_id = "only traces show this").entered();
        let _execute = error_span!("execute", execution_id = "x-1", event_id = "e-1", attempt = 2).entered();
        error!(error = "no route", level = "own", "it \"failed\"");
    });
    let line: Value = serde_json::from_str(&text).expect("one JSON object");
    assert_eq!((text.matches('\n').count(), text.ends_with('\n')), (1, true));
    let expected = json!({"level": "ERROR", "_level": "own", "message": "it \"failed\"", "error": "no route", "request_id": "r-1", "tenant_id": "north",
        "execution_id": "x-1", "event_id": "e-1", "attempt": 2, "target": "event_actions::telemetry::tests", "timestamp": line["timestamp"]});
    assert_eq!(line, expected);
    assert!(text.starts_with("{\"timestamp\":\"20"), "{text}");
}

#[test]
fn a_text_line_has_them_too() {
    let text = written(true, || {
        let _request = error_span!("request", request_id = "r-1", "otel.kind" = "server").entered();
        info!(count = 3, name = "a \"b\"", "taken");
    });
    assert!(text.ends_with(" INFO request{request_id=\"r-1\"}: event_actions::telemetry::tests: taken count=3 name=\"a \\\"b\\\"\"\n"), "{text:?}");
}

#[test]
fn nothing_in_an_event_forges_a_line_or_steers_a_terminal() {
    let evil = "a\nINFO forged\r\u{1b}[31m\u{9b}2J\u{7f}\u{202e}\u{2066}\u{2028}";
    for is_text in [true, false] {
        let text = written(is_text, || {
            let _request = error_span!("request", path = evil, display = %evil).entered();
            info!(value = evil, display = %evil, "{evil}");
        });
        let line = text.strip_suffix('\n').expect("a line");
        assert!(!line.chars().any(is_dangerous), "{line:?}");
        if !is_text {
            let read: Value = serde_json::from_str(line).expect("JSON");
            assert_eq!((&read["value"], &read["path"], &read["message"]), (&json!(evil), &json!(evil), &json!(evil)), "nothing is lost");
        }
    }
}

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
