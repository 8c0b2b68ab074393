//! The recent events that the editor works with.

use event_actions::engine::{Caller, Engine};
use event_actions::model::ApiError;
use event_actions::model::event::Event;
use event_actions::model::page::PageRequest;
use event_actions::model::testing::EventFilter;

/// Most patterns that are asked for one by one.
const MAX_PATTERNS: usize = 20;
/// Most bytes of payload that are sent to the browser.
const MAX_BYTES: usize = 1 << 20;

/// The latest events that any of these patterns covers, latest first, as far as they fit into about a megabyte.
///
/// # Errors
/// 403 without `events:read`, 422 for a bad pattern.
pub async fn recent_events(engine: &Engine, caller: &Caller, patterns: &[String], limit: u32) -> Result<Vec<Event>, ApiError> {
    let mut all: Vec<Event> = Vec::new();
    for pattern in patterns.iter().take(MAX_PATTERNS) {
        let filter = EventFilter { event_type: Some(pattern.clone()).filter(|p| p != "*"), ..EventFilter::default() };
        let page = engine.list_events(caller, filter, PageRequest { limit: Some(limit), cursor: None }).await?;
        all.extend(page.items);
    }
    all.sort_by(|a, b| (b.received_at, &b.id).cmp(&(a.received_at, &a.id)));
    all.dedup_by(|a, b| a.id == b.id && a.tenant_id == b.tenant_id);
    all.truncate(limit as usize);
    let mut left = MAX_BYTES;
    all.retain(|event| match left.checked_sub(event.data.to_string().len() + event.metadata.to_string().len()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    Ok(all)
}
