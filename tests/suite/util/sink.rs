//! A receiver of webhooks that records every hit and answers as told, path by path.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::task::JoinHandle;

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// What follows the question mark; empty when nothing does.
    pub query: String,
    /// When it arrived.
    pub at: Instant,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Hit {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// A header's text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().expect("a printable header"))
    }
}

/// What the sink answers.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    delay: Duration,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    /// An answer without a body.
    pub fn status(status: u16) -> Self {
        Self { status, delay: Duration::ZERO, headers: Vec::new(), body: String::new() }
    }

    /// After a while.
    pub fn after_ms(self, ms: u64) -> Self {
        Self { delay: Duration::from_millis(ms), ..self }
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With JSON as its body.
    pub fn json(self, body: Value) -> Self {
        Self { body: body.to_string(), ..self }.header("content-type", "application/json")
    }
}

#[derive(Default)]
struct Memory {
    hits: Vec<Hit>,
    replies: HashMap<String, VecDeque<Reply>>,
    /// Requests under way by path, and the most there ever were.
    open: HashMap<String, (usize, usize)>,
}

/// Counts one request as under way until it is dropped.
struct Open {
    memory: Arc<Mutex<Memory>>,
    path: String,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Ok(mut memory) = self.memory.lock() {
            memory.open.entry(std::mem::take(&mut self.path)).or_default().0 -= 1;
        }
    }
}

/// The receiver, on a port of its own.
pub struct Sink {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    memory: Arc<Mutex<Memory>>,
    server: JoinHandle<()>,
}

impl Sink {
    /// Starts one that answers 200 to everything.
    pub async fn start() -> Self {
        let memory = Arc::new(Mutex::new(Memory::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(receive).with_state(Arc::clone(&memory));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("the sink serves") });
        Self { url, memory, server }
    }

    /// The address of a path here.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Sets what a path answers: each reply once, the last one for good.
    pub fn on(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.memory.lock().unwrap().replies.insert(path.to_owned(), replies.into_iter().collect());
    }

    /// Every hit of a path so far.
    pub fn hits(&self, path: &str) -> Vec<Hit> {
        self.memory.lock().unwrap().hits.iter().filter(|h| h.path == path).cloned().collect()
    }

    /// The paths hit so far, in order.
    pub fn paths(&self) -> Vec<String> {
        self.memory.lock().unwrap().hits.iter().map(|h| h.path.clone()).collect()
    }

    /// The most requests of a path that were under way at the same time.
    pub fn most_at_once(&self, path: &str) -> usize {
        self.memory.lock().unwrap().open.get(path).map_or(0, |(_, most)| *most)
    }

    /// Waits until a path was hit `count` times.
    pub async fn wait_for(&self, path: &str, count: usize) -> Vec<Hit> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let hits = self.hits(path);
            if hits.len() >= count {
                return hits;
            }
            assert!(Instant::now() < until, "{path} was hit {} times within 20 s, not {count}", hits.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(State(memory): State<Arc<Mutex<Memory>>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let _open = Open { memory: Arc::clone(&memory), path: uri.path().to_owned() };
    let reply = {
        let mut memory = memory.lock().unwrap();
        let (now, most) = memory.open.entry(uri.path().to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        memory.hits.push(Hit { method, path: uri.path().to_owned(), query: uri.query().unwrap_or_default().to_owned(), at: Instant::now(), headers, body });
        match memory.replies.get_mut(uri.path()) {
            Some(replies) if replies.len() > 1 => replies.pop_front(),
            Some(replies) => replies.front().cloned(),
            None => None,
        }
    };
    let reply = reply.unwrap_or_else(|| Reply::status(200));
    tokio::time::sleep(reply.delay).await;
    let mut response = (StatusCode::from_u16(reply.status).unwrap(), reply.body).into_response();
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
