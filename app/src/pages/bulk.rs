//! Bulk replays: the latest ones, each with how far it came. Beneath: the question before one, and one by itself.

use event_actions::engine::{Caller, Engine};
use event_actions::model::Timestamp;
use event_actions::model::bulk::{Bulk, BulkFilter};
use event_actions::model::execution::Status;
use event_actions::model::page::Page;
use leptos::prelude::*;

use super::admin::{foot, page_asked};
use super::words::class_words_of;
use super::{PageTitle, asked, page};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::feedback::Empty;
use crate::components::format::{count, duration};
use crate::components::icon;
use crate::components::page_head::PageHead;
use crate::components::status_badge::look_of;
use crate::components::time::{Time, TimeStyle, Zone, use_zone};
use crate::islands::live_bulk::{BulkBadge, done};

mod confirm;
mod job;
pub mod offer;

pub use confirm::BulkNew;
pub use job::BulkPage;

/// What a job is about, as words and values.
fn words(filter: &BulkFilter, action: Option<&str>, zone: Zone) -> Vec<(&'static str, String)> {
    let status = match filter.effective_status() {
        Status::Failed => "failed, dead letters too".to_owned(),
        Status::DeadLetter => "dead letters that nobody has handled".to_owned(),
        other => look_of(other).2.to_lowercase(),
    };
    let mut all = vec![("Status", status)];
    let mut add = |word: &'static str, value: Option<String>| all.extend(value.map(|value| (word, value)));
    add("Action", filter.action_id.as_ref().map(|id| action.map_or_else(|| id.clone(), str::to_owned)));
    add("Event", filter.event_id.clone());
    add("Event type", filter.event_type.clone());
    add("Handler", filter.handler_type.clone());
    add("Error", filter.error_class.as_deref().map(class_words_of));
    add("Took at least", filter.min_duration_ms.map(|ms| duration(ms as f64)));
    add("From", filter.from.map(|at| zone.exact(at)));
    add("Before", filter.to.map(|at| zone.exact(at)));
    add("Tenant", filter.tenant_id.clone());
    all
}

/// The name of the action that a filter is about; none when it is about all, or the action is gone.
async fn action_of(engine: &Engine, caller: &Caller, filter: &BulkFilter) -> Option<String> {
    let id = filter.action_id.as_deref()?;
    engine.get_action(caller, id).await.ok().map(|a| a.definition.name)
}

/// The list.
#[component]
pub fn Bulks() -> impl IntoView {
    let (zone, request) = (use_zone(), page_asked());
    page(async move {
        let (engine, caller) = asked()?;
        let list = engine.list_bulk(&caller, None, request).await?;
        Ok(view! {
            <PageTitle text="Bulk replays"/>
            <PageHead title="Bulk replays" lede="Many executions run again in the background. One begins on a filtered list of executions or of dead letters."/>
            {table(list, zone)}
        })
    })
}

fn table(list: Page<Bulk>, zone: Zone) -> impl IntoView {
    if list.items.is_empty() {
        let text = "Filter the executions, such as by status and time; \u{201c}Replay all\u{201d} stands above the list.";
        return view! { <section class="panel"><Empty icon=icon::RETRY title="No bulk replays yet" text=text><a class="btn" href="/executions?status=failed">"Failed executions"</a></Empty></section> }
            .into_any();
    }
    let now = Timestamp::now();
    let below = foot(&list, ("bulk replay", "bulk replays"), "/bulk", &[]);
    let rows = list.items.into_iter().map(|bulk| row(bulk, now, zone)).collect_view();
    let columns = vec![
        Column::new("Status").width("124px"),
        Column::new("Which executions"),
        Column::number("Done").width("140px"),
        Column::number("Failed").class("num hide-m").width("84px"),
        Column::new("By").class("hide-m").width("20%"),
        Column::number("Begun").width("128px"),
    ];
    view! {
        <section class="panel" aria-label="Bulk replays">
            <DataTable caption="Bulk replays, latest first" columns=columns fixed=true><tbody>{rows}</tbody></DataTable>
            {below}
        </section>
    }
    .into_any()
}

fn row(bulk: Bulk, now: Timestamp, zone: Zone) -> impl IntoView {
    let what = words(&bulk.filter, None, zone).into_iter().filter(|(word, _)| !["From", "Before"].contains(word)).map(|(_, value)| value).collect::<Vec<_>>().join(", ");
    let done = format!("{} of {}", count(done(&bulk)), count(bulk.total));
    let Bulk { id, status, failed, created_by, created_at, .. } = bulk;
    view! {
        <tr>
            <Cell class="full"><BulkBadge status=status/></Cell>
            <th scope="row" class="full"><a class="brk" href=format!("/bulk/{id}")>{what}</a></th>
            <Cell label="Done" class="num">{done}</Cell>
            <Cell label="Failed" class="num hide-m">{count(failed)}</Cell>
            <Cell label="By" class="hide-m"><div class="trunc">{created_by}</div></Cell>
            <Cell label="Begun" class="num muted"><Time at=created_at now=now style=TimeStyle::Ago zone=zone/></Cell>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_told_in_words() {
        let filter = BulkFilter { action_id: Some("a".into()), error_class: Some("timeout".into()), from: Some(Timestamp(0)), ..BulkFilter::default() };
        assert_eq!(
            words(&filter, Some("Tell"), Zone::UTC),
            [
                ("Status", "failed, dead letters too".to_owned()),
                ("Action", "Tell".to_owned()),
                ("Error", "Timed out".to_owned()),
                ("From", "1970-01-01 00:00:00.000 UTC".to_owned())
            ]
        );
    }
}
