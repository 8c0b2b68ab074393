//! The live stream: executions and actions as they change, whose they are, and what happens to those who were away.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use event_actions::db::Db;
use event_actions::engine::Engine;

use crate::util::{Sink, TestApp, event, webhook};

/// Longest wait for something to be told; the product promises five seconds, a busy machine may take longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// One event of the stream: its name, its id, its data.
type Told = (String, String, Value);

/// Somebody who watches.
struct Watcher {
    told: Arc<Mutex<Vec<Told>>>,
    reader: tokio::task::JoinHandle<()>,
}

fn read(part: &str) -> Option<Told> {
    let of = |name: &str| part.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
    Some((of("event:")?.to_owned(), of("id:").unwrap_or_default().to_owned(), serde_json::from_str(of("data:")?).ok()?))
}

impl Watcher {
    /// Connects with a key (the platform's when empty), after the place seen last, if any.
    async fn connect(app: &TestApp, key: &str, seen: &str) -> Self {
        let mut request = if key.is_empty() { app.request(Method::GET, "/api/v1/stream") } else { app.anonymous(Method::GET, "/api/v1/stream").bearer_auth(key) };
        if !seen.is_empty() {
            request = request.header("last-event-id", seen);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let told = Arc::new(Mutex::new(Vec::new()));
        let reader = tokio::spawn({
            let told = told.clone();
            async move {
                let (mut bytes, mut text) = (response.bytes_stream(), String::new());
                while let Some(Ok(part)) = bytes.next().await {
                    text.push_str(&String::from_utf8_lossy(&part));
                    while let Some((one, rest)) = text.split_once("\n\n") {
                        told.lock().unwrap().extend(read(one));
                        text = rest.to_owned();
                    }
                }
            }
        });
        let watcher = Self { told, reader };
        watcher.until("a first snapshot", |told| told.iter().any(|(name, ..)| name == "snapshot").then_some(())).await;
        watcher
    }

    async fn until<T>(&self, what: &str, find: impl Fn(&[Told]) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = find(&self.told.lock().unwrap());
            if let Some(found) = found {
                return found;
            }
            assert!(Instant::now() < end, "{what}: {:#?}", self.named(&["execution", "action", "alert"]));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What was told so far under these names; lists are taken apart.
    fn named(&self, names: &[&str]) -> Vec<Value> {
        let told = self.told.lock().unwrap();
        let of = |data: &Value| data.as_array().cloned().unwrap_or_else(|| vec![data.clone()]);
        told.iter().filter(|(name, ..)| names.contains(&name.as_str())).flat_map(|(_, _, data)| of(data)).collect()
    }

    /// Waits for the execution of an event, and returns what was told of it last.
    async fn execution_of(&self, event_id: &str) -> Value {
        self.until(&format!("an execution of {event_id}"), |told| last_of(told, event_id)).await
    }

    /// What was done to an action, in order.
    fn done_to(&self, id: &str) -> Vec<String> {
        self.named(&["action"]).iter().filter(|c| c["id"] == id).map(|c| c["change"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the stream has passed a place from which it could not go on: the snapshot in its stead says how far it is now.
    async fn passed(&self, place: &str) {
        let execution = |id: &str| id.split('-').nth(2).map(str::to_owned);
        self.until("the snapshot in place of what is forgotten", |told| told.iter().any(|(name, id, _)| name == "snapshot" && execution(id) != execution(place)).then_some(()))
            .await;
    }

    fn place(&self) -> String {
        self.told.lock().unwrap().last().unwrap().1.clone()
    }
}

/// The last that was told of an event's executions.
fn last_of(told: &[Told], event_id: &str) -> Option<Value> {
    let lists = told.iter().rev().filter(|(name, ..)| name == "execution");
    lists.flat_map(|(_, _, data)| data.as_array().cloned().unwrap_or_default().into_iter().rev()).find(|c| c["event_id"] == event_id)
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn send(app: &TestApp, event_type: &str) -> String {
    app.post("/events", &event(event_type, json!({}))).await.text("/event_id").to_owned()
}

#[tokio::test]
async fn executions_and_actions_are_told_as_they_change() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let watcher = Watcher::connect(&app, "", "").await;
    let id = app.action(webhook("Told", "a.b", &sink.at("/x"), json!({"execution_mode": "sync", "tenant_id": "default"}))).await;
    let event_id = send(&app, "a.b").await;
    let told = watcher.execution_of(&event_id).await;
    assert_eq!((&told["action_id"], &told["action_name"], &told["status"], &told["attempt"]), (&json!(id), &json!("Told"), &json!("succeeded"), &json!(1)), "{told:#}");
    assert!(told["tenant_id"] == "default" && told["event_type"] == "a.b" && told["duration_ms"].is_i64() && told["at"].is_string(), "{told:#}");

    let at = |what: &str| format!("/event-actions/{id}{what}");
    app.put(&at(""), &json!({"description": "more"})).await.expect(200);
    app.call(&at("/disable")).await.expect(200);
    app.call(&at("/enable")).await.expect(200);
    app.delete(&at("")).await.expect(204);
    app.call(&at("/restore")).await.expect(200);
    let all = ["created", "changed", "disabled", "enabled", "deleted", "restored"];
    watcher.until("every change of the action", |told| (told.iter().filter(|(name, _, data)| name == "action" && data["id"] == id).count() >= all.len()).then_some(())).await;
    assert_eq!(watcher.done_to(&id), all);

    // One that waits and is cancelled.
    app.call(&at("/disable")).await.expect(200);
    let mut slow = webhook("Waits", "c.d", &sink.at("/y"), json!({"execution_mode": "queued", "max_retries": 5, "retry_delay_seconds": 600}));
    slow["configuration"]["url"] = json!("http://127.0.0.1:9/");
    app.action(slow).await;
    let sent = app.post("/events", &event("c.d", json!({}))).await;
    let execution = sent.text("/executions/0/id").to_owned();
    app.execution(&execution, &["retrying"]).await;
    assert_eq!(watcher.execution_of(sent.text("/event_id")).await["status"], "retrying");
    app.call(&format!("/executions/{execution}/cancel")).await.expect(200);
    watcher.until("the cancellation", |told| last_of(told, sent.text("/event_id")).filter(|c| c["status"] == "cancelled")).await;
    drop(watcher);
    app.finish().await;
}

#[tokio::test]
async fn who_was_away_hears_what_was_missed_once() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let id = app.action(webhook("Told", "a.b", &sink.at("/x"), json!({"execution_mode": "sync"}))).await;
    let watcher = Watcher::connect(&app, "", "").await;
    let first = send(&app, "a.b").await;
    watcher.execution_of(&first).await;
    let place = watcher.place();
    drop(watcher);
    let second = send(&app, "a.b").await;
    app.call(&format!("/event-actions/{id}/disable")).await.expect(200);
    let watcher = Watcher::connect(&app, "", &place).await;
    watcher.execution_of(&second).await;
    watcher.until("the switch", |told| told.iter().any(|(name, _, data)| name == "action" && data["change"] == "disabled").then_some(())).await;
    assert!(watcher.named(&["execution"]).iter().all(|c| c["event_id"] != json!(first)), "what was seen does not come again");
    assert_eq!(watcher.done_to(&id), ["disabled"]);
    drop(watcher);

    // A place of another run, or from long ago: a snapshot, and the stream goes on from now.
    let watcher = Watcher::connect(&app, "", "1-0-1-1").await;
    watcher.passed("1-0-1-1").await;
    app.call(&format!("/event-actions/{id}/enable")).await.expect(200);
    let third = send(&app, "a.b").await;
    watcher.execution_of(&third).await;
    let told = watcher.named(&["execution"]);
    assert!(told.iter().all(|c| c["event_id"] == json!(third)), "{told:#?}");
    drop(watcher);
    app.finish().await;
}

#[tokio::test]
async fn who_is_too_slow_gets_a_snapshot_in_its_place() {
    let app = TestApp::start().await;
    let echo = json!({"name": "Echo", "handler_type": "function", "event_types": ["a.b"], "configuration": {"module": "builtin", "function": "echo"}});
    app.action(echo).await;
    let watcher = Watcher::connect(&app, "", "").await;
    let early = send(&app, "a.b").await;
    watcher.execution_of(&early).await;
    let place = watcher.place();
    drop(watcher);
    // More than is remembered.
    for _ in 0..2 {
        let events: Vec<Value> = (0..600).map(|n| event("a.b", json!({"n": n}))).collect();
        app.batch(&events).await;
    }
    let until = Instant::now() + Duration::from_secs(60);
    while app.get("/event-actions/stats/overview?window=1h").await.expect(200).at("/by_status/succeeded").as_i64() != Some(1_201) {
        assert!(Instant::now() < until, "1,201 executions succeed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let watcher = Watcher::connect(&app, "", &place).await;
    watcher.passed(&place).await;
    let late = send(&app, "a.b").await;
    watcher.execution_of(&late).await;
    let told = watcher.named(&["execution"]);
    assert_eq!(told.len(), 1, "nothing is queued up for the slow: {}", told.len());
    let total = |told: &[Told]| told.iter().any(|(name, _, data)| name == "snapshot" && data["stats"]["total_executions"].as_i64() >= Some(1_201)).then_some(());
    watcher.until("a snapshot that has them all", total).await;
    drop(watcher);
    app.finish().await;
}

#[tokio::test]
async fn everybody_hears_of_their_own_alone() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let north = app.tenant_key("north", &["executions:read", "actions:read"]).await;
    let south = app.tenant_key("south", &["executions:read", "actions:read"]).await;
    let blind = app.tenant_key("north", &["executions:read"]).await;
    let platform = Watcher::connect(&app, "", "").await;
    let (of_north, of_south, of_blind) = (Watcher::connect(&app, &north, "").await, Watcher::connect(&app, &south, "").await, Watcher::connect(&app, &blind, "").await);
    let own = app.action(webhook("North", "a.b", &sink.at("/x"), json!({"execution_mode": "sync", "tenant_id": "north"}))).await;
    let all = app.action(webhook("All", "c.d", &sink.at("/y"), json!({"execution_mode": "sync"}))).await;
    let told = async |tenant: &str, kind: &str| {
        let body = json!({"event_type": kind, "data": {}, "metadata": {"tenant_id": tenant}});
        app.post("/events", &body).await.expect(200).text("/event_id").to_owned()
    };
    let (first, last) = (told("north", "a.b").await, told("south", "c.d").await);
    for watcher in [&platform, &of_north, &of_blind] {
        watcher.execution_of(&first).await;
    }
    for watcher in [&platform, &of_south] {
        watcher.execution_of(&last).await;
    }
    for watcher in [&platform, &of_north, &of_south] {
        watcher.until("the platform's action", |told| told.iter().any(|(name, _, data)| name == "action" && data["id"] == all).then_some(())).await;
    }
    assert_eq!((platform.done_to(&own).len(), of_north.done_to(&own).len(), of_south.done_to(&own).len()), (1, 1, 0));
    assert!(of_blind.named(&["action"]).is_empty(), "a key without actions:read hears nothing of actions");
    assert!(of_north.named(&["execution"]).iter().all(|c| c["tenant_id"] == "north") && of_south.named(&["execution"]).iter().all(|c| c["tenant_id"] == "south"));
    drop((platform, of_north, of_south, of_blind));
    app.finish().await;
}

/// Two nodes on one server: who watches one of them hears of what the other did.
#[tokio::test]
async fn what_another_node_did_is_told_too() {
    if std::env::var("TEST_DATABASE_URL").unwrap_or_default().is_empty() {
        return;
    }
    let app = TestApp::start().await;
    let echo = json!({"name": "Echo", "handler_type": "function", "event_types": ["a.b"], "execution_mode": "sync", "configuration": {"module": "builtin", "function": "echo"}});
    let id = app.action(echo).await;
    let config = app.engine.config().clone();
    let db = Db::connect(&config.effective_database_url(), config.database_connections).await.unwrap();
    let second = Engine::start(config.clone(), db, event_actions::handlers::registry(&config).unwrap()).await.unwrap();
    let watch = second.execution_changes().watch();
    let start = *watch.borrow();
    let event_id = send(&app, "a.b").await;
    let end = Instant::now() + PATIENCE;
    loop {
        let found = second.execution_changes().since(start).0.unwrap_or_default();
        if let Some(change) = found.iter().find(|c| c.event_id == event_id) {
            assert_eq!((change.action_id.as_str(), found.iter().filter(|c| c.event_id == event_id).count()), (id.as_str(), 1));
            break;
        }
        assert!(Instant::now() < end, "the other node tells of it");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let heard = second.execution_changes().since(start).0.unwrap_or_default();
    assert_eq!(heard.iter().filter(|c| c.event_id == event_id).count(), 1, "and once only");
    second.shutdown().await;
    app.finish().await;
}
