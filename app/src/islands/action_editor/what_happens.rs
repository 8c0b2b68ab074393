//! The section "What happens": the handler type, and its form drawn from what the handler says of itself.

use leptos::prelude::*;
use serde_json::Value;

use super::handler_field::handler_field;
use crate::components::fields::{SelectField, TextAreaField};
use crate::components::segmented::Segmented;
use crate::editing::handler_form::FormField;
use crate::islands::desk::Desk;

/// Most handler types that are shown side by side.
const SIDE_BY_SIDE: usize = 5;

/// The fields of the section.
#[component]
pub fn HandlerFields(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    let options: Vec<(String, String)> = desk.seed.with_value(|s| s.handlers.iter().map(|h| (h.handler_type.clone(), h.label.clone())).collect());
    let chosen = Memo::new(move |_| desk.form.with(|f| f.text("/handler_type")));
    let select = Callback::new(move |word: String| desk.set_handler(word));
    let choice = if options.len() > SIDE_BY_SIDE {
        view! { <SelectField id="f-handler_type" label="Handler" options=options value=chosen on_change=select/> }.into_any()
    } else {
        view! { <div class="field tw:-m-1 tw:overflow-x-auto tw:p-1" id="f-handler_type"><Segmented label="Handler" options=options value=chosen on_select=select/></div> }
            .into_any()
    };
    view! {
        <div class="stack">
            {choice}
            {move || fields(desk, &chosen.get())}
        </div>
    }
}

/// The form of a handler; of one that this service does not know, its configuration as JSON.
fn fields(desk: Desk, handler_type: &str) -> AnyView {
    let Some(handler) = desk.handler(handler_type) else { return unknown(desk, handler_type) };
    view! {
        <p class="hint">{handler.description}</p>
        {handler.unavailable.map(|why| view! { <p class="hint hint-warn">{why}</p> })}
        {form(desk, "/configuration", handler.fields)}
    }
    .into_any()
}

/// Fields that stand at `base`; those that are seldom needed are folded away until one of them is set.
pub fn form(desk: Desk, base: &str, fields: Vec<FormField>) -> AnyView {
    let (folded, open): (Vec<_>, Vec<_>) = fields.into_iter().partition(|f| f.advanced);
    // What is set must be seen.
    let is_set = desk.form.with_untracked(|form| folded.iter().any(|f| form.get(&format!("{base}/{}", f.name)).is_some()));
    let draw = |fields: Vec<FormField>| fields.into_iter().map(|f| handler_field(desk, base, f)).collect_view();
    let open = draw(open);
    let more =
        (!folded.is_empty()).then(|| view! { <details open=is_set><summary class="small">"More settings"</summary><div class="form-grid tw:pt-3">{draw(folded)}</div></details> });
    view! { <div class="form-grid">{open}</div>{more} }.into_any()
}

fn unknown(desk: Desk, handler_type: &str) -> AnyView {
    let read = Signal::derive(move || match desk.form.with(|f| f.get("/configuration").cloned()) {
        Some(Value::String(text)) => text,
        Some(other) => serde_json::to_string_pretty(&other).unwrap_or_default(),
        None => String::new(),
    });
    let hint = if handler_type.is_empty() {
        "Choose what happens.".to_owned()
    } else {
        format!("This service has no handler {handler_type:?}. Its configuration can be changed as JSON.")
    };
    view! {
        <TextAreaField id="f-configuration" label="Configuration" mono=true rows=10 value=read hint=hint error=desk.error("/configuration") on_input=desk.on_text("/configuration")/>
    }
    .into_any()
}
