//! Actions over REST: create, read, change, versions, switch, copy, delete and restore, lists, tests, matches, backtests.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{Sink, TestApp, event, webhook};

#[tokio::test]
async fn changes_make_versions() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let id = app.action(webhook("One", "a.b", &sink.at("/x"), json!({"description": "first", "timeout_seconds": 5, "tags": ["x"]}))).await;
    let path = format!("/event-actions/{id}");

    let changed = app.put(&path, &json!({"description": "second", "timeout_seconds": null})).await.expect(200);
    assert_eq!((changed.text("/description"), changed.at("/timeout_seconds"), changed.at("/version")), ("second", &Value::Null, &json!(2)));
    assert_eq!((changed.header("etag"), changed.at("/tags")), ("\"2\"", &json!(["x"])));
    let patched = app.send(app.request(Method::PATCH, &format!("/api/v1{path}")).header("if-match", "\"2\"").json(&json!({"tags": []}))).await.expect(200);
    assert_eq!((patched.at("/tags"), patched.at("/version")), (&json!([]), &json!(3)));
    let guarded = app.put(&path, &json!({"version": 3, "name": "Two"})).await.expect(200);
    assert_eq!((guarded.text("/name"), guarded.at("/version")), ("Two", &json!(4)));

    let versions = app.get(&format!("{path}/versions")).await.expect(200);
    assert_eq!(versions.items().iter().map(|v| v["version"].as_i64().unwrap()).collect::<Vec<_>>(), [4, 3, 2, 1]);
    assert_eq!(versions.at("/items/0/diff/0/pointer"), "/name");
    assert_eq!((versions.at("/items/0/diff/0/before"), versions.at("/items/0/diff/0/after")), (&json!("One"), &json!("Two")));
    assert!(versions.text("/items/3/author").starts_with("key:"));
    app.finish().await;
}

#[tokio::test]
async fn of_two_changes_to_one_version_one_is_refused() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let id = app.action(webhook("One", "a.b", &sink.at("/x"), json!({}))).await;
    let path = format!("/event-actions/{id}");
    let changes = [json!({"version": 1, "name": "A"}), json!({"version": 1, "name": "B"})];
    let (a, b) = tokio::join!(app.put(&path, &changes[0]), app.put(&path, &changes[1]));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let now = app.get(&path).await.expect(200);
    assert_eq!(now.at("/version"), 2);
    assert_eq!(now.text("/name"), if a.status == 200 { "A" } else { "B" });
    app.finish().await;
}

#[tokio::test]
async fn copy_delete_and_restore() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let id = app.action(webhook("Original", "a.b", &sink.at("/x"), json!({"execution_mode": "sync"}))).await;
    let copy = app.call(&format!("/event-actions/{id}/duplicate")).await.expect(201);
    assert_eq!((copy.at("/is_enabled"), copy.at("/version"), copy.at("/execution_mode")), (&json!(false), &json!(1), &json!("sync")));
    assert_ne!(copy.id(), id);
    assert_eq!(copy.header("location"), format!("/api/v1/event-actions/{}", copy.id()));

    assert_eq!(app.post("/events", &event("a.b", json!({}))).await.expect(200).at("/matched"), 1);
    app.delete(&format!("/event-actions/{id}")).await.expect(204);
    app.delete(&format!("/event-actions/{id}")).await.problem(404);
    assert_eq!(app.post("/events", &event("a.b", json!({}))).await.expect(200).at("/matched"), 0, "a deleted action does not run");
    assert_eq!(app.get("/event-actions").await.expect(200).items().len(), 1);
    assert_eq!(app.call(&format!("/event-actions/{id}/restore")).await.expect(200).id(), id);
    assert_eq!(app.post("/events", &event("a.b", json!({}))).await.expect(200).at("/matched"), 1, "a restored one does");
    assert_eq!(sink.hits("/x").len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn lists_are_filtered() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let url = sink.at("/x");
    app.post("/tenants", &json!({"id": "acme", "name": "Acme"})).await.expect(201);
    app.action(webhook("Alpha", "user.created", &url, json!({"priority": "critical", "tags": ["billing"]}))).await;
    app.action(webhook("Beta", "user.*", &url, json!({"execution_mode": "sync", "is_enabled": false}))).await;
    app.action(webhook("Gamma", "order.paid", &url, json!({"description": "tells ALPHA centauri", "tenant_id": "acme"}))).await;
    for (query, names) in [
        ("", "Alpha Beta Gamma"),
        ("?status=active", "Alpha Gamma"),
        ("?status=disabled", "Beta"),
        ("?status=degraded", ""),
        ("?handler_type=email", ""),
        ("?event_type=user.created", "Alpha Beta"),
        ("?event_type=user.*", "Beta"),
        ("?priority=critical", "Alpha"),
        ("?execution_mode=sync", "Beta"),
        ("?tag=billing", "Alpha"),
        ("?search=alpha", "Alpha Gamma"),
        ("?search=alpha&tag=billing", "Alpha"),
        ("?search=%25", ""),
        ("?tenant_id=acme", "Gamma"),
        ("?status=", "Alpha Beta Gamma"),
    ] {
        let list = app.get(&format!("/event-actions{query}")).await.expect(200);
        let mut found: Vec<&str> = list.items().iter().map(|a| a["name"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found.join(" "), names, "{query}");
    }
    app.finish().await;
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let mut made = BTreeSet::new();
    for n in 0..5 {
        made.insert(app.action(webhook(&format!("Action {n}"), "a.b", &sink.at("/x"), json!({}))).await);
    }
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = app.get(&format!("/event-actions?limit=2{cursor}")).await.expect(200);
        seen.extend(page.items().iter().map(|a| a["id"].as_str().unwrap().to_owned()));
        pages += 1;
        // What is made meanwhile is later than the first page and does not push anything into the next one.
        app.action(webhook(&format!("Meanwhile {pages}"), "a.b", &sink.at("/x"), json!({}))).await;
        match page.at("/next_cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((pages, seen.len()), (3, 5));
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), made);
    app.finish().await;
}

#[tokio::test]
async fn a_test_tells_the_gate_and_the_reason() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let id = app.action(webhook("Adults", "user.*", &sink.at("/x"), json!({"conditions": [{"field": "age", "operator": "gt", "value": 18}]}))).await;
    let path = format!("/event-actions/{id}/test");
    for (event_type, data, matched, stopped_at, word) in [
        ("user.created", json!({"age": 20}), true, Value::Null, "passes"),
        ("user.created", json!({"age": "20"}), false, json!("conditions"), "number"),
        ("users.created", json!({"age": 20}), false, json!("event_type"), "users.created"),
    ] {
        let report = app.post(&path, &json!({"event_type": event_type, "event_data": data})).await.expect(200);
        assert_eq!((report.at("/matched"), report.at("/stopped_at")), (&json!(matched), &stopped_at));
        assert!(report.text("/reason").contains(word), "{}", report.text("/reason"));
        assert!(!report.at("/preview").is_null(), "later gates are looked at even when an earlier one stops");
    }
    assert!(sink.paths().is_empty());
    let sent = app.post(&path, &json!({"event_type": "user.created", "event_data": {"age": 20}, "dry_run": false})).await.expect(200);
    assert_eq!(sent.text("/execution/status"), "succeeded");
    assert_eq!(sink.hits("/x").len(), 1);

    let draft = webhook("", "user.**", &sink.at("/x"), json!({"conditions": [{"field": "age", "operator": "in", "value": 18}]}));
    let refused = app.post("/event-actions/test", &json!({"action": draft, "event_type": "user.created"})).await;
    refused.problem(422);
    let pointers: BTreeSet<&str> = refused.at("/errors").as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, BTreeSet::from(["/action/name", "/action/event_types/0", "/action/conditions/0/value"]));
    app.finish().await;
}

#[tokio::test]
async fn a_match_names_who_runs_in_order_and_what_stops_the_others() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let url = sink.at("/x");
    let low = app.action(webhook("Low", "user.*", &url, json!({"priority": "low"}))).await;
    let critical = app.action(webhook("Critical", "*", &url, json!({"priority": "critical"}))).await;
    let off = app.action(webhook("Off", "user.created", &url, json!({"is_enabled": false}))).await;
    let picky = app.action(webhook("Picky", "user.created", &url, json!({"conditions": [{"field": "vip", "operator": "equals", "value": true}]}))).await;
    let answer = app.post("/event-actions/match", &json!({"event_type": "user.created", "event_data": {"vip": false}})).await.expect(200);
    let ids: Vec<&str> = answer.at("/matched").as_array().unwrap().iter().map(|c| c["action_id"].as_str().unwrap()).collect();
    assert_eq!(ids, [critical.as_str(), low.as_str()]);
    for (id, gate) in [(&off, "enabled"), (&picky, "conditions")] {
        let stopped = answer.at("/stopped").as_array().unwrap().iter().find(|c| c["action_id"] == **id).unwrap();
        assert_eq!(stopped["stopped_at"], gate);
    }
    assert!(sink.paths().is_empty() && app.get("/events").await.expect(200).items().is_empty(), "a question stores nothing");
    app.finish().await;
}

#[tokio::test]
async fn a_backtest_counts_over_stored_events() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    for age in [10, 20, 30] {
        app.post("/events", &event("user.created", json!({"age": age}))).await.expect(200);
    }
    app.post("/events", &event("order.paid", json!({"age": 40}))).await.expect(200);
    let id = app.action(webhook("Adults", "user.*", &sink.at("/x"), json!({"conditions": [{"field": "age", "operator": "gt", "value": 18}]}))).await;
    let report = app.call(&format!("/event-actions/{id}/backtest")).await.expect(200);
    assert_eq!((report.at("/considered"), report.at("/matched")), (&json!(4), &json!(2)));
    assert_eq!(report.at("/event_ids").as_array().map(Vec::len), Some(2));
    let limited = app.post(&format!("/event-actions/{id}/backtest"), &json!({"limit": 1})).await.expect(200);
    assert_eq!((limited.at("/considered"), limited.at("/matched")), (&json!(1), &json!(0)));
    assert_eq!(app.post(&format!("/event-actions/{id}/backtest"), &json!({"limit": 0})).await.problem(422).1, "/limit");
    assert!(sink.paths().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_backtest_reaches_over_many_pages_and_counts_per_gate() {
    let app = TestApp::start().await;
    let batch: Vec<Value> = (0..130).map(|n| event(if n % 10 == 0 { "order.paid" } else { "user.created" }, json!({"n": n}))).collect();
    app.post("/events/batch", &json!(batch)).await.expect(200);
    let conditions = json!({"conditions": [{"field": "n", "operator": "gte", "value": 100}], "context_filters": {}});
    let id = app.action(webhook("Late ones", "user.*", "https://example.com/x", conditions)).await;
    let report = app.post(&format!("/event-actions/{id}/backtest"), &json!({"limit": 1000})).await.expect(200);
    assert_eq!((report.at("/considered"), report.at("/matched"), report.at("/is_cut_short")), (&json!(130), &json!(27), &json!(false)));
    assert_eq!(report.at("/stopped"), &json!([{"gate": "event_type", "count": 13}, {"gate": "conditions", "count": 90}]));
    let ids: BTreeSet<&str> = report.at("/event_ids").as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(ids.len(), 27, "no event is counted twice");
    let part = app.post(&format!("/event-actions/{id}/backtest"), &json!({"limit": 75})).await.expect(200);
    assert_eq!(part.at("/considered"), &json!(75), "more than a page, less than all");
    assert_eq!(app.post(&format!("/event-actions/{id}/backtest"), &json!({"limit": 1001})).await.problem(422).1, "/limit");
    app.finish().await;
}

#[tokio::test]
async fn numbers_and_health_follow_what_ran() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let id = app.action(webhook("Numbers", "a.b", &sink.at("/x"), json!({"execution_mode": "sync", "max_retries": 0}))).await;
    sink.on("/x", [crate::util::Reply::status(200), crate::util::Reply::status(400)]);
    app.post("/events", &event("a.b", json!({}))).await.expect(200);
    app.post("/events", &event("a.b", json!({}))).await.expect(200);
    for path in [format!("/event-actions/{id}/stats?window=15m"), "/event-actions/stats/overview?window=7d".to_owned()] {
        let stats = app.get(&path).await.expect(200);
        assert_eq!((stats.at("/total_executions"), stats.at("/success_rate_percent")), (&json!(2), &json!(50.0)), "{path}");
        assert_eq!((stats.at("/by_status/succeeded"), stats.at("/by_status/failed")), (&json!(1), &json!(1)));
        assert!(stats.at("/series").as_array().is_some_and(|s| !s.is_empty()) && stats.at("/p95_ms").is_number());
    }
    let health = app.get(&format!("/event-actions/{id}/health")).await.expect(200);
    assert!(["healthy", "degraded", "critical", "unknown"].contains(&health.text("/status")) && !health.text("/message").is_empty());
    app.finish().await;
}
