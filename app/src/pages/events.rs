//! The list of events: what came, what it led to, and a form to send one.

use event_actions::engine::{Caller, Engine, LedTo};
use event_actions::model::access::Scope;
use event_actions::model::event::Event;
use event_actions::model::execution::Status;
use event_actions::model::page::{Page, PageRequest};
use event_actions::model::testing::EventFilter;
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use super::flash::{flash, kept};
use super::{PageTitle, asked, page};
use crate::components::button::{ButtonKind, ButtonLink};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::{Callout, CalloutKind, Empty, FilteredToEmpty};
use crate::components::format::{DASH, plural, short_id};
use crate::components::icon;
use crate::components::page_head::PageHead;
use crate::components::pagination::Pagination;
use crate::components::status_badge::{Badge, look_of};
use crate::components::time::{Time, TimeStyle, Zone, use_zone};
use crate::forms_events::{KeptEvent, looking_at, page_with_tenant};
use crate::islands::live_list::{LiveList, Watched};
use crate::session::encode;
use crate::shell::query;

mod filters;
mod simulator;

use filters::{Asked, Bar};

/// The page.
#[component]
pub fn Events() -> impl IntoView {
    let zone = use_zone();
    let asked_for = Asked::of(query);
    let (from, tenant, wants) = (query("from_event"), query("tenant_id"), query("send") == "1");
    let (kept, said) = (kept::<KeptEvent>(), flash());
    page(async move {
        let (engine, caller) = asked()?;
        let data = read(&engine, &caller, &asked_for, zone).await?;
        let from = if from.is_empty() { None } else { Some(engine.get_event(&looking_at(&caller, &tenant)?, &from, None).await?) };
        let simulator = simulator::Simulator {
            is_open: wants || kept.is_some() || from.is_some(),
            kept,
            from,
            may_send: caller.may(Scope::EventsWrite),
            may_ask: caller.may(Scope::ActionsRead),
            is_platform: caller.tenant_id.is_none(),
            base: engine.config().public_url.clone(),
            key: uuid::Uuid::new_v4().simple().to_string(),
        };
        Ok(view! { {said} {document(data, asked_for, zone, simulator)} })
    })
}

struct Data {
    events: Page<Event>,
    filter: EventFilter,
    /// Why the list could not be filtered as asked.
    fault: Option<String>,
    /// What the events led to; none for those who may not see executions.
    led_to: Option<LedTo>,
    /// Whether events of several tenants are listed.
    is_platform: bool,
    now: Timestamp,
}

async fn read(engine: &Engine, caller: &Caller, asked: &Asked, zone: Zone) -> Result<Data, ApiError> {
    let now = Timestamp::now();
    let filter = asked.filter(now, zone);
    let fault = asked.fault();
    let events = if fault.is_some() {
        caller.require(Scope::EventsRead)?;
        Page { items: Vec::new(), next_cursor: None, total: None }
    } else {
        engine.list_events(caller, filter.clone(), PageRequest { limit: None, cursor: asked.cursor.clone() }).await?
    };
    let led_to = if caller.may(Scope::ExecutionsRead) { Some(engine.led_to(caller, &events.items).await?) } else { None };
    Ok(Data { events, filter, fault, led_to, is_platform: caller.tenant_id.is_none(), now })
}

fn document(data: Data, asked: Asked, zone: Zone, simulator: simulator::Simulator) -> impl IntoView {
    let send = simulator.may_send.then(|| view! { <ButtonLink href="/events?send=1#send" kind=ButtonKind::Primary icon=icon::SEND>"Send an event"</ButtonLink> });
    let may_send = simulator.may_send;
    let (may_ask, is_open) = (simulator.may_ask, simulator.is_open);
    let ask = (!may_send && may_ask).then(|| view! { <ButtonLink href="/events?send=1#send" icon=icon::ACTION>"Ask about an event"</ButtonLink> });
    let simulator = (is_open && (may_send || may_ask)).then(|| simulator::simulator(simulator));
    let fault = data.fault.clone().map(|text| view! { <Callout kind=CalloutKind::Fault><p>{text}</p></Callout> });
    let is_empty = data.events.items.is_empty();
    let list = match (is_empty, asked.is_any() || asked.cursor.is_some()) {
        (true, true) => view! { <section class="panel"><FilteredToEmpty text=asked.sentence() clear="/events"/></section> }.into_any(),
        (true, false) => {
            let first = may_send.then(|| view! { <ButtonLink href="/events?send=1#send" icon=icon::SEND>"Send an event"</ButtonLink> });
            view! { <section class="panel">{live(&data, &asked, zone)}<Empty icon=icon::EVENT title="No events yet" text="Whatever happens in your systems arrives here, by POST /api/v1/events or by hand.">{first}</Empty></section> }.into_any()
        }
        (false, _) => list(data, &asked, zone).into_any(),
    };
    view! {
        <PageTitle text="Events"/>
        <PageHead title="Events">{send}{ask}</PageHead>
        {simulator}
        <Bar asked=asked zone=zone/>
        {fault}
        {list}
    }
}

/// The line above the first page; older pages stand still.
fn live(data: &Data, asked: &Asked, zone: Zone) -> Option<impl IntoView + use<>> {
    asked.cursor.is_none().then(|| {
        let since = data.events.items.first().map(|e| e.id.clone());
        let as_of = format!("{} {}", zone.clock(data.now), zone.label());
        view! { <LiveList of=Watched::Events(data.filter.clone()) since=since as_of=as_of href=asked.href(None)/> }
    })
}

fn list(data: Data, asked: &Asked, zone: Zone) -> impl IntoView + use<> {
    let live = live(&data, asked, zone);
    let shown = data.events.items.len() as i64;
    let text = format!("{}. Times in {}.", plural(shown, "event", "events"), zone.label());
    let first = asked.cursor.is_some().then(|| asked.href(None));
    let older = data.events.next_cursor.as_deref().map(|c| asked.href(Some(c)));
    let mut columns = vec![
        Column::new("Type"),
        Column::new("About").width("22%"),
        Column::new("Correlation").class("hide-m").width("18%"),
        Column::new("Led to").width("232px"),
        Column::number("Received").width("108px"),
    ];
    if data.is_platform {
        columns.insert(3, Column::new("Tenant").class("hide-m").width("120px"));
    }
    let (now, is_platform, led_to) = (data.now, data.is_platform, data.led_to);
    let rows = data.events.items.into_iter().map(|e| row(e, led_to.as_ref(), is_platform, now, zone)).collect_view();
    view! {
        <section class="panel" aria-label="Events">
            {live}
            <DataTable caption="Events, latest first" columns=columns fixed=true><tbody>{rows}</tbody></DataTable>
            <Pagination text=text first=first older=older/>
        </section>
    }
}

fn row(event: Event, led_to: Option<&LedTo>, is_platform: bool, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let tenant = if is_platform { event.tenant_id.clone() } else { String::new() };
    let href = page_with_tenant(&event.id, &tenant);
    let outcome = outcome(&event, led_to);
    let id = event.aggregate_id.map(|id| view! { <code title=id.clone()>{short_id(&id).to_owned()}</code> });
    let about = match (event.aggregate_type, id) {
        (None, None) => DASH.into_any(),
        (kind, id) => view! { {kind}" "{id} }.into_any(),
    };
    let correlation = match event.correlation_id {
        Some(id) => view! { <a class="trunc tw:block" href=format!("/events?correlation_id={}", encode(&id)) title=id.clone()><code>{id.clone()}</code></a> }.into_any(),
        None => DASH.into_any(),
    };
    let tenant = is_platform.then(|| view! { <Cell label="Tenant" class="hide-m">{tenant}</Cell> });
    view! {
        <tr>
            <th scope="row" class="full"><a href=href><code class="brk">{event.event_type}</code></a></th>
            <Cell label="About" class="brk">{about}</Cell>
            <Cell label="Correlation" class="hide-m">{correlation}</Cell>
            {tenant}
            <Cell label="Led to" class="full">{outcome}</Cell>
            <Cell label="Received" class="num muted"><Time at=event.received_at now=now style=TimeStyle::Clock zone=zone/></Cell>
        </tr>
    }
}

/// A badge for each status that its executions have now.
fn outcome(event: &Event, led_to: Option<&LedTo>) -> AnyView {
    let Some(led_to) = led_to else { return DASH.into_any() };
    let href = format!("/executions?event_id={}", encode(&event.id));
    match led_to.get(&(event.tenant_id.clone(), event.id.clone())) {
        Some(all) => {
            let badges = Status::ALL
                .into_iter()
                .filter_map(|status| {
                    let n = all.get(&status).copied().unwrap_or(0);
                    let (tone, icon, word) = look_of(status);
                    let text = if n == 1 { word.to_owned() } else { format!("{n} {}", word.to_lowercase()) };
                    (n > 0).then(|| view! { <Badge tone=tone icon=icon text=text/> })
                })
                .collect_view();
            view! { <a class="row row-wrap plain tw:gap-1" href=href>{badges}</a> }.into_any()
        }
        None => view! { <span class="muted">"no action matched"</span> }.into_any(),
    }
}
