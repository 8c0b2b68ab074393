//! The section "Event": which types the action listens to, and what it is called.

use event_actions::model::event::{pattern_fault, pattern_matches};
use leptos::prelude::*;

use crate::components::chips::ChipInput;
use crate::components::fields::TextField;
use crate::islands::desk::Desk;
use crate::islands::desk::parts::word_button;

/// The fields of the section.
#[component]
pub fn EventFields(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    let types = Signal::derive(move || desk.form.with(|f| f.list("/event_types")));
    let set_types = Callback::new(move |all: Vec<String>| desk.change_form("", |f| f.set("/event_types", all.into_iter().map(serde_json::Value::from).collect())));
    let tags = Signal::derive(move || desk.form.with(|f| f.list("/tags")));
    let set_tags = Callback::new(move |all: Vec<String>| desk.change_form("", |f| f.set("/tags", all.into_iter().map(serde_json::Value::from).collect())));
    let error = desk.error("/event_types");
    view! {
        <div class="form-grid">
            <div class="field s7">
                <label for="f-event_types">"Event types"</label>
                <ChipInput id="f-event_types" label="Event types" values=types on_change=set_types/>
                {move || error.get().or_else(|| types.with(|t| t.iter().find_map(|p| pattern_fault(p)))).map(|text| view! { <p class="hint hint-bad">{text}</p> })}
                <p class="hint">{move || remark(desk, &types.get())}</p>
                {move || offers(desk, types, set_types)}
            </div>
            <TextField id="f-name" label="Name" class="s5" value=desk.text("/name") error=desk.error("/name") on_input=desk.on_text("/name")/>
            <TextField id="f-description" label="Description" class="s7" value=desk.text("/description") error=desk.error("/description") on_input=desk.on_text("/description")/>
            <div class="field s5">
                <label for="f-tags">"Tags"</label>
                <ChipInput id="f-tags" label="Tags" values=tags on_change=set_tags/>
            </div>
        </div>
    }
}

/// What the patterns cover of the recent events.
fn remark(desk: Desk, types: &[String]) -> String {
    let recent = desk.recent.with(Vec::len);
    match types {
        [] => "Exact types such as order.paid, all below a prefix with order.*, or everything with *. Enter or a comma adds one.".to_owned(),
        _ if recent == 0 => "No event of these types has come yet.".to_owned(),
        [one] if !one.ends_with('*') => format!("Exact type. The last {recent} events of it are at hand for testing."),
        _ => format!("The last {recent} events of these types are at hand for testing."),
    }
}

/// Types seen lately that no pattern covers, each one click away.
fn offers(desk: Desk, types: Signal<Vec<String>>, set: Callback<Vec<String>>) -> AnyView {
    let chosen = types.get();
    let mut seen: Vec<String> = Vec::new();
    desk.recent.with(|recent| {
        for event in recent {
            if seen.len() < 6 && !seen.contains(&event.event_type) && !chosen.iter().any(|p| pattern_matches(p, &event.event_type)) {
                seen.push(event.event_type.clone());
            }
        }
    });
    if seen.is_empty() {
        return ().into_any();
    }
    let buttons = seen
        .into_iter()
        .map(|name| {
            let text = name.clone();
            word_button("btn btn-s btn-ghost", Some(crate::components::icon::PLUS), text, false.into(), move || {
                let mut all = types.get_untracked();
                all.push(name.clone());
                set.run(all);
            })
        })
        .collect_view();
    view! { <div class="row row-wrap"><span class="hint">"Seen lately:"</span>{buttons}</div> }.into_any()
}
