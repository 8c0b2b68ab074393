//! The trace of the work under way: read from callers, kept with executions, passed to receivers; exported only when asked.
//!
//! Spans of interest to traces alone have the target [`SPANS`]: without an exporter nobody listens to it and they cost nothing.
//! Without an exporter the caller's trace is passed on unchanged; with one, the place of the innermost span is.

use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::model::trace::TraceContext;

/// The target of spans that only traces show, not the log.
pub const SPANS: &str = "event_actions::spans";

static EXPORTS: AtomicBool = AtomicBool::new(false);

tokio::task_local! {
    static GIVEN: Option<TraceContext>;
}

/// Notes that spans are exported from now on.
pub(super) fn start_exporting() {
    EXPORTS.store(true, Ordering::Release);
}

/// Whether spans leave this process at all.
#[must_use]
pub fn is_exported() -> bool {
    EXPORTS.load(Ordering::Acquire)
}

/// Where in a trace the present task is: what is stored with its work, and sent along.
#[must_use]
pub fn current() -> Option<TraceContext> {
    if is_exported() {
        let context = Context::current();
        let span = context.span();
        let here = span.span_context();
        if here.is_valid() {
            let traceparent = format!("00-{}-{}-{:02x}", here.trace_id(), here.span_id(), here.trace_flags().to_u8());
            return Some(TraceContext { traceparent, tracestate: Some(here.trace_state().header()).filter(|s| !s.is_empty()) });
        }
    }
    GIVEN.try_with(Clone::clone).ok().flatten()
}

/// Runs `work` as part of the trace that a caller, or the event's sender, gave.
pub async fn within<F: Future>(given: Option<TraceContext>, work: F) -> F::Output {
    GIVEN.scope(given, work).await
}

/// Makes a new span a child of what `given` names. Does nothing without an exporter.
pub fn adopt(span: &Span, given: Option<&TraceContext>) {
    if !is_exported() {
        return;
    }
    if let Some(parent) = given.and_then(remote) {
        // It fails only for a span that has begun, or that nobody listens to.
        drop(span.set_parent(Context::new().with_remote_span_context(parent)));
    }
}

fn remote(given: &TraceContext) -> Option<SpanContext> {
    let mut parts = given.traceparent.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    let state = given.tracestate.as_deref().and_then(|s| s.parse::<TraceState>().ok()).unwrap_or_default();
    Some(SpanContext::new(trace, span, TraceFlags::new(flags), true, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[tokio::test]
    async fn without_an_exporter_the_given_trace_is_passed_on_unchanged() {
        assert_eq!(current(), None);
        let given = TraceContext::parse(PARENT, Some("vendor=1"));
        assert!(given.is_some());
        assert_eq!(within(given.clone(), async { current() }).await, given);
        assert_eq!(within(None, async { current() }).await, None);
    }

    #[test]
    fn what_is_stored_names_the_same_place() {
        let context = remote(&TraceContext::parse(PARENT, Some("vendor=1")).expect("a trace")).expect("a place");
        assert_eq!((context.trace_id().to_string().as_str(), context.span_id().to_string().as_str()), ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"));
        assert!(context.is_remote() && context.is_sampled() && context.trace_state().header() == "vendor=1");
    }
}
