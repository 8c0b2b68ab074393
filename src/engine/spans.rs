//! The spans of the straight path: ingest, match, execute. Their ids are fields of the log's lines and attributes in traces.

use tracing::field::Empty;
use tracing::{Span, error_span, info_span};

use super::executor::{Finished, Job};
use crate::model::event::Event;
use crate::telemetry::trace::{self, SPANS};

/// The span of taking one event; its ids go into the lines of the request, too.
pub(super) fn ingest(event: &Event) -> Span {
    let request = Span::current();
    request.record("tenant_id", event.tenant_id.as_str());
    request.record("event_id", event.id.as_str());
    info_span!(target: SPANS, "ingest", tenant_id = event.tenant_id, event_id = event.id, event_type = event.event_type)
}

/// The span of taking many events.
pub(super) fn ingest_batch(events: usize) -> Span {
    info_span!(target: SPANS, "ingest", events)
}

/// Runs the search for matching actions in a span of its own.
pub(super) fn matching<T>(find: impl FnOnce() -> Vec<T>) -> Vec<T> {
    let span = info_span!(target: SPANS, "match", matched = Empty);
    let found = span.in_scope(find);
    span.record("matched", found.len());
    found
}

/// The span of one attempt, a child of the place in the trace where its event was taken. As important as an error, so that
/// every line about the attempt has its ids whatever is logged.
pub(super) fn execute(job: &Job) -> Span {
    let span = error_span!(
        "execute",
        execution_id = job.execution_id,
        event_id = job.event.id,
        tenant_id = job.event.tenant_id,
        action_id = job.action_id,
        attempt = job.attempt,
        handler_type = job.definition.handler_type.as_str(),
        "otel.status_code" = Empty,
        "otel.status_description" = Empty
    );
    trace::adopt(&span, job.trace.as_ref());
    span
}

/// Notes in its span how an attempt ended.
pub(super) fn executed(span: &Span, end: Option<&Finished>) {
    if !trace::is_exported() {
        return;
    }
    let trouble = match end {
        None => Some("The lease was lost, or the end could not be stored."),
        Some(end) => end.error.as_ref().map(|e| e.message.as_str()),
    };
    if let Some(message) = trouble {
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", message);
    }
}
