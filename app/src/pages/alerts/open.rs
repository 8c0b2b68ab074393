//! One alert that is not over: what, how much over which limit, since when, and what can be done about it.

use event_actions::engine::Caller;
use event_actions::model::Timestamp;
use event_actions::model::access::Scope;
use event_actions::model::alert::{Alert, AlertState};
use leptos::prelude::*;

use super::words::{SeverityBadge, against_limit, kind_words, state_words, who};
use crate::components::button::Button;
use crate::components::format::duration;
use crate::components::icon;
use crate::components::status_badge::{Badge, Tone};
use crate::components::time::{Time, TimeStyle, Zone};
use crate::session::encode;
use crate::shell::link;

/// The silences that are offered, in minutes.
const SILENCES: [(u32, &str); 6] = [(15, "15 min"), (60, "1 hour"), (240, "4 hours"), (1_440, "1 day"), (10_080, "7 days"), (43_200, "30 days")];
/// The one offered first.
const SILENCE: u32 = 60;

/// The page about an alert's subject, if there is one.
pub fn subject_href(alert: &Alert) -> Option<String> {
    match &alert.action_id {
        Some(id) => link(&format!("/actions/{id}")),
        None if alert.subject.starts_with("queue_") => link("/executions?status=pending"),
        None if alert.subject.starts_with("handler:") => link("/handlers"),
        None if alert.subject == "audit_log" => link("/audit"),
        None => None,
    }
}

/// One row.
pub(super) fn row(alert: &Alert, drawing: String, caller: &Caller, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let title = match subject_href(alert) {
        Some(href) => view! { <a href=href>{alert.rule.clone()}</a> }.into_any(),
        None => alert.rule.clone().into_any(),
    };
    let since = alert.fired_at.unwrap_or(alert.started_at);
    let lasts = duration((now.millis() - since.millis()).max(0) as f64);
    let drawing = (!drawing.is_empty()).then(|| view! { <span inner_html=drawing></span> });
    let tenant = caller.tenant_id.is_none().then(|| alert.tenant_id.clone().unwrap_or_else(|| "platform".to_owned()));
    let acts = acts(alert, caller, now, zone);
    view! {
        <article class="fire" data-alert=alert.id.clone() data-state=alert.state.name()>
            <div class="stack-4"><SeverityBadge severity=alert.severity/>{state_badge(alert)}</div>
            <div class="stack-4">
                <h2>{title}</h2>
                <p class="t13 muted brk">{alert.message.clone()}</p>
                <p class="small muted">{kind_words(alert.kind)}{tenant.map(|t| format!(" · {t}"))}{executions(alert)}</p>
            </div>
            <div class="chartlet">{drawing}<p class="small muted">{against_limit(alert)}</p></div>
            <div class="small muted nowrap since">"since "<Time at=since now=now style=TimeStyle::Clock zone=zone/>","<br/>" "{lasts}</div>
            {acts}
        </article>
    }
}

fn state_badge(alert: &Alert) -> Option<impl IntoView + use<>> {
    let (tone, of) = match alert.state {
        AlertState::Firing | AlertState::Resolved => return None,
        AlertState::Acknowledged => (Tone::Run, icon::CHECK),
        AlertState::Silenced => (Tone::Idle, icon::MUTE),
        AlertState::Pending => (Tone::Queue, icon::CLOCK),
    };
    Some(view! { <Badge tone=tone icon=of text=state_words(alert.state)/> })
}

/// The way to the executions behind it.
fn executions(alert: &Alert) -> Option<impl IntoView + use<>> {
    let href = alert.action_id.as_deref().and_then(|id| link(&format!("/executions?action_id={}", encode(id))))?;
    Some(view! { " · "<a href=href>"Executions"</a> })
}

fn acts(alert: &Alert, caller: &Caller, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let said = match alert.state {
        AlertState::Acknowledged => alert.acknowledged_by.as_deref().zip(alert.acknowledged_at).map(|(by, at)| (format!("Acknowledged by {}, ", who(by)), at)),
        AlertState::Silenced => alert.silenced_by.as_deref().zip(alert.silenced_until).map(|(by, at)| (format!("Silenced by {} until ", who(by)), at)),
        AlertState::Pending => Some(("It holds, but not long enough yet.".to_owned(), Timestamp(0))),
        AlertState::Firing | AlertState::Resolved => None,
    };
    let said = said.map(|(text, at)| {
        let at = (at.millis() > 0).then(|| view! { <Time at=at now=now style=TimeStyle::Clock zone=zone/> });
        view! { <span class="small muted brk">{text}{at}</span> }
    });
    let may = caller.may(Scope::ExecutionsWrite) && alert.state.is_active();
    let (id, rule, state) = (alert.id.clone(), alert.rule.clone(), alert.state);
    let form = move |verb: &'static str, text: &'static str, before: AnyView| {
        let label = format!("{text}: {rule}");
        view! { <form method="post" action=format!("/alerts/{id}/{verb}") class="row">{before}<Button submit=true small=true attr:aria-label=label>{text}</Button></form> }
    };
    let buttons = may.then(|| {
        let acknowledge = (state != AlertState::Acknowledged).then(|| form("acknowledge", "Acknowledge", ().into_any()));
        let silence = (state != AlertState::Silenced).then(|| form("silence", "Silence", minutes()));
        view! { {acknowledge}{form("resolve", "Resolve", ().into_any())}{silence} }
    });
    view! { <div class="row row-wrap acts">{said}{buttons}</div> }
}

/// For how long.
fn minutes() -> AnyView {
    let options = SILENCES.map(|(n, text)| view! { <option value=n.to_string() selected=n == SILENCE>{text}</option> }).collect_view();
    view! { <select class="input input-s" name="minutes" aria-label="Silence for">{options}</select> }.into_any()
}
