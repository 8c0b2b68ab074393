//! What an action ran lately.

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
use crate::session::encode;
use crate::shell::link;

/// The panel.
pub fn executions(all: Vec<Execution>, action_id: &str, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    if all.is_empty() {
        return view! { <Panel id="a-ran" title="Recent executions"><Empty icon=icon::EXECUTION title="It has not run yet" text="Its executions appear here. Below, recent events say what stopped them."/></Panel> }.into_any();
    }
    let rows = all.into_iter().map(|x| row(x, now, zone)).collect_view();
    let columns = vec![
        Column::new("Status").width("124px"),
        Column::new("Event"),
        Column::number("Version").class("num hide-m").width("72px"),
        Column::number("Attempts").width("84px"),
        Column::number("Duration").width("96px"),
        Column::number("Made").width("112px"),
    ];
    let aside = link(&format!("/executions?action_id={}", encode(action_id))).map(|href| view! { <a class="small" href=href>"All of its executions"</a> }.into_any());
    view! {
        <Panel id="a-ran" title="Recent executions" aside=aside.unwrap_or_else(|| ().into_any()) flush=true>
            <DataTable caption="Recent executions, newest first" columns=columns fixed=true><tbody>{rows}</tbody></DataTable>
        </Panel>
    }
    .into_any()
}

fn row(x: Execution, now: Timestamp, zone: Zone) -> impl IntoView {
    let event = match link(&format!("/executions/{}", x.id)) {
        Some(href) => view! { <a href=href><code class="brk">{x.event_type}</code></a> }.into_any(),
        None => view! { <code class="brk">{x.event_type}</code> }.into_any(),
    };
    let reason = x.error.map(|e| view! { <div class="sub">{e.message}</div> });
    view! {
        <tr>
            <Cell label="Status"><StatusBadge status=x.status/></Cell>
            <th scope="row" class="full">{event}{reason}</th>
            <Cell label="Version" class="num hide-m">{x.action_version}</Cell>
            <Cell label="Attempts" class="num">{x.attempt_count}</Cell>
            <Cell label="Duration" class="num">{duration_or_dash(x.duration_ms)}</Cell>
            <Cell label="Made" class="num"><Time at=x.created_at now=now style=TimeStyle::Ago zone=zone/></Cell>
        </tr>
    }
}
