//! "Why did it not fire?": what the action as it is now makes of recent events, by the evaluator that production uses.

use event_actions::matching::{MatchReport, explain};
use event_actions::model::Timestamp;
use event_actions::model::action::Action;
use event_actions::model::event::Event;
use event_actions::model::testing::StoppedAt;
use leptos::prelude::*;

use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::Empty;
use crate::components::gate_row::{GateFlow, GateStripSmall, Stop};
use crate::components::icon;
use crate::components::page_head::Panel;
use crate::components::time::{Time, TimeStyle, Zone};
use crate::session::encode;
use crate::shell::link;

/// Events named one by one.
const NAMED: usize = 12;

/// The panel.
pub fn events(action: &Action, events: &[Event], now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    if events.is_empty() {
        return view! { <Panel id="a-why" title="Why did it not fire?"><Empty icon=icon::EVENT title="No events yet" text="Once events come, each says here which gate let it through or stopped it."/></Panel> }.into_any();
    }
    let judged: Vec<(&Event, MatchReport)> = events.iter().map(|e| (e, explain(&action.definition, e))).collect();
    let mut stopped: Vec<StoppedAt> = Vec::new();
    for gate in judged.iter().filter_map(|(_, r)| r.stopped_at) {
        match stopped.iter_mut().find(|s| s.gate == gate) {
            Some(s) => s.count += 1,
            None => stopped.push(StoppedAt { gate, count: 1 }),
        }
    }
    let considered = judged.len();
    let rows = judged.into_iter().take(NAMED).map(|(event, report)| row(&action.id, event, report, now, zone)).collect_view();
    let columns = vec![Column::new("Event").width("30%"), Column::new("Gates").width("212px"), Column::new("Reason"), Column::number("Came").width("112px")];
    let note = format!("version {} against the last {considered} events; limits and rendering are not looked at", action.version);
    view! {
        <Panel id="a-why" title="Why did it not fire?" note=note flush=true>
            <div class="panel-body"><GateFlow considered=considered stopped=stopped word="Would run"/></div>
            <DataTable caption="Recent events and the gate that stops each, newest first" columns=columns fixed=true><tbody>{rows}</tbody></DataTable>
        </Panel>
    }
    .into_any()
}

fn row(action_id: &str, event: &Event, report: MatchReport, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let name = event.event_type.clone();
    let name = match link(&format!("/events/{}", encode(&event.id))) {
        Some(href) => view! { <a href=href><code class="brk">{name}</code></a> }.into_any(),
        None => view! { <code class="brk">{name}</code> }.into_any(),
    };
    let thing = event.aggregate_id.clone().map(|id| view! { <div class="sub brk">{id}</div> });
    let test = format!("/actions/{action_id}/edit?event={}", encode(&event.id));
    let (at, came, reason) = (Stop::from(&report), event.received_at, report.reason);
    view! {
        <tr>
            <th scope="row" class="full">{name}{thing}</th>
            <Cell class="full"><GateStripSmall of=at word="Would run"/></Cell>
            <Cell label="Reason" class="full">{reason}" "<a class="small" href=test>"Test with it"</a></Cell>
            <Cell label="Came" class="num"><Time at=came now=now style=TimeStyle::Ago zone=zone/></Cell>
        </tr>
    }
}
