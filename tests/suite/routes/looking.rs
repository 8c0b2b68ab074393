//! What a platform administrator is shown who looks at one tenant: that one's and platform-wide things, and the platform's own alerts.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::fixtures::Things;
use crate::util::{Answer, Reply, Sink, TestApp, event, webhook};

/// A GET with the cookie of a session.
async fn get(app: &TestApp, token: &str, path: &str) -> Answer {
    app.send(app.anonymous(Method::GET, &format!("/api/v1{path}")).header("cookie", format!("ea={token}"))).await.expect(200)
}

/// The names in a list, sorted, without those that every installation has and those of the fixtures.
fn named(list: &Answer) -> Vec<&str> {
    let mut names: Vec<&str> = list.items().iter().filter_map(|item| item["name"].as_str()).filter(|name| name.starts_with("It ")).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn an_administrator_looks_at_one_tenant_and_the_platform() {
    let (app, sink) = (TestApp::start().await, Sink::start().await);
    sink.on("/gone", [Reply::status(410)]);
    let ours = Things::new(&app, "ours").await;
    Things::new(&app, "theirs").await;
    for (name, tenant) in [("It is ours", Some("ours")), ("It is theirs", Some("theirs")), ("It is all", None)] {
        let more = json!({"execution_mode": "sync", "tenant_id": tenant});
        app.action(webhook(name, &format!("gone.{}", tenant.unwrap_or("all")), &sink.at("/gone"), more)).await;
        app.post("/templates", &json!({"name": name, "subject": "s", "text": "t", "tenant_id": tenant})).await.expect(201);
        let mut gone = event(&format!("gone.{}", tenant.unwrap_or("all")), json!({}));
        gone["metadata"] = json!({"tenant_id": tenant.unwrap_or("ours")});
        app.post("/events", &gone).await.expect(200);
    }
    let admin = ours.person("root@example.com", "admin", true).await.token;
    let signed_in = app.engine.session(&admin, None).await.unwrap();
    app.engine.switch_tenant(&signed_in, Some("ours")).await.unwrap();
    let viewer = ours.person("viewer@example.com", "viewer", false).await.token;

    // The key reads across all tenants; a person looks at one; ?tenant_id= narrows to what is one's own.
    for (token, query, expected) in [
        (None, "", vec!["It is all", "It is ours", "It is theirs"]),
        (None, "&tenant_id=theirs", vec!["It is theirs"]),
        (Some(&admin), "", vec!["It is all", "It is ours"]),
        (Some(&admin), "&tenant_id=theirs", vec!["It is theirs"]),
        (Some(&viewer), "", vec!["It is all", "It is ours"]),
    ] {
        for list in ["/event-actions", "/templates"] {
            let path = format!("{list}?limit=200{query}");
            let found = match token {
                Some(token) => get(&app, token, &path).await,
                None => app.get(&path).await.expect(200),
            };
            assert_eq!(named(&found), expected, "{path}, {}", token.is_some());
        }
    }

    // Alerts on all three: the tenant's own, another's, and the platform's.
    let live = until_live(&app).await;
    assert_eq!([("ours", true), ("ours", false), ("theirs", true)].map(|(t, is_platform)| live.seen_by(Some(t), is_platform).stats.firing_alerts), [2, 1, 2]);
    for (token, expected) in [(&admin, 2), (&viewer, 1)] {
        let stats = get(&app, token, "/event-actions/stats/overview").await;
        assert_eq!((stats.at("/firing_alerts"), get(&app, token, "/alerts?kind=auto_disable").await.items().len()), (&json!(expected), expected), "{:#}", stats.body);
    }
    assert_eq!(app.get("/event-actions/stats/overview").await.expect(200).at("/firing_alerts"), &json!(3));
    app.finish().await;
}

/// The first snapshot that counts all three alerts.
async fn until_live(app: &TestApp) -> event_actions::model::stats::Live {
    let mut live = app.engine.live();
    let found = tokio::time::timeout(Duration::from_secs(20), live.wait_for(|live| live.all.firing_alerts == 3)).await;
    (**found.expect("a snapshot counts them").expect("the service runs")).clone()
}
