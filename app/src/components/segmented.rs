//! Segmented control: 2 to 5 choices that all deserve to be seen. Tabs: the parts of one thing.

use leptos::prelude::*;

use super::browser::focus;

/// One choice that leads somewhere: a range, a tab of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The words.
    pub text: String,
    /// Where it leads, usually `?range=1h`.
    pub href: String,
    /// Whether it is the one shown.
    pub current: bool,
    /// A number beside the words.
    pub count: Option<String>,
}

impl Choice {
    /// A choice without a number.
    #[must_use]
    pub fn new(text: impl Into<String>, href: impl Into<String>, current: bool) -> Self {
        Self { text: text.into(), href: href.into(), current, count: None }
    }
}

/// Choices as links: what is shown lives in the URL.
#[component]
pub fn SegmentedLinks(
    /// What is chosen, such as "Range".
    #[prop(into)]
    label: String,
    /// The choices.
    choices: Vec<Choice>,
) -> impl IntoView {
    let links = choices
        .into_iter()
        .map(|c| {
            let text = c.count.map_or(c.text.clone(), |n| format!("{} {n}", c.text));
            view! { <a href=c.href aria-current=c.current.then_some("true")>{text}</a> }
        })
        .collect_view();
    view! { <div class="seg" role="group" aria-label=label>{links}</div> }
}

/// Choices as buttons, for islands: `(value, words)`.
#[component]
pub fn Segmented(
    /// What is chosen.
    #[prop(into)]
    label: String,
    /// The choices, as value and words.
    options: Vec<(String, String)>,
    /// The value chosen.
    #[prop(into)]
    value: Signal<String>,
    /// Called with the value chosen.
    #[prop(into)]
    on_select: Callback<String>,
    /// 26 instead of 32 pixels high.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    let buttons = options
        .into_iter()
        .map(|(word, text)| {
            let this = word.clone();
            view! { <button type="button" aria-pressed=move || (value.get() == this).to_string() on:click=move |_| on_select.run(word.clone())>{text}</button> }
        })
        .collect_view();
    view! { <div class=if small { "seg seg-s" } else { "seg" } role="group" aria-label=label>{buttons}</div> }
}

/// The parts of one thing as links: the part shown lives in the URL.
#[component]
pub fn TabLinks(
    /// What has the parts.
    #[prop(into)]
    label: String,
    /// The parts.
    choices: Vec<Choice>,
) -> impl IntoView {
    let links = choices
        .into_iter()
        .map(|c| view! { <a href=c.href aria-current=c.current.then_some("page")>{c.text}{c.count.map(|n| view! { <span class="n">{n}</span> })}</a> })
        .collect_view();
    view! { <nav class="tabs" aria-label=label>{links}</nav> }
}

/// The parts of one thing as tabs, for islands. Arrow keys move, Home and End jump. The panel of tab `n` has the id `{id}-p{n}`; see [`TabPanel`].
#[component]
pub fn Tabs(
    /// Prefix of the ids.
    #[prop(into)]
    id: String,
    /// What has the parts.
    #[prop(into)]
    label: String,
    /// The words on the tabs.
    tabs: Vec<String>,
    /// Which is shown, from 0.
    #[prop(into)]
    selected: RwSignal<usize>,
) -> impl IntoView {
    let last = tabs.len().saturating_sub(1);
    let buttons = tabs
        .into_iter()
        .enumerate()
        .map(|(n, text)| {
            view! {
                <button
                    type="button"
                    role="tab"
                    id=format!("{id}-t{n}")
                    aria-controls=format!("{id}-p{n}")
                    aria-selected=move || (selected.get() == n).to_string()
                    tabindex=move || if selected.get() == n { "0" } else { "-1" }
                    on:click=move |_| selected.set(n)
                >
                    {text}
                </button>
            }
        })
        .collect_view();
    let step = move |ev: leptos::ev::KeyboardEvent| {
        let now = selected.get_untracked();
        let next = match ev.key().as_str() {
            "ArrowRight" => {
                if now == last {
                    0
                } else {
                    now + 1
                }
            }
            "ArrowLeft" => {
                if now == 0 {
                    last
                } else {
                    now - 1
                }
            }
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        ev.prevent_default();
        selected.set(next);
        focus(&format!("{id}-t{next}"));
    };
    view! { <div class="tabs" role="tablist" aria-label=label on:keydown=step>{buttons}</div> }
}

/// What tab `n` of the [`Tabs`] with the same id shows.
#[component]
pub fn TabPanel(
    /// The id of the tabs.
    #[prop(into)]
    id: String,
    /// Which tab, from 0.
    n: usize,
    /// Which is shown.
    #[prop(into)]
    selected: RwSignal<usize>,
    /// What it shows.
    children: Children,
) -> impl IntoView {
    view! {
        <div role="tabpanel" id=format!("{id}-p{n}") aria-labelledby=format!("{id}-t{n}") tabindex="0" hidden=move || selected.get() != n>
            {children()}
        </div>
    }
}
