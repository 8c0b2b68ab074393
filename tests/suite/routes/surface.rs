//! What holds for every route: credentials, tenants, unknown routes and methods, the documentation, health, the stream.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{Reply, Sink, TestApp, event, webhook};

#[tokio::test]
async fn every_documented_route_needs_a_credential_unless_it_says_not() {
    let app = TestApp::start().await;
    let document = app.send(app.anonymous(Method::GET, "/api/openapi.json")).await.expect(200);
    let mut seen = 0;
    for (path, item) in document.at("/paths").as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let open = operation["security"] == json!([{}]);
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path.replace("{id}", "some-id");
            if open {
                app.send(app.anonymous(method, &path)).await.expect(200);
                continue;
            }
            let nobody = app.send(app.anonymous(method.clone(), &path)).await;
            nobody.problem(401);
            assert!(nobody.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
            for bad in ["Bearer wrong", "Bearer ", "Basic dGVzdDp0ZXN0", "wrong"] {
                app.send(app.anonymous(method.clone(), &path).header("authorization", bad)).await.problem(401);
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
    app.finish().await;
}

/// One thing of every further noun that belongs to the key's tenant: its id by the noun.
async fn things_of(app: &TestApp, sink: &Sink, key: &str) -> BTreeMap<&'static str, String> {
    let mut things = BTreeMap::new();
    for (noun, path, body) in [
        ("templates", "/templates", json!({"name": "ours", "subject": "x", "text": "x"})),
        ("functions", "/functions", json!({"name": "ours", "source": "export function f() {}"})),
        ("secrets", "/secrets", json!({"name": "OURS", "value": "x"})),
        ("bulk", "/executions/bulk-replay", json!({})),
        ("invitations", "/users", json!({"email": "new@example.com", "role": "viewer"})),
    ] {
        let made = app.send_as(key, Method::POST, path, Some(&body)).await;
        assert!([201, 202].contains(&made.status), "{path}: {:#}", made.body);
        things.insert(noun, made.id());
        if let Some(token) = made.body["link"].as_str().and_then(|link| link.split_once("token=")).map(|(_, token)| token.to_owned()) {
            // That one is accepted, so that there is a person; another stays open.
            let accept = serde_json::from_value(json!({"token": token, "name": "New", "password": "correct horse battery staple"})).unwrap();
            let (_, user) = app.engine.accept_invitation(accept, None::<std::net::IpAddr>).await.expect("the invitation works");
            things.insert("users", user.id);
            let open = app.send_as(key, Method::POST, path, Some(&json!({"email": "newer@example.com", "role": "viewer"}))).await.expect(201);
            things.insert(noun, open.id());
        }
    }
    let test = json!({"to": "a@example.com", "from": "b@example.com"});
    let mail = app.send_as(key, Method::POST, "/templates/ours/test", Some(&test)).await.expect(200);
    things.insert("mailbox", mail.text("/mail_id").to_owned());
    // A receiver that is gone for good raises an alert at once.
    sink.on("/gone", [Reply::status(410)]);
    app.action(webhook("Gone", "gone.now", &sink.at("/gone"), json!({"tenant_id": "ours", "execution_mode": "sync"}))).await;
    app.send_as(key, Method::POST, "/events", Some(&event("gone.now", json!({})))).await.expect(200);
    let alerts = app.send_as(key, Method::GET, "/alerts", None).await.expect(200);
    things.insert("alerts", alerts.text("/items/0/id").to_owned());
    things
}

#[tokio::test]
async fn what_belongs_to_another_tenant_does_not_exist() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let ours = app.tenant_key("ours", &["admin"]).await;
    let theirs = app.tenant_key("theirs", &["admin"]).await;
    let action = app.action(webhook("Ours", "a.b", &sink.at("/x"), json!({"tenant_id": "ours", "execution_mode": "sync"}))).await;
    let sent = app.send_as(&ours, Method::POST, "/events", Some(&event("a.b", json!({})))).await.expect(200);
    let (event_id, execution) = (sent.text("/event_id"), sent.text("/executions/0/id"));
    let things = things_of(&app, &sink, &ours).await;

    let document = app.send(app.anonymous(Method::GET, "/api/openapi.json")).await.expect(200);
    let mut called = 0;
    for (path, item) in document.at("/paths").as_object().unwrap() {
        let id = match path.trim_start_matches("/api/v1/").split('/').next().unwrap() {
            _ if !path.contains("{id}") => continue,
            "event-actions" => action.as_str(),
            "events" => event_id,
            "executions" | "dead-letters" => execution,
            "tenants" => "ours",
            "api-keys" => continue,
            noun if things.contains_key(noun) => things[noun].as_str(),
            // Keys have no account; the test below shows that they get 403.
            "me" => continue,
            other => panic!("{other} is new: say which id is foreign there"),
        };
        for method in item.as_object().unwrap().keys() {
            let body = match path.as_str() {
                "/api/v1/templates/{id}/test" => json!({"to": "a@example.com", "from": "b@example.com"}),
                path if path.ends_with("/test") => json!({"event_type": "a.b"}),
                path if path.ends_with("/silence") => json!({"minutes": 5}),
                path if path.starts_with("/api/v1/secrets") => json!({"value": "x"}),
                _ => json!({}),
            };
            let method: Method = method.to_uppercase().parse().unwrap();
            let body = (method != Method::GET && method != Method::DELETE).then_some(&body);
            let path = path.replace("/api/v1", "").replace("{id}", id);
            let answer = app.send_as(&theirs, method.clone(), &path, body).await;
            // Tenants are the platform's: a tenant's key learns nothing of their existence either.
            assert!(answer.status == 404 || (answer.status == 403 && path.starts_with("/tenants")), "{method} {path}: {:#}", answer.body);
            called += 1;
        }
    }
    assert!(called >= 20, "{called}");
    for list in ["/event-actions", "/events", "/executions", "/dead-letters", "/templates", "/functions", "/secrets", "/mailbox", "/bulk", "/invitations", "/users", "/alerts"] {
        assert!(app.send_as(&theirs, Method::GET, list, None).await.expect(200).items().is_empty(), "{list}");
    }
    let named = json!({"event_type": "a.b", "metadata": {"tenant_id": "ours"}});
    app.send_as(&theirs, Method::POST, "/events", Some(&named)).await.problem(403);
    assert_eq!(app.send_as(&theirs, Method::POST, "/events", Some(&event("a.b", json!({})))).await.expect(200).at("/matched"), 0);
    assert_eq!(sink.hits("/x").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_key_has_no_account() {
    let app = TestApp::start().await;
    let key = app.tenant_key("default", &["admin"]).await;
    let password = json!({"current_password": "correct horse battery staple", "new_password": "another horse battery staple"});
    for (method, path, body) in [
        (Method::GET, "/me", None),
        (Method::PATCH, "/me", Some(json!({"name": "x"}))),
        (Method::POST, "/me/password", Some(password)),
        (Method::GET, "/me/sessions", None),
        (Method::DELETE, "/me/sessions", None),
        (Method::DELETE, "/me/sessions/some-id", None),
    ] {
        app.send_as(&key, method, path, body.as_ref()).await.problem(403);
    }
    app.finish().await;
}

#[tokio::test]
async fn keys_are_shown_once_and_end_when_revoked() {
    let app = TestApp::start().await;
    let made = app.post("/api-keys", &json!({"name": "One", "scopes": ["events:read"], "tenant_id": "default"})).await.expect(201);
    let key = made.text("/key").to_owned();
    assert_eq!(made.header("cache-control"), "no-store");
    app.send_as(&key, Method::GET, "/events", None).await.expect(200);
    let list = app.get("/api-keys").await.expect(200);
    assert!(!list.body.to_string().contains(&key) && list.items().iter().any(|k| k["id"] == *made.at("/id")));
    app.delete(&format!("/api-keys/{}", made.id())).await.expect(204);
    app.send_as(&key, Method::GET, "/events", None).await.problem(401);
    assert_eq!(app.post("/api-keys", &json!({"name": "x", "scopes": []})).await.problem(422).1, "/scopes");
    assert_eq!(app.post("/api-keys", &json!({"name": "x", "scopes": ["all"]})).await.problem(422).1, "/scopes/0");
    app.finish().await;
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() {
    let app = TestApp::start().await;
    for path in ["/api", "/api/", "/api/v1", "/api/v2/events", "/api/v1/nope", "/api/v1/events/", "/api/v1/events/x/y/z", "/api/v1/event-actions/x/nope"] {
        assert_eq!(app.send(app.request(Method::GET, path)).await.problem(404).0, "unknown_route", "{path}");
    }
    let wrong = app.send(app.request(Method::DELETE, "/api/v1/events")).await;
    assert_eq!(wrong.problem(405).0, "method_not_allowed");
    let allowed = wrong.header("allow");
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    app.send(app.request(Method::POST, "/api/v1/handlers")).await.problem(405);
    app.finish().await;
}

#[tokio::test]
async fn a_request_id_is_kept_or_made() {
    let app = TestApp::start().await;
    let given = app.send(app.request(Method::GET, "/api/v1/events").header("x-request-id", "my-id.1")).await.expect(200);
    assert_eq!(given.header("x-request-id"), "my-id.1");
    for bad in ["two words", "<script>", ""] {
        let made = app.send(app.request(Method::GET, "/api/v1/events").header("x-request-id", bad)).await.expect(200);
        assert!(made.header("x-request-id").len() == 36, "{bad:?}: {}", made.header("x-request-id"));
    }
    app.finish().await;
}

#[tokio::test]
async fn the_documentation_needs_no_other_host() {
    let app = TestApp::start().await;
    let page = app.send(app.anonymous(Method::GET, "/docs")).await.expect(200);
    let html = page.body.as_str().unwrap();
    assert!(page.header("content-security-policy").contains("script-src 'self'") && !html.contains("://"));
    for link in html.split('"').filter(|part| part.starts_with('/')) {
        let file = app.send(app.anonymous(Method::GET, link)).await.expect(200);
        assert!(!file.header("content-type").is_empty() && file.header("x-content-type-options") == "nosniff", "{link}");
    }
    app.send(app.anonymous(Method::GET, "/docs/swagger-initializer.js")).await.problem(404);
    let document = app.send(app.anonymous(Method::GET, "/api/openapi.json")).await.expect(200);
    assert!(document.text("/openapi").starts_with("3.1") && document.body.get("servers").is_none());
    app.finish().await;
}

#[tokio::test]
async fn health_is_open_and_tells_no_tenants_data() {
    let app = TestApp::start().await;
    app.post("/tenants", &json!({"id": "secretive", "name": "Secretive"})).await.expect(201);
    app.post("/events", &json!({"event_type": "a.b", "metadata": {"tenant_id": "secretive"}})).await.expect(200);
    assert_eq!(app.send(app.anonymous(Method::GET, "/health/live")).await.expect(200).text("/status"), "alive");
    assert_eq!(app.send(app.anonymous(Method::GET, "/health/ready")).await.expect(200).text("/status"), "ready");
    let metrics = app.send(app.anonymous(Method::GET, "/metrics")).await.expect(200);
    let text = metrics.body.as_str().unwrap();
    assert!(text.contains("# TYPE") && !text.contains("secretive"), "{text}");
    app.finish().await;
}

#[tokio::test]
async fn handlers_describe_themselves() {
    let app = TestApp::start().await;
    let handlers = app.get("/handlers").await.expect(200);
    let webhook = handlers.items().iter().find(|h| h["handler_type"] == "webhook").expect("there is a webhook handler");
    assert!(webhook["schema"]["properties"]["url"].is_object() && webhook["fields"].as_array().is_some_and(|f| !f.is_empty()));
    app.finish().await;
}

#[tokio::test]
async fn the_stream_sends_snapshots_that_move() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    app.action(webhook("Live", "a.b", &sink.at("/x"), json!({"execution_mode": "sync"}))).await;
    let response = app.request(Method::GET, "/api/v1/stream").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    app.post("/events", &event("a.b", json!({}))).await.expect(200);
    let (mut stream, mut text) = (response.bytes_stream(), String::new());
    let total = |text: &str| -> i64 {
        let data = text.rsplit("data: ").next().and_then(|d| d.split('\n').next()).unwrap_or_default();
        serde_json::from_str::<Value>(data).map_or(0, |v| v["stats"]["total_executions"].as_i64().unwrap_or(0))
    };
    let moved = async {
        while total(&text) != 1 {
            text.push_str(&String::from_utf8_lossy(&stream.next().await.expect("it goes on").unwrap()));
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(15), moved).await.expect("a snapshot with the execution within 15 s");
    assert!(text.contains("event: snapshot") && text.contains("id: "), "{text}");
    drop(stream);
    app.send(app.anonymous(Method::GET, "/api/v1/stream")).await.problem(401);
    let sender = app.tenant_key("default", &["events:write"]).await;
    app.send_as(&sender, Method::GET, "/stream", None).await.problem(403);
    app.finish().await;
}
