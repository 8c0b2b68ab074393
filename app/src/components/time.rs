//! Instants as people read them: how long ago or at what time, the exact instant with its zone on hover.

use chrono::{FixedOffset, Offset, TimeZone, Utc};
use event_actions::model::Timestamp;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::format::duration;

/// The zone in which times are shown, as a fixed distance from UTC in minutes. Comes from the cookie `tz`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    minutes: i32,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self { minutes: 0 };

    /// A zone `minutes` east of UTC; `None` beyond 14 hours either way.
    #[must_use]
    pub fn east(minutes: i32) -> Option<Self> {
        (minutes.abs() <= 14 * 60).then_some(Self { minutes })
    }

    /// Reads `UTC`, `+02:00` or `-03:30`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if word == "UTC" {
            return Some(Self::UTC);
        }
        let (sign, rest) = match word.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let (h, m): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        if hours.len() == 2 && minutes.len() == 2 && (0..60).contains(&m) && h >= 0 { Self::east(sign * (h * 60 + m)) } else { None }
    }

    /// The word for the cookie: `UTC`, `+02:00`.
    #[must_use]
    pub fn word(self) -> String {
        match self.minutes {
            0 => "UTC".to_owned(),
            m => format!("{}{:02}:{:02}", if m < 0 { '-' } else { '+' }, m.abs() / 60, m.abs() % 60),
        }
    }

    /// The word shown: `UTC`, `UTC+02:00`.
    #[must_use]
    pub fn label(self) -> String {
        match self.minutes {
            0 => "UTC".to_owned(),
            _ => format!("UTC{}", self.word()),
        }
    }

    fn write(self, at: Timestamp, pattern: &str) -> String {
        let offset = FixedOffset::east_opt(self.minutes * 60).unwrap_or_else(|| Utc.fix());
        offset.from_utc_datetime(&at.to_utc().naive_utc()).format(pattern).to_string()
    }

    /// `14:31:52`.
    #[must_use]
    pub fn clock(self, at: Timestamp) -> String {
        self.write(at, "%H:%M:%S")
    }

    /// `14:31`.
    #[must_use]
    pub fn minute(self, at: Timestamp) -> String {
        self.write(at, "%H:%M")
    }

    /// `23 Nov`.
    #[must_use]
    pub fn day(self, at: Timestamp) -> String {
        self.write(at, "%-d %b")
    }

    /// `23 Nov 14:31`.
    #[must_use]
    pub fn day_minute(self, at: Timestamp) -> String {
        self.write(at, "%-d %b %H:%M")
    }

    /// `2026-11-23 14:31:52.418 UTC`: everything, with the zone.
    #[must_use]
    pub fn exact(self, at: Timestamp) -> String {
        format!("{} {}", self.write(at, "%Y-%m-%d %H:%M:%S%.3f"), self.label())
    }
}

/// The zone of this page: the reader's choice, else UTC.
#[must_use]
pub fn use_zone() -> Zone {
    use_context::<Zone>().unwrap_or_default()
}

/// `just now`, `16 s ago`, `in 38 s`.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.millis() - at.millis() {
        ms if ms.abs() < 1_000 => "just now".to_owned(),
        ms if ms < 0 => format!("in {}", whole(-ms)),
        ms => format!("{} ago", whole(ms)),
    }
}

fn whole(ms: i64) -> String {
    duration((ms / 1_000 * 1_000) as f64).replace(".0 s", " s")
}

/// How an instant is written where it stands; the exact one is always on hover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeStyle {
    /// `14:31:52` on the same day as `now`, else `23 Nov 14:31`.
    #[default]
    Clock,
    /// `16 s ago`.
    Ago,
    /// `2026-11-23 14:31:52.418 UTC`.
    Exact,
}

/// An instant.
#[component]
pub fn Time(
    /// Which.
    at: Timestamp,
    /// The moment the page was made; needed for `Ago` and to know today from other days.
    #[prop(optional)]
    now: Timestamp,
    /// How it is written.
    #[prop(optional)]
    style: TimeStyle,
    /// The zone; that of the page when absent. Islands pass it on.
    #[prop(optional)]
    zone: Option<Zone>,
) -> impl IntoView {
    let zone = zone.unwrap_or_else(use_zone);
    let text = match style {
        TimeStyle::Clock if zone.day(at) == zone.day(now) && (now.millis() - at.millis()).abs() < 86_400_000 => zone.clock(at),
        TimeStyle::Clock => zone.day_minute(at),
        TimeStyle::Ago => ago(at, now),
        TimeStyle::Exact => zone.exact(at),
    };
    view! { <time datetime=at.to_string() title=zone.exact(at)>{text}</time> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_read_and_written() {
        for word in ["UTC", "+02:00", "-03:30", "+05:45"] {
            assert_eq!(Zone::parse(word).map(Zone::word).as_deref(), Some(word));
        }
        for word in ["", "+2", "+15:00", "+02:60", "02:00", "+-1:00", "Mars", "é"] {
            assert_eq!(Zone::parse(word), None, "{word}");
        }
    }

    #[test]
    fn instants_follow_the_zone() {
        let at = Timestamp::parse("2026-11-23T23:31:52.418Z").unwrap_or_default();
        let zone = Zone::east(60).unwrap_or_default();
        assert_eq!(zone.exact(at), "2026-11-24 00:31:52.418 UTC+01:00");
        assert_eq!(Zone::UTC.day_minute(at), "23 Nov 23:31");
    }

    #[test]
    fn distances_are_in_words() {
        let now = Timestamp(1_000_000);
        for (at, text) in [(999_500, "just now"), (984_000, "16 s ago"), (1_038_000, "in 38 s"), (995_000, "5 s ago")] {
            assert_eq!(ago(Timestamp(at), now), text);
        }
    }
}
