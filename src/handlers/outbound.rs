//! The one HTTP client for everything that leaves the house: webhooks, tests, alerts. Guarded, bounded, without surprises.
//!
//! http and https only; no redirects, proxies, cookies or decompression; every address is checked when connecting and
//! pinned; at most so many requests at once to one host; bodies are read up to [`MAX_CAPTURED_BYTES`] and no further.

mod client;
mod demo_sink;
mod failure;
mod guard;
mod hosts;
mod ranges;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use crate::model::execution::{ErrorClass, MAX_CAPTURED_BYTES};
use guard::Guard;
use hosts::HostLimits;

pub use demo_sink::HOST as DEMO_SINK_HOST;
pub use failure::Failure;
pub use guard::Refusal;

/// Most response headers kept, and most bytes of them.
const KEPT_HEADERS: usize = 64;
const KEPT_HEADER_BYTES: usize = 16 * 1024;
/// How long a save waits for DNS.
const SAVE_LOOKUP: Duration = Duration::from_secs(2);

/// How requests leave.
#[derive(Clone, Debug)]
pub struct OutboundConfig {
    /// Exempt from the address guard: CIDRs and hosts, each optionally with a port.
    pub allow_targets: Vec<String>,
    /// Where this service listens; never called. An unspecified address stands for all of this machine's.
    pub own_addresses: Vec<SocketAddr>,
    /// Most requests at once to one host, at least 1.
    pub per_host: usize,
    /// Sent unless a request brings its own.
    pub user_agent: String,
    /// More roots of trust, each a PEM bundle.
    pub extra_roots: Vec<Vec<u8>>,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        let user_agent = concat!("event-actions/", env!("CARGO_PKG_VERSION")).to_owned();
        Self { allow_targets: Vec::new(), own_addresses: Vec::new(), per_host: 64, user_agent, extra_roots: Vec::new() }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The URL as written; it is checked again here.
    pub url: String,
    /// The headers; host, length and the like are the client's own.
    pub headers: HeaderMap,
    /// The body, if any.
    pub body: Option<Bytes>,
    /// Whether the certificate must be good.
    pub verify_tls: bool,
    /// Bounds everything: waiting for a place, connecting, sending, reading.
    pub timeout: Duration,
    /// How long to wait for a place at the destination before giving up as busy.
    pub patience: Duration,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers in order, at most 64 of 16 KiB together.
    pub headers: Vec<(String, String)>,
    /// The body's first [`MAX_CAPTURED_BYTES`], as it came over the wire.
    pub body: Vec<u8>,
    /// Whether there was more.
    pub truncated: bool,
    /// From the start, waiting for a place included, to the end of what was read.
    pub duration: Duration,
}

impl Response {
    /// The first header of this (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// The client. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    config: OutboundConfig,
    guard: Arc<Guard>,
    hosts: HostLimits,
    /// By the port that rules name (none for all others) and whether certificates are checked.
    clients: Mutex<HashMap<(Option<u16>, bool), Client>>,
}

impl Outbound {
    /// The client; installs rustls' ring provider for the process unless one is installed.
    ///
    /// # Errors
    /// A sentence about the entry of the allow list or the certificate that cannot be read.
    pub fn new(config: OutboundConfig) -> Result<Self, String> {
        // An error means that a provider is installed already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let guard = Arc::new(Guard::new(&config.allow_targets, &config.own_addresses)?);
        let hosts = HostLimits::new(config.per_host);
        let outbound = Self(Arc::new(Inner { config, guard, hosts, clients: Mutex::default() }));
        outbound.client(None, true)?;
        Ok(outbound)
    }

    /// What is sent as `user-agent` unless a request brings its own.
    #[must_use]
    pub fn user_agent(&self) -> &str {
        &self.0.config.user_agent
    }

    /// Checks a URL without asking DNS: for saving and for dry runs.
    ///
    /// # Errors
    /// Why it is not called.
    pub fn check_url(&self, url: &str) -> Result<Url, Refusal> {
        self.0.guard.check_url(url)
    }

    /// Checks a URL and what its host resolves to now. A name that does not resolve yet passes; connecting checks again.
    ///
    /// # Errors
    /// Why it is not called.
    pub async fn check_target(&self, url: &str) -> Result<(), Refusal> {
        let url = self.check_url(url)?;
        if demo_sink::is_meant(&url) {
            return Ok(());
        }
        if let Some(url::Host::Domain(name)) = url.host()
            && let Ok(Ok(addresses)) = timeout(SAVE_LOOKUP, client::lookup(name)).await
        {
            self.0.guard.check_answer(name, addresses, url.port_or_known_default())?;
        }
        Ok(())
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// When there is no complete answer, with what had come back by then.
    pub async fn send(&self, request: Request) -> Result<Response, Failure> {
        let started = Instant::now();
        let deadline = started + request.timeout;
        let url = self.check_url(&request.url)?;
        let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        let Some(_place) = self.0.hosts.enter(&host, request.patience.min(request.timeout)).await else {
            let message = format!("{host} has as many requests under way as are allowed at once ({}).", self.0.config.per_host);
            return Err(Failure { is_busy: true, ..Failure::new(ErrorClass::Timeout, true, message) });
        };
        let seconds = request.timeout.as_secs_f32().round();
        if demo_sink::is_meant(&url) {
            let late = |_| Failure::new(ErrorClass::Timeout, true, format!("{host} did not answer within {seconds} s."));
            return timeout_at(deadline, demo_sink::answer(&url, &request)).await.map_err(late);
        }
        let port = url.port_or_known_default().and_then(|port| self.0.guard.special_port(port));
        let client = self.client(port, request.verify_tls).map_err(|message| Failure::new(ErrorClass::Internal, true, message))?;
        let mut sending = client.request(request.method, url).headers(request.headers);
        if let Some(body) = request.body {
            sending = sending.body(body);
        }
        match timeout_at(deadline, sending.send()).await {
            Err(_) => Err(Failure::new(ErrorClass::Timeout, true, format!("{host} did not answer within {seconds} s."))),
            Ok(Err(error)) => Err(Failure::of(&error, &host)),
            Ok(Ok(answer)) => read(answer, &host, started, deadline).await,
        }
    }

    fn client(&self, port: Option<u16>, verify: bool) -> Result<Client, String> {
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&(port, verify)) {
            return Ok(client.clone());
        }
        let client = client::build(&self.0.config, &self.0.guard, port, verify)?;
        clients.insert((port, verify), client.clone());
        Ok(client)
    }
}

/// Reads the body up to the limit. What is beyond it stays unread, and the connection is closed.
async fn read(mut answer: reqwest::Response, host: &str, started: Instant, deadline: Instant) -> Result<Response, Failure> {
    let mut response = Response { status: answer.status().as_u16(), headers: kept(answer.headers()), ..Response::default() };
    let failure = loop {
        match timeout_at(deadline, answer.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = MAX_CAPTURED_BYTES - response.body.len();
                response.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                response.truncated = chunk.len() > room;
                if response.truncated {
                    break None;
                }
            }
            Ok(Ok(None)) => break None,
            Ok(Err(error)) => break Some(Failure::of(&error, host)),
            Err(_) => {
                let message = format!("{host} answered {}, but the rest of its answer did not come in time.", response.status);
                break Some(Failure::new(ErrorClass::Timeout, true, message));
            }
        }
    };
    response.duration = started.elapsed();
    match failure {
        None => Ok(response),
        Some(failure) => {
            response.truncated = true;
            Err(failure.with_response(response))
        }
    }
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut room = KEPT_HEADER_BYTES;
    let mut out = Vec::new();
    for (name, value) in headers.iter().take(KEPT_HEADERS) {
        let Some(left) = room.checked_sub(name.as_str().len() + value.len()) else {
            break;
        };
        room = left;
        out.push((name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    out
}
