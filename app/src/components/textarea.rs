//! The one `<textarea>`. Leptos 0.8 writes the children of a textarea unescaped on the server, so none is ever written elsewhere.

use leptos::prelude::*;

use super::escape::push_escaped;

/// The content of the element as HTML. Parsers drop one newline after the opening tag, so one is always there to drop.
fn content(value: &str) -> String {
    let mut html = String::with_capacity(value.len() + 1);
    html.push('\n');
    push_escaped(&mut html, value);
    html
}

/// A bare text area; [`super::fields::TextAreaField`] puts a label and messages around it.
#[component]
pub fn TextArea(
    /// The element's id, for its label.
    #[prop(into)]
    id: String,
    /// The name in the form; none when only a script reads it.
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
    /// The name read out, where no label stands beside it.
    #[prop(optional, into)]
    aria_label: Option<String>,
    /// The id of what describes it.
    #[prop(optional, into)]
    described_by: MaybeProp<String>,
    /// Whether its content is at fault.
    #[prop(optional, into)]
    invalid: Signal<bool>,
    /// Shown while it is empty.
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// Called with the text on every change.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
) -> impl IntoView {
    let first = content(&value.get_untracked());
    view! {
        <textarea
            class=if mono { "input mono" } else { "input" }
            id=id
            name=name
            rows=rows.to_string()
            placeholder=placeholder
            spellcheck=if mono { "false" } else { "true" }
            aria-label=aria_label
            aria-describedby=move || described_by.get()
            aria-invalid=move || invalid.get().then_some("true")
            inner_html=first
            prop:value=move || value.get()
            on:input=move |ev| {
                if let Some(call) = on_input {
                    call.run(event_target_value(&ev));
                }
            }
        ></textarea>
    }
}

#[cfg(test)]
mod tests {
    use super::content;

    #[test]
    fn text_cannot_leave_the_element() {
        assert_eq!(content("</textarea><script>"), "\n&lt;/textarea&gt;&lt;script&gt;");
        assert_eq!(content("\nsecond line"), "\n\nsecond line");
    }
}
