//! One condition: field, operator, value, and below it the verdict.

use event_actions::model::condition::Operator;
use leptos::prelude::*;

use super::acts::element_id;
use super::field_box::FieldBox;
use super::list::{Shape, arrows, tools};
use super::value_editor::value_editor;
use super::verdict_line::VerdictLine;
use crate::components::feedback::field_id;
use crate::editing::values::{Editor, Kind, operators};
use crate::editing::verdict::State;
use crate::islands::desk::Desk;

/// A row.
#[component]
pub fn ConditionRow(
    /// The desk.
    desk: Desk,
    /// How it is drawn.
    shape: Shape,
    /// Its operator.
    operator: Operator,
    /// How its value is entered.
    editor: Editor,
    /// The type of its field, where it is known.
    kind: Option<Kind>,
) -> impl IntoView {
    let id = shape.id;
    let number = shape.number.clone();
    // The dark bar is for what decides: a row of the top level that fails.
    let decides = !number.contains('.');
    let class = move || {
        desk.verdicts.with(|v| match v.nodes.get(&id).map(|v| v.state) {
            Some(State::Muted) => "cond is-muted",
            Some(State::Fail) if decides => "cond is-fail",
            _ => "cond",
        })
    };
    let choose = move |word: String| {
        if let Some(operator) = Operator::ALL.into_iter().find(|o| o.name() == word) {
            desk.change_tree("", |t| t.edit(id, |row| row.set_operator(operator, kind)));
        }
    };
    // Always the same list: a browser forgets what is chosen when the options themselves change.
    let offered = operators(kind, operator);
    let options = Operator::ALL
        .into_iter()
        .map(|o| {
            let out = !offered.contains(&o);
            view! { <option value=o.name() selected={o == operator} hidden=out disabled=out>{o.label()}</option> }
        })
        .collect_view();
    view! {
        <div class=class id=element_id(id) on:keydown=move |event| arrows(desk, id, &event)>
            <span class="cond-n">{number.clone()}</span>
            <FieldBox desk=desk id=id input_id=field_id(&format!("{}/field", shape.pointer)) number=number.clone()/>
            <select
                class="input op"
                id=field_id(&format!("{}/operator", shape.pointer))
                aria-label=format!("Condition {number} operator")
                prop:value=operator.name()
                on:change=move |event| choose(event_target_value(&event))
            >
                {options}
            </select>
            {value_editor(desk, id, &shape, editor, kind)}
            {tools(desk, &shape, "condition")}
            <VerdictLine desk=desk id=id/>
        </div>
    }
}
