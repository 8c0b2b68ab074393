//! kill -9 under load, again and again: nothing acknowledged is lost, every execution ends once, work resumes in time (G1-G5).
//!
//! An oracle outside the process: the client notes ids before it sends and what was acknowledged; the receiver notes every hit.

#[allow(dead_code, reason = "each test file uses a part of it")]
mod util;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use util::{Service, Sink};

/// How often the process is killed; `CRASH_CYCLES` sets another number.
const CYCLES: usize = 20;
/// Clients that send at the same time.
const CLIENTS: usize = 8;

#[derive(Default)]
struct Oracle {
    sent: AtomicUsize,
    acknowledged: std::sync::Mutex<HashSet<String>>,
    attempted: std::sync::Mutex<HashSet<String>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let cycles = std::env::var("CRASH_CYCLES").ok().and_then(|n| n.parse().ok()).unwrap_or(CYCLES);
    let sink = Sink::start(Duration::ZERO).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = util::Database::from_env().await;
    let oracle = Arc::new(Oracle::default());
    let mut service = Service::start(folder.path(), &database).await;
    let webhook = json!({"url": sink.url("/hook")});
    service
        .create(&json!({"name": "Crash test", "handler_type": "webhook", "configuration": webhook, "event_types": ["crash.*"], "max_retries": 20, "retry_delay_seconds": 1}))
        .await;
    let mut in_flight = 0;
    for cycle in 0..cycles {
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(send_until(service.base(), oracle.clone(), stop.clone()))).collect();
        // Between 0.2 and 1.2 s, spread over the cycles.
        tokio::time::sleep(Duration::from_millis(200 + (cycle as u64 * 367) % 1000)).await;
        service.kill();
        stop.store(true, Ordering::Release);
        for client in clients {
            client.await.expect("a client");
        }
        in_flight += 256;
        service = Service::start(folder.path(), &database).await;
    }
    let resumed = Instant::now();
    let left = service.wait_until_idle(Duration::from_secs(90)).await;
    assert_eq!(left, 0, "executions still open after {:?}", resumed.elapsed());
    let idle_after = resumed.elapsed();
    check(&service, &sink, &oracle, in_flight).await;
    println!(
        "{cycles} kills: {} events sent, {} acknowledged, {} hits, idle {idle_after:?} after the last start",
        oracle.sent.load(Ordering::Relaxed),
        oracle.acknowledged.lock().expect("the oracle").len(),
        sink.hits().len()
    );
    assert!(idle_after < Duration::from_secs(35 + 10), "interrupted work runs again within 35 s of a live node, then has to finish; it took {idle_after:?}");
    service.stop().await;
}

async fn send_until(base: String, oracle: Arc<Oracle>, stop: Arc<AtomicBool>) {
    let client = util::client();
    while !stop.load(Ordering::Acquire) {
        let id = format!("crash-{}", oracle.sent.fetch_add(1, Ordering::Relaxed));
        oracle.attempted.lock().expect("the oracle").insert(id.clone());
        let body = json!({"id": id, "event_type": "crash.test", "data": {"n": 1}});
        let answer = client.post(format!("{base}/api/v1/events")).bearer_auth(util::KEY).json(&body).send().await;
        match answer {
            Ok(r) if r.status().is_success() => drop(oracle.acknowledged.lock().expect("the oracle").insert(id)),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// What must hold at the end.
async fn check(service: &Service, sink: &Sink, oracle: &Oracle, in_flight: usize) {
    let events: HashSet<String> = service.list("/api/v1/events?event_type=crash.test&limit=200").await.iter().map(|e| text(e, "id")).collect();
    let acknowledged = oracle.acknowledged.lock().expect("the oracle").clone();
    let attempted = oracle.attempted.lock().expect("the oracle").clone();
    assert!(acknowledged.len() > 100, "the load was too small to show anything: {}", acknowledged.len());
    let lost: Vec<_> = acknowledged.difference(&events).take(5).collect();
    assert!(lost.is_empty(), "acknowledged but not stored: {lost:?}");
    let phantom: Vec<_> = events.difference(&attempted).take(5).collect();
    assert!(phantom.is_empty(), "stored but never sent: {phantom:?}");

    let executions = service.list("/api/v1/executions?limit=200").await;
    let mut per_event: HashMap<String, usize> = HashMap::new();
    executions.iter().for_each(|x| *per_event.entry(text(x, "event_id")).or_default() += 1);
    assert_eq!(per_event.len(), events.len(), "every stored event has its execution");
    assert!(per_event.values().all(|n| *n == 1), "one execution for each matching action");
    for x in &executions {
        assert_eq!(text(x, "status"), "succeeded", "{x}");
    }

    let hits = sink.hits();
    let hit_ids: HashSet<String> = hits.iter().cloned().collect();
    let ids: HashSet<String> = executions.iter().map(|x| text(x, "id")).collect();
    assert!(ids.is_subset(&hit_ids), "every success has a hit");
    assert!(hit_ids.is_subset(&ids), "no hit without an execution");
    let extra = hits.len() - hit_ids.len();
    assert!(extra <= in_flight, "{extra} extra hits, but at most {in_flight} were in flight at the kills");
    // Where a hit came twice, each has an attempt row.
    let mut counts: HashMap<&String, usize> = HashMap::new();
    hits.iter().for_each(|id| *counts.entry(id).or_default() += 1);
    for (id, n) in counts.iter().filter(|(_, n)| **n > 1).take(50) {
        let x = service.get(&format!("/api/v1/executions/{id}")).await;
        let attempts = x["attempts"].as_array().map_or(0, Vec::len);
        assert!(attempts >= *n, "{n} hits but {attempts} attempts: {x}");
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
