//! What an operator does from the command line beside a running service: backup and restore, export and apply, new keys, the demo.

#[allow(dead_code, reason = "every test binary uses a part of it")]
mod util;

use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use util::{KEY, Service, client};

/// The receiver inside the service, which answers without a network.
const SINK: &str = "http://sink.demo.invalid/operations";

/// The binary on a data folder.
fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-actions"));
    command.args(arguments).env_clear().current_dir(data.parent().expect("a parent")).env("EVENT_ACTIONS_DATA_DIR", data);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn spawn(data: &Path, arguments: &[&str]) -> Child {
    command(data, arguments).spawn().expect("starts")
}

/// Runs to the end: exit code, standard output, standard error.
fn run(data: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = spawn(data, arguments);
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("takes input");
    let out = child.wait_with_output().expect("ends");
    (out.status.code().expect("an exit code"), String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned())
}

/// Runs and insists on success; its output.
#[track_caller]
fn done(data: &Path, arguments: &[&str]) -> String {
    let (code, out, errors) = run(data, arguments, "");
    assert_eq!(code, 0, "{arguments:?}: {out}{errors}");
    out
}

/// Runs and insists on failure; what it says.
#[track_caller]
fn fails(data: &Path, arguments: &[&str], input: &str) -> String {
    let (code, out, errors) = run(data, arguments, input);
    assert_eq!(code, 1, "{arguments:?}: {out}{errors}");
    errors
}

async fn call(service: &Service, method: reqwest::Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let request = client().request(method, format!("{}/api/v1{path}", service.base())).bearer_auth(KEY);
    let answer = if let Some(body) = body { request.json(body) } else { request }.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
}

async fn post(service: &Service, path: &str, body: Value) -> Value {
    let (status, answer) = call(service, reqwest::Method::POST, path, Some(&body)).await;
    assert!((200..300).contains(&status), "{path}: {status} {answer:#}");
    answer
}

/// Asks again until it holds.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < end, "not within 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends events until told to stop; the ids that were acknowledged.
async fn keep_sending(base: String, name: usize, stop: Arc<AtomicBool>) -> Vec<String> {
    let (client, mut acknowledged) = (client(), Vec::new());
    for n in 0.. {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let id = format!("kept-{name}-{n}");
        let body = json!({"id": id, "event_type": "crash.test", "data": {"n": n}});
        let answer = client.post(format!("{base}/api/v1/events")).bearer_auth(KEY).json(&body).send().await;
        if answer.is_ok_and(|a| a.status().is_success()) {
            acknowledged.push(id);
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_comes_back_whole_and_paused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    std::fs::create_dir(&old).expect("made");
    let service = Service::start(&old, &util::Database::sqlite()).await;
    service.create(&json!({"name": "Backed up", "handler_type": "webhook", "configuration": {"url": SINK}, "event_types": ["crash.*"]})).await;
    let mut before = Vec::new();
    for n in 0..50 {
        before.push(post(&service, "/events", json!({"id": format!("before-{n}"), "event_type": "crash.test", "data": {}})).await["event_id"].as_str().expect("an id").to_owned());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4).map(|n| tokio::spawn(keep_sending(service.base(), n, stop.clone()))).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let file = folder.path().join("backup.db");
    let path = file.to_str().expect("text");
    let said = tokio::task::block_in_place(|| done(&old, &["backup", path]));
    assert!(said.contains("master.key"), "it says what is not in it: {said}");
    stop.store(true, Ordering::Release);
    let mut acknowledged = HashSet::new();
    for sender in senders {
        acknowledged.extend(sender.await.expect("a sender"));
    }
    assert!(acknowledged.len() > 10, "there was load");
    assert!(fails(&old, &["backup", path], "").contains("never overwrites"));
    service.stop().await;

    std::fs::create_dir(&new).expect("made");
    std::fs::copy(old.join("master.key"), new.join("master.key")).expect("copied");
    let said = done(&new, &["restore", path]);
    assert!(said.contains("starts paused") && said.contains("The audit log holds") && !said.contains("is missing"), "{said}");
    assert!(fails(&new, &["restore", path], "").contains("never overwrites"));
    let service = Service::start(&new, &util::Database::sqlite()).await;
    let stored: HashSet<String> = service.list("/api/v1/events?limit=200").await.iter().map(|e| e["id"].as_str().expect("an id").to_owned()).collect();
    assert!(before.iter().all(|id| stored.contains(id)), "everything acknowledged before is there");
    assert!(stored.iter().all(|id| before.contains(id) || id.starts_with("kept-")), "and nothing else");
    assert_eq!(call(&service, reqwest::Method::GET, "/audit-log/verify", None).await.1["ok"], true);

    let receipt = post(&service, "/events", json!({"event_type": "crash.test", "data": {}})).await;
    let id = receipt["executions"][0]["id"].as_str().expect("an execution").to_owned();
    let open = service.get("/api/v1/executions?status=pending&limit=200").await["items"].as_array().map_or(0, Vec::len);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(service.get("/api/v1/executions?status=pending&limit=200").await["items"].as_array().map_or(0, Vec::len), open, "nothing starts");
    assert_eq!(service.get(&format!("/api/v1/executions/{id}")).await["status"], "pending");
    assert!(done(&new, &["resume"]).contains("start again"));
    until("the execution runs after the word", || async { service.get(&format!("/api/v1/executions/{id}")).await["status"] == "succeeded" }).await;
    assert_eq!(service.wait_until_idle(Duration::from_secs(40)).await, 0, "and so does everything else");
    assert!(done(&new, &["resume"]).contains("Nothing is paused"));
    assert_eq!(call(&service, reqwest::Method::GET, "/audit-log/verify", None).await.1["ok"], true);
    service.stop().await;
}

#[test]
fn what_is_no_backup_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (text, other) = (folder.path().join("text.db"), folder.path().join("other.db"));
    std::fs::write(&text, "no database at all, but long enough to look like a page of one".repeat(50)).expect("written");
    std::fs::write(&other, "").expect("written");
    for file in [&text, &other, &folder.path().join("missing.db")] {
        fails(&data, &["restore", file.to_str().expect("text")], "");
        assert!(!data.join("event-actions.db").exists(), "{}", file.display());
    }
    assert!(fails(&data, &["backup", "here.db"], "").contains("no database"));
    let postgres = ["--database-url", "postgres://x@127.0.0.1/x", "--master-key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];
    assert!(fails(&data, &[&["backup", "here.db"], &postgres[..]].concat(), "").contains("pg_dump"));
    assert!(fails(&data, &[&["restore", "here.db"], &postgres[..]].concat(), "").contains("pg_restore"));
}

const LIBRARY: &str = "
templates:
  - name: welcome
    subject: Welcome, {{ user.name }}
    text: |
      Hello {{ user.name }},

      good to have you.
functions:
  - name: risk
    source: |
      export function score(event) { return { score: 1 }; }
actions:
  - name: Welcome
    handler_type: email
    event_types: [user.created]
    configuration: {to: '{{ user.email }}', from: shop@example.com, template: welcome}
    conditions: [{field: data.user.age, operator: gte, value: 18}]
  - name: Score
    handler_type: function
    event_types: [payment.*]
    configuration: {module: risk, function: score}
    priority: high
    is_enabled: false
alert_rules:
  - name: Many failures
    kind: error_rate
    threshold: 20
    severity: critical
";

#[test]
fn export_apply_export_gives_the_same_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    };
    let library = file("library.yaml", LIBRARY);
    let shown = done(&one, &["apply", &library, "--dry-run"]);
    assert!(shown.contains("+ action \"Welcome\"") && shown.contains("5 new, 0 changed"), "{shown}");
    assert!(done(&one, &["apply", &library, "--dry-run"]).contains("5 new"), "a dry run writes nothing");
    assert!(fails(&one, &["apply", &library], "").contains("--yes"));
    assert!(done(&one, &["apply", &library, "--yes"]).contains("Written: 5"));
    let first = done(&one, &["export"]);
    assert!(first.contains("Hello {{ user.name }},") && first.contains("Many failures"), "{first}");
    let exported = file("exported.yaml", &first);
    assert!(done(&two, &["apply", &exported, "--yes"]).contains("Written"));
    assert_eq!(done(&two, &["export"]), first, "a fresh installation exports the same");
    assert!(done(&two, &["apply", &exported]).contains("0 new, 0 changed"));

    let changed = file("changed.yaml", &first.replace("threshold: 20", "threshold: 25").replace("good to have you", "good to see you"));
    let shown = done(&two, &["apply", &changed, "--yes"]);
    assert!(shown.contains("threshold: 20.0 -> 25.0") && shown.contains("0 new, 2 changed"), "{shown}");
    done(&two, &["apply", &exported, "--yes"]);
    assert_eq!(done(&two, &["export"]), first, "and back again");

    let bad = file(
        "bad.yaml",
        "actions:\n  - name: Good\n    handler_type: webhook\n    event_types: [x]\n    configuration: {url: 'https://example.com/'}\n  - name: Bad\n    handler_type: webhook\n    event_types: ['*.x']\n    configuration: {url: 'ftp://example.com/'}\n    prioriti: high\n",
    );
    let errors = fails(&two, &["apply", &bad, "--yes"], "");
    assert!(errors.contains("bad.yaml: actions[1]") && errors.contains("prioriti"), "{errors}");
    let bad = file("bad.yaml", &std::fs::read_to_string(&bad).expect("read").replace("    prioriti: high\n", ""));
    let errors = fails(&two, &["apply", &bad, "--yes"], "");
    assert!(errors.contains("actions[1]/event_types/0") && errors.contains("actions[1]/configuration/url"), "every fault of it: {errors}");
    let errors = fails(&two, &["apply", "-", "--yes"], "actions:\n  - name: [\n");
    assert!(errors.contains("line"), "{errors}");
    assert_eq!(done(&two, &["export"]), first, "what is refused changes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_service_has_what_is_applied_within_a_second_and_secrets_stay_inside() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("made");
    let service = Service::start(&data, &util::Database::sqlite()).await;
    post(&service, "/secrets", json!({"name": "TOKEN", "value": "canary-of-the-export"})).await;
    let text = format!(
        "actions:\n  - name: Applied\n    handler_type: webhook\n    event_types: [crash.test]\n    configuration: {{url: '{SINK}', headers: {{X-Token: '{{{{ secret.TOKEN }}}}'}}}}\n"
    );
    let (code, out, errors) = tokio::task::block_in_place(|| run(&data, &["apply", "-", "--yes"], &text));
    assert_eq!(code, 0, "{out}{errors}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let receipt = post(&service, "/events", json!({"event_type": "crash.test", "data": {}})).await;
    assert_eq!(receipt["matched"], 1, "{receipt:#}");
    let exported = tokio::task::block_in_place(|| done(&data, &["export"]));
    assert!(exported.contains("{{ secret.TOKEN }}") && !exported.contains("canary"), "{exported}");
    assert_eq!(service.wait_until_idle(Duration::from_secs(20)).await, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_exchanged_beside_a_running_service_however_often_it_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("made");
    let service = Service::start(&data, &util::Database::sqlite()).await;
    let key = || std::fs::read_to_string(data.join("master.key")).expect("a key");
    let first = key();
    for n in 0..40 {
        post(&service, "/secrets", json!({"name": format!("S{n}"), "value": format!("value-{n}")})).await;
    }
    let action = json!({"name": "Uses", "handler_type": "function", "execution_mode": "sync", "max_retries": 0, "event_types": ["key.test"],
        "configuration": {"module": "builtin", "function": "transform", "kwargs": {"template": {"length": "{{ secret.S7 | length }}"}}}});
    post(&service, "/event-actions", action).await;
    let works = async || post(&service, "/events", json!({"event_type": "key.test", "data": {}})).await["executions"][0]["result"] == json!({"length": 7});
    assert!(works().await);
    for cut in 0..12_u64 {
        let mut child = spawn(&data, &["rotate-key"]);
        tokio::time::sleep(Duration::from_millis(15 + cut * 23)).await;
        child.kill().expect("killed");
        child.wait().expect("waited");
        assert!(works().await, "after cut {cut}");
        post(&service, "/secrets", json!({"name": format!("NEW{cut}"), "value": "new"})).await;
    }
    let said = tokio::task::block_in_place(|| done(&data, &["rotate-key"]));
    assert!(said.contains("52 secrets are sealed"), "{said}");
    assert_ne!(key(), first);
    assert!(!data.join("master.key.next").exists(), "the exchange is over");
    assert!(works().await);
    post(&service, "/secrets", json!({"name": "AFTER", "value": "x"})).await;
    service.stop().await;
    let service = Service::start(&data, &util::Database::sqlite()).await;
    assert_eq!(
        post(&service, "/events", json!({"event_type": "key.test", "data": {}})).await["executions"][0]["result"],
        json!({"length": 7}),
        "the new key alone opens everything"
    );
    assert_eq!(call(&service, reqwest::Method::GET, "/audit-log/verify", None).await.1["ok"], true);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_comes_and_goes_beside_a_running_service() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("made");
    let service = Service::start(&data, &util::Database::sqlite()).await;
    let own =
        post(&service, "/event-actions", json!({"name": "Own", "handler_type": "webhook", "event_types": ["own"], "configuration": {"url": SINK}, "tenant_id": "default"})).await;
    assert!(tokio::task::block_in_place(|| done(&data, &["demo"])).contains("is loaded"));
    assert!(tokio::task::block_in_place(|| done(&data, &["demo"])).contains("already"));
    let actions = async || service.get("/api/v1/event-actions?tenant_id=demo").await["items"].as_array().map_or(0, Vec::len);
    until("the service knows the demo's actions", async || actions().await == 6).await;
    assert!(tokio::task::block_in_place(|| done(&data, &["demo", "--remove"])).contains("removed"));
    until("the service knows that they are gone", async || actions().await == 0).await;
    assert_eq!(call(&service, reqwest::Method::GET, "/tenants/demo", None).await.0, 404);
    assert!(service.list("/api/v1/executions?tenant_id=demo&limit=200").await.is_empty());
    assert_eq!(service.get("/api/v1/event-actions").await["items"][0]["id"], own["id"], "what is not the demo's stays");
    assert!(tokio::task::block_in_place(|| done(&data, &["demo", "--remove"])).contains("no demo"));
    service.stop().await;
}
