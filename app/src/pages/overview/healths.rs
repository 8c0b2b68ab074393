//! The list of healths: the service itself, the actions that need attention by name, the others counted.

use event_actions::model::action::Action;
use event_actions::model::health::{Health, HealthStatus};
use leptos::prelude::*;

use crate::components::feedback::Empty;
use crate::components::format::plural;
use crate::components::health_badge::{HealthLine, Wellbeing};
use crate::components::icon;
use crate::components::page_head::Panel;
use crate::shell::link;

/// Actions named in the list.
const NAMED: usize = 6;

/// How an action is doing, and the order in which that matters.
fn wellbeing(action: &Action) -> (Wellbeing, String) {
    let health = action.health.clone().unwrap_or_default();
    let open = health.checks.iter().any(|c| c.name == "breaker" && c.status != HealthStatus::Healthy);
    match () {
        () if !action.definition.is_enabled => (Wellbeing::Off, health.message),
        () if open => (Wellbeing::BreakerOpen, health.message),
        () => (Wellbeing::Health(health.status), health.message),
    }
}

/// The panel.
pub(super) fn healths(system: Health, actions: &[Action]) -> impl IntoView + use<> {
    let needs = |w: &Wellbeing| matches!(w, Wellbeing::BreakerOpen | Wellbeing::Health(HealthStatus::Critical | HealthStatus::Degraded));
    let mut all: Vec<(Wellbeing, String, &Action)> = actions.iter().map(|a| (wellbeing(a), a)).map(|((w, m), a)| (w, m, a)).collect();
    all.sort_by_key(|(w, ..)| match w {
        Wellbeing::Health(HealthStatus::Critical) => 0,
        Wellbeing::BreakerOpen => 1,
        Wellbeing::Health(HealthStatus::Degraded) => 2,
        _ => 3,
    });
    let attention = all.iter().filter(|(w, ..)| needs(w)).count();
    let lines = all
        .iter()
        .filter(|(w, ..)| needs(w))
        .take(NAMED)
        .map(|(w, message, a)| named(*w, a.definition.name.clone(), &a.id, message.clone()))
        .collect_view();
    let healthy = all.iter().filter(|(w, ..)| *w == Wellbeing::Health(HealthStatus::Healthy)).count() as i64;
    let quiet = all.iter().filter(|(w, ..)| *w == Wellbeing::Health(HealthStatus::Unknown)).count() as i64;
    let off = all.iter().filter(|(w, ..)| *w == Wellbeing::Off).count() as i64;
    let rest = |of: Wellbeing, n: i64, reason: &'static str| (n > 0).then(|| view! { <HealthLine of=of name=plural(n, "action", "actions") reason=reason/> });
    let aside = (attention > 0).then(|| link("/actions?status=degraded")).flatten().map(|href| view! { <a class="small" href=href>{plural(attention as i64, "needs attention", "need attention")}</a> }.into_any());
    let none = actions.is_empty().then(|| view! { <Empty icon=icon::ACTION title="No actions yet" text="An action says what happens when an event arrives."/> });
    view! {
        <Panel id="c-health" title="Health" aside=aside.unwrap_or_else(|| ().into_any()) flush=true>
            <div class="ruled">
                <HealthLine of=system.status name="This service" reason=system.message/>
                {lines}
                {rest(Wellbeing::Health(HealthStatus::Healthy), healthy, "no errors above their limits")}
                {rest(Wellbeing::Health(HealthStatus::Unknown), quiet, "nothing to judge by in the last 15 minutes")}
                {rest(Wellbeing::Off, off, "switched off")}
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

