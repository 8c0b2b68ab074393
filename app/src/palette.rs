//! What the command palette finds besides pages and commands: actions, templates and functions by name, executions and events by id.

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use event_actions::engine::{Caller, Engine};
use event_actions::model::ApiError;
use event_actions::model::access::Scope;
use event_actions::model::action::ActionFilter;
use event_actions::model::execution::{Execution, ExecutionFilter};
use event_actions::model::library::LibraryFilter;
use event_actions::model::page::PageRequest;
use event_actions::model::testing::EventFilter;
use serde::{Deserialize, Serialize};

use crate::components::status_badge::look_of;
use crate::forms_events::{page_with_tenant, segment};

/// Most of one kind.
const MOST: usize = 6;
/// Executions and events among which a part of an id is looked for, the latest ones.
const RECENT: u32 = 100;
/// Parts of ids are at least so long.
const MIN_ID: usize = 4;
/// Longer questions find nothing.
const MAX_QUESTION: usize = 200;

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    q: String,
}

/// One thing found.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Found {
    /// The heading it stands under.
    group: &'static str,
    text: String,
    /// A few words at its side.
    hint: String,
    href: String,
}

/// `GET /palette?q=`, for somebody who is signed in.
pub fn routes(engine: Engine) -> Router {
    Router::new().route("/palette", get(answer)).with_state(engine)
}

async fn answer(State(engine): State<Engine>, caller: Option<Extension<Caller>>, Query(Question { q }): Query<Question>) -> Response {
    let Some(Extension(caller)) = caller else { return ApiError::unauthorized("Sign in first.").into_response() };
    match find(&engine, &caller, q.trim()).await {
        Ok(found) => Json(found).into_response(),
        Err(e) => e.into_response(),
    }
}

/// All that fits, each kind only for those who may see it.
async fn find(engine: &Engine, caller: &Caller, q: &str) -> Result<Vec<Found>, ApiError> {
    if q.is_empty() || q.len() > MAX_QUESTION {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    if caller.may(Scope::ActionsRead) {
        named(engine, caller, q, &mut found).await?;
    }
    if q.len() >= MIN_ID && !q.contains(char::is_whitespace) {
        if caller.may(Scope::ExecutionsRead) {
            executions(engine, caller, q, &mut found).await?;
        }
        if caller.may(Scope::EventsRead) {
            events(engine, caller, q, &mut found).await?;
        }
    }
    Ok(found)
}

/// What has a name.
async fn named(engine: &Engine, caller: &Caller, q: &str, found: &mut Vec<Found>) -> Result<(), ApiError> {
    let some = || PageRequest { limit: Some(MOST as u32), cursor: None };
    let filter = ActionFilter { search: Some(q.to_owned()), ..ActionFilter::default() };
    for a in engine.list_actions(caller, filter, some()).await?.items {
        let hint = if a.definition.is_enabled { a.definition.handler_type.to_string() } else { "off".to_owned() };
        found.push(Found { group: "Actions", text: a.definition.name, hint, href: format!("/actions/{}", a.id) });
    }
    let library = || LibraryFilter { search: Some(q.to_owned()), tenant_id: None };
    for t in engine.list_templates(caller, library(), some()).await?.items {
        found.push(Found { group: "Templates", text: t.definition.name, hint: String::new(), href: format!("/templates/{}", t.id) });
    }
    for f in engine.list_functions(caller, library(), some()).await?.items {
        found.push(Found { group: "Functions", text: f.definition.name, hint: String::new(), href: format!("/functions/{}", f.id) });
    }
    Ok(())
}

async fn executions(engine: &Engine, caller: &Caller, q: &str, found: &mut Vec<Found>) -> Result<(), ApiError> {
    let of = |x: Execution| Found {
        group: "Executions",
        hint: look_of(x.status).2.to_owned(),
        href: format!("/executions/{}", segment(&x.id)),
        text: format!("{} · {}", x.id, x.action_name),
    };
    // The whole id finds it however old it is; a part of one only among the latest.
    if let Ok(x) = engine.get_execution(caller, q).await {
        found.push(of(x));
        return Ok(());
    }
    let recent = engine.list_executions(caller, ExecutionFilter::default(), PageRequest { limit: Some(RECENT), cursor: None }).await?.items;
    found.extend(recent.into_iter().filter(|x| x.id.contains(q)).take(MOST).map(of));
    Ok(())
}

async fn events(engine: &Engine, caller: &Caller, q: &str, found: &mut Vec<Found>) -> Result<(), ApiError> {
    let everywhere = caller.tenant_id.is_none();
    let mut add = |id: &str, kind: &str, tenant: &str| {
        let href = page_with_tenant(id, if everywhere { tenant } else { "" });
        found.push(Found { group: "Events", text: format!("{id} · {kind}"), hint: if everywhere { tenant.to_owned() } else { String::new() }, href });
    };
    if let Ok(e) = engine.get_event(caller, q, None).await {
        add(&e.id, &e.event_type, &e.tenant_id);
        return Ok(());
    }
    let recent = engine.list_events(caller, EventFilter::default(), PageRequest { limit: Some(RECENT), cursor: None }).await?.items;
    for e in recent.into_iter().filter(|e| e.id.contains(q) || e.aggregate_id.as_deref() == Some(q)).take(MOST) {
        add(&e.id, &e.event_type, &e.tenant_id);
    }
    Ok(())
}
