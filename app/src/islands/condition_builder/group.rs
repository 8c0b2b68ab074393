//! A group of conditions: all, any or none of them must hold. An empty group passes, and says so.

use event_actions::model::condition::GroupKind;
use leptos::prelude::*;

use super::acts::element_id;
use super::list::{Shape, arrows, node_list, tools};
use super::verdict_line::VerdictLine;
use super::{foot, kinds};
use crate::components::segmented::Segmented;
use crate::editing::tree::Part;
use crate::editing::tree_json::kind_of_word;
use crate::islands::desk::Desk;

/// A group.
#[component]
pub fn GroupBox(
    /// The desk.
    desk: Desk,
    /// How it is drawn.
    shape: Shape,
    /// How it combines.
    kind: GroupKind,
) -> impl IntoView {
    let id = shape.id;
    let number = shape.number.clone();
    let chosen = Signal::stored(kind.name().to_owned());
    let choose = Callback::new(move |word: String| desk.change_tree("", |t| t.set_kind(Some(id), kind_of_word(&word))));
    let empty = Memo::new(move |_| desk.tree.with(|t| t.find(id).is_some_and(|n| matches!(&n.part, Part::Group(_, inner) if inner.is_empty()))));
    let inside = node_list(desk, Some(id));
    view! {
        <div class=if shape.muted { "cgroup is-muted" } else { "cgroup" } id=element_id(id) role="group" aria-label=format!("Condition {number}, a group") on:keydown=move |event| arrows(desk, id, &event)>
            <div class="cgroup-head">
                <span class="cond-n">{number.clone()}</span>
                <Segmented label=format!("Condition {number} holds when") options=kinds() value=chosen on_select=choose small=true/>
                <span class="small muted">"of these hold"</span>
                <VerdictLine desk=desk id=id/>
                <span class="push">{tools(desk, &shape, "group")}</span>
            </div>
            <div class="in">
                {move || empty.get().then(|| view! { <p class="hint tw:pt-2">"The group is empty, so it passes."</p> })}
                {inside}
                <div class="cond-foot">{foot(desk, Some(id))}</div>
            </div>
        </div>
    }
}
