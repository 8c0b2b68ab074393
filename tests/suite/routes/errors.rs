//! Bad input: each kind has its documented status and pointer, and nothing is half-written.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{Sink, TestApp, webhook};

/// Nothing at all was stored.
async fn assert_untouched(app: &TestApp) {
    for list in ["/event-actions", "/events", "/executions"] {
        assert!(app.get(list).await.expect(200).items().is_empty(), "{list}");
    }
}

#[tokio::test]
async fn wrong_actions_are_refused_with_a_pointer() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let good = || webhook("Good", "a.b", &sink.at("/x"), json!({}));
    let condition = |c: Value| json!({"conditions": [{"field": "a", "operator": "exists"}, c]});
    for (more, pointer, code) in [
        (json!({"nope": 1}), "/nope", "unknown_field"),
        (json!({"id": "mine"}), "/id", "unknown_field"),
        (json!({"created_by": "me"}), "/created_by", "unknown_field"),
        (json!({"name": 7}), "/name", "wrong_type"),
        (json!({"name": ""}), "/name", "empty"),
        (json!({"name": "x".repeat(201)}), "/name", "too_long"),
        (json!({"priority": "urgent"}), "/priority", "unknown_word"),
        (json!({"execution_mode": "later"}), "/execution_mode", "unknown_word"),
        (json!({"event_types": []}), "/event_types", "out_of_range"),
        (json!({"event_types": ["a.b", "user.*.x"]}), "/event_types/1", "bad_pattern"),
        (json!({"event_types": ["a b"]}), "/event_types/0", "bad_pattern"),
        (condition(json!({"field": "a", "operator": "equal", "value": 1})), "/conditions/1/operator", "unknown_word"),
        (condition(json!({"field": "a", "operator": "gt", "value": "much"})), "/conditions/1/value", "wrong_type"),
        (condition(json!({"field": "a", "operator": "in", "value": []})), "/conditions/1/value", "empty"),
        (condition(json!({"field": "a", "operator": "equals"})), "/conditions/1/value", "missing"),
        (condition(json!({"field": "a", "operator": "between", "value": [2, 1]})), "/conditions/1/value", "out_of_range"),
        (condition(json!({"field": "a", "operator": "matches", "value": "("})), "/conditions/1/value", "bad_pattern"),
        (condition(json!({"field": "a..b", "operator": "exists"})), "/conditions/1/field", "bad_path"),
        (condition(json!({"any": [{"field": "a", "operator": "lt", "value": null}]})), "/conditions/1/any/0/value", "wrong_type"),
        (json!({"context_filters": {"a": []}}), "/context_filters/a", "empty"),
        (json!({"timeout_seconds": 0}), "/timeout_seconds", "out_of_range"),
        (json!({"timeout_seconds": 901}), "/timeout_seconds", "out_of_range"),
        (json!({"max_retries": -1}), "/max_retries", "invalid"),
        (json!({"max_retries": 51}), "/max_retries", "out_of_range"),
        (json!({"execution_mode": "sync", "ordering_key": "k"}), "/ordering_key", "not_with_sync"),
        (json!({"rate_limit": {"max": 1, "per_seconds": 1, "burst": 2}}), "/rate_limit/burst", "unknown_field"),
        (json!({"tenant_id": "nobody"}), "/tenant_id", "unknown_tenant"),
        (json!({"tags": ["ok", ""]}), "/tags/1", "empty"),
    ] {
        let mut action = good();
        action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = app.post("/event-actions", &action).await;
        assert_eq!(answer.problem(422).1, pointer, "{more}: {:#}", answer.body);
        assert_eq!(answer.text("/errors/0/code"), code, "{more}");
    }
    for (more, starts) in [
        (json!({"handler_type": "telepathy"}), "/handler_type"),
        (json!({"configuration": {}}), "/configuration"),
        (json!({"configuration": {"url": "ftp://example.com"}}), "/configuration"),
        (json!({"configuration": {"url": "http://169.254.169.254/latest"}}), "/configuration"),
        (json!({"configuration": {"url": sink.at("/x"), "nope": 1}}), "/configuration"),
    ] {
        let mut action = good();
        action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = app.post("/event-actions", &action).await;
        assert!(answer.problem(422).1.starts_with(starts), "{more}: {:#}", answer.body);
    }
    let all_at_once = app.post("/event-actions", &webhook("", "a b", &sink.at("/x"), json!({"max_retries": 51}))).await;
    assert_eq!(all_at_once.at("/errors").as_array().map(Vec::len), Some(3), "value faults come all at once: {:#}", all_at_once.body);
    assert_untouched(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn wrong_events_are_refused_with_a_pointer() {
    let app = TestApp::start().await;
    for (event, pointer) in [
        (json!({}), ""),
        (json!([]), ""),
        (json!({"event_type": "a.b", "nope": 1}), "/nope"),
        (json!({"event_type": "a.b", "tenant_id": "default"}), "/tenant_id"),
        (json!({"event_type": "a..b"}), "/event_type"),
        (json!({"event_type": "*"}), "/event_type"),
        (json!({"event_type": "x".repeat(201)}), "/event_type"),
        (json!({"event_type": "system.alert.fired"}), "/event_type"),
        (json!({"event_type": "a.b", "data": []}), "/data"),
        (json!({"event_type": "a.b", "data": null}), "/data"),
        (json!({"event_type": "a.b", "metadata": 7}), "/metadata"),
        (json!({"event_type": "a.b", "metadata": {"tenant_id": "nobody"}}), "/metadata/tenant_id"),
        (json!({"event_type": "a.b", "id": ""}), "/id"),
        (json!({"event_type": "a.b", "id": "x".repeat(129)}), "/id"),
        (json!({"event_type": "a.b", "id": "a\u{0}b"}), "/id"),
        (json!({"event_type": "a.b", "occurred_at": "yesterday"}), "/occurred_at"),
    ] {
        let answer = app.post("/events", &event).await;
        assert_eq!(answer.problem(422).1, pointer, "{event}: {:#}", answer.body);
    }
    assert_untouched(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_before_anything_else() {
    let app = TestApp::start().await;
    let nested = |n: usize| format!("{{\"event_type\": \"a.b\", \"data\": {{\"x\": {}{}}}}}", "[".repeat(n), "]".repeat(n));
    let (fits, too_deep) = (nested(62), nested(63));
    for (kind, body, status, code) in [
        (Some("application/json"), "", 400, "empty_body"),
        (Some("application/json"), "{", 400, "malformed_json"),
        (Some("application/json"), "{\"event_type\": \"a.b\",}", 400, "malformed_json"),
        (Some("application/json"), "{} {}", 400, "malformed_json"),
        (Some("application/json"), "{\"event_type\": 1e999}", 400, "malformed_json"),
        (Some("application/json"), too_deep.as_str(), 400, "too_deep"),
        (Some("text/plain"), "{}", 415, "unsupported_media_type"),
        (Some("application/x-www-form-urlencoded"), "a=b", 415, "unsupported_media_type"),
        (None, "{}", 415, "unsupported_media_type"),
    ] {
        let request = app.request(Method::POST, "/api/v1/events").body(body.to_owned());
        let answer = app.send(if let Some(kind) = kind { request.header("content-type", kind) } else { request }).await;
        assert_eq!(answer.problem(status).0, code, "{body:.80}");
        if code.starts_with("malformed") || code == "too_deep" {
            assert!(answer.text("/detail").contains("line 1 column"), "{}", answer.text("/detail"));
        }
    }
    let bytes = app.request(Method::POST, "/api/v1/events").header("content-type", "application/json").body(vec![b'"', 0xff, b'"']);
    assert_eq!(app.send(bytes).await.problem(400).0, "malformed_json");
    assert_untouched(&app).await;
    let request = app.request(Method::POST, "/api/v1/events").header("content-type", "application/vnd.acme+json; charset=utf-8").body(fits);
    app.send(request).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_gets_its_answer() {
    let app = TestApp::start().await;
    for size in [(1 << 20) + 1, 6 << 20] {
        let body = json!({"event_type": "a.b", "data": {"x": "x".repeat(size)}});
        assert_eq!(app.post("/events", &body).await.problem(413).0, "too_large", "{size}");
        let parts: Vec<Result<Vec<u8>, std::io::Error>> = body.to_string().into_bytes().chunks(64 << 10).map(|c| Ok(c.to_vec())).collect();
        let streamed = reqwest::Body::wrap_stream(futures::stream::iter(parts));
        let request = app.request(Method::POST, "/api/v1/events").header("content-type", "application/json").body(streamed);
        assert_eq!(app.send(request).await.problem(413).0, "too_large", "{size}, without a length");
    }
    let refused = app.anonymous(Method::POST, "/api/v1/events").json(&json!({"data": "x".repeat(4 << 20)}));
    app.send(refused).await.problem(401);
    assert_untouched(&app).await;
    let fits = json!({"event_type": "a.b", "data": {"x": "x".repeat((1 << 20) - 200)}});
    app.post("/events", &fits).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_exist_is_404_and_says_so() {
    let app = TestApp::start().await;
    let change = json!({"name": "x"});
    for id in ["no-such-id", "019a0000-0000-7000-8000-000000000000", "%00", "%FF", "..%2F..%2Fetc"] {
        for path in [
            format!("/event-actions/{id}"),
            format!("/event-actions/{id}/versions"),
            format!("/event-actions/{id}/stats"),
            format!("/event-actions/{id}/health"),
            format!("/event-actions/{id}/executions"),
            format!("/events/{id}"),
            format!("/executions/{id}"),
            format!("/tenants/{id}"),
        ] {
            app.get(&path).await.problem(404);
        }
        app.put(&format!("/event-actions/{id}"), &change).await.problem(404);
        app.delete(&format!("/event-actions/{id}")).await.problem(404);
        app.delete(&format!("/api-keys/{id}")).await.problem(404);
        for call in [
            "event-actions/ID/enable",
            "event-actions/ID/restore",
            "event-actions/ID/duplicate",
            "event-actions/ID/backtest",
            "events/ID/replay",
            "executions/ID/cancel",
            "executions/ID/replay",
            "dead-letters/ID/discard",
        ] {
            app.call(&format!("/{}", call.replace("ID", id))).await.problem(404);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_change_against_another_version_is_a_conflict() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let id = app.action(webhook("One", "a.b", &sink.at("/x"), json!({}))).await;
    let path = format!("/event-actions/{id}");
    app.put(&path, &json!({"name": "Two"})).await.expect(200);
    let before = app.get(&path).await.expect(200);
    assert_eq!(app.put(&path, &json!({"name": "Three", "version": 1})).await.problem(409).0, "version_conflict");
    let with = |tag: &'static str, body: Value| app.send(app.request(Method::PUT, &format!("/api/v1{path}")).header("if-match", tag).json(&body));
    with("\"1\"", json!({"name": "Three"})).await.problem(409);
    with("1", json!({"name": "Three"})).await.problem(400);
    with("\"2\"", json!({"name": "Three", "version": 1})).await.problem(400);
    assert_eq!(app.put(&path, &json!({"version": "2"})).await.problem(422).1, "/version");
    assert_eq!(app.put(&path, &json!({"nope": 1})).await.problem(422).1, "/nope");
    assert_eq!(app.put(&path, &json!({"name": "Good", "conditions": [{"field": "a", "operator": "gt", "value": []}]})).await.problem(422).1, "/conditions/0/value");
    assert_eq!(app.put(&path, &json!({"name": null})).await.problem(422).0, "validation_failed");
    let after = app.get(&path).await.expect(200);
    assert_eq!((after.at("/version"), after.at("/name"), after.at("/updated_at")), (before.at("/version"), before.at("/name"), before.at("/updated_at")));
    with("*", json!({"name": "Three"})).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn query_parameters_are_read_strictly() {
    let app = TestApp::start().await;
    for (path, status, pointer) in [
        ("/event-actions?nope=1", 400, "/nope"),
        ("/event-actions?limit=1&limit=2", 400, "/limit"),
        ("/event-actions/stats/overview?windows=1h", 400, "/windows"),
        ("/handlers?limit=1", 400, "/limit"),
        ("/event-actions?limit=0", 422, "/limit"),
        ("/event-actions?limit=201", 422, "/limit"),
        ("/events?limit=many", 422, "/limit"),
        ("/event-actions?priority=urgent", 422, "/priority"),
        ("/event-actions?status=asleep", 422, "/status"),
        ("/event-actions?cursor=%2B%2B", 422, "/cursor"),
        ("/executions?cursor=bm9wZQ", 422, "/cursor"),
        ("/events?cursor=W10", 422, "/cursor"),
        ("/executions?from=yesterday", 422, "/from"),
        ("/event-actions/stats/overview?window=2h", 422, "/window"),
        ("/event-actions?search=%00", 422, "/search"),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.problem(status).1, pointer, "{path}: {:#}", answer.body);
    }
    app.get("/tenants?limit=200").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn headers_are_read_strictly_too() {
    let app = TestApp::start().await;
    let body = json!({"event_type": "a.b"});
    for key in ["", "x\u{e9}"] {
        let key = reqwest::header::HeaderValue::from_bytes(key.as_bytes()).unwrap();
        let answer = app.send(app.request(Method::POST, "/api/v1/events").header("idempotency-key", key).json(&body)).await;
        assert!(answer.status == 400 || answer.status == 422, "{:#}", answer.body);
        answer.problem(answer.status);
    }
    let twice = app.request(Method::POST, "/api/v1/events").header("idempotency-key", "a").header("idempotency-key", "b").json(&body);
    app.send(twice).await.problem(400);
    assert_untouched(&app).await;
    tokio::time::timeout(Duration::from_secs(20), app.finish()).await.unwrap();
}
