//! Values that must not come back: put in everywhere, then searched for in every answer, page, stream and file of the console.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde_json::{Value, json};

#[allow(dead_code, reason = "each test file uses a part of it")]
mod util;

use util::{Database, KEY, Service};

const EMAIL: &str = "admin@example.com";
const PASSWORD: &str = "canary-password-41c8e0";
const SECRET: &str = "canary-secret-7f3a9c21";
/// `whsec_` and base64, as signing secrets are.
const SIGNING: &str = "whsec_Y2FuYXJ5LXNpZ25pbmctMDEyMzQ1Njc4OWFiY2RlZg==";
const SMTP: &str = "canary-smtp-5b20d7";
const MASTER: &str = "Y2FuYXJ5LW1hc3Rlci1rZXktMDEyMzQ1Njc4OTAxMjM=";
/// Pages that are looked at, at most; the crawl must end by itself before.
const MOST_PAGES: usize = 600;

/// What must not be found, by name.
struct Canaries(Vec<(&'static str, String)>);

impl Canaries {
    #[track_caller]
    fn absent(&self, place: &str, text: &str) {
        for (what, canary) in &self.0 {
            if let Some(at) = text.find(canary.as_str()) {
                let (from, to) = (at.saturating_sub(120), (at + canary.len() + 40).min(text.len()));
                panic!("{place} shows {what}: {}", String::from_utf8_lossy(&text.as_bytes()[from..to]));
            }
        }
    }
}

struct Looker {
    service: Service,
    client: reqwest::Client,
}

impl Looker {
    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}/api/v1{path}", self.service.base())).bearer_auth(KEY);
        let answer = request.json(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap_or_default());
        answer.json().await.unwrap_or_default()
    }

    /// The status and text of an answer; of an endless one what came within a second.
    async fn text(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let is_stream = answer.headers().get("content-type").is_some_and(|t| t == "text/event-stream");
        if !is_stream {
            return (status, String::from_utf8_lossy(&answer.bytes().await.expect("the answer arrives")).into_owned());
        }
        let (mut text, mut stream) = (String::new(), answer.bytes_stream());
        while let Ok(Some(Ok(chunk))) = tokio::time::timeout(Duration::from_millis(1500), stream.next()).await {
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
        (status, text)
    }
}

/// A receiver that fails and says in its answer what it was sent.
async fn echo() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let answer = |headers: axum::http::HeaderMap, body: String| async move { (axum::http::StatusCode::BAD_REQUEST, format!("{headers:?} {body}")) };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    format!("http://{address}")
}

/// Makes something of every noun, with secrets wherever one can be used.
async fn furnish(looker: &Looker) -> Canaries {
    let url = echo().await;
    looker.post("/secrets", &json!({"name": "TOKEN", "value": SECRET, "tenant_id": "default"})).await;
    looker.post("/secrets", &json!({"name": "SIGN", "value": SIGNING, "tenant_id": "default"})).await;
    let key = looker.post("/api-keys", &json!({"name": "canary", "scopes": ["admin"], "tenant_id": "default"})).await["key"].as_str().expect("a key").to_owned();
    let link = looker.post("/users", &json!({"email": "new@example.com", "role": "viewer", "tenant_id": "default"})).await["link"].as_str().expect("a link").to_owned();
    let invitation = link.split_once("token=").expect("a token").1.to_owned();
    looker.post("/templates", &json!({"name": "mail", "subject": "Key {{ secret.TOKEN }}", "text": "{{ secret.TOKEN }}", "tenant_id": "default"})).await;
    let source = "export function f(event, args) { console.log(args); throw new Error('cannot use ' + args[0]); }";
    looker.post("/functions", &json!({"name": "secretive", "source": source, "tenant_id": "default"})).await;
    for (name, handler, configuration) in [
        (
            "webhook",
            "webhook",
            json!({"url": format!("{url}/?key={{{{ secret.TOKEN }}}}"), "headers": {"X-Key": "{{ secret.TOKEN }}"}, "body": {"key": "{{ secret.TOKEN }}"},
            "signing_secret": "{{ secret.SIGN }}", "auth": {"type": "bearer", "token": "{{ secret.TOKEN }}"}}),
        ),
        ("nowhere", "webhook", json!({"url": "http://127.0.0.1:1/?key={{ secret.TOKEN }}"})),
        ("function", "function", json!({"module": "secretive", "function": "f", "args": ["{{ secret.TOKEN }}"]})),
        ("mail", "email", json!({"to": "a@example.com", "from": "b@example.com", "subject": "x {{ secret.TOKEN }}", "text": "{{ secret.TOKEN }}"})),
        ("flow", "workflow", json!({"steps": [{"action": "send", "params": {"destination": "webhook", "url": url, "headers": {"X-Key": "{{ secret.TOKEN }}"}}}]})),
    ] {
        let action = json!({"name": name, "handler_type": handler, "configuration": configuration, "event_types": ["canary.sings"], "max_retries": 0, "tenant_id": "default"});
        looker.post("/event-actions", &action).await;
    }
    looker.post("/events", &json!({"event_type": "canary.sings", "data": {"bird": "yes"}})).await;
    // The alerts that this raises are mailed, too, which is tried again for long: nothing here waits for that.
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let runs = looker.service.list("/api/v1/executions?event_type=canary.sings&limit=50").await;
        let ended = runs.iter().filter(|x| x["finished_at"].is_string()).count();
        if ended == 5 {
            break;
        }
        assert!(Instant::now() < until, "{ended} of 5 have ended: {runs:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Canaries(vec![
        ("a secret", SECRET.to_owned()),
        ("a signing secret", SIGNING.trim_start_matches("whsec_").to_owned()),
        ("a mail password", SMTP.to_owned()),
        ("a password", PASSWORD.to_owned()),
        ("the master key", MASTER.to_owned()),
        ("an API key", key),
        ("the bootstrap key", KEY.to_owned()),
        ("an invitation's link", invitation),
    ])
}

/// The ids of what is there, by noun, from the lists.
async fn ids_of(looker: &Looker, noun: &str) -> Vec<String> {
    let list = match noun {
        "me" => return Vec::new(),
        "dead-letters" => "executions",
        noun => noun,
    };
    let items = looker.service.get(&format!("/api/v1/{list}?limit=50")).await["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).take(6).collect()
}

/// Every GET of the OpenAPI document, with the ids of what is there.
async fn look_at_rest(looker: &Looker, canaries: &Canaries) -> usize {
    let document = looker.service.get("/api/openapi.json").await;
    let mut looked = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        if item.get("get").is_none() {
            continue;
        }
        let noun = path.trim_start_matches("/api/v1/").split('/').next().unwrap_or_default();
        let addresses = if path.contains("{id}") { ids_of(looker, noun).await.iter().map(|id| path.replace("{id}", id)).collect() } else { vec![path.clone()] };
        for address in addresses {
            let (_, text) = looker.text(looker.client.get(format!("{}{address}", looker.service.base())).bearer_auth(KEY)).await;
            canaries.absent(&format!("GET {address}"), &text);
            looked += 1;
        }
    }
    looked
}

/// Addresses of this site in a page.
fn links(html: &str) -> impl Iterator<Item = String> {
    ["href=\"/", "src=\"/", "action=\"/"]
        .into_iter()
        .flat_map(|mark| html.split(mark).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .map(|rest| format!("/{}", rest.replace("&amp;", "&")))
}

/// Every page that links lead to, as the administrator, one of each kind of address with its parameters left away.
async fn look_at_pages(looker: &Looker, canaries: &Canaries) -> BTreeSet<String> {
    let form = [("email", EMAIL), ("password", PASSWORD)];
    let base = looker.service.base();
    let signed_in = looker.client.post(format!("{base}/login")).header("sec-fetch-site", "same-origin").form(&form).send().await.expect("an answer");
    let cookie = signed_in.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a cookie").to_owned();
    let (mut seen, mut waiting) = (BTreeSet::new(), VecDeque::from(["/".to_owned(), "/setup".to_owned(), "/login".to_owned(), "/no-such-page".to_owned()]));
    while let Some(address) = waiting.pop_front() {
        let path = address.split(['?', '#']).next().unwrap_or_default().to_owned();
        if path.starts_with("/api/") || path.starts_with("/logout") || !seen.insert(path.clone()) {
            continue;
        }
        assert!(seen.len() < MOST_PAGES, "the crawl does not end: {seen:?}");
        let (status, html) = looker.text(looker.client.get(format!("{base}{path}")).header("cookie", &cookie).header("accept", "text/html")).await;
        assert!(status < 500, "{path}: {status}");
        canaries.absent(&path, &html);
        if !path.starts_with("/pkg/") {
            waiting.extend(links(&html));
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_and_no_page_shows_what_was_put_in_as_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let smtp = format!("smtp://user:{SMTP}@127.0.0.1:1");
    let settings =
        [("EVENT_ACTIONS_ADMIN_EMAIL", EMAIL), ("EVENT_ACTIONS_ADMIN_PASSWORD", PASSWORD), ("EVENT_ACTIONS_MASTER_KEY", MASTER), ("EVENT_ACTIONS_SMTP_URL", smtp.as_str())];
    let service = Service::start_with(folder.path(), &Database::from_env().await, &settings).await;
    let client_without_redirects = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(Duration::from_secs(20)).build();
    let looker = Looker { service, client: client_without_redirects.expect("a client") };
    let canaries = furnish(&looker).await;
    assert!(look_at_rest(&looker, &canaries).await > 60);
    let pages = look_at_pages(&looker, &canaries).await;
    for page in [
        "/actions",
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
    ] {
        assert!(pages.contains(page), "{page} was reached: {pages:?}");
    }
    for kind in ["/actions/", "/events/", "/executions/", "/templates/", "/functions/"] {
        assert!(pages.iter().any(|page| page.starts_with(kind)), "a page below {kind} was reached: {pages:?}");
    }
    // Refusals say what was wrong, not what was sent.
    for (path, body) in [
        ("/secrets", json!({"name": "9 bad", "value": SECRET})),
        ("/secrets", json!({"name": "TOKEN", "value": SECRET, "tenant_id": "default"})),
        ("/secrets", json!({"name": "OTHER", "value": SECRET, "more": 1})),
        ("/me/password", json!({"current_password": PASSWORD, "new_password": "short"})),
    ] {
        let request = looker.client.post(format!("{}/api/v1{path}", looker.service.base())).bearer_auth(KEY).json(&body);
        let (status, text) = looker.text(request).await;
        assert!((400..500).contains(&status), "{path}: {status}");
        canaries.absent(&format!("the refusal of {path}"), &text);
    }
    looker.service.stop().await;
    canaries.absent("the log", &std::fs::read_to_string(folder.path().join("log")).expect("a log"));
}
