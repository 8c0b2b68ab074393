//! The way of spans to an OpenTelemetry collector: OTLP over HTTP in protobuf, in batches, from a thread of its own.
//!
//! Work never waits for it: a full queue drops spans. The collector is the operator's own choice, so the guard of outbound
//! requests does not judge its address. What OpenTelemetry's own variables say (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
//! `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_*`) holds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::{info, warn};

/// How long one delivery may take.
const SEND: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long the last spans may take when the process ends.
pub(super) const LAST_SPANS: Duration = Duration::from_secs(3);

/// Starts exporting to the collector at `endpoint`; needs a runtime of several threads around it.
///
/// # Errors
/// When the client cannot be built.
pub(super) fn start(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    // An error means that a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder()
        .timeout(SEND)
        .connect_timeout(CONNECT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("event-actions/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("the client for traces")?;
    let courier = Courier { client, runtime: Handle::current(), is_failing: AtomicBool::new(false) };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(courier)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(traces_url(endpoint))
        .with_timeout(SEND)
        .build()
        .context("the exporter of traces")?;
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build())
}

/// The collector's address for traces: the base URL with OTLP's path, unless the path is there already.
fn traces_url(endpoint: &str) -> String {
    let base = endpoint.trim_end_matches('/');
    if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") }
}

fn resource() -> Resource {
    let named = std::env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty());
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if named { resource.build() } else { resource.with_service_name("event-actions").build() }
}

/// Carries batches on the runtime of the service, and says once when they cannot be delivered.
#[derive(Debug)]
struct Courier {
    client: reqwest::Client,
    runtime: Handle,
    is_failing: AtomicBool,
}

impl Courier {
    fn note(&self, trouble: Option<&str>) {
        match (trouble, self.is_failing.swap(trouble.is_some(), Ordering::Relaxed)) {
            (Some(error), false) => warn!(error, "traces cannot be delivered; they are dropped until the collector answers again"),
            (None, true) => info!("traces are delivered again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let sending = self.client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
        // The exporter's thread has no runtime, and its timer needs one already when sending begins. The answer's body is of no interest.
        let answer = self.runtime.spawn(async move { sending.send().await.map(|a| a.status()) }).await?;
        match answer {
            Ok(status) => {
                self.note((!status.is_success()).then(|| status.to_string()).as_deref());
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status;
                Ok(response)
            }
            Err(e) => {
                let e = e.without_url();
                self.note(Some(&format!("{:#}", anyhow::Error::from(e))));
                Err("the collector cannot be reached".into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_once() {
        for (endpoint, url) in [
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("https://otel.example/in/", "https://otel.example/in/v1/traces"),
            ("http://collector:4318/v1/traces", "http://collector:4318/v1/traces"),
        ] {
            assert_eq!(traces_url(endpoint), url);
        }
    }
}
