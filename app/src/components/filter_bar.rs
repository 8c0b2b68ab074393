//! The filter bar: a GET form, so that filters live in the URL and work without JavaScript.

use leptos::prelude::*;

use super::button::Button;
use super::icon::{self, Icon};

/// The bar. `clear` is the URL without filters, offered when some are set.
#[component]
pub fn FilterBar(
    /// What is filtered, such as "Filter actions".
    #[prop(into)]
    label: String,
    /// The list's path, such as `/actions`.
    #[prop(into)]
    action: String,
    /// The URL without filters; none when none is set.
    #[prop(optional_no_strip)]
    clear: Option<String>,
    /// Search fields, facets, segmented links.
    children: Children,
) -> impl IntoView {
    view! {
        <form class="filters" role="search" method="get" action=action aria-label=label>
            {children()}
            <Button submit=true>"Apply"</Button>
            {clear.map(|href| view! { <a class="small" href=href>"Clear"</a> })}
        </form>
    }
}

/// A search field.
#[component]
pub fn SearchField(
    /// What can be searched for, read out.
    #[prop(into)]
    label: String,
    /// The name in the URL.
    #[prop(default = "q")]
    name: &'static str,
    /// The text searched for now.
    #[prop(optional, into)]
    value: String,
    /// Shown while it is empty.
    #[prop(optional, into)]
    placeholder: String,
) -> impl IntoView {
    view! {
        <div class="search">
            <Icon of=icon::SEARCH/>
            <input class="input" type="search" name=name aria-label=label placeholder=placeholder value=value/>
        </div>
    }
}

/// One filter: dashed until set. The first choice stands for "any".
#[component]
pub fn Facet(
    /// What is filtered by, such as "Status".
    #[prop(into)]
    label: String,
    /// The name in the URL.
    #[prop(into)]
    name: String,
    /// The choices, as value and words, without "any".
    options: Vec<(String, String)>,
    /// The value set; empty for any.
    #[prop(optional, into)]
    value: String,
) -> impl IntoView {
    let set = !value.is_empty();
    let choices = options
        .into_iter()
        .map(|(word, text)| {
            let selected = word == value;
            view! { <option value=word selected=selected>{text}</option> }
        })
        .collect_view();
    view! {
        <label class=if set { "facet is-set" } else { "facet" }>
            {(!set).then(|| view! { <Icon of=icon::PLUS size=14/> })}
            <span>{label}</span>
            <select name=name>
                <option value="" selected=!set>"any"</option>
                {choices}
            </select>
        </label>
    }
}
