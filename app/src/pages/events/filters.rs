//! What the list of events is filtered by. All of it lives in the URL.

use event_actions::model::Timestamp;
use event_actions::model::event::pattern_fault;
use event_actions::model::testing::EventFilter;
use leptos::prelude::*;

use crate::components::filter_bar::{FilterBar, SearchField};
use crate::components::time::Zone;
use crate::pages::admin::address;
use crate::pages::range::Range;

/// The filters of one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// A type, or a pattern such as `user.*`.
    pub event_type: String,
    /// The thing it is about.
    pub aggregate: String,
    /// What ties events together.
    pub correlation: String,
    /// When it was received.
    pub range: Range,
    /// Which page.
    pub cursor: Option<String>,
}

impl Asked {
    /// Reads the URL.
    #[must_use]
    pub fn of(query: impl Fn(&str) -> String) -> Self {
        let word = |name: &str| query(name).trim().to_owned();
        Self {
            event_type: word("event_type"),
            aggregate: word("aggregate_id"),
            correlation: word("correlation_id"),
            range: Range::of(&query),
            cursor: Some(word("cursor")).filter(|c| !c.is_empty()),
        }
    }

    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let mut pairs = vec![("event_type", self.event_type.as_str()), ("aggregate_id", &self.aggregate), ("correlation_id", &self.correlation)];
        pairs.extend(self.range.pairs());
        pairs
    }

    /// Whether anything is filtered.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }

    /// The same list from another cursor.
    #[must_use]
    pub fn href(&self, cursor: Option<&str>) -> String {
        let mut pairs = self.pairs();
        pairs.extend(cursor.map(|c| ("cursor", c)));
        address("/events", &pairs)
    }

    /// Why the type cannot be searched for; none when it can.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if self.event_type.is_empty() { None } else { pattern_fault(&self.event_type) }
    }

    /// The filter for the engine.
    #[must_use]
    pub fn filter(&self, now: Timestamp, zone: Zone) -> EventFilter {
        let given = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        let (from, to) = self.range.bounds(now, zone);
        EventFilter { event_type: given(&self.event_type), aggregate_id: given(&self.aggregate), correlation_id: given(&self.correlation), from, to, tenant_id: None }
    }

    /// What hides everything, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        if !self.is_any() {
            return "There is nothing older.".to_owned();
        }
        let set = self.pairs().iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| format!("{}: {v}", n.trim_end_matches("_id").replace('_', " "))).collect::<Vec<_>>().join(", ");
        format!("No stored event has all of these: {set}.")
    }
}

/// The bar above the list.
#[component]
pub fn Bar(
    /// What is filtered by now.
    asked: Asked,
    /// The reader's zone.
    zone: Zone,
) -> impl IntoView {
    let clear = asked.is_any().then(|| "/events".to_owned());
    let open = asked.range.has_instants() || !asked.correlation.is_empty();
    view! {
        <FilterBar label="Filter events" action="/events" clear=clear>
            <SearchField label="Event type or pattern" name="event_type" placeholder="Type, such as order.*" value=asked.event_type.clone()/>
            <SearchField label="Aggregate id" name="aggregate_id" placeholder="Aggregate id" value=asked.aggregate.clone()/>
            {asked.range.spans()}
            <details class="filters-more" open=open>
                <summary class="facet">"More filters"</summary>
                <div class="filters">
                    <SearchField label="Correlation id" name="correlation_id" placeholder="Correlation id" value=asked.correlation.clone()/>
                    {asked.range.instants(zone)}
                </div>
            </details>
        </FilterBar>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_go_through_the_url() {
        let asked = Asked::of(|name| match name {
            "event_type" => " order.* ".to_owned(),
            "range" => "1h".to_owned(),
            "cursor" => "abc".to_owned(),
            _ => String::new(),
        });
        assert_eq!(asked.href(Some("x y")), "/events?event_type=order.%2A&range=1h&cursor=x%20y");
        assert_eq!(asked.filter(Timestamp(10_000_000), Zone::UTC).from, Some(Timestamp(6_400_000)));
        assert!(asked.is_any() && asked.fault().is_none() && !Asked::default().is_any());
        assert!(Asked { event_type: "*x".into(), ..Asked::default() }.fault().is_some());
        assert!(asked.sentence().contains("event type: order.*"));
    }
}
