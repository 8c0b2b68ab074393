//! The actions that fail most, each with the error that it mostly fails with.

use std::collections::HashMap;

use event_actions::engine::{Caller, Engine};
use event_actions::model::action::Action;
use event_actions::model::execution::ExecutionFilter;
use event_actions::model::page::PageRequest;
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::format::{DASH, count, percent};
use crate::components::page_head::Panel;
use crate::session::encode;
use crate::shell::link;

/// Actions named.
const NAMED: usize = 5;
/// The latest failures of each that are looked at for the error it mostly fails with.
const LOOKED_AT: u32 = 20;
/// What the numbers cover, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// An action that fails.
pub(super) struct Failing {
    action: Action,
    failed: i64,
    mostly: String,
}

/// The worst of the last 24 hours. One without a failure left to show, such as after a purge, is left out.
pub(super) async fn read(engine: &Engine, caller: &Caller, now: Timestamp) -> Result<Vec<Failing>, ApiError> {
    let mut found = Vec::new();
    for (action, failed) in engine.failing_most(caller, NAMED)? {
        let filter = ExecutionFilter { action_id: Some(action.id.clone()), status: Some("failed".to_owned()), from: Some(now.plus_ms(-DAY_MS)), ..ExecutionFilter::default() };
        let latest = engine.list_executions(caller, filter, PageRequest { limit: Some(LOOKED_AT), cursor: None }).await?.items;
        let messages: Vec<&str> = latest.iter().filter_map(|x| x.error.as_ref().map(|e| e.message.as_str())).collect();
        if let Some(mostly) = dominant(&messages) {
            found.push(Failing { action, failed, mostly: mostly.to_owned() });
        }
    }
    Ok(found)
}

/// The message that most of them failed with; of equals the latest.
fn dominant<'a>(messages: &[&'a str]) -> Option<&'a str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    messages.iter().for_each(|m| *counts.entry(m).or_default() += 1);
    let most = counts.values().max()?;
    messages.iter().copied().find(|m| counts.get(m) == Some(most))
}

/// The panel; none when nothing fails.
pub(super) fn failing(all: Vec<Failing>) -> Option<impl IntoView> {
    (!all.is_empty()).then(|| {
        let rows = all.into_iter().map(row).collect_view();
        let columns = vec![Column::new("Action").width("32%"), Column::number("Failed").width("76px"), Column::number("Success").width("84px"), Column::new("Mostly")];
        let aside = link("/executions?status=failed").map(|href| view! { <a class="small" href=href>"All failed executions"</a> }.into_any());
        view! {
            <Panel id="c-failing" title="Failing most in 24 hours" aside=aside.unwrap_or_else(|| ().into_any()) flush=true>
                <DataTable caption="The actions that failed most in the last 24 hours, the worst first" columns=columns fixed=true><tbody>{rows}</tbody></DataTable>
            </Panel>
        }
    })
}

fn row(Failing { action, failed, mostly }: Failing) -> impl IntoView {
    let name = action.definition.name;
    let name = match link(&format!("/actions/{}", action.id)) {
        Some(href) => view! { <a href=href>{name}</a> }.into_any(),
        None => name.into_any(),
    };
    let number = count(failed);
    let number = match link(&format!("/executions?action_id={}&status=failed", encode(&action.id))) {
        Some(href) => view! { <a href=href>{number}</a> }.into_any(),
        None => number.into_any(),
    };
    let rate = action.stats.and_then(|s| s.success_rate_percent).map_or_else(|| DASH.to_owned(), |rate| format!("{} %", percent(rate)));
    view! {
        <tr>
            <th scope="row" class="full"><div class="clamp">{name}</div></th>
            <Cell label="Failed" class="num">{number}</Cell>
            <Cell label="Success" class="num">{rate}</Cell>
            <Cell label="Mostly" class="full"><div class="sub clamp" title=mostly.clone()>{mostly.clone()}</div></Cell>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_error_is_named() {
        assert_eq!((dominant(&["b", "a", "a"]), dominant(&["b", "a"]), dominant(&[])), (Some("a"), Some("b"), None));
    }
}
