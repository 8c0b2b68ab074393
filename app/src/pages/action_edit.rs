//! The editor's pages: `/actions/new` and `/actions/:id/edit`. The island for browsers with JavaScript, a plain form for all others.
//!
//! `?plain=1` shows the plain form to everybody; `?event=ID` tests with that event, and makes a new action listen to its type.

use event_actions::engine::{Caller, Engine};
use event_actions::model::access::Scope;
use event_actions::model::action::NewAction;
use event_actions::model::event::Event;
use event_actions::model::handler::HandlerType;
use event_actions::model::testing::TestRequest;
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{PageTitle, asked, page};
use crate::components::time::{Zone, use_zone};
use crate::editing::form::Form;
use crate::editing::handler_form::HandlerForm;
use crate::forms_actions::Kept;
use crate::islands::action_editor::ActionEditor;
use crate::islands::desk::Seed;
use crate::server_fns::actions::{Theirs, Tried};
use crate::shell::query;

mod plain;
pub mod recent;
pub mod result;

/// What a new action does until somebody chooses.
const FIRST_HANDLER: &str = "webhook";

/// `/actions/new`.
#[component]
pub fn ActionNew() -> impl IntoView {
    editor(None)
}

/// `/actions/:id/edit`.
#[component]
pub fn ActionEdit() -> impl IntoView {
    editor(Some(use_params_map().with_untracked(|p| p.get("id")).unwrap_or_default()))
}

fn editor(id: Option<String>) -> impl IntoView {
    let (zone, event) = (use_zone(), query("event"));
    let kept = use_context::<axum::http::request::Parts>().and_then(|p| p.extensions.get::<Kept>().cloned());
    let is_plain = query("plain") == "1";
    page(async move {
        let (engine, caller) = asked()?;
        let begun = begin(&engine, &caller, id, &event).await?;
        Ok(document(begun, kept, is_plain, zone))
    })
}

/// What the editor begins with.
struct Begun {
    id: Option<String>,
    version: i64,
    definition: NewAction,
    handlers: Vec<HandlerForm>,
    tenant: String,
    sample: Option<Event>,
    is_pinned: bool,
    tried: Option<Tried>,
}

async fn begin(engine: &Engine, caller: &Caller, id: Option<String>, event: &str) -> Result<Begun, ApiError> {
    caller.require(Scope::ActionsWrite)?;
    let handlers: Vec<HandlerForm> = engine.handlers(caller).await?.into_iter().map(HandlerForm::from).collect();
    let asked_for = if event.is_empty() { None } else { Some(engine.get_event(caller, event, None).await?) };
    let is_pinned = asked_for.is_some();
    let tenant = caller.tenant_id.clone().unwrap_or_else(|| "of the event".to_owned());
    let Some(id) = id else {
        let first = handlers.iter().find(|h| h.handler_type == FIRST_HANDLER).or(handlers.first());
        let mut definition = NewAction::blank(HandlerType::new(first.map_or("", |h| h.handler_type.as_str())));
        definition.event_types = asked_for.iter().map(|e| e.event_type.clone()).collect();
        let sample = latest(engine, caller, &definition, asked_for).await?;
        return Ok(Begun { id: None, version: 0, definition, handlers, tenant, sample, is_pinned, tried: None });
    };
    let action = engine.get_action(caller, &id).await?;
    if !caller.owns(action.definition.tenant_id.as_deref()) {
        return Err(ApiError::forbidden("This action is platform-wide; only a platform administrator changes it."));
    }
    let sample = latest(engine, caller, &action.definition, asked_for).await?;
    let tried = match &sample {
        Some(event) => first_test(engine, caller, &id, &action.definition, event).await,
        None => None,
    };
    Ok(Begun { id: Some(id), version: action.version, definition: action.definition, handlers, tenant, sample, is_pinned, tried })
}

/// The event asked for, else the latest that the action listens to; none for those who may not see events.
async fn latest(engine: &Engine, caller: &Caller, definition: &NewAction, asked_for: Option<Event>) -> Result<Option<Event>, ApiError> {
    if asked_for.is_some() || !caller.may(Scope::EventsRead) {
        return Ok(asked_for);
    }
    let all = ["*".to_owned()];
    let patterns = if definition.event_types.is_empty() { &all[..] } else { &definition.event_types };
    Ok(recent::recent_events(engine, caller, patterns, 1).await?.into_iter().next())
}

/// What a test of the saved action finds; none when it cannot be tested, which the panel then says itself.
async fn first_test(engine: &Engine, caller: &Caller, id: &str, definition: &NewAction, event: &Event) -> Option<Tried> {
    let object = |v: &serde_json::Value| v.as_object().cloned().unwrap_or_default();
    let mut metadata = object(&event.metadata);
    metadata.remove("tenant_id");
    let request = TestRequest { event_type: event.event_type.clone(), event_data: object(&event.data), metadata, dry_run: true };
    let report = engine.test_draft_of(caller, Some(id), definition.clone(), request.clone()).await.ok()?;
    Some(result::tried(report, &request, &definition.context_filters))
}

/// The action as it is now, as the editor shows it.
///
/// # Errors
/// 404.
pub async fn theirs(engine: &Engine, caller: &Caller, id: &str) -> Result<Theirs, ApiError> {
    let action = engine.get_action(caller, id).await?;
    let handlers: Vec<HandlerForm> = engine.handlers(caller).await?.into_iter().map(HandlerForm::from).collect();
    let author = engine.action_versions(caller, id).await?.into_iter().next().map(|v| v.author);
    let author = author.as_deref().and_then(|a| a.split_once(':')).map_or_else(|| "Somebody".to_owned(), |(_, name)| name.to_owned());
    Ok(Theirs { version: action.version, author, form: Form::shown_of(&action.definition, &handlers) })
}

fn document(begun: Begun, kept: Option<Kept>, is_plain: bool, zone: Zone) -> impl IntoView {
    let title = if begun.id.is_some() { format!("Edit {}", begun.definition.name) } else { "New action".to_owned() };
    let show_plain = is_plain || kept.is_some();
    let whole = if show_plain {
        plain::form(&begun, kept).into_any()
    } else {
        let fallback = plain::form(&begun, None);
        view! {
            <div class="tw:noscript:hidden tw:max-[719px]:pb-28"><ActionEditor seed=seed(begun, zone)/></div>
            <noscript>{fallback}</noscript>
        }
        .into_any()
    };
    view! { <PageTitle text=title/>{whole} }
}

fn seed(begun: Begun, zone: Zone) -> Seed {
    Seed {
        form: Form::shown_of(&begun.definition, &begun.handlers),
        id: begun.id,
        version: begun.version,
        handlers: begun.handlers,
        tenant: begun.tenant,
        sample: begun.sample,
        is_pinned: begun.is_pinned,
        tried: begun.tried,
        offset_minutes: zone.minutes_east(Timestamp::now()),
    }
}
