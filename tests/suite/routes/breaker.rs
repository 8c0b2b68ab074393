//! The circuit breaker: opens after failures in a row, lets one probe through after the cool-down, closes by success or by hand.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::util::{Reply, Sink, TestApp, event, webhook};

/// The outcome and the reason of the gate that looks at limits and breaker.
async fn gate(app: &TestApp, action: &str) -> (String, String) {
    let report = app.post(&format!("/event-actions/{action}/test"), &json!({"event_type": "a.b"})).await.expect(200);
    let gate = report.at("/gates").as_array().unwrap().iter().find(|g| g["gate"] == "rate_limit").unwrap().clone();
    (gate["outcome"].as_str().unwrap().to_owned(), gate.to_string())
}

/// Waits until the breaker makes executions wait.
async fn opened(app: &TestApp, action: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let (outcome, text) = gate(app, action).await;
        if outcome == "waits" {
            assert!(text.contains("breaker is open"), "{text}");
            return;
        }
        assert!(Instant::now() < until, "the breaker does not open: {text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn send(app: &TestApp, n: u64) -> String {
    app.post("/events", &event("a.b", json!({"n": n}))).await.text("/executions/0/id").to_owned()
}

fn breaking(sink: &Sink, mode: &str, cooldown_seconds: u64) -> Value {
    let more = json!({"execution_mode": mode, "max_retries": 0, "circuit_breaker": {"failures": 2, "cooldown_seconds": cooldown_seconds}});
    webhook("Breaks", "a.b", &sink.at("/x"), more)
}

/// Opens the breaker, shows that executions wait, and closes it by hand.
async fn opens_and_is_reset(mode: &str) {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500), Reply::status(500), Reply::status(200)]);
    let action = app.action(breaking(&sink, mode, 3600)).await;
    assert_eq!(gate(&app, &action).await.0, "passed");
    for n in 1..=2 {
        let id = send(&app, n).await;
        app.execution(&id, &["dead_letter"]).await;
    }
    opened(&app, &action).await;
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let health = app.get(&format!("/event-actions/{action}/health")).await.expect(200);
        if health.at("/checks").to_string().contains("The breaker is open after 2 failures") {
            break;
        }
        assert!(Instant::now() < until, "its health does not say so: {:#}", health.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let waiting = [send(&app, 3).await, send(&app, 4).await];
    tokio::time::sleep(Duration::from_millis(700)).await;
    for id in &waiting {
        let x = app.get(&format!("/executions/{id}")).await.expect(200);
        assert_eq!((x.text("/status"), x.at("/attempt_count")), ("pending", &json!(0)), "open means waiting, not failing");
    }
    assert_eq!(sink.hits("/x").len(), 2, "nothing goes out while it is open");

    let health = app.call(&format!("/event-actions/{action}/reset-breaker")).await.expect(200);
    assert!(!health.at("/checks").to_string().contains("breaker is open"), "{:#}", health.body);
    for id in &waiting {
        app.execution(id, &["succeeded"]).await;
    }
    assert_eq!(sink.hits("/x").len(), 4);
    assert_eq!(gate(&app, &action).await.0, "passed");
    let log = app.get(&format!("/audit-log?subject_id={action}&action=action.reset_breaker")).await.expect(200);
    assert_eq!((log.items().len(), log.at("/items/0/before/open"), log.at("/items/0/after/open")), (1, &json!(true), &json!(false)), "{:#}", log.body);
    app.finish().await;
}

#[tokio::test]
async fn a_breaker_counts_what_the_queue_runs() {
    opens_and_is_reset("queued").await;
}

#[tokio::test]
async fn a_breaker_counts_what_starts_at_once() {
    opens_and_is_reset("async").await;
}

#[tokio::test]
async fn after_the_cool_down_one_probe_decides() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500), Reply::status(500), Reply::status(500), Reply::status(200).after_ms(300), Reply::status(200)]);
    let action = app.action(breaking(&sink, "queued", 1)).await;
    for n in 1..=2 {
        let id = send(&app, n).await;
        app.execution(&id, &["dead_letter"]).await;
    }
    opened(&app, &action).await;
    let ids = app.batch(&(3..=6).map(|n| event("a.b", json!({"n": n}))).collect::<Vec<_>>()).await;
    let hits = sink.wait_for("/x", 6).await;
    let gap = |n: usize| hits[n].at - hits[n - 1].at;
    for n in [2, 3] {
        assert!(gap(n) >= Duration::from_secs(1), "hit {} came {:?} after the one before: the cool-down begins anew with each failed probe", n + 1, gap(n));
    }
    assert!(gap(4) >= Duration::from_millis(300), "one probe at a time, and nothing beside it: {:?}", gap(4));
    let mut ends = Vec::new();
    for id in &ids {
        ends.push(app.execution(id, &["succeeded", "dead_letter"]).await.text("/status").to_owned());
    }
    assert_eq!(ends, ["dead_letter", "succeeded", "succeeded", "succeeded"]);
    assert_eq!(gate(&app, &action).await.0, "passed", "a probe that succeeds closes it");
    app.finish().await;
}

#[tokio::test]
async fn permanent_faults_of_our_own_making_do_not_open_it_and_a_success_starts_the_count_anew() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500), Reply::status(200), Reply::status(500), Reply::status(200)]);
    let mut action = breaking(&sink, "queued", 3600);
    action["configuration"]["body"] = json!("{{ data.n }}");
    let action = app.action(action).await;
    for n in 1..=4 {
        let id = send(&app, n).await;
        app.execution(&id, &["dead_letter", "succeeded"]).await;
    }
    for _ in 0..3 {
        let id = app.post("/events", &event("a.b", json!({}))).await.text("/executions/0/id").to_owned();
        assert_eq!(app.execution(&id, &["failed"]).await.text("/error/class"), "render");
    }
    let id = send(&app, 5).await;
    app.execution(&id, &["succeeded"]).await;
    assert_eq!(sink.hits("/x").len(), 5);
    assert_eq!(gate(&app, &action).await.0, "passed");
    app.finish().await;
}
