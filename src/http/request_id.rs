//! The id of a request: taken from `x-request-id` when sane, else made; echoed, logged, and repeated in refusals.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::model::trace::TraceContext;
use crate::telemetry::trace;

/// The header that carries it both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a client, in characters.
const MAX_CHARS: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of a request, as an extension of it.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The id of the request under way in this task, if any.
#[must_use]
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Gives the request its id and the answer the same one. Idle when an outer layer has done so already.
pub async fn layer(mut request: Request, next: Next) -> Response {
    if request.extensions().get::<RequestId>().is_some() {
        return next.run(request).await;
    }
    let given = request.headers().get(&HEADER).and_then(|v| v.to_str().ok()).filter(|id| is_sane(id));
    let id = given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let given = trace_of(request.headers());
    let span = span_of(&id, &request, given.as_ref());
    let echo = HeaderValue::from_str(&id).ok();
    let mut response = CURRENT.scope(id, trace::within(given, next.run(request))).instrument(span.clone()).await;
    if trace::is_exported() {
        span.record("http.response.status_code", response.status().as_u16());
        if response.status().is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
    }
    if let Some(echo) = echo {
        response.headers_mut().insert(HEADER, echo);
    }
    response
}

/// The span of a request, part of the trace that the client names. As important as an error, so that every line has the id.
fn span_of(id: &str, request: &Request, given: Option<&TraceContext>) -> Span {
    let span = tracing::error_span!(
        "request",
        request_id = id,
        method = %request.method(),
        path = request.uri().path(),
        tenant_id = Empty,
        event_id = Empty,
        "otel.kind" = "server",
        "otel.status_code" = Empty,
        "http.response.status_code" = Empty
    );
    trace::adopt(&span, given);
    span
}

/// The trace that a client names in `traceparent` and `tracestate`.
fn trace_of(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all("traceparent").iter();
    let (parent, None) = (parents.next()?, parents.next()) else { return None };
    let states: Vec<&str> = headers.get_all("tracestate").iter().filter_map(|v| v.to_str().ok()).collect();
    TraceContext::parse(parent.to_str().ok()?, Some(&states.join(",")))
}

/// Whether a client's id can stand in logs and headers without doing harm.
fn is_sane(id: &str) -> bool {
    (1..=MAX_CHARS).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_ids_are_taken_over() {
        for (id, fine) in [("req-1", true), ("", false), ("a b", false), ("a\"b", false), ("00-4bf9:a/b+c=", true), ("é", false)] {
            assert_eq!(is_sane(id), fine, "{id:?}");
        }
        assert!(is_sane(&"x".repeat(MAX_CHARS)) && !is_sane(&"x".repeat(MAX_CHARS + 1)));
    }

    #[test]
    fn a_trace_is_taken_from_one_parent_and_all_states() {
        const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let of = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_str(value).expect("a value"));
            }
            trace_of(&headers)
        };
        let state = |pairs: &[(&'static str, &str)]| of(pairs).expect("a trace").tracestate;
        assert_eq!(state(&[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")]), Some("a=1,b=2".to_owned()));
        assert_eq!(state(&[("traceparent", PARENT)]), None);
        for pairs in [&[("tracestate", "a=1")][..], &[("traceparent", "nonsense")], &[("traceparent", PARENT), ("traceparent", PARENT)]] {
            assert_eq!(of(pairs), None, "{pairs:?}");
        }
    }
}
