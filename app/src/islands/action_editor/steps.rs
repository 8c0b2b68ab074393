//! The steps of a workflow: what each does, in which order, and what happens when one fails.

use leptos::prelude::*;
use serde_json::json;

use crate::components::feedback::field_id;
use crate::components::fields::{SelectField, TextAreaField, TextField};
use crate::components::icon;
use crate::islands::desk::Desk;
use crate::islands::desk::browser::focus_soon;
use crate::islands::desk::parts::{tool, word_button};

/// The steps that a workflow knows by itself; every handler type is a step besides.
const OWN: [&str; 4] = ["validate", "transform", "send", "delay"];

/// The list of steps at a pointer of the form.
#[component]
pub fn Steps(
    /// The desk.
    desk: Desk,
    /// Where the steps stand in the form.
    pointer: String,
) -> impl IntoView {
    let id = field_id(&pointer);
    let at = StoredValue::new(pointer);
    let count = Memo::new(move |_| at.with_value(|p| desk.form.with(|f| f.len(p))));
    let add = move || {
        let n = count.get_untracked();
        at.with_value(|p| {
            desk.change_form("", |f| f.push(p, json!({"name": format!("step_{}", n + 1), "action": "transform", "params": "{}"})));
            focus_soon(format!("#{}", field_id(&format!("{p}/{n}/name"))));
        });
        desk.say(format!("Step {} added.", n + 1));
    };
    view! {
        <div class="stack-8" id=id>
            {move || (0..count.get()).map(|n| step(desk, at, n, count.get_untracked())).collect_view()}
            <div class="row">{word_button("btn btn-s", Some(icon::PLUS), "Step", false.into(), add)}</div>
        </div>
    }
}

fn step(desk: Desk, at: StoredValue<String>, n: usize, total: usize) -> AnyView {
    let sub = move |name: &str| at.with_value(|p| format!("{p}/{n}/{name}"));
    let number = n + 1;
    let shift = move |to: usize, where_to: &'static str| {
        at.with_value(|p| desk.change_form("", |f| f.swap(p, n, to)));
        desk.say(format!("Step {number} moved {where_to}, now step {} of {total}.", to + 1));
    };
    let tools = view! {
        <div class="cond-tools">
            {tool(icon::UP, "up", format!("Move step {number} up"), n == 0, move || shift(n.saturating_sub(1), "up"))}
            {tool(icon::DOWN, "down", format!("Move step {number} down"), number == total, move || shift(n + 1, "down"))}
            {tool(icon::TRASH, "delete", format!("Delete step {number}"), false, move || {
                at.with_value(|p| desk.change_form("", |f| f.remove(p, n)));
                desk.say(format!("Step {number} deleted."));
            })}
        </div>
    };
    let words = |all: &[&str]| all.iter().map(|w| ((*w).to_owned(), (*w).to_owned())).collect::<Vec<_>>();
    let mut actions = words(&OWN);
    actions.extend(desk.seed.with_value(|s| s.handlers.iter().filter(|h| h.handler_type != "workflow").map(|h| (h.handler_type.clone(), h.label.clone())).collect::<Vec<_>>()));
    let action = desk.text(&sub("action"));
    let on_error = desk.text(&sub("on_error"));
    let on_error = Signal::derive(move || Some(on_error.get()).filter(|w| !w.is_empty()).unwrap_or_else(|| "fail".to_owned()));
    let [name_at, action_at, when_at, fail_at, params_at] = ["name", "action", "when", "on_error", "params"].map(sub);
    view! {
        <fieldset class="cgroup" aria-label=format!("Step {number}")>
            <div class="cgroup-head"><span class="cond-n">{number}</span><span class="small muted">{move || hint(&action.get())}</span><span class="push">{tools}</span></div>
            <div class="in form-grid">
                <TextField id=field_id(&name_at) label="Name" class="s4" mono=true value=desk.text(&name_at) error=desk.error(&name_at) on_input=desk.on_text(&name_at)/>
                <SelectField id=field_id(&action_at) label="Does" class="s4" options=actions value=action on_change=desk.on_text(&action_at)/>
                <SelectField id=field_id(&fail_at) label="When it fails" class="s4" options=vec![("fail".to_owned(), "stop".to_owned()), ("continue".to_owned(), "go on".to_owned())] value=on_error on_change=desk.on_text(&fail_at)/>
                <TextField id=field_id(&when_at) label="Only when (optional)" class="s12" mono=true placeholder="{{ steps.first.ok }}" value=desk.text(&when_at) error=desk.error(&when_at) on_input=desk.on_text(&when_at)/>
                <TextAreaField id=field_id(&params_at) label="Parameters" class="s12" mono=true rows=4 value=desk.text(&params_at) error=desk.error(&params_at) on_input=desk.on_text(&params_at)/>
            </div>
        </fieldset>
    }
    .into_any()
}

/// What the parameters of a step are.
fn hint(action: &str) -> &'static str {
    match action {
        "validate" => "Parameters: required_fields, or schema (JSON Schema); both look at data.",
        "transform" => "Parameters: format (json, text, csv), template, or mapping.",
        "send" => "Parameters: destination (webhook, email, event, queue) with its settings beside it.",
        "delay" => "Parameters: seconds. A delay holds no worker.",
        "" => "",
        _ => "Parameters: the configuration of this handler.",
    }
}
