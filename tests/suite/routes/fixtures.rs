//! Things of one tenant, of every noun, and a good body for every route: for the tests that call all routes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{Reply, Sink, TestApp, event, webhook};

/// The password that people begin with.
pub const PASSWORD: &str = "correct horse battery staple";
/// The password that they change to.
const OTHER_PASSWORD: &str = "another horse battery staple";

/// A person who accepted an invitation.
pub struct Person {
    /// The user's id.
    pub id: String,
    /// The cookie's value.
    pub token: String,
}

/// Makes things of a tenant.
pub struct Things<'a> {
    app: &'a TestApp,
    sink: Sink,
    tenant: &'static str,
    shared: RefCell<BTreeMap<String, String>>,
    count: Cell<u32>,
}

/// The noun that a route's `{id}` stands for.
pub fn noun_of(path: &str) -> Option<&str> {
    if !path.contains("{id}") {
        return None;
    }
    let rest = path.trim_start_matches("/api/v1/");
    Some(if rest.starts_with("me/sessions") { "sessions" } else { rest.split('/').next().unwrap() })
}

impl<'a> Things<'a> {
    /// Makes the tenant, and actions for the events of the other things.
    pub async fn new(app: &'a TestApp, tenant: &'static str) -> Self {
        app.post("/tenants", &json!({"id": tenant, "name": tenant})).await.expect(201);
        let sink = Sink::start().await;
        sink.on("/gone", [Reply::status(410)]);
        let of = |function: &str| json!({"module": "builtin", "function": function});
        for (name, handler, configuration, mode) in [
            ("ok", "function", of("echo"), "sync"),
            ("fails", "function", json!({"module": "builtin", "function": "fail", "kwargs": {"retryable": true}}), "sync"),
            ("waits", "workflow", json!({"steps": [{"action": "delay", "params": {"seconds": 3600}}]}), "queued"),
        ] {
            let action = json!({"name": name, "handler_type": handler, "configuration": configuration, "event_types": [format!("role.{name}")],
                "execution_mode": mode, "max_retries": 0, "tenant_id": tenant, "circuit_breaker": {"failures": 1000, "cooldown_seconds": 1}});
            app.action(action).await;
        }
        Self { app, sink, tenant, shared: RefCell::default(), count: Cell::new(0) }
    }

    /// A number that nobody had before.
    pub fn next(&self) -> u32 {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }

    /// The id of a thing: one that is shared by calls that change nothing, or one made for this call (`anew`).
    pub async fn id(&self, noun: &str, method: &Method, path: &str, anew: bool) -> String {
        if noun == "tenants" && !(anew && *method == Method::DELETE) {
            return self.tenant.to_owned();
        }
        if anew && *method != Method::GET {
            return self.make(noun, path).await;
        }
        let known = self.shared.borrow().get(noun).cloned();
        if let Some(id) = known {
            return id;
        }
        let id = self.make(noun, "").await;
        self.shared.borrow_mut().insert(noun.to_owned(), id.clone());
        id
    }

    /// A person of the tenant with a session.
    pub async fn person(&self, email: &str, role: &str, is_platform_admin: bool) -> Person {
        let new = json!({"email": email, "role": role, "tenant_id": self.tenant, "is_platform_admin": is_platform_admin});
        let made = self.app.post("/users", &new).await.expect(201);
        let token = made.text("/link").split_once("token=").expect("the link has a token").1.to_owned();
        let accept = serde_json::from_value(json!({"token": token, "name": "Somebody", "password": PASSWORD})).unwrap();
        let (token, user) = self.app.engine.accept_invitation(accept, None::<std::net::IpAddr>).await.expect("the invitation works");
        Person { id: user.id, token: token.as_str().to_owned() }
    }

    /// The id of a further session of a person; of nobody's when there is no such person.
    pub async fn session_of(&self, email: &str) -> String {
        for password in [OTHER_PASSWORD, PASSWORD] {
            if let Ok((token, _)) = self.app.engine.sign_in(email, password, None::<std::net::IpAddr>).await {
                return self.app.engine.session(token.as_str(), None).await.expect("it lives").session.id;
            }
        }
        "some-id".to_owned()
    }

    /// Cancels what would wait for an hour.
    pub async fn calm_down(&self) {
        for waiting in self.app.get("/executions?status=pending&limit=200").await.expect(200).items() {
            self.app.call(&format!("/executions/{}/cancel", waiting["id"].as_str().unwrap())).await;
        }
    }

    async fn make(&self, noun: &str, path: &str) -> String {
        let (n, tenant) = (self.next(), self.tenant);
        match noun {
            "event-actions" => self.action(n, path).await,
            "events" => self.send("role.ok").await.0,
            "executions" => self.send(if path.ends_with("/cancel") { "role.waits" } else { "role.ok" }).await.1,
            "dead-letters" => self.send("role.fails").await.1,
            "alerts" => self.alert(n).await,
            "bulk" => self.bulk().await,
            "mailbox" => self.mail(n).await,
            "users" => self.person(&format!("person{n}@example.com"), "viewer", false).await.id,
            "templates" => self.post("/templates", json!({"name": format!("template{n}"), "subject": "x", "text": "x", "tenant_id": tenant})).await,
            "functions" => self.post("/functions", json!({"name": format!("function{n}"), "source": "export function f() {}", "tenant_id": tenant})).await,
            "secrets" => self.post("/secrets", json!({"name": format!("SECRET_{n}"), "value": "x", "tenant_id": tenant})).await,
            "invitations" => self.post("/users", json!({"email": format!("invited{n}@example.com"), "role": "viewer", "tenant_id": tenant})).await,
            "api-keys" => self.post("/api-keys", json!({"name": "key", "scopes": ["events:read"], "tenant_id": tenant})).await,
            "tenants" => self.post("/tenants", json!({"id": format!("tenant-{n}"), "name": format!("tenant-{n}")})).await,
            other => panic!("{other} is a new noun: say how a thing of it is made"),
        }
    }

    async fn post(&self, path: &str, body: Value) -> String {
        self.app.post(path, &body).await.expect(201).id()
    }

    async fn action(&self, n: u32, path: &str) -> String {
        let id = self.app.action(webhook(&format!("Action {n}"), "role.never", &self.sink.at("/x"), json!({"tenant_id": self.tenant}))).await;
        if path.ends_with("/restore") {
            self.app.delete(&format!("/event-actions/{id}")).await.expect(204);
        }
        id
    }

    /// Sends an event; its id, and that of its execution.
    async fn send(&self, event_type: &str) -> (String, String) {
        let new = json!({"event_type": event_type, "metadata": {"tenant_id": self.tenant}});
        let sent = self.app.post("/events", &new).await;
        (sent.text("/event_id").to_owned(), sent.text("/executions/0/id").to_owned())
    }

    /// A receiver that is gone for good raises an alert at once.
    async fn alert(&self, n: u32) -> String {
        let kind = format!("gone.n{n}");
        let action = self.app.action(webhook(&kind, &kind, &self.sink.at("/gone"), json!({"tenant_id": self.tenant, "execution_mode": "sync"}))).await;
        self.app.post("/events", &json!({"event_type": kind, "metadata": {"tenant_id": self.tenant}})).await.expect(200);
        let alerts = self.app.get(&format!("/alerts?tenant_id={}", self.tenant)).await.expect(200);
        let raised = alerts.items().iter().find(|a| a["action_id"] == json!(action)).unwrap_or_else(|| panic!("no alert about {action}: {:#}", alerts.body));
        raised["id"].as_str().unwrap().to_owned()
    }

    async fn mail(&self, n: u32) -> String {
        let template = self.post("/templates", json!({"name": format!("mail{n}"), "subject": "x", "text": "x", "tenant_id": self.tenant})).await;
        let sent = self.app.post(&format!("/templates/{template}/test"), &json!({"to": "a@example.com", "from": "b@example.com"})).await.expect(200);
        sent.text("/mail_id").to_owned()
    }

    /// A job that goes on for a while yet. A tenant has few of them at a time.
    async fn bulk(&self) -> String {
        self.send("role.ok").await;
        loop {
            let made = self.app.post("/executions/bulk-replay", &json!({"filter": {"tenant_id": self.tenant, "status": "succeeded"}})).await;
            if made.status == 202 {
                return made.id();
            }
            assert_eq!(made.problem(409).0, "bulk_running");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// A route's address for the thing `id`, with the parameters that it needs.
pub fn address_of(method: &Method, path: &str, id: &str) -> String {
    let confirm = if *method == Method::DELETE && path.starts_with("/api/v1/tenants") { format!("?confirm={id}") } else { String::new() };
    path.replace("{id}", id) + &confirm
}

/// A good body for a route; `n` keeps names apart.
pub fn body_of(method: &Method, path: &str, n: u32) -> Option<Value> {
    if *method == Method::GET || *method == Method::DELETE {
        return None;
    }
    let draft = json!({"name": format!("Draft {n}"), "handler_type": "function", "configuration": {"module": "builtin", "function": "echo"}, "event_types": ["role.never"]});
    let source = "export function f() { return 1 }";
    let rest = path.trim_start_matches("/api/v1");
    Some(match (method.as_str(), rest) {
        ("POST", "/event-actions") => draft,
        ("POST", "/event-actions/test") => json!({"action": draft, "event_type": "role.never"}),
        ("POST", "/event-actions/match" | "/event-actions/{id}/test") => json!({"event_type": "role.never"}),
        ("POST", "/events") => event("role.never", json!({})),
        ("POST", "/events/batch") => json!([event("role.never", json!({}))]),
        ("POST", "/cloudevents") => json!({"specversion": "1.0", "id": format!("n{n}"), "source": "/tests", "type": "role.never", "data": {}}),
        ("POST", "/executions/bulk-replay") => json!({"dry_run": true}),
        ("POST", "/templates") => json!({"name": format!("new{n}"), "subject": "x", "text": "x"}),
        ("POST", "/templates/preview") => json!({"subject": "x", "text": "x"}),
        ("POST", "/templates/{id}/test") => json!({"to": "a@example.com", "from": "b@example.com"}),
        ("POST", "/functions") => json!({"name": format!("new{n}"), "source": source}),
        ("POST", "/functions/run") => json!({"source": source}),
        ("POST", "/secrets") => json!({"name": format!("NEW_{n}"), "value": "x"}),
        ("POST", "/tenants") => json!({"id": format!("new-{n}"), "name": "New"}),
        ("POST", "/users") => json!({"email": format!("new{n}@example.com"), "role": "viewer"}),
        ("POST", "/api-keys") => json!({"name": "new", "scopes": ["events:read"]}),
        ("POST", "/me/password") => json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD}),
        ("POST", "/alerts/{id}/silence") => json!({"minutes": 5}),
        ("PUT", "/alert-rules") => json!({"kind": "error_rate", "name": format!("Rule {n}"), "threshold": 20, "window_seconds": 300}),
        ("PUT" | "PATCH", "/event-actions/{id}") => json!({"description": "new"}),
        ("PUT" | "PATCH", "/templates/{id}") => json!({"subject": "new"}),
        ("PUT" | "PATCH", "/functions/{id}") => json!({"source": source}),
        ("PUT" | "PATCH", "/secrets/{id}") => json!({"value": "y"}),
        ("PUT" | "PATCH", "/users/{id}") => json!({"role": "operator"}),
        ("PATCH", "/api-keys/{id}") | ("PUT" | "PATCH", "/tenants/{id}") | ("PATCH", "/me") => json!({"name": "New"}),
        _ => json!({}),
    })
}
