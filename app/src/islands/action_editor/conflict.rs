//! Two people changed one action: the difference field by field, each to be decided.

use leptos::prelude::*;

use super::save::{Conflict, Saving};
use crate::components::icon::{self, Icon};
use crate::components::segmented::Segmented;
use crate::editing::merge::Difference;
use crate::islands::desk::parts::word_button;

/// The comparison.
#[component]
pub fn ConflictView(
    /// The state of saving.
    saving: Saving,
) -> impl IntoView {
    let conflict = saving.conflict;
    let read = move |f: fn(&Conflict) -> String| conflict.with(|c| c.as_ref().map(f).unwrap_or_default());
    let count = conflict.with_untracked(|c| c.as_ref().map_or(0, |c| c.found.differences.len()));
    view! {
        <section class="panel" id="conflict" tabindex="-1" aria-labelledby="conflict-h">
            <div class="panel-head">
                <Icon of=icon::TRIANGLE class="warn"/>
                <h2 id="conflict-h">{move || read(|c| format!("{} saved version {} while you were editing", c.author, c.version))}</h2>
            </div>
            <div class="panel-body stack-8">
                <p class="t13">{if count == 0 { "Nothing in it differs from your draft." } else { "Decide each piece below; then save. What only they changed is taken over unless you say otherwise." }}</p>
                <div class="stack-8">{(0..count).map(|n| difference(conflict, n)).collect_view()}</div>
                <div class="row row-wrap">{word_button("btn btn-primary", None, "Continue with these", false.into(), move || saving.settle_conflict())}</div>
            </div>
        </section>
    }
}

fn difference(conflict: RwSignal<Option<Conflict>>, n: usize) -> AnyView {
    let Some(d) = conflict.with_untracked(|c| c.as_ref().and_then(|c| c.found.differences.get(n).cloned())) else { return ().into_any() };
    let chosen = Signal::derive(move || {
        let theirs = conflict.with(|c| c.as_ref().and_then(|c| c.found.differences.get(n)).is_some_and(|d| d.take_theirs));
        if theirs { "theirs" } else { "mine" }.to_owned()
    });
    let set = Callback::new(move |word: String| {
        conflict.update(|c| {
            if let Some(d) = c.as_mut().and_then(|c| c.found.differences.get_mut(n)) {
                d.take_theirs = word == "theirs";
            }
        });
    });
    let options = vec![("mine".to_owned(), "Keep mine".to_owned()), ("theirs".to_owned(), "Take theirs".to_owned())];
    view! {
        <div class="rule-top tw:pt-2">
            <div class="row row-wrap">
                <h3>{d.label.clone()}</h3>
                {d.clash.then(|| view! { <span class="small warn">"both changed it"</span> })}
                <span class="push"><Segmented label=format!("Take for {}", d.label) options=options value=chosen on_select=set small=true/></span>
            </div>
            {sides(&d)}
        </div>
    }
    .into_any()
}

fn sides(d: &Difference) -> AnyView {
    let (mine, theirs) = (Difference::words(d.mine.as_ref()), Difference::words(d.theirs.as_ref()));
    view! { <dl class="cmp"><dt>"mine"</dt><dd class="tw:whitespace-pre-wrap">{mine}</dd><dt>"theirs"</dt><dd class="tw:whitespace-pre-wrap">{theirs}</dd></dl> }.into_any()
}
