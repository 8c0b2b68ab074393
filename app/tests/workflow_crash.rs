//! kill -9 between the steps of workflows: they go on behind the last finished step and never repeat it (G4, G5, G8).
//!
//! The receiver notes the `webhook-id` of every hit, which is the execution's id with the step's number. A step is finished
//! once the next one has begun: so in the order of arrival the numbers of an execution never go back.

#[allow(dead_code, reason = "each test file uses a part of it")]
mod util;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::json;
use util::{Service, Sink};

/// Workflows that are under way at each kill.
const FLOWS: usize = 8;
/// The numbers of the steps that send; the third is the delay.
const SENDING: [usize; 4] = [1, 2, 4, 5];
const SINK_DELAY: Duration = Duration::from_millis(150);
const NAP_SECONDS: u64 = 3;

async fn create_workflow(service: &Service, sink: &Sink) {
    let send = |name: &str| json!({"name": name, "action": "send", "params": {"destination": "webhook", "url": sink.url(&format!("/{name}"))}});
    let steps = json!([send("one"), send("two"), {"name": "nap", "action": "delay", "params": {"seconds": NAP_SECONDS}}, send("three"), send("four")]);
    let action = json!({"name": "Steps", "handler_type": "workflow", "event_types": ["flow.*"], "max_retries": 20, "retry_delay_seconds": 1, "configuration": {"steps": steps}});
    service.create(&action).await;
}

/// Starts workflows and waits until some of them have come to a step, numbered as it sends, and not all have passed it.
async fn start_and_reach(service: &Service, sink: &Sink, batch: &str, step: usize) {
    let before = sink.hits().len();
    for n in 0..FLOWS {
        let event = json!({"id": format!("{batch}-{n}"), "event_type": "flow.start", "data": {"n": n}});
        let answer = util::client().post(format!("{}/api/v1/events", service.base())).bearer_auth(util::KEY).json(&event).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    }
    let until = Instant::now() + Duration::from_secs(20);
    while !sink.hits()[before..].iter().any(|id| split(id).1 == step) {
        assert!(Instant::now() < until, "no workflow came to step {step}: {:?}", sink.hits());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The execution and the number of the step in a `webhook-id`.
fn split(id: &str) -> (&str, usize) {
    let (execution, step) = id.rsplit_once('-').expect("an id of a step");
    (execution, step.parse().expect("a number"))
}

fn by_execution(hits: &[String]) -> HashMap<String, Vec<usize>> {
    let mut out: HashMap<String, Vec<usize>> = HashMap::new();
    for (execution, step) in hits.iter().map(|id| split(id)) {
        out.entry(execution.to_owned()).or_default().push(step);
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_killed_between_steps_repeats_no_finished_step() {
    let sink = Sink::start(SINK_DELAY).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = util::Database::from_env().await;
    let mut service = Service::start(folder.path(), &database).await;
    create_workflow(&service, &sink).await;

    // While the second step of some is under way; then while others sleep; then while the last step of others is under way.
    let mut begun_at_kills = 0;
    for (batch, step, pause) in [("second", 2, 0), ("asleep", 2, 1200), ("last", 5, 0)] {
        start_and_reach(&service, &sink, batch, step).await;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        service.kill();
        let seen = by_execution(&sink.hits());
        begun_at_kills += seen.values().filter(|steps| steps.contains(&2) && !steps.contains(&5)).count();
        service = Service::start(folder.path(), &database).await;
    }
    let resumed = Instant::now();
    let left = service.wait_until_idle(Duration::from_secs(90)).await;
    assert_eq!(left, 0, "workflows still open after {:?}", resumed.elapsed());
    let idle_after = resumed.elapsed();

    let executions = service.list("/api/v1/executions?limit=200").await;
    assert_eq!(executions.len(), 3 * FLOWS);
    let hits = sink.hits();
    let flows = by_execution(&hits);
    let mut repeated = 0;
    for x in &executions {
        let id = x["id"].as_str().expect("an id");
        assert_eq!(x["status"], "succeeded", "{x}");
        let steps = &flows[id];
        assert!(steps.is_sorted(), "{id}: a finished step ran again: {steps:?}");
        let mut once = steps.clone();
        once.dedup();
        assert_eq!(once, SENDING, "{id}: every step ran: {steps:?}");
        repeated += steps.len() - once.len();
    }
    assert!(begun_at_kills >= 3, "the kills came at the wrong moments: only {begun_at_kills} workflows were between steps");
    // Only the step that was under way may come twice, once for each kill.
    assert!(repeated <= 3 * 3 * FLOWS, "{repeated} repeated hits");
    println!("3 kills, {} workflows, {begun_at_kills} of them between steps, {repeated} unfinished steps sent again, idle {idle_after:?} after the last start", executions.len());
    assert!(idle_after < Duration::from_secs(35 + 15), "interrupted work runs again within 35 s of a live node, then has to finish; it took {idle_after:?}");
    service.stop().await;
}
