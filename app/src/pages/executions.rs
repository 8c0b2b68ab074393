//! The list of executions: what ran for which event, how it went, and a button to run it again.

use event_actions::engine::{Caller, Engine};
use event_actions::model::access::Scope;
use event_actions::model::action::ActionFilter;
use event_actions::model::execution::{Execution, ExecutionFilter};
use event_actions::model::page::{Page, PageRequest};
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use super::bulk::offer::{Offer, button, offer};
use super::flash::flash;
use super::{PageTitle, asked, page};
use crate::components::feedback::{Empty, FilteredToEmpty};
use crate::components::format::plural;
use crate::components::icon;
use crate::components::page_head::PageHead;
use crate::components::pagination::Pagination;
use crate::components::time::{Zone, use_zone};
use crate::islands::live_list::{LiveList, Watched};
use crate::shell::query;

pub mod filters;
pub mod table;

use filters::{Asked, Bar};
use table::{Surroundings, table};

/// Actions offered by the filter.
const OFFERED: u32 = 200;

/// The page.
#[component]
pub fn Executions() -> impl IntoView {
    let zone = use_zone();
    let asked_for = Asked::of(query);
    let said = flash();
    page(async move {
        let (engine, caller) = asked()?;
        let data = read(&engine, &caller, &asked_for, zone).await?;
        Ok(view! { {said} {document(data, asked_for, zone)} })
    })
}

struct Data {
    executions: Page<Execution>,
    filter: ExecutionFilter,
    choices: Choices,
    offer: Option<Offer>,
    is_platform: bool,
    may_write: bool,
    now: Timestamp,
}

/// What the filters offer.
pub struct Choices {
    /// Actions as id and name.
    pub actions: Vec<(String, String)>,
    /// Handler types and their names.
    pub handlers: Vec<(String, String)>,
}

/// Reads what the filters offer; nothing for those who may not see actions.
///
/// # Errors
/// The engine's.
pub async fn choices(engine: &Engine, caller: &Caller) -> Result<Choices, ApiError> {
    if !caller.may(Scope::ActionsRead) {
        return Ok(Choices { actions: Vec::new(), handlers: Vec::new() });
    }
    let actions = engine.list_actions(caller, ActionFilter::default(), PageRequest { limit: Some(OFFERED), cursor: None }).await?.items;
    let mut actions: Vec<(String, String)> = actions.into_iter().map(|a| (a.id, a.definition.name)).collect();
    actions.sort_by_key(|a| a.1.to_lowercase());
    let handlers = engine.handlers(caller).await?.into_iter().map(|h| (h.spec.handler_type.0, h.spec.label)).collect();
    Ok(Choices { actions, handlers })
}

async fn read(engine: &Engine, caller: &Caller, asked: &Asked, zone: Zone) -> Result<Data, ApiError> {
    let now = Timestamp::now();
    let filter = asked.filter(now, zone);
    Ok(Data {
        executions: engine.list_executions(caller, filter.clone(), PageRequest { limit: None, cursor: asked.cursor.clone() }).await?,
        choices: choices(engine, caller).await?,
        offer: offer(engine, caller, &filter, asked.href(None).split_once('?').map_or("", |(_, query)| query)).await?,
        is_platform: caller.tenant_id.is_none(),
        may_write: caller.may(Scope::ExecutionsWrite),
        filter,
        now,
    })
}

fn document(data: Data, asked: Asked, zone: Zone) -> impl IntoView {
    let first_page = asked.cursor.is_none();
    let live = first_page.then(|| {
        let since = data.executions.items.first().map(|x| x.id.clone());
        let as_of = format!("{} {}", zone.clock(data.now), zone.label());
        view! { <LiveList of=Watched::Executions(data.filter.clone()) since=since as_of=as_of href=asked.href(None)/> }
    });
    let is_empty = data.executions.items.is_empty();
    let content = match (is_empty, asked.is_any() || !first_page) {
        (true, true) => view! { {live}<FilteredToEmpty text=asked.sentence() clear="/executions"/> }.into_any(),
        (true, false) => {
            view! { {live}<Empty icon=icon::EXECUTION title="Nothing has run yet" text="When an event arrives that an action listens to, its execution appears here."/> }.into_any()
        }
        (false, _) => {
            let around = Surroundings { back: asked.href(asked.cursor.as_deref()), may_write: data.may_write, is_platform: data.is_platform, now: data.now, zone };
            let text = format!("{}. Times in {}.", plural(data.executions.items.len() as i64, "execution", "executions"), zone.label());
            let older = data.executions.next_cursor.as_deref().map(|c| asked.href(Some(c)));
            let first = (!first_page).then(|| asked.href(None));
            view! { {live}{table(data.executions.items, &around)}<Pagination text=text first=first older=older/> }.into_any()
        }
    };
    view! {
        <PageTitle text="Executions"/>
        <PageHead title="Executions">{button(data.offer.filter(|_| !is_empty))}</PageHead>
        <Bar asked=asked actions=data.choices.actions handlers=data.choices.handlers zone=zone/>
        <section class="panel" aria-label="Executions">{content}</section>
    }
}
