//! Configuration out of an installation and into one, checked whole before anything is written.

use event_actions::engine::Caller;
use event_actions::engine::transfer::{Entry, Kind, What};
use serde_json::{Map, Value, json};

use crate::util::TestApp;

fn entry(kind: Kind, n: usize, document: Value) -> Entry {
    Entry { kind, place: format!("{}[{n}]", kind.member()), document: document.as_object().unwrap().clone() }
}

fn entries(exported: &[(Kind, Vec<Map<String, Value>>)]) -> Vec<Entry> {
    exported.iter().flat_map(|(kind, all)| all.iter().enumerate().map(|(n, members)| entry(*kind, n, json!(members)))).collect()
}

fn document() -> Vec<Entry> {
    let echo = json!({"module": "mine", "function": "f"});
    vec![
        entry(Kind::Action, 0, json!({"name": "Uses", "handler_type": "function", "configuration": echo, "event_types": ["a.*"], "tenant_id": "default"})),
        entry(Kind::Function, 0, json!({"name": "mine", "source": "export function f() { return 1; }\n", "tenant_id": "default"})),
        entry(Kind::Template, 0, json!({"name": "mail", "subject": "Hello", "text": "Hello\n"})),
        entry(Kind::AlertRule, 0, json!({"name": "Slow", "kind": "slow_executions", "threshold": 900})),
    ]
}

#[tokio::test]
async fn what_is_applied_is_there_at_once_and_comes_out_again() {
    let app = TestApp::start().await;
    let caller = Caller::system("test");
    let plan = app.engine.plan_apply(&caller, document()).await.unwrap();
    assert_eq!(plan.iter().map(|p| p.kind).collect::<Vec<_>>(), Kind::ALL, "what is used comes first");
    assert!(plan.iter().all(|p| p.what == What::Create));
    assert_eq!(app.engine.apply(&caller, plan).await.unwrap(), 4);
    let sent = app.post("/events", &json!({"event_type": "a.b", "data": {}})).await;
    app.execution(sent.text("/executions/0/id"), &["succeeded"]).await;

    let exported = app.engine.export(&caller).await.unwrap();
    let again = app.engine.plan_apply(&caller, entries(&exported)).await.unwrap();
    assert!(again.iter().all(|p| p.what == What::Same));
    assert_eq!(app.engine.apply(&caller, again).await.unwrap(), 0);
    let id = app.get("/event-actions?search=Uses").await.items()[0]["id"].as_str().unwrap().to_owned();
    app.delete(&format!("/event-actions/{id}")).await.expect(204);
    let back = app.engine.plan_apply(&caller, entries(&exported)).await.unwrap();
    assert_eq!(back.iter().filter(|p| p.what != What::Same).count(), 1);
    app.engine.apply(&caller, back).await.unwrap();
    let restored = app.get(&format!("/event-actions/{id}")).await.expect(200);
    assert_eq!(restored.at("/version"), &json!(3), "a deleted action comes back under its id");
    assert_eq!(app.engine.export(&caller).await.unwrap(), exported);
    app.finish().await;
}

#[tokio::test]
async fn every_fault_is_told_with_its_place_and_nothing_is_written() {
    let app = TestApp::start().await;
    let caller = Caller::system("test");
    let mut entries = document();
    entries[0].document.insert("priority".into(), json!("urgent"));
    entries[1].document.insert("source".into(), json!("export function f( {"));
    entries[2].document.insert("tenant_id".into(), json!("nowhere"));
    entries.push(entry(Kind::AlertRule, 1, json!({"name": "Slow", "kind": "slow_executions", "threshold": 1})));
    let Err(refused) = app.engine.plan_apply(&caller, entries).await else { panic!("it is refused") };
    let places: Vec<&str> = refused.errors.iter().map(|f| f.pointer.as_str()).collect();
    for place in ["actions[0]/priority", "functions[0]/source", "templates[0]/tenant_id", "alert_rules[1]/name"] {
        assert!(places.contains(&place), "{place}: {places:?}");
    }
    let exported = app.engine.export(&caller).await.unwrap();
    assert!(exported.iter().filter(|(kind, _)| *kind != Kind::AlertRule).all(|(_, all)| all.is_empty()));
    let tenant = Caller { is_platform: false, tenant_id: Some("default".into()), ..Caller::system("test") };
    assert!(app.engine.export(&tenant).await.is_err() && app.engine.plan_apply(&tenant, document()).await.is_err());
    app.finish().await;
}
