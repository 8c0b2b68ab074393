//! The bar that stays in sight: the action's name, whether anything is unsaved, undo and redo, discard, save.

use event_actions::model::{ApiError, ErrorKind};
use leptos::prelude::*;

use super::conflict::ConflictView;
use super::save::Saving;
use crate::components::feedback::{Callout, CalloutKind, ErrorSummary};
use crate::components::icon::{self, Icon};
use crate::islands::desk::Desk;
use crate::islands::desk::browser::{clock, focus_soon};
use crate::islands::desk::parts::{tool, word_button};

/// The bar, and below it what has to be said about the whole draft.
#[component]
pub fn SaveBar(
    /// The desk.
    desk: Desk,
    /// The state of saving.
    saving: Saving,
    /// When a draft was kept that is on the desk again.
    found: RwSignal<Option<f64>>,
) -> impl IntoView {
    let is_new = desk.id().is_none();
    let title = move || {
        let name = desk.form.with(|f| f.text("/name"));
        if name.trim().is_empty() { "New action".to_owned() } else { name }
    };
    let busy = Signal::derive(move || saving.busy.get());
    let off = Signal::derive(move || saving.busy.get() || saving.conflict.with(Option::is_some));
    let clean = Signal::derive(move || !desk.dirty.get());
    view! {
        <div class="savebar">
            <div class="page-head">
                <div class="grow">
                    <nav class="crumbs" aria-label="Breadcrumb"><a href="/actions">"Actions"</a><span aria-hidden="true">"/"</span><span>{if is_new { "New" } else { "Edit" }}</span></nav>
                    <div class="row row-wrap">
                        <h1>{title}</h1>
                        {(!is_new).then(|| view! { <span class="pill">"version "{move || desk.version.get()}</span> })}
                        {move || desk.dirty.get().then(|| state(desk))}
                    </div>
                </div>
                <div class="actions">
                    {move || steps(desk)}
                    {word_button("btn btn-ghost", None, "Discard", clean, move || desk.discard())}
                    {word_button("btn", None, "Save disabled", off, move || saving.save(Some(false)))}
                    {word_button("btn btn-primary", None, "Save", off, move || saving.save(None))}
                </div>
            </div>
        </div>
        <div class="sr" role="status">{move || busy.get().then_some("Saving.")}</div>
        {move || saving.error.get().map(|error| refused(saving, error))}
        {move || saving.conflict.with(Option::is_some).then(|| view! { <ConflictView saving=saving/> })}
        {move || found.get().map(|at| restored(desk, found, at))}
    }
}

/// Why the last save failed; once more by a click when it was nobody's fault.
fn refused(saving: Saving, error: ApiError) -> AnyView {
    let again = matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::Unauthorized);
    let off = Signal::derive(move || saving.busy.get());
    let again = again.then(|| view! { <div class="row">{word_button("btn", Some(icon::REDO), "Try again", off, move || saving.again())}</div> });
    view! { <div class="stack-8"><ErrorSummary error=error/>{again}</div> }.into_any()
}

fn state(desk: Desk) -> AnyView {
    let offset = desk.seed.with_value(|s| s.offset_minutes);
    let words = desk.kept_ms.get().map_or_else(|| "Unsaved".to_owned(), |at| format!("Unsaved, draft kept {}", clock(at, offset)));
    view! { <span class="small warn row"><Icon of=icon::DOT size=14/>{words}</span> }.into_any()
}

fn steps(desk: Desk) -> AnyView {
    let (back, forth) = desk.steps.get();
    view! {
        <span class="row hide-s">
            {tool(icon::UNDO, "undo", "Undo, Ctrl+Z".to_owned(), !back, move || desk.step(false))}
            {tool(icon::REDO, "redo", "Redo, Ctrl+Shift+Z".to_owned(), !forth, move || desk.step(true))}
        </span>
    }
    .into_any()
}

fn restored(desk: Desk, found: RwSignal<Option<f64>>, at: f64) -> AnyView {
    let offset = desk.seed.with_value(|s| s.offset_minutes);
    let discard = move || {
        found.set(None);
        desk.discard();
        focus_soon("#f-event_types".to_owned());
    };
    view! {
        <Callout kind=CalloutKind::Remark>
            <div class="row row-wrap">
                <span>"Your unsaved draft of "{clock(at, offset)}" is back."</span>
                {word_button("btn btn-s", None, "Keep it", false.into(), move || found.set(None))}
                {word_button("btn btn-s btn-ghost", None, "Discard it", false.into(), discard)}
            </div>
        </Callout>
    }
    .into_any()
}
