//! Events over REST: receipts, duplicates, batches, sync actions, lists, replay, trace.

use std::time::{Duration, Instant};

use event_actions::engine::Caller;
use event_actions::model::event::Event;
use event_actions::model::execution::Status;
use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{Reply, Sink, TestApp, event, webhook};

#[tokio::test]
async fn an_event_is_stored_as_sent() {
    let app = TestApp::start().await;
    let sent = json!({
        "id": "my-event/1", "event_type": "user.created", "aggregate_id": "u1", "aggregate_type": "user", "data": {"n": 1.5, "text": "ä\u{0}\n", "nested": [null, {"a": true}]},
        "metadata": {"source": "test"}, "occurred_at": "2026-01-31T13:00:00+01:00", "correlation_id": "c1", "causation_id": "x1"
    });
    let receipt = app.post("/events", &sent).await.expect(200);
    assert_eq!(receipt.body, json!({"event_id": "my-event/1", "duplicate": false, "matched": 0, "executions": []}));
    let stored = app.get("/events/my-event%2F1").await.expect(200);
    for member in ["id", "event_type", "aggregate_id", "aggregate_type", "data", "metadata", "correlation_id", "causation_id"] {
        assert_eq!(stored.body[member], sent[member], "{member}");
    }
    assert_eq!((stored.text("/occurred_at"), stored.text("/tenant_id")), ("2026-01-31T12:00:00.000Z", "default"));
    app.finish().await;
}

#[tokio::test]
async fn the_same_again_is_a_duplicate_and_runs_nothing_twice() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.action(webhook("Sync", "a.b", &sink.at("/x"), json!({"execution_mode": "sync"}))).await;
    let keyed = |key: &str, body: &Value| app.send(app.request(Method::POST, "/api/v1/events").header("idempotency-key", key).json(body));

    let first = keyed("k-1", &event("a.b", json!({"n": 1, "m": 2}))).await.expect(200);
    let again = app.request(Method::POST, "/api/v1/events").header("idempotency-key", "k-1").header("content-type", "application/json");
    let again = app.send(again.body(r#" { "data": {"m":2,"n":1}, "event_type":"a.b" } "#)).await.expect(200);
    assert_eq!((again.at("/duplicate"), again.at("/event_id")), (&json!(true), first.at("/event_id")), "bodies are compared as parsed JSON");
    assert_eq!(again.at("/executions/0/id"), first.at("/executions/0/id"));
    assert_eq!(again.at("/executions/0/status"), "succeeded");
    keyed("k-1", &event("a.b", json!({"n": 2}))).await.problem(409);
    assert_eq!(keyed("k-2", &event("a.b", json!({"n": 1, "m": 2}))).await.expect(200).at("/duplicate"), false, "another key is another event");

    let own = json!({"id": "mine", "event_type": "a.b", "data": {"n": 1}});
    app.post("/events", &own).await.expect(200);
    assert_eq!(app.post("/events", &own).await.expect(200).at("/duplicate"), true);
    app.post("/events", &json!({"id": "mine", "event_type": "a.b", "data": {"n": 2}})).await.problem(409);
    assert_eq!(sink.hits("/x").len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn many_senders_of_the_same_key_store_one_event() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.action(webhook("Once", "a.b", &sink.at("/x"), json!({}))).await;
    let body = event("a.b", json!({"n": 1}));
    let requests = (0..20).map(|_| app.send(app.request(Method::POST, "/api/v1/events").header("idempotency-key", "race").json(&body)));
    let answers = futures::future::join_all(requests).await;
    assert!(answers.iter().all(|a| a.status == 200 || a.status == 202), "{answers:?}");
    assert_eq!(answers.iter().filter(|a| a.at("/duplicate") == false).count(), 1);
    assert!(answers.iter().all(|a| a.at("/event_id") == answers[0].at("/event_id")));
    sink.wait_for("/x", 1).await;
    assert_eq!(app.get("/events").await.expect(200).items().len(), 1);
    app.finish().await;
}

/// What a client that hangs up had stored runs at once; it does not wait until a lease has run out.
#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_work_behind() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.action(webhook("Sync", "a.b", &sink.at("/x"), json!({"execution_mode": "sync"}))).await;
    app.action(webhook("Async", "a.b", &sink.at("/x"), json!({}))).await;
    // The moment of hanging up wanders over reading, matching, the commit and what follows.
    for wait in (0..40).map(|n| Duration::from_micros(n * 250)) {
        app.post_and_hang_up("/events", &event("a.b", json!({})), wait).await;
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let all = app.get("/executions?limit=200").await.expect(200);
        let left = all.items().iter().filter(|x| x["status"] != "succeeded").count();
        if left == 0 && !all.items().is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "{left} executions of {} have not run", all.items().len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn sync_actions_run_in_order_of_priority_and_answer() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    for priority in ["low", "high", "critical"] {
        let path = format!("/{priority}");
        sink.on(&path, [Reply::status(200).after_ms(30).json(json!({"from": priority}))]);
        app.action(webhook(priority, "a.b", &sink.at(&path), json!({"execution_mode": "sync", "priority": priority}))).await;
    }
    let answer = app.post("/events", &event("a.b", json!({}))).await.expect(200);
    let executions = answer.at("/executions").as_array().unwrap();
    assert_eq!(executions.iter().map(|x| x["priority"].as_str().unwrap()).collect::<Vec<_>>(), ["critical", "high", "low"]);
    for x in executions {
        assert_eq!(x["status"], "succeeded");
        assert!(x["result"].to_string().contains(x["priority"].as_str().unwrap()), "the answer carries each result: {x:#}");
    }
    assert_eq!(sink.paths(), ["/critical", "/high", "/low"]);
    app.finish().await;
}

#[tokio::test]
async fn a_sync_action_past_the_deadline_goes_on_in_the_background() {
    let (app, sink) = (TestApp::with(|c| c.sync_deadline_seconds = 1).await, Sink::start().await);
    sink.on("/slow", [Reply::status(200).after_ms(2_500)]);
    app.action(webhook("Slow", "a.b", &sink.at("/slow"), json!({"execution_mode": "sync"}))).await;
    let began = Instant::now();
    let answer = app.post("/events", &event("a.b", json!({}))).await.expect(202);
    assert!(began.elapsed() >= Duration::from_millis(900) && began.elapsed() < Duration::from_millis(2_400), "{:?}", began.elapsed());
    assert_eq!(answer.text("/executions/0/status"), "running");
    let done = app.execution(answer.text("/executions/0/id"), &["succeeded"]).await;
    assert_eq!((done.at("/attempt_count"), sink.hits("/slow").len()), (&json!(1), 1), "it finished, and was not sent twice");
    app.finish().await;
}

#[tokio::test]
async fn a_sync_failure_never_fails_the_event() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/gone", [Reply::status(404)]);
    sink.on("/busy", [Reply::status(503), Reply::status(200)]);
    app.action(webhook("Gone", "a.permanent", &sink.at("/gone"), json!({"execution_mode": "sync"}))).await;
    app.action(webhook("Busy", "a.passing", &sink.at("/busy"), json!({"execution_mode": "sync", "retry_delay_seconds": 1}))).await;
    let answer = app.post("/events", &event("a.permanent", json!({}))).await.expect(200);
    assert_eq!((answer.text("/executions/0/status"), answer.at("/executions/0/error/retryable")), ("failed", &json!(false)));
    let answer = app.post("/events", &event("a.passing", json!({}))).await.expect(202);
    assert_eq!(answer.text("/executions/0/status"), "retrying");
    let done = app.execution(answer.text("/executions/0/id"), &["succeeded"]).await;
    assert_eq!(done.at("/attempts").as_array().map(Vec::len), Some(2));
    app.finish().await;
}

#[tokio::test]
async fn one_bad_item_does_not_reject_a_batch() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.action(webhook("Each", "a.b", &sink.at("/x"), json!({}))).await;
    let batch = json!([{"event_type": "a.b", "id": "one"}, {"event_type": "a b"}, {"event_type": "a.b", "nope": 1}, {"event_type": "a.b", "id": "two"}, 7, {"event_type": "a.b", "id": "one"}]);
    let answer = app.post("/events/batch", &batch).await.expect(207);
    assert_eq!((answer.at("/accepted"), answer.at("/refused")), (&json!(3), &json!(3)));
    let items = answer.items();
    assert_eq!(items.iter().map(|i| i["index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!((&items[0]["receipt"]["event_id"], &items[3]["receipt"]["event_id"]), (&json!("one"), &json!("two")));
    assert_eq!(items[1]["error"]["errors"][0]["pointer"], "/1/event_type");
    assert_eq!(items[2]["error"]["errors"][0]["pointer"], "/2/nope");
    assert_eq!((&items[4]["status"], &items[5]["receipt"]["duplicate"]), (&json!(422), &json!(true)));
    sink.wait_for("/x", 2).await;

    let lines = "{\"event_type\":\"c.d\"}\n\n{broken\n{\"event_type\":\"c.d\"}";
    let sent = app.request(Method::POST, "/api/v1/events/batch").header("content-type", "application/x-ndjson").body(lines);
    let answer = app.send(sent).await.expect(207);
    assert_eq!(answer.items().iter().map(|i| i["status"].as_u64().unwrap()).collect::<Vec<_>>(), [200, 400, 200]);
    assert_eq!(app.post("/events/batch", &json!([])).await.expect(200).at("/items"), &json!([]));
    app.finish().await;
}

#[tokio::test]
async fn a_full_batch_is_taken_and_a_larger_one_is_not() {
    let app = TestApp::start().await;
    let batch = |n: usize| Value::Array((0..n).map(|i| json!({"event_type": "bulk.item", "id": format!("e{i}")})).collect());
    assert_eq!(app.post("/events/batch", &batch(1000)).await.expect(200).at("/accepted"), 1000);
    app.post("/events/batch", &batch(1001)).await.problem(413);
    app.finish().await;
}

#[tokio::test]
async fn lists_of_events_are_filtered_and_paged() {
    let app = TestApp::start().await;
    for n in 0..5 {
        let sent = json!({"event_type": if n % 2 == 0 { "user.created" } else { "order.paid" }, "aggregate_id": format!("agg{n}"), "correlation_id": "c", "id": format!("e{n}")});
        app.post("/events", &sent).await.expect(200);
    }
    for (query, count) in [
        ("", 5),
        ("?event_type=user.created", 3),
        ("?event_type=order.*", 2),
        ("?aggregate_id=agg3", 1),
        ("?correlation_id=c&event_type=user.*", 3),
        ("?from=2999-01-01T00:00:00Z", 0),
        ("?to=2999-01-01T00:00:00Z", 5),
    ] {
        assert_eq!(app.get(&format!("/events{query}")).await.expect(200).items().len(), count, "{query}");
    }
    let first = app.get("/events?limit=3").await.expect(200);
    let second = app.get(&format!("/events?limit=3&cursor={}", first.text("/next_cursor"))).await.expect(200);
    let mut ids: Vec<&str> = first.items().iter().chain(second.items()).map(|e| e["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["e0", "e1", "e2", "e3", "e4"]);
    assert!(second.at("/next_cursor").is_null());
    app.finish().await;
}

#[tokio::test]
async fn a_replay_runs_todays_actions_and_a_trace_tells_why() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let stopped = app.action(webhook("Adults", "user.*", &sink.at("/adults"), json!({"conditions": [{"field": "age", "operator": "gt", "value": 18}]}))).await;
    let ran = app.action(webhook("All", "*", &sink.at("/all"), json!({"execution_mode": "sync"}))).await;
    app.post("/events", &json!({"id": "e1", "event_type": "user.created", "data": {"age": 10}})).await.expect(200);
    let trace = app.get("/events/e1/trace").await.expect(200);
    let of = |id: &str| trace.items().iter().find(|c| c["action_id"] == id).unwrap();
    assert_eq!((&of(&ran)["matched"], &of(&ran)["execution_status"]), (&json!(true), &json!("succeeded")));
    assert_eq!((&of(&stopped)["matched"], &of(&stopped)["stopped_at"]), (&json!(false), &json!("conditions")));
    assert!(of(&stopped)["reason"].as_str().unwrap().contains("18"));

    let replay = app.call("/events/e1/replay").await.expect(202);
    assert_eq!(replay.at("/matched"), 1);
    sink.wait_for("/all", 2).await;
    app.execution(replay.text("/executions/0/id"), &["succeeded"]).await;
    app.finish().await;
}

/// A trace shows actions as they were when the event came: changed, deleted and new ones too, in pages.
#[tokio::test]
async fn a_trace_goes_back_to_the_versions_of_then() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let changed = app.action(webhook("Changed", "a.b", &sink.at("/x"), json!({"is_enabled": false}))).await;
    let deleted = app.action(webhook("Deleted", "b.*", &sink.at("/x"), json!({}))).await;
    let other = app.action(webhook("Other", "c.d", &sink.at("/x"), json!({"is_enabled": false}))).await;
    let gone = app.action(webhook("Gone before", "a.b", &sink.at("/x"), json!({}))).await;
    app.delete(&format!("/event-actions/{gone}")).await.expect(204);
    app.post("/events", &json!({"id": "e1", "event_type": "a.b"})).await.expect(200);
    tokio::time::sleep(Duration::from_millis(5)).await;
    app.call(&format!("/event-actions/{changed}/enable")).await.expect(200);
    app.delete(&format!("/event-actions/{deleted}")).await.expect(204);
    app.action(webhook("Made later", "a.b", &sink.at("/x"), json!({}))).await;

    let seen: Vec<(String, i64, String)> = app
        .get("/events/e1/trace")
        .await
        .expect(200)
        .items()
        .iter()
        .map(|c| (c["action_id"].as_str().unwrap().into(), c["action_version"].as_i64().unwrap(), c["stopped_at"].as_str().unwrap().into()))
        .collect();
    // Those that went furthest come first.
    let (a, b) = if changed < other { (&changed, &other) } else { (&other, &changed) };
    assert_eq!(seen, [(deleted.clone(), 1, "event_type".into()), (a.clone(), 1, "enabled".into()), (b.clone(), 1, "enabled".into())]);
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("/events/e1/trace?limit=1{cursor}")).await.expect(200);
        assert_eq!((page.at("/total"), page.items().len()), (&json!(3), 1));
        paged.push(page.text("/items/0/action_id").to_owned());
        match page.at("/next_cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, seen.iter().map(|(id, _, _)| id.clone()).collect::<Vec<_>>());
    app.finish().await;
}

/// With every filter that has an index of its own, a tenant still sees its own alone.
#[tokio::test]
async fn filters_keep_to_the_tenant() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/bad", [Reply::status(404)]);
    sink.on("/down", [Reply::status(503)]);
    let later = json!({"max_retries": 3, "retry_delay_seconds": 3600});
    for (name, path, more) in [("Good", "/good", json!({})), ("Bad", "/bad", json!({})), ("Down", "/down", later.clone()), ("To be stopped", "/down", later)] {
        app.action(webhook(name, "order.*", &sink.at(path), more)).await;
    }
    let scopes = ["events:write", "events:read", "executions:read", "executions:write"];
    let keys = [app.tenant_key("north", &scopes).await, app.tenant_key("south", &scopes).await];
    let mut sent = Vec::new();
    for (tenant, key) in ["north", "south"].iter().zip(&keys) {
        let body = json!({"id": "same", "event_type": "order.paid", "aggregate_id": "o1", "correlation_id": "c1"});
        let receipt = app.send_as(key, Method::POST, "/events", Some(&body)).await;
        for x in receipt.at("/executions").as_array().unwrap() {
            let done = app.execution(x["id"].as_str().unwrap(), &["succeeded", "failed", "dead_letter", "retrying"]).await;
            if done.text("/action_name") == "To be stopped" {
                app.call(&format!("/executions/{}/cancel", done.id())).await;
                app.execution(&done.id(), &["cancelled"]).await;
            }
        }
        sent.push(app.send_as(key, Method::GET, "/events/same", None).await.expect(200));
        assert_eq!(sent[sent.len() - 1].text("/tenant_id"), *tenant);
    }
    for (path, each) in [
        ("/events?event_type=order.paid", 1),
        ("/events?event_type=order.*", 1),
        ("/events?event_type=stock.*", 0),
        ("/events?event_type=*", 1),
        ("/events?correlation_id=c1", 1),
        ("/events?aggregate_id=o1", 1),
        ("/events?aggregate_id=o1&event_type=order.paid&correlation_id=c1", 1),
        ("/executions?event_type=order.paid", 4),
        ("/executions?error_class=http_status&status=failed", 1),
        ("/executions?status=failed", 1),
        ("/executions?status=succeeded", 1),
        ("/executions?status=cancelled", 1),
        ("/executions?status=retrying", 1),
        ("/executions?status=pending", 0),
        ("/executions?status=running", 0),
    ] {
        for (tenant, key) in ["north", "south"].iter().zip(&keys) {
            let list = app.send_as(key, Method::GET, path, None).await.expect(200);
            assert!(list.items().len() == each && list.items().iter().all(|x| x["tenant_id"] == *tenant), "{path} of {tenant}: {:#}", list.body);
            assert_eq!(app.get(&format!("{path}&tenant_id={tenant}")).await.expect(200).items().len(), each, "{path} of {tenant}");
        }
        assert_eq!(app.get(path).await.expect(200).items().len(), 2 * each, "{path}");
    }

    // What they led to: replays do not count, nor what the caller does not see.
    let replayed = app.get("/executions?status=succeeded&tenant_id=north").await.expect(200);
    app.post(&format!("/executions/{}/replay", replayed.text("/items/0/id")), &json!({})).await.expect(202);
    sink.wait_for("/good", 3).await;
    let events: Vec<Event> = sent.iter().map(|e| serde_json::from_value(e.body.clone()).unwrap()).collect();
    let everything = Caller::system("test");
    let all = app.engine.led_to(&everything, &events).await.unwrap();
    let one = Caller { tenant_id: Some("north".into()), is_platform: false, ..everything };
    let own = app.engine.led_to(&one, &events).await.unwrap();
    assert_eq!((all.len(), own.len()), (2, 1));
    for led_to in [&all, &own] {
        let counts = &led_to[&("north".to_owned(), "same".to_owned())];
        assert_eq!((counts.values().sum::<u64>(), counts[&Status::Succeeded], counts[&Status::Cancelled], counts[&Status::Retrying]), (4, 1, 1, 1), "{counts:?}");
    }
    assert!(app.engine.led_to(&one, &[]).await.unwrap().is_empty());
    for x in app.get("/executions?status=retrying").await.items() {
        app.call(&format!("/executions/{}/cancel", x["id"].as_str().unwrap())).await;
    }
    app.finish().await;
}
