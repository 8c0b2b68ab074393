//! Rows of a name and its value or values: headers, context filters. Rows stay where they are while their names are typed.

use leptos::prelude::*;
use serde_json::{Value, json};

use crate::components::chips::ChipInput;
use crate::components::icon;
use crate::editing::read::filter_values;
use crate::editing::values;
use crate::islands::desk::Desk;
use crate::islands::desk::browser::focus_soon;
use crate::islands::desk::parts::{tool, word_button};
use event_actions::model::condition::Operator;

/// Rows at a pointer of the form.
#[component]
pub fn Rows(
    /// The desk.
    desk: Desk,
    /// Where the rows stand in the form.
    #[prop(into)]
    pointer: String,
    /// What one row is, such as "Header".
    #[prop(into)]
    what: String,
    /// Whether a row takes several values.
    #[prop(optional)]
    several: bool,
) -> impl IntoView {
    let at = StoredValue::new(pointer.clone());
    let noun = StoredValue::new(what);
    let count = Memo::new(move |_| at.with_value(|p| desk.form.with(|f| f.len(p))));
    let id = crate::components::feedback::field_id(&pointer);
    let group = id.clone();
    let add = move || {
        let last = count.get_untracked();
        at.with_value(|p| desk.change_form("", |f| f.push(p, if several { json!(["", []]) } else { json!(["", ""]) })));
        focus_soon(format!("#{group} > :nth-child({}) input", last + 1));
    };
    view! {
        <div class="stack-8">
            <div class="stack-4" id=id>{move || (0..count.get()).map(|n| row(desk, at, noun, n, several)).collect_view()}</div>
            <div class="row row-wrap">{word_button("btn btn-s", Some(icon::PLUS), noun.get_value(), false.into(), add)}</div>
        </div>
    }
}

fn row(desk: Desk, at: StoredValue<String>, noun: StoredValue<String>, n: usize, several: bool) -> AnyView {
    let name_at = at.with_value(|p| format!("{p}/{n}/0"));
    let value_at = at.with_value(|p| format!("{p}/{n}/1"));
    let label = noun.with_value(|w| format!("{w} {}", n + 1));
    let name = desk.text(&name_at);
    let on_name = desk.on_text(&name_at);
    let value = if several { chips(desk, &value_at, label.clone()) } else { text(desk, &value_at, format!("{label} value")) };
    let delete = move || at.with_value(|p| desk.change_form("", |f| f.remove(p, n)));
    view! {
        <div class="hdr-row">
            <input class="input mono" aria-label=format!("{label} name") autocomplete="off" spellcheck="false" value=move || name.get() prop:value=move || name.get() on:input=move |ev| on_name.run(event_target_value(&ev))/>
            {value}
            {tool(icon::TRASH, "delete", format!("Delete {}", label.to_lowercase()), false, delete)}
        </div>
    }
    .into_any()
}

fn text(desk: Desk, pointer: &str, label: String) -> AnyView {
    let value = desk.text(pointer);
    let set = desk.on_text(pointer);
    view! { <input class="input mono" aria-label=label autocomplete="off" spellcheck="false" value=move || value.get() prop:value=move || value.get() on:input=move |ev| set.run(event_target_value(&ev))/> }
        .into_any()
}

fn chips(desk: Desk, pointer: &str, label: String) -> AnyView {
    let (read, write) = (pointer.to_owned(), pointer.to_owned());
    let shown = |v: &Value| values::write(v, Operator::Equals, None);
    let texts = Signal::derive(move || {
        desk.form.with(|f| match f.get(&read) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(shown).collect(),
            Some(one) => vec![shown(one)],
        })
    });
    let set = Callback::new(move |all: Vec<String>| desk.change_form("", |f| f.set(&write, filter_values(all))));
    let id = crate::components::feedback::field_id(pointer);
    view! { <ChipInput id=id label=format!("{label} values") values=texts on_change=set/> }.into_any()
}
