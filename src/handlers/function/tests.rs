//! The sandbox: what runs, what is stopped and how it is explained.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pool::JsPool;
use super::*;
use crate::handlers::testing::{TestHost, call, event};

/// Runs `export function f` of a source on a pool of its own.
async fn run(source: &str, limit_ms: u64) -> ModuleRun {
    let arguments = vec![json!(event(json!({"n": 3}))), json!([1, "b"]), json!({"k": true}), json!({"attempt": 1})];
    let script = Script { module: "m".into(), source: source.into(), entry: Entry::Call { function: "f".into(), arguments }, now: Timestamp(1_700_000_000_123) };
    let started = Instant::now();
    let done = JsPool::new(1).run("t", script, Duration::from_millis(limit_ms), &CancellationToken::new()).await;
    let logs = done.logs.clone();
    let outcome = done.outcome.map_err(|t| t.into_error("m", done.logs));
    ModuleRun { outcome, place: None, logs, duration_ms: i64::try_from(started.elapsed().as_millis()).expect("short") }
}

#[tokio::test]
async fn functions_return_json_and_promises_of_json() {
    for (source, result) in [
        ("export function f(event, args, kwargs, ctx) { return [event.data.n, event.tenant_id, args[1], kwargs.k, ctx.attempt] }", json!([3, "default", "b", true, 1])),
        ("export async function f() { await null; return {a: await Promise.resolve(1)} }", json!({"a": 1})),
        ("const limit = await Promise.resolve(7); export const f = () => limit", json!(7)),
        ("export function f() { }", Value::Null),
        (
            "export function f() { return [Date.now(), new Date().toISOString(), new Date(0).getTime(), typeof performance, typeof setTimeout, typeof fetch] }",
            json!([1_700_000_000_123_i64, "2023-11-14T22:13:20.123Z", 0, "undefined", "undefined", "undefined"]),
        ),
        (
            "export function f() { class D extends Date {} return [new D() instanceof Date, new D().getTime() === Date.now(), Date.UTC(2020, 0)] }",
            json!([true, true, 1_577_836_800_000_i64]),
        ),
    ] {
        assert_eq!(run(source, 2000).await.outcome.expect(source), result, "{source}");
    }
}

#[tokio::test]
async fn failures_are_classed_and_name_the_line() {
    use ErrorClass::{Configuration, Function as Thrown, Limit, Timeout};
    for (source, class, part, retryable) in [
        ("export function f() {\n\n  throw new TypeError('bad') }", Thrown, "TypeError: bad (m, line 3, column", false),
        ("export async function f() { await null;\n throw new Error('later') }", Thrown, "Error: later (m, line 2", false),
        ("export function f() { throw {code: 7} }", Thrown, "It threw {\"code\":7}", false),
        ("export function f() { throw Object.assign(new Error('busy'), {retryable: true}) }", Thrown, "busy", true),
        ("export function f() {\n return {a: 1,, } }", Thrown, "line 2", false),
        ("export function f() { return new Promise(() => {}) }", Thrown, "never settles", false),
        ("await new Promise(() => {}); export function f() {}", Thrown, "never settles", false),
        ("import fs from 'fs'; export function f() {}", Thrown, "could not load module 'fs'", false),
        ("export function f() { return () => 1 }", Thrown, "returned a function, which is no JSON", false),
        ("export function f() { const a = {}; a.a = a; return a }", Thrown, "circular", false),
        ("export function g() {} export const h = 1", Configuration, "exports no function \"f\"; it exports: g", false),
        ("export function f() { for (;;) {} }", Timeout, "did not finish within 0.3 s", true),
        ("for (;;) {} export function f() {}", Timeout, "did not finish", true),
        ("export async function f() { for (;;) await null }", Timeout, "did not finish", true),
        ("export function f() { for (;;) { try { for (;;) {} } catch {} } }", Timeout, "did not finish", true),
        ("export function f() { return /^(a+)+$/.test('a'.repeat(40) + 'b') }", Timeout, "did not finish", true),
        ("export function f() { const a = []; for (;;) a.push('x'.repeat(1000) + a.length) }", Limit, "more than 64 MiB", false),
        ("export function f() { return f() + 1 }", Limit, "call stack", false),
        ("export function f() { return 'x'.repeat(2 << 20) }", Limit, "the limit is 1048576", false),
    ] {
        let error = run(source, if class == Timeout { 300 } else { 5000 }).await.outcome.expect_err(source);
        assert_eq!((error.class, error.retryable), (class, retryable), "{source}: {}", error.message);
        assert!(error.message.contains(part), "{source}: {}", error.message);
    }
}

#[tokio::test]
async fn the_console_is_captured_within_limits() {
    let ran = run("export function f() { console.log('a', {b: 1}, [2], null, undefined); console.warn(new Error('w')); console.error('\\uD800') }", 2000).await;
    assert_eq!(ran.logs, ["a {\"b\":1} [2] null undefined", "[warn] Error: w", "[error] \u{FFFD}"]);
    let ran = run("export function f() { for (let i = 0; i < 1000; i++) console.log('x'.repeat(100000)) }", 5000).await;
    assert!(ran.logs.iter().map(String::len).sum::<usize>() < 70_000 && ran.logs.last().is_some_and(|l| l.contains("further lines were dropped")));
    let failed = run("export function f() { console.log('before'); throw new Error('x') }", 2000).await.outcome.expect_err("throws");
    assert_eq!((failed.logs[0].as_str(), failed.logs[1].trim().starts_with("at f (m:1:")), ("before", true));
}

#[tokio::test]
async fn a_thread_caught_in_a_built_in_loop_is_given_up_and_its_tenant_waits() {
    let pool = JsPool::new(1);
    let script = |source: &str| Script { module: "m".into(), source: source.into(), entry: Entry::Call { function: "f".into(), arguments: vec![] }, now: Timestamp(0) };
    let never = CancellationToken::new();
    // Takes some seconds and never asks whether to stop.
    let caught = script("export function f() { const s = 'a'.repeat(4000000); return s.indexOf('a'.repeat(9000) + 'b') }");
    let started = Instant::now();
    let error = pool.run("one", caught, Duration::from_millis(100), &never).await.outcome.expect_err("late");
    assert!(error.class == ErrorClass::Timeout && started.elapsed() < Duration::from_secs(4), "{error:?}");
    let error = pool.run("one", script("export function f() { return 1 }"), Duration::from_secs(2), &never).await.outcome;
    let other = pool.run("two", script("export function f() { return 2 }"), Duration::from_secs(2), &never).await.outcome;
    assert_eq!(other, Ok(json!(2)));
    // On a fast machine the loop may have ended by now.
    assert!(error.as_ref().is_ok_and(|v| *v == json!(1)) || error.is_err_and(|e| e.class == ErrorClass::Limit && e.retryable));
}

#[tokio::test]
async fn cancelling_stops_a_function() {
    let cancel = CancellationToken::new();
    let script =
        Script { module: "m".into(), source: "export function f() { for (;;) {} }".into(), entry: Entry::Call { function: "f".into(), arguments: vec![] }, now: Timestamp(0) };
    let stopper = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stopper.cancel();
    });
    let pool = JsPool::new(1);
    let error = pool.run("t", script, Duration::from_secs(30), &cancel).await.outcome.expect_err("stopped");
    assert_eq!(error.class, ErrorClass::Cancelled);
}

#[tokio::test]
async fn modules_are_checked_before_they_are_saved() {
    let names = check_module(None, "m", "export function a() {} export const b = async () => 1; export const c = 2").await;
    assert_eq!(names, Ok(vec!["a".to_owned(), "b".to_owned()]));
    for (source, part) in [("export function f( {", "Line 1, column"), ("const x = 1", "exports no function"), ("throw new Error('top')", "Error: top")] {
        let fault = check_module(None, "m", source).await.expect_err(source);
        assert!(fault.pointer == "/source" && fault.message.contains(part), "{source}: {}", fault.message);
    }
}

#[tokio::test]
async fn waiting_for_a_thread_is_no_running_time_of_a_check() {
    let (pool, never) = (Arc::new(JsPool::new(1)), CancellationToken::new());
    let script = |source: &str| Script { module: "m".into(), source: source.into(), entry: Entry::Exports, now: Timestamp(0) };
    let (busy, stop) = (Arc::clone(&pool), never.clone());
    let loops = script("for (;;) {} export function f() {}");
    let other = tokio::spawn(async move { busy.run("one", loops, Duration::from_millis(900), &stop).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let time = Time { running: Duration::from_millis(400), waiting: Duration::from_secs(20) };
    let started = Instant::now();
    let done = pool.run_within("two", script("export function f() {}"), time, &never).await;
    assert_eq!(done.outcome, Ok(json!(["f"])), "it waited {:?}", started.elapsed());
    assert!(started.elapsed() > Duration::from_millis(400), "it had to wait for longer than it may run");
    assert_eq!(other.await.expect("no panic").outcome.expect_err("loops").class, ErrorClass::Timeout);
    let error = pool.run_within("two", script("for (;;) {}"), time, &never).await.outcome.expect_err("loops");
    assert!(error.class == ErrorClass::Timeout && error.message.contains("0.4 s"), "{}", error.message);
}

#[tokio::test]
async fn an_emitted_event_holds_no_secret() {
    let (host, function) = (Arc::new(TestHost::default()), Function::new(Functions::default(), 2));
    for (configuration, place) in [
        (json!({"module": "builtin", "function": "emit_event", "kwargs": {"event_type": "a.b", "data": {"token": "{{ secret.TOKEN }}"}}}), "kwargs.data.token"),
        (json!({"module": "builtin.emit_event", "kwargs": {"event_type": "a.b", "aggregate_id": "x {{ secret['TOKEN'] | default('') }}"}}), "kwargs.aggregate_id"),
    ] {
        let call = call(&host, configuration, json!({}));
        let error = function.handle(&call).await.expect_err("refused");
        assert_eq!((error.class, error.retryable), (ErrorClass::Render, false));
        assert!(error.message.starts_with(place) && error.message.contains("secret.TOKEN cannot be used here"), "{}", error.message);
        assert_eq!(function.preview(&call).expect_err("refused").message, error.message);
    }
    assert!(host.emitted.lock().expect("no panic").is_empty());
    let echo = call(&host, json!({"module": "builtin.echo", "args": ["{{ secret.TOKEN }}"]}), json!({}));
    assert!(function.handle(&echo).await.is_ok(), "what is not stored as an event may use it");
}

#[tokio::test]
async fn the_handler_finds_stored_and_compiled_in_functions() {
    let host = Arc::new(TestHost {
        functions: [("my_app.handlers".to_owned(), "export function process_user_event(event, args, kwargs) { console.log('hi'); return {args, kwargs} }".to_owned())].into(),
        ..TestHost::default()
    });
    let function = Function::new(Functions::default().with("shop", "total", |f| async move { Ok(json!(f.args.len())) }), 2);
    let stored = json!({"module": "my_app.handlers", "function": "process_user_event", "timeout": 60, "args": ["arg1", "{{ user.id }}"], "kwargs": {"param": "value"}});
    for (configuration, result) in [
        (stored, json!({"args": ["arg1", 5], "kwargs": {"param": "value"}})),
        (json!({"module": "shop", "function": "total", "args": [1, 2]}), json!(2)),
        (json!({"module": "builtin.transform", "kwargs": {"template": {"id": "{{ user.id }}"}}}), json!({"id": 5})),
        (json!({"module": "builtin", "function": "transform", "kwargs": {"template": "{\"id\": {{ user.id }} }"}}), json!({"id": 5})),
        (json!({"module": "builtin", "function": "fail", "kwargs": {"times": 0}}), json!({"attempt": 1})),
    ] {
        let call = call(&host, configuration.clone(), json!({"user": {"id": 5}}));
        let preview = function.preview(&call).expect("previews");
        let output = function.handle(&call).await.unwrap_or_else(|e| panic!("{configuration}: {}", e.message));
        assert_eq!((output.result, output.request), (result, Some(preview.request)), "{configuration}");
    }
    let emit =
        call(&host, json!({"module": "builtin", "function": "emit_event", "kwargs": {"event_type": "user.welcomed", "data": {"id": "{{ user.id }}"}}}), json!({"user": {"id": 5}}));
    function.handle(&emit).await.expect("emits");
    let emitted = host.emitted.lock().expect("no panic");
    assert_eq!((emitted[0].0.as_str(), emitted[0].1.event_type.as_str(), &emitted[0].1.data), ("x-1", "user.welcomed", &json!({"id": 5})));
}

#[tokio::test]
async fn wrong_configurations_are_refused() {
    let function = Function::new(Functions::default(), 2);
    for (configuration, pointer) in [
        (json!({"module": "a b", "function": "f"}), "/module"),
        (json!({"module": "m"}), "/function"),
        (json!({"module": "m", "function": "f", "args": {"a": 1}}), "/args"),
        (json!({"module": "m", "function": "f", "kwargs": [1]}), "/kwargs"),
    ] {
        assert_eq!(function.validate(&configuration).iter().map(|f| f.pointer.as_str()).collect::<Vec<_>>(), [pointer]);
    }
    assert_eq!(function.validate(&json!({"module": "m.x", "args": "{{ list }}"})), []);
    let host = Arc::new(TestHost::default());
    let error = function.handle(&call(&host, json!({"module": "nope", "function": "f"}), json!({}))).await.expect_err("unknown");
    assert!(!error.retryable && error.message.contains("builtin.echo"), "{}", error.message);
}
