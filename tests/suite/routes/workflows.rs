//! Workflows: the original document's example, steps that are never repeated, delays that hold no worker, parallel steps.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::util::{Answer, Reply, Sink, TestApp, event, webhook};

/// An action that runs these steps on `flow.start`.
fn workflow(configuration: Value, more: Value) -> Value {
    let mut action = json!({"name": "Flow", "handler_type": "workflow", "configuration": configuration, "event_types": ["flow.start"], "retry_delay_seconds": 0});
    action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    action
}

/// A step that posts to the sink.
fn hook(sink: &Sink, name: &str) -> Value {
    json!({"name": name, "action": "send", "params": {"destination": "webhook", "url": sink.at(&format!("/{name}"))}})
}

/// Starts the workflow and returns its execution's id.
async fn start(app: &TestApp, data: Value) -> String {
    app.post("/events", &event("flow.start", data)).await.text("/executions/0/id").to_owned()
}

/// Steps as the result shows them: name and status.
fn steps(done: &Answer) -> Vec<(&str, &str)> {
    done.at("/result/steps").as_array().unwrap().iter().map(|s| (s["name"].as_str().unwrap(), s["status"].as_str().unwrap())).collect()
}

/// How often each path was hit with each webhook-id.
fn hits(sink: &Sink) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    let paths: std::collections::BTreeSet<String> = sink.paths().into_iter().collect();
    for hit in paths.iter().flat_map(|path| sink.hits(path)) {
        *counts.entry((hit.path.clone(), hit.header("webhook-id").to_owned())).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn the_example_of_the_guide_emits_what_another_action_handles() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let guide = json!({
        "steps": [
            {"action": "validate", "params": {"required_fields": ["email"]}},
            {"action": "transform", "params": {"format": "json"}},
            {"action": "send", "params": {"destination": "queue"}}
        ],
        "timeout": 120,
        "parallel": false
    });
    let made = app.post("/event-actions", &workflow(guide.clone(), json!({}))).await.expect(201);
    assert_eq!(made.at("/configuration"), &guide);
    app.action(webhook("Handles", "workflow.output", &sink.at("/output"), json!({}))).await;
    let data = json!({"email": "john@example.com", "plan": "premium"});
    let id = start(&app, data.clone()).await;
    let done = app.execution(&id, &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!(done.text("/status"), "succeeded", "{:#}", done.body);
    assert_eq!(steps(&done), [("step_1", "succeeded"), ("step_2", "succeeded"), ("step_3", "succeeded")]);
    assert_eq!((done.at("/result/steps/0/result"), done.at("/result/steps/1/result")), (&json!({"valid": true}), &data));

    let hit = sink.wait_for("/output", 1).await.remove(0).json();
    assert_eq!((&hit["event_type"], &hit["data"]), (&json!("workflow.output"), &data));
    assert_eq!((&hit["causation_id"], &hit["id"], &hit["depth"]), (&json!(id), &json!(format!("{id}-3")), &json!(1)));
    let handled = app.get("/executions?event_type=workflow.output").await.expect(200);
    assert_eq!((handled.items().len(), handled.text("/items/0/mode")), (1, "queued"), "what a queued event matches runs through the queue");

    let id = start(&app, json!({"plan": "premium"})).await;
    let failed = app.execution(&id, &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!((failed.text("/status"), failed.text("/error/class")), ("failed", "step"), "{:#}", failed.body);
    assert!(failed.text("/error/message").contains("Step 1") && failed.text("/error/message").contains("email"), "{:#}", failed.body);
    assert_eq!(app.get("/events?event_type=workflow.output").await.expect(200).items().len(), 1, "nothing is sent behind a failed validation");
    app.finish().await;
}

#[tokio::test]
async fn a_retry_goes_on_behind_the_last_finished_step() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/two", [Reply::status(500), Reply::status(503), Reply::status(200)]);
    sink.on("/three", [Reply::status(500), Reply::status(200)]);
    let mut three = hook(&sink, "three");
    three["max_retries"] = json!(1);
    let emit = json!({"name": "tell", "action": "send", "params": {"destination": "event", "event_type": "flow.told", "data": {"n": "{{ n }}"}}});
    app.action(workflow(json!({"steps": [emit, hook(&sink, "one"), hook(&sink, "two"), three]}), json!({"max_retries": 3}))).await;
    let id = start(&app, json!({"n": 1})).await;
    let done = app.execution(&id, &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!(done.text("/status"), "succeeded", "{:#}", done.body);
    assert_eq!(steps(&done), [("tell", "succeeded"), ("one", "succeeded"), ("two", "succeeded"), ("three", "succeeded")]);
    let expected = [("/one", 2, 1), ("/two", 3, 3), ("/three", 4, 2)].map(|(path, step, count)| ((path.to_owned(), format!("{id}-{step}")), count));
    assert_eq!(hits(&sink), BTreeMap::from(expected), "finished steps are never repeated, and each step's id is stable");
    let attempts = done.at("/attempts").as_array().unwrap();
    assert_eq!(attempts.iter().map(|a| a["outcome"].as_str().unwrap()).collect::<Vec<_>>(), ["failed", "failed", "succeeded"], "a step's own retry is no attempt");
    assert!(attempts[0]["error"]["message"].as_str().unwrap().contains("Step 3 \"two\""), "{:#}", attempts[0]);
    assert_eq!(app.get("/events?event_type=flow.told").await.expect(200).items().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn steps_see_earlier_results_and_decide_by_when_and_on_error() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/lookup", [Reply::status(200).json(json!({"tier": "gold", "points": 7}))]);
    sink.on("/broken", [Reply::status(404)]);
    let mut broken = hook(&sink, "broken");
    broken["on_error"] = json!("continue");
    let steps_given = json!([
        hook(&sink, "lookup"),
        broken,
        {"name": "shape", "action": "transform", "params": {"mapping": {"tier": "{{ steps.lookup.body.tier }}", "points": "{{ steps.lookup.body.points }}", "why": "{{ steps.broken.error.class }}"}}},
        {"name": "gold", "action": "send", "when": "{{ steps.shape.tier == 'gold' }}", "params": {"destination": "webhook", "url": sink.at("/gold"), "body": "{{ steps.previous }}"}},
        {"name": "silver", "action": "send", "when": "steps.shape.tier == 'silver'", "params": {"destination": "webhook", "url": sink.at("/silver")}},
        {"name": "mail", "action": "send", "params": {"destination": "email", "to": "{{ user }}", "from": "shop@example.com", "subject": "{{ steps.shape.points }} points", "text": "x"}},
        {"name": "js", "action": "function", "params": {"module": "builtin", "function": "echo", "args": ["{{ steps.gold.status }}"]}},
        {"name": "csv", "action": "transform", "params": {"template": "{{ steps.js.args[0] }};{{ steps.shape.points }}"}},
    ]);
    app.action(workflow(json!({"steps": steps_given}), json!({}))).await;
    let id = start(&app, json!({"user": "ada@example.com"})).await;
    let done = app.execution(&id, &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!(done.text("/status"), "succeeded", "{:#}", done.body);
    let expected = [
        ("lookup", "succeeded"),
        ("broken", "failed"),
        ("shape", "succeeded"),
        ("gold", "succeeded"),
        ("silver", "skipped"),
        ("mail", "succeeded"),
        ("js", "succeeded"),
        ("csv", "succeeded"),
    ];
    assert_eq!(steps(&done), expected);
    assert_eq!(sink.hits("/gold")[0].json(), json!({"tier": "gold", "points": 7, "why": "http_status"}));
    assert_eq!((sink.hits("/broken").len(), sink.hits("/silver").len()), (1, 0));
    assert_eq!(done.at("/result/output"), "200;7");
    let mail = app.get(&format!("/mailbox/{id}-6")).await.expect(200);
    assert_eq!(mail.text("/subject"), "7 points");
    app.finish().await;
}

/// With one worker, and one workflow asleep for an hour, everything else still runs.
#[tokio::test]
async fn a_delay_holds_no_worker() {
    let (app, sink) = (TestApp::with(|c| c.workers = 1).await, Sink::start().await);
    let sleeps = json!({"steps": [hook(&sink, "before"), {"name": "nap", "action": "delay", "params": {"seconds": "{{ seconds }}"}}, hook(&sink, "after")]});
    app.action(workflow(sleeps, json!({}))).await;
    app.action(webhook("Quick", "quick.one", &sink.at("/quick"), json!({"execution_mode": "queued"}))).await;
    let long = start(&app, json!({"seconds": 3600})).await;
    sink.wait_for("/before", 1).await;
    let asleep = app.execution(&long, &["pending"]).await;
    assert!(asleep.at("/next_attempt_at").is_string());
    assert_eq!(asleep.text("/attempts/0/outcome"), "suspended");
    let quick = app.post("/events", &event("quick.one", json!({}))).await.text("/executions/0/id").to_owned();
    app.execution(&quick, &["succeeded"]).await;
    assert_eq!(app.get(&format!("/executions/{long}")).await.expect(200).text("/status"), "pending");

    let short = start(&app, json!({"seconds": 1})).await;
    let done = app.execution(&short, &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!(steps(&done), [("before", "succeeded"), ("nap", "succeeded"), ("after", "succeeded")], "{:#}", done.body);
    let outcomes: Vec<_> = done.at("/attempts").as_array().unwrap().iter().map(|a| a["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["suspended", "succeeded"]);
    let of_short = |path: &str| sink.hits(path).into_iter().filter(|h| h.header("webhook-id").starts_with(&short)).collect::<Vec<_>>();
    let (before, after) = (of_short("/before"), of_short("/after"));
    assert_eq!((before.len(), after.len()), (1, 1), "what was done before the delay is not repeated");
    assert!(after[0].at - before[0].at >= Duration::from_millis(900), "{:?}", after[0].at - before[0].at);

    assert_eq!(app.call(&format!("/executions/{long}/cancel")).await.expect(200).text("/status"), "cancelled");
    assert_eq!(sink.hits("/after").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn parallel_steps_start_together_and_only_unfinished_ones_are_repeated() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let together = |names: [&str; 3]| {
        let steps: Vec<Value> =
            names.iter().map(|name| json!({"name": name, "action": "send", "params": {"destination": "webhook", "url": sink.at("/all"), "body": {"name": name}}})).collect();
        json!({"steps": steps, "parallel": true})
    };
    sink.on("/all", [Reply::status(200).after_ms(500)]);
    let id = app.action(workflow(together(["a", "b", "c"]), json!({}))).await;
    let run = start(&app, json!({})).await;
    let done = app.execution(&run, &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!(done.text("/status"), "succeeded", "{:#}", done.body);
    assert_eq!(sink.most_at_once("/all"), 3);
    app.delete(&format!("/event-actions/{id}")).await.expect(204);

    sink.on("/b", [Reply::status(500), Reply::status(200)]);
    let parts = json!({"steps": [hook(&sink, "a"), hook(&sink, "b"), hook(&sink, "c")], "parallel": true});
    app.action(workflow(parts, json!({"max_retries": 2}))).await;
    let run = start(&app, json!({})).await;
    let done = app.execution(&run, &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!(done.text("/status"), "succeeded", "{:#}", done.body);
    assert_eq!((sink.hits("/a").len(), sink.hits("/b").len(), sink.hits("/c").len()), (1, 2, 1));
    app.finish().await;
}

#[tokio::test]
async fn the_time_of_a_workflow_counts_over_all_attempts() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/slow", [Reply::status(200).after_ms(20_000)]);
    app.action(workflow(json!({"steps": [hook(&sink, "fast"), hook(&sink, "slow")], "timeout": 1}), json!({"max_retries": 50}))).await;
    let id = start(&app, json!({})).await;
    let done = app.execution(&id, &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!((done.text("/status"), done.text("/error/class")), ("failed", "timeout"), "more tries cannot bring the time back: {:#}", done.body);
    assert_eq!(sink.hits("/fast").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_dry_run_shows_every_step_and_faults_name_their_place() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let draft = workflow(
        json!({"steps": [
            {"action": "validate", "params": {"required_fields": ["email"]}},
            hook(&sink, "x"),
            {"name": "late", "action": "send", "params": {"destination": "event", "event_type": "flow.late", "data": {"got": "{{ steps.x.body.id }}"}}},
            {"name": "nap", "action": "delay", "params": {"seconds": 60}},
        ]}),
        json!({}),
    );
    let report = app.post("/event-actions/test", &json!({"action": draft, "event_type": "flow.start", "event_data": {"email": "a@example.com"}})).await.expect(200);
    assert!(report.at("/stopped_at").is_null(), "{:#}", report.body);
    let shown = report.at("/preview/request/steps").as_array().unwrap();
    assert_eq!((shown.len(), &shown[0]["outcome"]["valid"], &shown[1]["request"]["method"]), (4, &json!(true), &json!("POST")));
    assert!(shown[2]["pending"].as_str().unwrap().contains('x'), "its result is only known when it has run: {:#}", shown[2]);
    assert_eq!(shown[3]["request"]["seconds"], 60);
    assert!(sink.paths().is_empty() && app.get("/events").await.expect(200).items().is_empty(), "a dry run does nothing");

    for (step, pointer) in [
        (json!({"action": "nope"}), "/configuration/steps/0/action"),
        (json!({"action": "workflow", "params": {"steps": [{"action": "nope"}]}}), "/configuration/steps/0/params/steps/0/action"),
        (json!({"params": {}}), "/configuration/steps/0/action"),
        (json!({"action": "send", "params": {"destination": "pigeon"}}), "/configuration/steps/0/params/destination"),
        (json!({"action": "send", "params": {"destination": "webhook"}}), "/configuration/steps/0/params/url"),
        (json!({"action": "send", "params": {"destination": "event", "event_type": "system.alert"}}), "/configuration/steps/0/params/event_type"),
        (json!({"action": "delay", "params": {"seconds": -1}}), "/configuration/steps/0/params/seconds"),
        (json!({"action": "transform", "params": {"format": "xml"}}), "/configuration/steps/0/params/format"),
        (json!({"action": "validate", "params": {"schema": {"type": "nonsense"}}}), "/configuration/steps/0/params/schema"),
        (json!({"action": "delay", "params": {"seconds": 1}, "on_error": "explode"}), "/configuration/steps/0/on_error"),
        (json!({"name": "previous", "action": "delay", "params": {"seconds": 1}}), "/configuration/steps/0/name"),
    ] {
        let refused = app.post("/event-actions", &workflow(json!({"steps": [step.clone()]}), json!({}))).await;
        assert_eq!(refused.problem(422).1, pointer, "{step}: {:#}", refused.body);
    }
    assert_eq!(app.post("/event-actions", &workflow(json!({"steps": []}), json!({}))).await.problem(422).1, "/configuration/steps");
    app.finish().await;
}

#[tokio::test]
async fn the_preview_of_each_step_is_what_it_sends() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let steps = json!([
        {"name": "shape", "action": "transform", "params": {"mapping": {"total": "{{ price * 2 }}"}}},
        {"name": "tell", "action": "send", "params": {
            "destination": "webhook", "url": sink.at("/tell?n={{ steps.shape.total }}"), "method": "PUT", "headers": {"x-total": "{{ steps.shape.total }}"},
            "body": {"total": "{{ steps.shape.total }}", "who": "{{ user }}"}}},
        {"name": "mail", "action": "send", "params": {"destination": "email", "to": "{{ user }}", "from": "shop@example.com", "subject": "{{ steps.shape.total }} due", "text": "Hi {{ user }}"}},
        {"name": "echo", "action": "function", "params": {"module": "builtin", "function": "echo", "args": ["{{ steps.shape.total }}"], "kwargs": {"who": "{{ user }}"}}},
        {"name": "emit", "action": "send", "params": {"destination": "event", "event_type": "flow.told", "data": {"total": "{{ steps.shape.total }}"}}},
    ]);
    let (action, data) = (workflow(json!({"steps": steps}), json!({})), json!({"price": 21, "user": "ada@example.com"}));
    let report = app.post("/event-actions/test", &json!({"action": action, "event_type": "flow.start", "event_data": data})).await.expect(200);
    app.action(action).await;
    let id = start(&app, data).await;
    let done = app.execution(&id, &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!(done.text("/status"), "succeeded", "{:#}", done.body);
    // What each step shows, without what differs from one execution to the next.
    let requests = |shown: &Value| -> BTreeMap<String, Value> {
        let named = shown.as_array().unwrap().iter().filter(|s| s["request"].is_object()).map(|s| (s["name"].as_str().unwrap().to_owned(), s["request"].clone()));
        let mut requests: BTreeMap<String, Value> = named.collect();
        for request in requests.values_mut().filter_map(Value::as_object_mut) {
            for member in ["message_id", "event_id"] {
                request.remove(member);
            }
            if let Some(headers) = request.get_mut("headers").and_then(Value::as_object_mut) {
                headers.retain(|name, _| !name.starts_with("webhook-"));
            }
        }
        requests
    };
    let (preview, mut sent) = (requests(report.at("/preview/request/steps")), requests(done.at("/attempts/0/request/steps")));
    assert_eq!(sent.keys().collect::<Vec<_>>(), ["echo", "emit", "mail", "tell"]);
    for (name, request) in &mut sent {
        if name == "emit" {
            // The dry run shows only what is set.
            let members = preview[name].as_object().unwrap();
            request.as_object_mut().unwrap().retain(|member, value| members.contains_key(member) || !value.is_null());
        }
        assert_eq!(&preview[name], request, "{name}");
    }
    let hit = sink.wait_for("/tell", 1).await.remove(0);
    assert_eq!((hit.method.as_str(), hit.query.as_str(), hit.header("x-total"), hit.json()), ("PUT", "n=42", "42", preview["tell"]["body"].clone()));
    let mail = app.get(&format!("/mailbox/{id}-3")).await.expect(200);
    assert_eq!((mail.at("/subject"), mail.text("/text").trim_end()), (&preview["mail"]["subject"], preview["mail"]["text"].as_str().unwrap()));
    assert_eq!(app.get(&format!("/events/{id}-5")).await.expect(200).at("/data"), &preview["emit"]["data"]);
    app.finish().await;
}
