//! Tenants: their end, with everything of them, and how long what is theirs is kept.

use std::time::{Duration, Instant};

use event_actions::db::Db;
use event_actions::engine::Engine;
use event_actions::on_tx;
use reqwest::Method;
use serde_json::{Value, json};

use super::fixtures::Things;
use crate::util::{TestApp, event};

#[tokio::test]
async fn a_deleted_tenant_takes_everything_with_it_and_nothing_else() {
    let app = TestApp::start().await;
    let ours = Things::new(&app, "ours").await;
    let theirs = Things::new(&app, "theirs").await;
    for noun in ["event-actions", "executions", "dead-letters", "templates", "functions", "secrets", "mailbox", "invitations", "alerts"] {
        ours.id(noun, &Method::POST, "", true).await;
        theirs.id(noun, &Method::POST, "", true).await;
    }
    let key = app.tenant_key("ours", &["admin"]).await;
    let only_ours = ours.person("only@example.com", "admin", false).await;
    let both = ours.person("both@example.com", "viewer", false).await;
    app.send(app.request(Method::PATCH, &format!("/api/v1/users/{}?tenant_id=theirs", both.id)).json(&json!({"role": "viewer"}))).await.expect(200);

    app.delete("/tenants/default?confirm=Default").await.problem(409);
    app.delete("/tenants/nobody?confirm=nobody").await.problem(404);
    for confirm in ["", "?confirm=OURS", "?confirm=theirs"] {
        assert_eq!(app.delete(&format!("/tenants/ours{confirm}")).await.problem(422).1, "/confirm", "{confirm}");
    }
    let waits = app.send_as(&key, Method::POST, "/events", Some(&event("role.waits", json!({})))).await.expect(202);
    assert_eq!(app.delete("/tenants/ours?confirm=ours").await.problem(409).0, "work_in_flight");
    app.call(&format!("/executions/{}/cancel", waits.text("/executions/0/id"))).await.expect(200);
    app.execution(waits.text("/executions/0/id"), &["cancelled"]).await;
    app.send_as(&key, Method::GET, "/events", None).await.expect(200);

    app.delete("/tenants/ours?confirm=ours").await.expect(204);
    app.get("/tenants/ours").await.problem(404);
    app.send_as(&key, Method::GET, "/events", None).await.problem(401);
    for list in ["/event-actions", "/events", "/executions", "/templates", "/functions", "/secrets", "/mailbox", "/invitations", "/alerts"] {
        let all = app.get(&format!("{list}?limit=200")).await.expect(200);
        let of = |tenant: &str| all.items().iter().filter(|item| item["tenant_id"] == tenant).count();
        assert_eq!(of("ours"), 0, "{list}: {:#}", all.body);
        assert!(of("theirs") > 0, "{list}: {:#}", all.body);
    }
    app.get(&format!("/users/{}", only_ours.id)).await.problem(404);
    let left = app.get(&format!("/users/{}", both.id)).await.expect(200);
    assert_eq!(left.at("/memberships").as_array().map(Vec::len), Some(1), "{:#}", left.body);
    let log = app.get("/audit-log?action=tenant.delete").await.expect(200);
    assert_eq!(log.items()[0].pointer("/before/name"), Some(&json!("ours")), "{:#}", log.body);
    assert_eq!(app.get("/audit-log/verify").await.expect(200).at("/ok"), &json!(true));
    // The id is free again, and begins empty.
    let fresh = app.tenant_key("ours", &["admin"]).await;
    assert!(app.send_as(&fresh, Method::GET, "/event-actions", None).await.expect(200).items().is_empty());
    app.finish().await;
}

/// Everything of a kind, by tenant.
async fn left(app: &TestApp, list: &str, tenant: &str) -> usize {
    app.get(&format!("{list}?tenant_id={tenant}&limit=200")).await.expect(200).items().len()
}

#[tokio::test]
async fn a_tenants_own_retention_is_kept() {
    let app = TestApp::with(|config| config.retention_days = 30).await;
    for (tenant, days) in [("short", Some(2)), ("usual", None), ("long", Some(90))] {
        app.post("/tenants", &json!({"id": tenant, "name": tenant, "settings": {"retention_days": days}})).await.expect(201);
    }
    let action = json!({"name": "Echo", "handler_type": "function", "configuration": {"module": "builtin", "function": "echo"}, "event_types": ["*"], "execution_mode": "sync"});
    app.action(action).await;
    for tenant in ["short", "usual", "long"] {
        app.post("/events", &json!({"event_type": "a.b", "metadata": {"tenant_id": tenant}})).await.expect(200);
    }
    let db = Db::connect(&app.engine.config().effective_database_url(), 2).await.unwrap();
    // All of it happened ten days earlier, then forty: `short` forgets first, then `usual`, and `long` not yet.
    for (days, expected) in [(10_i64, [("short", 0), ("usual", 1), ("long", 1)]), (30, [("short", 0), ("usual", 0), ("long", 1)])] {
        let mut tx = db.begin().await.unwrap();
        for sql in ["update events set received_at = received_at - $1", "update action_executions set created_at = created_at - $1"] {
            on_tx!(&mut tx, conn => sqlx::query(sql).bind(days * 86_400_000).execute(conn).await.map(|_| ())).unwrap();
        }
        tx.commit().await.unwrap();
        // A node that starts looks for old rows at once.
        let config = app.engine.config().clone();
        let beside = Db::connect(&config.effective_database_url(), 4).await.unwrap();
        let handlers = event_actions::handlers::registry(&config).unwrap();
        let node = Engine::start(config, beside, handlers).await.unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        for (tenant, count) in expected {
            while left(&app, "/events", tenant).await != count || left(&app, "/executions", tenant).await != count {
                assert!(Instant::now() < until, "{tenant} has {} events after {days} more days, not {count}", left(&app, "/events", tenant).await);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        node.shutdown().await;
    }
    db.close().await;
    assert_eq!(app.get("/events?tenant_id=long").await.expect(200).items().len(), 1);
    app.put("/tenants/long", &json!({"settings": {"retention_days": Value::Null}})).await.expect(200);
    app.finish().await;
}
