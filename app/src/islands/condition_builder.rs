//! The condition builder: rows and groups with a verdict each, or the same conditions as JSON. Both views are one tree.

use event_actions::matching::Gate;
use event_actions::model::condition::GroupKind;
use leptos::prelude::*;

use super::desk::Desk;
use super::desk::parts::{Section, word_button};
use crate::components::icon;
use crate::components::segmented::Segmented;
use crate::editing::tree_json::kind_of_word;

mod acts;
mod field_box;
mod group;
mod json_tab;
mod list;
mod row;
mod value_editor;
mod verdict_line;

use json_tab::JsonTab;
use list::{node_list, shapes};

/// Which view is shown.
const BUILDER: &str = "builder";
const JSON: &str = "json";

/// The section "Conditions".
#[component]
pub fn ConditionBuilder(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    let view = RwSignal::new(BUILDER.to_owned());
    let options = vec![(BUILDER.to_owned(), "Builder".to_owned()), (JSON.to_owned(), "JSON".to_owned())];
    let aside = view! { <Segmented label="View" options=options value=view on_select=Callback::new(move |word: String| view.set(word)) small=true/> }.into_any();
    let error = desk.error("/conditions");
    let muted = Memo::new(move |_| desk.tree.with(crate::editing::tree::Tree::muted));
    view! {
        <Section desk=desk id="e-conditions" title="Conditions" gates=&[Gate::Conditions] aside=Some(aside)>
            <div id="f-conditions" tabindex="-1">
                {move || error.get().map(|text| view! { <p class="hint hint-bad">{text}</p> })}
                {move || (muted.get() > 0).then(|| view! { <p class="hint hint-warn">{muted_words(muted.get())}</p> })}
                // The builder stays where it is while JSON is typed: what is half done there is not lost.
                <div hidden={move || view.get() == JSON}><Visual desk=desk/></div>
                {move || (view.get() == JSON).then(|| view! { <JsonTab desk=desk/> })}
            </div>
        </Section>
    }
}

fn muted_words(n: usize) -> String {
    if n == 1 { "1 muted condition is left out of tests, and of what is saved.".to_owned() } else { format!("{n} muted conditions are left out of tests, and of what is saved.") }
}

#[component]
fn Visual(desk: Desk) -> impl IntoView {
    let kind = Signal::derive(move || desk.tree.with(|t| t.kind.name().to_owned()));
    let choose = Callback::new(move |word: String| desk.change_tree("", |t| t.set_kind(None, kind_of_word(&word))));
    let count = Memo::new(move |_| desk.tree.with(|t| t.nodes.len()));
    view! {
        <div class="row row-wrap t13">
            <span>"Runs when"</span>
            <Segmented label="The action runs when" options=kinds() value=kind on_select=choose small=true/>
            <span class="small muted">"of these hold."</span>
        </div>
        {move || (count.get() == 0).then(|| view! { <p class="hint tw:py-2">"No conditions: every event of these types runs the action."</p> })}
        <div class="conds">{node_list(desk, shapes(desk), None)}</div>
        <div class="cond-foot">
            {foot(desk, None)}
            <span class="push">{word_button("btn btn-s btn-ghost", Some(icon::SORT), "Most selective first", Signal::derive(move || count.get() < 2 || desk.recent.with(Vec::is_empty)), move || acts::sort(desk))}</span>
        </div>
    }
}

/// The buttons that add to a group; focus goes to the new field.
pub(super) fn foot(desk: Desk, parent: Option<u32>) -> AnyView {
    let class = if parent.is_some() { "btn btn-s btn-ghost" } else { "btn btn-s" };
    let full = Memo::new(move |_| desk.tree.with(|t| !t.takes_group(parent)));
    view! {
        {word_button(class, Some(icon::PLUS), "Condition", false.into(), move || acts::add(desk, parent, false))}
        {word_button(class, Some(icon::PLUS), "Group", full.into(), move || acts::add(desk, parent, true))}
    }
    .into_any()
}

/// The kinds of a group as choices.
pub(super) fn kinds() -> Vec<(String, String)> {
    [(GroupKind::All, "All"), (GroupKind::Any, "Any"), (GroupKind::None, "None")].map(|(kind, text)| (kind.name().to_owned(), text.to_owned())).into()
}
