//! The service under test: engine, REST and database of its own. It must be finished, and then no work may be left over.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use event_actions::config::Config;
use event_actions::db::Db;
use event_actions::engine::Engine;
use event_actions::handlers::email::Email;
use event_actions::handlers::outbound::{Outbound, OutboundConfig};
use event_actions::handlers::webhook::Webhook;

use super::database::Database;

/// The platform key that every test app knows.
const PLATFORM_KEY: &str = "test-platform-key-0123456789abcdefghij";
/// Longest wait for work to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the service answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body as JSON; null when there is none, a string when it is no JSON.
    pub body: Value,
    /// The headers.
    pub headers: HeaderMap,
}

impl Answer {
    /// Insists on a status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:#}", self.body);
        self
    }

    /// Insists on a problem of this status, and returns its code and the pointer of its first fault (`-` when there is none).
    #[track_caller]
    pub fn problem(&self, status: u16) -> (&str, &str) {
        assert_eq!(self.status, status, "{:#}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        for member in ["type", "title", "detail", "code", "request_id"] {
            assert!(self.body[member].as_str().is_some_and(|t| !t.is_empty()), "{member} is missing in {:#}", self.body);
        }
        assert_eq!(self.body["status"], status);
        assert_eq!(self.header("x-request-id"), self.body["request_id"]);
        (self.text("/code"), self.body.pointer("/errors/0/pointer").map_or("-", |p| p.as_str().expect("a pointer is a string")))
    }

    /// A header's text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().expect("a printable header"))
    }

    /// The string at a pointer.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_else(|| panic!("{pointer} is no string in {:#}", self.body))
    }

    /// The value at a pointer.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> &Value {
        self.body.pointer(pointer).unwrap_or_else(|| panic!("there is no {pointer} in {:#}", self.body))
    }

    /// The `items` of a list.
    #[track_caller]
    pub fn items(&self) -> &[Value] {
        self.at("/items").as_array().expect("items is an array")
    }

    /// The id.
    #[track_caller]
    pub fn id(&self) -> String {
        self.text("/id").to_owned()
    }
}

/// The service under test.
pub struct TestApp {
    /// The engine, for what REST does not show.
    pub engine: Engine,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    client: reqwest::Client,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
    database: Option<Database>,
    _folder: TempDir,
}

impl TestApp {
    /// Starts one with the settings for tests.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts one with changed settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::trusting("", change).await
    }

    /// The same, whose webhooks and mails trust a root certificate (PEM) besides the system's.
    pub async fn trusting(root: &str, change: impl FnOnce(&mut Config)) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config::for_tests(folder.path());
        config.bootstrap_api_key = Some(SecretString::from(PLATFORM_KEY));
        let database = Database::make(&mut config).await;
        change(&mut config);
        let db = Db::connect(&config.effective_database_url(), config.database_connections).await.expect("the database opens");
        db.migrate().await.expect("the migrations run");
        let mut handlers = event_actions::handlers::registry(&config).expect("the handlers start");
        if !root.is_empty() {
            let outbound = OutboundConfig { allow_targets: config.allow_targets.clone(), extra_roots: vec![root.as_bytes().to_vec()], ..OutboundConfig::default() };
            let email = Email::trusting(config.smtp_url.as_ref(), root.as_bytes()).expect("a mail server");
            handlers = handlers.with(Webhook::new(Outbound::new(outbound).expect("a client"))).with(email);
        }
        let engine = Engine::start(config, db, handlers).await.expect("the engine starts");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        engine.set_address(address);
        let stop = CancellationToken::new();
        let router = event_actions::http::router(engine.clone()).layer(axum::middleware::from_fn_with_state(engine.clone(), super::session::identify));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let stopped = stop.clone().cancelled_owned();
        let server = tokio::spawn(async move { axum::serve(listener, service).with_graceful_shutdown(stopped).await.expect("it serves") });
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { engine, url: format!("http://{address}"), client, stop, server: Some(server), database: Some(database), _folder: folder }
    }

    /// A request with the platform key, to be completed and sent with [`TestApp::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(PLATFORM_KEY)
    }

    /// A request without a key.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the service answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.expect("the answer arrives");
        let body = match serde_json::from_slice(&bytes) {
            Ok(json) => json,
            Err(_) if bytes.is_empty() => Value::Null,
            Err(_) => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
        };
        Answer { status, body, headers }
    }

    /// GET below `/api/v1`, with the platform key.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/api/v1{path}"))).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, &format!("/api/v1{path}")).json(body)).await
    }

    /// POST without a body.
    pub async fn call(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, &format!("/api/v1{path}"))).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, &format!("/api/v1{path}")).json(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, &format!("/api/v1{path}"))).await
    }

    /// POST with a JSON body on a connection that closes after `wait`, whatever has been answered by then.
    pub async fn post_and_hang_up(&self, path: &str, body: &Value, wait: Duration) {
        let address = self.url.trim_start_matches("http://");
        let mut connection = tokio::net::TcpStream::connect(address).await.expect("a connection");
        let body = body.to_string();
        let head = format!(
            "POST /api/v1{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {PLATFORM_KEY}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all((head + &body).as_bytes()).await.expect("it is sent");
        tokio::time::sleep(wait).await;
    }

    /// Makes an action and returns its id.
    pub async fn action(&self, action: Value) -> String {
        self.post("/event-actions", &action).await.expect(201).id()
    }

    /// Makes a tenant and a key for it with these scopes.
    pub async fn tenant_key(&self, tenant: &str, scopes: &[&str]) -> String {
        if self.get(&format!("/tenants/{tenant}")).await.status == 404 {
            self.post("/tenants", &json!({"id": tenant, "name": tenant})).await.expect(201);
        }
        let key = self.post("/api-keys", &json!({"name": "test", "scopes": scopes, "tenant_id": tenant})).await.expect(201);
        key.text("/key").to_owned()
    }

    /// The same request with another key.
    pub async fn send_as(&self, key: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self.anonymous(method, &format!("/api/v1{path}")).bearer_auth(key);
        self.send(if let Some(body) = body { request.json(body) } else { request }).await
    }

    /// Sends events in one batch and returns the ids of their executions, in order.
    pub async fn batch(&self, events: &[Value]) -> Vec<String> {
        let answer = self.post("/events/batch", &json!(events)).await;
        assert_eq!(answer.at("/refused"), 0, "{:#}", answer.body);
        let executions = answer.items().iter().flat_map(|item| item["receipt"]["executions"].as_array().expect("a receipt lists its executions"));
        executions.map(|x| x["id"].as_str().expect("an id is a string").to_owned()).collect()
    }

    /// Waits until an execution has one of these statuses, and returns it with its attempts.
    #[track_caller]
    pub fn execution<'a>(&'a self, id: &'a str, statuses: &'a [&'a str]) -> impl Future<Output = Answer> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let until = Instant::now() + PATIENCE;
            loop {
                let now = self.get(&format!("/executions/{id}")).await.expect(200);
                if statuses.contains(&now.text("/status")) {
                    return now;
                }
                assert!(Instant::now() < until, "{place}: the execution does not become {statuses:?}: {:#}", now.body);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// How many executions have a status that is not terminal.
    async fn work_left(&self) -> usize {
        let mut left = 0;
        for status in ["pending", "running", "retrying"] {
            left += self.get(&format!("/executions?status={status}&limit=200")).await.expect(200).items().len();
        }
        left
    }

    /// Waits until no work is left, insists on it, and takes everything down.
    pub async fn finish(mut self) {
        let until = Instant::now() + PATIENCE;
        while self.work_left().await > 0 {
            assert!(Instant::now() < until, "work is left over: {:#}", self.get("/executions?limit=10").await.body);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            self.client = reqwest::Client::new();
            tokio::time::timeout(Duration::from_secs(10), server).await.expect("the server stops").expect("it did not panic");
        }
        self.engine.shutdown().await;
        if let Some(database) = self.database.take() {
            database.remove().await;
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let finished = self.database.is_none();
        if !finished && !std::thread::panicking() {
            panic!("a test ends with app.finish().await, which insists that no work is left over");
        }
    }
}
