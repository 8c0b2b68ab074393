//! Who may do what: every documented route, called with every role and every scope of a key, against the table in roles.tsv.
//!
//! `ok` stands for 2xx. The table names every route of the OpenAPI document and nothing else. Things are the tenant's own, and
//! made anew for calls that change them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use event_actions::model::access::Scope;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::fixtures::{Things, address_of, body_of, noun_of};
use crate::util::TestApp;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/routes/roles.tsv");
const RENEW: &str = "If it is meant, write the table anew with `RENEW_TABLES=1 cargo test --test suite roles` and read the difference line by line.";

/// Somebody who calls.
struct Somebody {
    /// The column in the table: a role, or the scope of a key, of the tenant (`k:`) or of the platform (`p:`).
    name: String,
    credential: Credential,
}

enum Credential {
    Session(String),
    Key(String),
}

impl Somebody {
    fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.credential {
            Credential::Session(token) => request.header("cookie", format!("ea={token}")),
            Credential::Key(key) => request.bearer_auth(key),
        }
    }
}

async fn everybody(app: &TestApp, things: &Things<'_>) -> Vec<Somebody> {
    let mut all = Vec::new();
    for name in ["viewer", "operator", "admin", "platform"] {
        let token = things.person(&format!("{name}@example.com"), if name == "platform" { "admin" } else { name }, name == "platform").await.token;
        let signed_in = app.engine.session(&token, None).await.expect("the session lives");
        app.engine.switch_tenant(&signed_in, Some("ours")).await.expect("the tenant is theirs");
        all.push(Somebody { name: name.to_owned(), credential: Credential::Session(token) });
    }
    for (prefix, tenant) in [("k:", Some("ours")), ("p:", None)] {
        for scope in Scope::ALL {
            let made = app.post("/api-keys", &json!({"name": scope.name(), "scopes": [scope.name()], "tenant_id": tenant})).await.expect(201);
            all.push(Somebody { name: format!("{prefix}{}", scope.name()), credential: Credential::Key(made.text("/key").to_owned()) });
        }
    }
    all
}

/// The documented routes that need a credential: method and path.
pub fn guarded_routes() -> Vec<(Method, String)> {
    let document = serde_json::to_value(event_actions::http::openapi()).expect("the document is JSON");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"] != json!([{}]) {
                all.push((method.to_uppercase().parse().unwrap(), path.clone()));
            }
        }
    }
    all
}

type Table = BTreeMap<String, BTreeMap<String, String>>;

fn read_table() -> Table {
    let text = std::fs::read_to_string(TABLE).unwrap_or_default();
    let mut lines = text.lines().filter(|l| !l.starts_with('#'));
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').skip(1).collect();
    lines
        .map(|line| line.split_once('\t').unwrap_or((line, "")))
        .map(|(route, cells)| (route.to_owned(), names.iter().map(|n| (*n).to_owned()).zip(cells.split('\t').map(str::to_owned)).collect()))
        .collect()
}

fn write_table(names: &[String], table: &Table) {
    let mut text = "# Who may call what: ok is 2xx. Columns: sessions by role, keys of the tenant (k:) and of the platform (p:) by scope.\n".to_owned();
    writeln!(text, "route\t{}", names.join("\t")).unwrap();
    for (route, cells) in table {
        writeln!(text, "{route}\t{}", names.iter().map(|n| cells[n].as_str()).collect::<Vec<_>>().join("\t")).unwrap();
    }
    std::fs::write(TABLE, text).expect("the table can be written");
}

/// One call: `ok`, or the status. The stream has no end, so its body is left alone.
async fn outcome(app: &TestApp, somebody: &Somebody, method: &Method, path: &str, body: Option<Value>) -> String {
    let mut request = somebody.sign(app.anonymous(method.clone(), path));
    if path.ends_with("/cloudevents") {
        request = request.header("content-type", "application/cloudevents+json").body(body.unwrap_or_default().to_string());
    } else if let Some(body) = body {
        request = request.json(&body);
    }
    let status = request.send().await.expect("it answers").status();
    if status.is_success() { "ok".to_owned() } else { status.as_u16().to_string() }
}

#[tokio::test]
async fn every_route_with_every_role_answers_as_the_table_says() {
    let app = TestApp::start().await;
    let things = Things::new(&app, "ours").await;
    let everybody = everybody(&app, &things).await;
    let names: Vec<String> = everybody.iter().map(|s| s.name.clone()).collect();
    let renew = std::env::var_os("RENEW_TABLES").is_some();
    let expected = if renew { Table::new() } else { read_table() };
    let mut found = Table::new();
    for (method, path) in guarded_routes() {
        let route = format!("{method} {path}");
        let row = expected.get(&route);
        assert!(renew || row.is_some(), "{route} is not declared in tests/suite/routes/roles.tsv. {RENEW}");
        for somebody in &everybody {
            // Where no is expected, any thing of the tenant will do: nothing happens to it.
            let will = renew || row.is_some_and(|row| row.get(&somebody.name).is_some_and(|cell| cell == "ok"));
            let id = match noun_of(&path) {
                Some("sessions") => things.session_of(&format!("{}@example.com", somebody.name)).await,
                Some(noun) => things.id(noun, &method, &path, will).await,
                None => String::new(),
            };
            let body = body_of(&method, &path, things.next());
            let cell = outcome(&app, somebody, &method, &address_of(&method, &path, &id), body).await;
            found.entry(route.clone()).or_default().insert(somebody.name.clone(), cell);
        }
    }
    things.calm_down().await;
    if renew {
        write_table(&names, &found);
    } else {
        let mut wrong = Vec::new();
        for (route, cells) in &found {
            for (name, cell) in cells {
                let wanted = expected[route].get(name).map_or("nothing", String::as_str);
                if wanted != cell {
                    wrong.push(format!("{route} as {name}: {cell}, not {wanted}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}\n{RENEW}", wrong.join("\n"));
        let gone: Vec<&String> = expected.keys().filter(|route| !found.contains_key(*route)).collect();
        assert!(gone.is_empty(), "roles.tsv names routes that do not exist: {gone:?}. {RENEW}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_real_test_send_needs_the_right_to_run_as_well() {
    let app = TestApp::start().await;
    let things = Things::new(&app, "ours").await;
    let id = things.id("event-actions", &Method::POST, "", true).await;
    let send = json!({"event_type": "role.ok", "dry_run": false});
    for (scopes, status) in [(vec!["actions:write"], 403), (vec!["executions:write"], 403), (vec!["actions:read", "executions:write"], 200)] {
        let key = app.tenant_key("ours", &scopes).await;
        let answer = app.send_as(&key, Method::POST, &format!("/event-actions/{id}/test"), Some(&send)).await;
        assert_eq!(answer.status, status, "{scopes:?}: {:#}", answer.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn reading_changes_nothing() {
    let app = TestApp::start().await;
    let things = Things::new(&app, "ours").await;
    let reads: Vec<String> = guarded_routes().into_iter().filter(|(method, _)| *method == Method::GET).map(|(_, path)| path).collect();
    let mut addresses = Vec::new();
    for path in &reads {
        let id = match noun_of(path) {
            Some(noun) => things.id(noun, &Method::GET, path, false).await,
            None => String::new(),
        };
        addresses.push(path.replace("{id}", &id));
    }
    let state = async || {
        let entries = app.get("/audit-log/verify").await.expect(200).at("/entries").clone();
        let events = app.get("/events?limit=200&event_type=role.*").await.expect(200).items().len();
        (entries, events, app.get("/executions?limit=200").await.expect(200).items().len())
    };
    let before = state().await;
    let reader = Somebody { name: "platform".to_owned(), credential: Credential::Key(app.tenant_key("ours", &["admin"]).await) };
    let key_made = state().await;
    assert_ne!(before.0, key_made.0, "a change is seen");
    for address in &addresses {
        let cell = outcome(&app, &reader, &Method::GET, address, None).await;
        assert!(cell == "ok" || address.contains("/me"), "{address}: {cell}");
    }
    assert_eq!(state().await, key_made);
    app.finish().await;
}
