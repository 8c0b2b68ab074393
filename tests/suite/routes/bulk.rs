//! Bulk replay: counted before it runs, filtered, followed to its end, aborted.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{Answer, Reply, Sink, TestApp, event, webhook};

/// Waits until a job has ended.
async fn ended(app: &TestApp, id: &str) -> Answer {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let job = app.get(&format!("/bulk/{id}")).await.expect(200);
        let (done, total) = (["succeeded", "failed", "skipped"].map(|m| job.at(&format!("/{m}")).as_i64().unwrap()).iter().sum::<i64>(), job.at("/total").as_i64().unwrap());
        assert!((0..=total).contains(&done), "progress stays within its total: {:#}", job.body);
        if job.at("/finished_at").is_string() {
            return job;
        }
        assert!(Instant::now() < until, "the job does not end: {:#}", job.body);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Dry-counts a replay.
async fn count(app: &TestApp, filter: Value) -> i64 {
    app.post("/executions/bulk-replay", &json!({"filter": filter, "dry_run": true})).await.expect(200).at("/total").as_i64().unwrap()
}

/// Sends `count` events of a type in one batch and waits until their executions are dead letters.
async fn die(app: &TestApp, event_type: &str, count: usize) -> Vec<String> {
    let events: Vec<Value> = (0..count).map(|n| event(event_type, json!({"n": n}))).collect();
    let ids = app.batch(&events).await;
    for id in &ids {
        app.execution(id, &["dead_letter"]).await;
    }
    ids
}

#[tokio::test]
async fn a_filtered_replay_is_counted_run_and_followed() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/a", [Reply::status(500)]);
    sink.on("/b", [Reply::status(500)]);
    let a = app.action(webhook("A", "a.one", &sink.at("/a"), json!({"max_retries": 0}))).await;
    app.action(webhook("B", "b.one", &sink.at("/b"), json!({"max_retries": 0}))).await;
    let (dead, other) = (die(&app, "a.one", 3).await, die(&app, "b.one", 2).await);
    let event_of = app.get(&format!("/executions/{}", dead[0])).await.expect(200).text("/event_id").to_owned();
    for (filter, total) in [
        (json!({}), 5),
        (json!({"action_id": a}), 3),
        (json!({"event_type": "b.one"}), 2),
        (json!({"event_id": event_of}), 1),
        (json!({"min_duration_ms": 600_000}), 0),
        (json!({"min_duration_ms": 0}), 5),
        (json!({"status": "dead_letter", "error_class": "http_status", "handler_type": "webhook"}), 5),
        (json!({"error_class": "timeout"}), 0),
        (json!({"status": "succeeded"}), 0),
        (json!({"from": "2999-01-01T00:00:00Z"}), 0),
        (json!({"to": "2999-01-01T00:00:00Z", "tenant_id": "default"}), 5),
    ] {
        assert_eq!(count(&app, filter.clone()).await, total, "{filter}");
    }
    assert_eq!((sink.paths().len(), app.get("/bulk").await.expect(200).items().len()), (5, 0), "counting runs nothing");

    sink.on("/a", [Reply::status(200)]);
    sink.on("/new", [Reply::status(200)]);
    let body = json!({"filter": {"action_id": a, "status": "dead_letter"}});
    let job = app.post("/executions/bulk-replay", &body).await.expect(202);
    assert_eq!(job.header("location"), format!("/api/v1/bulk/{}", job.id()));
    assert_eq!((job.text("/status"), job.at("/total"), job.text("/action_version")), ("running", &json!(3), "original"));
    let done = ended(&app, &job.id()).await;
    assert_eq!((done.text("/status"), done.at("/succeeded"), done.at("/failed"), done.at("/skipped")), ("finished", &json!(3), &json!(0), &json!(0)), "{:#}", done.body);
    sink.wait_for("/a", 6).await;
    let all = app.get(&format!("/event-actions/{a}/executions?limit=50")).await.expect(200);
    let mut replayed: Vec<&str> = all.items().iter().filter_map(|x| x["replay_of"].as_str()).collect();
    replayed.sort_unstable();
    let mut expected: Vec<&str> = dead.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(replayed, expected, "each once");
    for x in all.items().iter().filter(|x| x["replay_of"].is_string()) {
        app.execution(x["id"].as_str().unwrap(), &["succeeded"]).await;
    }
    for id in &dead {
        let old = app.get(&format!("/executions/{id}")).await.expect(200);
        assert_eq!((old.text("/status"), old.at("/handled_at").is_string()), ("dead_letter", true));
        assert_eq!(app.get(&format!("/audit-log?subject_id={id}&action=execution.replay")).await.expect(200).items().len(), 1);
    }
    assert_eq!((count(&app, json!({"action_id": a})).await, count(&app, json!({})).await), (0, 2), "what was handled is left out");
    let open: Vec<Value> = app.get("/dead-letters").await.expect(200).items().iter().map(|x| x["id"].clone()).collect();
    assert!(open.len() == 2 && other.iter().all(|id| open.contains(&json!(id))));
    let log = app.get(&format!("/audit-log?subject_id={}", job.id())).await.expect(200);
    assert_eq!(log.items().iter().map(|e| e["action"].as_str().unwrap()).collect::<Vec<_>>(), ["bulk.end", "bulk.start"]);
    app.call(&format!("/bulk/{}/abort", job.id())).await.problem(409);
    app.finish().await;
}

#[tokio::test]
async fn a_replay_may_take_the_current_version() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/old", [Reply::status(500)]);
    let id = app.action(webhook("Moves", "a.one", &sink.at("/old"), json!({"max_retries": 0}))).await;
    die(&app, "a.one", 2).await;
    app.put(&format!("/event-actions/{id}"), &json!({"configuration": {"url": sink.at("/new")}})).await.expect(200);
    let job = app.post("/executions/bulk-replay", &json!({"action_version": "current"})).await.expect(202);
    assert_eq!(ended(&app, &job.id()).await.at("/succeeded"), 2);
    let hits = sink.wait_for("/new", 2).await;
    let mut numbers: Vec<_> = hits.iter().map(|h| h.json()["data"]["n"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!((numbers, sink.hits("/old").len()), (vec![0, 1], 2));
    app.finish().await;
}

#[tokio::test]
async fn an_aborted_job_stops_and_says_how_far_it_came() {
    let app = TestApp::start().await;
    let action = json!({
        "name": "Many", "handler_type": "function", "event_types": ["a.one"], "max_retries": 0, "circuit_breaker": {"failures": 1000, "cooldown_seconds": 1},
        "configuration": {"module": "builtin", "function": "fail", "kwargs": {"retryable": true}}
    });
    app.action(action).await;
    die(&app, "a.one", 160).await;
    let job = app.post("/executions/bulk-replay", &json!({})).await.expect(202);
    assert_eq!(job.at("/total"), 160);
    let aborting = app.call(&format!("/bulk/{}/abort", job.id())).await.expect(200);
    assert!(["aborting", "aborted"].contains(&aborting.text("/status")), "{:#}", aborting.body);
    let done = ended(&app, &job.id()).await;
    let replayed = done.at("/succeeded").as_i64().unwrap();
    assert!(done.text("/status") == "aborted" && replayed < 160 && done.at("/skipped") == 0, "{:#}", done.body);
    assert_eq!(count(&app, json!({"to": job.text("/created_at")})).await, 160 - replayed, "the rest is left as it was");
    assert_eq!(app.get("/bulk").await.expect(200).text("/items/0/id"), job.id());
    let log = app.get(&format!("/audit-log?subject_id={}&action=bulk.abort", job.id())).await.expect(200);
    assert_eq!(log.items().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn who_may_replay_what() {
    let app = TestApp::start().await;
    for (body, pointer) in [
        (json!({"filter": {"status": "running"}}), "/filter/status"),
        (json!({"filter": {"status": "nonsense"}}), "/filter/status"),
        (json!({"filter": {"nope": 1}}), "/filter/nope"),
        (json!({"filter": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}), "/filter/to"),
        (json!({"filter": {"action_id": ""}, "dry_run": true}), "/filter/action_id"),
        (json!({"action_version": "newest"}), "/action_version"),
    ] {
        assert_eq!(app.post("/executions/bulk-replay", &body).await.problem(422).1, pointer, "{body}");
    }
    let fail = json!({"name": "Fails", "handler_type": "function", "event_types": ["a.b"], "configuration": {"module": "builtin", "function": "fail"}, "execution_mode": "sync"});
    app.action(fail).await;
    let (one, two) = (app.tenant_key("one", &["events:write", "executions:write", "executions:read"]).await, app.tenant_key("two", &["executions:write"]).await);
    app.send_as(&one, Method::POST, "/events", Some(&event("a.b", json!({})))).await.expect(200);
    let dry = json!({"dry_run": true});
    for (key, total) in [(&one, 1), (&two, 0)] {
        assert_eq!(app.send_as(key, Method::POST, "/executions/bulk-replay", Some(&dry)).await.expect(200).at("/total"), total);
    }
    assert_eq!(app.post("/executions/bulk-replay", &dry).await.expect(200).at("/total"), 1, "the platform's key means all tenants");
    let reader = app.tenant_key("one", &["executions:read"]).await;
    app.send_as(&reader, Method::POST, "/executions/bulk-replay", Some(&dry)).await.problem(403);
    app.send_as(&two, Method::POST, "/executions/bulk-replay", Some(&json!({"filter": {"tenant_id": "one"}, "dry_run": true}))).await.problem(404);
    app.finish().await;
}
