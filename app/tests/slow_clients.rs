//! Thousands of clients that are slow on purpose: each is let go in time, and a healthy one is answered all the while.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[allow(dead_code, reason = "each test file uses a part of it")]
mod util;

use util::{Database, KEY, Service};

/// Slow connections at a time.
const SLOW: usize = 2_000;
/// Requests of the healthy client.
const HEALTHY: usize = 300;
/// How long the service is patient with a slow client, in seconds.
const PATIENCE: &str = "5";

/// What the slow ones have come to.
#[derive(Default)]
struct Tally {
    connected: AtomicUsize,
    let_go: AtomicUsize,
    over: AtomicBool,
}

/// How a slow client begins, by its number.
fn beginning(n: usize) -> String {
    match n % 4 {
        0 => String::new(),
        1 => "GET /api/v1/events HTTP/1.1\r\nhost: x\r\nx-slow: ".to_owned(),
        2 => "PRI * HTTP/2.0\r\n".to_owned(),
        _ => format!(
            "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{{\"event_type\": \""
        ),
    }
}

/// Connects, sends a byte now and then, and comes back when it is let go.
async fn slow(address: SocketAddr, n: usize, tally: Arc<Tally>) {
    while !tally.over.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        tally.connected.fetch_add(1, Ordering::Relaxed);
        let mut is_open = stream.write_all(beginning(n).as_bytes()).await.is_ok();
        let mut answer = [0; 512];
        while is_open && !tally.over.load(Ordering::Relaxed) {
            is_open = tokio::select! {
                read = stream.read(&mut answer) => read.is_ok_and(|bytes| bytes > 0),
                () = tokio::time::sleep(Duration::from_millis(900)) => n.is_multiple_of(4) || stream.write_all(b"x").await.is_ok(),
            };
        }
        tally.let_go.fetch_add(usize::from(!is_open), Ordering::Relaxed);
    }
}

async fn until(patience: Duration, what: &str, reached: impl Fn() -> bool) {
    let end = Instant::now() + patience;
    while !reached() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_slow_connections_leave_a_healthy_client_alone() {
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum }).expect("the limit on open files can be raised");
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("EVENT_ACTIONS_HEADER_TIMEOUT_SECONDS", PATIENCE)];
    let service = Service::start_with(folder.path(), &Database::from_env().await, &settings).await;
    let address: SocketAddr = service.base().trim_start_matches("http://").parse().expect("an address");
    let tally = Arc::new(Tally::default());
    let clients: Vec<_> = (0..SLOW).map(|n| tokio::spawn(slow(address, n, tally.clone()))).collect();
    until(Duration::from_secs(20), "the slow clients connect", || tally.connected.load(Ordering::Relaxed) >= SLOW).await;

    // A connection for each request, so that each has to be accepted among the slow ones.
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().timeout(Duration::from_secs(10)).build().expect("a client");
    let mut took = Vec::with_capacity(HEALTHY);
    for n in 0..HEALTHY {
        let began = Instant::now();
        let request = match n % 3 {
            0 => client.get(format!("{}/health/ready", service.base())),
            1 => client.get(format!("{}/api/v1/events?limit=5", service.base())).bearer_auth(KEY),
            _ => client.post(format!("{}/api/v1/events", service.base())).bearer_auth(KEY).json(&json!({"event_type": "healthy.asked", "data": {"n": n}})),
        };
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        took.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    took.sort_unstable();
    let p99 = took[HEALTHY * 99 / 100 - 1];
    assert!(p99 < Duration::from_secs(1), "p99 {p99:?}, longest {:?}", took[HEALTHY - 1]);

    until(Duration::from_secs(20), "every slow client is let go at least once", || tally.let_go.load(Ordering::Relaxed) >= SLOW).await;
    tally.over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("a client ends");
    }
    service.stop().await;
}
