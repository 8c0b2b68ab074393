//! The command line for the event in the form, following what is typed.

use leptos::prelude::*;

use crate::components::curl::{EventFields, send_event};

/// The command line. What the server made of the form stays without JavaScript, and while the JSON is half typed.
#[island]
pub fn SendCurl(
    /// The public address of the service.
    base: String,
    /// The command line that the page began with.
    first: String,
) -> impl IntoView {
    let text = RwSignal::new(first);
    Effect::new(move |_| {
        let base = base.clone();
        listen(move |fields| {
            if let Some(body) = fields.body() {
                text.set(send_event(&base, &body));
            }
        });
    });
    view! { <div class="code code-plain" id="send-curl">{move || text.get().lines().map(|line| view! { <span>{line.to_owned()}</span> }).collect_view()}</div> }
}

/// Calls with the form's fields whenever one of them changes.
fn listen(call: impl Fn(EventFields) + 'static) {
    #[cfg(feature = "hydrate")]
    {
        let value = |name: &str| {
            let element = leptos::prelude::document().get_element_by_id(&format!("f-{name}"));
            element.and_then(|e| js_sys::Reflect::get(&e, &"value".into()).ok()).and_then(|v| v.as_string()).unwrap_or_default()
        };
        let handle = window_event_listener(leptos::ev::input, move |_| {
            call(EventFields {
                event_type: value("event_type"),
                aggregate_type: value("aggregate_type"),
                aggregate_id: value("aggregate_id"),
                correlation_id: value("correlation_id"),
                data: value("data"),
                metadata: value("metadata"),
            });
        });
        // As long as the page.
        std::mem::forget(handle);
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = call;
}
