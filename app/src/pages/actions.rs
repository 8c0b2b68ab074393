//! The list of actions: how each is doing, where the latest event stopped, and what can be done to one or many.

use std::collections::HashMap;

use event_actions::engine::{Caller, Engine};
use event_actions::model::access::Scope;
use event_actions::model::action::{Action, ActionFilter};
use event_actions::model::event::Event;
use event_actions::model::execution::{Execution, ExecutionFilter, Status};
use event_actions::model::page::{Page, PageRequest};
use event_actions::model::testing::EventFilter;
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use super::{PageTitle, asked, page};
use crate::components::button::{ButtonKind, ButtonLink};
use crate::components::feedback::{Empty, ErrorSummary, FilteredToEmpty};
use crate::components::format::{count, plural};
use crate::components::icon;
use crate::components::page_head::PageHead;
use crate::components::pagination::Pagination;
use crate::components::time::{Zone, use_zone};
use crate::components::toast::{Toast, Toasts};
use crate::forms_actions::Refused;
use crate::islands::action_list::ActionList;
use crate::shell::{current_url, query};

mod filters;
mod table;

pub use table::wellbeing;

use filters::{Asked, Bar};

/// Events looked through for the latest that an action listens to.
const LATEST_EVENTS: u32 = 50;
/// Executions looked through for the latest of each action.
const LATEST_EXECUTIONS: u32 = 200;

/// The page.
#[component]
pub fn Actions() -> impl IntoView {
    let asked_for = Asked::of(query);
    let zone = use_zone();
    let (back, deleted) = (current_url(), query("deleted"));
    let refused = use_context::<axum::http::request::Parts>().and_then(|p| p.extensions.get::<Refused>().cloned());
    page(async move {
        let (engine, caller) = asked()?;
        let data = read(&engine, &caller, &asked_for).await?;
        Ok(document(data, asked_for, zone, back, deleted, refused))
    })
}

/// What the page shows.
struct Data {
    actions: Page<Action>,
    attention: u64,
    off: u64,
    handlers: Vec<(String, String)>,
    latest: Latest,
    may_write: bool,
    is_platform: bool,
    now: Timestamp,
}

/// The latest of everything, for the small columns.
#[derive(Default)]
struct Latest {
    events: Vec<Event>,
    /// By action: the latest execution, and the latest that succeeded.
    executions: HashMap<String, (Execution, Option<Timestamp>)>,
}

async fn read(engine: &Engine, caller: &Caller, asked: &Asked) -> Result<Data, ApiError> {
    let (caller, filter) = (&asked.caller(caller), asked.filter());
    let actions = engine.list_actions(caller, filter.clone(), PageRequest { limit: None, cursor: asked.cursor.clone() }).await?;
    Ok(Data {
        attention: total(engine, caller, &filter, "degraded").await?,
        off: total(engine, caller, &filter, "disabled").await?,
        handlers: engine.handlers(caller).await?.into_iter().map(|h| (h.spec.handler_type.0, h.spec.label)).collect(),
        latest: latest(engine, caller).await?,
        may_write: caller.may(Scope::ActionsWrite),
        is_platform: caller.is_platform,
        now: Timestamp::now(),
        actions,
    })
}

/// How many actions there are of one status, all other filters kept.
async fn total(engine: &Engine, caller: &Caller, filter: &ActionFilter, status: &str) -> Result<u64, ApiError> {
    let filter = ActionFilter { status: Some(status.to_owned()), ..filter.clone() };
    let page = engine.list_actions(caller, filter, PageRequest { limit: Some(1), cursor: None }).await?;
    Ok(page.total.unwrap_or_default())
}

/// What the caller may not see is left out; the list itself needs none of it.
async fn latest(engine: &Engine, caller: &Caller) -> Result<Latest, ApiError> {
    let mut latest = Latest::default();
    if caller.may(Scope::EventsRead) {
        latest.events = engine.list_events(caller, EventFilter::default(), PageRequest { limit: Some(LATEST_EVENTS), cursor: None }).await?.items;
    }
    if caller.may(Scope::ExecutionsRead) {
        let page = PageRequest { limit: Some(LATEST_EXECUTIONS), cursor: None };
        for x in engine.list_executions(caller, ExecutionFilter::default(), page).await?.items {
            let succeeded = x.finished_at.filter(|_| x.status == Status::Succeeded);
            let entry = latest.executions.entry(x.action_id.clone()).or_insert_with(|| (x, None));
            entry.1 = entry.1.max(succeeded);
        }
    }
    Ok(latest)
}

fn document(data: Data, asked: Asked, zone: Zone, back: String, deleted: String, refused: Option<Refused>) -> impl IntoView {
    let new = data.may_write.then(|| view! { <ButtonLink href="/actions/new" kind=ButtonKind::Primary icon=icon::PLUS>"New action"</ButtonLink> });
    let summary = refused.map(|Refused(error)| {
        let title = error.detail.clone();
        view! { <ErrorSummary error=error title=title/> }
    });
    let is_empty = data.actions.items.is_empty();
    let bar = view! { <Bar asked=asked.clone() handlers=data.handlers.clone() attention=data.attention off=data.off total=data.actions.total.unwrap_or_default() is_platform=data.is_platform/> };
    let list = match (is_empty, asked.is_any()) {
        (true, true) => view! { <section class="panel"><FilteredToEmpty text=asked.sentence() clear="/actions"/></section> }.into_any(),
        (true, false) => {
            let first = data.may_write.then(|| view! { <ButtonLink href="/actions/new" kind=ButtonKind::Primary icon=icon::PLUS>"New action"</ButtonLink> });
            view! { <section class="panel"><Empty icon=icon::ACTION title="No actions yet" text="An action says what happens when an event arrives.">{first}</Empty></section> }
                .into_any()
        }
        (false, _) => list(data, &asked, zone, &back).into_any(),
    };
    view! {
        <PageTitle text="Actions"/>
        <PageHead title="Actions">{new}</PageHead>
        {summary}
        {bar}
        {list}
        {undo(&deleted)}
    }
}

fn list(data: Data, asked: &Asked, zone: Zone, back: &str) -> impl IntoView + use<> {
    let shown = data.actions.items.len();
    let total = data.actions.total.unwrap_or_default();
    let text = format!("{} of {}. Times in {}, as of {}.", count(shown as i64), count(total as i64), zone.label(), zone.clock(data.now));
    let first = asked.cursor.is_some().then(|| asked.href(|a| a.cursor = None));
    let next = data.actions.next_cursor.clone();
    let older = next.map(|cursor| asked.href(|a| a.cursor = Some(cursor.clone())));
    let back = back.to_owned();
    view! {
        <ActionList>
            <form method="post" action="/actions/bulk" class="stack" aria-label="Actions">
                <input type="hidden" name="back" value=back/>
                <section class="panel" aria-label="Actions">
                    {table::table(data, zone)}
                    <Pagination text=text first=first older=older/>
                </section>
                <noscript>{bulk_plain()}</noscript>
            </form>
        </ActionList>
    }
}

/// The bar for many actions, for browsers without JavaScript; with it, the island shows its own.
fn bulk_plain() -> impl IntoView {
    let button = |verb: &'static str, class: &'static str, text: &'static str| view! { <button type="submit" class=class name="verb" value=verb>{text}</button> };
    view! {
        <div class="bulk" role="region" aria-label="Selected actions">
            <span>"Selected:"</span>
            {button("enable", "btn btn-s", "Enable")}
            {button("disable", "btn btn-s", "Turn off")}
            {button("delete", "btn btn-s btn-danger", "Delete")}
        </div>
    }
}

/// The toast after a deletion: a form, so that it takes back without JavaScript too.
fn undo(deleted: &str) -> Option<impl IntoView + use<>> {
    let ids: Vec<String> = deleted.split(',').filter(|id| !id.is_empty()).take(200).map(str::to_owned).collect();
    (!ids.is_empty()).then(|| {
        let text = format!("Deleted {}.", plural(ids.len() as i64, "action", "actions"));
        let fields = ids.into_iter().map(|id| view! { <input type="hidden" name="id" value=id/> }).collect_view();
        view! {
            <Toasts>
                <Toast text=text>
                    <form method="post" action="/actions/bulk">
                        {fields}
                        <button type="submit" name="verb" value="restore">"Undo"</button>
                    </form>
                </Toast>
            </Toasts>
        }
    })
}
