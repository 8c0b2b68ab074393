//! The examples and REST calls of the original document, with the exact bodies given there; only the hosts are the sink's.

use serde_json::{Value, json};

use crate::util::{Reply, Sink, TestApp};

/// Example 1, "Basic Webhook Action".
fn example_1(sink: &Sink) -> Value {
    json!({
        "name": "User Registration Webhook",
        "description": "Send webhook when user registers",
        "handler_type": "webhook",
        "configuration": {
            "url": sink.at("/webhooks/user-registered"),
            "method": "POST",
            "headers": {"Authorization": "Bearer your-token"},
            "timeout": 30
        },
        "event_types": ["user.created"],
        "execution_mode": "async",
        "priority": "normal",
        "is_enabled": true
    })
}

/// Example 3, "Complex Conditional Action".
fn example_3(sink: &Sink) -> Value {
    json!({
        "name": "Premium User Activity",
        "description": "Track premium user activities",
        "handler_type": "webhook",
        "configuration": {"url": sink.at("/premium-activity"), "method": "POST"},
        "event_types": ["user.*", "subscription.*"],
        "conditions": [
            {"field": "data.user.subscription", "operator": "in", "value": ["premium", "enterprise"]},
            {"field": "data.user.active", "operator": "equals", "value": true},
            {"field": "data.activity.value", "operator": "gt", "value": 100}
        ],
        "context_filters": {"tenant_id": "premium_tenant"},
        "execution_mode": "sync",
        "priority": "high",
        "timeout_seconds": 15,
        "max_retries": 3
    })
}

/// The event of "Event Dispatching with Actions".
fn dispatched_event() -> Value {
    json!({
        "event_type": "user.created",
        "aggregate_id": "user_123",
        "data": {"user": {"id": "user_123", "email": "john@example.com", "email_verified": true, "subscription": "premium", "active": true}},
        "metadata": {"tenant_id": "premium_tenant"}
    })
}

#[tokio::test]
async fn example_1_sends_the_event_to_the_webhook() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.post("/tenants", &json!({"id": "premium_tenant", "name": "Premium"})).await.expect(201);
    let action = app.post("/event-actions", &example_1(&sink)).await.expect(201);
    assert_eq!(action.header("location"), format!("/api/v1/event-actions/{}", action.id()));
    assert_eq!(action.header("etag"), "\"1\"");
    for (member, value) in example_1(&sink).as_object().unwrap() {
        assert_eq!(action.body[member], *value, "{member}");
    }

    let receipt = app.post("/events", &dispatched_event()).await.expect(202);
    assert_eq!((receipt.at("/duplicate"), receipt.at("/matched")), (&json!(false), &json!(1)));
    assert_eq!((receipt.text("/executions/0/mode"), receipt.text("/executions/0/priority")), ("async", "normal"));
    assert_eq!(receipt.text("/executions/0/action_name"), "User Registration Webhook");

    let hits = sink.wait_for("/webhooks/user-registered", 1).await;
    assert_eq!((hits[0].method.as_str(), hits[0].header("authorization")), ("POST", "Bearer your-token"));
    let id = receipt.text("/executions/0/id");
    assert_eq!(hits[0].header("webhook-id"), id);
    let stored = app.get(&format!("/events/{}?tenant_id=premium_tenant", receipt.text("/event_id"))).await.expect(200);
    assert_eq!(hits[0].json(), stored.body, "the default body is the event as it is shown");
    assert_eq!(stored.body["data"], dispatched_event()["data"]);

    let done = app.execution(id, &["succeeded"]).await;
    assert_eq!(done.at("/attempts").as_array().map(Vec::len), Some(1));
    assert_eq!(done.text("/attempts/0/outcome"), "succeeded");
    assert_eq!(done.at("/attempts/0/response/status"), 200);
    assert_eq!(done.text("/tenant_id"), "premium_tenant");
    app.post("/events", &json!({"event_type": "user.deleted", "data": {}})).await.expect(200);
    assert_eq!(sink.paths().len(), 1, "another type does not match");
    app.finish().await;
}

#[tokio::test]
async fn example_3_runs_inside_the_request_when_everything_holds() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.post("/tenants", &json!({"id": "premium_tenant", "name": "Premium"})).await.expect(201);
    sink.on("/premium-activity", [Reply::status(200).json(json!({"tracked": true}))]);
    let id = app.action(example_3(&sink)).await;

    let without_activity = app.post("/events", &dispatched_event()).await.expect(200);
    assert_eq!(without_activity.at("/matched"), 0, "data.activity.value is missing");
    let with = |event_type: &str, value: Value, tenant: &str| {
        let mut event = dispatched_event();
        event["event_type"] = json!(event_type);
        event["data"]["activity"] = json!({"value": value});
        event["metadata"]["tenant_id"] = json!(tenant);
        event
    };
    for (event_type, value, tenant, matched) in [
        ("user.created", json!(100), "premium_tenant", 0),
        ("user.created", json!("150"), "premium_tenant", 0),
        ("user.created", json!(150), "default", 0),
        ("users.created", json!(150), "premium_tenant", 0),
        ("user.profile.updated", json!(150), "premium_tenant", 1),
        ("subscription.renewed", json!(100.5), "premium_tenant", 1),
    ] {
        let answer = app.post("/events", &with(event_type, value.clone(), tenant)).await.expect(200);
        assert_eq!(answer.at("/matched"), matched, "{event_type} {value} {tenant}");
        if matched == 1 {
            assert_eq!((answer.text("/executions/0/mode"), answer.text("/executions/0/status")), ("sync", "succeeded"));
            assert!(answer.at("/executions/0/result").to_string().contains("tracked"), "{:#}", answer.body);
        }
    }
    assert_eq!(sink.hits("/premium-activity").len(), 2);
    let stats = app.get(&format!("/event-actions/{id}/stats")).await.expect(200);
    assert_eq!(stats.at("/total_executions"), 2);
    app.finish().await;
}

#[tokio::test]
async fn the_rest_calls_of_the_document() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let body = json!({
        "name": "User Registration Webhook",
        "handler_type": "webhook",
        "configuration": {"url": sink.at("/webhook")},
        "event_types": ["user.created"],
        "conditions": [{"field": "data.user.active", "operator": "equals", "value": true}]
    });
    let id = app.action(body.clone()).await;

    let list = app.get("/event-actions?status=active&handler_type=webhook&search=user").await.expect(200);
    assert_eq!((list.items().len(), list.text("/items/0/id")), (1, id.as_str()));
    let action = app.get(&format!("/event-actions/{id}")).await.expect(200);
    assert_eq!(action.body["conditions"], body["conditions"]);
    assert_eq!((action.text("/execution_mode"), action.text("/priority"), action.at("/max_retries")), ("async", "normal", &json!(3)));

    let test = json!({"event_type": "user.created", "event_data": {"user": {"id": "123", "active": true}}, "dry_run": true});
    let report = app.post(&format!("/event-actions/{id}/test"), &test).await.expect(200);
    assert_eq!((report.at("/matched"), report.at("/stopped_at")), (&json!(true), &Value::Null));
    assert!(!report.text("/reason").is_empty());
    assert_eq!(report.at("/gates").as_array().map(Vec::len), Some(8));
    assert!(report.at("/preview").to_string().contains(&sink.at("/webhook")), "{:#}", report.body);
    assert!(sink.paths().is_empty(), "a dry run sends nothing");

    app.call(&format!("/event-actions/{id}/disable")).await.expect(200);
    assert_eq!(app.get(&format!("/event-actions/{id}")).await.expect(200).at("/is_enabled"), false);
    app.post("/events", &json!({"event_type": "user.created", "data": {"user": {"active": true}}})).await.expect(200);
    assert_eq!(app.call(&format!("/event-actions/{id}/enable")).await.expect(200).at("/is_enabled"), true);

    let updated = app.put(&format!("/event-actions/{id}"), &json!({"name": "Updated Action Name", "is_enabled": false})).await.expect(200);
    assert_eq!((updated.text("/name"), updated.at("/is_enabled"), updated.at("/version")), ("Updated Action Name", &json!(false), &json!(4)));
    assert_eq!(updated.body["conditions"], body["conditions"], "what is absent keeps");

    let history = app.get(&format!("/event-actions/{id}/executions?status=failed&limit=20")).await.expect(200);
    assert!(history.items().is_empty() && history.at("/next_cursor").is_null());
    let overview = app.get("/event-actions/stats/overview").await.expect(200);
    assert_eq!((overview.at("/total_executions"), overview.at("/success_rate_percent")), (&json!(0), &Value::Null));
    app.get(&format!("/event-actions/{id}/stats")).await.expect(200);

    app.delete(&format!("/event-actions/{id}")).await.expect(204);
    app.get(&format!("/event-actions/{id}")).await.problem(404);
    app.finish().await;
}

/// Every operator of the document's table, holding and not.
#[tokio::test]
async fn the_operators_of_the_document() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    for (field, operator, value, holds, fails) in [
        ("status", "equals", json!("active"), json!({"status": "active"}), json!({"status": "inactive"})),
        ("email", "contains", json!("@company.com"), json!({"email": "a@company.com"}), json!({"email": "a@example.com"})),
        ("age", "gt", json!(18), json!({"age": 19}), json!({"age": 18})),
        ("score", "lt", json!(100), json!({"score": 99}), json!({"score": 100})),
        ("status", "in", json!(["active", "pending"]), json!({"status": "pending"}), json!({"status": "banned"})),
        ("status", "not_in", json!(["banned", "deleted"]), json!({"status": "active"}), json!({"status": "banned"})),
        ("optional_field", "exists", json!(true), json!({"optional_field": null}), json!({})),
        ("removed_field", "not_exists", json!(true), json!({}), json!({"removed_field": 1})),
    ] {
        let draft = json!({
            "name": operator, "handler_type": "webhook", "configuration": {"url": sink.at("/x")}, "event_types": ["*"],
            "conditions": [{"field": field, "operator": operator, "value": value}]
        });
        for (data, matched) in [(holds, true), (fails, false)] {
            let answer = app.post("/event-actions/test", &json!({"action": draft, "event_type": "any.type", "event_data": data})).await.expect(200);
            assert_eq!(answer.at("/matched"), matched, "{field} {operator} {data}: {:#}", answer.body);
            assert_eq!(answer.at("/stopped_at"), &if matched { Value::Null } else { json!("conditions") });
        }
    }
    assert!(sink.paths().is_empty());
    app.finish().await;
}
