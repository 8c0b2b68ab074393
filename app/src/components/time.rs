//! Instants as people read them: how long ago or at what time, the exact instant with its zone on hover.

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use event_actions::model::Timestamp;
use leptos::prelude::*;

use super::format::duration;

/// Parts of the world whose zones are offered; the others are old names for the same.
const REGIONS: [&str; 10] = ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// The zone in which times are shown: one of the IANA database, or a fixed distance from UTC in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// A zone with a name, such as `Europe/Stockholm`, with the rules that were in force there.
    Named(Tz),
    /// Minutes east of UTC, not zero.
    Fixed(i32),
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self::Named(Tz::UTC);

    /// A zone `minutes` east of UTC; `None` beyond 14 hours either way.
    #[must_use]
    pub fn east(minutes: i32) -> Option<Self> {
        match minutes {
            0 => Some(Self::UTC),
            m => (m.abs() <= 14 * 60).then_some(Self::Fixed(m)),
        }
    }

    /// Reads `UTC`, `Europe/Stockholm`, `+02:00` or `-03:30`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let (sign, rest) = match word.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return word.parse().ok().map(|tz| if is_utc(tz) { Self::UTC } else { Self::Named(tz) }),
        };
        let (hours, minutes) = rest.split_once(':')?;
        let (h, m): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        if hours.len() == 2 && minutes.len() == 2 && (0..60).contains(&m) && h >= 0 { Self::east(sign * (h * 60 + m)) } else { None }
    }

    /// The zones that are offered: of each part of the world its own, by name.
    #[must_use]
    pub fn offered() -> Vec<(&'static str, Vec<Self>)> {
        let of = |region: &'static str| TZ_VARIANTS.into_iter().filter(|tz| tz.name().split_once('/').is_some_and(|(part, _)| part == region)).map(Self::Named).collect();
        REGIONS.map(|region| (region, of(region))).to_vec()
    }

    /// The word for the cookie: `UTC`, `Europe/Stockholm`, `+02:00`.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Named(tz) => tz.name().to_owned(),
            Self::Fixed(m) => offset_word(m),
        }
    }

    /// The word shown: `UTC`, `Europe/Stockholm`, `UTC+02:00`.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Named(tz) => tz.name().replace('_', " "),
            Self::Fixed(m) => format!("UTC{}", offset_word(m)),
        }
    }

    fn local(self, at: Timestamp) -> DateTime<FixedOffset> {
        let utc = at.to_utc();
        let offset = match self {
            Self::Named(tz) => tz.offset_from_utc_datetime(&utc.naive_utc()).fix(),
            Self::Fixed(m) => FixedOffset::east_opt(m * 60).unwrap_or_else(|| Utc.fix()),
        };
        utc.with_timezone(&offset)
    }

    /// Minutes east of UTC at an instant.
    #[must_use]
    pub fn minutes_east(self, at: Timestamp) -> i32 {
        self.local(at).offset().local_minus_utc() / 60
    }

    /// How far the zone is from UTC at an instant: `UTC`, `UTC+02:00`.
    #[must_use]
    pub fn distance(self, at: Timestamp) -> String {
        match self.minutes_east(at) {
            0 => "UTC".to_owned(),
            m => format!("UTC{}", offset_word(m)),
        }
    }

    /// The instant of a local date and time. Of two (a clock set back) the first; for one that is left out (a clock set forward) the
    /// instant at which it would have been.
    #[must_use]
    pub fn instant(self, local: NaiveDateTime) -> Timestamp {
        let found = match self {
            Self::Named(tz) => match tz.from_local_datetime(&local) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
                LocalResult::None => {
                    let before = local - TimeDelta::days(1);
                    let offset = tz.from_local_datetime(&before).earliest().map_or_else(|| Utc.fix(), |at| at.offset().fix());
                    (local - TimeDelta::seconds(i64::from(offset.local_minus_utc()))).and_utc()
                }
            },
            Self::Fixed(m) => (local - TimeDelta::minutes(i64::from(m))).and_utc(),
        };
        Timestamp(found.timestamp_millis())
    }

    fn write(self, at: Timestamp, pattern: &str) -> String {
        self.local(at).format(pattern).to_string()
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

    /// `2026-11-23T14:31:52`, as a browser's field for date and time takes it.
    #[must_use]
    pub fn field(self, at: Timestamp) -> String {
        self.write(at, "%Y-%m-%dT%H:%M:%S")
    }

    /// `2026-11-23 14:31:52.418 UTC+01:00`: everything, with the distance that was in force.
    #[must_use]
    pub fn exact(self, at: Timestamp) -> String {
        format!("{} {}", self.write(at, "%Y-%m-%d %H:%M:%S%.3f"), self.distance(at))
    }
}

/// Whether a name is one of the many for UTC.
fn is_utc(tz: Tz) -> bool {
    matches!(tz, Tz::UTC | Tz::Etc__UTC | Tz::Etc__UCT | Tz::UCT | Tz::Universal | Tz::Zulu | Tz::Etc__Universal | Tz::Etc__Zulu)
}

fn offset_word(minutes: i32) -> String {
    format!("{}{:02}:{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60)
}

/// The zone of this page: the reader's choice, else the browser's, else UTC.
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
        for word in ["UTC", "+02:00", "-03:30", "+05:45", "Europe/Stockholm", "America/Argentina/Buenos_Aires"] {
            assert_eq!(Zone::parse(word).map(Zone::word).as_deref(), Some(word));
        }
        for word in ["", "+2", "+15:00", "+02:60", "02:00", "+-1:00", "Mars", "é", "europe/stockholm"] {
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
    fn clocks_are_set_forward_and_back() {
        let zone = Zone::parse("Europe/Stockholm").unwrap_or_default();
        let at = |text: &str| Timestamp::parse(text).unwrap_or_default();
        for (utc, local) in [
            ("2026-03-29T00:59:59.999Z", "2026-03-29 01:59:59.999 UTC+01:00"),
            ("2026-03-29T01:00:00.000Z", "2026-03-29 03:00:00.000 UTC+02:00"),
            ("2026-10-25T00:30:00.000Z", "2026-10-25 02:30:00.000 UTC+02:00"),
            ("2026-10-25T01:30:00.000Z", "2026-10-25 02:30:00.000 UTC+01:00"),
        ] {
            assert_eq!(zone.exact(at(utc)), local);
        }
        let local = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap_or_default();
        for (text, utc) in [
            ("2026-07-01T12:00", "2026-07-01T10:00:00Z"),
            ("2026-12-01T12:00", "2026-12-01T11:00:00Z"),
            ("2026-03-29T02:30", "2026-03-29T01:30:00Z"),
            ("2026-10-25T02:30", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(zone.instant(local(text)), at(utc), "{text}");
        }
        let kathmandu = Zone::parse("Asia/Kathmandu").unwrap_or_default();
        assert_eq!(kathmandu.exact(at("2026-01-01T00:00:00Z")), "2026-01-01 05:45:00.000 UTC+05:45");
    }

    #[test]
    fn zones_of_the_world_are_offered() {
        let all = Zone::offered();
        assert_eq!(all.len(), REGIONS.len());
        for (region, zones) in &all {
            assert!(!zones.is_empty() && zones.iter().all(|z| Zone::parse(&z.word()) == Some(*z)), "{region}");
        }
    }

    #[test]
    fn distances_are_in_words() {
        let now = Timestamp(1_000_000);
        for (at, text) in [(999_500, "just now"), (984_000, "16 s ago"), (1_038_000, "in 38 s"), (995_000, "5 s ago")] {
            assert_eq!(ago(Timestamp(at), now), text);
        }
    }
}
