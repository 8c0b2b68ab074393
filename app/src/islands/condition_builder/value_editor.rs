//! The value of a condition, entered as its operator and its field's type ask for.

use leptos::prelude::*;
use serde_json::Value;

use super::list::Shape;
use crate::components::chips::ChipInput;
use crate::components::feedback::field_id;
use crate::components::segmented::Segmented;
use crate::editing::tree::Row;
use crate::editing::values::{self, Editor, Kind};
use crate::islands::desk::Desk;

/// The editor of a row's value; empty for operators that need none. It is made anew when another one is needed, or when the row's
/// place changes; the field's type is followed in place.
pub fn value_editor(desk: Desk, id: u32, shape: Memo<Shape>) -> AnyView {
    let frame = Memo::new(move |_| shape.with(|s| (s.editor, s.number.clone(), field_id(&format!("{}/value", s.pointer)))));
    let kind = Memo::new(move |_| shape.with(|s| s.kind));
    (move || {
        let (editor, number, at) = frame.get();
        let name = format!("Condition {number} value");
        match editor {
            Editor::None => view! { <span class="val hint">"needs no value"</span> }.into_any(),
            Editor::Line => line(desk, id, 0, at, name, kind, "input mono val"),
            Editor::Range => view! {
                <div class="val row">
                    {line(desk, id, 0, at.clone(), format!("Condition {number} lower bound"), kind, "input mono")}
                    {line(desk, id, 1, format!("{at}-high"), format!("Condition {number} upper bound"), kind, "input mono")}
                </div>
            }
            .into_any(),
            Editor::Flag => flag(desk, id, at, name),
            Editor::Chips => chips(desk, id, at, name, shape),
        }
    })
    .into_any()
}

fn read<T: Default>(desk: Desk, id: u32, get: impl Fn(&Row) -> T) -> T {
    desk.tree.with(|t| t.row(id).map(get).unwrap_or_default())
}

fn line(desk: Desk, id: u32, part: usize, at: String, name: String, kind: Memo<Option<Kind>>, class: &'static str) -> AnyView {
    let text = Signal::derive(move || read(desk, id, |row| row.typed[part].clone()));
    let set = move |typed: String| desk.change_tree(&format!("value {id} {part}"), |t| t.edit(id, |row| row.type_text(part, typed, kind.get_untracked())));
    view! {
        <input
            class=class
            id=at
            aria-label=name
            autocomplete="off"
            spellcheck="false"
            inputmode=move || (kind.get() == Some(Kind::Number)).then_some("decimal")
            placeholder=move || if kind.get() == Some(Kind::Moment) { "2026-01-31T12:00:00Z" } else { "" }
            value=move || text.get()
            prop:value=move || text.get()
            on:input=move |event| set(event_target_value(&event))
        />
    }
    .into_any()
}

fn flag(desk: Desk, id: u32, at: String, name: String) -> AnyView {
    let word = Signal::derive(move || read(desk, id, |row| row.value.as_ref().map(Value::to_string).unwrap_or_default()));
    let set = Callback::new(move |word: String| desk.change_tree("", |t| t.edit(id, |row| row.value = Some(Value::Bool(word == "true")))));
    let options = ["true", "false"].map(|w| (w.to_owned(), w.to_owned())).into();
    view! { <div class="val" id=at><Segmented label=name options=options value=word on_select=set/></div> }.into_any()
}

fn chips(desk: Desk, id: u32, at: String, name: String, shape: Memo<Shape>) -> AnyView {
    let texts = Signal::derive(move || {
        let (operator, kind) = shape.with(|s| (s.operator, s.kind));
        read(desk, id, |row| row.value.as_ref().and_then(Value::as_array).map(|all| all.iter().map(|v| values::write(v, operator, kind)).collect::<Vec<_>>()).unwrap_or_default())
    });
    let set = Callback::new(move |all: Vec<String>| {
        let (operator, kind) = shape.with_untracked(|s| (s.operator, s.kind));
        let list: Vec<Value> = all.iter().filter_map(|text| values::read(text, operator, kind)).collect();
        desk.change_tree("", |t| t.edit(id, |row| row.value = Some(Value::Array(list))));
    });
    view! { <ChipInput id=at label=name values=texts on_change=set class="val wide-s"/> }.into_any()
}
