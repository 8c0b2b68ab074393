//! The large gate strip of one action for this event, and the choice of another action.

use event_actions::matching::{Gate, GateOutcome, MatchReport};
use event_actions::model::event::Event;
use event_actions::model::execution::Execution;
use event_actions::model::testing::Considered;
use leptos::prelude::*;

use super::trace::Group;
use crate::components::button::{Button, ButtonLink};
use crate::components::gate_strip::GateStrip;
use crate::components::status_badge::StatusBadge;
use crate::pages::words::ran_words;
use crate::session::encode;

/// The action that is shown.
pub struct Chosen {
    /// What it made of the event.
    pub considered: Considered,
    /// Whether the action is still there.
    pub exists: bool,
    /// Whether the caller may change it.
    pub may_edit: bool,
}

/// The panel. `all` are the actions to choose from, `own` is the page.
pub fn panel(chosen: Chosen, all: &[Considered], event: &Event, executions: &[Execution], own: &str, cursor: Option<&str>) -> impl IntoView + use<> {
    let c = chosen.considered;
    let name = c.action_name.clone();
    let ran = c.execution_id.as_ref().and_then(|id| executions.iter().find(|x| x.id == *id)).cloned();
    let title = match Group::of(&c) {
        Group::Ran | Group::Cancelled => "How it went",
        Group::UnderWay => "How it goes",
        Group::Failed | Group::Faulty => "Why did it fail?",
        Group::Stopped | Group::OtherTypes => "Why didn\u{2019}t it run?",
    };
    let (action, event_id) = (encode(&c.action_id), encode(&event.id));
    let open =
        (chosen.exists && crate::shell::link("/actions/x").is_some()).then(|| view! { <ButtonLink href=format!("/actions/{action}") small=true>"Open the action"</ButtonLink> });
    let edit = chosen.may_edit.then(|| view! { <ButtonLink href=format!("/actions/{action}/edit?event={event_id}") small=true>"Test it with this event"</ButtonLink> });
    let notes = notes(&c.report, ran.as_ref());
    let stops = c.report.stopped_at.is_some();
    let buttons = view! { <div class="row row-wrap">{open}{edit}</div> };
    let strip = match (stops, ran) {
        (true, _) => view! { <GateStrip report=c.report notes=notes><p><strong>{stopped_words(title, &name)}</strong></p>{buttons}</GateStrip> }.into_any(),
        (false, Some(x)) => {
            let reason = c.report.reason.clone();
            let href = format!("/executions/{}", x.id);
            let after = view! { <div class="row row-wrap"><a href=href><StatusBadge status=x.status/></a><span>{format!("{name}: {reason} ({})", ran_words(&x))}</span><span class="push row row-wrap">{buttons}</span></div> };
            view! { <GateStrip report=c.report notes=notes after=after.into_any()/> }.into_any()
        }
        (false, None) => {
            let after = view! { <div class="row row-wrap"><span>{format!("{name} would match, but no execution was made: it was changed at the very moment the event came, or the execution has been pruned.")}</span><span class="push">{buttons}</span></div> };
            view! { <GateStrip report=c.report notes=notes after=after.into_any()/> }.into_any()
        }
    };
    view! {
        <section class="panel" aria-labelledby="why">
            <div class="panel-head"><h2 id="why">{title}</h2><span class="push"></span>{chooser(all, &c.action_id, own, cursor)}</div>
            <div class="panel-body">{strip}</div>
        </section>
    }
}

fn stopped_words(title: &str, name: &str) -> String {
    match title {
        "How it goes" => format!("{name} matched and waits here; it goes on by itself."),
        "Why did it fail?" => format!("{name} matched and could not go on; somebody must act."),
        _ => format!("{name} did not run. This gate stopped it."),
    }
}

/// A form, so that the choice lives in the URL.
fn chooser(all: &[Considered], chosen: &str, own: &str, cursor: Option<&str>) -> impl IntoView + use<> {
    let options = all
        .iter()
        .map(|c| {
            let selected = c.action_id == chosen;
            view! { <option value=c.action_id.clone() selected=selected>{c.action_name.clone()}</option> }
        })
        .collect_view();
    let path = own.split('?').next().unwrap_or_default().to_owned();
    let kept = own.split_once("tenant_id=").map(|(_, tenant)| tenant.to_owned());
    let hidden = kept.map(|tenant| view! { <input type="hidden" name="tenant_id" value=tenant/> });
    let at = cursor.map(|c| view! { <input type="hidden" name="trace" value=c.to_owned()/> });
    view! {
        <form class="row chooser" method="get" action=format!("{path}#why")>
            {hidden}{at}
            <label class="small muted nowrap hide-s" for="wa">"Action"</label>
            <select class="input" id="wa" name="action" aria-label="Action">{options}</select>
            <Button submit=true>"Show"</Button>
        </form>
    }
}

/// Words under the later gates: what happened, or what a dry run says of now.
fn notes(report: &MatchReport, ran: Option<&Execution>) -> Vec<(Gate, String)> {
    let mut behind = false;
    let mut out = Vec::new();
    for gate in &report.gates {
        if gate.gate > Gate::Conditions {
            let words = match (behind, gate.outcome, ran) {
                (true, GateOutcome::Passed, _) => Some("would pass now".to_owned()),
                (true, GateOutcome::Waits, _) => Some("would wait now".to_owned()),
                (true, GateOutcome::Stopped, _) => Some("would stop now".to_owned()),
                (false, GateOutcome::Passed, Some(x)) => Some(passed_words(gate.gate, x)),
                (_, GateOutcome::NotEvaluated, _) => Some("not reached".to_owned()),
                _ => None,
            };
            out.extend(words.map(|words| (gate.gate, words)));
        }
        behind |= Some(gate.gate) == report.stopped_at;
    }
    out
}

/// What an execution that went through a later gate says under it.
#[must_use]
pub fn passed_words(gate: Gate, x: &Execution) -> String {
    match gate {
        Gate::RateLimit => match x.started_at.map(|at| at.millis() - x.created_at.millis()) {
            Some(ms) if ms >= 10 => format!("waited {}", crate::components::format::duration(ms as f64)),
            _ => "no wait".to_owned(),
        },
        Gate::HandlerAvailable => format!("{}, ready", x.handler_type),
        _ => "rendered".to_owned(),
    }
}
