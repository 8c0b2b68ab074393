//! The time that the overview shows: a window that ends now, or a range of one's own; how it is chosen and how it reads.

use event_actions::model::stats::{Period, Stats, Window};
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;

use crate::components::button::Button;
use crate::components::segmented::{Choice, SegmentedLinks};
use crate::components::time::Zone;
use crate::pages::range::Range;
use crate::session::encode;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 1_440;

/// What the address asks for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) period: Period,
    range: Range,
    zone: Zone,
}

impl Asked {
    /// Reads the address. A word that is no window counts as not given.
    ///
    /// # Errors
    /// 422 for a range that is empty, lies ahead or is too long.
    pub(super) fn of(query: &impl Fn(&str) -> String, now: Timestamp, zone: Zone) -> Result<Self, ApiError> {
        let range = Range::of(query);
        let (from, to) = if range.has_instants() { range.bounds(now, zone) } else { (None, None) };
        let window = if from.is_none() && to.is_none() { Window::parse(&range.span) } else { None };
        Ok(Self { period: Period::of(window, from, to, now)?, range, zone })
    }

    /// The choice of windows, and the fields for a range of one's own.
    pub(super) fn chooser(&self) -> impl IntoView + use<> {
        let current = if let Period::Window(window) = self.period { Some(window) } else { None };
        let choices = Window::ALL.into_iter().map(|w| Choice::new(short(w), format!("/?range={}", w.name()), current == Some(w))).collect();
        let (open, instants) = (current.is_none(), self.range.instants(self.zone));
        view! {
            <SegmentedLinks label="Range" choices=choices/>
            <details class="filters-more own-range" open=open>
                <summary class="facet">"Custom"</summary>
                <form class="filters" method="get" action="/" aria-label="Range of your own">{instants}<Button submit=true>"Show"</Button></form>
            </details>
        }
    }
}

const fn short(window: Window) -> &'static str {
    match window {
        Window::Quarter => "15 m",
        Window::Hour => "1 h",
        Window::Day => "24 h",
        Window::Week => "7 d",
    }
}

/// How the time that is shown reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// Such as "Last 24 hours".
    pub(super) label: String,
    /// The same time as parameters of a list's address.
    pub(super) query: String,
    /// The length of one interval.
    pub(super) step_ms: i64,
    /// Whether it is a range of one's own, which live numbers say nothing about.
    pub(super) is_own: bool,
    is_long: bool,
    zone: Zone,
}

impl Shown {
    pub(super) fn of(stats: &Stats, asked: &Asked) -> Self {
        let step = stats.series.get(1).zip(stats.series.first()).map(|(b, a)| b.at.millis() - a.at.millis());
        let zone = asked.zone;
        let (label, is_own) = match asked.period {
            Period::Window(Window::Quarter) => ("Last 15 minutes".to_owned(), false),
            Period::Window(Window::Hour) => ("Last hour".to_owned(), false),
            Period::Window(Window::Day) => ("Last 24 hours".to_owned(), false),
            Period::Window(Window::Week) => ("Last 7 days".to_owned(), false),
            Period::Range { from, to } => (format!("{} to {}", zone.day_minute(from), zone.day_minute(to)), true),
        };
        let query = match asked.period {
            Period::Window(window) => format!("range={}", window.name()),
            Period::Range { from, to } => format!("from={}&to={}", encode(&from.to_string()), encode(&to.to_string())),
        };
        let minutes = (stats.to.millis() - stats.from.millis()) / MINUTE_MS;
        Self { label, query, step_ms: step.unwrap_or(stats.window.step_minutes() * MINUTE_MS), is_own, is_long: minutes > DAY_MINUTES + 60, zone }
    }

    /// What one interval covers, and the zone.
    pub(super) fn per(&self) -> String {
        let words = match self.step_ms / MINUTE_MS {
            1 => "per minute".to_owned(),
            30 => "per half hour".to_owned(),
            60 => "per hour".to_owned(),
            DAY_MINUTES => "per day".to_owned(),
            minutes => format!("per {} hours", minutes / 60),
        };
        format!("{words}, {}", self.zone.label())
    }

    /// The words under a time axis.
    pub(super) fn axis(&self, at: Timestamp) -> String {
        if self.is_long { self.zone.day(at) } else { self.zone.minute(at) }
    }

    /// The word of a row, which tells days apart where it needs to.
    pub(super) fn row(&self, at: Timestamp) -> String {
        if self.is_long { self.zone.day_minute(at) } else { self.zone.minute(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ones_own_wins() {
        let now = Timestamp::parse("2026-11-24T00:00:00Z").unwrap_or_default();
        let asked = |pairs: &'static [(&'static str, &'static str)]| {
            Asked::of(&|name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()).unwrap_or_default(), now, Zone::UTC)
        };
        assert!(matches!(asked(&[("range", "1h")]).map(|a| a.period), Ok(Period::Window(Window::Hour))));
        assert!(matches!(asked(&[("range", "nonsense")]).map(|a| a.period), Ok(Period::Window(Window::Day))));
        let own = asked(&[("range", "1h"), ("from", "2026-11-20T00:00"), ("to", "2026-11-21T12:00")]).expect("a range");
        let shown = Shown::of(&Stats { from: Timestamp(0), to: Timestamp(36 * 3_600_000), ..Stats::default() }, &own);
        assert_eq!((shown.label.as_str(), shown.is_own, shown.is_long), ("20 Nov 00:00 to 21 Nov 12:00", true, true));
        assert_eq!(shown.query, "from=2026-11-20T00%3A00%3A00.000Z&to=2026-11-21T12%3A00%3A00.000Z");
        assert!(asked(&[("from", "2027-01-01T00:00")]).is_err(), "ahead");
    }
}
