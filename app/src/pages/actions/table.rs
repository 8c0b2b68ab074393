//! The table of actions: one row each, a card on the phone.

use event_actions::charts::spark_bars;
use event_actions::matching::{Gate, explain};
use event_actions::model::Timestamp;
use event_actions::model::action::Action;
use event_actions::model::event::{Event, pattern_matches};
use event_actions::model::execution::{ErrorClass, Execution};
use event_actions::model::health::HealthStatus;
use leptos::prelude::*;

use super::{Data, Latest};
use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::format::{DASH, percent};
use crate::components::gate_row::{GateStripSmall, Stop};
use crate::components::health_badge::{HealthBadge, Wellbeing};
use crate::components::icon::{self, Icon};
use crate::components::time::{Time, TimeStyle, Zone};

/// Secondary columns leave before a name of usual length gets too narrow: first what it listens to, then the lesser times, then the bars.
const WIDEST: &str = "tw:max-[1599px]:hidden";
const SPARK: &str = "hide-s tw:max-[1279px]:hidden";
const WIDE_NUMBER: &str = "num muted tw:max-[1439px]:hidden";
/// A menu below the button that opened it; in the middle where browsers cannot place it there.
const ROW_MENU: &str = "menu tw:inset-0 tw:m-auto tw:h-fit tw:supports-[position-area:bottom]:inset-auto tw:supports-[position-area:bottom]:m-0 \
                        tw:supports-[position-area:bottom]:[position-area:bottom_span-left]";

/// How an action is doing, with the reason.
#[must_use]
pub fn wellbeing(action: &Action) -> (Wellbeing, String) {
    let health = action.health.clone().unwrap_or_default();
    let open = health.checks.iter().any(|c| c.name == "breaker" && c.status != HealthStatus::Healthy);
    let of = match () {
        () if !action.definition.is_enabled => Wellbeing::Off,
        () if open => Wellbeing::BreakerOpen,
        () => Wellbeing::Health(health.status),
    };
    (of, health.message)
}

/// The table.
pub fn table(data: Data, zone: Zone) -> impl IntoView {
    let Data { actions, latest, may_write, now, .. } = data;
    let rows = actions.items.into_iter().map(|a| row(a, &latest, may_write, now, zone)).collect_view();
    let mut columns = Vec::new();
    if may_write {
        columns.push(Column::silent("Select").width("40px"));
    }
    columns.extend([
        Column::new("Action"),
        Column::new("Listens to").class(WIDEST).width("128px"),
        Column::new("Health").width("140px"),
        Column::new("Last event").width("204px"),
        Column::number("Evaluated").class(WIDE_NUMBER).width("76px"),
        Column::number("Matched").width("76px"),
        Column::number("Succeeded").class(WIDE_NUMBER).width("80px"),
        Column::new("24 hours").class(SPARK).width("104px"),
        Column::number("Success").width("66px"),
        Column::new("On").width("48px"),
        Column::silent("More").width("44px"),
    ]);
    let all = may_write.then(|| view! { <label class="check small tw:px-4 tw:py-1 tw:noscript:hidden"><input type="checkbox" data-all="1"/>"Select all on this page"</label> });
    view! {
        {all}
        <DataTable caption="Actions, latest first" columns=columns fixed=true><tbody>{rows}</tbody></DataTable>
    }
}

/// The event that the small strip is about: the latest that the action listens to, else the latest of all.
fn latest_event<'a>(action: &Action, events: &'a [Event]) -> Option<&'a Event> {
    let tenant = action.definition.tenant_id.as_deref();
    let mut ours = events.iter().filter(|e| tenant.is_none_or(|t| t == e.tenant_id));
    let covered = ours.clone().find(|e| action.definition.event_types.iter().any(|p| pattern_matches(p, &e.event_type)));
    covered.or_else(|| ours.next())
}

/// Where an event stops at an action: gates 1 to 5 by the evaluator, the others by what became of its execution.
fn stop(action: &Action, event: &Event, ran: Option<&Execution>) -> (Stop, &'static str) {
    let report = explain(&action.definition, event);
    if report.stopped_at.is_some() {
        return (Stop::from(&report), "Ran");
    }
    let Some(x) = ran.filter(|x| x.event_id == event.id) else { return (Stop::default(), "Would run") };
    let at = match x.error.as_ref().map(|e| e.class) {
        Some(ErrorClass::NoHandler) => Some(Gate::HandlerAvailable),
        Some(ErrorClass::Render | ErrorClass::Configuration) => Some(Gate::Rendering),
        _ if x.attempt_count == 0 && !x.status.is_terminal() => Some(Gate::RateLimit),
        _ => None,
    };
    (Stop { at, waits: at == Some(Gate::RateLimit) }, "Ran")
}

fn moment(at: Option<Timestamp>, now: Timestamp, zone: Zone) -> AnyView {
    match at {
        Some(at) => view! { <Time at=at now=now style=TimeStyle::Ago zone=zone/> }.into_any(),
        None => DASH.into_any(),
    }
}

fn rate(action: &Action) -> (String, &'static str) {
    let percent_of = action.stats.as_ref().and_then(|s| s.success_rate_percent);
    match percent_of {
        None => (DASH.to_owned(), "num dash"),
        Some(p) if p < 80.0 => (format!("{} %", percent(p)), "num bad"),
        Some(p) if p < 95.0 => (format!("{} %", percent(p)), "num warn"),
        Some(p) => (format!("{} %", percent(p)), "num"),
    }
}

fn row(action: Action, latest: &Latest, may_write: bool, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let (of, reason) = wellbeing(&action);
    let reason = (!matches!(of, Wellbeing::Health(HealthStatus::Healthy | HealthStatus::Unknown) | Wellbeing::Off)).then(|| view! { <div class="sub">{reason}</div> });
    let event = latest_event(&action, &latest.events);
    let ran = latest.executions.get(&action.id);
    let strip = event.map(|e| stop(&action, e, ran.map(|(x, _)| x))).map(|(at, word)| view! { <GateStripSmall of=at word=word/> });
    let (rate, rate_class) = rate(&action);
    let spark = action.stats.as_ref().map(|s| spark_bars(&s.hourly)).unwrap_or_default();
    let d = &action.definition;
    let (name, kind, platform) = (d.name.clone(), d.handler_type.0.clone(), action.is_platform_wide());
    let types = d.event_types.join(", ");
    let listens = format!("{name}. Listens to {types}");
    let select = may_write.then(|| {
        let (id, label) = (action.id.clone(), format!("Select {name}"));
        view! { <Cell class="corner"><label class="box"><input type="checkbox" name="id" data-row="1" value=id aria-label=label/></label></Cell> }
    });
    let came = moment(event.map(|e| e.received_at), now, zone);
    let matched = moment(ran.map(|(x, _)| x.created_at), now, zone);
    let succeeded = moment(ran.and_then(|(_, at)| *at), now, zone);
    let (switch, menu) = (switch(&action, may_write), menu(&action, may_write));
    let none = event.is_none().then_some(DASH);
    view! {
        <tr id=format!("a-{}", action.id)>
            {select}
            <th scope="row" class="full lead">
                <div class="row tw:items-start">
                    <span class="muted" title=kind.clone()><Icon of=icon::of_handler(&kind)/><span class="sr">{kind.clone()}</span></span>
                    <a class="tw:line-clamp-2 tw:wrap-anywhere" title=listens href=format!("/actions/{}", action.id)>{name.clone()}</a>
                </div>
                {platform.then(|| view! { <div class="sub">"Platform-wide"</div> })}
            </th>
            <Cell class=WIDEST><code class="trunc tw:block" title=types.clone()>{types.clone()}</code></Cell>
            <Cell class="full"><HealthBadge of=of/>{reason}</Cell>
            <Cell label="Last event" class="full">{strip}{none}</Cell>
            <Cell label="Evaluated" class=WIDE_NUMBER>{came}</Cell>
            <Cell label="Matched" class="num muted">{matched}</Cell>
            <Cell label="Succeeded" class=WIDE_NUMBER>{succeeded}</Cell>
            <Cell class=SPARK><span inner_html=spark></span></Cell>
            <Cell label="Success rate" class=rate_class>{rate}</Cell>
            <Cell class="hide-s">{switch}</Cell>
            <Cell class="corner2">{menu}</Cell>
        </tr>
    }
}

/// The switch, which needs JavaScript; without it a word stands here and the menu switches.
fn switch(action: &Action, may_write: bool) -> impl IntoView + use<> {
    let on = action.definition.is_enabled;
    let label = format!("{} enabled", action.definition.name);
    view! {
        <label class="switch tw:noscript:hidden">
            <input type="checkbox" role="switch" data-switch=action.id.clone() aria-label=label checked=on disabled=!may_write autocomplete="off"/>
        </label>
        <noscript>{if on { "On" } else { "Off" }}</noscript>
    }
}

/// What can be done to one action: links, and buttons of the form around the table.
fn menu(action: &Action, may_write: bool) -> impl IntoView + use<> {
    let (id, name) = (action.id.clone(), action.definition.name.clone());
    let menu_id = format!("m-{id}");
    let post = |verb: &str, glyph: icon::Glyph, text: &'static str| {
        view! { <button type="submit" class="menu-item" formaction=format!("/actions/{id}/{verb}")><Icon of=glyph/>{text}</button> }
    };
    let changes = may_write.then(|| {
        let toggle = if action.definition.is_enabled { post("disable", icon::PAUSE, "Turn off") } else { post("enable", icon::PLAY, "Enable") };
        view! {
            <a class="menu-item" href=format!("/actions/{id}/edit")><Icon of=icon::DOCUMENT/>"Edit"</a>
            {toggle}
            {post("duplicate", icon::COPY, "Duplicate")}
            {post("delete", icon::TRASH, "Delete")}
        }
    });
    view! {
        <button type="button" class="ibtn" popovertarget=menu_id.clone() aria-label=format!("More for {name}") title=format!("More for {name}")><Icon of=icon::MORE/></button>
        <div class=ROW_MENU id=menu_id popover="auto" role="group" aria-label=format!("What to do with {name}")>
            <div class="menu-part">
                <a class="menu-item" href=format!("/actions/{id}")><Icon of=icon::ACTION/>"Open"</a>
                {changes}
            </div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_actions::model::action::NewAction;
    use event_actions::model::handler::HandlerType;
    use serde_json::json;

    fn action(types: &[&str]) -> Action {
        let mut definition = NewAction::blank(HandlerType::new("webhook"));
        definition.event_types = types.iter().map(|t| (*t).to_owned()).collect();
        Action { id: "a".into(), definition, version: 1, created_at: Timestamp(0), updated_at: Timestamp(0), created_by: "x".into(), deleted_at: None, health: None, stats: None }
    }

    fn event(id: &str, event_type: &str) -> Event {
        let at = Timestamp(0);
        Event {
            id: id.into(),
            tenant_id: "t".into(),
            event_type: event_type.into(),
            aggregate_id: None,
            aggregate_type: None,
            data: json!({}),
            metadata: json!({}),
            occurred_at: at,
            received_at: at,
            correlation_id: None,
            causation_id: None,
            depth: 0,
        }
    }

    #[test]
    fn the_strip_is_about_the_latest_event_that_the_action_listens_to() {
        let events = [event("3", "user.created"), event("2", "order.paid"), event("1", "order.paid")];
        assert_eq!(latest_event(&action(&["order.*"]), &events).map(|e| e.id.as_str()), Some("2"));
        assert_eq!(latest_event(&action(&["never.seen"]), &events).map(|e| e.id.as_str()), Some("3"), "it stops at Type, and that is shown");
        assert_eq!(latest_event(&action(&["*"]), &[]), None);
    }
}
