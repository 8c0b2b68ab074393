//! What is shown where no page is.

use axum::http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use super::PageTitle;
use crate::components::button::ButtonLink;
use crate::components::feedback::Empty;
use crate::components::icon;
use crate::components::page_head::PageHead;

/// Answers 404, with a way on.
#[component]
pub fn NotFound(
    /// What is not there, in a sentence.
    #[prop(optional, into)]
    text: String,
) -> impl IntoView {
    if let Some(options) = use_context::<ResponseOptions>() {
        options.set_status(StatusCode::NOT_FOUND);
    }
    let text = if text.is_empty() { "There is no page at this address. It may have been deleted, or belong to another tenant.".to_owned() } else { text };
    view! {
        <PageTitle text="Not found"/>
        <PageHead title="Not found"/>
        <section class="panel">
            <Empty icon=icon::QUESTION title="There is nothing here" text=text><ButtonLink href="/">"To the overview"</ButtonLink></Empty>
        </section>
    }
}
