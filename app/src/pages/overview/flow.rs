//! Where events stop: the gates, counted over a sample of recent events, by the evaluator that production uses.

use event_actions::engine::{Caller, Engine};
use event_actions::matching::explain;
use event_actions::model::action::ActionFilter;
use event_actions::model::page::PageRequest;
use event_actions::model::testing::{EventFilter, StoppedAt};
use event_actions::model::{ApiError, ErrorKind};
use leptos::prelude::*;

use crate::components::format::{count, plural};
use crate::components::gate_row::GateFlow;

/// Actions looked at, the latest first.
const ACTIONS: u32 = 200;
/// Events looked at, the latest first, where few actions are.
const EVENTS: u32 = 200;
/// Pairs of an action and an event that are judged at most, so that the page stays fast.
const PAIRS: u32 = 2_000;

/// The gates counted over the sample.
pub(super) struct Flow {
    actions: i64,
    /// How many actions there are in all.
    of: i64,
    events: i64,
    stopped: Vec<StoppedAt>,
}

/// How many events are judged against so many actions.
fn events_for(actions: u32) -> u32 {
    (PAIRS / actions.max(1)).clamp(1, EVENTS)
}

/// Judges the sample; none without actions or events, or for who may not see events.
pub(super) async fn read(engine: &Engine, caller: &Caller) -> Result<Option<Flow>, ApiError> {
    let actions = engine.list_actions(caller, ActionFilter::default(), PageRequest { limit: Some(ACTIONS), cursor: None }).await?;
    let some = PageRequest { limit: Some(events_for(actions.items.len() as u32)), cursor: None };
    let events = match engine.list_events(caller, EventFilter::default(), some).await {
        Ok(page) => page.items,
        Err(e) if e.kind == ErrorKind::Forbidden => Vec::new(),
        Err(e) => return Err(e),
    };
    if actions.items.is_empty() || events.is_empty() {
        return Ok(None);
    }
    let mut stopped: Vec<StoppedAt> = Vec::new();
    for gate in events.iter().flat_map(|e| actions.items.iter().filter_map(move |a| explain(&a.definition, e).stopped_at)) {
        match stopped.iter_mut().find(|s| s.gate == gate) {
            Some(s) => s.count += 1,
            None => stopped.push(StoppedAt { gate, count: 1 }),
        }
    }
    let here = actions.items.len() as i64;
    Ok(Some(Flow { actions: here, of: actions.total.map_or(here, |n| n as i64), events: events.len() as i64, stopped }))
}

/// The panel.
pub(super) fn flow(of: Flow) -> impl IntoView {
    let actions = if of.actions < of.of { format!("the latest {} of {} actions", count(of.actions), count(of.of)) } else { plural(of.actions, "action", "actions") };
    let note = format!("a sample, recomputed: {} as they are now, asked about the last {}; limits and rendering are not looked at", actions, plural(of.events, "event", "events"));
    view! {
        <section class="panel" aria-labelledby="c-flow">
            <div class="panel-head"><h2 id="c-flow">"Where events stop"</h2><span class="note">{note}</span></div>
            <div class="panel-body"><GateFlow considered=(of.actions * of.events) as usize stopped=of.stopped word="Would run"/></div>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_actions_are_asked_about_fewer_events() {
        assert_eq!((events_for(0), events_for(4), events_for(36), events_for(200)), (200, 200, 55, 10));
    }
}
