//! The latest executions.

use event_actions::model::Timestamp;
use event_actions::model::execution::Execution;
use leptos::prelude::*;

use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::Empty;
use crate::components::format::duration_or_dash;
use crate::components::icon;
use crate::components::page_head::Panel;
use crate::components::status_badge::StatusBadge;
use crate::components::time::{Time, TimeStyle, Zone};
use crate::shell::link;

/// The panel.
pub(super) fn latest(executions: Vec<Execution>, now: Timestamp, zone: Zone) -> impl IntoView {
    if executions.is_empty() {
        return view! {
            <Panel id="c-latest" title="Latest executions"><Empty icon=icon::EXECUTION title="Nothing has run yet" text="Send an event that an action listens to; its executions appear here."/></Panel>
        }
        .into_any();
    }
    let rows = executions.into_iter().map(|x| row(x, now, zone)).collect_view();
    let columns =
        vec![Column::new("Status").width("124px"), Column::new("Action"), Column::number("Duration").class("num hide-m").width("88px"), Column::number("Made").width("96px")];
    let aside = link("/executions").map(|href| view! { <a class="small" href=href>"All executions"</a> }.into_any());
    view! {
        <Panel id="c-latest" title="Latest executions" aside=aside.unwrap_or_else(|| ().into_any()) flush=true>
            <DataTable caption="The latest executions, newest first" columns=columns fixed=true><tbody>{rows}</tbody></DataTable>
        </Panel>
    }
    .into_any()
}

fn row(x: Execution, now: Timestamp, zone: Zone) -> impl IntoView {
    let under = x.error.map_or(x.event_type, |e| e.message);
    let name = match link(&format!("/executions/{}", x.id)) {
        Some(href) => view! { <a href=href>{x.action_name}</a> }.into_any(),
        None => x.action_name.into_any(),
    };
    view! {
        <tr>
            <Cell class="corner"><StatusBadge status=x.status/></Cell>
            <th scope="row" class="full lead-badge"><div class="trunc">{name}</div><div class="sub trunc">{under}</div></th>
            <Cell label="Duration" class="num hide-m">{duration_or_dash(x.duration_ms)}</Cell>
            <Cell label="Made" class="num"><Time at=x.created_at now=now style=TimeStyle::Clock zone=zone/></Cell>
        </tr>
    }
}
