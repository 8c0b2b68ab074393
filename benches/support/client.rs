//! Load: connections that are kept alive, each with one request under way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::now_us;

/// A connection as bare as hyper has them: no pool, no redirects, no time limits.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Opens one.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string() })
    }

    /// Posts JSON and reads the whole answer: its status and body.
    pub async fn post(&mut self, path: &str, key: &str, body: Bytes) -> anyhow::Result<(u16, Bytes)> {
        self.sender.ready().await?;
        let request = Request::post(path).header("host", &self.host).header("content-type", "application/json").header("authorization", key).body(Full::new(body))?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status().as_u16();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

/// What is sent, where to and how fast.
#[derive(Clone)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// The path to post to.
    pub path: &'static str,
    /// The `Authorization` header.
    pub key: &'static str,
    /// Requests under way at the same time.
    pub connections: usize,
    /// When it ends.
    pub run: Duration,
    /// Requests per second of all connections together; none means as fast as the answers come.
    pub pace: Option<f64>,
    /// Stops the senders while this says so, because more is under way than there should be.
    pub wait: Arc<dyn Fn(u64) -> bool + Send + Sync>,
}

impl Load {
    /// As fast as the answers come.
    pub fn new(address: SocketAddr, path: &'static str, key: &'static str, connections: usize, run: Duration) -> Self {
        Self { address, path, key, connections, run, pace: None, wait: Arc::new(|_| false) }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Requests answered with 2xx.
    pub accepted: u64,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Milliseconds from sending each request to its whole answer.
    pub latencies_ms: Vec<f64>,
}

impl Outcome {
    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.accepted as f64 / self.seconds
    }
}

/// Sends until the time is over. `body` makes the n-th request, sent at the given stamp.
///
/// # Errors
/// With the first answer that is no 2xx, and when a connection breaks.
pub async fn drive(load: &Load, body: impl Fn(u64, u64) -> Bytes + Clone + Send + 'static) -> anyhow::Result<Outcome> {
    let mut connections = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        connections.push(Connection::open(load.address).await?);
    }
    let (next, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let tasks: Vec<_> =
        connections.into_iter().enumerate().map(|(place, connection)| tokio::spawn(one(load.clone(), place, connection, next.clone(), began, body.clone()))).collect();
    let mut sum = Outcome::default();
    for task in tasks {
        let part = task.await??;
        sum.accepted += part.len() as u64;
        sum.latencies_ms.extend(part);
    }
    sum.seconds = began.elapsed().as_secs_f64();
    Ok(sum)
}

/// One connection's requests; the milliseconds that each took.
async fn one(load: Load, place: usize, mut connection: Connection, next: Arc<AtomicU64>, began: Instant, body: impl Fn(u64, u64) -> Bytes) -> anyhow::Result<Vec<f64>> {
    let mut latencies = Vec::new();
    let interval = load.pace.map(|pace| Duration::from_secs_f64(load.connections as f64 / pace));
    let mut due = began + interval.map_or(Duration::ZERO, |i| i.mul_f64(place as f64 / load.connections as f64));
    while began.elapsed() < load.run {
        let mut late = Duration::ZERO;
        if let Some(interval) = interval {
            // Who is late because the last answer was slow counts the time lost; who only woke late from sleep does not.
            late = Instant::now().saturating_duration_since(due);
            sleep_until(due).await;
            due += interval;
        }
        let n = next.fetch_add(1, Ordering::Relaxed);
        while (load.wait)(n) && began.elapsed() < load.run {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let sent = now_us().saturating_sub(u64::try_from(late.as_micros())?);
        let (status, answer) = connection.post(load.path, load.key, body(n, sent)).await?;
        anyhow::ensure!((200..300).contains(&status), "{} answered {status}: {}", load.path, String::from_utf8_lossy(&answer));
        latencies.push((now_us() - sent) as f64 / 1000.0);
    }
    Ok(latencies)
}
