//! Limits under load, counted at the receiver: concurrency, rate, order and the breaker hold when many send at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};

use crate::util::{Reply, Sink, TestApp, event, webhook};

/// Senders at the same time.
const SENDERS: u64 = 12;

/// Sends `count` events of a type from many senders at once, one request each; `data.n` is unique. Returns the ids of
/// their executions.
async fn storm(app: &TestApp, event_type: &str, count: u64) -> Vec<String> {
    let sender = |first: u64| async move {
        let mut ids = Vec::new();
        for n in (first..count).step_by(usize::try_from(SENDERS).unwrap()) {
            let sent = app.post("/events", &event(event_type, json!({"n": n, "key": n % 3}))).await;
            assert!([200, 202].contains(&sent.status), "{:#}", sent.body);
            ids.extend(sent.at("/executions").as_array().unwrap().iter().map(|x| x["id"].as_str().unwrap().to_owned()));
        }
        ids
    };
    join_all((0..SENDERS).map(sender)).await.into_iter().flatten().collect()
}

/// How many executions ended in each state.
async fn ends(app: &TestApp, ids: &[String]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for id in ids {
        let ended = app.execution(id, &["succeeded", "failed", "dead_letter", "cancelled"]).await;
        *counts.entry(ended.text("/status").to_owned()).or_default() += 1;
    }
    counts
}

/// The most starts (Unix milliseconds) within any window of this many.
fn most_within(starts: &[i64], window: i64) -> usize {
    starts.iter().map(|from| starts.iter().filter(|s| (*from..from + window).contains(s)).count()).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn max_concurrency_is_never_exceeded() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    for (mode, most) in [("async", 2), ("queued", 3), ("sync", 1)] {
        sink.on(&format!("/{mode}"), [Reply::status(200).after_ms(4)]);
        app.action(webhook(mode, "load.test", &sink.at(&format!("/{mode}")), json!({"execution_mode": mode, "max_concurrency": most}))).await;
    }
    let ids = storm(&app, "load.test", 180).await;
    assert_eq!((ids.len(), ends(&app, &ids).await), (540, HashMap::from([("succeeded".to_owned(), 540)])));
    for (mode, most) in [("async", 2), ("queued", 3), ("sync", 1)] {
        let path = format!("/{mode}");
        assert_eq!((sink.hits(&path).len(), sink.most_at_once(&path)), (180, most), "{mode}: all went out, the limit was reached and never passed");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_holds_in_every_window() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.action(webhook("Rate", "load.test", &sink.at("/x"), json!({"rate_limit": {"max": 20, "per_seconds": 1}}))).await;
    let ids = storm(&app, "load.test", 90).await;
    assert_eq!(ends(&app, &ids).await, HashMap::from([("succeeded".to_owned(), 90)]));
    // Starts are what is limited; arrivals are late by what the way takes on a busy machine.
    let mut starts = Vec::new();
    for id in &ids {
        let execution = app.get(&format!("/executions/{id}")).await.expect(200);
        starts.push(chrono::DateTime::parse_from_rfc3339(execution.text("/attempts/0/started_at")).unwrap().timestamp_millis());
    }
    let most = most_within(&starts, 950);
    assert!((5..=20).contains(&most), "{most} starts within 950 ms, 20 are allowed within 1 s");
    let took = starts.iter().max().unwrap() - starts.iter().min().unwrap();
    assert!(took >= 3_950, "90 starts, 20 a second, took {took} ms");
    assert_eq!(sink.hits("/x").len(), 90);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_within_a_key_holds() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let action = webhook("Ordered", "load.test", &format!("{}/k{{{{ data.key }}}}", sink.url), json!({"ordering_key": "{{ data.key }}", "max_concurrency": 2}));
    app.action(action).await;
    sink.on("/k1", [Reply::status(500), Reply::status(200), Reply::status(500), Reply::status(200).after_ms(3)]);
    // One batch of 150 sets the order; each of the keys 0, 1 and 2 has 50.
    let events: Vec<Value> = (0..150_u64).map(|n| event("load.test", json!({"n": n, "key": n % 3}))).collect();
    let ids = app.batch(&events).await;
    assert_eq!(ends(&app, &ids).await, HashMap::from([("succeeded".to_owned(), 150)]));
    for key in 0..3_u64 {
        let path = format!("/k{key}");
        let mut arrived: Vec<u64> = sink.hits(&path).iter().map(|h| h.json()["data"]["n"].as_u64().unwrap()).collect();
        assert_eq!(arrived.len(), if key == 1 { 52 } else { 50 }, "each once, and again what was refused");
        arrived.dedup();
        assert_eq!(arrived, (0..50).map(|i| i * 3 + key).collect::<Vec<_>>(), "key {key}: a retry blocks those behind it");
        assert_eq!(sink.most_at_once(&path), 1);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_breaker_lets_one_probe_out_of_many() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500)]);
    let more = json!({"max_retries": 0, "max_concurrency": 4, "circuit_breaker": {"failures": 5, "cooldown_seconds": 1}});
    app.action(webhook("Breaks", "load.test", &sink.at("/x"), more)).await;
    let began = Instant::now();
    let ids = storm(&app, "load.test", 60).await;
    tokio::time::sleep(Duration::from_millis(3500)).await;
    let (open_for, hits) = (began.elapsed(), sink.hits("/x"));
    // Five failures open it; up to three more were under way; then one probe a second.
    let probes = usize::try_from(open_for.as_secs()).unwrap();
    assert!((6..=8 + probes).contains(&hits.len()), "{} requests of 60 went out in {open_for:?}", hits.len());
    let after: Vec<_> = hits.windows(2).skip(7).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(after.iter().all(|gap| *gap >= Duration::from_millis(950)), "between probes: {after:?}");
    sink.on("/x", [Reply::status(200)]);
    let counts = ends(&app, &ids).await;
    let failed = hits.len().max(sink.hits("/x").len() - counts.get("succeeded").copied().unwrap_or(0));
    assert_eq!(counts.get("dead_letter").copied().unwrap_or(0), failed);
    assert_eq!((counts.values().sum::<usize>(), sink.hits("/x").len()), (60, 60), "each went out once; waiting is no attempt");
    app.finish().await;
}
