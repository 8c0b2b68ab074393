//! Sessions: how long they live, and that rights are judged anew with every request.

use event_actions::db::Db;
use event_actions::on_tx;
use reqwest::Method;
use serde_json::json;

use super::fixtures::{PASSWORD, Things};
use crate::util::{Answer, TestApp};

const HOUR_MS: i64 = 3_600_000;

async fn ask(app: &TestApp, token: &str, method: Method, path: &str) -> Answer {
    app.send(app.anonymous(method, &format!("/api/v1{path}")).header("cookie", format!("ea={token}"))).await
}

/// Makes a session older: `column` is moved back.
async fn age(db: &Db, sql: &'static str, by_ms: i64) {
    let mut tx = db.begin().await.unwrap();
    on_tx!(&mut tx, conn => sqlx::query(sql).bind(by_ms).execute(conn).await.map(|_| ())).unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_or_old_or_revoked() {
    let app = TestApp::start().await;
    let things = Things::new(&app, "ours").await;
    let person = things.person("ada@example.com", "viewer", false).await;
    let db = Db::connect(&app.engine.config().effective_database_url(), 2).await.unwrap();
    const SEEN: &str = "update sessions set last_seen_at = last_seen_at - $1";
    const END: &str = "update sessions set expires_at = expires_at - $1";
    let is_alive = async |token: &str| ask(&app, token, Method::GET, "/me").await.status == 200;
    assert!(is_alive(&person.token).await);
    for (column, dies_after, lives_after) in [(SEEN, 12 * HOUR_MS + 1_000, 12 * HOUR_MS - 60_000), (END, 7 * 24 * HOUR_MS + 1_000, 7 * 24 * HOUR_MS - 60_000)] {
        age(&db, column, lives_after).await;
        assert!(is_alive(&person.token).await, "{column}");
        age(&db, column, dies_after - lives_after).await;
        assert!(!is_alive(&person.token).await, "{column}");
        age(&db, column, -dies_after).await;
        assert!(is_alive(&person.token).await, "{column}");
    }
    let other = things.session_of("ada@example.com").await;
    let list = ask(&app, &person.token, Method::GET, "/me/sessions").await.expect(200);
    assert_eq!(list.items().len(), 2);
    assert!(!list.body.to_string().contains(&person.token), "a session is listed without its secret");
    ask(&app, &person.token, Method::DELETE, &format!("/me/sessions/{other}")).await.expect(204);
    let own = ask(&app, &person.token, Method::GET, "/me/sessions").await.expect(200).items()[0]["id"].as_str().unwrap().to_owned();
    ask(&app, &person.token, Method::DELETE, &format!("/me/sessions/{own}")).await.expect(204);
    assert!(!is_alive(&person.token).await, "revoked at once");
    db.close().await;
    app.finish().await;
}

#[tokio::test]
async fn a_changed_role_counts_from_the_next_request() {
    let app = TestApp::start().await;
    let things = Things::new(&app, "ours").await;
    let person = things.person("ada@example.com", "viewer", false).await;
    let list = async || ask(&app, &person.token, Method::GET, "/api-keys").await.status;
    assert_eq!(list().await, 403);
    for (role, status) in [("admin", 200), ("operator", 403), ("admin", 200), ("viewer", 403)] {
        let changed = app.send(app.request(Method::PATCH, &format!("/api/v1/users/{}?tenant_id=ours", person.id)).json(&json!({"role": role}))).await;
        changed.expect(200);
        assert_eq!(list().await, status, "{role}");
    }
    let platform = async |on: bool| app.send(app.request(Method::PATCH, &format!("/api/v1/users/{}", person.id)).json(&json!({"is_platform_admin": on}))).await.expect(200);
    // There must always be one, so somebody else is one, too.
    things.person("eve@example.com", "viewer", true).await;
    platform(true).await;
    assert_eq!(ask(&app, &person.token, Method::GET, "/audit-log").await.status, 200);
    platform(false).await;
    assert_eq!(ask(&app, &person.token, Method::GET, "/audit-log").await.status, 403);
    app.delete(&format!("/users/{}", person.id)).await.expect(204);
    assert_eq!(ask(&app, &person.token, Method::GET, "/event-actions").await.status, 401, "and nothing is left of somebody removed");
    app.finish().await;
}

#[tokio::test]
async fn passwords_and_credentials_are_stored_hashed() {
    let app = TestApp::start().await;
    let things = Things::new(&app, "ours").await;
    let person = things.person("ada@example.com", "viewer", false).await;
    let key = app.tenant_key("ours", &["events:read"]).await;
    let db = Db::connect(&app.engine.config().effective_database_url(), 2).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let hashes: Vec<String> = on_tx!(&mut tx, conn => sqlx::query_scalar("select password_hash from users").fetch_all(conn).await).unwrap();
    assert!(hashes.iter().all(|h| h.starts_with("$argon2id$v=19$") && !h.contains(PASSWORD)), "{hashes:?}");
    for (sql, secret) in [
        ("select count(*) from sessions where token_hash = $1", &person.token),
        ("select count(*) from api_keys where key_hash = $1", &key),
        ("select count(*) from api_keys where prefix = $1", &key),
    ] {
        let found: i64 = on_tx!(&mut tx, conn => sqlx::query_scalar(sql).bind(secret.as_str()).fetch_one(conn).await).unwrap();
        assert_eq!(found, 0, "{sql}");
    }
    // At least 128 bits: 22 characters of base64 or 32 of hex behind the prefix.
    assert!(key.len() >= 35 && person.token.len() >= 22, "{} {}", key.len(), person.token.len());
    drop(tx);
    db.close().await;
    app.finish().await;
}
