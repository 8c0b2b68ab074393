//! Choices of yes and no: check boxes and switches.

use leptos::prelude::*;

/// A check box with its words. In a plain form an unticked box sends nothing.
#[component]
pub fn CheckBox(
    /// The words.
    #[prop(into)]
    label: String,
    /// The name in the form.
    #[prop(optional, into)]
    name: Option<String>,
    /// What is sent when it is ticked.
    #[prop(default = "true")]
    value: &'static str,
    /// Whether it is ticked.
    #[prop(optional, into)]
    checked: Signal<bool>,
    /// Called with the new state.
    #[prop(optional, into)]
    on_change: Option<Callback<bool>>,
) -> impl IntoView {
    view! {
        <label class="check">
            <input
                type="checkbox"
                name=name
                value=value
                checked=move || checked.get()
                prop:checked=move || checked.get()
                on:change=move |ev| {
                    if let Some(call) = on_change {
                        call.run(event_target_checked(&ev));
                    }
                }
            />
            {label}
        </label>
    }
}

/// One of several choices, as a radio button with its words.
#[component]
pub fn Radio(
    /// The words.
    #[prop(into)]
    label: String,
    /// The name that the choices share.
    #[prop(into)]
    name: String,
    /// What is sent when it is chosen.
    #[prop(into)]
    value: String,
    /// Whether it is chosen.
    #[prop(optional, into)]
    checked: Signal<bool>,
) -> impl IntoView {
    view! { <label class="check"><input type="radio" name=name value=value checked=move || checked.get() prop:checked=move || checked.get()/>{label}</label> }
}

/// A switch: takes effect at once, where a check box waits for saving. Its name is read out, not shown.
#[component]
pub fn Switch(
    /// What is switched, such as "Welcome mail enabled".
    #[prop(into)]
    label: String,
    /// The name in the form.
    #[prop(optional, into)]
    name: Option<String>,
    /// Whether it is on.
    #[prop(optional, into)]
    checked: Signal<bool>,
    /// Called with the new state.
    #[prop(optional, into)]
    on_change: Option<Callback<bool>>,
) -> impl IntoView {
    view! {
        <label class="switch">
            <input
                type="checkbox"
                role="switch"
                name=name
                value="true"
                aria-label=label
                checked=move || checked.get()
                prop:checked=move || checked.get()
                on:change=move |ev| {
                    if let Some(call) = on_change {
                        call.run(event_target_checked(&ev));
                    }
                }
            />
        </label>
    }
}
