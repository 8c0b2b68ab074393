//! Signed webhooks, verified by an implementation that is not ours; and previews that are exactly what is sent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::util::{Hit, Reply, Sink, TestApp, event, webhook};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Which of the three secrets verify a request.
fn verifies(hit: &Hit) -> [bool; 3] {
    [OLD, NEW, OTHER].map(|secret| {
        let mut headers = reqwest::header::HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, hit.header(name).parse().unwrap());
        }
        Webhook::new(secret).unwrap().verify(&hit.body, &headers).is_ok()
    })
}

#[tokio::test]
async fn signatures_verify_elsewhere_also_while_secrets_change() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.post("/secrets", &json!({"name": "SIGNING", "value": OLD})).await.expect(201);
    app.post("/secrets", &json!({"name": "NEXT", "value": NEW})).await.expect(201);
    let configuration = |secret: Value| json!({"url": sink.at("/x"), "signing_secret": secret});
    let id = app
        .action(json!({
            "name": "Signed", "handler_type": "webhook", "event_types": ["a.b"], "execution_mode": "sync", "configuration": configuration(json!("{{ secret.SIGNING }}"))
        }))
        .await;
    for (secret, expected) in [
        (json!("{{ secret.SIGNING }}"), [true, false, false]),
        (json!(["{{ secret.NEXT }}", "{{ secret.SIGNING }}"]), [true, true, false]),
        (json!("{{ secret.NEXT }}"), [false, true, false]),
        (json!(OTHER), [false, false, true]),
    ] {
        app.put(&format!("/event-actions/{id}"), &json!({"configuration": configuration(secret.clone())})).await.expect(200);
        let sent = app.post("/events", &event("a.b", json!({"text": "ü€ \"x\""}))).await.expect(200);
        assert_eq!(sent.text("/executions/0/status"), "succeeded", "{:#}", sent.body);
        let hit = sink.hits("/x").pop().unwrap();
        assert_eq!(verifies(&hit), expected, "{secret}");
        assert_eq!(hit.header("webhook-id"), sent.text("/executions/0/id"));
        let tampered = Hit { body: [hit.body.as_ref(), b" "].concat().into(), ..hit };
        assert_eq!(verifies(&tampered), [false; 3]);
    }
    app.put(&format!("/event-actions/{id}"), &json!({"configuration": {"url": sink.at("/x")}})).await.expect(200);
    app.post("/events", &event("a.b", json!({}))).await.expect(200);
    assert_eq!(sink.hits("/x").pop().unwrap().header("webhook-signature"), "", "without a secret nothing is signed");
    for bad in [json!([OLD, NEW, OTHER]), json!("whsec_short"), json!(7)] {
        let action = json!({"name": "Bad", "handler_type": "webhook", "event_types": ["a.b"], "configuration": configuration(bad.clone())});
        let refused = app.post("/event-actions", &action).await;
        assert!(refused.problem(422).1.starts_with("/configuration/signing_secret"), "{bad}: {:#}", refused.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn every_attempt_is_signed_anew_under_the_same_id() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/x", [Reply::status(500), Reply::status(503).header("retry-after", "2"), Reply::status(200)]);
    let configuration = json!({"url": sink.at("/x"), "signing_secret": OLD});
    app.action(webhook("Signed", "a.b", "", json!({"configuration": configuration}))).await;
    let id = app.post("/events", &event("a.b", json!({}))).await.text("/executions/0/id").to_owned();
    app.execution(&id, &["succeeded"]).await;
    let hits = sink.hits("/x");
    assert!(hits.len() == 3 && hits.iter().all(|h| h.header("webhook-id") == id && verifies(h)[0]));
    assert_ne!(hits[1].header("webhook-timestamp"), hits[2].header("webhook-timestamp"), "the time is that of the attempt");
    app.finish().await;
}

/// What a sink's hit looks like as a previewed request, without what the connection adds.
fn as_request(hit: &Hit, origin: &str) -> Value {
    let own = ["host", "content-length"];
    let headers: BTreeMap<&str, &str> = hit.headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).filter(|(n, _)| !own.contains(n)).collect();
    let question = if hit.query.is_empty() { "" } else { "?" };
    let text = String::from_utf8_lossy(&hit.body).into_owned();
    let body = if hit.body.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
    json!({"method": hit.method.as_str(), "url": format!("{origin}{}{question}{}", hit.path, hit.query), "headers": headers, "body": body})
}

/// Blanks the headers that differ from one sending to the next.
fn timeless(mut request: Value) -> Value {
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        if let Some(value) = request["headers"].get_mut(name) {
            *value = json!("-");
        }
    }
    request
}

#[tokio::test]
async fn the_preview_of_a_webhook_is_what_arrives() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let data = json!({"user": {"id": 7, "name": "Ada & Co"}, "tags": ["x", "y"], "on": true});
    for (n, configuration) in [
        json!({"body": {"id": "{{ user.id }}", "hello": "Hi {{ user.name }}", "tags": "{{ tags }}", "on": "{{ on }}"}}),
        json!({"method": "PUT", "body": "id={{ user.id }}", "headers": {"Content-Type": "text/x-id", "X-Type": "{{ event.type }}"}}),
        json!({"method": "GET"}),
        json!({"method": "PATCH", "body": "{{ tags }}", "signing_secret": OLD}),
        json!({"method": "DELETE", "body": {"nothing": null}, "headers": {"User-Agent": "mine"}}),
    ]
    .into_iter()
    .enumerate()
    {
        let (event_type, mut configuration) = (format!("preview.n{n}"), configuration);
        configuration["url"] = json!(format!("{}/n{n}/{{{{ user.id }}}}?name={{{{ user.name | urlencode }}}}", sink.url));
        let action = json!({"name": "Shown", "handler_type": "webhook", "event_types": [event_type], "execution_mode": "sync", "configuration": configuration});
        let id = app.action(action.clone()).await;
        let test = json!({"event_type": event_type, "event_data": data});
        let report = app.post(&format!("/event-actions/{id}/test"), &test).await.expect(200);
        assert!(report.at("/stopped_at").is_null(), "{:#}", report.body);
        let drafted = app.post("/event-actions/test", &json!({"action": action, "event_type": event_type, "event_data": data})).await.expect(200);
        let preview = timeless(report.at("/preview/request").clone());
        assert_eq!(timeless(drafted.at("/preview/request").clone()), preview, "a draft shows the same");

        let sent = app.post("/events", &event(&event_type, data.clone())).await.expect(200);
        let hit = sink.hits(&format!("/n{n}/7")).pop().unwrap_or_else(|| panic!("nothing arrived: {:#}", sent.body));
        assert_eq!(preview, timeless(as_request(&hit, &sink.url)), "n{n}: what was shown is what was sent");
        let done = app.get(&format!("/executions/{}", sent.text("/executions/0/id"))).await.expect(200);
        assert_eq!(timeless(done.at("/attempts/0/request").clone()), preview, "n{n}: and what the attempt keeps");
    }
    let paths: BTreeSet<String> = sink.paths().into_iter().collect();
    assert_eq!((paths.len(), sink.paths().len()), (5, 5), "previews send nothing");
    app.finish().await;
}
