//! The conditions as JSON. Correct JSON becomes the tree at once; wrong JSON leaves the tree as it is and says where it is wrong.

use leptos::prelude::*;

use crate::components::textarea::TextArea;
use crate::editing::json_text::parse_conditions;
use crate::islands::desk::Desk;

/// The text and what is wrong with it.
#[component]
pub fn JsonTab(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    let first = desk.tree.with_untracked(crate::editing::tree::Tree::to_text);
    let rows = u32::try_from(first.lines().count().clamp(8, 30)).unwrap_or(8);
    let text = RwSignal::new(first);
    let faults = RwSignal::new(Vec::<String>::new());
    // Undo, mending and discarding change the tree from outside; the text follows unless it says the same already.
    Effect::new(move |_| {
        let (items, shown) = desk.tree.with(|t| (t.compile().0, t.to_text()));
        let says_same = text.with_untracked(|t| parse_conditions(t).is_ok_and(|typed| typed == items));
        if !says_same && faults.with_untracked(Vec::is_empty) {
            text.set(shown);
        }
    });
    let typed = Callback::new(move |now: String| match parse_conditions(&now) {
        Ok(items) => {
            faults.set(Vec::new());
            text.set(now);
            let differs = desk.tree.with_untracked(|t| t.compile().0 != items);
            if differs {
                desk.change_tree("conditions as json", |t| t.replace(&items, &|field| desk.kind(field)));
            }
        }
        Err(found) => {
            text.set(now);
            faults.set(found.iter().map(crate::editing::json_text::JsonFault::sentence).collect());
        }
    });
    let wrong = Signal::derive(move || faults.with(|f| !f.is_empty()));
    view! {
        <div class="stack-8">
            <TextArea id="conditions-json" rows=rows mono=true aria_label="Conditions as JSON" described_by="conditions-json-m" invalid=wrong value=text on_input=typed/>
            <div id="conditions-json-m" role="status">
                {move || faults.get().into_iter().map(|text| view! { <p class="hint hint-bad">{text}</p> }).collect_view()}
                {move || wrong.get().then(|| view! { <p class="hint">"The builder keeps the conditions as they were until this is mended."</p> })}
            </div>
        </div>
    }
}
