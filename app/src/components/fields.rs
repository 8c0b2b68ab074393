//! Form fields: label, control, hint or message, tied together for screen readers. They work in plain forms and in islands.
//!
//! `id` is the field's id; its message is `{id}-m`. An error takes the place of the hint. `class` is the field's width in a `form-grid`, such as `s6`.

use leptos::prelude::*;

use super::icon::{self, Icon};
use super::textarea::TextArea;

/// Label, control and the line below. The other fields are made of it.
#[component]
pub fn Field(
    /// The id of the control.
    #[prop(into)]
    id: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// One line of help.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// What is wrong, as a sentence.
    #[prop(optional, into)]
    error: MaybeProp<String>,
    /// What is odd but allowed, as a sentence.
    #[prop(optional, into)]
    warning: MaybeProp<String>,
    /// Its width in a grid.
    #[prop(optional)]
    class: &'static str,
    /// The control.
    children: Children,
) -> impl IntoView {
    let message = format!("{id}-m");
    view! {
        <div class=format!("field {class}")>
            <label for=id>{label}</label>
            {children()}
            {move || match (error.get(), warning.get(), hint.get()) {
                (Some(text), _, _) => Some((Some(icon::CROSS), "hint hint-bad", text)),
                (None, Some(text), _) => Some((Some(icon::TRIANGLE), "hint hint-warn", text)),
                (None, None, Some(text)) => Some((None, "hint", text)),
                (None, None, None) => None,
            }
            .map(|(glyph, class, text)| view! { <p class=class id=message.clone()>{glyph.map(|of| view! { <Icon of=of size=12/> })}{text}</p> })}
        </div>
    }
}

/// The id of the message when there is one.
fn described(id: &str, hint: MaybeProp<String>, error: MaybeProp<String>) -> Signal<Option<String>> {
    let message = format!("{id}-m");
    Signal::derive(move || (hint.get().is_some() || error.get().is_some()).then(|| message.clone()))
}

/// Hands the text of the control to `call`.
fn heard(call: Option<Callback<String>>) -> impl Fn(leptos::ev::Event) + Clone + 'static {
    move |ev| {
        if let Some(call) = call {
            call.run(event_target_value(&ev));
        }
    }
}

/// One line of text. `kind` is the input's type: `text`, `url`, `email`, `password`, `search`.
#[component]
pub fn TextField(
    /// The id.
    #[prop(into)]
    id: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// The name in the form; none when only a script reads it.
    #[prop(optional, into)]
    name: Option<String>,
    /// The text.
    #[prop(optional, into)]
    value: Signal<String>,
    /// The input's type.
    #[prop(default = "text")]
    kind: &'static str,
    /// One line of help.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// What is wrong.
    #[prop(optional, into)]
    error: MaybeProp<String>,
    /// What is odd but allowed.
    #[prop(optional, into)]
    warning: MaybeProp<String>,
    /// Shown while it is empty.
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// What browsers may fill in, such as `username`.
    #[prop(optional, into)]
    autocomplete: Option<String>,
    /// Whether it holds ids, paths or URLs.
    #[prop(optional)]
    mono: bool,
    /// Whether it must be filled in.
    #[prop(optional)]
    required: bool,
    /// Whether it is shown without being changed.
    #[prop(optional)]
    disabled: bool,
    /// Its width in a grid.
    #[prop(optional)]
    class: &'static str,
    /// Called with the text on every change.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
) -> impl IntoView {
    let describes = described(&id, hint, error);
    view! {
        <Field id=id.clone() label=label hint=hint error=error warning=warning class=class>
            <input
                class=if mono { "input mono" } else { "input" }
                id=id
                type=kind
                name=name
                placeholder=placeholder
                autocomplete=autocomplete
                required=required
                disabled=disabled
                aria-describedby=move || describes.get()
                aria-invalid=move || error.get().is_some().then_some("true")
                value=move || value.get()
                prop:value=move || value.get()
                on:input=heard(on_input)
            />
        </Field>
    }
}

/// A whole number with its unit. The value stays text, so that what is half typed is kept.
#[component]
pub fn NumberField(
    /// The id.
    #[prop(into)]
    id: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// The name in the form.
    #[prop(optional, into)]
    name: Option<String>,
    /// The number as text; empty when not given.
    #[prop(optional, into)]
    value: Signal<String>,
    /// Least value.
    #[prop(optional_no_strip)]
    min: Option<i64>,
    /// Greatest value.
    #[prop(optional_no_strip)]
    max: Option<i64>,
    /// What is counted, such as `s`.
    #[prop(optional, into)]
    unit: Option<String>,
    /// One line of help.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// What is wrong.
    #[prop(optional, into)]
    error: MaybeProp<String>,
    /// Shown while it is empty.
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// Its width in a grid.
    #[prop(optional)]
    class: &'static str,
    /// Called with the text on every change.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
) -> impl IntoView {
    let describes = described(&id, hint, error);
    let input = view! {
        <input
            class="input"
            id=id.clone()
            type="number"
            inputmode="numeric"
            name=name
            min=min.map(|n| n.to_string())
            max=max.map(|n| n.to_string())
            placeholder=placeholder
            aria-describedby=move || describes.get()
            aria-invalid=move || error.get().is_some().then_some("true")
            value=move || value.get()
            prop:value=move || value.get()
            on:input=heard(on_input)
        />
    };
    let control = match unit {
        Some(unit) => view! { <div class="affix">{input}<span class="unit">{unit}</span></div> }.into_any(),
        None => input.into_any(),
    };
    view! { <Field id=id label=label hint=hint error=error class=class>{control}</Field> }
}

/// One of a list of `(value, words)`.
#[component]
pub fn SelectField(
    /// The id.
    #[prop(into)]
    id: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// The name in the form.
    #[prop(optional, into)]
    name: Option<String>,
    /// The choices, as value and words.
    options: Vec<(String, String)>,
    /// The value chosen.
    #[prop(optional, into)]
    value: Signal<String>,
    /// One line of help.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// What is wrong.
    #[prop(optional, into)]
    error: MaybeProp<String>,
    /// Its width in a grid.
    #[prop(optional)]
    class: &'static str,
    /// Called with the value chosen.
    #[prop(optional, into)]
    on_change: Option<Callback<String>>,
) -> impl IntoView {
    let describes = described(&id, hint, error);
    let options = options
        .into_iter()
        .map(|(word, text)| {
            let this = word.clone();
            view! { <option value=word selected=move || value.get() == this>{text}</option> }
        })
        .collect_view();
    view! {
        <Field id=id.clone() label=label hint=hint error=error class=class>
            <select
                class="input"
                id=id
                name=name
                aria-describedby=move || describes.get()
                aria-invalid=move || error.get().is_some().then_some("true")
                prop:value=move || value.get()
                on:change=heard(on_change)
            >
                {options}
            </select>
        </Field>
    }
}

/// Several lines of text with a label.
#[component]
pub fn TextAreaField(
    /// The id.
    #[prop(into)]
    id: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// The name in the form.
    #[prop(optional, into)]
    name: Option<String>,
    /// The text.
    #[prop(optional, into)]
    value: Signal<String>,
    /// How many lines are shown.
    #[prop(default = 6)]
    rows: u32,
    /// Whether it holds code, paths or JSON.
    #[prop(optional)]
    mono: bool,
    /// One line of help.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// What is wrong.
    #[prop(optional, into)]
    error: MaybeProp<String>,
    /// Shown while it is empty.
    #[prop(optional, into)]
    placeholder: String,
    /// Its width in a grid.
    #[prop(optional)]
    class: &'static str,
    /// Called with the text on every change.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
) -> impl IntoView {
    let describes = described(&id, hint, error);
    let invalid = Signal::derive(move || error.get().is_some());
    let call = Callback::new(move |text: String| {
        if let Some(call) = on_input {
            call.run(text);
        }
    });
    view! {
        <Field id=id.clone() label=label hint=hint error=error class=class>
            <TextArea id=id name=name.unwrap_or_default() value=value rows=rows mono=mono placeholder=placeholder invalid=invalid described_by=describes on_input=call/>
        </Field>
    }
}
