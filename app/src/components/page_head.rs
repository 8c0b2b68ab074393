//! What every page has: its head with title and actions, and panels, the only kind of box.

use leptos::prelude::*;

/// The head of a page: where it stands, its title, what can be done.
#[component]
pub fn PageHead(
    /// The title.
    #[prop(into)]
    title: String,
    /// The way here: words and links. One without a link is where the page stands, such as a short id.
    #[prop(optional)]
    crumbs: Vec<(String, String)>,
    /// One line about the page.
    #[prop(optional, into)]
    lede: Option<String>,
    /// Badges and pills beside the title.
    #[prop(optional)]
    beside: Option<AnyView>,
    /// Whether the title is an id, a type or a path.
    #[prop(optional)]
    mono: bool,
    /// The buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let way = (!crumbs.is_empty()).then(|| {
        let links = crumbs.into_iter().enumerate().map(|(n, crumb)| crumb_of(n, crumb)).collect_view();
        view! { <nav class="crumbs" aria-label="Breadcrumb">{links}</nav> }
    });
    view! {
        <div class="page-head">
            <div class="grow">
                {way}
                <div class="row row-wrap"><h1 class=mono.then_some("mono")>{title}</h1>{beside}</div>
                {lede.map(|text| view! { <p class="lede">{text}</p> })}
            </div>
            {children.map(|c| view! { <div class="actions">{c()}</div> })}
        </div>
    }
}

fn crumb_of(n: usize, (text, href): (String, String)) -> impl IntoView {
    let slash = (n > 0).then(|| view! { <span aria-hidden="true">"/"</span> });
    let crumb = if href.is_empty() { view! { <code>{text}</code> }.into_any() } else { view! { <a href=href>{text}</a> }.into_any() };
    view! { {slash}{crumb} }
}

/// A panel with a heading. `id` names the heading.
#[component]
pub fn Panel(
    /// The id of the heading.
    id: &'static str,
    /// The heading.
    #[prop(into)]
    title: String,
    /// A remark at the right of the heading.
    #[prop(optional, into)]
    note: String,
    /// A link or button at the right of the heading.
    #[prop(optional)]
    aside: Option<AnyView>,
    /// Without padding and with a line under the heading, for tables and lists.
    #[prop(optional)]
    flush: bool,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let note = (!note.is_empty()).then(|| view! { <span class="note push">{note}</span> });
    view! {
        <section class="panel" aria-labelledby=id>
            <div class="panel-head"><h2 id=id>{title}</h2>{note}{aside.map(|a| view! { <span class="push">{a}</span> })}</div>
            <div class=if flush { "panel-flush" } else { "panel-body" }>{children()}</div>
        </section>
    }
}

/// Facts in one line: a list of [`Fact`]s.
#[component]
pub fn Facts(
    /// The facts.
    children: Children,
) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

/// One fact: a word and its value.
#[component]
pub fn Fact(
    /// The word.
    #[prop(into)]
    label: String,
    /// The value.
    children: Children,
) -> impl IntoView {
    view! { <div><dt>{label}</dt><dd>{children()}</dd></div> }
}

/// Says how fresh the numbers on a page are.
#[component]
pub fn LiveMark(
    /// Whether numbers arrive.
    #[prop(into)]
    live: Signal<bool>,
    /// The words, such as "Live, 2 s ago".
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    view! { <span class="live" class:is-paused=move || !live.get()>{move || text.get()}</span> }
}
