//! What a form did, said once on the page that follows; and what it refused, on the page shown again.

use axum::http::request::Parts;
use leptos::prelude::*;

use crate::components::feedback::ErrorSummary;
use crate::components::format::plural;
use crate::components::toast::{Toast, Toasts};
use crate::forms_events::{Refused, segment};
use crate::islands::flash::FlashAway;
use crate::shell::query;

/// What came with the request when a page is shown again after a post.
#[must_use]
pub fn kept<T: Clone + Send + Sync + 'static>() -> Option<T> {
    use_context::<Parts>().and_then(|parts| parts.extensions.get::<T>().cloned())
}

/// The sentence for a word in the address; `matched` is how many actions matched.
fn sentence(done: &str, matched: Option<i64>) -> Option<String> {
    let actions = || match matched {
        None => String::new(),
        Some(0) => " No action matched.".to_owned(),
        Some(n) => format!(" {} matched.", plural(n, "action", "actions")),
    };
    Some(match done {
        "sent" => format!("Sent.{}", actions()),
        "known" => "This event had been sent before; this is the one that is stored.".to_owned(),
        "event_replayed" => format!("Replayed: this is the new event.{}", actions()),
        "replayed" => "Replayed as a new execution.".to_owned(),
        "cancelled" => "Cancelled.".to_owned(),
        "stopping" => "Asked to stop; a running attempt ends within seconds.".to_owned(),
        "discarded" => "Discarded. The execution stays in the history.".to_owned(),
        _ => return None,
    })
}

/// The toast of this page, and the refusal of a button, if there is one.
pub fn flash() -> impl IntoView {
    let refusal = kept::<Refused>().map(|Refused(error)| {
        let title = error.detail.clone();
        view! { <ErrorSummary error=error title=title/> }
    });
    let new = query("new");
    let toast = sentence(&query("done"), query("n").parse().ok()).map(|text| {
        let link = (!new.is_empty()).then(|| view! { <a href=format!("/executions/{}", segment(&new))>"Open it"</a> });
        view! { <Toasts><Toast text=text>{link}</Toast><FlashAway/></Toasts> }
    });
    view! { {refusal} {toast} }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn only_known_words_are_said() {
        assert_eq!(sentence("sent", Some(1)).as_deref(), Some("Sent. 1 action matched."));
        assert_eq!(sentence("sent", Some(0)).as_deref(), Some("Sent. No action matched."));
        assert_eq!(sentence("<b>", None), None);
    }
}
