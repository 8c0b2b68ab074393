//! The time range of a list: a span that ends now, or two instants. It lives in the URL.

use chrono::NaiveDateTime;
use event_actions::model::Timestamp;
use event_actions::model::stats::Window;
use leptos::prelude::*;

use crate::components::filter_bar::Facet;
use crate::components::time::Zone;

/// What the URL says of time. Instants win over the span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// `15m`, `1h`, `24h`, `7d`, or empty.
    pub span: String,
    /// From this instant on: RFC 3339, or a local date-time in the reader's zone.
    pub from: String,
    /// Before this instant.
    pub to: String,
}

impl Range {
    /// Reads the URL.
    #[must_use]
    pub fn of(query: &impl Fn(&str) -> String) -> Self {
        let word = |name: &str| query(name).trim().to_owned();
        Self { span: word("range"), from: word("from"), to: word("to") }
    }

    /// The parameters of the URL.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, &str); 3] {
        [("range", &self.span), ("from", &self.from), ("to", &self.to)]
    }

    /// Whether the range is given by instants.
    #[must_use]
    pub const fn has_instants(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty()
    }

    /// The instants meant. What cannot be read counts as not given: a URL by hand still shows a list.
    #[must_use]
    pub fn bounds(&self, now: Timestamp, zone: Zone) -> (Option<Timestamp>, Option<Timestamp>) {
        if self.has_instants() {
            return (instant(&self.from, zone), instant(&self.to, zone));
        }
        (Window::parse(&self.span).map(|w| now.plus_ms(-w.minutes() * 60_000)), None)
    }

    /// The filter for a span.
    pub fn spans(&self) -> impl IntoView + use<> {
        let words = [(Window::Quarter, "last 15 min"), (Window::Hour, "last hour"), (Window::Day, "last 24 hours"), (Window::Week, "last 7 days")];
        let options = words.map(|(window, text)| (window.name().to_owned(), text.to_owned())).to_vec();
        view! { <Facet label="Time" name="range" options=options value=if self.has_instants() { String::new() } else { self.span.clone() }/> }
    }

    /// The filters for instants, in the reader's zone.
    pub fn instants(&self, zone: Zone) -> impl IntoView + use<> {
        let field = |label: &'static str, name: &'static str, text: &str| {
            let value = instant(text, zone).map(|at| zone.field(at)).unwrap_or_default();
            let class = if value.is_empty() { "facet" } else { "facet is-set" };
            view! { <label class=class><span>{label}", "{zone.label()}</span><input type="datetime-local" step="1" name=name value=value/></label> }
        };
        view! { {field("From", "from", &self.from)} {field("To", "to", &self.to)} }
    }
}

/// An instant as RFC 3339, or as a date-time without zone, which is the reader's.
#[must_use]
pub fn instant(text: &str, zone: Zone) -> Option<Timestamp> {
    let local = |pattern: &str| NaiveDateTime::parse_from_str(text, pattern).ok().map(|local| zone.instant(local));
    Timestamp::parse(text).or_else(|| local("%Y-%m-%dT%H:%M:%S%.f")).or_else(|| local("%Y-%m-%dT%H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_the_readers_zone() {
        let zone = Zone::east(120).unwrap_or_default();
        let noon = Timestamp::parse("2026-11-23T12:00:00Z");
        for text in ["2026-11-23T12:00:00.000Z", "2026-11-23T14:00", "2026-11-23T14:00:00", "2026-11-23T14:00:00+02:00"] {
            assert_eq!(instant(text, zone), noon, "{text}");
        }
        assert_eq!(instant("soon", zone), None);
        assert_eq!(noon.map(|at| zone.field(at)).as_deref(), Some("2026-11-23T14:00:00"));
    }

    #[test]
    fn instants_win_over_the_span() {
        let now = Timestamp(10_000_000);
        let range = Range { span: "15m".into(), ..Range::default() };
        assert_eq!(range.bounds(now, Zone::UTC), (Some(Timestamp(9_100_000)), None));
        let range = Range { from: "1970-01-01T00:00:01Z".into(), ..range };
        assert_eq!(range.bounds(now, Zone::UTC), (Some(Timestamp(1_000)), None));
        assert_eq!(Range { span: "1y".into(), ..Range::default() }.bounds(now, Zone::UTC), (None, None));
    }
}
