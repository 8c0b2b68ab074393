//! One action: how it is doing and why, its numbers, its versions, what it ran, and why it did not run.

use event_actions::engine::{Caller, Engine};
use event_actions::model::access::Scope;
use event_actions::model::action::{Action, ActionVersion};
use event_actions::model::event::Event;
use event_actions::model::execution::{Execution, ExecutionFilter};
use event_actions::model::health::Health;
use event_actions::model::page::PageRequest;
use event_actions::model::stats::{Stats, Window};
use event_actions::model::testing::EventFilter;
use event_actions::model::{ApiError, ErrorKind, Timestamp};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::actions::wellbeing;
use super::{PageTitle, asked, page};
use crate::components::button::{ButtonKind, ButtonLink};
use crate::components::feedback::{Callout, CalloutKind, ErrorSummary};
use crate::components::health_badge::HealthBadge;
use crate::components::icon::{self, Icon};
use crate::components::page_head::PageHead;
use crate::components::segmented::{Choice, SegmentedLinks};
use crate::components::status_badge::Pill;
use crate::components::time::{Zone, use_zone};
use crate::forms_actions::Refused;
use crate::shell::query;

mod definition;
mod numbers;
mod ran;
mod versions;
mod why_not;

/// Executions shown.
const EXECUTIONS: u32 = 10;
/// Recent events that are asked why it did not run.
const EVENTS: u32 = 30;

/// The page.
#[component]
pub fn ActionPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|p| p.get("id")).unwrap_or_default();
    let window = Window::parse(&query("range")).unwrap_or_default();
    let (zone, saved) = (use_zone(), query("saved"));
    let refused = use_context::<axum::http::request::Parts>().and_then(|p| p.extensions.get::<Refused>().cloned());
    page(async move {
        let (engine, caller) = asked()?;
        let data = read(&engine, &caller, &id, window).await?;
        Ok(document(data, zone, &saved, refused))
    })
}

/// What the page shows.
struct Data {
    action: Action,
    health: Health,
    stats: Stats,
    versions: Vec<ActionVersion>,
    executions: Vec<Execution>,
    events: Vec<Event>,
    may_write: bool,
    now: Timestamp,
}

async fn read(engine: &Engine, caller: &Caller, id: &str, window: Window) -> Result<Data, ApiError> {
    let action = engine.get_action(caller, id).await?;
    let some = |limit: u32| PageRequest { limit: Some(limit), cursor: None };
    let filter = ExecutionFilter { action_id: Some(id.to_owned()), ..ExecutionFilter::default() };
    Ok(Data {
        health: engine.action_health(caller, id).await?,
        stats: engine.action_stats(caller, id, window).await?,
        versions: engine.action_versions(caller, id).await?,
        executions: allowed(engine.list_executions(caller, filter, some(EXECUTIONS)).await)?,
        events: allowed(engine.list_events(caller, EventFilter::default(), some(EVENTS)).await)?,
        may_write: caller.may(Scope::ActionsWrite) && caller.owns(action.definition.tenant_id.as_deref()),
        now: Timestamp::now(),
        action,
    })
}

/// The items of a list; none of one that the caller may not see.
fn allowed<T>(found: Result<event_actions::model::page::Page<T>, ApiError>) -> Result<Vec<T>, ApiError> {
    match found {
        Ok(page) => Ok(page.items),
        Err(e) if e.kind == ErrorKind::Forbidden => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

const fn words(window: Window) -> &'static str {
    match window {
        Window::Quarter => "15 m",
        Window::Hour => "1 h",
        Window::Day => "24 h",
        Window::Week => "7 d",
    }
}

fn document(data: Data, zone: Zone, saved: &str, refused: Option<Refused>) -> impl IntoView + use<> {
    let Data { action, health, stats, versions, executions, events, may_write, now } = data;
    let name = action.definition.name.clone();
    let path = format!("/actions/{}", action.id);
    let ranges = Window::ALL.into_iter().map(|w| Choice::new(words(w), format!("{path}?range={}", w.name()), w == stats.window)).collect();
    let (of, _) = wellbeing(&action);
    let version = action.version;
    let beside = view! {
        <HealthBadge of=of/>
        <Pill>"version "{version}</Pill>
        {action.is_platform_wide().then(|| view! { <Pill>"platform-wide"</Pill> })}
    }
    .into_any();
    let said = (!saved.is_empty()).then(|| view! { <div role="status"><Callout kind=CalloutKind::Remark><p>{format!("Saved as version {version}.")}</p></Callout></div> });
    let summary = refused.map(|Refused(error)| {
        let title = error.detail.clone();
        view! { <ErrorSummary error=error title=title/> }
    });
    let description = action.definition.description.clone();
    let buttons = buttons(&action, may_write);
    view! {
        <PageTitle text=name.clone()/>
        <PageHead title=name crumbs=vec![("Actions".to_owned(), "/actions".to_owned())] beside=beside>{buttons}</PageHead>
        {summary}
        {said}
        <div class="row row-wrap">
            {(!description.is_empty()).then(|| view! { <p class="lede">{description}</p> })}
            <span class="push"><SegmentedLinks label="Range" choices=ranges/></span>
        </div>
        {numbers::tiles(&stats)}
        <div class="cols cols-21">
            <div class="stack">{numbers::status(&stats, &action.id, zone)}{definition::summary(&action)}</div>
            {numbers::health(&health)}
        </div>
        <div class="cols cols-11 cols-m1">{numbers::durations(&stats, zone)}{versions::versions(versions, now, zone)}</div>
        {ran::executions(executions, &action.id, now, zone)}
        {why_not::events(&action, &events, now, zone)}
    }
}

/// What can be done: links, and one form whose buttons each lead to their own address.
fn buttons(action: &Action, may_write: bool) -> impl IntoView + use<> {
    let id = action.id.clone();
    if !may_write {
        return action.is_platform_wide().then(|| view! { <span class="hint">"Platform-wide: shown here, changed by platform administrators."</span> }).into_any();
    }
    let post = |verb: &str, class: &'static str, glyph: icon::Glyph, text: &'static str| view! { <button type="submit" class=class formaction=format!("/actions/{id}/{verb}")><Icon of=glyph/>{text}</button> };
    let toggle = if action.definition.is_enabled { post("disable", "btn", icon::PAUSE, "Turn off") } else { post("enable", "btn", icon::PLAY, "Enable") };
    let edit = format!("/actions/{id}/edit");
    view! {
        <form method="post" action=format!("/actions/{id}/duplicate") class="row row-wrap" aria-label="What to do with this action">
            <input type="hidden" name="back" value=format!("/actions/{id}")/>
            {post("delete", "btn btn-danger", icon::TRASH, "Delete")}
            {post("duplicate", "btn", icon::COPY, "Duplicate")}
            {toggle}
        </form>
        <ButtonLink href=format!("{edit}#th") icon=icon::PLAY>"Test"</ButtonLink>
        <ButtonLink href=edit kind=ButtonKind::Primary>"Edit"</ButtonLink>
    }
    .into_any()
}
