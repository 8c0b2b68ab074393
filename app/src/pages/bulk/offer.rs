//! The button above a filtered list that leads to the replay of all of it.

use event_actions::engine::{Caller, Engine};
use event_actions::model::ApiError;
use event_actions::model::access::Scope;
use event_actions::model::bulk::BulkFilter;
use event_actions::model::execution::ExecutionFilter;
use leptos::prelude::*;

use crate::components::button::ButtonLink;
use crate::components::format::count;
use crate::components::icon;

/// From here on a list says "over"; the exact number stands beside the question.
const MOST: u32 = 1_000;

/// What a list offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    words: String,
    href: String,
}

/// The replay of all that a list is filtered to: with its number where the list is about one finished state, else without one.
/// None for those who may not, for executions under way, and where there is nothing to replay.
///
/// # Errors
/// The engine's.
pub async fn offer(engine: &Engine, caller: &Caller, list: &ExecutionFilter, query: &str) -> Result<Option<Offer>, ApiError> {
    let Some(filter) = BulkFilter::of_list(list).filter(|f| caller.may(Scope::ExecutionsWrite) && f.validate().0.is_empty()) else { return Ok(None) };
    let href = format!("/bulk/new?{query}");
    if list.status.is_none() && !list.unhandled_only {
        // Without a state the list itself costs nothing to find; counting the failed ones would.
        return Ok(Some(Offer { words: "Replay failed ones".to_owned(), href }));
    }
    let total = engine.count_bulk_replay_up_to(caller, &filter, MOST + 1).await?;
    // The state alone, on the list that has only that one, is no filter.
    let is_filtered = query != "status=dead_letter";
    Ok(words(total, is_filtered).map(|words| Offer { words, href }))
}

fn words(total: i64, is_filtered: bool) -> Option<String> {
    let matching = if is_filtered { " matching the filter" } else { "" };
    match total {
        0 => None,
        1 => Some(format!("Replay the one{matching}")),
        n if n > i64::from(MOST) => Some(format!("Replay all, over {}{matching}", count(i64::from(MOST)))),
        n => Some(format!("Replay all {}{matching}", count(n))),
    }
}

/// The button.
pub fn button(offer: Option<Offer>) -> impl IntoView {
    offer.map(|Offer { words, href }| view! { <ButtonLink href=href icon=icon::RETRY>{words}</ButtonLink> })
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn the_number_is_on_the_button() {
        for (total, is_filtered, text) in [
            (1, true, "Replay the one matching the filter"),
            (12, true, "Replay all 12 matching the filter"),
            (12, false, "Replay all 12"),
            (1_001, true, "Replay all, over 1,000 matching the filter"),
        ] {
            assert_eq!(words(total, is_filtered).as_deref(), Some(text));
        }
        assert_eq!(words(0, true), None);
    }
}
