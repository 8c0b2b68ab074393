//! The few pieces that every part of the editor is made of. One shape each, so that the browser loads each once.

use event_actions::matching::{Gate, GateOutcome};
use leptos::prelude::*;

use super::Desk;
use crate::components::icon::{self, Glyph, Icon};

/// A small button with an icon: 24 px, its name read out and shown on hover. `what` says what it does, for scripts and styles.
pub fn tool(glyph: Glyph, what: &'static str, label: String, disabled: bool, run: impl Into<Callback<()>>) -> AnyView {
    icon_button(glyph, what, label, disabled, run.into())
}

/// A button with a word.
pub fn word_button(class: &'static str, glyph: Option<Glyph>, text: impl Into<String>, disabled: Signal<bool>, run: impl Into<Callback<()>>) -> AnyView {
    text_button(class, glyph, text.into(), disabled, run.into())
}

fn icon_button(glyph: Glyph, what: &'static str, label: String, disabled: bool, run: Callback<()>) -> AnyView {
    view! {
        <button type="button" class="ibtn ibtn-24" data-do=what aria-label=label.clone() title=label disabled=disabled on:click=move |_| run.run(())>
            <Icon of=glyph/>
        </button>
    }
    .into_any()
}

fn text_button(class: &'static str, glyph: Option<Glyph>, text: String, disabled: Signal<bool>, run: Callback<()>) -> AnyView {
    view! {
        <button type="button" class=class disabled=move || disabled.get() on:click=move |_| run.run(())>
            {glyph.map(|of| view! { <Icon of=of/> })}
            {text}
        </button>
    }
    .into_any()
}

/// A section of the editor. Its head names the gates that it answers, and what they say of the sample.
#[component]
pub fn Section(
    /// The desk.
    desk: Desk,
    /// The id of its heading.
    id: &'static str,
    /// Its heading.
    title: &'static str,
    /// The gates it answers.
    gates: &'static [Gate],
    /// What stands at the right of its head.
    #[prop(optional_no_strip)]
    aside: Option<AnyView>,
    /// Its controls.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby=id>
            <div class="sect-head">
                <h2 id=id>{title}</h2>
                <span class="to">{move || mark(desk, gates)}</span>
                <span class="push row">{aside}</span>
            </div>
            <div class="panel-body">{children()}</div>
        </section>
    }
}

/// The gates of a section: the first that does not let the sample through, else that all do.
fn mark(desk: Desk, gates: &'static [Gate]) -> AnyView {
    let said: Vec<Option<GateOutcome>> = gates.iter().map(|g| desk.gate(*g)).collect();
    let stop = said.iter().position(|o| matches!(o, Some(GateOutcome::Stopped | GateOutcome::Waits)));
    let (class, glyph, gate) = match stop {
        Some(n) if said[n] == Some(GateOutcome::Waits) => ("queue row", icon::WAIT, Some(gates[n])),
        Some(n) if gates[n] > Gate::RateLimit => ("bad row", icon::TRIANGLE, Some(gates[n])),
        Some(n) => ("row", icon::CROSS, Some(gates[n])),
        None if said.iter().all(|o| *o == Some(GateOutcome::Passed)) => ("ok row", icon::CHECK, None),
        None => ("muted row", icon::DOT, None),
    };
    let words = gate.map_or_else(|| gates.iter().map(|g| g.label()).collect::<Vec<_>>().join(" and "), |g| g.label().to_owned());
    let count = (gates == [Gate::Conditions]).then(|| desk.verdicts.with(|v| held(v.report.as_ref().filter(|_| v.unfinished.is_none())))).flatten().unwrap_or_default();
    let state = match (glyph, gate) {
        (icon::CHECK, _) => "passes",
        (_, None) => "not known yet",
        _ => "does not let the event through",
    };
    view! { <span class=class><Icon of=glyph size=12/>{words}{count}<span class="sr">": "{state}</span></span> }.into_any()
}

/// `: 3 of 4 hold`.
fn held(report: Option<&event_actions::matching::MatchReport>) -> Option<String> {
    let gate = report?.gates.iter().find(|g| g.gate == Gate::Conditions)?;
    let holding = gate.conditions.iter().filter(|c| c.holds).count();
    (!gate.conditions.is_empty()).then(|| format!(": {holding} of {} hold", gate.conditions.len()))
}
