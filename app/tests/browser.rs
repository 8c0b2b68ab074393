//! What protects people's browsers, through the real server: cookies, cross-site requests, content policy, sign-in and its end.

use std::collections::HashSet;

use reqwest::{Client, Method, Response};
use serde_json::json;
use tempfile::TempDir;

#[allow(dead_code, reason = "each test file uses a part of it")]
mod util;

use util::{Database, KEY, Service};

const EMAIL: &str = "admin@example.com";
const PASSWORD: &str = "correct horse battery";

/// A service with an administrator, and a client that follows nothing by itself.
struct House {
    service: Service,
    client: Client,
    _folder: TempDir,
}

impl House {
    async fn open(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut all = vec![("EVENT_ACTIONS_ADMIN_EMAIL", EMAIL), ("EVENT_ACTIONS_ADMIN_PASSWORD", PASSWORD)];
        all.extend(settings);
        let service = Service::start_with(folder.path(), &Database::from_env().await, &all).await;
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("a client");
        Self { service, client, _folder: folder }
    }

    fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.service.base()));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.request(Method::GET, path, headers).send().await.expect("an answer")
    }

    /// Posts a form as a page of this site does.
    async fn post(&self, path: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Response {
        self.request(Method::POST, path, headers).header("sec-fetch-site", "same-origin").form(form).send().await.expect("an answer")
    }

    /// Signs in; the whole `Set-Cookie`.
    async fn sign_in(&self, headers: &[(&str, &str)], more: &[(&str, &str)]) -> String {
        let answer = self.post("/login", headers, &[&[("email", EMAIL), ("password", PASSWORD)], more].concat()).await;
        assert_eq!(answer.status(), 303, "signed in");
        answer.headers()["set-cookie"].to_str().expect("text").to_owned()
    }

    async fn is_signed_in(&self, cookie: &str) -> bool {
        self.get("/api/v1/me", &[("cookie", cookie)]).await.status() == 200
    }
}

fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().expect("a cookie")
}

#[tokio::test]
async fn the_cookie_is_bound_to_this_site_and_unreadable_to_scripts() {
    for (url, name, secure) in [("http://localhost:3000", "ea=", false), ("https://events.example", "__Host-ea=", true)] {
        let house = House::open(&[("EVENT_ACTIONS_PUBLIC_URL", url)]).await;
        let cookie = house.sign_in(&[], &[]).await;
        assert!(cookie.starts_with(name) && !cookie.contains("Max-Age") && !cookie.contains("Domain"), "{cookie}");
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        assert_eq!(cookie.contains("Secure"), secure, "{cookie}");
        assert!(house.sign_in(&[], &[("keep", "on")]).await.contains("Max-Age=604800"));
        assert!(house.is_signed_in(pair(&cookie)).await);
        assert!(!house.is_signed_in(&format!("{}x", pair(&cookie))).await);
        let transport = house.get("/login", &[]).await.headers().contains_key("strict-transport-security");
        assert_eq!(transport, secure, "{url}");
        house.service.stop().await;
    }
}

#[tokio::test]
async fn signing_in_makes_a_new_session_and_signing_out_ends_it() {
    let house = House::open(&[]).await;
    let first = house.sign_in(&[], &[]).await;
    let second = house.sign_in(&[("cookie", pair(&first))], &[]).await;
    assert_ne!(pair(&first), pair(&second));
    assert!(!house.is_signed_in(pair(&first)).await, "the session that came with the sign-in is over");
    let planted = "ea=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_ne!(pair(&house.sign_in(&[("cookie", planted)], &[]).await), planted, "no session takes a value from outside");
    assert!(house.is_signed_in(pair(&second)).await);
    let out = house.post("/logout", &[("cookie", pair(&second))], &[]).await;
    assert!(out.headers()["set-cookie"].to_str().expect("text").contains("Max-Age=0"));
    assert!(!house.is_signed_in(pair(&second)).await, "the server has ended it, whatever the browser keeps");

    let (here, there) = (house.sign_in(&[], &[]).await, house.sign_in(&[], &[]).await);
    let ended = house.post("/settings/sessions", &[("cookie", pair(&here))], &[]).await;
    assert_eq!(ended.status(), 303);
    assert!(house.is_signed_in(pair(&here)).await && !house.is_signed_in(pair(&there)).await, "all but this one");
    house.service.stop().await;
}

/// What a browser says of a request, and whether a change may follow.
const ORIGINS: [(&[(&str, &str)], bool); 12] = [
    (&[("sec-fetch-site", "same-origin")], true),
    (&[("sec-fetch-site", "none")], true),
    (&[("sec-fetch-site", "same-site")], false),
    (&[("sec-fetch-site", "cross-site")], false),
    (&[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:1")], false),
    (&[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")], true),
    (&[("origin", "https://events.example")], true),
    (&[("origin", "https://events.example.evil.example")], false),
    (&[("origin", "http://evil.example")], false),
    (&[("origin", "null")], false),
    (&[("sec-fetch-site", "")], false),
    (&[], false),
];

#[tokio::test]
async fn only_pages_of_this_site_may_change_anything() {
    let house = House::open(&[("EVENT_ACTIONS_PUBLIC_URL", "https://events.example")]).await;
    let cookie = house.sign_in(&[], &[]).await;
    let cookie = [("cookie", pair(&cookie))];
    // Where server functions live: what is asked there is refused before it is known which one is meant.
    let function = "/_fn/save_action";
    let changes = |method: Method, path: &str, headers: &[(&str, &str)]| house.request(method, path, &[&cookie, headers].concat());
    for (says, fine) in ORIGINS {
        for (what, request) in [
            ("a form", changes(Method::POST, "/settings/name", says).form(&[("name", "Ada")])),
            ("the sign-in", house.request(Method::POST, "/login", says).form(&[("email", EMAIL), ("password", PASSWORD)])),
            ("a preference", changes(Method::POST, "/preferences", says).form(&[("theme", "dark")])),
            ("a server function", changes(Method::POST, function, says).json(&json!({}))),
            ("REST with the cookie", changes(Method::PATCH, "/api/v1/me", says).json(&json!({"name": "Ada"}))),
            ("a deletion", changes(Method::DELETE, "/api/v1/me/sessions", says)),
        ] {
            let answer = request.send().await.expect("an answer");
            let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
            assert_eq!(!text.contains("\"cross_site\""), fine, "{what} with {says:?}: {status} {text}");
            assert!(fine || status == 403, "{what} with {says:?}: {status}");
        }
        let by_key = house.request(Method::POST, "/api/v1/events", says).bearer_auth(KEY).json(&json!({"event_type": "a.b"})).send().await.expect("an answer");
        assert_eq!(by_key.status(), 200, "a key is sent by no browser by itself: {says:?}");
    }
    let own_host = house.service.base();
    let same = changes(Method::POST, "/settings/name", &[("origin", &own_host)]).form(&[("name", "Ada")]).send().await.expect("an answer");
    assert_eq!(same.status(), 303, "the host that was asked is this site, too");
    // A bad key beside the cookie does not fall back to the session that it was exempted from the check for.
    let mixed = changes(Method::PATCH, "/api/v1/me", &[("authorization", "Bearer x"), ("sec-fetch-site", "cross-site")]);
    assert_eq!(mixed.json(&json!({"name": "Eve"})).send().await.expect("an answer").status(), 401);
    house.service.stop().await;
}

#[tokio::test]
async fn looking_changes_nothing() {
    let house = House::open(&[]).await;
    let cookie = house.sign_in(&[], &[]).await;
    let changes = async || house.service.list("/api/v1/audit-log?limit=200").await.len();
    let before = changes().await;
    for path in [
        "/",
        "/actions",
        "/actions/new",
        "/events",
        "/executions",
        "/dead-letters",
        "/alerts",
        "/templates",
        "/functions",
        "/handlers",
        "/mailbox",
        "/secrets",
        "/keys",
        "/users",
        "/tenants",
        "/audit",
        "/settings",
        "/tenants/default",
        "/logout",
        "/preferences",
        "/tenant",
        "/settings/name",
        "/settings/password",
        "/settings/sessions",
        "/secrets/x/delete",
        "/tenants/default/delete",
        "/actions/x/delete",
        "/actions/x/enable",
        "/users/x/remove",
        "/keys/x/revoke",
        "/executions/x/replay",
        "/dead-letters/x/discard",
    ] {
        let status = house.get(path, &[("cookie", pair(&cookie)), ("accept", "text/html")]).await.status();
        assert!(!status.is_server_error(), "{path}: {status}");
    }
    assert_eq!(changes().await, before, "no GET changes anything");
    assert!(house.is_signed_in(pair(&cookie)).await);
    house.service.stop().await;
}

/// The nonce in a page's policy.
fn nonce(policy: &str) -> &str {
    policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce")
}

#[tokio::test]
async fn pages_run_only_their_own_scripts() {
    let house = House::open(&[]).await;
    let cookie = house.sign_in(&[], &[]).await;
    let evil = "</textarea><script>alert(1)</script><img src=x onerror=alert(2)>";
    let make = async |path: &str, body: serde_json::Value| {
        let answer = house.request(Method::POST, &format!("/api/v1{path}"), &[]).bearer_auth(KEY).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json::<serde_json::Value>().await.expect("JSON")
    };
    let template = make("/templates", json!({"name": "evil", "subject": evil, "html": evil, "text": evil, "tenant_id": "default"})).await;
    let function = make("/functions", json!({"name": "evil", "source": format!("// {evil}\nexport function f() {{}}"), "tenant_id": "default"})).await;
    let action = json!({"name": evil, "handler_type": "function", "configuration": {"module": "builtin", "function": "echo", "args": [evil]}, "event_types": ["evil.sent"],
        "description": evil, "tenant_id": "default"});
    let action = make("/event-actions", action).await;
    let event = make("/events", json!({"event_type": "evil.sent", "data": {"note": evil}})).await;
    let mut nonces = HashSet::new();
    for path in [
        "/".to_owned(),
        "/actions".to_owned(),
        "/events".to_owned(),
        format!("/templates/{}", template["id"].as_str().expect("an id")),
        format!("/functions/{}", function["id"].as_str().expect("an id")),
        format!("/actions/{}", action["id"].as_str().expect("an id")),
        format!("/actions/{}/edit", action["id"].as_str().expect("an id")),
        format!("/events/{}", event["event_id"].as_str().expect("an id")),
        format!("/executions/{}", event["executions"][0]["id"].as_str().expect("an id")),
        "/audit".to_owned(),
        "/login".to_owned(),
    ] {
        let answer = house.get(&path, &[("cookie", pair(&cookie)), ("accept", "text/html")]).await;
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        let html = answer.text().await.expect("text");
        if path == "/login" {
            continue;
        }
        let scripts = policy.split(';').find(|part| part.trim_start().starts_with("script-src")).expect("a rule for scripts");
        assert!(!scripts.contains("unsafe-inline") && !scripts.contains("'unsafe-eval'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        let nonce = nonce(&policy).to_owned();
        for tag in html.split("<script").skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
            let fine = tag.contains(&format!("nonce=\"{nonce}\"")) || tag.contains("src=\"/pkg/") || tag.contains("application/json");
            assert!(fine, "{path}: a script that is neither ours nor has the nonce: {tag}");
        }
        assert!(!html.contains("<script>alert") && !html.contains("<img src=x"), "{path} shows what was written as markup");
        assert!(nonces.insert(nonce), "{path}: a nonce is used once");
    }
    house.service.stop().await;
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_careful() {
    let house = House::open(&[]).await;
    for path in ["/login", "/api/v1/events", "/api/openapi.json", "/docs", "/health/live", "/metrics", "/no-such-page", "/api/no-such-route", "/pkg/none.js"] {
        let answer = house.get(path, &[]).await;
        let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}: {}", header("content-security-policy"));
        assert!(!header("referrer-policy").is_empty() && !header("permissions-policy").is_empty(), "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(!header("x-request-id").is_empty(), "{path}");
    }
    house.service.stop().await;
}

#[tokio::test]
async fn after_signing_in_people_stay_on_this_site() {
    let house = House::open(&[]).await;
    for (next, leads_to) in [
        ("/actions?q=a", "/actions?q=a"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ] {
        let answer = house.post("/login", &[], &[("email", EMAIL), ("password", PASSWORD), ("next", next)]).await;
        assert_eq!(answer.headers()["location"], leads_to, "{next:?}");
    }
    let sent = house.get("/actions?q=a", &[]).await;
    assert_eq!(sent.headers()["location"], "/login?next=/actions%3Fq%3Da");
    house.service.stop().await;
}

#[tokio::test]
async fn guessing_passwords_gets_slow() {
    let house = House::open(&[]).await;
    let mut said = Vec::new();
    for n in 0..8 {
        let answer = house.post("/login", &[], &[("email", EMAIL), ("password", &format!("wrong password {n}"))]).await;
        said.push(answer.headers()["location"].to_str().expect("text").to_owned());
    }
    assert!(said[0].contains("error=credentials"), "{said:?}");
    assert!(said[7].contains("error=pause") && said[7].contains("wait="), "{said:?}");
    let right = house.post("/login", &[], &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert!(right.headers()["location"].to_str().expect("text").contains("error=pause"), "even the right one has to wait");
    house.service.stop().await;
}

#[tokio::test]
async fn a_tenant_goes_only_when_its_name_is_typed() {
    let house = House::open(&[]).await;
    let cookie = house.sign_in(&[], &[]).await;
    let cookie = [("cookie", pair(&cookie)), ("accept", "text/html")];
    let made = house.post("/tenants", &cookie, &[("id", "north"), ("name", "North Ltd")]).await;
    assert_eq!(made.headers()["location"], "/tenants?done=tenant_created");
    let page = house.get("/tenants/north", &cookie).await.text().await.expect("text");
    assert!(page.contains("/tenants/north/delete") && page.contains("Delete tenant"), "the page has the form");
    let refused = house.post("/tenants/north/delete", &cookie, &[("confirm", "north")]).await.text().await.expect("text");
    assert!(refused.contains("North Ltd") && refused.contains("value=\"north\""), "the reason and what was typed: {refused}");
    let gone = house.post("/tenants/north/delete", &cookie, &[("confirm", "North Ltd")]).await;
    assert_eq!(gone.headers()["location"], "/tenants?done=tenant_deleted");
    assert_eq!(house.get("/tenants/north", &cookie).await.status(), 404);
    assert!(!house.get("/tenants/default", &cookie).await.text().await.expect("text").contains("Delete tenant"), "the one that always exists stays");
    house.service.stop().await;
}
