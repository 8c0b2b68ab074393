//! Secrets reach the receiver and nobody else: a canary value is sent everywhere and searched for everywhere.

use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{Reply, Sink, TestApp, event};

/// A value that nothing else contains, with characters that are written differently in URLs and JSON.
const CANARY: &str = "canary/7f3a 9c\"d1+e5";

/// The forms in which the canary could come back.
fn forms() -> Vec<String> {
    let encoded: String = url::form_urlencoded::byte_serialize(CANARY.as_bytes()).collect();
    let json = json!(CANARY).to_string();
    // Also as JSON and in base64; and no part of it may be left either.
    vec![CANARY.to_owned(), encoded.replace('+', "%20"), encoded, json.trim_matches('"').to_owned(), "7f3a 9c".to_owned(), "Y2FuYXJ5LzdmM2EgOWMi".to_owned()]
}

/// Insists that a text holds no form of the canary.
#[track_caller]
fn clean(what: &str, text: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "{what} shows the secret as {form:?}: {text}");
    }
}

fn action(name: &str, handler_type: &str, configuration: Value) -> Value {
    json!({"name": name, "handler_type": handler_type, "configuration": configuration, "event_types": [format!("secret.{name}")], "execution_mode": "sync", "max_retries": 0})
}

/// One action for every way in which a secret is used, each of which also comes back.
fn users(sink: &Sink) -> Vec<Value> {
    vec![
        action("header", "webhook", json!({"url": sink.at("/header"), "headers": {"X-Key": "Key {{ secret.CANARY }}"}})),
        action("bearer", "webhook", json!({"url": sink.at("/bearer"), "auth": {"type": "bearer", "token": "{{ secret.CANARY }}"}})),
        action("basic", "webhook", json!({"url": sink.at("/basic"), "auth": {"type": "basic", "username": "user", "password": "{{ secret.CANARY }}"}})),
        action("url", "webhook", json!({"url": format!("{}/url?key={{{{ secret.CANARY | urlencode }}}}", sink.url)})),
        action("body", "webhook", json!({"url": sink.at("/body"), "body": {"key": "{{ secret.CANARY }}", "list": ["x {{ secret.CANARY }} y"]}})),
        action("refused", "webhook", json!({"url": format!("{}/refused?key={{{{ secret.CANARY | urlencode }}}}", sink.url), "headers": {"X-Key": "{{ secret.CANARY }}"}})),
        action("nowhere", "webhook", json!({"url": "http://127.0.0.1:1/x?key={{ secret.CANARY | urlencode }}", "headers": {"X-Key": "{{ secret.CANARY }}"}})),
        action("echo", "function", json!({"module": "builtin", "function": "echo", "args": ["{{ secret.CANARY }}"], "kwargs": {"key": "a {{ secret.CANARY }} b"}})),
        action("throws", "function", json!({"module": "secretive", "function": "throws", "kwargs": {"key": "{{ secret.CANARY }}"}})),
        action("logs", "function", json!({"module": "secretive", "function": "logs", "kwargs": {"key": "{{ secret.CANARY }}"}})),
        action(
            "flow",
            "workflow",
            json!({"steps": [
                {"name": "ask", "action": "send", "params": {"destination": "webhook", "url": sink.at("/flow"), "headers": {"X-Key": "{{ secret.CANARY }}"}}},
                {"name": "tell", "action": "function", "params": {"module": "secretive", "function": "logs", "kwargs": {"key": "{{ secret.CANARY }}"}}},
                {"name": "fall", "action": "function", "params": {"module": "secretive", "function": "throws", "kwargs": {"key": "{{ secret.CANARY }}"}}},
            ]}),
        ),
    ]
}

const SECRETIVE: &str = "export function throws(event, args, kwargs) { throw new Error('cannot use ' + kwargs.key); }
export function logs(event, args, kwargs) { console.log('got ' + kwargs.key); return {key: kwargs.key, list: ['x' + kwargs.key]}; }
export function logs_json(event, args, kwargs) { console.log(kwargs); return JSON.stringify(kwargs); }
export function throws_json(event, args, kwargs) { throw new Error(JSON.stringify(kwargs)); }";

#[tokio::test]
async fn a_secret_reaches_the_receiver_and_is_found_nowhere_else() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let made = app.post("/secrets", &json!({"name": "CANARY", "value": CANARY})).await.expect(201);
    clean("the answer to its creation", &made.body.to_string());
    app.post("/functions", &json!({"name": "secretive", "source": SECRETIVE})).await.expect(201);
    // The receivers send back what they got.
    for path in ["header", "bearer", "basic", "url", "body", "flow"] {
        sink.on(&format!("/{path}"), [Reply::status(200).json(json!({"you_sent": CANARY, "deep": [format!("<{CANARY}>")]}))]);
    }
    sink.on("/refused", [Reply::status(400).header("x-echo", "canary/7f3a 9c\"d1+e5").json(json!({"bad_key": CANARY}))]);

    for action in users(&sink) {
        let name = action["name"].as_str().unwrap();
        let id = app.action(action.clone()).await;
        let test = json!({"event_type": format!("secret.{name}"), "event_data": {}});
        let report = app.post(&format!("/event-actions/{id}/test"), &test).await.expect(200);
        clean(&format!("the preview of {name}"), &report.body.to_string());
        assert!(report.at("/preview").is_object(), "{name} can be previewed: {:#}", report.body);
        let sent = app.post("/events", &event(&format!("secret.{name}"), json!({}))).await;
        clean(&format!("the receipt of {name}"), &sent.body.to_string());
        let done = app.execution(sent.text("/executions/0/id"), &["succeeded", "failed", "dead_letter"]).await;
        clean(&format!("the execution of {name}"), &done.body.to_string());
        let fails = ["refused", "nowhere", "throws", "flow"].contains(&name);
        assert_eq!(done.text("/status") == "succeeded", !fails, "{name}: {:#}", done.body);
        for path in ["", "/versions", "/executions", "/health", "/stats"] {
            clean(&format!("{path} of {name}"), &app.get(&format!("/event-actions/{id}{path}")).await.expect(200).body.to_string());
        }
    }

    assert_eq!(sink.hits("/header")[0].header("x-key"), format!("Key {CANARY}"));
    assert_eq!(sink.hits("/bearer")[0].header("authorization"), format!("Bearer {CANARY}"));
    let key = url::form_urlencoded::parse(sink.hits("/url")[0].query.as_bytes()).next().map(|(_, value)| value.into_owned());
    assert_eq!(key.as_deref(), Some(CANARY));
    assert_eq!(sink.hits("/body")[0].json(), json!({"key": CANARY, "list": [format!("x {CANARY} y")]}));
    assert_eq!(sink.hits("/flow")[0].header("x-key"), CANARY);

    for path in [
        "/secrets",
        "/secrets/CANARY",
        "/event-actions",
        "/executions?limit=200",
        "/dead-letters",
        "/events",
        "/audit-log?limit=200",
        "/functions",
        "/templates",
        "/mailbox",
        "/handlers",
        "/event-actions/stats/overview",
        "/tenants",
        "/api-keys",
    ] {
        clean(path, &app.get(path).await.expect(200).body.to_string());
    }
    let metrics = app.send(app.anonymous(Method::GET, "/metrics")).await.expect(200);
    clean("/metrics", metrics.body.as_str().unwrap());
    app.finish().await;
}

/// A secret with a quote is written differently inside JSON; that text is redacted all the same.
#[tokio::test]
async fn a_secret_inside_json_that_is_a_text_is_redacted() {
    let app = TestApp::start().await;
    app.post("/secrets", &json!({"name": "CANARY", "value": CANARY})).await.expect(201);
    app.post("/functions", &json!({"name": "secretive", "source": SECRETIVE})).await.expect(201);
    for function in ["logs_json", "throws_json"] {
        app.action(action(function, "function", json!({"module": "secretive", "function": function, "kwargs": {"key": "{{ secret.CANARY }}"}}))).await;
        let sent = app.post("/events", &event(&format!("secret.{function}"), json!({}))).await.expect(200);
        let done = app.execution(sent.text("/executions/0/id"), &["succeeded", "failed"]).await;
        for (what, answer) in [("receipt", &sent), ("execution", &done)] {
            clean(&format!("the {what} of {function}"), &answer.body.to_string());
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn templates_that_are_only_tried_show_no_secret() {
    let app = TestApp::start().await;
    app.post("/secrets", &json!({"name": "CANARY", "value": CANARY})).await.expect(201);
    let draft = json!({"subject": "Key {{ secret.CANARY }}", "html": "<p>{{ secret.CANARY }}</p>", "text": "{{ secret.CANARY }}"});
    let preview = app.post("/templates/preview", &draft).await.expect(200);
    clean("the preview of a template", &preview.body.to_string());
    assert!(preview.text("/subject").starts_with("Key ") && preview.at("/faults") == &json!([]), "{:#}", preview.body);
    let draft = action("mail", "email", json!({"to": "{{ secret.CANARY }}@example.com", "from": "shop@example.com", "subject": "x", "text": "{{ secret.CANARY }}"}));
    let report = app.post("/event-actions/test", &json!({"action": draft, "event_type": "secret.mail"})).await.expect(200);
    clean("the dry run of a mail", &report.body.to_string());
    let draft = action("guess", "webhook", json!({"url": "http://127.0.0.1:9/", "body": "{{ secret.NO_SUCH }}"}));
    let report = app.post("/event-actions/test", &json!({"action": draft, "event_type": "secret.guess"})).await.expect(200);
    assert_eq!(report.text("/stopped_at"), "rendering");
    assert!(report.text("/reason").contains("NO_SUCH"), "it says which secret is missing: {:#}", report.body);
    app.finish().await;
}

#[tokio::test]
async fn secrets_are_written_never_read_and_new_values_count_at_once() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let made = app.post("/secrets", &json!({"name": "TOKEN", "value": "first-value"})).await.expect(201);
    assert_eq!((made.text("/name"), made.at("/version")), ("TOKEN", &json!(1)));
    assert!(made.body.get("value").is_none(), "{:#}", made.body);
    app.action(action("token", "webhook", json!({"url": sink.at("/x"), "headers": {"X-Token": "{{ secret.TOKEN }}"}}))).await;
    let send = || async { app.post("/events", &event("secret.token", json!({}))).await.text("/executions/0/status").to_owned() };
    assert_eq!(send().await, "succeeded");
    let changed = app.put("/secrets/TOKEN", &json!({"value": "second-value"})).await.expect(200);
    assert_eq!((changed.at("/version"), changed.id()), (&json!(2), made.id()));
    assert_eq!(send().await, "succeeded");
    let seen: Vec<String> = sink.hits("/x").iter().map(|h| h.header("x-token").to_owned()).collect();
    assert_eq!(seen, ["first-value", "second-value"]);

    assert_eq!(app.post("/secrets", &json!({"name": "TOKEN", "value": "x"})).await.problem(409).0, "secret_exists");
    for (body, pointer) in [(json!({"name": "9A", "value": "x"}), "/name"), (json!({"name": "A", "value": ""}), "/value"), (json!({"name": "A"}), "")] {
        assert_eq!(app.post("/secrets", &body).await.problem(422).1, pointer, "{body}");
    }
    app.delete("/secrets/TOKEN").await.expect(204);
    assert_eq!(send().await, "failed", "what names it cannot be rendered any more");
    let log = app.get(&format!("/audit-log?subject_id={}", made.id())).await.expect(200);
    let actions: Vec<&str> = log.items().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["secret.delete", "secret.update", "secret.create"]);
    assert!(!log.body.to_string().contains("-value"), "{:#}", log.body);
    app.finish().await;
}

#[tokio::test]
async fn a_tenant_uses_its_own_secrets_and_never_the_platforms() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let key = app.tenant_key("one", &["admin"]).await;
    app.tenant_key("two", &["admin"]).await;
    for (name, value, tenant) in
        [("SHARED", "of-the-platform", None), ("SHARED", "of-one", Some("one")), ("ONLY_PLATFORM", "hidden-one", None), ("ONLY_TWO", "hidden-two", Some("two"))]
    {
        app.post("/secrets", &json!({"name": name, "value": value, "tenant_id": tenant})).await.expect(201);
    }
    for (name, status) in [("SHARED", "succeeded"), ("ONLY_PLATFORM", "failed"), ("ONLY_TWO", "failed")] {
        let mut used = action("own", "webhook", json!({"url": sink.at("/x"), "headers": {"X-Token": format!("{{{{ secret.{name} }}}}")}}));
        used["tenant_id"] = json!("one");
        let id = app.action(used).await;
        let sent = app.send_as(&key, Method::POST, "/events", Some(&event("secret.own", json!({})))).await.expect(200);
        assert_eq!(sent.text("/executions/0/status"), status, "{name}: {:#}", sent.body);
        app.delete(&format!("/event-actions/{id}")).await.expect(204);
    }
    assert_eq!(sink.hits("/x").iter().map(|h| h.header("x-token").to_owned()).collect::<Vec<_>>(), ["of-one"]);
    let list = app.send_as(&key, Method::GET, "/secrets", None).await.expect(200);
    assert_eq!(list.items().iter().map(|s| s["name"].as_str().unwrap()).collect::<Vec<_>>(), ["SHARED"]);
    let viewer = app.tenant_key("one", &["actions:write", "executions:read"]).await;
    app.send_as(&viewer, Method::GET, "/secrets", None).await.problem(403);
    app.finish().await;
}
