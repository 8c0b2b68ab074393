//! Rate limit, concurrency, ordering key, Retry-After, 410 and loop protection, shown by what arrives at the sink.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::util::{Hit, Reply, Sink, TestApp, event, webhook};

/// Events of type `a.b`, numbered from 1, for a key.
fn numbered(key: &str, count: u64) -> Vec<Value> {
    (1..=count).map(|n| event("a.b", json!({"key": key, "n": n}))).collect()
}

/// The numbers of the events that arrived, in order.
fn numbers(hits: &[Hit]) -> Vec<u64> {
    hits.iter().map(|h| h.json()["data"]["n"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_rate_limit_spreads_the_starts() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let limited = app.action(webhook("Rate", "a.b", &sink.at("/x"), json!({"rate_limit": {"max": 3, "per_seconds": 1}}))).await;
    app.action(webhook("Free", "a.b", &sink.at("/free"), json!({}))).await;
    let began = Instant::now();
    let ids = app.batch(&numbered("k", 8)).await;
    assert_eq!(ids.len(), 16);
    let hits = sink.wait_for("/x", 8).await;
    for (index, second) in [(3, 1), (6, 2)] {
        let after = hits[index].at - began;
        assert!(after >= Duration::from_secs(second), "start {} came after {after:?}", index + 1);
    }
    assert!(hits[7].at - hits[0].at < Duration::from_secs(15), "waiting goes on by itself");
    assert_eq!(sink.wait_for("/free", 8).await.len(), 8, "other actions are not held up");
    for id in &ids {
        let done = app.execution(id, &["succeeded", "failed", "dead_letter"]).await;
        assert_eq!((done.text("/status"), done.at("/attempt_count")), ("succeeded", &json!(1)), "waiting is no failure and no attempt");
    }
    let stats = app.get(&format!("/event-actions/{limited}/executions?status=succeeded")).await.expect(200);
    assert_eq!(stats.items().len(), 8);
    app.finish().await;
}

#[tokio::test]
async fn the_dry_run_says_what_an_execution_would_wait_for() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let id = app.action(webhook("Rate", "a.b", &sink.at("/x"), json!({"rate_limit": {"max": 1, "per_seconds": 3600}}))).await;
    let outcome = || async {
        let report = app.post(&format!("/event-actions/{id}/test"), &json!({"event_type": "a.b"})).await.expect(200);
        report.at("/gates").as_array().unwrap().iter().find(|g| g["gate"] == "rate_limit").unwrap()["outcome"].clone()
    };
    assert_eq!(outcome().await, "passed");
    let ids = app.batch(&numbered("k", 2)).await;
    app.execution(&ids[0], &["succeeded"]).await;
    assert_eq!(outcome().await, "waits");
    assert_eq!(app.get(&format!("/executions/{}", ids[1])).await.expect(200).text("/status"), "pending");
    app.put(&format!("/event-actions/{id}"), &json!({"rate_limit": null})).await.expect(200);
    app.execution(&ids[1], &["succeeded"]).await;
    assert_eq!(sink.hits("/x").len(), 2, "a limit that is taken away lets go what waits");
    app.finish().await;
}

#[tokio::test]
async fn no_more_run_at_once_than_allowed() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    for (name, more) in [("async", json!({"max_concurrency": 2})), ("queued", json!({"max_concurrency": 2, "execution_mode": "queued"})), ("free", json!({}))] {
        sink.on(&format!("/{name}"), [Reply::status(200).after_ms(400)]);
        app.action(webhook(name, "a.b", &sink.at(&format!("/{name}")), more)).await;
    }
    app.batch(&numbered("k", 6)).await;
    for name in ["async", "queued", "free"] {
        let hits = sink.wait_for(&format!("/{name}"), 6).await;
        assert_eq!(hits.len(), 6);
    }
    assert!((1..=2).contains(&sink.most_at_once("/async")), "{}", sink.most_at_once("/async"));
    assert!((1..=2).contains(&sink.most_at_once("/queued")), "{}", sink.most_at_once("/queued"));
    assert!(sink.most_at_once("/free") > 2, "without a limit they overlap: {}", sink.most_at_once("/free"));
    app.finish().await;
}

#[tokio::test]
async fn an_ordering_key_keeps_order_and_a_retrying_predecessor_blocks_its_key_alone() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/stuck", [Reply::status(500), Reply::status(200)]);
    sink.on("/again", [Reply::status(503).header("retry-after", "1"), Reply::status(200).after_ms(50)]);
    sink.on("/plain", [Reply::status(200).after_ms(50)]);
    let ordered = webhook("Ordered", "a.b", &format!("{}/{{{{ data.key }}}}", sink.url), json!({"ordering_key": "{{ data.key }}", "retry_delay_seconds": 3600}));
    app.action(ordered).await;
    let mixed: Vec<Value> = numbered("stuck", 3).into_iter().zip(numbered("again", 3)).zip(numbered("plain", 3)).flat_map(|((a, b), c)| [a, b, c]).collect();
    let ids = app.batch(&mixed).await;
    let first = app.get(&format!("/executions/{}", ids[0])).await.expect(200);
    assert_eq!(first.text("/ordering_key"), "stuck");
    assert_eq!(numbers(&sink.wait_for("/plain", 3).await), [1, 2, 3]);
    assert_eq!(numbers(&sink.wait_for("/again", 4).await), [1, 1, 2, 3], "those behind a retry wait for it");
    assert_eq!((sink.most_at_once("/plain"), sink.most_at_once("/again")), (1, 1), "one at a time");
    assert_eq!(numbers(&sink.hits("/stuck")), [1], "those behind it wait");
    for (id, status) in [(&ids[0], "retrying"), (&ids[3], "pending"), (&ids[6], "pending")] {
        assert_eq!(app.get(&format!("/executions/{id}")).await.expect(200).text("/status"), status);
    }
    app.call(&format!("/executions/{}/cancel", ids[0])).await.expect(200);
    assert_eq!(numbers(&sink.wait_for("/stuck", 3).await), [1, 2, 3], "when it ends the others go on, in order");
    app.execution(&ids[6], &["succeeded"]).await;

    let sync = webhook("Sync", "a.b", &sink.at("/x"), json!({"ordering_key": "{{ data.key }}", "execution_mode": "sync"}));
    app.post("/event-actions", &sync).await.problem(422);
    app.finish().await;
}

#[tokio::test]
async fn the_wait_that_the_receiver_asks_for_is_kept() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/soon", [Reply::status(429).header("retry-after", "1"), Reply::status(200)]);
    app.action(webhook("Soon", "a.soon", &sink.at("/soon"), json!({"retry_delay_seconds": 3600}))).await;
    let soon = app.post("/events", &event("a.soon", json!({}))).await.text("/executions/0/id").to_owned();
    app.execution(&soon, &["succeeded"]).await;
    let hits = sink.hits("/soon");
    assert!(hits[1].at - hits[0].at >= Duration::from_millis(950), "{:?}", hits[1].at - hits[0].at);

    let date = chrono::Utc::now() + chrono::Duration::seconds(300);
    for (path, value, seconds) in
        [("later", "120".to_owned(), 100..=200), ("dated", date.format("%a, %d %b %Y %H:%M:%S GMT").to_string(), 200..=400), ("never", "99999999".to_owned(), 3_500..=3_700)]
    {
        sink.on(&format!("/{path}"), [Reply::status(503).header("retry-after", &value)]);
        app.action(webhook(path, &format!("a.{path}"), &sink.at(&format!("/{path}")), json!({}))).await;
        let id = app.post("/events", &event(&format!("a.{path}"), json!({}))).await.text("/executions/0/id").to_owned();
        let waiting = app.execution(&id, &["retrying"]).await;
        let at = |pointer: &str| chrono::DateTime::parse_from_rfc3339(waiting.text(pointer)).unwrap();
        let wait = (at("/next_attempt_at") - at("/attempts/0/finished_at")).num_seconds();
        assert!(seconds.contains(&wait), "{path}: {wait} s");
        app.call(&format!("/executions/{id}/cancel")).await.expect(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_switches_the_action_off_and_the_log_says_so() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(410)]);
    let id = app.action(webhook("Gone", "a.b", &sink.at("/x"), json!({"execution_mode": "sync"}))).await;
    let sent = app.post("/events", &event("a.b", json!({}))).await.expect(200);
    assert_eq!((sent.text("/executions/0/status"), sent.text("/executions/0/error/class")), ("failed", "http_status"));
    assert!(sent.text("/executions/0/error/message").contains("410"), "{:#}", sent.body);
    let action = app.get(&format!("/event-actions/{id}")).await.expect(200);
    assert_eq!((action.at("/is_enabled"), action.at("/version")), (&json!(false), &json!(2)));
    let log = app.get(&format!("/audit-log?subject_id={id}&action=action.auto_disable")).await.expect(200);
    assert_eq!((log.items().len(), log.text("/items/0/actor")), (1, "system:auto-disable"), "{:#}", log.body);
    assert_eq!((log.at("/items/0/before/definition/is_enabled"), log.at("/items/0/after/definition/is_enabled")), (&json!(true), &json!(false)));
    assert_eq!(app.get(&format!("/alerts?action_id={id}")).await.expect(200).items().len(), 1, "never without an alert");
    assert_eq!(app.post("/events", &event("a.b", json!({}))).await.expect(200).at("/matched"), 0);
    assert_eq!(sink.hits("/x").len(), 1);
    app.finish().await;
}

/// An action that emits the event that triggers itself.
#[tokio::test]
async fn a_loop_stops_at_depth_eight() {
    let app = TestApp::start().await;
    let itself = json!({
        "name": "Loop", "handler_type": "function", "event_types": ["loop.again"], "max_retries": 3,
        "configuration": {"module": "builtin", "function": "emit_event", "kwargs": {"event_type": "loop.again", "data": {"n": "{{ n + 1 }}"}}}
    });
    let id = app.action(itself).await;
    app.post("/events", &json!({"event_type": "loop.again", "data": {"n": 0}, "correlation_id": "the-loop"})).await.expect(202);
    let until = Instant::now() + Duration::from_secs(30);
    let failed = loop {
        let failed = app.get(&format!("/event-actions/{id}/executions?status=failed")).await.expect(200);
        if !failed.items().is_empty() {
            break failed;
        }
        assert!(Instant::now() < until, "the loop goes on: {:#}", app.get("/executions").await.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let message = failed.text("/items/0/error/message");
    assert!(message.contains("9th") && message.contains('8'), "{message}");
    assert_eq!((failed.at("/items/0/error/retryable"), failed.items().len()), (&json!(false), 1));
    let events = app.get("/events?correlation_id=the-loop&limit=50").await.expect(200);
    let mut depths: Vec<_> = events.items().iter().map(|e| (e["depth"].as_u64().unwrap(), e["data"]["n"].as_u64().unwrap())).collect();
    depths.sort_unstable();
    assert_eq!(depths, (0..=8).map(|n| (n, n)).collect::<Vec<_>>(), "eight events behind the first, each caused by the one before");
    let executions = app.get(&format!("/event-actions/{id}/executions?limit=50")).await.expect(200);
    assert_eq!(executions.items().len(), 9);
    for x in executions.items().iter().filter(|x| x["id"] != *failed.at("/items/0/id")) {
        app.execution(x["id"].as_str().unwrap(), &["succeeded"]).await;
    }
    app.finish().await;
}
