//! The accept loop: time limits for request heads and bodies, a limit on connections, HTTP/1 and HTTP/2 without TLS, graceful end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use event_actions::config::{Config, MAX_HEADER_BYTES, MAX_HTTP2_STREAMS};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::{debug, warn};

use crate::open_files;
use crate::slow_body::Impatient;

/// How long to wait when the system has no more files or memory for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(200);

/// What every connection shares.
struct Shared {
    protocol: Builder<TokioExecutor>,
    router: Router,
    header_timeout: Duration,
    stop: CancellationToken,
}

/// Serves `router` on `listener` until `stop`; then lets go of the port and returns the connections that still finish a request.
pub async fn serve(listener: TcpListener, router: Router, config: &Config, stop: CancellationToken) -> TaskTracker {
    let header_timeout = Duration::from_secs(config.header_timeout_seconds);
    let shared = Arc::new(Shared { protocol: protocol(header_timeout), router, header_timeout, stop });
    let slots = Arc::new(Semaphore::new(open_files::connections(config.max_connections)));
    let connections = TaskTracker::new();
    loop {
        // The place first, then the client: who finds no place waits in the system's queue.
        let accepted = async {
            let place = slots.clone().acquire_owned().await.ok()?;
            Some((accept(&listener).await, place))
        };
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => break,
            accepted = accepted => {
                let Some(((stream, peer), place)) = accepted else { break };
                connections.spawn(connection(stream, peer, shared.clone(), place));
            }
        }
    }
    connections.close();
    connections
}

fn protocol(header_timeout: Duration) -> Builder<TokioExecutor> {
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(MAX_HEADER_BYTES);
    let list = u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX);
    protocol
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS)
        .max_header_list_size(list)
        .keep_alive_interval(header_timeout)
        .keep_alive_timeout(header_timeout);
    protocol
}

/// The next client, whatever else goes wrong.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::ConnectionRefused) => {}
            Err(e) => {
                warn!(error = %e, "cannot take a connection");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, _place: OwnedSemaphorePermit) {
    // Answers are written whole; waiting for more only delays them.
    let _ = stream.set_nodelay(true);
    let has_asked = AtomicBool::new(false);
    let service = service_fn(|mut request: Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = shared.router.clone();
        let patience = shared.header_timeout;
        async move { Ok::<_, Infallible>(router.oneshot(request.map(|body| Body::new(Impatient::new(body, patience)))).await.unwrap_or_else(|never| match never {})) }
    });
    let mut serving = std::pin::pin!(shared.protocol.serve_connection(TokioIo::new(stream), service));
    // hyper's own time limit begins once the protocol is known; a client that says nothing never gets there.
    let mut first_request = std::pin::pin!(tokio::time::sleep(shared.header_timeout));
    let (mut is_waiting, mut is_ending) = (true, false);
    loop {
        tokio::select! {
            ended = serving.as_mut() => {
                if let Err(e) = ended {
                    debug!(error = %e, %peer, "a connection broke");
                }
                return;
            }
            () = first_request.as_mut(), if is_waiting => {
                if !has_asked.load(Ordering::Relaxed) {
                    debug!(%peer, "a client sent no request in time");
                    return;
                }
                is_waiting = false;
            }
            () = shared.stop.cancelled(), if !is_ending => {
                serving.as_mut().graceful_shutdown();
                is_ending = true;
            }
        }
    }
}
