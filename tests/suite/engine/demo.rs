//! The demo: a day of history that adds up, real handlers behind it, and nothing left when it goes.

use event_actions::engine::Caller;
use serde_json::{Value, json};

use crate::util::TestApp;

/// The platform's caller that looks at the demo.
fn caller() -> Caller {
    Caller::system("test")
}

/// Executions of the demo's day by status, counted one by one.
async fn counted(app: &TestApp, status: &str) -> i64 {
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let page = app.get(&format!("/executions?tenant_id=demo&status={status}&limit=200{cursor}")).await.expect(200);
        count += page.items().len() as i64;
        match page.at("/next_cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return count,
        }
    }
}

#[tokio::test]
async fn the_demo_is_a_day_that_adds_up() {
    let app = TestApp::start().await;
    assert!(app.engine.load_demo(&caller()).await.unwrap());
    assert!(!app.engine.load_demo(&caller()).await.unwrap(), "once is enough");
    let actions = app.get("/event-actions?tenant_id=demo").await.expect(200);
    let mut kinds: Vec<&str> = actions.items().iter().map(|a| a["handler_type"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["email", "function", "webhook", "webhook", "webhook", "workflow"]);
    assert_eq!(actions.items().iter().filter(|a| a["is_enabled"] == false).count(), 1);

    let key = app.post("/api-keys", &json!({"name": "demo", "scopes": ["admin"], "tenant_id": "demo"})).await.expect(201).text("/key").to_owned();
    let stats = app.send_as(&key, reqwest::Method::GET, "/event-actions/stats/overview?window=7d", None).await.expect(200);
    let dead = counted(&app, "dead_letter").await;
    assert_eq!(stats.at("/by_status/succeeded"), &json!(counted(&app, "succeeded").await), "{:#}", stats.body);
    assert_eq!(stats.at("/by_status/dead_letter"), &json!(dead));
    assert!(dead > 3 && stats.at("/total_executions").as_i64().unwrap() > 400, "{:#}", stats.body);
    assert!(stats.at("/p95_ms").as_f64().unwrap() > 100.0);

    let events = app.get("/events?tenant_id=demo&limit=200").await.expect(200);
    assert!(events.items().iter().all(|e| e["metadata"]["demo"] == true));
    assert!(app.get("/mailbox?tenant_id=demo&limit=200").await.expect(200).items().len() > 20);
    let failing = actions.items().iter().find(|a| a["name"].as_str().unwrap().contains("old CRM")).unwrap()["id"].as_str().unwrap().to_owned();
    let health = app.get(&format!("/event-actions/{failing}/health")).await.expect(200);
    assert!(["degraded", "critical"].contains(&health.text("/status")), "{:#}", health.body);
    let letter = app.get(&format!("/event-actions/{failing}/executions?status=dead_letter&limit=1")).await.expect(200);
    let id = letter.items()[0]["id"].as_str().unwrap();
    let one = app.get(&format!("/executions/{id}")).await.expect(200);
    assert_eq!(one.at("/attempts").as_array().unwrap().len(), 3, "{:#}", one.body);
    assert_eq!(one.at("/attempts/0/response/status"), &json!(503));
    assert_eq!(one.text("/attempts/0/request/url"), "http://sink.demo.invalid/crm?delay_ms=400&fail_percent=30");
    app.engine.remove_demo(&caller()).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn its_actions_run_through_the_real_handlers_and_nothing_leaves() {
    let app = TestApp::start().await;
    app.engine.load_demo(&caller()).await.unwrap();
    let send = |event_type: &str, data: Value| json!({"event_type": event_type, "data": data, "metadata": {"tenant_id": "demo"}});
    let contact = json!({"name": "Ada", "email": "ada@demo.invalid", "email_verified": true, "plan": "team"});
    let mut done = Vec::new();
    for event in [
        send("order.paid", json!({"order": {"id": "o1", "total": 20, "items": []}, "customer": contact})),
        send("payment.captured", json!({"payment": {"id": "p1", "amount": 2500, "country": "US"}})),
        send("company.signed_up", json!({"company": {"name": "Teekontor", "seats": 3}, "contact": contact})),
    ] {
        let sent = app.post("/events", &event).await;
        assert_eq!(sent.at("/matched"), &json!(1), "{:#}", sent.body);
        done.push(app.execution(sent.text("/executions/0/id"), &["succeeded", "failed", "dead_letter"]).await);
    }
    assert!(done.iter().all(|d| d.text("/status") == "succeeded"), "{done:#?}");
    assert_eq!(done[0].text("/result/body/by"), "the built-in demo sink");
    assert_eq!(done[0].at("/attempts/0/request/body"), &json!({"order_id": "o1", "total": 20, "items": [], "ship_to": "Ada"}));
    assert_eq!(done[1].at("/result"), &json!({"score": 70, "review": true}));
    let mails = app.get("/mailbox?tenant_id=demo&limit=1").await.expect(200);
    assert_eq!(mails.items()[0]["recipients"], json!(["sales@demo.invalid"]));
    app.engine.remove_demo(&caller()).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn nothing_of_it_is_left_and_nothing_else_is_touched() {
    let app = TestApp::start().await;
    let own = app
        .action(json!({"name": "Own", "handler_type": "function", "configuration": {"module": "builtin", "function": "echo"}, "event_types": ["own.*"], "execution_mode": "sync"}))
        .await;
    app.post("/events", &json!({"event_type": "own.one", "data": {}})).await.expect(200);
    let before = app.get("/event-actions/stats/overview?window=24h").await.expect(200);
    app.engine.load_demo(&caller()).await.unwrap();
    assert!(app.get("/event-actions/stats/overview?window=24h").await.at("/total_executions").as_i64().unwrap() > 400);
    assert!(app.engine.remove_demo(&caller()).await.unwrap());
    assert!(!app.engine.remove_demo(&caller()).await.unwrap());
    let after = app.get("/event-actions/stats/overview?window=24h").await.expect(200);
    assert_eq!((after.at("/total_executions"), after.at("/by_status")), (before.at("/total_executions"), before.at("/by_status")));
    for list in ["/executions", "/events", "/mailbox", "/event-actions", "/templates", "/functions", "/dead-letters"] {
        assert!(app.get(&format!("{list}?tenant_id=demo")).await.expect(200).items().is_empty(), "{list}");
    }
    app.get("/tenants/demo").await.expect(404);
    app.get(&format!("/event-actions/{own}")).await.expect(200);
    let kept: Vec<String> = app.get("/audit-log?limit=200").await.expect(200).items().iter().map(|e| e["action"].as_str().unwrap().to_owned()).collect();
    assert!(kept.contains(&"demo.load".to_owned()) && kept.contains(&"demo.remove".to_owned()));
    assert_eq!(app.get("/audit-log/verify").await.expect(200).at("/ok"), &json!(true));
    assert!(app.engine.load_demo(&caller()).await.unwrap(), "and it may come again");
    app.engine.remove_demo(&caller()).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn a_tenant_of_that_name_is_nobodys_demo() {
    let app = TestApp::start().await;
    let key = app.tenant_key("demo", &["admin"]).await;
    let refused = app.engine.load_demo(&caller()).await.unwrap_err();
    assert_eq!(refused.code, "tenant_exists");
    assert!(!app.engine.remove_demo(&caller()).await.unwrap());
    app.send_as(&key, reqwest::Method::GET, "/event-actions", None).await.expect(200);
    app.finish().await;
}
