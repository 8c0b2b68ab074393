//! The table of executions: one row each, a card on the phone, with what can be done from the row.

use event_actions::model::Timestamp;
use event_actions::model::execution::{Execution, Status};
use leptos::prelude::*;

use crate::components::button::IconButton;
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::format::duration_or_dash;
use crate::components::icon::{self, Icon};
use crate::components::status_badge::StatusBadge;
use crate::components::time::{Time, TimeStyle, Zone};
use crate::forms_events::page_with_tenant;

/// What the table needs besides its rows.
#[derive(Clone)]
pub struct Surroundings {
    /// Where a button of a row leads back to.
    pub back: String,
    /// Whether the caller may replay and cancel.
    pub may_write: bool,
    /// Whether executions of several tenants are listed.
    pub is_platform: bool,
    /// The moment the page was made.
    pub now: Timestamp,
    /// The reader's zone.
    pub zone: Zone,
}

/// The table.
pub fn table(executions: Vec<Execution>, around: &Surroundings) -> impl IntoView + use<> {
    let mut columns = vec![Column::new("Status").width("124px"), Column::new("Action"), Column::new("Event").width("20%")];
    if around.is_platform {
        columns.push(Column::new("Tenant").class("hide-m").width("112px"));
    }
    columns.extend([Column::number("Attempts").class("num hide-m").width("84px"), Column::number("Duration").width("92px"), Column::number("Made").width("108px")]);
    if around.may_write {
        columns.push(Column::silent("Retry or cancel").width("52px"));
    }
    let rows = executions.into_iter().map(|x| row(x, around)).collect_view();
    view! { <DataTable caption="Executions, latest first" columns=columns fixed=true><tbody>{rows}</tbody></DataTable> }
}

fn row(x: Execution, around: &Surroundings) -> impl IntoView + use<> {
    let Surroundings { now, zone, .. } = *around;
    let button = around.may_write.then(|| button(&x, &around.back)).map(|button| view! { <Cell class="corner num">{button}</Cell> });
    let under = x.error.filter(|_| x.status != Status::Succeeded).map(|e| view! { <div class="sub clamp">{e.message}</div> });
    let event = page_with_tenant(&x.event_id, if around.is_platform { &x.tenant_id } else { "" });
    let again = x.replay_of.is_some().then(|| view! { <span class="muted" title="A replay"><Icon of=icon::RETRY size=12/><span class="sr">"A replay"</span></span> });
    let tenant = around.is_platform.then(|| view! { <Cell label="Tenant" class="hide-m">{x.tenant_id}</Cell> });
    view! {
        <tr>
            <Cell class="full"><StatusBadge status=x.status/></Cell>
            <th scope="row" class="full"><span class="row"><a class="trunc" href=format!("/executions/{}", x.id)>{x.action_name}</a>{again}</span>{under}</th>
            <Cell label="Event" class="full"><a class="plain" href=event><code class="brk">{x.event_type}</code></a></Cell>
            {tenant}
            <Cell label="Attempts" class="num hide-m">{x.attempt_count}</Cell>
            <Cell label="Duration" class="num">{duration_or_dash(x.duration_ms)}</Cell>
            <Cell label="Made" class="num muted"><Time at=x.created_at now=now style=TimeStyle::Clock zone=zone/></Cell>
            {button}
        </tr>
    }
}

/// What failed is tried again, what has not ended is cancelled. What succeeded is only repeated from its own page.
fn button(x: &Execution, back: &str) -> Option<impl IntoView + use<>> {
    let (verb, of, label) = match x.status {
        Status::Failed | Status::DeadLetter | Status::Cancelled => ("replay", icon::RETRY, "Run again"),
        Status::Pending | Status::Retrying | Status::Running => ("cancel", icon::CROSS, "Cancel"),
        Status::Succeeded => return None,
    };
    let action = format!("/executions/{}/{verb}", x.id);
    let label = format!("{label}: {}", x.action_name);
    let back = back.to_owned();
    Some(view! { <form method="post" action=action><input type="hidden" name="back" value=back/><IconButton icon=of label=label submit=true small=true/></form> })
}
