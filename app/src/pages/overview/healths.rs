//! The list of healths: the service itself, the actions that need attention by name, the others counted.

use event_actions::engine::{Caller, Engine};
use event_actions::model::ApiError;
use event_actions::model::action::{Action, ActionFilter};
use event_actions::model::health::{Health, HealthStatus};
use event_actions::model::page::{Page, PageRequest};
use leptos::prelude::*;

use crate::components::feedback::Empty;
use crate::components::format::plural;
use crate::components::health_badge::{HealthLine, Wellbeing};
use crate::components::icon;
use crate::components::page_head::Panel;
use crate::shell::link;

/// Actions named in the list.
const NAMED: u32 = 6;

/// What the list says about actions.
pub(super) struct Actions {
    /// Those that need attention; at most six.
    attention: Vec<Action>,
    /// How many need attention in all.
    troubled: i64,
    /// How many are switched on.
    on: i64,
    /// How many are switched off.
    off: i64,
}

/// Reads what the list says.
pub(super) async fn read(engine: &Engine, caller: &Caller) -> Result<Actions, ApiError> {
    let of = |status: &str| ActionFilter { status: Some(status.to_owned()), ..ActionFilter::default() };
    let some = |limit: u32| PageRequest { limit: Some(limit), cursor: None };
    let attention = engine.list_actions(caller, of("degraded"), some(NAMED)).await?;
    let count = |page: Page<Action>| page.total.map_or(page.items.len(), |n| n as usize) as i64;
    Ok(Actions {
        on: count(engine.list_actions(caller, of("active"), some(1)).await?),
        off: count(engine.list_actions(caller, of("disabled"), some(1)).await?),
        troubled: attention.total.map_or(0, |n| n as i64),
        attention: attention.items,
    })
}

fn wellbeing(health: &Health) -> Wellbeing {
    let open = health.checks.iter().any(|c| c.name == "breaker" && c.status != HealthStatus::Healthy);
    if open { Wellbeing::BreakerOpen } else { Wellbeing::Health(health.status) }
}

/// The panel: the worst first.
pub(super) fn healths(system: Health, actions: Actions) -> impl IntoView {
    let mut attention: Vec<(Health, Action)> = actions.attention.into_iter().map(|a| (a.health.clone().unwrap_or_default(), a)).collect();
    attention.sort_by_key(|(health, _)| std::cmp::Reverse(health.status));
    let named_here = attention.len() as i64;
    let lines = attention.into_iter().map(|(health, a)| named(wellbeing(&health), a.definition.name, &a.id, health.message)).collect_view();
    let rest = |of: Wellbeing, n: i64, reason: &'static str| (n > 0).then(|| view! { <HealthLine of=of name=plural(n, "action", "actions") reason=reason/> });
    let more = rest(Wellbeing::Health(HealthStatus::Degraded), actions.troubled - named_here, "need attention too");
    let fine = rest(Wellbeing::Health(HealthStatus::Healthy), actions.on - actions.troubled, "no errors above their limits in the last 15 minutes");
    let off = rest(Wellbeing::Off, actions.off, "switched off");
    let none = (actions.on + actions.off == 0).then(|| view! { <Empty icon=icon::ACTION title="No actions yet" text="An action says what happens when an event arrives."/> });
    let aside = (actions.troubled > 0)
        .then(|| link("/actions?status=degraded"))
        .flatten()
        .map(|href| view! { <a class="small" href=href>{plural(actions.troubled, "needs attention", "need attention")}</a> }.into_any());
    view! {
        <Panel id="c-health" title="Health" aside=aside.unwrap_or_else(|| ().into_any()) flush=true>
            <div class="ruled">
                <HealthLine of=system.status name="This service" reason=system.message/>
                {lines}
                {more}
                {fine}
                {off}
                {none}
            </div>
        </Panel>
    }
}

fn named(of: Wellbeing, name: String, id: &str, reason: String) -> AnyView {
    match link(&format!("/actions/{id}")) {
        Some(href) => view! { <HealthLine of=of name=name href=href reason=reason/> }.into_any(),
        None => view! { <HealthLine of=of name=name reason=reason/> }.into_any(),
    }
}
