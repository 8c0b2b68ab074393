//! The audit log: who did what, and that nobody can change it by hand unseen.

use event_actions::db::Db;
use event_actions::{engine, on_tx};
use reqwest::Method;
use serde_json::{Value, json};

use crate::util::TestApp;

/// Statements by hand, in one transaction, past the service.
async fn by_hand(db: &Db, statements: &[&'static str]) {
    let mut tx = db.begin().await.unwrap();
    for sql in statements {
        on_tx!(&mut tx, conn => sqlx::query(*sql).execute(conn).await.map(|_| ())).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    tx.commit().await.unwrap();
}

/// A damage, and the place and kind that the verification must name.
const DAMAGES: [(&[&str], i64, &str); 10] = [
    (&["update audit_log set actor = 'user:nobody@example.com' where seq = 3"], 3, "edited"),
    (&["update audit_log set after_doc = null where seq = 4"], 4, "edited"),
    (&["update audit_log set at = at + 1 where seq = 2"], 2, "edited"),
    (&["update audit_log set hash = (select hash from audit_log where seq = 1) where seq = 2"], 2, "edited"),
    (&["delete from audit_log where seq = 2"], 2, "missing"),
    (&["delete from audit_log where seq = 1"], 1, "missing"),
    (&["delete from audit_log where seq > 4"], 5, "truncated"),
    (&["delete from audit_log"], 1, "truncated"),
    (&["delete from audit_log where seq > 4", "update settings set value = '4' where key = 'audit.count'"], 4, "head"),
    (&["delete from settings where key = 'audit.head'"], 0, "head"),
];

#[tokio::test]
async fn an_entry_edited_deleted_or_cut_off_by_hand_is_named() {
    let app = TestApp::start().await;
    for n in 0..6 {
        app.post("/tenants", &json!({"id": format!("t{n}"), "name": "T"})).await.expect(201);
    }
    let tenants_key = app.tenant_key("t1", &["admin"]).await;
    let good = app.get("/audit-log/verify").await.expect(200);
    assert_eq!((good.at("/ok"), good.at("/first_fault")), (&json!(true), &Value::Null), "{:#}", good.body);
    assert!(good.at("/entries").as_i64().is_some_and(|n| n >= 7), "{:#}", good.body);

    let db = Db::connect(&app.engine.config().effective_database_url(), 2).await.unwrap();
    by_hand(&db, &["create table kept_log as select * from audit_log", "create table kept_settings as select * from settings where key like 'audit.%'"]).await;
    for (damage, seq, kind) in DAMAGES {
        by_hand(&db, damage).await;
        let verdict = app.get("/audit-log/verify").await.expect(200);
        assert_eq!(
            (verdict.at("/ok"), verdict.at("/first_fault/seq"), verdict.at("/first_fault/kind")),
            (&json!(false), &json!(seq), &json!(kind)),
            "{damage:?}: {:#}",
            verdict.body
        );
        // What the command asks, beside the service.
        let beside = engine::verify_audit(&db).await.unwrap();
        assert_eq!(serde_json::to_value(&beside).unwrap(), verdict.body, "{damage:?}");
        let told = app.send_as(&tenants_key, Method::GET, "/audit-log/verify", None).await.expect(200);
        assert_eq!(told.text("/first_fault/message"), format!("The chain is broken at entry {seq}."), "a tenant learns the place alone");
        by_hand(
            &db,
            &[
                "delete from audit_log",
                "insert into audit_log select * from kept_log",
                "delete from settings where key like 'audit.%'",
                "insert into settings select * from kept_settings",
            ],
        )
        .await;
        assert_eq!(app.get("/audit-log/verify").await.expect(200).body, good.body, "after {damage:?} was mended");
    }
    let extra = "insert into audit_log select seq + 1, id, at, actor, address, action, subject_kind, subject_id, tenant_id, before_doc, after_doc, request_id, hash
        from audit_log where seq = (select max(seq) from audit_log)";
    by_hand(&db, &[extra]).await;
    assert_eq!(app.get("/audit-log/verify").await.expect(200).text("/first_fault/kind"), "appended");
    db.close().await;
    app.finish().await;
}

#[tokio::test]
async fn an_entry_says_who_from_where_and_what_changed() {
    let app = TestApp::start().await;
    app.tenant_key("ours", &["admin"]).await;
    let changed = app.send(app.request(Method::PATCH, "/api/v1/tenants/ours").header("x-request-id", "my-request").json(&json!({"name": "Better"}))).await;
    changed.expect(200);
    let log = app.get("/audit-log?action=tenant.update&subject_id=ours").await.expect(200);
    let entry = &log.items()[0];
    for (pointer, expected) in
        [("/actor", "key:bootstrap"), ("/address", "127.0.0.1"), ("/tenant_id", "ours"), ("/before/name", "ours"), ("/after/name", "Better"), ("/request_id", "my-request")]
    {
        assert_eq!(entry.pointer(pointer), Some(&json!(expected)), "{pointer}: {entry:#}");
    }
    app.finish().await;
}
