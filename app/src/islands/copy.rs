//! A button that copies what stands elsewhere on the page. Without JavaScript it is not there.

use std::time::Duration;

use leptos::prelude::*;

use crate::components::browser::copy;
use crate::components::icon::{self, Icon};

/// How long it says that it copied.
const SAYS: Duration = Duration::from_secs(2);

/// The button.
#[island]
pub fn CopyFrom(
    /// The id of the element whose text is copied.
    of: String,
    /// Its words, such as "Copy as curl"; with `small` only read out.
    label: String,
    /// An icon alone, 24 px.
    small: bool,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let press = move |_| {
        if let Some(text) = text_of(&of) {
            copy(&text);
            copied.set(true);
            set_timeout(move || copied.set(false), SAYS);
        }
    };
    let glyph = move || view! { <Icon of=if copied.get() { icon::CHECK } else { icon::COPY }/> };
    if small {
        view! { <button type="button" class="ibtn ibtn-24 tw:noscript:hidden" aria-label=label.clone() title=label on:click=press>{glyph}</button> }.into_any()
    } else {
        view! { <button type="button" class="btn btn-s tw:noscript:hidden" on:click=press>{glyph}{move || if copied.get() { "Copied".to_owned() } else { label.clone() }}</button> }
            .into_any()
    }
}

fn text_of(id: &str) -> Option<String> {
    #[cfg(feature = "hydrate")]
    {
        use wasm_bindgen::JsCast;
        let element = leptos::prelude::document().get_element_by_id(id)?.dyn_into::<web_sys::HtmlElement>().ok()?;
        Some(element.inner_text())
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = id;
        None
    }
}
