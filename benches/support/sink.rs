//! A receiver of webhooks, as light as hyper makes them: counts, and measures how long each event was on its way.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{now_us, stamp};

#[derive(Default)]
struct Seen {
    hits: AtomicU64,
    last_us: AtomicU64,
    ways_ms: Mutex<Vec<f64>>,
    first: OnceLock<Bytes>,
}

/// The receiver; gone when dropped.
pub struct Sink {
    address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Sink {
    /// Starts one on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, seen) = (listener.local_addr()?, Arc::new(Seen::default()));
        let task = tokio::spawn(accept(listener, seen.clone()));
        Ok(Self { address, seen, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have arrived.
    pub fn hits(&self) -> u64 {
        self.seen.hits.load(Ordering::Relaxed)
    }

    /// The same as something to ask while the sink lives elsewhere.
    pub fn counter(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let seen = self.seen.clone();
        move || seen.hits.load(Ordering::Relaxed)
    }

    /// When the last one arrived, on the clock of [`now_us`].
    pub fn last_us(&self) -> u64 {
        self.seen.last_us.load(Ordering::Relaxed)
    }

    /// The body of the first one.
    pub fn first_body(&self) -> Option<Bytes> {
        self.seen.first.get().cloned()
    }

    /// Milliseconds from the sending of each event to its arrival here.
    pub fn ways_ms(&self) -> Vec<f64> {
        self.seen.ways_ms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many have arrived.
    ///
    /// # Errors
    /// When they have not after a minute.
    pub async fn wait_for(&self, hits: u64) -> anyhow::Result<()> {
        for _ in 0..6000 {
            if self.hits() >= hits {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::bail!("only {} of {hits} deliveries arrived within a minute", self.hits())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        drop(stream.set_nodelay(true));
        let seen = seen.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| take(seen.clone(), request));
            // A connection that breaks is the sender's to tell.
            drop(Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn take(seen: Arc<Seen>, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    if let Ok(body) = request.into_body().collect().await {
        let (body, now) = (body.to_bytes(), now_us());
        if let Some(sent) = stamp(&body) {
            seen.ways_ms.lock().unwrap_or_else(PoisonError::into_inner).push(now.saturating_sub(sent) as f64 / 1000.0);
        }
        seen.first.get_or_init(|| body);
        seen.last_us.fetch_max(now, Ordering::Relaxed);
        seen.hits.fetch_add(1, Ordering::Relaxed);
    }
    Ok(Response::new(Empty::new()))
}
