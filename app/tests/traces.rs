//! Traces from outside: what the caller names is the root, everything that follows belongs to it, and the collector gets it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use prost::Message as _;
use serde_json::{Value, json};

#[allow(dead_code, reason = "each test file uses a part of it")]
mod util;

use util::{Database, KEY, Service, client};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const PATIENCE: Duration = Duration::from_secs(20);

fn parent() -> String {
    format!("00-{TRACE}-{CALLER}-01")
}

/// What came in: spans at a collector, requests at a receiver of webhooks.
#[derive(Default)]
struct Arrived {
    spans: Vec<Span>,
    services: Vec<String>,
    hits: Vec<(String, HeaderMap)>,
}

type Shared = Arc<Mutex<Arrived>>;

/// Takes spans at `/v1/traces` and webhooks at every other path; the first to `/flaky` is refused.
async fn receiver() -> (String, Shared) {
    let arrived = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let app = Router::new().fallback(take).with_state(arrived.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}"), arrived)
}

async fn take(State(arrived): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut arrived = arrived.lock().expect("what arrived");
    if uri.path() != "/v1/traces" {
        let is_first = !arrived.hits.iter().any(|(path, _)| path == uri.path());
        arrived.hits.push((uri.path().to_owned(), headers));
        return if uri.path() == "/flaky" && is_first { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    }
    assert_eq!(headers["content-type"], "application/x-protobuf");
    for resource in ExportTraceServiceRequest::decode(body).expect("OTLP in protobuf").resource_spans {
        let attributes = resource.resource.map(|r| r.attributes).unwrap_or_default();
        arrived.services.extend(attributes.into_iter().filter(|a| a.key == "service.name").filter_map(|a| text(a.value?.value)));
        arrived.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    StatusCode::OK
}

fn text(value: Option<Attribute>) -> Option<String> {
    match value? {
        Attribute::StringValue(text) => Some(text),
        Attribute::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|a| a.key == key).and_then(|a| text(a.value.clone()?.value));
    found.unwrap_or_else(|| panic!("{} has no {key}: {:?}", span.name, span.attributes))
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|b| format!("{b:02x}")).collect()
}

async fn act(service: &Service, name: &str, url: &str, more: Value) -> String {
    let mut body = json!({"name": name, "handler_type": "webhook", "configuration": {"url": url}, "event_types": ["order.*"], "max_retries": 2, "retry_delay_seconds": 1});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let answer = client().post(format!("{}/api/v1/event-actions", service.base())).bearer_auth(KEY).json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
    answer.json::<Value>().await.expect("JSON")["id"].as_str().expect("an id").to_owned()
}

/// Sends an event as part of the caller's trace. Returns its receipt.
async fn send(service: &Service) -> Value {
    let request = client().post(format!("{}/api/v1/events", service.base())).bearer_auth(KEY);
    let request = request.header("traceparent", parent()).header("tracestate", "vendor=1").header("x-request-id", "request-1");
    let answer = request.json(&json!({"event_type": "order.paid", "data": {"n": 1}})).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.expect("JSON")
}

/// Waits until `done` says so.
async fn until(arrived: &Shared, what: &str, done: impl Fn(&Arrived) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done(&arrived.lock().expect("what arrived")) {
        if Instant::now() > end {
            let arrived = arrived.lock().expect("what arrived");
            let spans: Vec<&str> = arrived.spans.iter().map(|s| s.name.as_str()).collect();
            panic!("{what} within {PATIENCE:?}: {spans:?}, {} hits", arrived.hits.len());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_from_the_caller_to_the_receiver() {
    let (url, arrived) = receiver().await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("EVENT_ACTIONS_OTLP_ENDPOINT", url.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "200")];
    let service = Service::start_with(folder.path(), &Database::from_env().await, &settings).await;
    let at_once = act(&service, "At once", &format!("{url}/fine?token=never-shown"), json!({})).await;
    let queued = act(&service, "Queued", &format!("{url}/flaky"), json!({"execution_mode": "queued"})).await;
    let receipt = send(&service).await;
    until(&arrived, "three requests", |a| a.hits.len() >= 3).await;
    // The rest is sent when it stops.
    service.stop().await;
    let arrived = arrived.lock().expect("what arrived");
    let spans: Vec<&Span> = arrived.spans.iter().filter(|s| hex(&s.trace_id) == TRACE).collect();
    let named = |name: &str| spans.iter().copied().filter(|s| s.name == name).collect::<Vec<_>>();
    let one = |name: &str| match named(name)[..] {
        [span] => span,
        ref others => panic!("{name}: {}", others.len()),
    };
    let (request, ingest, found) = (one("request"), one("ingest"), one("match"));
    assert_eq!(hex(&request.parent_span_id), CALLER);
    assert_eq!((request.kind(), attribute(request, "http.response.status_code")), (SpanKind::Server, "202".to_owned()));
    assert_eq!(attribute(request, "request_id"), "request-1");
    assert_eq!((&ingest.parent_span_id, &found.parent_span_id), (&request.span_id, &ingest.span_id));
    let event_id = receipt["event_id"].as_str().expect("an id");
    assert_eq!((attribute(ingest, "event_id").as_str(), attribute(ingest, "tenant_id").as_str(), attribute(found, "matched").as_str()), (event_id, "default", "2"));

    let executions = named("execute");
    assert_eq!(executions.len(), 3, "one at once, two attempts of the queued one");
    for execute in &executions {
        assert_eq!(execute.parent_span_id, ingest.span_id, "also what ran later");
        assert_eq!((attribute(execute, "event_id").as_str(), attribute(execute, "tenant_id").as_str()), (event_id, "default"));
        let (execution_id, action_id) = (attribute(execute, "execution_id"), attribute(execute, "action_id"));
        let known = receipt["executions"].as_array().expect("a list").iter().find(|x| x["id"] == execution_id.as_str()).expect("an execution of the receipt");
        assert_eq!(known["action_id"], action_id.as_str());
        assert!(action_id == at_once || action_id == queued);
        let [sent] = spans.iter().filter(|s| s.parent_span_id == execute.span_id).collect::<Vec<_>>()[..] else { panic!("one request of each attempt") };
        assert_eq!((sent.name.as_str(), sent.kind(), attribute(sent, "server.address").as_str()), ("POST", SpanKind::Client, "127.0.0.1"));
        let hit = arrived.hits.iter().find(|(_, headers)| headers["traceparent"].to_str().is_ok_and(|t| t == format!("00-{TRACE}-{}-01", hex(&sent.span_id))));
        let (_, headers) = hit.expect("the receiver got the place of the request in the trace");
        assert_eq!((headers["tracestate"].to_str().ok(), headers["webhook-id"].to_str().ok()), (Some("vendor=1"), Some(execution_id.as_str())));
        let failed = attribute(sent, "http.response.status_code") == "503";
        let is_error = |span: &Span| span.status.as_ref().is_some_and(|s| s.code() == SpanStatus::Error);
        assert_eq!((is_error(sent), is_error(execute)), (failed, failed));
    }
    assert!(!format!("{:?}", arrived.spans).contains("never-shown"), "of a URL the host alone is told");
    assert!(arrived.services.iter().all(|name| name == "event-actions") && !arrived.services.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_the_callers_trace_is_passed_on_as_it_came() {
    let (url, arrived) = receiver().await;
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(folder.path(), &Database::from_env().await).await;
    act(&service, "At once", &format!("{url}/fine"), json!({})).await;
    act(&service, "Queued", &format!("{url}/flaky"), json!({"execution_mode": "queued"})).await;
    act(&service, "Its own", &format!("{url}/own"), json!({"configuration": {"url": format!("{url}/own"), "headers": {"traceparent": "mine"}}})).await;
    send(&service).await;
    until(&arrived, "four requests", |a| a.hits.len() >= 4).await;
    for (path, headers) in &arrived.lock().expect("what arrived").hits {
        let (given, state) = if path == "/own" { ("mine".to_owned(), None) } else { (parent(), Some("vendor=1")) };
        assert_eq!(headers["traceparent"].to_str().ok(), Some(given.as_str()), "{path}");
        assert_eq!(headers.get("tracestate").and_then(|v| v.to_str().ok()), state, "{path}");
    }
    assert!(arrived.lock().expect("what arrived").spans.is_empty());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_holds_nothing_up() {
    let (url, arrived) = receiver().await;
    let folder = tempfile::tempdir().expect("a folder");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let endpoint = format!("http://{closed}");
    let settings =
        [("EVENT_ACTIONS_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50"), ("OTEL_BSP_MAX_QUEUE_SIZE", "16"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")];
    let service = Service::start_with(folder.path(), &Database::from_env().await, &settings).await;
    act(&service, "At once", &format!("{url}/fine"), json!({})).await;
    for _ in 0..50 {
        send(&service).await;
    }
    until(&arrived, "all requests", |a| a.hits.len() >= 50).await;
    let end = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(folder.path().join("log")).unwrap_or_default().contains("traces cannot be delivered") {
        assert!(Instant::now() < end, "the log does not say so");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let began = Instant::now();
    service.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10), "stopping took {:?}", began.elapsed());
    let log = std::fs::read_to_string(folder.path().join("log")).expect("the log");
    assert_eq!(log.matches("traces cannot be delivered").count(), 1, "it is said once: {log}");
}
