//! A worker whose claim is gone changes nothing: neither the steps of a workflow nor the execution (G5).

use std::time::Duration;

use event_actions::db::{Db, Tx, steps};
use event_actions::model::Timestamp;
use event_actions::on_tx;
use serde_json::{Value, json};

use crate::util::{Reply, Sink, TestApp, event};

/// A second way into the database of the service.
async fn beside(app: &TestApp) -> Db {
    Db::connect(&app.engine.config().effective_database_url(), 2).await.unwrap()
}

async fn change(tx: &mut Tx, sql: &'static str, id: &str) {
    on_tx!(tx, conn => sqlx::query(sql).bind(id).execute(conn).await.map(|_| ())).unwrap();
}

async fn step_rows(tx: &mut Tx, id: &str) -> i64 {
    on_tx!(tx, conn => sqlx::query_scalar("select count(*) from workflow_steps where execution_id = $1").bind(id).fetch_one(conn).await).unwrap()
}

/// A workflow of one slow webhook and a second one.
fn workflow(sink: &Sink) -> Value {
    let send = |path: &str| json!({"name": &path[1..], "action": "send", "params": {"destination": "webhook", "url": sink.at(path)}});
    json!({"name": "Steps", "handler_type": "workflow", "event_types": ["a.b"], "configuration": {"steps": [send("/one"), send("/two")]}})
}

/// Starts the workflow and waits until its first request is under way. Returns the execution's id.
async fn under_way(app: &TestApp, sink: &Sink) -> String {
    let id = app.post("/events", &event("a.b", json!({}))).await.expect(202).text("/executions/0/id").to_owned();
    sink.wait_for("/one", 1).await;
    id
}

#[tokio::test]
async fn a_step_is_stored_only_under_the_claim_that_holds() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/one", [Reply::status(200).after_ms(2500)]);
    app.action(workflow(&sink)).await;
    let (id, db) = (under_way(&app, &sink).await, beside(&app).await);
    for (what, changed) in [
        ("nothing", "update action_executions set failures = failures where id = $1"),
        ("the state", "update action_executions set status = 'pending' where id = $1"),
        ("the end", "update action_executions set status = 'cancelled' where id = $1"),
        ("the attempt", "update action_executions set attempt = attempt + 1 where id = $1"),
        ("the token", "update action_executions set claim_token = 'other' where id = $1"),
        ("no token", "update action_executions set claim_token = null where id = $1"),
        ("the lease", "update action_executions set lease_until = 1 where id = $1"),
        ("no lease", "update action_executions set lease_until = null where id = $1"),
        ("the row", "delete from action_executions where id = $1"),
    ] {
        // Tried out and taken back: the transaction is dropped.
        let mut tx = db.begin().await.unwrap();
        let token: String = on_tx!(&mut tx, conn => sqlx::query_scalar("select claim_token from action_executions where id = $1").bind(&id).fetch_one(conn).await).unwrap();
        change(&mut tx, changed, &id).await;
        let claim = steps::Claim { execution_id: &id, attempt: 1, token: &token };
        let saved = steps::save(&mut tx, claim, 1, "{}", Timestamp::now()).await.unwrap();
        assert_eq!((saved, step_rows(&mut tx, &id).await), (what == "nothing", i64::from(what == "nothing")), "with {what} changed");
    }
    app.execution(&id, &["succeeded"]).await;
    assert_eq!(sink.paths(), ["/one", "/two"]);
    app.finish().await;
}

#[tokio::test]
async fn a_worker_that_lost_its_claim_stores_no_step_and_no_end() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/one", [Reply::status(200).after_ms(700), Reply::status(200)]);
    app.action(workflow(&sink)).await;
    let (id, db) = (under_way(&app, &sink).await, beside(&app).await);
    // Another node has taken the execution over and is at its second attempt.
    let mut tx = db.begin().await.unwrap();
    change(&mut tx, "update action_executions set attempt = 2, claim_token = 'another' where id = $1", &id).await;
    tx.commit().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let running = app.get(&format!("/executions/{id}")).await.expect(200);
    assert_eq!((running.text("/status"), running.at("/attempts").as_array().map(Vec::len)), ("running", Some(1)));
    assert_eq!((running.at("/attempts/0/number"), running.at("/attempts/0/outcome")), (&json!(2), &Value::Null), "the stale worker recorded nothing");
    assert_eq!(sink.paths(), ["/one"], "and went no further");
    let mut tx = db.begin().await.unwrap();
    assert_eq!(step_rows(&mut tx, &id).await, 0);
    // That node dies: its lease runs out, and the work begins where the steps say, which is at the first.
    change(&mut tx, "update action_executions set lease_until = 1 where id = $1", &id).await;
    tx.commit().await.unwrap();
    let done = app.execution(&id, &["succeeded"]).await;
    let outcomes: Vec<_> = done.at("/attempts").as_array().unwrap().iter().map(|a| (a["number"].as_u64().unwrap(), a["outcome"].as_str().unwrap())).collect();
    assert_eq!(outcomes, [(2, "lost"), (3, "succeeded")]);
    assert_eq!(sink.paths(), ["/one", "/one", "/two"]);
    app.finish().await;
}
