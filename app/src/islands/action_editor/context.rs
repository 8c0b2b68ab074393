//! The section "Context": what the event's metadata must say.

use leptos::prelude::*;

use super::rows::Rows;
use crate::islands::desk::Desk;

/// The fields of the section.
#[component]
pub fn ContextFields(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    let error = desk.error("/context_filters");
    let tenant = desk.seed.with_value(|s| s.tenant.clone());
    view! {
        <div class="stack-8">
            <Rows desk=desk pointer="/context_filters" what="Key" several=true/>
            {move || error.get().map(|text| view! { <p class="hint hint-bad">{text}</p> })}
            <p class="hint">"Every key must be in the event’s metadata and have one of its values. Tenant "<code>{tenant}</code>" is always checked."</p>
        </div>
    }
}
