//! One field of a handler's form: the control that its kind asks for.

use leptos::prelude::*;
use serde_json::{Value, json};

use super::rows::Rows;
use super::steps::Steps;
use crate::components::chips::ChipInput;
use crate::components::feedback::field_id;
use crate::components::fields::{NumberField, SelectField, TextAreaField, TextField};
use crate::components::segmented::Segmented;
use crate::components::switches::CheckBox;
use crate::editing::handler_form::{Control, FormField};
use crate::islands::desk::Desk;

/// A field of the configuration that stands at `base`: of the action, or of a step in it.
pub fn handler_field(desk: Desk, base: &str, field: FormField) -> AnyView {
    let at = format!("{base}/{}", field.name);
    let id = field_id(&at);
    let error = desk.error(&at);
    let label = if field.required { field.label.clone() } else { format!("{} (optional)", field.label) };
    let hint = Some(field.help.clone()).filter(|h| !h.is_empty());
    let (value, set) = (desk.text(&at), desk.on_text(&at));
    let placeholder = field.placeholder.clone().or_else(|| field.default.as_ref().map(plain)).unwrap_or_default();
    match field.control {
        Control::Text | Control::Mono => {
            let mono = field.control == Control::Mono;
            view! { <TextField id=id label=label class="s12" mono=mono value=value hint=hint error=error placeholder=placeholder on_input=set/> }.into_any()
        }
        Control::Lines | Control::Json => {
            view! { <TextAreaField id=id label=label class="s12" mono=true rows=7 value=value hint=hint error=error placeholder=placeholder on_input=set/> }.into_any()
        }
        Control::Number => {
            let (min, max) = field.bounds.unzip();
            let unit = field.unit.clone().unwrap_or_default();
            // A template may stand in for the number, so the input must take text.
            if unit.is_empty() || field.templated {
                let hint = if unit.is_empty() { hint } else { Some(format!("{} In {unit}.", hint.unwrap_or_default()).trim().to_owned()) };
                view! { <TextField id=id label=label class="s4 half-s" value=value hint=hint error=error placeholder=placeholder on_input=set/> }.into_any()
            } else {
                view! { <NumberField id=id label=label class="s4 half-s" value=value min=min max=max unit=unit hint=hint error=error placeholder=placeholder on_input=set/> }
                    .into_any()
            }
        }
        Control::Switch => switch(desk, field, at, id),
        Control::Choice => choice(field, label, id, value, set, hint, error),
        Control::Texts | Control::Numbers => list(desk, &at, id, label, hint, error),
        Control::Pairs => view! {
            <div class="field s12">
                <span class="label">{label}</span>
                <Rows desk=desk pointer=at what=singular(&field.label)/>
                {message(hint, error)}
            </div>
        }
        .into_any(),
        Control::Steps => view! { <div class="field s12"><span class="label">{label}</span><Steps desk=desk pointer=at/>{message(hint, error)}</div> }.into_any(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `Headers` is a list of `Header`s.
fn singular(label: &str) -> String {
    label.strip_suffix('s').unwrap_or(label).to_owned()
}

fn message(hint: Option<String>, error: Signal<Option<String>>) -> AnyView {
    (move || match (error.get(), hint.clone()) {
        (Some(text), _) => view! { <p class="hint hint-bad">{text}</p> }.into_any(),
        (None, Some(text)) => view! { <p class="hint">{text}</p> }.into_any(),
        (None, None) => ().into_any(),
    })
    .into_any()
}

fn switch(desk: Desk, field: FormField, at: String, id: String) -> AnyView {
    let default = field.default.as_ref().and_then(Value::as_bool).unwrap_or_default();
    let error = desk.error(&at);
    let read = at.clone();
    let on = Signal::derive(move || desk.form.with(|f| f.flag(&read, default)));
    let set = Callback::new(move |on: bool| desk.change_form("", |f| f.set(&at, json!(on))));
    view! { <div class="field s4 half-s" id=id><CheckBox label=field.label checked=on on_change=set/>{message(Some(field.help).filter(|h| !h.is_empty()), error)}</div> }.into_any()
}

fn choice(field: FormField, label: String, id: String, value: Signal<String>, set: Callback<String>, hint: Option<String>, error: Signal<Option<String>>) -> AnyView {
    let default = field.default.as_ref().map(plain).unwrap_or_default();
    let chosen = Signal::derive(move || Some(value.get()).filter(|v| !v.is_empty()).unwrap_or_else(|| default.clone()));
    let options: Vec<(String, String)> = field.options.into_iter().map(|word| (word.clone(), word)).collect();
    if options.len() <= 3 {
        let control = view! { <Segmented label=field.label options=options value=chosen on_select=set/> };
        return view! { <div class="field s6" id=id><span class="label">{label}</span>{control}{message(hint, error)}</div> }.into_any();
    }
    view! { <SelectField id=id label=label class="s3" options=options value=chosen hint=hint error=error on_change=set/> }.into_any()
}

fn list(desk: Desk, pointer: &str, id: String, label: String, hint: Option<String>, error: Signal<Option<String>>) -> AnyView {
    let (read, write) = (pointer.to_owned(), pointer.to_owned());
    let texts = Signal::derive(move || desk.form.with(|f| f.list(&read)));
    let set = Callback::new(move |all: Vec<String>| desk.change_form("", |f| f.set(&write, all.into_iter().map(Value::from).collect())));
    view! {
        <div class="field s12">
            <label for=id.clone()>{label.clone()}</label>
            <ChipInput id=id label=label values=texts on_change=set/>
            {message(hint, error)}
        </div>
    }
    .into_any()
}
