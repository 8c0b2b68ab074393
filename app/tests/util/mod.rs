//! The process from outside: start it, kill it, ask it; and a receiver that notes every hit.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::Value;

/// The bootstrap key of every process started here.
pub const KEY: &str = "test-bootstrap-key-of-more-than-32-characters";

/// An HTTP client that gives up soon.
pub fn client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().expect("a client")
}

/// The database that a process uses: its own SQLite, or a fresh one on the server of `TEST_DATABASE_URL`.
pub struct Database {
    url: Option<String>,
}

impl Database {
    /// SQLite in the data folder, whatever the environment says.
    pub fn sqlite() -> Self {
        Self { url: None }
    }

    /// As the environment says.
    pub async fn from_env() -> Self {
        let Ok(server) = std::env::var("TEST_DATABASE_URL") else { return Self { url: None } };
        let name = format!("crash_{}", uuid::Uuid::now_v7().simple());
        let pool = sqlx::PgPool::connect(&server).await.expect("the test server");
        sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&pool).await.expect("a fresh database");
        let (base, _) = server.rsplit_once('/').expect("a database in the URL");
        Self { url: Some(format!("{base}/{name}")) }
    }
}

/// A running process.
pub struct Service {
    child: Child,
    address: SocketAddr,
    client: reqwest::Client,
}

impl Service {
    /// Starts it and waits until it is ready.
    pub async fn start(folder: &Path, database: &Database) -> Self {
        Self::start_with(folder, database, &[]).await
    }

    /// The same with more settings; they count before the usual ones.
    pub async fn start_with(folder: &Path, database: &Database, settings: &[(&str, &str)]) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_event-actions"));
        command
            .env("EVENT_ACTIONS_BIND", format!("127.0.0.1:{port}"))
            .env("EVENT_ACTIONS_DATA_DIR", folder)
            .env("EVENT_ACTIONS_BOOTSTRAP_API_KEY", KEY)
            .env("EVENT_ACTIONS_ALLOW_TARGETS", "127.0.0.0/8")
            .env("EVENT_ACTIONS_LOG", "warn")
            .stdout(Stdio::null())
            .stderr(Stdio::from(std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).expect("a log file")));
        if let Some(url) = &database.url {
            command.env("EVENT_ACTIONS_DATABASE_URL", url).env("EVENT_ACTIONS_MASTER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
        }
        let child = command.envs(settings.iter().copied()).spawn().expect("the process");
        let service = Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)), client: client() };
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let ready = service.client.get(format!("{}/health/ready", service.base())).send().await;
            if ready.is_ok_and(|r| r.status().is_success()) {
                return service;
            }
            assert!(Instant::now() < until, "the process is not ready after 30 s: {}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Where it listens.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// SIGTERM, then waits for exit code 0.
    pub async fn stop(mut self) {
        let status = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().expect("kill");
        assert!(status.success());
        let until = Instant::now() + Duration::from_secs(45);
        loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                assert!(status.success(), "a drained process exits with 0: {status}");
                return;
            }
            assert!(Instant::now() < until, "the process did not stop");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// GET with the key.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}{path}", self.base())).bearer_auth(KEY).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    }

    /// Every item of a list, all pages.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let (mut out, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}{cursor}")).await;
            out.extend(page["items"].as_array().cloned().unwrap_or_else(|| panic!("a list: {page}")));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return out,
            }
        }
    }

    /// Makes an action.
    pub async fn create(&self, action: &Value) {
        let answer = self.client.post(format!("{}/api/v1/event-actions", self.base())).bearer_auth(KEY).json(action).send().await.expect("an answer");
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
    }

    /// Waits until nothing is pending, running or retrying; returns how many are left.
    pub async fn wait_until_idle(&self, patience: Duration) -> usize {
        let until = Instant::now() + patience;
        loop {
            let mut open = 0;
            for status in ["pending", "running", "retrying"] {
                open += self.get(&format!("/api/v1/executions?status={status}&limit=200")).await["items"].as_array().map_or(0, Vec::len);
            }
            if open == 0 || Instant::now() > until {
                return open;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A receiver that answers 200 and notes the `webhook-id` of every hit.
pub struct Sink {
    address: SocketAddr,
    hits: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    /// Starts it on a free port. It notes each hit at once and answers after `delay`.
    pub async fn start(delay: Duration) -> Self {
        let hits = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let app = Router::new().fallback(note).with_state((hits.clone(), delay));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, hits }
    }

    /// The URL of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The ids of all hits so far.
    pub fn hits(&self) -> Vec<String> {
        self.hits.lock().expect("the hits").clone()
    }
}

async fn note(State((hits, delay)): State<(Arc<Mutex<Vec<String>>>, Duration)>, headers: HeaderMap) -> &'static str {
    let id = headers.get("webhook-id").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    hits.lock().expect("the hits").push(id);
    tokio::time::sleep(delay).await;
    "ok"
}
