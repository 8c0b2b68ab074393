//! What caused an execution and what it caused: its event, the others of the same event, replays, emitted events.

use event_actions::engine::{Caller, Engine};
use event_actions::model::Timestamp;
use event_actions::model::event::Event;
use event_actions::model::execution::{Execution, ExecutionFilter};
use event_actions::model::page::PageRequest;
use leptos::prelude::*;

use crate::components::format::{count, plural};
use crate::components::icon;
use crate::components::page_head::Panel;
use crate::components::status_badge::StatusBadge;
use crate::components::time::{Time, TimeStyle, Zone};
use crate::components::timeline::{Lineage, LineageItem};
use crate::forms_events::page_with_tenant;
use crate::pages::event::{effect, replays_of};
use crate::pages::words::emitted;
use crate::session::encode;

/// Executions of the same event that are named.
const NAMED: usize = 10;
/// Edited replays that are looked into.
const EDITED: usize = 10;

/// What is known of causes and replays.
#[derive(Default)]
pub struct Family {
    /// The execution that this one replays.
    pub origin: Option<Execution>,
    /// Executions that replay this one, oldest first.
    pub replays: Vec<Execution>,
    /// The other executions of the same event, oldest first.
    pub others: Vec<Execution>,
}

/// Reads what can be found. Replays with an edited payload are found through their events.
pub async fn read(engine: &Engine, caller: &Caller, x: &Execution, event: Option<&Event>, mut siblings: Vec<Execution>) -> Family {
    siblings.sort_by(|a, b| a.id.cmp(&b.id));
    let mut family = Family::default();
    if let Some(origin) = &x.replay_of {
        family.origin = engine.get_execution(caller, origin).await.ok();
    }
    for other in siblings.into_iter().filter(|o| o.id != x.id && Some(&o.id) != x.replay_of.as_ref()) {
        if other.replay_of.as_ref() == Some(&x.id) { family.replays.push(other) } else { family.others.push(other) }
    }
    if let Some(event) = event {
        for edited in replays_of(engine, caller, event).await.into_iter().take(EDITED) {
            let filter = ExecutionFilter { event_id: Some(edited.id), ..ExecutionFilter::default() };
            let page = engine.list_executions(caller, filter, PageRequest { limit: Some(5), cursor: None }).await;
            family.replays.extend(page.map(|p| p.items).unwrap_or_default().into_iter().filter(|o| o.replay_of.as_ref() == Some(&x.id)));
        }
    }
    family
}

/// The panel.
pub fn panel(x: &Execution, event: Option<&Event>, family: Family, tenant: &str, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let at = event.map_or(x.created_at, |e| e.received_at);
    let href = page_with_tenant(&x.event_id, tenant);
    let depth = if family.origin.is_some() { 2 } else { 1 };
    let origin = family.origin.map(|o| {
        let same = o.event_id == x.event_id;
        let note = if same { "what this execution replays" } else { "what this execution replays, with an edited payload" };
        view! {
            <LineageItem depth=1 icon=icon::EXECUTION>
                <a href=format!("/executions/{}", o.id)>{format!("{}, version {}", o.action_name, o.action_version)}</a>
                <StatusBadge status=o.status/>
                <span class="muted small">{note}</span>
            </LineageItem>
        }
    });
    let events = x.result.as_ref().map(emitted).unwrap_or_default();
    let emitted = events
        .into_iter()
        .map(|(id, matched)| {
            let href = page_with_tenant(&id, tenant);
            view! { <LineageItem depth=depth + 1 icon=icon::EVENT><a href=href><code>{id}</code></a><span class="muted small">{format!("emitted; {} matched", plural(matched, "action", "actions"))}</span></LineageItem> }
        })
        .collect_view();
    let replays = family
        .replays
        .into_iter()
        .map(|r| {
            view! {
                <LineageItem depth=depth + 1 icon=icon::RETRY>
                    <a href=format!("/executions/{}", r.id)>{format!("Replay, version {}", r.action_version)}</a>
                    <StatusBadge status=r.status/>
                    <span class="muted small"><Time at=r.created_at now=now style=TimeStyle::Ago zone=zone/></span>
                </LineageItem>
            }
        })
        .collect_view();
    let more = family.others.len().saturating_sub(NAMED);
    let others = family.others.into_iter().take(NAMED).map(|o| effect(o, tenant, 1)).collect_view();
    let all = format!("/executions?event_id={}", encode(&x.event_id));
    let more = (more > 0).then(|| view! { <LineageItem depth=1 icon=icon::EXECUTION><a href=all>{format!("{} more", count(more as i64))}</a></LineageItem> });
    let (name, status, kind) = (format!("{}, version {}", x.action_name, x.action_version), x.status, x.event_type.clone());
    view! {
        <Panel id="lineage" title="Lineage" note="what caused it, what it caused">
            <Lineage>
                <LineageItem depth=0 icon=icon::EVENT><a href=href><code>{kind}</code></a><span class="muted small">"event, "<Time at=at now=now style=TimeStyle::Clock zone=zone/></span></LineageItem>
                {origin}
                <LineageItem depth=depth icon=icon::EXECUTION here=true><strong>{name}</strong><StatusBadge status=status/><span class="muted small">"this execution"</span></LineageItem>
                {emitted}{replays}{others}{more}
            </Lineage>
        </Panel>
    }
}
