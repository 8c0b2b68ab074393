//! The list of actions in motion: switches that take effect at once, selection with its bar, and the toast that goes by itself.
//!
//! Around rows made on the server. Everything here has a plain form beside it that does the same without JavaScript.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::desk::browser::{go, hide, reload, tick, ticked, values_of};
use super::desk::parts::word_button;
use crate::components::icon;
use crate::server_fns::actions::act_on_actions;

/// How long a deletion can be taken back by the toast. The action's page can restore it for 30 days.
const TOAST: Duration = Duration::from_secs(10);
/// The boxes that select rows.
const BOXES: &str = "input[data-row]";
const TICKED: &str = "input[data-row]:checked";

/// The list.
#[island]
pub fn ActionList(
    /// The form with the table.
    children: Children,
) -> impl IntoView {
    let chosen = RwSignal::new(Vec::<String>::new());
    let busy = RwSignal::new(false);
    let fault = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        // The browser may remember ticks of an earlier visit.
        chosen.set(values_of(TICKED));
        set_timeout(|| hide(".toasts"), TOAST);
    });
    let select_all = move |on: bool| {
        tick(BOXES, on);
        chosen.set(values_of(TICKED));
    };
    let changed = move |event: leptos::ev::Event| {
        if let Some((_, on)) = ticked(&event, "data-all") {
            select_all(on);
        } else if ticked(&event, "data-row").is_some() {
            chosen.set(values_of(TICKED));
        } else if let Some((id, on)) = ticked(&event, "data-switch") {
            switch(id, on, fault);
        }
    };
    let run = move |verb: &'static str| {
        let ids = chosen.get_untracked();
        busy.set(true);
        spawn_local(async move {
            match act_on_actions(verb.to_owned(), ids).await {
                Ok(gone) if verb == "delete" => go(&format!("/actions?deleted={}", gone.join(","))),
                Ok(_) => reload(),
                Err(refusal) => {
                    busy.set(false);
                    fault.set(Some(refusal.0.to_string()));
                }
            }
        });
    };
    let off = Signal::derive(move || busy.get());
    let bar = move || {
        let n = chosen.with(Vec::len);
        (n > 0).then(|| {
            view! {
                <div class="bulk" role="region" aria-label="Selected actions">
                    <strong role="status">{n}" selected"</strong>
                    {word_button("link small", None, "Select all on this page", off, move || select_all(true))}
                    {word_button("btn btn-s", Some(icon::PLAY), "Enable", off, move || run("enable"))}
                    {word_button("btn btn-s", Some(icon::PAUSE), "Turn off", off, move || run("disable"))}
                    {word_button("btn btn-s hide-s", Some(icon::COPY), "Duplicate", off, move || run("duplicate"))}
                    {word_button("btn btn-s btn-danger", Some(icon::TRASH), "Delete", off, move || run("delete"))}
                    {word_button("btn btn-s btn-ghost", Some(icon::CROSS), "Clear", off, move || select_all(false))}
                </div>
            }
        })
    };
    view! {
        <div class="stack" on:change=changed>
            <div role="alert">{move || fault.get().map(|text| view! { <p class="summary-bad">{text}</p> })}</div>
            {children()}
            {bar}
        </div>
    }
}

/// Switches an action; the switch goes back when it may not.
fn switch(id: String, on: bool, fault: RwSignal<Option<String>>) {
    spawn_local(async move {
        let verb = if on { "enable" } else { "disable" };
        match act_on_actions(verb.to_owned(), vec![id.clone()]).await {
            Ok(_) => fault.set(None),
            Err(refusal) => {
                tick(&format!("input[data-switch='{id}']"), !on);
                fault.set(Some(refusal.0.to_string()));
            }
        }
    });
}
