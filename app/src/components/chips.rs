//! A list of short texts as chips: Enter or a comma adds, a paste is split, Backspace arms the last one and then removes it.

use leptos::prelude::*;

use super::browser::pasted;
use super::icon::{self, Icon};

/// Splits what was typed or pasted at commas, semicolons and line ends; trims, drops empty parts and those already there.
#[must_use]
pub fn split(text: &str, present: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for part in text.split([',', ';', '\n', '\r', '\t']).map(str::trim).filter(|p| !p.is_empty()) {
        if !present.iter().chain(&out).any(|p| p == part) {
            out.push(part.to_owned());
        }
    }
    out
}

/// Chips that can be changed. In a plain form each chip also sends a hidden field when `name` is given.
#[component]
pub fn ChipInput(
    /// The id of the text input, for a label.
    #[prop(into)]
    id: String,
    /// What the chips are, such as "Countries".
    #[prop(into)]
    label: String,
    /// The texts.
    #[prop(into)]
    values: Signal<Vec<String>>,
    /// Called with the new texts.
    #[prop(into)]
    on_change: Callback<Vec<String>>,
    /// The name in a plain form.
    #[prop(optional, into)]
    name: Option<String>,
    /// Further classes, such as `val wide-s`.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let state = ChipState { values, on_change, typed: RwSignal::new(String::new()), armed: RwSignal::new(false) };
    let chips = move || {
        let all = values.get();
        let last = all.len();
        all.into_iter().enumerate().map(|(n, text)| chip(state, n, n + 1 == last, text, name.clone())).collect_view()
    };
    let add_label = format!("{label}, add a value");
    view! {
        <div class=format!("chips {class}") role="group" aria-label=label>
            {chips}
            <input
                id=id
                aria-label=add_label
                autocomplete="off"
                prop:value=move || state.typed.get()
                on:input=move |ev| state.write(event_target_value(&ev))
                on:paste=move |ev| {
                    if let Some(text) = pasted(&ev) {
                        state.add(&text);
                    }
                }
                on:keydown=move |ev| state.key(&ev)
                on:blur=move |_| state.add(&state.typed.get_untracked())
            />
        </div>
    }
}

fn chip(state: ChipState, n: usize, last: bool, text: String, name: Option<String>) -> impl IntoView {
    let label = format!("Remove {text}");
    let hidden = name.map(|name| view! { <input type="hidden" name=name value=text.clone()/> });
    view! {
        <span class="chip" class:is-armed=move || last && state.armed.get()>
            {text.clone()}
            {hidden}
            <button type="button" aria-label=label on:click=move |_| state.remove(n)><Icon of=icon::CROSS size=12/></button>
        </span>
    }
}

#[derive(Clone, Copy)]
struct ChipState {
    values: Signal<Vec<String>>,
    on_change: Callback<Vec<String>>,
    typed: RwSignal<String>,
    /// Whether Backspace would remove the last chip.
    armed: RwSignal<bool>,
}

impl ChipState {
    fn write(self, text: String) {
        if text.contains([',', ';']) { self.add(&text) } else { self.typed.set(text) }
    }

    fn add(self, text: &str) {
        let mut all = self.values.get_untracked();
        let new = split(text, &all);
        self.typed.set(String::new());
        if !new.is_empty() {
            all.extend(new);
            self.on_change.run(all);
        }
    }

    fn remove(self, index: usize) {
        let mut all = self.values.get_untracked();
        self.armed.set(false);
        if index < all.len() {
            all.remove(index);
            self.on_change.run(all);
        }
    }

    fn key(self, ev: &leptos::ev::KeyboardEvent) {
        let typed = self.typed.get_untracked();
        match ev.key().as_str() {
            "Enter" | "," => {
                ev.prevent_default();
                self.add(&typed);
            }
            "Backspace" if typed.is_empty() && self.armed.get_untracked() => self.remove(self.values.get_untracked().len().saturating_sub(1)),
            "Backspace" if typed.is_empty() => self.armed.set(!self.values.get_untracked().is_empty()),
            _ => self.armed.set(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_paste_is_split_and_doubles_are_dropped() {
        assert_eq!(split(" SE, NO;FI\nSE ,", &["NO".to_owned()]), ["SE", "FI"]);
        assert!(split(" , ", &[]).is_empty());
    }
}
