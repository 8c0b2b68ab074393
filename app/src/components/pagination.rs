//! Pages of a list: newer and older, by cursor, as links. A list that fits on one page has none.

use leptos::prelude::*;

use super::icon::{self, Icon};

/// The foot of a list.
#[component]
pub fn Pagination(
    /// What is shown, such as "50 of 1,284".
    #[prop(into)]
    text: String,
    /// The URL of the first page; none on it.
    #[prop(optional_no_strip)]
    first: Option<String>,
    /// The URL of the next page; none on the last.
    #[prop(optional_no_strip)]
    older: Option<String>,
) -> impl IntoView {
    if first.is_none() && older.is_none() {
        return view! { <p class="pager">{text}</p> }.into_any();
    }
    view! {
        <nav class="pager" aria-label="Pages">
            <span>{text}</span>
            <span class="push row">{step(first, true)}{step(older, false)}</span>
        </nav>
    }
    .into_any()
}

fn step(href: Option<String>, back: bool) -> AnyView {
    let (of, text) = if back { (icon::BACK, "Newest") } else { (icon::ARROW, "Older") };
    match href {
        Some(href) => view! { <a class="btn btn-s" href=href rel=if back { "prev" } else { "next" }><Icon of=of/>{text}</a> }.into_any(),
        None => view! { <button type="button" class="btn btn-s" disabled=true><Icon of=of/>{text}</button> }.into_any(),
    }
}
