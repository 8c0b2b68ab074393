//! The log file from outside: one JSON object per line with the ids, no secret in it, put aside in time.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[allow(dead_code, reason = "each test file uses a part of it")]
mod util;

use util::{Database, KEY, Service, client};

const SECRET: &str = "canary-of-a-secret-7f3a9c";
const PASSWORD: &str = "canary-of-a-password-1d5e";
const MASTER_KEY: &str = "Y2FuYXJ5LW9mLWEtbWFzdGVyLWtleS0wMTIzNDU2Nzg=";

async fn post(service: &Service, path: &str, body: &Value) -> Value {
    let request = client().post(format!("{}/api/v1{path}", service.base())).bearer_auth(KEY).header("x-request-id", format!("request:{path}"));
    let answer = request.json(body).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap_or_default());
    answer.json().await.unwrap_or_default()
}

/// The log file and those put aside, the latest first.
fn files(log: &Path) -> Vec<PathBuf> {
    let aside = (1..).map(|n| PathBuf::from(format!("{}.{n}", log.display())));
    std::iter::once(log.to_owned()).chain(aside).take_while(|path| path.exists()).collect()
}

fn lines(log: &Path) -> Vec<Value> {
    let text: String = files(log).iter().rev().map(|path| std::fs::read_to_string(path).expect("text")).collect();
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text.lines().map(read).collect()
}

/// A receiver that fails and says in its answer what it was sent.
async fn echo() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let answer = |headers: axum::http::HeaderMap| async move { (axum::http::StatusCode::BAD_REQUEST, format!("{headers:?}")) };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_have_the_ids_and_no_secrets() {
    let (url, folder) = (echo().await, tempfile::tempdir().expect("a folder"));
    let log = folder.path().join("service.log");
    let settings = [
        ("EVENT_ACTIONS_LOG", "trace"),
        ("EVENT_ACTIONS_LOG_FILE", log.to_str().expect("text")),
        ("EVENT_ACTIONS_LOG_ROTATION", "never"),
        ("EVENT_ACTIONS_ADMIN_EMAIL", "admin@example.com"),
        ("EVENT_ACTIONS_ADMIN_PASSWORD", PASSWORD),
        ("EVENT_ACTIONS_MASTER_KEY", MASTER_KEY),
        ("EVENT_ACTIONS_SMTP_URL", "smtps://user:canary-of-a-mail-password@127.0.0.1:9"),
    ];
    let service = Service::start_with(folder.path(), &Database::from_env().await, &settings).await;
    post(&service, "/secrets", &json!({"name": "TOKEN", "value": SECRET})).await;
    let configuration = json!({"url": format!("{url}/?key={{{{ secret.TOKEN }}}}"), "headers": {"X-Key": "{{ secret.TOKEN }}"}, "body": "{{ secret.TOKEN }}"});
    let action = json!({"name": "Fails\u{202e}", "handler_type": "webhook", "configuration": configuration, "event_types": ["order.paid"], "max_retries": 0});
    let action_id = post(&service, "/event-actions", &action).await["id"].clone();
    let receipt = post(&service, "/events", &json!({"event_type": "order.paid", "data": {"note": "a\nINFO forged \u{1b}[31m"}})).await;
    let execution = format!("/api/v1/executions/{}", receipt["executions"][0]["id"].as_str().expect("an id"));
    let until = Instant::now() + Duration::from_secs(20);
    while service.get(&execution).await["status"] != "failed" {
        assert!(Instant::now() < until, "the attempt has not failed after 20 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    service.stop().await;

    let lines = lines(&log);
    // The mail about a breaker or a handler in trouble may fail as well: the mail server is not there.
    let of_attempt = |line: &&Value| line["message"] == "attempt failed" && line["execution_id"] == receipt["executions"][0]["id"];
    let ended = lines.iter().find(of_attempt).unwrap_or_else(|| panic!("no line about the attempt in {lines:#?}"));
    let ids = json!({"execution_id": receipt["executions"][0]["id"], "event_id": receipt["event_id"], "tenant_id": "default", "action_id": action_id, "status": "failed"});
    ids.as_object().expect("an object").iter().for_each(|(name, id)| assert_eq!(&ended[name], id, "{name} in {ended}"));
    let of_request = |line: &Value| line["request_id"] == "request:/event-actions" && line["path"] == "/api/v1/event-actions";
    assert!(lines.iter().any(of_request), "lines about a request have its id");
    for path in files(&log).into_iter().chain([folder.path().join("log")]) {
        let text = std::fs::read_to_string(path).expect("text");
        for (what, canary) in [("a secret", SECRET), ("a password", PASSWORD), ("the master key", MASTER_KEY), ("a mail password", "canary-of-a-mail"), ("an API key", KEY)] {
            assert!(!text.contains(canary), "{what} is in the log: {:?}", text.lines().find(|line| line.contains(canary)));
        }
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '\0']), "nothing steers a terminal");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_file_is_put_aside_without_losing_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("service.log");
    let path = log.to_str().expect("text");
    let settings = [("EVENT_ACTIONS_LOG", "trace"), ("EVENT_ACTIONS_LOG_FILE", path), ("EVENT_ACTIONS_LOG_ROTATION", "1MB"), ("EVENT_ACTIONS_LOG_KEEP", "2")];
    let service = Service::start_with(folder.path(), &Database::from_env().await, &settings).await;
    let until = Instant::now() + Duration::from_secs(120);
    while !log.with_extension("log.2").exists() {
        assert!(Instant::now() < until, "{:?} after 120 s", files(&log));
        // Reading asks the database, and each question is a line.
        futures::future::join_all((0..8).map(|_| service.get("/api/v1/executions"))).await;
    }
    service.stop().await;
    let found = files(&log);
    assert_eq!(found.len(), 3, "two are kept beside the one in use: {found:?}");
    let sizes: Vec<u64> = found.iter().map(|path| path.metadata().expect("a size").len()).collect();
    assert!(sizes.iter().all(|size| *size <= 1 << 20) && sizes[1] > 900_000, "{sizes:?}");
    let stamps: Vec<String> = lines(&log).iter().map(|line| line["timestamp"].as_str().expect("a time").to_owned()).collect();
    assert!(stamps.len() > 1_000 && stamps.windows(2).filter(|w| w[0] > w[1]).count() < stamps.len() / 10, "whole lines in order");
}
