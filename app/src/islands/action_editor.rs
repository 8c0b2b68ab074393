//! The editor of an action: five sections that answer the eight gates, beside them the test of the draft.
//!
//! Upgrades the plain form of the same page. Everything typed is one draft on the [`Desk`]: undone, kept and judged as a whole.

use event_actions::matching::Gate;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::condition_builder::ConditionBuilder;
use super::desk::browser;
use super::desk::parts::Section;
use super::desk::{Desk, Seed};
use super::test_panel::TestPanel;

mod conflict;
mod context;
mod delivery;
mod event;
mod handler_field;
mod rows;
mod save;
mod save_bar;
mod step;
mod steps;
mod what_happens;

use context::ContextFields;
use delivery::DeliveryFields;
use event::EventFields;
use save::Saving;
use save_bar::SaveBar;
use what_happens::HandlerFields;

/// The whole editor.
#[island]
pub fn ActionEditor(
    /// What it begins with.
    seed: Seed,
) -> impl IntoView {
    let desk = Desk::new(seed);
    let saving = Saving::new(desk);
    let found = RwSignal::new(None::<f64>);
    // Only in the browser: the first page must be the same on both sides.
    Effect::new(move |_| {
        found.set(desk.find_kept());
        browser::guard(move || desk.dirty.get_untracked());
        let handle = window_event_listener(leptos::ev::keydown, move |event| shortcut(desk, saving, &event));
        // As long as the page.
        std::mem::forget(handle);
        desk.judge();
    });
    view! {
        <div class="stack" on:focusout=move |_| desk.pause()>
            <SaveBar desk=desk saving=saving found=found/>
            <div class="editor">
                // Enter in a field must not save by accident; Ctrl+S does on purpose.
                <form class="stack" aria-label="Action" on:submit=move |event| event.prevent_default()>
                    <Section desk=desk id="e-event" title="Event" gates=&[Gate::EventType]><EventFields desk=desk/></Section>
                    <ConditionBuilder desk=desk/>
                    <Section desk=desk id="e-context" title="Context" gates=&[Gate::ContextFilters]><ContextFields desk=desk/></Section>
                    <Section desk=desk id="e-handler" title="What happens" gates=&[Gate::HandlerAvailable, Gate::Rendering]><HandlerFields desk=desk/></Section>
                    <Section desk=desk id="e-delivery" title="Delivery" gates=&[Gate::RateLimit]><DeliveryFields desk=desk/></Section>
                </form>
                <TestPanel desk=desk/>
            </div>
            <div class="sr" role="status" aria-live="polite">{move || desk.said.get()}</div>
        </div>
    }
}

/// Undo, redo and save by keyboard. A text field's own undo would know nothing of the other fields, so the editor's takes its place.
fn shortcut(desk: Desk, saving: Saving, event: &KeyboardEvent) {
    if !(event.ctrl_key() || event.meta_key()) || event.alt_key() {
        return;
    }
    match (event.key().to_lowercase().as_str(), event.shift_key()) {
        ("z", false) => desk.step(false),
        ("z", true) | ("y", false) => desk.step(true),
        ("s", false) => saving.save(None),
        _ => return,
    }
    event.prevent_default();
}
