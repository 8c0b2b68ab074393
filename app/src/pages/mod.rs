//! One file per page. Pages are made on the server alone and call the engine directly.

use std::future::Future;

use event_actions::engine::{Caller, Engine};
use event_actions::http::error::status_of;
use event_actions::model::{ApiError, ErrorKind};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;

use crate::components::escape::escape;
use crate::components::feedback::{Callout, CalloutKind};
use crate::components::page_head::PageHead;

pub mod action;
pub mod action_edit;
pub mod actions;
pub mod admin;
pub mod alert_rules;
pub mod alerts;
pub mod audit;
pub mod bulk;
pub mod components;
pub mod dead_letters;
pub mod event;
pub mod events;
pub mod execution;
pub mod executions;
pub mod flash;
pub mod functions;
pub mod handlers;
pub mod installation;
pub mod invitation;
pub mod keys;
pub mod library;
pub mod login;
pub mod mailbox;
pub mod not_found;
pub mod overview;
pub mod range;
pub mod secrets;
pub mod settings;
pub mod setup;
pub mod templates;
pub mod tenants;
pub mod users;
pub mod words;

/// The engine and the caller of this page.
///
/// # Errors
/// 500 when the request's context is missing, which only a wiring fault can cause.
pub fn asked() -> Result<(Engine, Caller), ApiError> {
    use_context::<Engine>().zip(use_context::<Caller>()).ok_or_else(ApiError::internal)
}

/// A page whose data is read first. A refusal becomes a page of its own, with its status.
pub fn page<V: IntoView + 'static>(content: impl Future<Output = Result<V, ApiError>> + Send + 'static) -> impl IntoView {
    view! {
        <Suspense>
            {Suspend::new(async move {
                match content.await {
                    Ok(view) => view.into_any(),
                    Err(error) => refusal(error),
                }
            })}
        </Suspense>
    }
}

/// What stands in place of a page that cannot be shown.
fn refusal(error: ApiError) -> AnyView {
    if error.kind == ErrorKind::NotFound {
        return view! { <not_found::NotFound text=error.detail/> }.into_any();
    }
    let (status, title) = status_of(error.kind);
    if let Some(options) = use_context::<ResponseOptions>() {
        options.set_status(status);
    }
    view! {
        <PageTitle text=title/>
        <PageHead title=title/>
        <Callout kind=CalloutKind::Fault><p>{error.detail}</p></Callout>
        <p><a href="">"Try again"</a></p>
    }
    .into_any()
}

/// The title in the browser's tab. Leptos writes it as it is, so it is escaped here: names of things come from people.
#[component]
pub fn PageTitle(
    /// The page's own part.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <Title text=escape(&format!("{text} · Event Actions"))/> }
}
