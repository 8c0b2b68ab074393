//! What belongs to another tenant does not exist inside bodies and parameters either: names, ids, filters, cursors, tenants.

use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{Answer, Sink, TestApp, event, webhook};

/// What only our own things hold.
const OURS: &str = "known-to-us-alone-9d2f";

/// Our things: the ids of an action, a template, a function and an alert rule.
struct Ours {
    action: String,
    template: String,
    function: String,
    rule: String,
    key: String,
}

async fn furnish(app: &TestApp, sink: &Sink) -> Ours {
    let key = app.tenant_key("ours", &["admin"]).await;
    let make = async |path: &str, body: Value| app.send_as(&key, Method::POST, path, Some(&body)).await.expect(201).id();
    let template = make("/templates", json!({"name": "ours-mail", "subject": OURS, "text": OURS})).await;
    let function = make("/functions", json!({"name": "ours_module", "source": format!("export function f() {{ return '{OURS}' }}")})).await;
    make("/secrets", json!({"name": "OURS", "value": OURS})).await;
    let action = make("/event-actions", webhook(OURS, "a.b", &sink.at("/ours"), json!({"execution_mode": "sync", "tags": ["ours"]}))).await;
    for n in 0..3 {
        app.send_as(&key, Method::POST, "/events", Some(&event("a.b", json!({"n": n, "note": OURS})))).await.expect(200);
    }
    let rule = json!({"kind": "error_rate", "name": OURS, "threshold": 20, "window_seconds": 300});
    let rules = app.send_as(&key, Method::PUT, "/alert-rules", Some(&rule)).await.expect(200);
    let rule = rules.items().iter().find(|r| r["name"] == OURS).expect("our rule")["id"].as_str().unwrap().to_owned();
    Ours { action, template, function, rule, key }
}

#[tokio::test]
async fn names_and_ids_of_another_tenants_things_lead_nowhere() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let ours = furnish(&app, &sink).await;
    let theirs = app.tenant_key("theirs", &["admin"]).await;
    let ask = async |method: Method, path: &str, body: Value| app.send_as(&theirs, method, path, Some(&body)).await;
    let mail = |template: &str| json!({"to": "a@example.com", "from": "b@example.com", "template": template});
    let call = |module: &str| json!({"module": module, "function": "f"});
    let steps = |step: Value| json!({"steps": [step]});
    for (name, handler, configuration) in [
        ("template", "email", mail("ours-mail")),
        ("template-id", "email", mail(&ours.template)),
        ("function", "function", call("ours_module")),
        ("function-id", "function", call(&ours.function)),
        ("secret", "webhook", json!({"url": sink.at("/theirs"), "headers": {"X-Key": "{{ secret.OURS }}"}})),
        ("step-function", "workflow", steps(json!({"action": "function", "params": call("ours_module")}))),
        ("step-mail", "workflow", steps(json!({"action": "send", "params": {"destination": "email", "to": "a@example.com", "from": "b@example.com", "template": "ours-mail"}}))),
        ("step-secret", "workflow", steps(json!({"action": "send", "params": {"destination": "webhook", "url": sink.at("/theirs"), "headers": {"X-Key": "{{ secret.OURS }}"}}}))),
        ("include", "email", json!({"to": "a@example.com", "from": "b@example.com", "subject": "x", "text": "{% include 'ours-mail' %}"})),
    ] {
        let action =
            json!({"name": name, "handler_type": handler, "configuration": configuration, "event_types": [format!("try.{name}")], "execution_mode": "sync", "max_retries": 0});
        let dry = ask(Method::POST, "/event-actions/test", json!({"action": action, "event_type": format!("try.{name}")})).await;
        assert!(!dry.body.to_string().contains(OURS), "the dry run of {name}: {:#}", dry.body);
        let made = ask(Method::POST, "/event-actions", action).await;
        assert!(!made.body.to_string().contains(OURS), "{name}: {:#}", made.body);
        if made.status == 422 {
            continue;
        }
        let sent = ask(Method::POST, "/events", event(&format!("try.{name}"), json!({}))).await;
        assert_eq!(sent.text("/executions/0/status"), "failed", "{name} finds nothing: {:#}", sent.body);
        assert!(!sent.body.to_string().contains(OURS), "{name}: {:#}", sent.body);
    }
    assert!(sink.hits("/theirs").is_empty());
    assert!(app.send_as(&theirs, Method::GET, "/mailbox", None).await.expect(200).items().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn another_tenant_named_in_a_body_is_refused() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let ours = furnish(&app, &sink).await;
    let theirs = app.tenant_key("theirs", &["admin"]).await;
    let ask = async |method: Method, path: &str, body: Value| app.send_as(&theirs, method, path, Some(&body)).await;
    let own = ask(Method::POST, "/event-actions", webhook("own", "own.event", &sink.at("/own"), json!({}))).await.expect(201).id();
    let elsewhere = json!({"tenant_id": "ours"});
    let named = json!({"event_type": "a.b", "metadata": elsewhere});
    let draft = webhook("draft", "a.b", &sink.at("/x"), elsewhere.clone());
    for (method, path, body, statuses) in [
        (Method::POST, "/event-actions", draft.clone(), &[403][..]),
        (Method::POST, "/event-actions/test", json!({"action": draft, "event_type": "a.b"}), &[403]),
        (Method::POST, "/event-actions/match", named.clone(), &[403]),
        (Method::POST, &format!("/event-actions/{own}/test"), named.clone(), &[403]),
        (Method::PATCH, &format!("/event-actions/{own}"), elsewhere.clone(), &[403, 422]),
        (Method::POST, "/events", named.clone(), &[403]),
        (Method::POST, "/templates", json!({"name": "t", "subject": "x", "text": "x", "tenant_id": "ours"}), &[403]),
        (Method::POST, "/templates/preview", json!({"subject": "x", "text": "x", "event": named}), &[403]),
        (Method::POST, "/functions", json!({"name": "f", "source": "export function f() {}", "tenant_id": "ours"}), &[403]),
        (Method::POST, "/functions/run", json!({"source": "export function f() {}", "event": named}), &[403]),
        (Method::POST, "/secrets", json!({"name": "S", "value": "x", "tenant_id": "ours"}), &[403]),
        (Method::POST, "/api-keys", json!({"name": "k", "scopes": ["events:read"], "tenant_id": "ours"}), &[403]),
        (Method::POST, "/users", json!({"email": "n@example.com", "role": "viewer", "tenant_id": "ours"}), &[403]),
        (Method::POST, "/users", json!({"email": "n@example.com", "role": "viewer", "is_platform_admin": true}), &[403]),
        (Method::POST, "/executions/bulk-replay", json!({"filter": {"tenant_id": "ours"}}), &[404]),
        (Method::PUT, "/alert-rules", json!({"kind": "error_rate", "name": "r", "threshold": 20, "window_seconds": 300, "tenant_id": "ours"}), &[403]),
        (Method::PUT, "/alert-rules", json!({"kind": "error_rate", "name": "r", "threshold": 20, "window_seconds": 300, "scope": {"action": ours.action}}), &[404, 422]),
        (Method::PUT, "/alert-rules", json!({"id": ours.rule, "threshold": 99}), &[403, 404]),
    ] {
        let answer = ask(method.clone(), path, body.clone()).await;
        assert!(statuses.contains(&answer.status), "{method} {path} {body}: {:#}", answer.body);
        assert!(!answer.body.to_string().contains(OURS), "{method} {path}: {:#}", answer.body);
    }
    let batch = ask(Method::POST, "/events/batch", json!([named, event("own.event", json!({}))])).await;
    assert_eq!((batch.status, batch.at("/refused")), (207, &json!(1)), "{:#}", batch.body);
    let cloud = json!({"specversion": "1.0", "id": "1", "source": "/t", "type": "a.b", "tenantid": "ours", "data": {}});
    let request = app.anonymous(Method::POST, "/api/v1/cloudevents").bearer_auth(&theirs).header("content-type", "application/cloudevents+json").body(cloud.to_string());
    app.send(request).await;
    assert_eq!(app.send_as(&ours.key, Method::GET, "/events", None).await.expect(200).items().len(), 3, "nothing came to us");
    app.finish().await;
}

#[tokio::test]
async fn filters_and_cursors_of_another_tenant_show_nothing_of_it() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let ours = furnish(&app, &sink).await;
    let theirs = app.tenant_key("theirs", &["admin"]).await;
    let look = async |path: &str| -> Answer { app.send_as(&theirs, Method::GET, path, None).await };
    let action = &ours.action;
    for path in [
        format!("/executions?action_id={action}"),
        format!("/dead-letters?action_id={action}"),
        format!("/dead-letters/groups?action_id={action}"),
        format!("/alerts?action_id={action}"),
        format!("/audit-log?subject_id={action}"),
        "/audit-log?actor=key:test&subject_kind=action".to_owned(),
        "/event-actions?tag=ours".to_owned(),
        format!("/event-actions?search={OURS}"),
        "/events?event_type=a.b".to_owned(),
        "/templates?search=ours".to_owned(),
        "/functions?search=ours".to_owned(),
    ] {
        let found = look(&path).await.expect(200);
        assert!(found.items().is_empty(), "{path}: {:#}", found.body);
    }
    let count = json!({"filter": {"action_id": action}, "dry_run": true});
    assert_eq!(app.send_as(&theirs, Method::POST, "/executions/bulk-replay", Some(&count)).await.expect(200).at("/total"), 0);
    for path in [
        "/executions",
        "/events",
        "/dead-letters",
        "/alerts",
        "/audit-log",
        "/templates",
        "/functions",
        "/secrets",
        "/mailbox",
        "/bulk",
        "/users",
        "/invitations",
        "/alert-rules",
        "/stream",
    ] {
        look(&format!("{path}?tenant_id=ours")).await.problem(404);
    }
    for path in ["/events", "/executions", "/audit-log", "/api-keys"] {
        let first = app.send_as(&ours.key, Method::GET, &format!("{path}?limit=1"), None).await.expect(200);
        let Some(cursor) = first.at("/next_cursor").as_str() else { continue };
        let next = look(&format!("{path}?cursor={cursor}")).await.expect(200);
        assert!(!next.body.to_string().contains(OURS) && !next.body.to_string().contains("\"ours\""), "{path} behind our cursor: {:#}", next.body);
    }
    app.finish().await;
}
