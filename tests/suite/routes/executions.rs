//! Executions over REST: history with attempts, retries, dead letters, replay, cancel.

use event_actions::db::Db;
use event_actions::on_tx;
use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{Reply, Sink, TestApp, event, webhook};

/// Sends an event of type `a.b` and returns the id of its only execution.
async fn run(app: &TestApp, data: Value) -> String {
    app.post("/events", &event("a.b", data)).await.text("/executions/0/id").to_owned()
}

/// Somebody wants it stopped while its attempt is ending by itself: that must not be forgotten with the attempt.
#[tokio::test]
async fn what_is_cancelled_while_its_attempt_ends_is_not_tried_again() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500).after_ms(700)]);
    app.action(webhook("Slow", "a.b", &sink.at("/x"), json!({"execution_mode": "async", "retry_delay_seconds": 3600}))).await;
    let id = run(&app, json!({})).await;
    sink.wait_for("/x", 1).await;
    // As another node notes it: this one has not heard of it yet.
    let db = Db::connect(&app.engine.config().effective_database_url(), 2).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let sql = "update action_executions set cancel_requested = true where id = $1 and status = 'running'";
    let noted = on_tx!(&mut tx, conn => sqlx::query(sql).bind(&id).execute(conn).await.map(|r| r.rows_affected())).unwrap();
    tx.commit().await.unwrap();
    assert_eq!(noted, 1);
    let done = app.execution(&id, &["cancelled", "retrying"]).await;
    assert_eq!((done.text("/status"), done.at("/attempts").as_array().map(Vec::len)), ("cancelled", Some(1)), "{:#}", done.body);
    assert!(done.at("/finished_at").is_string(), "{:#}", done.body);
    db.close().await;
    app.finish().await;
}

#[tokio::test]
async fn a_failing_webhook_is_retried_and_every_attempt_is_kept() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500).json(json!({"why": "tired"})), Reply::status(429).header("retry-after", "0"), Reply::status(200)]);
    let action = app.action(webhook("Retry", "a.b", &sink.at("/x"), json!({}))).await;
    let id = run(&app, json!({"n": 1})).await;
    let done = app.execution(&id, &["succeeded"]).await;
    assert_eq!(done.text("/action_id"), action);
    let attempts = done.at("/attempts").as_array().unwrap();
    assert_eq!(attempts.iter().map(|a| a["outcome"].as_str().unwrap()).collect::<Vec<_>>(), ["failed", "failed", "succeeded"]);
    assert_eq!(attempts.iter().map(|a| a["number"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((&attempts[0]["error"]["class"], &attempts[0]["error"]["retryable"]), (&json!("http_status"), &json!(true)));
    assert_eq!(attempts[0]["response"]["status"], 500);
    assert!(attempts[0]["response"].to_string().contains("tired") && attempts[0]["request"].to_string().contains(&sink.at("/x")));
    let hits = sink.hits("/x");
    assert!(hits.len() == 3 && hits.iter().all(|h| h.header("webhook-id") == id), "the id is stable over attempts");
    app.finish().await;
}

#[tokio::test]
async fn dead_letters_are_replayed_or_discarded() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500), Reply::status(500), Reply::status(200)]);
    let action = app.action(webhook("Dead", "a.b", &sink.at("/x"), json!({"max_retries": 0}))).await;
    let first = run(&app, json!({"n": 1})).await;
    app.execution(&first, &["dead_letter"]).await;
    let second = run(&app, json!({"n": 2})).await;
    app.execution(&second, &["dead_letter"]).await;
    let dead = app.get("/dead-letters").await.expect(200);
    assert_eq!(dead.items().iter().map(|x| x["id"].as_str().unwrap()).collect::<Vec<_>>(), [second.as_str(), first.as_str()], "latest first");
    assert_eq!(app.get(&format!("/event-actions/{action}/executions?status=failed")).await.expect(200).items().len(), 2, "failed covers dead letters");
    assert_eq!(app.get("/dead-letters?error_class=http_status&handler_type=webhook").await.expect(200).items().len(), 2);
    assert_eq!(app.get("/dead-letters?error_class=timeout").await.expect(200).items().len(), 0);

    let replay = app.call(&format!("/dead-letters/{first}/replay")).await.expect(202);
    assert_eq!((replay.text("/replay_of"), replay.header("location")), (first.as_str(), format!("/api/v1/executions/{}", replay.id()).as_str()));
    app.execution(&replay.id(), &["succeeded"]).await;
    let old = app.get(&format!("/executions/{first}")).await.expect(200);
    assert_eq!(old.text("/status"), "dead_letter", "terminal states never change");
    assert!(old.at("/handled_at").is_string());
    let discarded = app.call(&format!("/dead-letters/{second}/discard")).await.expect(200);
    assert!(discarded.at("/handled_at").is_string());
    app.call(&format!("/dead-letters/{second}/discard")).await.problem(409);
    assert!(app.get("/dead-letters").await.expect(200).items().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_replay_takes_the_original_or_the_current_version_or_another_payload() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let action = app.action(webhook("Versions", "a.b", &sink.at("/old"), json!({"execution_mode": "sync"}))).await;
    let id = run(&app, json!({"n": 1})).await;
    app.put(&format!("/event-actions/{action}"), &json!({"configuration": {"url": sink.at("/new")}})).await.expect(200);
    for (body, path, version, n) in
        [(json!({}), "/old", 1, 1), (json!({"action_version": "current"}), "/new", 2, 1), (json!({"action_version": "current", "event_data": {"n": 2}}), "/new", 2, 2)]
    {
        let before = sink.hits(path).len();
        let replay = app.post(&format!("/executions/{id}/replay"), &body).await.expect(202);
        let done = app.execution(&replay.id(), &["succeeded"]).await;
        assert_eq!((done.at("/action_version"), done.text("/replay_of")), (&json!(version), id.as_str()));
        assert_eq!(sink.wait_for(path, before + 1).await[before].json()["data"]["n"], n);
    }
    assert_eq!(app.post(&format!("/executions/{id}/replay"), &json!({"action_version": "newest"})).await.problem(422).1, "/action_version");
    app.finish().await;
}

#[tokio::test]
async fn what_waits_can_be_cancelled_and_what_ended_cannot() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500)]);
    app.action(webhook("Waits", "a.b", &sink.at("/x"), json!({"retry_delay_seconds": 3600}))).await;
    let id = run(&app, json!({})).await;
    let waiting = app.execution(&id, &["retrying"]).await;
    assert!(waiting.at("/next_attempt_at").is_string());
    app.call(&format!("/executions/{id}/replay")).await.problem(409);
    let cancelled = app.call(&format!("/executions/{id}/cancel")).await.expect(200);
    assert_eq!(cancelled.text("/status"), "cancelled");
    app.call(&format!("/executions/{id}/cancel")).await.problem(409);
    assert_eq!(sink.hits("/x").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn what_runs_can_be_cancelled() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(200).after_ms(20_000)]);
    app.action(webhook("Hangs", "a.b", &sink.at("/x"), json!({}))).await;
    let id = run(&app, json!({})).await;
    sink.wait_for("/x", 1).await;
    app.call(&format!("/executions/{id}/cancel")).await.expect(200);
    let done = app.execution(&id, &["cancelled"]).await;
    assert!(done.at("/duration_ms").as_i64().is_none_or(|ms| ms < 15_000), "{:#}", done.body);
    app.finish().await;
}

#[tokio::test]
async fn a_timeout_is_an_error_of_its_own_class() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(200).after_ms(10_000)]);
    app.action(webhook("Slow", "a.b", &sink.at("/x"), json!({"timeout_seconds": 1, "max_retries": 0}))).await;
    let id = run(&app, json!({})).await;
    let done = app.execution(&id, &["dead_letter"]).await;
    assert_eq!((done.text("/error/class"), done.at("/error/retryable")), ("timeout", &json!(true)));
    app.finish().await;
}

#[tokio::test]
async fn lists_of_executions_are_filtered_and_paged() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/bad", [Reply::status(404)]);
    let good = app.action(webhook("Good", "a.b", &sink.at("/good"), json!({"execution_mode": "sync"}))).await;
    app.action(webhook("Bad", "a.b", &sink.at("/bad"), json!({"execution_mode": "sync"}))).await;
    for n in 0..3 {
        app.post("/events", &json!({"id": format!("e{n}"), "event_type": "a.b"})).await.expect(200);
    }
    for (query, count) in [
        (String::new(), 6),
        ("?status=succeeded".into(), 3),
        ("?status=failed".into(), 3),
        ("?status=pending".into(), 0),
        (format!("?action_id={good}"), 3),
        ("?event_id=e1".into(), 2),
        ("?event_type=a.b&handler_type=webhook".into(), 6),
        ("?error_class=http_status".into(), 3),
        ("?from=2999-01-01T00:00:00Z".into(), 0),
        ("?to=2999-01-01T00:00:00Z".into(), 6),
        ("?min_duration_ms=600000".into(), 0),
    ] {
        assert_eq!(app.get(&format!("/executions{query}")).await.expect(200).items().len(), count, "{query}");
    }
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/executions?limit=4{cursor}")).await.expect(200);
        ids.extend(page.items().iter().map(|x| x["id"].as_str().unwrap().to_owned()));
        match page.at("/next_cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids.len(), 6);
    assert!(ids.windows(2).all(|w| w[0] > w[1]), "latest first, none twice");
    app.get("/executions?status=nonsense").await.problem(422);
    app.finish().await;
}

#[tokio::test]
async fn scopes_decide_what_a_key_may_do() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let action = app.action(webhook("Scopes", "a.b", &sink.at("/x"), json!({"execution_mode": "sync"}))).await;
    let sender = app.tenant_key("default", &["events:write"]).await;
    let viewer = app.tenant_key("default", &["executions:read"]).await;
    let sent = app.send_as(&sender, Method::POST, "/events", Some(&event("a.b", json!({})))).await.expect(200);
    let id = sent.text("/executions/0/id");
    app.send_as(&viewer, Method::GET, &format!("/executions/{id}"), None).await.expect(200);
    for (key, method, path, body) in [
        (&sender, Method::GET, format!("/executions/{id}"), None),
        (&sender, Method::GET, "/events".into(), None),
        (&sender, Method::POST, format!("/event-actions/{action}/disable"), None),
        (&viewer, Method::POST, format!("/executions/{id}/replay"), Some(json!({}))),
        (&viewer, Method::POST, "/events".into(), Some(event("a.b", json!({})))),
        (&viewer, Method::GET, "/event-actions".into(), None),
        (&viewer, Method::GET, "/api-keys".into(), None),
        (&viewer, Method::POST, "/tenants".into(), Some(json!({"id": "x", "name": "x"}))),
    ] {
        app.send_as(key, method.clone(), &path, body.as_ref()).await.problem(403);
    }
    app.finish().await;
}
