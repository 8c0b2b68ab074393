//! CloudEvents 1.0 in its three modes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{Answer, Sink, TestApp, webhook};

async fn send(app: &TestApp, kind: &str, body: &Value) -> Answer {
    app.send(app.request(Method::POST, "/api/v1/cloudevents").header("content-type", kind).body(body.to_string())).await
}

fn cloudevent(id: &str) -> Value {
    json!({"specversion": "1.0", "type": "com.example.created", "source": "/shop", "id": id, "subject": "order 7", "time": "2026-01-31T12:00:00Z", "partitionkey": "p1", "data": {"n": 1}})
}

#[tokio::test]
async fn structured_and_binary_mode_carry_the_same_event() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.action(webhook("Created", "com.example.*", &sink.at("/x"), json!({"execution_mode": "sync", "context_filters": {"partitionkey": "p1"}}))).await;
    let first = send(&app, "application/cloudevents+json; charset=utf-8", &cloudevent("A1")).await.expect(200);
    assert_eq!((first.text("/event_id"), first.at("/matched"), first.text("/executions/0/status")), ("/shop#A1", &json!(1), "succeeded"));
    let stored = app.get("/events/%2Fshop%23A1").await.expect(200);
    assert_eq!(stored.at("/metadata"), &json!({"source": "/shop", "subject": "order 7", "partitionkey": "p1"}));
    assert_eq!((stored.text("/event_type"), stored.text("/occurred_at")), ("com.example.created", "2026-01-31T12:00:00.000Z"));

    let binary = |body: &'static str| {
        let request = app.request(Method::POST, "/api/v1/cloudevents").header("content-type", "application/json").header("ce-specversion", "1.0");
        let request = request.header("ce-type", "com.example.created").header("ce-source", "/shop").header("ce-id", "A1").header("ce-subject", "order%207");
        app.send(request.header("ce-time", "2026-01-31T12:00:00Z").header("ce-partitionkey", "p1").body(body))
    };
    assert_eq!(binary("{\"n\":1}").await.expect(200).at("/duplicate"), true, "source and id name the event, whatever the mode");
    binary("{\"n\":2}").await.problem(409);
    assert_eq!(sink.hits("/x").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_batch_is_answered_item_by_item() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.action(webhook("Created", "com.example.*", &sink.at("/x"), json!({"execution_mode": "sync"}))).await;
    let bad = json!({"specversion": "1.0", "type": "no spaces allowed", "source": "/shop", "id": "B2"});
    let answer = send(&app, "application/cloudevents-batch+json", &json!([cloudevent("B1"), bad, cloudevent("B1")])).await.expect(207);
    assert_eq!((answer.at("/accepted"), answer.at("/refused")), (&json!(2), &json!(1)));
    assert_eq!(answer.items()[0]["receipt"]["executions"][0]["mode"], "async", "in batches sync acts as async");
    assert_eq!(answer.items()[1]["error"]["errors"][0]["pointer"], "/1/type");
    assert_eq!(answer.items()[2]["receipt"]["duplicate"], true);
    sink.wait_for("/x", 1).await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_cloudevent_is_refused() {
    let app = TestApp::start().await;
    let without = |name: &str| {
        let mut event = cloudevent("C1");
        event.as_object_mut().unwrap().remove(name);
        event
    };
    for name in ["specversion", "type", "source", "id"] {
        let answer = send(&app, "application/cloudevents+json", &without(name)).await;
        assert_eq!(answer.problem(422).1, format!("/{name}"));
    }
    send(&app, "application/cloudevents+json", &json!([])).await.problem(422);
    send(&app, "application/cloudevents-batch+json", &cloudevent("C1")).await.problem(422);
    send(&app, "application/cloudevents+xml", &cloudevent("C1")).await.problem(415);
    send(&app, "application/json", &cloudevent("C1")).await.problem(415);
    assert!(app.get("/events").await.expect(200).items().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn data_that_is_no_object_is_wrapped() {
    let app = TestApp::start().await;
    for (id, data) in [("D1", json!("text")), ("D2", json!([1, 2])), ("D3", json!(null))] {
        let mut event = cloudevent(id);
        event["data"] = data.clone();
        send(&app, "application/cloudevents+json", &event).await.expect(200);
        assert_eq!(app.get(&format!("/events/%2Fshop%23{id}")).await.expect(200).at("/data"), &json!({"value": data}));
    }
    app.finish().await;
}
