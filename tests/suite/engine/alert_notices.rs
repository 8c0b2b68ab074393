//! What an installation tells of alerts from its first day on: ready-made mails, numbers for Prometheus, and each step of a slow sink.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use event_actions::engine::Caller;
use event_actions::model::user::NewAccount;

use crate::util::{Reply, Sink, TestApp, event, webhook};

/// Longest wait for a step. The product promises five seconds; a busy machine may take longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn account(email: &str) -> NewAccount {
    NewAccount { email: email.to_owned(), name: "Ada".to_owned(), password: "correct horse battery staple".to_owned() }
}

/// Asks for a list until it fits.
async fn until(app: &TestApp, path: &str, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = app.get(path).await.expect(200);
        if fits(found.items()) {
            return found.items().to_vec();
        }
        assert!(Instant::now() < end, "{path}: {:#}", found.body);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn ready_made(app: &TestApp) -> Vec<Value> {
    let mut all = app.get("/event-actions?tag=alerts").await.expect(200).items().to_vec();
    all.sort_by_key(|a| a["name"].as_str().unwrap().to_owned());
    all
}

/// A receiver that is gone for good: its action is switched off, which raises an alert at once.
async fn gone(app: &TestApp, sink: &Sink) -> String {
    sink.on("/gone", [Reply::status(410)]);
    let id = app.action(webhook("Gone", "a.gone", &sink.at("/gone"), json!({"execution_mode": "sync", "tenant_id": "default"}))).await;
    app.post("/events", &event("a.gone", json!({}))).await.expect(200);
    id
}

#[tokio::test]
async fn who_claims_the_installation_gets_mails_about_alerts() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    assert!(ready_made(&app).await.is_empty());
    let token = app.engine.setup_token().await.unwrap().expect("a set-up token");
    app.engine.complete_setup(&token, account("Ada@Example.com"), None::<std::net::IpAddr>).await.unwrap();
    let made = ready_made(&app).await;
    assert_eq!(made.iter().map(|a| a["name"].as_str().unwrap()).collect::<Vec<_>>(), ["Mail when an alert fires", "Mail when an alert is over"]);
    for action in &made {
        assert_eq!((&action["tenant_id"], &action["is_enabled"], &action["configuration"]["to"]), (&json!("default"), &json!(true), &json!("ada@example.com")), "{action:#}");
    }

    let id = gone(&app, &sink).await;
    let mails = until(&app, "/mailbox", |mails| mails.len() == 1).await;
    assert_eq!((&mails[0]["subject"], &mails[0]["recipients"]), (&json!("[critical] Action switched off by itself"), &json!(["ada@example.com"])), "{mails:#?}");
    app.call(&format!("/event-actions/{id}/enable")).await.expect(200);
    let mails = until(&app, "/mailbox", |mails| mails.len() == 2).await;
    assert_eq!(mails[0]["subject"], "[over] Action switched off by itself");

    // Switched off, they are silent.
    for action in &made {
        app.call(&format!("/event-actions/{}/disable", action["id"].as_str().unwrap())).await.expect(200);
    }
    let again = app.call(&format!("/event-actions/{id}/disable")).await.expect(200);
    assert_eq!(again.at("/is_enabled"), &json!(false));
    gone(&app, &sink).await;
    until(&app, "/alerts?state=firing&kind=auto_disable", |alerts| !alerts.is_empty()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(app.get("/mailbox").await.expect(200).items().len(), 2, "no more mails");

    // Another administrator later gets none made for them.
    app.engine.create_administrator(&Caller::system("test"), account("grace@example.com")).await.unwrap();
    assert_eq!(ready_made(&app).await.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn an_administrator_of_the_configuration_gets_them_too() {
    let app = TestApp::with(|config| {
        config.admin_email = Some("ops@example.com".to_owned());
        config.admin_password = Some("correct horse battery staple".into());
    })
    .await;
    let made = ready_made(&app).await;
    assert_eq!(made.iter().map(|a| a["configuration"]["to"].clone()).collect::<Vec<_>>(), ["ops@example.com", "ops@example.com"]);
    app.finish().await;
}

#[tokio::test]
async fn mails_about_alerts_are_tried_like_any_other() {
    let app = TestApp::start().await;
    let sample = json!({"event_type": "system.alert.fired", "event_data": {"rule": "High error rate"}});
    let body = json!({"subject": "About {{ rule }}", "text": "x", "event": sample});
    let shown = app.post("/templates/preview", &body).await.expect(200);
    assert_eq!(shown.text("/subject"), "About High error rate", "{:#}", shown.body);
    app.post("/events", &event("system.alert.fired", json!({}))).await.problem(422);
    app.finish().await;
}

#[tokio::test]
async fn prometheus_counts_alerts_by_severity_and_state() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let metrics = async || app.send(app.anonymous(Method::GET, "/metrics")).await.expect(200).body.as_str().unwrap().to_owned();
    let one = |state: &str, n: u32| format!("event_actions_alerts{{severity=\"critical\",state=\"{state}\"}} {n}");
    let first = metrics().await;
    assert!(first.contains(&one("firing", 0)) && first.contains("event_actions_oldest_due_seconds 0"), "every series is there from the start: {first}");
    assert_eq!(first.lines().filter(|l| l.starts_with("event_actions_alerts{")).count(), 12, "labels are bounded");
    gone(&app, &sink).await;
    let alert = until(&app, "/alerts?state=firing", |alerts| alerts.len() == 1).await[0]["id"].as_str().unwrap().to_owned();
    let shows = async |line: String| {
        let end = Instant::now() + PATIENCE;
        while !metrics().await.contains(&line) {
            assert!(Instant::now() < end, "{line}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    shows(one("firing", 1)).await;
    app.call(&format!("/alerts/{alert}/acknowledge")).await.expect(200);
    shows(one("acknowledged", 1)).await;
    shows(one("firing", 0)).await;
    app.finish().await;
}

/// The same story as of a sink that fails, for one that is slow: degraded, alert, mail, resolved.
#[tokio::test]
async fn a_slow_sink_alarms_and_mends() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    let token = app.engine.setup_token().await.unwrap().expect("a set-up token");
    app.engine.complete_setup(&token, account("ada@example.com"), None::<std::net::IpAddr>).await.unwrap();
    sink.on("/x", (0..4).map(|_| Reply::status(200).after_ms(300)).chain([Reply::status(200)]));
    let id = app.action(webhook("Slow", "a.b", &sink.at("/x"), json!({"execution_mode": "sync", "tenant_id": "default"}))).await;
    let rule = json!({"kind": "slow_executions", "name": "Too slow", "threshold": 250, "min_samples": 4, "window_seconds": 60, "scope": {"action": id}});
    app.put("/alert-rules", &rule).await.expect(200);
    let send = async |count: usize| {
        for n in 0..count {
            app.post("/events", &event("a.b", json!({"n": n}))).await.expect(200);
        }
    };
    send(4).await;
    let fired = until(&app, &format!("/alerts?state=firing&action_id={id}"), |a| a.len() == 1).await.remove(0);
    assert!(fired["kind"] == "slow_executions" && fired["value"].as_f64() > Some(250.0), "{fired:#}");
    until(&app, "/mailbox", |mails| mails.iter().any(|m| m["subject"] == "[warning] Too slow")).await;
    send(120).await;
    let over = until(&app, &format!("/alerts?state=resolved&action_id={id}"), |a| a.len() == 1).await.remove(0);
    assert_eq!((&over["id"], &over["resolved_by"]), (&fired["id"], &Value::Null));
    until(&app, "/mailbox", |mails| mails.iter().any(|m| m["subject"] == "[over] Too slow")).await;
    let stranger = app.tenant_key("other", &["executions:read"]).await;
    assert!(app.send_as(&stranger, Method::GET, "/alerts", None).await.expect(200).items().is_empty());
    app.finish().await;
}
