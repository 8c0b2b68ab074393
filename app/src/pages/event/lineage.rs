//! What caused an event and what it caused: executions, the events these emitted, replays.

use event_actions::engine::{Caller, Engine};
use event_actions::model::Timestamp;
use event_actions::model::event::Event;
use event_actions::model::execution::Execution;
use event_actions::model::page::PageRequest;
use event_actions::model::testing::EventFilter;
use leptos::prelude::*;

use crate::components::format::{count, duration_or_dash, plural};
use crate::components::icon;
use crate::components::page_head::Panel;
use crate::components::status_badge::StatusBadge;
use crate::components::time::{Time, TimeStyle, Zone};
use crate::components::timeline::{Lineage, LineageItem};
use crate::forms_events::page_with_tenant;
use crate::pages::words::emitted;
use crate::session::encode;

/// Executions named one by one.
const NAMED: usize = 20;
/// Later events of the same kind that are searched for replays.
const SEARCHED: u32 = 200;

/// What is known of causes and replays.
#[derive(Default)]
pub struct Family {
    /// The execution that emitted it.
    pub by_execution: Option<Execution>,
    /// The event that it replays.
    pub by_event: Option<Event>,
    /// Events that replay it, oldest first.
    pub replays: Vec<Event>,
}

/// Reads what can be found; what the caller may not see is left out.
pub async fn read(engine: &Engine, caller: &Caller, event: &Event) -> Family {
    let mut family = Family { replays: replays_of(engine, caller, event).await, ..Family::default() };
    if let Some(cause) = &event.causation_id {
        family.by_execution = engine.get_execution(caller, cause).await.ok();
        if family.by_execution.is_none() {
            family.by_event = engine.get_event(caller, cause, None).await.ok();
        }
    }
    family
}

/// Events that name this one as their cause, among the latest 200 of its type and thing that came after it.
pub async fn replays_of(engine: &Engine, caller: &Caller, event: &Event) -> Vec<Event> {
    let filter = EventFilter {
        event_type: Some(event.event_type.clone()),
        aggregate_id: event.aggregate_id.clone(),
        correlation_id: event.correlation_id.clone(),
        from: Some(event.received_at),
        ..EventFilter::default()
    };
    let later = engine.list_events(caller, filter, PageRequest { limit: Some(SEARCHED), cursor: None }).await;
    let mut found: Vec<Event> = later.map(|page| page.items).unwrap_or_default().into_iter().filter(|e| e.causation_id.as_ref() == Some(&event.id)).collect();
    found.reverse();
    found
}

/// The panel.
pub fn panel(event: &Event, tenant: &str, family: Family, executions: &[Execution], now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let base = u32::from(family.by_execution.is_some() || family.by_event.is_some());
    let cause = cause(&family, tenant);
    let mut own: Vec<Execution> = executions.to_vec();
    own.sort_by(|a, b| a.id.cmp(&b.id));
    let more = own.len().saturating_sub(NAMED);
    let effects = own.into_iter().take(NAMED).map(|x| effect(x, tenant, base + 1)).collect_view();
    let more = (more > 0).then(|| {
        let href = format!("/executions?event_id={}", encode(&event.id));
        view! { <LineageItem depth=base + 1 icon=icon::EXECUTION><a href=href>{format!("{} more", count(more as i64))}</a></LineageItem> }
    });
    let replays = family
        .replays
        .into_iter()
        .map(|e| {
            let href = page_with_tenant(&e.id, tenant);
            view! {
                <LineageItem depth=base + 1 icon=icon::RETRY>
                    <a href=href><code>{e.event_type.clone()}</code></a>
                    <span class="muted small">"replayed "<Time at=e.received_at now=now style=TimeStyle::Ago zone=zone/></span>
                </LineageItem>
            }
        })
        .collect_view();
    let kind = event.event_type.clone();
    let none = executions.is_empty().then(|| view! { <LineageItem depth=base + 1 icon=icon::MINUS><span class="muted">"It made no execution."</span></LineageItem> });
    view! {
        <Panel id="caused" title="What it caused">
            <Lineage>
                {cause}
                <LineageItem depth=base icon=icon::EVENT here=true><strong class="mono">{kind}</strong><span class="muted small">"this event"</span></LineageItem>
                {effects}{more}{none}{replays}
            </Lineage>
        </Panel>
    }
}

fn cause(family: &Family, tenant: &str) -> Option<AnyView> {
    if let Some(x) = &family.by_execution {
        let (href, name, status) = (format!("/executions/{}", x.id), x.action_name.clone(), x.status);
        return Some(view! { <LineageItem depth=0 icon=icon::EXECUTION><a href=href>{name}</a><StatusBadge status=status/><span class="muted small">"emitted this event"</span></LineageItem> }.into_any());
    }
    let e = family.by_event.as_ref()?;
    let (href, kind) = (page_with_tenant(&e.id, tenant), e.event_type.clone());
    Some(
        view! { <LineageItem depth=0 icon=icon::EVENT><a href=href><code>{kind}</code></a><span class="muted small">"the event that this one replays"</span></LineageItem> }
            .into_any(),
    )
}

/// An execution and the events that its result says it emitted.
pub fn effect(x: Execution, tenant: &str, depth: u32) -> impl IntoView + use<> {
    let events = x.result.as_ref().map(emitted).unwrap_or_default();
    let emitted = events
        .into_iter()
        .map(|(id, matched)| {
            let href = page_with_tenant(&id, tenant);
            view! {
                <LineageItem depth=depth + 1 icon=icon::EVENT>
                    <a href=href><code>{id}</code></a>
                    <span class="muted small">{format!("emitted; {} matched", plural(matched, "action", "actions"))}</span>
                </LineageItem>
            }
        })
        .collect_view();
    let again = x.replay_of.is_some().then(|| view! { <span class="muted small">"a replay"</span> });
    view! {
        <LineageItem depth=depth icon=icon::EXECUTION>
            <a href=format!("/executions/{}", x.id)>{format!("{}, version {}", x.action_name, x.action_version)}</a>
            <StatusBadge status=x.status/>
            <span class="muted small">{duration_or_dash(x.duration_ms)}</span>
            {again}
        </LineageItem>
        {emitted}
    }
}
