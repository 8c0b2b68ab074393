//! What the list of executions is filtered by. All of it lives in the URL.

use event_actions::model::Timestamp;
use event_actions::model::execution::{ExecutionFilter, Status};
use leptos::prelude::*;

use crate::components::filter_bar::{Facet, FilterBar, SearchField};
use crate::components::status_badge::look_of;
use crate::components::time::Zone;
use crate::pages::admin::address;
use crate::pages::range::Range;
use crate::pages::words::{CLASSES, class_name};

/// The filters of one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// A status's word; `failed` covers dead letters too.
    pub status: String,
    /// An action's id.
    pub action: String,
    /// An event's id.
    pub event: String,
    /// A handler type.
    pub handler: String,
    /// An exact event type.
    pub event_type: String,
    /// The word of a class of errors.
    pub class: String,
    /// Least duration in milliseconds.
    pub slow: String,
    /// When it was made.
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
            status: word("status"),
            action: word("action_id"),
            event: word("event_id"),
            handler: word("handler_type"),
            event_type: word("event_type"),
            class: word("error_class"),
            slow: word("min_duration_ms"),
            range: Range::of(&query),
            cursor: Some(word("cursor")).filter(|c| !c.is_empty()),
        }
    }

    /// The parameters of the URL, without the cursor.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, &str)> {
        let mut pairs = vec![
            ("status", self.status.as_str()),
            ("action_id", &self.action),
            ("event_id", &self.event),
            ("handler_type", &self.handler),
            ("event_type", &self.event_type),
            ("error_class", &self.class),
            ("min_duration_ms", &self.slow),
        ];
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
        address("/executions", &pairs)
    }

    /// The filter for the engine. Words that are none count as not given: a URL by hand still shows a list.
    #[must_use]
    pub fn filter(&self, now: Timestamp, zone: Zone) -> ExecutionFilter {
        let given = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        let (from, to) = self.range.bounds(now, zone);
        ExecutionFilter {
            status: given(&self.status).filter(|s| Status::parse(s).is_some()),
            action_id: given(&self.action),
            event_id: given(&self.event),
            event_type: given(&self.event_type),
            handler_type: given(&self.handler),
            error_class: given(&self.class),
            from,
            to,
            min_duration_ms: self.slow.parse().ok(),
            ..ExecutionFilter::default()
        }
    }

    /// What hides everything, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        if !self.is_any() {
            return "There is nothing older.".to_owned();
        }
        let set = self.pairs().iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| format!("{}: {v}", n.trim_end_matches("_id").replace('_', " "))).collect::<Vec<_>>().join(", ");
        format!("No execution has all of these: {set}.")
    }
}

/// The bar above the list.
#[component]
pub fn Bar(
    /// What is filtered by now.
    asked: Asked,
    /// Actions as id and name.
    actions: Vec<(String, String)>,
    /// Handler types and their names.
    handlers: Vec<(String, String)>,
    /// The reader's zone.
    zone: Zone,
) -> impl IntoView {
    let clear = asked.is_any().then(|| "/executions".to_owned());
    let open = asked.range.has_instants() || [&asked.handler, &asked.class, &asked.slow, &asked.event].iter().any(|v| !v.is_empty());
    let statuses = Status::ALL.map(|s| (s.name().to_owned(), if s == Status::Failed { "Failed, dead letters too".to_owned() } else { look_of(s).2.to_owned() })).to_vec();
    let classes = CLASSES.map(|(class, words)| (class_name(class), words.to_owned())).to_vec();
    let slow = [("100", "over 100 ms"), ("1000", "over 1 s"), ("10000", "over 10 s"), ("60000", "over 1 min")].map(|(ms, text)| (ms.to_owned(), text.to_owned())).to_vec();
    view! {
        <FilterBar label="Filter executions" action="/executions" clear=clear>
            <Facet label="Status" name="status" options=statuses value=asked.status.clone()/>
            <Facet label="Action" name="action_id" options=with(actions, &asked.action) value=asked.action.clone()/>
            <SearchField label="Exact event type" name="event_type" placeholder="Event type" value=asked.event_type.clone()/>
            {asked.range.spans()}
            <details class="filters-more" open=open>
                <summary class="facet">"More filters"</summary>
                <div class="filters">
                    <Facet label="Handler" name="handler_type" options=with(handlers, &asked.handler) value=asked.handler.clone()/>
                    <Facet label="Error" name="error_class" options=with(classes, &asked.class) value=asked.class.clone()/>
                    <Facet label="Duration" name="min_duration_ms" options=with(slow, &asked.slow) value=asked.slow.clone()/>
                    <SearchField label="Event id" name="event_id" placeholder="Event id" value=asked.event.clone()/>
                    {asked.range.instants(zone)}
                </div>
            </details>
        </FilterBar>
    }
}

/// The choices with the one that is set, should it be none of them: a deleted action, a number by hand.
fn with(mut options: Vec<(String, String)>, set: &str) -> Vec<(String, String)> {
    if !set.is_empty() && !options.iter().any(|(word, _)| word == set) {
        options.push((set.to_owned(), set.to_owned()));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_go_through_the_url() {
        let asked = Asked::of(|name| match name {
            "status" => "dead_letter".to_owned(),
            "min_duration_ms" => "1000".to_owned(),
            "from" => "2026-11-23T14:30:00.000Z".to_owned(),
            _ => String::new(),
        });
        assert_eq!(asked.href(Some("c")), "/executions?status=dead_letter&min_duration_ms=1000&from=2026-11-23T14%3A30%3A00.000Z&cursor=c");
        let filter = asked.filter(Timestamp(0), Zone::UTC);
        assert_eq!((filter.status.as_deref(), filter.min_duration_ms, filter.from), (Some("dead_letter"), Some(1_000), Timestamp::parse("2026-11-23T14:30:00Z")));
    }

    #[test]
    fn nonsense_in_the_url_filters_nothing() {
        let asked = Asked { status: "wrong".into(), slow: "very".into(), ..Asked::default() };
        assert_eq!(asked.filter(Timestamp(0), Zone::UTC), ExecutionFilter::default());
        assert_eq!(with(Vec::new(), "x"), [("x".to_owned(), "x".to_owned())]);
    }
}
