//! A group of conditions: all, any or none of them must hold. An empty group passes, and says so.

use leptos::prelude::*;

use super::acts::element_id;
use super::list::{Shape, Shapes, arrows, node_list, tools};
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
    /// Its node.
    id: u32,
    /// How it is drawn.
    shape: Memo<Shape>,
    /// How everything is drawn.
    shapes: Shapes,
) -> impl IntoView {
    let number = Memo::new(move |_| shape.with(|s| s.number.clone()));
    let chosen = Memo::new(move |_| shape.with(|s| s.group.name().to_owned()));
    let choose = Callback::new(move |word: String| desk.change_tree("", |t| t.set_kind(Some(id), kind_of_word(&word))));
    let empty = Memo::new(move |_| desk.tree.with(|t| t.find(id).is_some_and(|n| matches!(&n.part, Part::Group(_, inner) if inner.is_empty()))));
    let inside = node_list(desk, shapes, Some(id));
    let kind = move || view! { <Segmented label=format!("Condition {} holds when", number.get()) options=kinds() value=chosen on_select=choose small=true/> };
    let class = move || if shape.with(|s| s.muted) { "cgroup is-muted" } else { "cgroup" };
    view! {
        <div class=class id=element_id(id) role="group" aria-label=move || format!("Condition {}, a group", number.get()) on:keydown=move |event| arrows(desk, id, &event)>
            <div class="cgroup-head">
                <span class="cond-n">{move || number.get()}</span>
                {kind}
                <span class="small muted">"of these hold"</span>
                <VerdictLine desk=desk id=id/>
                <span class="push">{tools(desk, id, shape, "group")}</span>
            </div>
            <div class="in">
                {move || empty.get().then(|| view! { <p class="hint tw:pt-2">"The group is empty, so it passes."</p> })}
                {inside}
                <div class="cond-foot">{foot(desk, Some(id))}</div>
            </div>
        </div>
    }
}
