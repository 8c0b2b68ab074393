//! One event: why each action did or did not run, what it caused, and the event itself.

use event_actions::engine::{Caller, Engine};
use event_actions::matching::Gate;
use event_actions::model::access::Scope;
use event_actions::model::event::{Event, MAX_CAUSATION_DEPTH, RESERVED_PREFIX};
use event_actions::model::execution::{Execution, ExecutionFilter};
use event_actions::model::page::{Page, PageRequest};
use event_actions::model::testing::{Considered, TestRequest};
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use serde_json::{Map, Value};

use super::flash::flash;
use super::{PageTitle, asked, page};
use crate::components::button::{Button, ButtonKind, ButtonLink};
use crate::components::curl::send_event;
use crate::components::feedback::Empty;
use crate::components::format::{count, short_id};
use crate::components::icon;
use crate::components::json_view::{JsonView, TextView};
use crate::components::page_head::{Fact, Facts, PageHead, Panel};
use crate::components::time::{Time, TimeStyle, Zone, ago, use_zone};
use crate::forms_events::{looking_at, page_with_tenant, segment};
use crate::islands::copy::CopyFrom;
use crate::session::encode;
use crate::shell::query;

mod chosen;
mod lineage;
mod marks;
pub mod trace;

pub use chosen::passed_words;
pub use lineage::{effect, replays_of};

/// Most actions and executions in one page.
const MOST: u32 = 200;

/// The page.
#[component]
pub fn EventPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|p| p.get("id")).unwrap_or_default();
    let zone = use_zone();
    let asked_for = Asked { tenant: query("tenant_id"), action: query("action"), cursor: Some(query("trace")).filter(|c| !c.is_empty()) };
    let said = flash();
    page(async move {
        let (engine, caller) = asked()?;
        let data = read(&engine, &caller, &id, asked_for).await?;
        Ok(view! { {said} {document(data, zone)} })
    })
}

/// What the URL says besides the event.
struct Asked {
    tenant: String,
    action: String,
    cursor: Option<String>,
}

struct Data {
    event: Event,
    /// The tenant in links; empty where the caller's own is meant.
    tenant: String,
    /// None for those who may not see actions.
    trace: Option<Page<Considered>>,
    cursor: Option<String>,
    chosen: Option<chosen::Chosen>,
    executions: Vec<Execution>,
    family: lineage::Family,
    base: String,
    may: May,
    now: Timestamp,
}

/// Which controls are shown.
#[derive(Clone, Copy)]
struct May {
    replay: bool,
    send: bool,
    make_actions: bool,
}

async fn read(engine: &Engine, caller: &Caller, id: &str, asked: Asked) -> Result<Data, ApiError> {
    let looking = looking_at(caller, &asked.tenant)?;
    let event = engine.get_event(&looking, id, None).await?;
    // Ids are unique per tenant: from here on, this tenant's alone.
    let looking = looking_at(&looking, &event.tenant_id)?;
    let one_page = PageRequest { limit: Some(MOST), cursor: None };
    let executions = if looking.may(Scope::ExecutionsRead) {
        engine.list_executions(&looking, ExecutionFilter { event_id: Some(event.id.clone()), ..ExecutionFilter::default() }, one_page.clone()).await?.items
    } else {
        Vec::new()
    };
    let trace = if looking.may(Scope::ActionsRead) { Some(engine.trace_event(&looking, &event.id, PageRequest { cursor: asked.cursor.clone(), ..one_page }).await?) } else { None };
    let chosen = match trace.as_ref().and_then(|page| choose(&page.items, &asked.action)) {
        Some(c) => Some(chosen(engine, &looking, &event, c).await),
        None => None,
    };
    Ok(Data {
        family: lineage::read(engine, &looking, &event).await,
        tenant: if caller.tenant_id.is_none() { event.tenant_id.clone() } else { String::new() },
        base: engine.config().public_url.clone(),
        may: May { replay: caller.may(Scope::ExecutionsWrite), send: caller.may(Scope::EventsWrite), make_actions: caller.may(Scope::ActionsWrite) },
        now: Timestamp::now(),
        cursor: asked.cursor,
        event,
        trace,
        chosen,
        executions,
    })
}

/// The action whose strip is shown in full: the one asked for, else the one that came closest without running, else the first.
fn choose(all: &[Considered], asked: &str) -> Option<Considered> {
    let missed = |c: &&Considered| trace::Group::of(c) == trace::Group::Stopped;
    all.iter().find(|c| c.action_id == asked).or_else(|| all.iter().find(missed)).or(all.first()).cloned()
}

/// The chosen action; where its rules stopped the event, with what the later gates would say now.
async fn chosen(engine: &Engine, caller: &Caller, event: &Event, mut c: Considered) -> chosen::Chosen {
    let action = engine.get_action(caller, &c.action_id).await.ok();
    let may_edit = caller.may(Scope::ActionsWrite) && action.as_ref().is_some_and(|a| caller.owns(a.definition.tenant_id.as_deref()));
    let by_rules = c.execution_id.is_none() && c.report.stopped_at.is_some_and(|g| g <= Gate::Conditions);
    if by_rules && action.is_some() && !event.event_type.starts_with(RESERVED_PREFIX) {
        let object = |value: &Value| value.as_object().cloned().unwrap_or_else(Map::new);
        let request = TestRequest { event_type: event.event_type.clone(), event_data: object(&event.data), metadata: object(&event.metadata), dry_run: true };
        // Only a help: without it the later gates stay "not reached".
        if let Ok(test) = engine.test_action(caller, &c.action_id, request).await {
            for later in test.report.gates.into_iter().filter(|g| g.gate > Gate::Conditions) {
                c.report.gates.iter_mut().filter(|g| g.gate == later.gate).for_each(|g| *g = later.clone());
            }
        }
    }
    chosen::Chosen { considered: c, exists: action.is_some(), may_edit }
}

fn document(data: Data, zone: Zone) -> impl IntoView {
    let own = page_with_tenant(&data.event.id, &data.tenant);
    let head = head(&data, zone);
    let hits_in = marks::shown(&data.event);
    let hits = data.chosen.as_ref().map(|c| marks::hits(&c.considered.report, &hits_in)).unwrap_or_default();
    let event_panel = event_panel(&data, hits_in, hits);
    let lineage = lineage::panel(&data.event, &data.tenant, data.family, &data.executions, data.now, zone);
    let why = data.trace.as_ref().zip(data.chosen).map(|(page, c)| chosen::panel(c, &page.items, &data.event, &data.executions, &own, data.cursor.as_deref()));
    let considered = data.trace.map(|page| considered(page, data.executions, &own, data.cursor));
    view! {
        <PageTitle text=format!("{} {}", data.event.event_type, data.event.aggregate_id.clone().unwrap_or_default())/>
        {head}
        {why}
        <div class="cols cols-21 cols-m1">
            <div class="stack">{considered}{lineage}</div>
            {event_panel}
        </div>
    }
}

fn head(data: &Data, zone: Zone) -> impl IntoView + use<> {
    let event = &data.event;
    let about = event.aggregate_id.clone().map(|id| view! { <span class="muted aggregate">{id}</span> });
    let id = encode(&event.id);
    let new = data
        .may
        .make_actions
        .then(|| view! { <span class="hide-s"><ButtonLink href=format!("/actions/new?from_event={id}&event={id}") icon=icon::PLUS>"New action from this"</ButtonLink></span> });
    let again =
        data.may.send.then(|| view! { <ButtonLink href=format!("/events?from_event={id}{}#send", tenant_part(&data.tenant)) icon=icon::SEND>"Send again, edited"</ButtonLink> });
    let replay = data.may.replay.then(|| {
        view! {
            <form method="post" action=format!("/events/{}/replay", segment(&event.id))>
                <input type="hidden" name="tenant_id" value=data.tenant.clone()/>
                <Button submit=true kind=ButtonKind::Primary icon=icon::RETRY>"Replay"</Button>
            </form>
        }
    });
    let crumbs = vec![("Events".to_owned(), "/events".to_owned()), (short_id(&event.id).to_owned(), String::new())];
    view! {
        <PageHead title=event.event_type.clone() mono=true crumbs=crumbs beside=about.into_any()>{new}{again}{replay}</PageHead>
        {facts(event, &data.tenant, data.now, zone)}
    }
}

fn tenant_part(tenant: &str) -> String {
    if tenant.is_empty() { String::new() } else { format!("&tenant_id={}", encode(tenant)) }
}

fn facts(event: &Event, tenant: &str, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let (id, at, occurred_at) = (event.id.clone(), event.received_at, event.occurred_at);
    let received = format!(", {}", ago(at, now));
    let late = (event.received_at.millis() - event.occurred_at.millis()).abs() > 1_000;
    let occurred = late.then(|| view! { <Fact label="Occurred"><Time at=occurred_at now=now style=TimeStyle::Clock zone=zone/></Fact> });
    let source = event.metadata.get("source").and_then(Value::as_str).map(str::to_owned).map(|s| view! { <Fact label="Source">{s}</Fact> });
    let correlation = event.correlation_id.clone().map(|c| {
        let href = format!("/events?correlation_id={}", encode(&c));
        view! { <Fact label="Correlation"><a href=href><code>{c}</code></a></Fact> }
    });
    let depth = Some(event.depth).filter(|d| *d > 0).map(|d| view! { <Fact label="Depth">{format!("{d} of {MAX_CAUSATION_DEPTH}")}</Fact> });
    let tenant = Some(tenant.to_owned()).filter(|t| !t.is_empty()).map(|tenant| view! { <Fact label="Tenant">{tenant}</Fact> });
    view! {
        <Facts>
            <Fact label="Id"><span class="copy"><code id="event-id">{id}</code><CopyFrom of="event-id".to_owned() label="Copy id".to_owned() small=true/></span></Fact>
            <Fact label="Received"><Time at=at now=now style=TimeStyle::Clock zone=zone/>" "{zone.label()}{received}</Fact>
            {occurred}{source}{correlation}{depth}{tenant}
        </Facts>
    }
}

fn considered(page: Page<Considered>, executions: Vec<Execution>, own: &str, cursor: Option<String>) -> impl IntoView + use<> {
    let total = page.total.unwrap_or(page.items.len() as u64) as i64;
    let here = page.items.len() as i64;
    let join = if own.contains('?') { "&" } else { "?" };
    let at = cursor.as_ref().map_or_else(String::new, |c| format!("trace={}&", encode(c)));
    let part = if here < total { format!(" These are {} of {}.", count(here), count(total)) } else { String::new() };
    let groups = trace::grouped(page.items);
    let note = format!("{}{part}", trace::summary(&groups, true));
    let first = cursor.is_some().then(|| view! { <a href=own.to_owned()>"First actions"</a> });
    let next = page.next_cursor.map(|next| view! { <a class="push" href=format!("{own}{join}trace={}", encode(&next))>"More actions"</a> });
    let pager = (first.is_some() || next.is_some()).then(|| view! { <nav class="pager" aria-label="Actions considered">{first}{next}</nav> });
    let title = if total == 1 { "1 action considered".to_owned() } else { format!("{} actions considered", count(total)) };
    let content = if total == 0 {
        view! { <Empty icon=icon::ACTION title="No action was there to consider" text="An action says what happens when an event arrives. Those made later do not look back; replay the event to run them."/> }.into_any()
    } else {
        trace::table(trace::Table { groups, executions, stored: true, strip_href: Some(format!("{own}{join}{at}action=")) }).into_any()
    };
    view! {
        <section class="panel" aria-labelledby="trace">
            <div class="panel-head"><h2 id="trace">{title}</h2><span class="note">{note}</span></div>
            {content}
            {pager}
        </section>
    }
}

fn event_panel(data: &Data, shown: Value, hits: Vec<String>) -> impl IntoView + use<> {
    let hint = (!hits.is_empty()).then(|| view! { <p class="hint">"Marked: the value that stopped the action above."</p> });
    let event = &data.event;
    let mut body = Map::new();
    for name in ["event_type", "aggregate_type", "aggregate_id", "correlation_id", "data", "metadata"] {
        if let Some(value) = shown.get(name) {
            body.insert(name.to_owned(), value.clone());
        }
    }
    let command = send_event(&data.base, &Value::Object(body));
    let id = event.id.clone();
    let aside = view! { <CopyFrom of="event-json".to_owned() label="Copy".to_owned() small=false/> };
    view! {
        <Panel id="event" title="Event" aside=aside.into_any()>
            <div class="stack-8">
                <div id="event-json"><JsonView value=shown hits=hits/></div>
                {hint}
                <details class="fold-plain">
                    <summary>"Send it again with curl"</summary>
                    <div class="stack-8">
                        <div id="event-curl"><TextView text=command plain=true/></div>
                        <CopyFrom of="event-curl".to_owned() label="Copy as curl".to_owned() small=false/>
                        <p class="hint">{format!("It gets a new id. To have the same event taken once, add \"id\": {id:?}.")}</p>
                    </div>
                </details>
            </div>
        </Panel>
    }
}
