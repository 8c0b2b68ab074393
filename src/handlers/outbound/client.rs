//! HTTP clients whose every connection passes the guard: the names are resolved here, once, and only what passed is connected to.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, ClientBuilder, redirect, retry};

use super::OutboundConfig;
use super::guard::Guard;

/// Idle connections are closed after this, before most receivers do it under a request.
const IDLE: Duration = Duration::from_secs(30);
/// Idle connections kept per host.
const IDLE_PER_HOST: usize = 16;
/// Time to connect, TLS included; the attempt's own time bounds it too.
const CONNECT: Duration = Duration::from_secs(10);
/// Most bytes of response headers over HTTP/2. HTTP/1 takes at most 100 headers.
const HEADER_BYTES: u32 = 64 * 1024;

/// A name without any address.
#[derive(Debug)]
pub struct Unresolved(String);

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not resolve", self.0)
    }
}

impl std::error::Error for Unresolved {}

/// Resolves a name and lets the guard judge the whole answer.
struct Guarded {
    guard: Arc<Guard>,
    port: Option<u16>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, port, name) = (Arc::clone(&self.guard), self.port, name.as_str().to_owned());
        Box::pin(async move {
            let addresses = guard.check_answer(&name, lookup(&name).await?, port)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Every address of a name, from the system's resolver; ports are 0.
///
/// # Errors
/// When there is none.
pub async fn lookup(name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
    let found: Vec<SocketAddr> = match tokio::net::lookup_host((name, 0)).await {
        Ok(found) => found.collect(),
        Err(error) => {
            tracing::debug!(name, %error, "a name does not resolve");
            Vec::new()
        }
    };
    if found.is_empty() { Err(Unresolved(name.to_owned())) } else { Ok(found) }
}

/// A client for one port that rules name, or for all others (`port` none), with or without checking certificates.
///
/// Roots of trust: the system's, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` when set, and `extra_roots`.
///
/// # Errors
/// A sentence.
pub fn build(config: &OutboundConfig, guard: &Arc<Guard>, port: Option<u16>, verify: bool) -> Result<Client, String> {
    let roots = config.extra_roots.iter().map(|pem| Certificate::from_pem_bundle(pem)).collect::<Result<Vec<_>, _>>();
    let roots: Vec<Certificate> = roots.map_err(|e| format!("An extra root certificate cannot be read: {e}."))?.into_iter().flatten().collect();
    let fresh = || bare(config, Guarded { guard: Arc::clone(guard), port });
    if !verify {
        return fresh().tls_danger_accept_invalid_certs(true).build().map_err(|e| sentence(&e));
    }
    let with_system = if roots.is_empty() { fresh() } else { fresh().tls_certs_merge(roots.clone()) };
    // A machine without any root certificate can still call http and those that are given here.
    with_system.build().or_else(|error| {
        tracing::warn!(%error, "no root certificates from the system: https targets will be refused");
        fresh().tls_certs_only(roots).build().map_err(|e| sentence(&e))
    })
}

fn bare(config: &OutboundConfig, resolver: Guarded) -> ClientBuilder {
    Client::builder()
        .dns_resolver(resolver)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .user_agent(config.user_agent.as_str())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
}

fn sentence(error: &reqwest::Error) -> String {
    format!("The HTTP client cannot be made: {error}.")
}
