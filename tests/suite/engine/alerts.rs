//! Alerts from end to end: rules, what fires them, who is told, what a person does, and that there is only one of each.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use event_actions::config::Config;
use event_actions::db::Db;
use event_actions::engine::{Caller, Engine};
use event_actions::model::alert::{AlertFilter, AlertKind, AlertState};
use event_actions::model::page::PageRequest;

use crate::util::{Answer, Reply, Sink, TestApp, event, webhook};

/// Longest wait for a step of an alert. The product promises five seconds; a busy machine may take longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until the list of alerts holds something for a query, and returns its first.
async fn alert(app: &TestApp, query: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let found = app.get(&format!("/alerts?{query}")).await.expect(200);
        if let Some(first) = found.items().first() {
            return first.clone();
        }
        assert!(Instant::now() < until, "there is no alert with {query}: {:#}", app.get("/alerts").await.body);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Sends events of type `a.b` one after the other.
async fn send(app: &TestApp, count: usize) {
    for n in 0..count {
        app.post("/events", &event("a.b", json!({"n": n}))).await;
    }
}

/// An action whose receiver is gone for good, and the alert that says so.
async fn gone(app: &TestApp, sink: &Sink) -> (String, Value) {
    sink.on("/gone", [Reply::status(410)]);
    let id = app.action(webhook("Gone", "a.gone", &sink.at("/gone"), json!({"execution_mode": "sync", "tenant_id": "default"}))).await;
    app.post("/events", &event("a.gone", json!({}))).await.expect(200);
    let alert = alert(app, &format!("kind=auto_disable&action_id={id}")).await;
    (id, alert)
}

/// Every `data:` of the events of a name so far.
fn data_of(text: &str, name: &str) -> Vec<Value> {
    let events = text.split("\n\n").filter(|e| e.lines().any(|l| l.trim() == format!("event: {name}")));
    events.filter_map(|e| e.lines().find_map(|l| l.strip_prefix("data: "))).filter_map(|d| serde_json::from_str(d).ok()).collect()
}

#[tokio::test]
async fn a_sink_that_fails_degrades_alarms_and_mends() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    // Three in ten fail, never two in a row.
    sink.on("/x", (0..20).map(|n| Reply::status(if [0, 3, 6].contains(&(n % 10)) { 500 } else { 200 })).chain([Reply::status(200)]));
    let more = json!({"execution_mode": "sync", "max_retries": 0, "tenant_id": "default"});
    let id = app.action(webhook("Shaky", "a.b", &sink.at("/x"), more)).await;
    app.action(webhook("Tell", "system.alert.*", &sink.at("/tell"), json!({"tenant_id": "default"}))).await;
    let mail = json!({"to": "ops@example.com", "from": "alerts@example.com", "subject": "{{ severity }}: {{ rule }} ({{ state }})", "text": "{{ message }}"});
    app.action(json!({"name": "Mail", "handler_type": "email", "event_types": ["system.alert.*"], "configuration": mail, "tenant_id": "default"})).await;
    let seen = Arc::new(Mutex::new(String::new()));
    let stream = app.request(Method::GET, "/api/v1/stream").send().await.unwrap();
    let reader = tokio::spawn({
        let seen = seen.clone();
        async move {
            let mut bytes = stream.bytes_stream();
            while let Some(Ok(part)) = bytes.next().await {
                seen.lock().unwrap().push_str(&String::from_utf8_lossy(&part));
            }
        }
    });

    send(&app, 20).await;
    let began = Instant::now();
    let fired = alert(&app, &format!("state=firing&action_id={id}")).await;
    assert_eq!((&fired["kind"], &fired["severity"], &fired["rule"], &fired["tenant_id"]), (&json!("error_rate"), &json!("critical"), &json!("High error rate"), &json!("default")));
    assert!(fired["value"].as_f64().unwrap() > 10.0 && fired["threshold"].as_f64() == Some(10.0), "{fired:#}");
    assert!(fired["message"].as_str().unwrap().contains("Shaky") && fired["started_at"].is_string(), "{fired:#}");
    let health = app.get(&format!("/event-actions/{id}/health")).await.expect(200);
    assert_eq!(health.text("/status"), "degraded", "{:#}", health.body);
    let told = sink.wait_for("/tell", 1).await[0].json();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!((&told["event_type"], &told["data"]["id"], &told["data"]["action_name"]), (&json!("system.alert.fired"), &fired["id"], &json!("Shaky")));

    send(&app, 60).await;
    let over = alert(&app, &format!("state=resolved&action_id={id}")).await;
    assert_eq!((&over["id"], &over["resolved_by"]), (&fired["id"], &Value::Null), "it ends by itself");
    let told = sink.wait_for("/tell", 2).await[1].json();
    assert_eq!((&told["event_type"], &told["data"]["id"], &told["data"]["state"]), (&json!("system.alert.resolved"), &fired["id"], &json!("resolved")));
    let until = Instant::now() + PATIENCE;
    let subjects = loop {
        let mails = app.get("/mailbox").await.expect(200);
        if mails.items().len() >= 2 || Instant::now() > until {
            break mails.items().iter().map(|m| m["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(subjects, ["critical: High error rate (resolved)", "critical: High error rate (firing)"]);
    let states = loop {
        let shown: Vec<String> = data_of(&seen.lock().unwrap(), "alert").iter().filter(|a| a["id"] == fired["id"]).map(|a| a["state"].as_str().unwrap().to_owned()).collect();
        if shown.last().is_some_and(|s| s == "resolved") || Instant::now() > until {
            break shown;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((states.first().map(String::as_str), states.last().map(String::as_str)), (Some("firing"), Some("resolved")), "the stream shows each step");
    assert_eq!(app.get(&format!("/alerts?action_id={id}")).await.expect(200).items().len(), 1);
    reader.abort();
    app.finish().await;
}

#[tokio::test]
async fn a_slow_sink_fires_by_a_rule_of_its_own() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(200).after_ms(150)]);
    let id = app.action(webhook("Slow", "a.b", &sink.at("/x"), json!({"execution_mode": "sync"}))).await;
    let rule = json!({"kind": "slow_executions", "name": "Too slow", "threshold": 100, "min_samples": 3, "window_seconds": 60, "scope": {"action": id}});
    app.put("/alert-rules", &rule).await.expect(200);
    send(&app, 4).await;
    let fired = alert(&app, &format!("state=firing&kind=slow_executions&action_id={id}")).await;
    assert_eq!((&fired["rule"], &fired["severity"], &fired["tenant_id"]), (&json!("Too slow"), &json!("warning"), &Value::Null));
    assert!(fired["value"].as_f64().unwrap() >= 100.0, "{fired:#}");
    app.finish().await;
}

#[tokio::test]
async fn a_condition_must_hold_as_long_as_the_rule_says() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500)]);
    let id = app.action(webhook("Bad", "a.b", &sink.at("/x"), json!({"execution_mode": "sync", "max_retries": 0}))).await;
    let rule = json!({"kind": "error_rate", "name": "Patient", "threshold": 50, "min_samples": 1, "window_seconds": 60, "for_seconds": 5, "scope": {"action": id}});
    app.put("/alert-rules", &rule).await.expect(200);
    send(&app, 2).await;
    let pending = alert(&app, &format!("action_id={id}")).await;
    assert_eq!((&pending["state"], &pending["fired_at"]), (&json!("pending"), &Value::Null));
    app.call(&format!("/alerts/{}/acknowledge", pending["id"].as_str().unwrap())).await.problem(409);
    let fired = alert(&app, &format!("state=firing&action_id={id}")).await;
    assert_eq!(fired["id"], pending["id"]);
    app.finish().await;
}

#[tokio::test]
async fn a_breaker_that_opens_fires_and_one_that_closes_resolves() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500), Reply::status(500), Reply::status(200)]);
    let more = json!({"max_retries": 0, "circuit_breaker": {"failures": 2, "cooldown_seconds": 5}});
    let id = app.action(webhook("Broken", "a.b", &sink.at("/x"), more)).await;
    for _ in 0..2 {
        let sent = app.post("/events", &event("a.b", json!({}))).await;
        app.execution(sent.text("/executions/0/id"), &["dead_letter"]).await;
    }
    let fired = alert(&app, &format!("state=firing&kind=handler_failure&action_id={id}")).await;
    assert_eq!((fired["value"].as_f64(), fired["threshold"].as_f64()), (Some(2.0), Some(2.0)), "{fired:#}");
    assert_eq!(app.get(&format!("/event-actions/{id}/health")).await.expect(200).text("/status"), "critical");
    send(&app, 1).await;
    assert_eq!(alert(&app, &format!("state=resolved&action_id={id}&kind=handler_failure")).await["id"], fired["id"]);
    app.finish().await;
}

#[tokio::test]
async fn a_full_queue_fires_exhaustion() {
    let (app, sink) = (TestApp::with(|config| config.queue_max_depth = 5).await, Sink::start().await);
    sink.on("/x", [Reply::status(200).after_ms(600)]);
    app.action(webhook("Narrow", "a.b", &sink.at("/x"), json!({"execution_mode": "queued", "max_concurrency": 1}))).await;
    let events: Vec<Value> = (0..15).map(|n| event("a.b", json!({"n": n}))).collect();
    assert_eq!(app.batch(&events).await.len(), 15);
    let fired = alert(&app, "state=firing&kind=resource_exhaustion").await;
    assert_eq!((&fired["rule"], &fired["subject"], fired["threshold"].as_f64()), (&json!("Queue nearly full"), &json!("queue_depth"), Some(4.0)));
    let other = app.tenant_key("other", &["executions:read"]).await;
    assert!(app.send_as(&other, Method::GET, "/alerts", None).await.expect(200).items().is_empty(), "the platform's trouble is the platform's");
    sink.wait_for("/x", 15).await;
    assert_eq!(alert(&app, "state=resolved&kind=resource_exhaustion").await["id"], fired["id"]);
    app.finish().await;
}

#[tokio::test]
async fn what_a_person_does_about_an_alert() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let (action, alert) = gone(&app, &sink).await;
    let at = |what: &str| format!("/alerts/{}/{what}", alert["id"].as_str().unwrap());
    assert_eq!(app.get(&at("")[..at("").len() - 1]).await.expect(200).text("/message"), alert["message"].as_str().unwrap());
    assert!(alert["message"].as_str().unwrap().contains("410"), "{alert:#}");
    let silent = app.post(&at("silence"), &json!({"minutes": 5})).await.expect(200);
    assert_eq!((silent.text("/state"), silent.text("/silenced_by")), ("silenced", "key:bootstrap"));
    for (body, pointer) in [
        (json!({"minutes": 0}), "/minutes"),
        (json!({"until": "2020-01-01T00:00:00Z"}), "/until"),
        (json!({"minutes": 1, "until": "2999-01-01T00:00:00Z"}), "/until"),
        (json!({"for": 1}), "/for"),
    ] {
        assert_eq!(app.post(&at("silence"), &body).await.problem(422).1, pointer, "{body}");
    }
    let taken = app.call(&at("acknowledge")).await.expect(200);
    assert!(taken.text("/state") == "acknowledged" && taken.at("/acknowledged_at").is_string() && taken.at("/silenced_until").is_null(), "{:#}", taken.body);
    for (query, count) in [
        ("state=acknowledged", 1),
        ("active=true", 1),
        ("state=firing", 0),
        ("severity=critical&kind=auto_disable", 1),
        ("severity=info", 0),
        ("action_id=nothing", 0),
        ("tenant_id=default", 1),
    ] {
        assert_eq!(app.get(&format!("/alerts?{query}")).await.expect(200).items().len(), count, "{query}");
    }
    app.get("/alerts?state=broken").await.problem(422);
    app.get("/alerts?status=firing").await.problem(400);
    let reader = app.tenant_key("default", &["executions:read"]).await;
    app.send_as(&reader, Method::POST, &at("resolve"), None).await.problem(403);
    let stranger = app.tenant_key("other", &["admin"]).await;
    for what in ["acknowledge", "silence", "resolve"] {
        app.send_as(&stranger, Method::POST, &at(what), None).await.problem(404);
    }
    let over = app.call(&at("resolve")).await.expect(200);
    assert_eq!((over.text("/state"), over.text("/resolved_by")), ("resolved", "key:bootstrap"));
    app.call(&at("acknowledge")).await.problem(409);
    let log = app.get(&format!("/audit-log?subject_id={}", alert["id"].as_str().unwrap())).await.expect(200);
    let done: Vec<&str> = log.items().iter().rev().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(done, ["alert.silence", "alert.acknowledge", "alert.resolve"]);
    app.call(&format!("/event-actions/{action}/enable")).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn switching_an_action_on_again_ends_its_alert() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let (action, alert_before) = gone(&app, &sink).await;
    app.call(&format!("/event-actions/{action}/enable")).await.expect(200);
    let over = alert(&app, &format!("state=resolved&action_id={action}")).await;
    assert_eq!((&over["id"], &over["resolved_by"]), (&alert_before["id"], &Value::Null));
    app.finish().await;
}

#[tokio::test]
async fn events_without_end_fire_a_loop_alert() {
    let app = TestApp::start().await;
    let itself = json!({"name": "Loop", "handler_type": "function", "event_types": ["loop.again"],
        "configuration": {"module": "builtin", "function": "emit_event", "kwargs": {"event_type": "loop.again"}}});
    let id = app.action(itself).await;
    app.post("/events", &json!({"event_type": "loop.again"})).await.expect(202);
    let fired = alert(&app, &format!("state=firing&kind=loop&action_id={id}")).await;
    assert!(fired["message"].as_str().unwrap().contains("loop.again"), "{fired:#}");
    app.finish().await;
}

#[tokio::test]
async fn an_audit_log_that_was_changed_fires_until_it_verifies_again() {
    let app = TestApp::start().await;
    app.tenant_key("north", &["events:read"]).await;
    let config = app.engine.config();
    let db = Db::connect(&config.effective_database_url(), 2).await.unwrap();
    let set_actor = async |from: &str, to: &str| {
        let mut tx = db.begin().await.unwrap();
        let sql = "update audit_log set actor = $2 where seq = (select min(seq) from audit_log where actor = $1)";
        let (from, to) = (from.to_owned(), to.to_owned());
        event_actions::on_tx!(&mut tx, conn => sqlx::query(sql).bind(from).bind(to).execute(conn).await.map(|_| ())).unwrap();
        tx.commit().await.unwrap();
    };
    let before = app.get("/audit-log?limit=200").await.expect(200).items().last().unwrap()["actor"].as_str().unwrap().to_owned();
    set_actor(&before, "user:nobody@example.com").await;
    assert_eq!(app.get("/audit-log/verify").await.expect(200).at("/ok"), &json!(false));
    let fired = alert(&app, "state=firing&kind=audit_chain").await;
    assert_eq!((&fired["subject"], &fired["tenant_id"]), (&json!("audit_log"), &Value::Null));
    set_actor("user:nobody@example.com", &before).await;
    assert_eq!(app.get("/audit-log/verify").await.expect(200).at("/ok"), &json!(true));
    assert_eq!(alert(&app, "state=resolved&kind=audit_chain").await["id"], fired["id"]);
    db.close().await;
    app.finish().await;
}

#[tokio::test]
async fn what_alerts_cause_raises_none_of_the_same_rule() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/tell", [Reply::status(500)]);
    let teller = app.action(webhook("Tell", "system.alert.fired", &sink.at("/tell"), json!({"max_retries": 3, "tenant_id": "default"}))).await;
    let rule = json!({"kind": "error_rate", "name": "At once", "threshold": 1, "min_samples": 1, "window_seconds": 60, "scope": {"action": teller}});
    app.put("/alert-rules", &rule).await.expect(200);
    gone(&app, &sink).await;
    sink.wait_for("/tell", 4).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let found = app.get(&format!("/alerts?action_id={teller}")).await.expect(200);
    assert!(found.items().is_empty(), "{:#}", found.body);
    assert_eq!(app.get(&format!("/event-actions/{teller}/stats?window=15m")).await.expect(200).at("/by_status/dead_letter"), &json!(1), "statistics count it all the same");
    app.post("/events", &event("system.alert.fired", json!({}))).await.problem(422);
    let test = json!({"event_type": "system.alert.fired", "event_data": {"rule": "High error rate"}});
    assert_eq!(app.post(&format!("/event-actions/{teller}/test"), &test).await.expect(200).at("/matched"), &json!(true), "a dry run may use it");
    app.finish().await;
}

fn names(rules: &Answer) -> Vec<&str> {
    rules.items().iter().map(|r| r["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn rules_are_written_one_by_one_or_all_at_once() {
    let app = TestApp::start().await;
    let first = app.get("/alert-rules").await.expect(200);
    assert!(first.items().len() >= 7 && first.items().iter().all(|r| r["version"] == 1 && r["tenant_id"].is_null()), "{:#}", first.body);
    let mut rule = first.items().iter().find(|r| r["kind"] == "error_rate").unwrap().clone();
    let changed = app.put("/alert-rules", &json!({"id": rule["id"], "threshold": 20, "version": 1})).await.expect(200);
    let now = changed.items().iter().find(|r| r["id"] == rule["id"]).unwrap();
    assert_eq!((now["threshold"].as_f64(), &now["version"], &now["min_samples"]), (Some(20.0), &json!(2), &json!(10)));
    app.put("/alert-rules", &json!({"id": rule["id"], "threshold": 30, "version": 1})).await.problem(409);
    let again = app.put("/alert-rules", &changed.body).await.expect(200);
    assert_eq!(again.body, changed.body, "what GET answers changes nothing");

    let tenant = app.tenant_key("north", &["admin"]).await;
    let own = json!({"kind": "error_rate", "name": "Ours", "threshold": 5});
    let seen = app.send_as(&tenant, Method::PUT, "/alert-rules", Some(&json!([own]))).await.expect(200);
    assert!(names(&seen).contains(&"Ours") && names(&seen).contains(&"High error rate") && !names(&seen).contains(&"Memory short"), "{:#}", seen.body);
    assert_eq!(seen.items().iter().find(|r| r["name"] == "Ours").unwrap()["tenant_id"], "north");
    rule["threshold"] = json!(99);
    rule["version"] = json!(2);
    app.send_as(&tenant, Method::PUT, "/alert-rules", Some(&rule)).await.problem(403);
    let none = app.send_as(&tenant, Method::PUT, "/alert-rules", Some(&json!({"items": []}))).await.expect(200);
    assert!(!names(&none).contains(&"Ours") && names(&none).contains(&"High error rate"), "only its own are replaced");
    let reader = app.tenant_key("north", &["executions:write", "actions:write"]).await;
    app.send_as(&reader, Method::GET, "/alert-rules", None).await.problem(403);
    app.send_as(&reader, Method::PUT, "/alert-rules", Some(&json!([]))).await.problem(403);

    for (body, pointer) in [
        (json!({"kind": "error_rate", "name": "A"}), "/threshold"),
        (json!({"kind": "error_rates", "name": "A", "threshold": 1}), "/kind"),
        (json!([{"kind": "loop", "name": "A"}, {"kind": "loop", "name": ""}]), "/1/name"),
        (json!({"items": [{"kind": "resource_exhaustion", "name": "A", "threshold": 1}]}), "/items/0/metric"),
        (json!({"kind": "error_rate", "name": "A", "threshold": 1, "scope": {"action": "none"}}), "/scope/action"),
        (json!({"kind": "error_rate", "name": "A", "threshold": 1, "colour": 1}), "/colour"),
    ] {
        assert_eq!(app.put("/alert-rules", &body).await.problem(422).1, pointer, "{body}");
    }
    app.put("/alert-rules", &json!({"id": "none", "threshold": 1})).await.problem(404);
    assert_eq!(app.get("/alert-rules").await.expect(200).body, changed.body, "a refused change changes nothing");
    let fewer: Vec<Value> = changed.items().iter().filter(|r| r["kind"] == "loop").cloned().collect();
    assert_eq!(names(&app.put("/alert-rules", &json!(fewer)).await.expect(200)).len(), 1);
    app.finish().await;
}

/// An engine of its own on a database that stays.
async fn engine_on(config: &Config) -> Engine {
    drop(rustls::crypto::ring::default_provider().install_default());
    let db = Db::connect(&config.effective_database_url(), config.database_connections).await.unwrap();
    db.migrate().await.unwrap();
    Engine::start(config.clone(), db, event_actions::handlers::registry(config).unwrap()).await.unwrap()
}

#[tokio::test]
async fn alerts_survive_a_restart() {
    let (folder, sink) = (tempfile::tempdir().unwrap(), Sink::start().await);
    sink.on("/gone", [Reply::status(410)]);
    let (config, caller) = (Config::for_tests(folder.path()), Caller::system("test"));
    let engine = engine_on(&config).await;
    let action = serde_json::from_value(webhook("Gone", "a.b", &sink.at("/gone"), json!({"execution_mode": "sync"}))).unwrap();
    engine.create_action(&caller, action).await.unwrap();
    engine.ingest(&caller, serde_json::from_value(event("a.b", json!({}))).unwrap(), None).await.unwrap();
    // A busy machine may bring alerts of its own.
    let list = async |engine: &Engine| {
        let mut all = engine.list_alerts(&caller, AlertFilter::default(), PageRequest::default()).await.unwrap().items;
        all.retain(|a| a.kind == AlertKind::AutoDisable);
        all
    };
    let before = list(&engine).await;
    engine.shutdown().await;
    let engine = engine_on(&config).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = list(&engine).await;
    assert_eq!((before.len(), after.len(), after[0].state), (1, 1, AlertState::Firing));
    assert_eq!(before[0].id, after[0].id);
    assert_eq!(engine.list_alert_rules(&caller, None).await.unwrap().len(), 12, "the first rules are made once");
    engine.shutdown().await;
}

/// Two nodes on one server: whatever both of them see, there is one alert and it is told of once.
#[tokio::test]
async fn two_nodes_give_one_alert() {
    if std::env::var("TEST_DATABASE_URL").unwrap_or_default().is_empty() {
        return;
    }
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let second = engine_on(&app.engine.config().clone()).await;
    sink.on("/x", [Reply::status(404)]);
    let id = app.action(webhook("Bad", "a.b", &sink.at("/x"), json!({"tenant_id": "default", "circuit_breaker": {"failures": 1000, "cooldown_seconds": 60}}))).await;
    app.action(webhook("Tell", "system.alert.fired", &sink.at("/tell"), json!({"tenant_id": "default"}))).await;
    let events: Vec<Value> = (0..30).map(|n| event("a.b", json!({"n": n}))).collect();
    app.batch(&events).await;
    alert(&app, &format!("state=firing&action_id={id}")).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    let all = app.get(&format!("/alerts?action_id={id}")).await.expect(200);
    assert_eq!(all.items().len(), 1, "{:#}", all.body);
    assert_eq!(sink.hits("/tell").len(), 1);
    // The other node takes over what the first one leaves behind.
    let seen = second.list_alerts(&Caller::system("test"), AlertFilter { active_only: true, ..AlertFilter::default() }, PageRequest::default()).await.unwrap();
    assert_eq!(seen.items.iter().filter(|a| a.action_id.as_deref() == Some(id.as_str())).count(), 1);
    second.shutdown().await;
    app.finish().await;
}
