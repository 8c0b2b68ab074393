//! The pause after a restore: events are taken, nothing starts in any mode, and one word lets everything run.

use std::time::Duration;

use event_actions::db::{Db, settings};
use event_actions::engine::Caller;
use serde_json::json;

use crate::util::TestApp;

/// Pauses as a restore does.
async fn pause(app: &TestApp) {
    let db = Db::connect(&app.engine.config().effective_database_url(), 2).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    settings::bump(&mut tx, settings::REVISION_KEY).await.unwrap();
    let mark = json!({"since": "2026-01-01T00:00:00.000Z", "reason": "The installation was restored."});
    settings::put_in(&mut tx, settings::PAUSED_KEY, &mark.to_string()).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    for _ in 0..100 {
        if app.engine.pause().is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the pause is not noticed");
}

#[tokio::test]
async fn while_paused_events_are_taken_and_nothing_starts() {
    let app = TestApp::start().await;
    for mode in ["sync", "async", "queued"] {
        let echo = json!({"module": "builtin", "function": "echo"});
        app.action(json!({"name": mode, "handler_type": "function", "configuration": echo, "event_types": ["pause.test"], "execution_mode": mode})).await;
    }
    pause(&app).await;
    assert!(app.engine.pause().unwrap().reason.contains("restored"));
    let sent = app.post("/events", &json!({"event_type": "pause.test", "data": {}})).await.expect(202);
    let ids: Vec<String> = sent.at("/executions").as_array().unwrap().iter().map(|x| x["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 3);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for id in &ids {
        assert_eq!(app.get(&format!("/executions/{id}")).await.expect(200).text("/status"), "pending");
    }
    let somebody = Caller { is_platform: false, tenant_id: Some("default".into()), ..Caller::system("test") };
    assert_eq!(app.engine.resume(&somebody).await.unwrap_err().kind, event_actions::model::ErrorKind::Forbidden);
    assert!(app.engine.resume(&Caller::system("test")).await.unwrap());
    assert!(!app.engine.resume(&Caller::system("test")).await.unwrap());
    for id in &ids {
        app.execution(id, &["succeeded"]).await;
    }
    let log = app.get("/audit-log?action=executions.resume").await.expect(200);
    assert_eq!(log.items().len(), 1);
    app.finish().await;
}
