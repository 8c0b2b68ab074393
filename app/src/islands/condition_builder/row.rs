//! One condition: field, operator, value, and below it the verdict.

use event_actions::model::condition::Operator;
use leptos::prelude::*;

use super::acts::element_id;
use super::field_box::FieldBox;
use super::list::{Shape, arrows, tools};
use super::value_editor::value_editor;
use super::verdict_line::VerdictLine;
use crate::components::feedback::field_id;
use crate::editing::values::operators;
use crate::editing::verdict::State;
use crate::islands::desk::Desk;

/// A row.
#[component]
pub fn ConditionRow(
    /// The desk.
    desk: Desk,
    /// Its node.
    id: u32,
    /// How it is drawn.
    shape: Memo<Shape>,
) -> impl IntoView {
    let number = Memo::new(move |_| shape.with(|s| s.number.clone()));
    let operator = Memo::new(move |_| shape.with(|s| s.operator));
    let place = move |part: &'static str| Signal::derive(move || shape.with(|s| field_id(&format!("{}/{part}", s.pointer))));
    let operator_id = place("operator");
    let class = move || {
        // The dark bar is for what decides: a row of the top level that fails.
        let decides = number.with(|n| !n.contains('.'));
        desk.verdicts.with(|v| match v.nodes.get(&id).map(|v| v.state) {
            Some(State::Muted) => "cond is-muted",
            Some(State::Fail) if decides => "cond is-fail",
            _ => "cond",
        })
    };
    let choose = move |word: String| {
        if let Some(operator) = Operator::ALL.into_iter().find(|o| o.name() == word) {
            let kind = shape.with_untracked(|s| s.kind);
            desk.change_tree("", |t| t.edit(id, |row| row.set_operator(operator, kind)));
        }
    };
    let offered = Memo::new(move |_| shape.with(|s| operators(s.kind, s.operator)));
    // Always the same list: a browser forgets what is chosen when the options themselves change.
    let options = Operator::ALL
        .into_iter()
        .map(|o| {
            let out = move || offered.with(|all| !all.contains(&o));
            view! { <option value=o.name() selected=move || operator.get() == o hidden=out disabled=out>{o.label()}</option> }
        })
        .collect_view();
    view! {
        <div class=class id=element_id(id) on:keydown=move |event| arrows(desk, id, &event)>
            <span class="cond-n">{move || number.get()}</span>
            <FieldBox desk=desk id=id input_id=place("field") number=number/>
            <select
                class="input op"
                id=move || operator_id.get()
                aria-label=move || format!("Condition {} operator", number.get())
                prop:value=move || operator.get().name()
                on:change=move |event| choose(event_target_value(&event))
            >
                {options}
            </select>
            {value_editor(desk, id, shape)}
            {tools(desk, id, shape, "condition")}
            <VerdictLine desk=desk id=id/>
        </div>
    }
}
