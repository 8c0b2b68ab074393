//! Workflows from the first step to the last, with crashes and retries between.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::*;
use crate::handlers::testing::{TestHost, call};
use crate::handlers::{Registry, StepRecord};
use crate::model::Timestamp;
use crate::model::execution::ErrorClass;
use crate::template;

/// A handler `probe`: returns its rendered `value`, fails the first `failures` times, remembers the message ids.
#[derive(Clone, Default)]
struct Probe {
    seen: Arc<Mutex<Vec<String>>>,
    failed: Arc<AtomicU32>,
}

#[async_trait]
impl Handler for Probe {
    fn spec(&self) -> HandlerSpec {
        HandlerSpec { handler_type: HandlerType::new("probe"), label: String::new(), description: String::new(), fields: vec![] }
    }

    fn preview(&self, call: &Call) -> Result<Preview, HandlerError> {
        let rendered = template::render_value(&call.configuration, &call.context(), &[]).map_err(|e| crate::handlers::render::failed(&e))?;
        Ok(Preview { destination: "probe".into(), request: rendered, curl: None })
    }

    async fn handle(&self, call: &Call) -> Result<Output, HandlerError> {
        let request = self.preview(call)?.request;
        self.seen.lock().expect("no panic").push(call.message_id());
        tokio::time::sleep(Duration::from_millis(request["sleep_ms"].as_u64().unwrap_or(0))).await;
        if self.failed.fetch_add(1, Ordering::SeqCst) < u32::try_from(request["failures"].as_u64().unwrap_or(0)).expect("small") {
            let error = HandlerError::retryable(ErrorClass::Connection, "The peer is away.");
            return Err(HandlerError { retryable: request["final"] != json!(true), ..error });
        }
        Ok(Output { result: request["value"].clone(), logs: vec!["done".into()], request: Some(request), ..Output::default() })
    }
}

fn host() -> (Arc<TestHost>, Probe) {
    let probe = Probe::default();
    let handlers = Registry::default().with(probe.clone()).with(Workflow);
    (Arc::new(TestHost { handlers, ..TestHost::default() }), probe)
}

async fn run_steps(host: &Arc<TestHost>, steps: Value, data: Value) -> Result<Output, HandlerError> {
    Workflow.handle(&call(host, json!({"steps": steps}), data)).await
}

fn statuses(host: &TestHost) -> Vec<(usize, String)> {
    host.saved.lock().expect("no panic").clone()
}

#[tokio::test]
async fn the_example_of_the_original_document_runs() {
    let (host, _) = host();
    let configuration = json!({
        "steps": [
            {"action": "validate", "params": {"required_fields": ["email"]}},
            {"action": "transform", "params": {"format": "json"}},
            {"action": "send", "params": {"destination": "queue"}}
        ],
        "timeout": 120,
        "parallel": false
    });
    assert_eq!(Workflow.validate(&configuration), []);
    let output = Workflow.handle(&call(&host, configuration, json!({"email": "a@x.org"}))).await.expect("runs");
    let emitted = host.emitted.lock().expect("no panic");
    assert_eq!((emitted[0].0.as_str(), emitted[0].1.event_type.as_str(), &emitted[0].1.data, emitted[0].2), ("x-1-3", "workflow.output", &json!({"email": "a@x.org"}), true));
    assert_eq!(output.result["output"], json!({"event_id": "x-1-3"}));
}

#[tokio::test]
async fn earlier_results_are_visible_and_conditions_decide() {
    let (host, _) = host();
    let steps = json!([
        {"name": "total", "action": "transform", "params": {"template": "{{ data.items | sum(attribute='price') if false else data.price * 2 }}"}},
        {"name": "cheap", "action": "probe", "when": "steps.previous < 10", "params": {"value": 1}},
        {"name": "dear", "action": "probe", "when": "{{ steps.total >= 10 and steps.cheap is none }}", "params": {"value": "{{ steps.total }}"}},
        {"name": "report", "action": "transform", "params": {"mapping": {"dear": "{{ steps.dear }}", "text": "got {{ steps.previous }}", "who": "{{ action.name }}"}}}
    ]);
    let output = run_steps(&host, steps, json!({"price": 7})).await.expect("runs");
    assert_eq!(output.result["output"], json!({"dear": 14, "text": "got 14", "who": "Test"}));
    assert_eq!(output.result["steps"][1]["status"], "skipped");
    assert_eq!(output.logs, ["dear: done"]);
    assert_eq!(statuses(&host).iter().map(|(n, s)| format!("{n} {s}")).collect::<Vec<_>>(), ["1 succeeded", "2 skipped", "3 succeeded", "4 succeeded"]);
}

#[tokio::test]
async fn validation_names_what_is_wrong() {
    for (params, data, part) in [
        (json!({"required_fields": ["email", "user.name"]}), json!({"user": {}}), Some("no email, no user.name")),
        (json!({"required_fields": ["data.user.id", "items.sku", "metadata.source"]}), json!({"user": {"id": 1}, "items": [{"sku": "a"}]}), None),
        (json!({"required_fields": ["gone"]}), json!({"gone": null}), Some("no gone")),
        (json!({"schema": {"type": "object", "properties": {"age": {"minimum": 18}}}}), json!({"age": 17}), Some("data.age: 17 is less than the minimum of 18")),
        (json!({"schema": {"properties": {"mail": {"format": "email"}}}}), json!({"mail": "a@x.org"}), None),
    ] {
        let (host, _) = host();
        let outcome = run_steps(&host, json!([{"action": "validate", "params": params}]), data).await;
        match part {
            None => assert!(outcome.is_ok(), "{params}"),
            Some(part) => {
                let error = outcome.expect_err("fails");
                assert!(!error.retryable && error.class == ErrorClass::Step && error.message.contains(part), "{params}: {}", error.message);
            }
        }
    }
}

#[tokio::test]
async fn a_retry_goes_on_behind_the_last_finished_step() {
    let (host, probe) = host();
    let steps = json!([{"name": "first", "action": "probe", "params": {"value": {"id": 7}}}, {"action": "probe", "params": {"failures": 2, "value": "{{ steps.first.id }}"}}]);
    let error = run_steps(&host, steps.clone(), json!({})).await.expect_err("fails once");
    assert!(error.retryable && error.class == ErrorClass::Connection && error.message.starts_with("Step 2 \"step_2\" failed: "), "{}", error.message);
    let output = run_steps(&host, steps, json!({})).await.expect("goes on");
    assert_eq!(output.result["output"], json!(7));
    // The webhook id of a step is the same on every try.
    assert_eq!(*probe.seen.lock().expect("no panic"), ["x-1-1", "x-1-2", "x-1-2"]);
}

#[tokio::test]
async fn a_step_is_tried_again_and_its_failure_may_be_passed_over() {
    let (host, probe) = host();
    probe.failed.store(0, Ordering::SeqCst);
    let output = run_steps(&host, json!([{"action": "probe", "max_retries": 2, "params": {"failures": 1, "value": 5}}]), json!({})).await.expect("second try works");
    assert_eq!((output.result["output"].clone(), output.result["steps"][0]["tries"].clone()), (json!(5), json!(2)));
    let (host, _) = self::host();
    let steps = json!([
        {"name": "risky", "action": "probe", "on_error": "continue", "params": {"failures": 9}},
        {"action": "transform", "params": {"template": "{{ steps.risky.error.class }}"}}
    ]);
    let output = run_steps(&host, steps, json!({})).await.expect("goes on");
    assert_eq!(output.result["output"], "connection");
}

#[tokio::test]
async fn a_delay_sleeps_without_a_worker_and_is_over_once() {
    let (host, probe) = host();
    let steps = json!([{"action": "probe", "params": {"value": 1}}, {"action": "delay", "params": {"seconds": "{{ data.wait }}"}}, {"action": "probe", "params": {"value": "{{ steps.previous }}"}}]);
    let first = run_steps(&host, steps.clone(), json!({"wait": 3600})).await.expect("pauses");
    let until = first.resume_at.expect("sleeps");
    assert!(until > Timestamp::now().plus_ms(3_590_000));
    assert_eq!(run_steps(&host, steps.clone(), json!({"wait": 3600})).await.expect("still pauses").resume_at, Some(until));
    host.steps.lock().expect("no panic").get_mut(&2).expect("stored").resume_at = Some(Timestamp(0));
    let output = run_steps(&host, steps, json!({"wait": 3600})).await.expect("goes on");
    assert_eq!((output.resume_at, output.result["output"].clone(), probe.seen.lock().expect("no panic").len()), (None, json!(1), 2));
}

#[tokio::test]
async fn parallel_steps_start_together_and_each_is_stored() {
    let (host, probe) = host();
    let configuration = json!({"parallel": true, "steps": [
        {"name": "a", "action": "probe", "params": {"value": 1, "sleep_ms": 150}},
        {"name": "b", "action": "probe", "params": {"value": 2, "sleep_ms": 150}},
        {"name": "c", "action": "validate", "params": {"required_fields": ["nope"]}, "on_error": "continue"}
    ]});
    let began = std::time::Instant::now();
    let output = Workflow.handle(&call(&host, configuration, json!({}))).await.expect("runs");
    assert!(began.elapsed() < Duration::from_millis(290), "{:?}", began.elapsed());
    assert_eq!((output.result["output"]["a"].clone(), output.result["output"]["b"].clone(), output.result["steps"][2]["status"].clone()), (json!(1), json!(2), json!("failed")));
    let (host, probe_2) = self::host();
    let configuration =
        json!({"parallel": true, "steps": [{"action": "probe", "params": {"value": 1, "failures": 1}}, {"action": "validate", "params": {"required_fields": ["nope"]}}]});
    let error = Workflow.handle(&call(&host, configuration, json!({}))).await.expect_err("fails");
    assert!(!error.retryable && error.class == ErrorClass::Step && error.message.contains("step \"step_2\" failed too"), "{}", error.message);
    assert_eq!((probe.seen.lock().expect("no panic").len(), probe_2.seen.lock().expect("no panic").len()), (2, 1));
}

#[tokio::test]
async fn running_time_counts_over_all_attempts() {
    let (host, _) = host();
    let record = StepRecord { name: "step_1".into(), status: "succeeded".into(), result: json!(1), error: None, resume_at: None, tries: 1, duration_ms: 4900 };
    host.steps.lock().expect("no panic").insert(1, record);
    let steps = json!([{"action": "probe", "params": {}}, {"action": "probe", "params": {"sleep_ms": 2000}}]);
    let began = std::time::Instant::now();
    let error = run_steps(&host, steps, json!({})).await.expect_err("time is up");
    assert!(began.elapsed() < Duration::from_millis(500) && !error.retryable && error.class == ErrorClass::Timeout, "{}", error.message);
    assert!(error.message.contains("used up its 5 s"), "{}", error.message);
}

#[tokio::test]
async fn workflows_nest_with_numbers_of_their_own() {
    let (host, probe) = host();
    let inner = json!({"steps": [{"name": "x", "action": "probe", "params": {"value": "{{ steps.outer + 1 }}"}}, {"action": "delay", "params": {"seconds": 60}}, {"action": "probe", "params": {"value": "{{ steps.x }}"}}]});
    let steps = json!([{"name": "outer", "action": "probe", "params": {"value": 1}}, {"name": "sub", "action": "workflow", "params": inner}]);
    assert!(run_steps(&host, steps.clone(), json!({})).await.expect("pauses").resume_at.is_some());
    for record in host.steps.lock().expect("no panic").values_mut() {
        record.resume_at = record.resume_at.map(|_| Timestamp(0));
    }
    let output = run_steps(&host, steps, json!({})).await.expect("ends");
    assert_eq!(output.result["output"]["output"], json!(2));
    assert_eq!(*probe.seen.lock().expect("no panic"), ["x-1-1", "x-1-201", "x-1-203"]);
}

#[tokio::test]
async fn secrets_are_for_sending_alone() {
    let (host, _) = host();
    for (action, params) in [
        ("transform", json!({"template": "{{ secret.TOKEN }}"})),
        ("send", json!({"destination": "event", "event_type": "a.b", "data": {"token": "{{ secret.TOKEN }}"}})),
        ("send", json!({"destination": "queue", "data": {"token": ["{{ secret.TOKEN | upper }}"]}})),
        ("delay", json!({"seconds": "{{ secret.TOKEN }}"})),
    ] {
        let error = run_steps(&host, json!([{"action": action, "params": params}]), json!({})).await.expect_err("refused");
        assert!(error.class == ErrorClass::Render && !error.retryable, "{}", error.message);
        assert!(error.message.contains("secret.TOKEN cannot be used here"), "{}", error.message);
    }
    assert!(host.emitted.lock().expect("no panic").is_empty());
    let sent = run_steps(&host, json!([{"action": "probe", "params": {"value": "{{ secret.TOKEN }}"}}]), json!({})).await;
    assert!(sent.is_ok());
}

#[test]
fn faults_have_pointers_into_the_steps() {
    for (steps, faults) in [
        (json!([]), vec!["/steps"]),
        (json!([1]), vec!["/steps/0"]),
        (json!([{"params": {}}]), vec!["/steps/0/action"]),
        (json!([{"action": "send", "params": {"destination": "fax"}}]), vec!["/steps/0/params/destination"]),
        (json!([{"action": "delay"}, {"action": "delay", "params": {"seconds": -1}}]), vec!["/steps/0/params/seconds", "/steps/1/params/seconds"]),
        (json!([{"action": "validate", "params": {}}]), vec!["/steps/0/params"]),
        (json!([{"action": "validate", "params": {"required_fields": ["a..b"], "schema": {"type": 5}}}]), vec!["/steps/0/params/required_fields/0", "/steps/0/params/schema"]),
        (json!([{"action": "validate", "params": {"schema": {"$ref": "http://127.0.0.1:1/x.json"}}}]), vec!["/steps/0/params/schema"]),
        (json!([{"action": "transform", "params": {"format": "xml"}}]), vec!["/steps/0/params/format"]),
        (json!([{"action": "transform", "params": {"format": "csv", "template": "x"}}]), vec!["/steps/0/params"]),
        (json!([{"action": "send", "params": {"destination": "event", "event_type": "a..b", "data": 5}}]), vec!["/steps/0/params/event_type", "/steps/0/params/data"]),
        (json!([{"name": "a", "action": "delay", "params": {"seconds": 1}}, {"name": "a", "action": "delay", "params": {"seconds": 1}}]), vec!["/steps/1/name"]),
        (json!([{"name": "previous", "action": "probe"}]), vec!["/steps/0/name"]),
        (
            json!([{"name": "a-b", "action": "probe", "when": "{{ 1 +", "on_error": "stop", "max_retries": 99, "extra": 1}]),
            vec!["/steps/0/extra", "/steps/0/name", "/steps/0/when", "/steps/0/on_error", "/steps/0/max_retries"],
        ),
    ] {
        let found = Workflow.validate(&json!({"steps": steps}));
        assert_eq!(found.iter().map(|f| f.pointer.as_str()).collect::<Vec<_>>(), faults, "{steps}: {found:?}");
    }
    let nest = |inner: Value| json!({"steps": [{"action": "workflow", "params": inner}]});
    let leaf = json!({"steps": [{"action": "delay", "params": {"seconds": 1}}]});
    assert_eq!(Workflow.validate(&nest(nest(leaf.clone()))), []);
    assert_eq!(Workflow.validate(&nest(nest(nest(leaf))))[0].code, "too_deep");
}

#[test]
fn inner_configurations_are_found_at_every_depth() {
    let configuration = json!({"steps": [
        {"action": "send", "params": {"destination": "webhook", "url": "https://x.org", "verify_ssl": false}},
        {"action": "delay", "params": {"seconds": 1}},
        {"action": "workflow", "params": {"steps": [{"action": "email", "params": {"to": "a@x.org"}}]}}
    ]});
    let found = inner_configurations(&configuration);
    assert_eq!(
        found.iter().map(|(at, kind, _)| format!("{at} {kind}")).collect::<Vec<_>>(),
        ["/steps/0/params webhook", "/steps/2/params/steps/0/params email", "/steps/2/params workflow"]
    );
    assert_eq!(found[0].2, json!({"url": "https://x.org", "verify_ssl": false}));
}

#[tokio::test]
async fn the_preview_shows_what_each_step_is_given() {
    let (host, _) = host();
    let configuration = json!({"steps": [
        {"name": "check", "action": "validate", "params": {"required_fields": ["email"]}},
        {"name": "row", "action": "transform", "params": {"mapping": {"mail": "{{ email }}"}}},
        {"name": "store", "action": "probe", "params": {"value": "{{ steps.row.mail }}"}},
        {"name": "never", "action": "probe", "when": "data.no is defined", "params": {}},
        {"name": "late", "action": "probe", "params": {"value": "{{ steps.store.id }}"}},
        {"name": "tell", "action": "send", "params": {"destination": "event", "event_type": "row.stored", "data": {"mail": "{{ steps.row.mail }}"}}}
    ]});
    let call = call(&host, configuration.clone(), json!({"email": "a@x.org"}));
    let preview = Workflow.preview(&call).expect("previews");
    let steps = &preview.request["steps"];
    assert_eq!(
        (steps[0]["outcome"].clone(), steps[1]["outcome"].clone(), steps[2]["request"].clone()),
        (json!({"valid": true}), json!({"mail": "a@x.org"}), json!({"value": "a@x.org"}))
    );
    // What each step is handed: the data, the result before it, and a word where only running tells.
    assert_eq!(
        [&steps[1]["input"], &steps[2]["input"], &steps[4]["input"]],
        [&json!({"email": "a@x.org"}), &json!({"mail": "a@x.org"}), &json!("known when these have run: store")]
    );
    assert_eq!((steps[3]["runs"].clone(), steps[4]["pending"].clone()), (json!(false), json!("known when these have run: store")));
    assert_eq!((steps[5]["destination"].clone(), steps[5]["request"]["data"].clone()), (json!("emit row.stored"), json!({"mail": "a@x.org"})));
    // What was previewed is what is then sent.
    let (host, _) = self::host();
    let output =
        Workflow.handle(&self::call(&host, json!({"steps": configuration["steps"].as_array().expect("list")[..3].to_vec()}), json!({"email": "a@x.org"}))).await.expect("runs");
    assert_eq!(output.request.expect("shown")["steps"][0]["request"], steps[2]["request"]);
    let wrong = self::call(&host, json!({"steps": [{"action": "transform", "params": {"template": "{{ nope }}"}}]}), json!({}));
    assert!(Workflow.preview(&wrong).expect_err("undefined").message.contains("nope"));
}
