//! Stored templates and functions over REST: made, changed with versions, refused in conflict, kept while used, tried.

use reqwest::Method;
use serde_json::{Value, json};

use crate::util::{TestApp, event};

/// A noun with something to store under a name, a change to it, and a fault with its pointer.
struct Noun {
    path: &'static str,
    first: fn(&str) -> Value,
    change: Value,
    changed: &'static str,
    faulty: Vec<(Value, &'static str)>,
    user: Value,
}

fn nouns() -> [Noun; 2] {
    [
        Noun {
            path: "/templates",
            first: |name| json!({"name": name, "subject": "Hi {{ name }}", "text": "one"}),
            change: json!({"text": "two"}),
            changed: "/text",
            faulty: vec![
                (json!({"name": "a/b", "subject": "x", "text": "x"}), "/name"),
                (json!({"name": "a", "subject": "{{ a", "text": "x"}), "/subject"),
                (json!({"name": "a", "subject": "x", "text": "x", "html": "{% if %}"}), "/html"),
                (json!({"name": "a", "subject": "x"}), "/html"),
                (json!({"name": "a", "subject": "x", "text": "x", "nope": 1}), "/nope"),
            ],
            user: json!({"handler_type": "email", "configuration": {"to": "a@example.com", "from": "b@example.com", "template": "used"}}),
        },
        Noun {
            path: "/functions",
            first: |name| json!({"name": name, "source": "export function f() { return 'one' }"}),
            change: json!({"source": "export function f() { return 'two' }"}),
            changed: "/source",
            faulty: vec![
                (json!({"name": "builtin", "source": "export function f() {}"}), "/name"),
                (json!({"name": "a", "source": "export function f( {"}), "/source"),
                (json!({"name": "a", "source": "export const f = 1"}), "/source"),
                (json!({"name": "a", "source": " "}), "/source"),
                (json!({"name": "a", "source": "export function f() {}", "nope": 1}), "/nope"),
            ],
            user: json!({"handler_type": "function", "configuration": {"module": "used", "function": "f"}}),
        },
    ]
}

#[tokio::test]
async fn what_is_stored_has_versions_and_conflicts() {
    let app = TestApp::start().await;
    for Noun { path, first, change, changed, faulty, .. } in nouns() {
        let made = app.post(path, &first("my.thing")).await.expect(201);
        let at = format!("{path}/{}", made.id());
        assert_eq!((made.header("location"), made.header("etag"), made.at("/version")), (format!("/api/v1{at}").as_str(), "\"1\"", &json!(1)));
        assert_eq!(app.post(path, &first("my.thing")).await.problem(409).0, "name_taken");
        for (body, pointer) in faulty {
            assert_eq!(app.post(path, &body).await.problem(422).1, pointer, "{path} {body}");
        }
        let by_name = app.get(&format!("{path}/my.thing")).await.expect(200);
        assert_eq!((by_name.id(), by_name.header("etag")), (made.id(), "\"1\""));

        let put = |version: &str| app.request(Method::PUT, &format!("/api/v1{at}")).header("if-match", version).json(&change);
        assert_eq!(app.send(put("\"7\"")).await.problem(409).0, "version_conflict");
        let second = app.send(put("\"1\"")).await.expect(200);
        assert_eq!((second.header("etag"), second.at("/version"), second.at(changed)), ("\"2\"", &json!(2), &change[&changed[1..]]));
        assert_eq!(second.text("/name"), "my.thing", "what is absent keeps");
        assert_eq!(app.send(put("\"1\"")).await.problem(409).0, "version_conflict", "somebody else was faster");
        let mut stale = change.clone();
        stale["version"] = json!(1);
        assert_eq!(app.put(&at, &stale).await.problem(409).0, "version_conflict");

        let versions = app.get(&format!("{at}/versions")).await.expect(200);
        assert_eq!(versions.items().iter().map(|v| v["version"].as_i64().unwrap()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((versions.at("/items/0/diff").as_array().map(Vec::len) > Some(0), versions.text("/items/0/author")), (true, made.text("/created_by")));
        assert_eq!(versions.at(&format!("/items/1/definition{changed}")), made.at(changed), "old versions can be read");

        app.post(path, &first("other.thing")).await.expect(201);
        assert_eq!(app.put(&at, &json!({"name": "other.thing"})).await.problem(409).0, "name_taken");
        assert_eq!(app.get(&format!("{path}?search=OTHER")).await.expect(200).items().len(), 1);
        let page = app.get(&format!("{path}?limit=1")).await.expect(200);
        assert_eq!((page.items().len(), page.at("/total"), page.text("/items/0/name")), (1, &json!(2), "my.thing"));
        let next = app.get(&format!("{path}?limit=1&cursor={}", page.text("/next_cursor"))).await.expect(200);
        assert_eq!((next.text("/items/0/name"), next.at("/next_cursor")), ("other.thing", &Value::Null));
        app.delete(&at).await.expect(204);
        app.get(&at).await.problem(404);
        app.delete(&at).await.problem(404);
        let log = app.get(&format!("/audit-log?subject_id={}", made.id())).await.expect(200);
        assert_eq!(log.items().len(), 3, "made, changed, deleted: {:#}", log.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_used_is_not_deleted_by_accident() {
    let app = TestApp::start().await;
    for Noun { path, first, user, .. } in nouns() {
        app.post(path, &first("used")).await.expect(201);
        let mut action = user.clone();
        (action["name"], action["event_types"]) = (json!("The user"), json!(["a.b"]));
        let direct = app.action(action).await;
        let step = json!({"action": user["handler_type"], "params": user["configuration"]});
        let inside = app.action(json!({"name": "The flow", "handler_type": "workflow", "event_types": ["a.b"], "configuration": {"steps": [step]}})).await;
        for request in [app.request(Method::DELETE, &format!("/api/v1{path}/used")), app.request(Method::PATCH, &format!("/api/v1{path}/used")).json(&json!({"name": "renamed"}))] {
            let refused = app.send(request).await;
            assert_eq!(refused.problem(409).0, "in_use");
            assert!(refused.text("/detail").contains("The user") && refused.text("/detail").contains("The flow"), "{:#}", refused.body);
        }
        app.delete(&format!("/event-actions/{direct}")).await.expect(204);
        assert!(!app.delete(&format!("{path}/used")).await.expect(409).text("/detail").contains("The user"));
        app.delete(&format!("{path}/used?force=true")).await.expect(204);
        app.delete(&format!("/event-actions/{inside}")).await.expect(204);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_change_counts_for_the_next_execution_and_a_tenants_own_comes_first() {
    let app = TestApp::start().await;
    app.tenant_key("own", &["admin"]).await;
    let source = |word: &str, tenant: Option<&str>| json!({"name": "m", "source": format!("export function f() {{ return '{word}' }}"), "tenant_id": tenant});
    app.post("/functions", &source("platform", None)).await.expect(201);
    for tenant in [None, Some("own")] {
        let action = json!({"name": "Call", "handler_type": "function", "configuration": {"module": "m", "function": "f"}, "event_types": ["a.b"], "execution_mode": "sync", "tenant_id": tenant});
        app.action(action).await;
    }
    // The results for an event of the tenant: first the platform-wide action's, then the tenant's own.
    let results = || async {
        let sent = app.post("/events", &json!({"event_type": "a.b", "metadata": {"tenant_id": "own"}})).await.expect(200);
        [sent.text("/executions/0/result").to_owned(), sent.text("/executions/1/result").to_owned()]
    };
    assert_eq!(results().await, ["platform", "platform"]);
    app.post("/functions", &source("own", Some("own"))).await.expect(201);
    assert_eq!(results().await, ["platform", "own"]);
    app.put("/functions/m", &json!({"source": "export function f() { return 'changed' }"})).await.expect(200);
    assert_eq!(results().await, ["changed", "own"]);
    assert_eq!(app.delete("/functions/m?tenant_id=own").await.problem(409).0, "in_use");
    app.delete("/functions/m?tenant_id=own&force=true").await.expect(204);
    assert_eq!(results().await, ["changed", "changed"]);
    app.finish().await;
}

#[tokio::test]
async fn platform_wide_things_are_read_only_for_tenants() {
    let app = TestApp::start().await;
    let key = app.tenant_key("one", &["admin"]).await;
    for Noun { path, first, change, .. } in nouns() {
        app.post(path, &first("wide")).await.expect(201);
        let list = app.send_as(&key, Method::GET, path, None).await.expect(200);
        assert_eq!((list.items().len(), list.at("/items/0/tenant_id")), (1, &Value::Null));
        app.send_as(&key, Method::PUT, &format!("{path}/wide"), Some(&change)).await.problem(403);
        app.send_as(&key, Method::DELETE, &format!("{path}/wide"), None).await.problem(403);
        let own = app.send_as(&key, Method::POST, path, Some(&first("wide"))).await.expect(201);
        assert_eq!(own.text("/tenant_id"), "one", "a tenant may have its own of the same name");
        app.send_as(&key, Method::DELETE, &format!("{path}/wide"), None).await.expect(204);
        let mut elsewhere = first("x");
        elsewhere["tenant_id"] = json!("default");
        app.send_as(&key, Method::POST, path, Some(&elsewhere)).await.problem(403);
    }
    app.finish().await;
}

#[tokio::test]
async fn templates_are_previewed_and_sent_for_a_test() {
    let app = TestApp::start().await;
    let made =
        app.post("/templates", &json!({"name": "welcome", "subject": "Hi {{ user.name }}", "html": "<p>{{ user.name }}</p>", "text": "{{ params.shop }}"})).await.expect(201);
    let sample = json!({"event_type": "user.created", "event_data": {"user": {"name": "<Ada>"}}});
    let preview = app.post("/templates/welcome/preview", &json!({"event": sample, "params": {"shop": "Shop"}})).await.expect(200);
    assert_eq!((preview.text("/subject"), preview.text("/html"), preview.text("/text")), ("Hi <Ada>", "<p>&lt;Ada&gt;</p>", "Shop"));
    let partly = app.post("/templates/welcome/preview", &json!({"event": sample})).await.expect(200);
    assert_eq!((partly.text("/subject"), partly.text("/faults/0/pointer")), ("Hi <Ada>", "/text"));

    let test = json!({"to": "me@example.com", "from": "shop@example.com", "event": sample, "params": {"shop": "Shop"}});
    let report = app.post("/templates/welcome/test", &test).await.expect(200);
    assert_eq!((report.at("/sent"), report.text("/sent_to")), (&json!(true), "outbox"), "{:#}", report.body);
    let mail = app.get(&format!("/mailbox/{}", report.text("/mail_id"))).await.expect(200);
    assert_eq!((mail.at("/recipients"), mail.text("/subject"), mail.text("/text").trim_end()), (&json!(["me@example.com"]), "Hi <Ada>", "Shop"));
    let failed = app.post("/templates/welcome/test", &json!({"to": "me@example.com", "from": "shop@example.com"})).await.expect(200);
    assert_eq!((failed.at("/sent"), failed.text("/error/class")), (&json!(false), "render"));
    for (body, pointer) in [(json!({"to": "me", "from": "shop@example.com"}), "/to"), (json!({"to": "me@example.com", "from": "{{ secret.X }}@example.com"}), "/from")] {
        assert_eq!(app.post("/templates/welcome/test", &body).await.problem(422).1, pointer);
    }
    let log = app.get(&format!("/audit-log?subject_id={}&action=template.test_send", made.id())).await.expect(200);
    assert_eq!(log.items().len(), 2);
    assert_eq!(app.post("/events", &event("user.created", json!({}))).await.expect(200).at("/matched"), 0);
    app.finish().await;
}

#[tokio::test]
async fn what_is_stored_tells_who_uses_it() {
    let app = TestApp::start().await;
    app.post("/tenants", &json!({"id": "a", "name": "A"})).await.expect(201);
    let users = |answer: &crate::util::Answer| -> Vec<(String, String)> {
        let used_by = answer.at("/used_by").as_array().unwrap();
        used_by.iter().map(|u| (u["kind"].as_str().unwrap().to_owned(), u["name"].as_str().unwrap().to_owned())).collect()
    };
    let by = |names: &[&str]| names.iter().map(|n| ("action".to_owned(), (*n).to_owned())).collect::<Vec<_>>();
    for Noun { path, first, user, .. } in nouns() {
        let made = app.post(path, &first("used")).await.expect(201);
        assert!(made.body.get("used_by").is_none() && app.get(path).await.at("/items/0").get("used_by").is_none(), "only one alone tells");
        assert_eq!(users(&app.get(&format!("{path}/used")).await.expect(200)), by(&[]));
        let action = |name: &str, more: Value| {
            let mut action = user.clone();
            action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            (action["name"], action["event_types"]) = (json!(name), json!(["a.b"]));
            action
        };
        let direct = app.action(action("Direct", json!({}))).await;
        let step = json!({"action": user["handler_type"], "params": user["configuration"]});
        let inside = app.action(action("Inside", json!({"handler_type": "workflow", "configuration": {"steps": [step]}}))).await;
        let other = app.action(action("Of a tenant", json!({"tenant_id": "a"}))).await;
        assert_eq!(users(&app.get(&format!("{path}/used")).await.expect(200)), by(&["Direct", "Inside", "Of a tenant"]));
        let key = app.tenant_key("default", &["actions:read"]).await;
        let seen = app.send_as(&key, Method::GET, &format!("{path}/used"), None).await.expect(200);
        assert_eq!(users(&seen), by(&["Direct", "Inside"]), "another tenant's action does not exist here");
        let mut own = first("used");
        own["tenant_id"] = json!("a");
        app.post(path, &own).await.expect(201);
        assert_eq!(users(&app.get(&format!("{path}/used")).await.expect(200)), by(&["Direct", "Inside"]), "that action means its tenant's own now");
        assert_eq!(users(&app.get(&format!("{path}/used?tenant_id=a")).await.expect(200)), by(&["Of a tenant"]));
        for id in [direct, inside, other] {
            app.delete(&format!("/event-actions/{id}")).await.expect(204);
        }
    }

    app.post("/secrets", &json!({"name": "TOKEN", "value": "canary-1"})).await.expect(201);
    app.post("/secrets", &json!({"name": "TOKEN", "value": "canary-2", "tenant_id": "a"})).await.expect(201);
    app.post("/templates", &json!({"name": "signed", "subject": "x", "text": "{{ secret['TOKEN'] }}"})).await.expect(201);
    let bearer = |name: &str, token: &str| {
        let configuration = json!({"url": "http://127.0.0.1:9/x", "auth": {"type": "bearer", "token": token}});
        json!({"name": name, "handler_type": "webhook", "event_types": ["a.b"], "configuration": configuration})
    };
    let mut of_tenant = bearer("Of a tenant", "{{ secret.TOKEN }}");
    of_tenant["tenant_id"] = json!("a");
    for action in [bearer("Bearer", "{{ secret.TOKEN }}"), bearer("Another", "{{ secret.TOKEN_2 }}"), of_tenant] {
        app.action(action).await;
    }
    let template = ("template".to_owned(), "signed".to_owned());
    let platform = app.get("/secrets/TOKEN").await.expect(200);
    assert_eq!(users(&platform), [by(&["Bearer"]), vec![template.clone()]].concat());
    assert_eq!(users(&app.get("/secrets/TOKEN?tenant_id=a").await.expect(200)), [by(&["Of a tenant"]), vec![template]].concat());
    assert!(!platform.body.to_string().contains("canary"));
    app.finish().await;
}
