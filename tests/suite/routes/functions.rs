//! Functions: stored JavaScript runs with what the action gives it, and one that misbehaves is bounded, classed and explained.

use serde_json::{Value, json};

use crate::util::{Answer, TestApp, event};

/// A module like the original document's `my_app.handlers`.
const HANDLERS: &str = "export function process_user_event(event, args, kwargs, ctx) {
  console.log('processing', event.event_type, args.length);
  console.warn('attempt', ctx.attempt);
  return {
    type: event.event_type, user: event.data.user, event_id: event.id, args, kwargs,
    execution: ctx.execution_id, tenant: ctx.tenant_id, action: ctx.action.name,
  };
}
";

/// One function for every way to misbehave. The lines count.
const NAUGHTY: &str = "export function loops() { for (;;) {} }
export function allocates() { const all = []; for (;;) all.push(new Array(100000).fill(7)); }
export function throws(event) {
  console.log('before');
  const order = event.data.order;
  throw new Error('no stock for ' + order);
}
export function never() { return new Promise(() => {}); }
export async function rejects() { await null; throw new TypeError('late'); }
export function recurses() { return recurses() + 1; }
export function floods() { return 'x'.repeat(2 * 1024 * 1024); }
export function returns_a_function() { return () => 1; }
export function chatters() { for (let i = 0; i < 1000; i++) console.log('line ' + i); return 'done'; }
export function again() { const e = new Error('busy'); e.retryable = true; throw e; }
export function fine(event, [n]) { return n * 2; }
";

/// An action that calls a function.
fn call(configuration: Value, more: Value) -> Value {
    let mut action = json!({"name": "Call", "handler_type": "function", "configuration": configuration, "event_types": ["fn.run"], "execution_mode": "sync", "max_retries": 0});
    action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    action
}

/// Runs such an action once and returns its execution as it stands after the first attempt.
async fn run(app: &TestApp, configuration: Value, data: Value) -> Answer {
    let action = app.action(call(configuration, json!({}))).await;
    let sent = app.post("/events", &event("fn.run", data)).await.expect(200);
    app.delete(&format!("/event-actions/{action}")).await.expect(204);
    app.execution(sent.text("/executions/0/id"), &["succeeded", "failed", "dead_letter"]).await
}

#[tokio::test]
async fn the_example_of_the_guide_calls_a_stored_module() {
    let app = TestApp::start().await;
    let made = app.post("/functions", &json!({"name": "my_app.handlers", "source": HANDLERS})).await.expect(201);
    assert_eq!((made.at("/exports"), made.at("/version")), (&json!(["process_user_event"]), &json!(1)));
    let guide = json!({
        "module": "my_app.handlers",
        "function": "process_user_event",
        "timeout": 60,
        "args": ["arg1", "arg2"],
        "kwargs": {"param": "value"}
    });
    let action = app.post("/event-actions", &call(guide.clone(), json!({}))).await.expect(201);
    assert_eq!(action.at("/configuration"), &guide);
    let sent = app.post("/events", &event("fn.run", json!({"user": {"id": 7}}))).await.expect(200);
    let done = app.execution(sent.text("/executions/0/id"), &["succeeded", "failed"]).await;
    let expected = json!({
        "type": "fn.run", "user": {"id": 7}, "event_id": sent.text("/event_id"), "args": ["arg1", "arg2"], "kwargs": {"param": "value"},
        "execution": done.id(), "tenant": "default", "action": "Call",
    });
    assert_eq!(done.at("/result"), &expected, "{:#}", done.body);
    assert_eq!(sent.at("/executions/0/result"), &expected, "the answer carries the result");
    assert_eq!(done.at("/attempts/0/logs"), &json!(["processing fn.run 2", "[warn] attempt 1"]));
    assert_eq!(done.text("/attempts/0/request/function"), "process_user_event");
    app.finish().await;
}

#[tokio::test]
async fn arguments_are_rendered_and_keep_their_types() {
    let app = TestApp::start().await;
    app.post("/functions", &json!({"name": "m", "source": "export const f = (event, args, kwargs) => ({args, kwargs})"})).await.expect(201);
    let configuration = json!({"module": "m", "function": "f", "args": ["{{ n }}", "n={{ n }}", "{{ list }}"], "kwargs": {"deep": {"on": "{{ on }}", "who": "{{ event.type }}"}}});
    let expected = json!({"args": [7, "n=7", [1, 2]], "kwargs": {"deep": {"on": true, "who": "fn.run"}}});
    let done = run(&app, configuration, json!({"n": 7, "list": [1, 2], "on": true})).await;
    assert_eq!(done.at("/result"), &expected, "{:#}", done.body);
    for module in ["builtin", "builtin.echo"] {
        let configuration = json!({"module": module, "function": if module == "builtin" { "echo" } else { "" }, "args": ["{{ n }}"], "kwargs": {"k": "{{ n }}"}});
        let done = run(&app, configuration, json!({"n": 7})).await;
        assert_eq!((done.at("/result/args"), done.at("/result/kwargs")), (&json!([7]), &json!({"k": 7})), "{:#}", done.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_misbehaves_is_bounded_classed_and_explained() {
    let app = TestApp::start().await;
    app.post("/functions", &json!({"name": "naughty", "source": NAUGHTY})).await.expect(201);
    for (function, timeout, status, class, said) in [
        ("loops", 1, "dead_letter", "timeout", "did not finish within"),
        ("allocates", 30, "failed", "limit", "64 MiB"),
        ("throws", 30, "failed", "function", "no stock for 17"),
        ("never", 30, "failed", "function", "never settles"),
        ("rejects", 30, "failed", "function", "TypeError: late"),
        ("recurses", 30, "failed", "limit", "call stack"),
        ("floods", 30, "failed", "limit", "1048576"),
        ("returns_a_function", 30, "failed", "function", "no JSON"),
        ("again", 30, "dead_letter", "function", "busy"),
        ("absent", 30, "failed", "configuration", "exports"),
    ] {
        let done = run(&app, json!({"module": "naughty", "function": function, "timeout": timeout}), json!({"order": 17})).await;
        assert_eq!((done.text("/status"), done.text("/error/class")), (status, class), "{function}: {:#}", done.body);
        assert!(done.text("/error/message").contains(said), "{function}: {:#}", done.body);
        assert_eq!(done.at("/error/retryable"), status == "dead_letter", "{function}");
        assert_eq!(done.at("/attempts/0/error"), done.at("/error"), "{function}: the attempt says the same");
        let place = match function {
            "throws" => "(naughty, line 6, column ",
            "rejects" => "(naughty, line 9, column ",
            _ => "",
        };
        assert!(done.text("/error/message").contains(place), "{function}: {:#}", done.body);
        if function == "throws" {
            assert_eq!(done.text("/attempts/0/logs/0"), "before", "what it logged before it threw is kept");
        }
    }
    let done = run(&app, json!({"module": "naughty", "function": "chatters"}), json!({})).await;
    let logs = done.at("/attempts/0/logs").as_array().unwrap();
    assert!(logs.len() == 201 && logs[200].as_str().unwrap().contains("800 further lines"), "{} lines", logs.len());
    let done = run(&app, json!({"module": "naughty", "function": "fine", "args": [21]}), json!({})).await;
    assert_eq!(done.at("/result"), 42, "the next call finds everything in order");
    app.finish().await;
}

#[tokio::test]
async fn a_sandbox_has_no_way_out_and_forgets() {
    let app = TestApp::start().await;
    let source = "let calls = 0;
export function look() {
  const names = ['fetch', 'require', 'process', 'Deno', 'XMLHttpRequest', 'WebSocket', 'setTimeout', 'setInterval', 'std', 'os'];
  calls += 1;
  globalThis.left_behind = (globalThis.left_behind ?? 0) + 1;
  return {found: names.filter((name) => typeof globalThis[name] !== 'undefined'), calls, left: globalThis.left_behind};
}
export async function imports() { return await import('std'); }
export function clock() { const start = Date.now(); for (let i = 0; i < 1e6; i++); return Date.now() - start; }
";
    app.post("/functions", &json!({"name": "look", "source": source})).await.expect(201);
    for _ in 0..2 {
        let done = run(&app, json!({"module": "look", "function": "look"}), json!({})).await;
        assert_eq!(done.at("/result"), &json!({"found": [], "calls": 1, "left": 1}), "{:#}", done.body);
    }
    assert_eq!(run(&app, json!({"module": "look", "function": "imports"}), json!({})).await.text("/status"), "failed");
    assert_eq!(run(&app, json!({"module": "look", "function": "clock"}), json!({})).await.at("/result"), 0, "no clock to measure others with");
    app.finish().await;
}

#[tokio::test]
async fn a_function_may_ask_to_be_tried_again() {
    let app = TestApp::start().await;
    let source = "export function f(event, args, kwargs, ctx) {
  if (ctx.attempt < 3) { const e = new Error('busy ' + ctx.attempt); e.retryable = true; throw e; }
  return ctx.attempt;
}";
    app.post("/functions", &json!({"name": "busy", "source": source})).await.expect(201);
    app.action(call(json!({"module": "busy", "function": "f"}), json!({"execution_mode": "async", "max_retries": 3, "retry_delay_seconds": 0}))).await;
    let sent = app.post("/events", &event("fn.run", json!({}))).await.expect(202);
    let done = app.execution(sent.text("/executions/0/id"), &["succeeded", "failed", "dead_letter"]).await;
    assert_eq!((done.at("/result"), done.at("/attempts").as_array().map(Vec::len)), (&json!(3), Some(3)), "{:#}", done.body);
    assert!(done.text("/attempts/1/error/message").contains("busy 2"), "{:#}", done.body);
    app.finish().await;
}

#[tokio::test]
async fn compiled_in_functions_transform_emit_and_fail() {
    let app = TestApp::start().await;
    let done =
        run(&app, json!({"module": "builtin", "function": "transform", "kwargs": {"template": {"id": "{{ order.id }}", "all": ["{{ order }}"]}}}), json!({"order": {"id": 7}}))
            .await;
    assert_eq!(done.at("/result"), &json!({"id": 7, "all": [{"id": 7}]}), "{:#}", done.body);
    let done = run(&app, json!({"module": "builtin", "function": "fail", "kwargs": {"message": "on purpose {{ n }}"}}), json!({"n": 1})).await;
    assert_eq!((done.text("/status"), done.text("/error/message")), ("failed", "on purpose 1"));

    let kwargs = json!({"event_type": "order.seen", "data": {"id": "{{ order.id }}"}, "aggregate_id": "o{{ order.id }}"});
    let done = run(&app, json!({"module": "builtin", "function": "emit_event", "kwargs": kwargs}), json!({"order": {"id": 7}})).await;
    assert_eq!(done.text("/result/event_id"), done.id(), "an event is emitted once, however often the attempt runs");
    let emitted = app.get(&format!("/events/{}", done.text("/result/event_id"))).await.expect(200);
    assert_eq!((emitted.text("/event_type"), emitted.at("/data"), emitted.text("/aggregate_id")), ("order.seen", &json!({"id": 7}), "o7"));
    assert_eq!((emitted.text("/causation_id"), emitted.at("/depth")), (done.id().as_str(), &json!(1)));
    app.finish().await;
}

#[tokio::test]
async fn functions_are_tried_before_they_are_stored() {
    let app = TestApp::start().await;
    let run = |body: Value| {
        let app = &app;
        async move { app.post("/functions/run", &body).await.expect(200) }
    };
    let event = json!({"event_type": "user.created", "event_data": {"n": 20}});
    let answer =
        run(json!({"source": "export function f(e, [n], {m}) { console.log(e.event_type); return e.data.n + n + m }", "event": event, "args": [1], "kwargs": {"m": 2}})).await;
    assert_eq!((answer.at("/result"), answer.at("/logs"), answer.at("/error")), (&json!(23), &json!(["user.created"]), &Value::Null));
    let answer = run(json!({"source": "export function f() {\n  return missing;\n}"})).await;
    assert_eq!((answer.text("/error/class"), answer.at("/error/line")), ("function", &json!(2)));
    for (body, pointer) in [
        (json!({}), "/source"),
        (json!({"source": "export function f( {"}), "/source"),
        (json!({"source": "const a = 1"}), "/source"),
        (json!({"source": "export const f = 1, g = 2"}), "/source"),
        (json!({"source": "export function f() {} export function g() {}"}), "/function"),
        (json!({"source": "export function f() {}", "timeout_seconds": 61}), "/timeout_seconds"),
    ] {
        assert_eq!(app.post("/functions/run", &body).await.problem(422).1, pointer, "{body}");
    }
    assert!(app.get("/functions").await.expect(200).items().is_empty(), "nothing of it is stored");
    app.finish().await;
}
