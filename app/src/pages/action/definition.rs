//! What an action does, in facts and as JSON.

use event_actions::model::action::{Action, NewAction};
use leptos::prelude::*;
use serde_json::Value;

use crate::components::format::plural;
use crate::components::json_view::JsonView;
use crate::components::page_head::{Fact, Facts, Panel};
use crate::components::status_badge::Pill;
use crate::session::encode;

/// The panel.
pub fn summary(action: &Action) -> impl IntoView + use<> {
    let d = &action.definition;
    let types = d.event_types.iter().cloned().map(|t| view! { <Pill mono=true>{t}</Pill> }).collect_view();
    let tags = d.tags.iter().map(|t| view! { <a href=format!("/actions?tag={}", encode(t))>{t.clone()}</a> }).collect_view();
    let has_tags = !d.tags.is_empty();
    let conditions = d.conditions.len() as i64;
    let filters = d.context_filters.len() as i64;
    let whole = serde_json::to_value(d).unwrap_or(Value::Null);
    let (handler, mode, priority) = (d.handler_type.to_string(), d.execution_mode.name(), d.priority.name());
    let (retries, timeout, limit) = (retries(d), format!("{} s", d.effective_timeout_seconds()), limit(d));
    view! {
        <Panel id="a-definition" title="What it does">
            <div class="stack-8">
                <Facts>
                    <Fact label="Listens to"><span class="row row-wrap">{types}</span></Fact>
                    <Fact label="Conditions">{if conditions == 0 { "none".to_owned() } else { plural(conditions, "must hold", "must hold") }}</Fact>
                    <Fact label="Context">{if filters == 0 { "any".to_owned() } else { plural(filters, "filter", "filters") }}</Fact>
                    <Fact label="Handler">{handler}</Fact>
                    <Fact label="Mode">{mode}</Fact>
                    <Fact label="Priority">{priority}</Fact>
                    <Fact label="Retries">{retries}</Fact>
                    <Fact label="Timeout">{timeout}</Fact>
                    <Fact label="Limit">{limit}</Fact>
                    {has_tags.then(|| view! { <Fact label="Tags"><span class="row row-wrap">{tags}</span></Fact> })}
                </Facts>
                <details class="data">
                    <summary>"Show as JSON"</summary>
                    <JsonView value=whole/>
                </details>
            </div>
        </Panel>
    }
}

fn retries(d: &NewAction) -> String {
    if d.max_retries == 0 { "none".to_owned() } else { format!("{}, first after {} s", d.max_retries, d.retry_delay_seconds) }
}

fn limit(d: &NewAction) -> String {
    d.rate_limit.map_or_else(|| "none".to_owned(), |r| format!("{} per {} s and node", r.max, r.per_seconds))
}
