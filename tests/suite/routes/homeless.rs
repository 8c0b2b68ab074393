//! A credential that belongs to no tenant and not to the platform either may do nothing: a missing tenant never means all of them.

use axum::Extension;
use axum::body::Body;
use axum::http::Request;
use event_actions::engine::{Actor, Caller};
use event_actions::model::access::Scope;
use serde_json::Value;
use tower::ServiceExt as _;

use super::fixtures::{Things, address_of, body_of, noun_of};
use super::roles::guarded_routes;
use crate::util::TestApp;

#[tokio::test]
async fn every_route_refuses_a_caller_without_a_tenant() {
    let app = TestApp::start().await;
    let things = Things::new(&app, "ours").await;
    let actors = [Actor::ApiKey { id: "k".into(), name: "k".into() }, Actor::User { id: "no-such-user".into(), email: "a@example.com".into() }];
    let mut refused = 0;
    for actor in actors {
        let caller = Caller { actor, scopes: Scope::ALL.to_vec(), ..Caller::anonymous(None) };
        let is_person = caller.user_id().is_some();
        let router = event_actions::http::router(app.engine.clone()).layer(Extension(caller));
        for (method, path) in guarded_routes() {
            let id = match noun_of(&path) {
                Some("sessions") => "some-id".to_owned(),
                Some(noun) => things.id(noun, &method, &path, false).await,
                None => String::new(),
            };
            let kind = if path.ends_with("/cloudevents") { "application/cloudevents+json" } else { "application/json" };
            let body = body_of(&method, &path, things.next()).map(|b| Body::from(b.to_string())).unwrap_or_default();
            let request = Request::builder().method(method.clone()).uri(address_of(&method, &path, &id)).header("content-type", kind).body(body).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            // A person may always look after their own account; this one has none.
            let own = is_person && path.starts_with("/api/v1/me");
            assert!(status == 403 || (own && (status == 404 || path.contains("/sessions"))), "{method} {path}: {status}");
            refused += 1;
        }
    }
    assert!(refused > 180, "{refused}");
    let batch = app.engine.ingest(&Caller { scopes: Scope::ALL.to_vec(), ..Caller::anonymous(None) }, Default::default(), None).await;
    assert!(batch.is_err(), "an event without a tenant is nobody's");
    assert_eq!(
        app.get("/events?tenant_id=default&event_type=role.never").await.expect(200).body["items"],
        Value::Array(Vec::new()),
        "nothing went to the tenant that always exists"
    );
    app.finish().await;
}
