//! The time that statistics cover: one of the named windows, or a range of one's own.

use super::Window;
use crate::model::{ApiError, Timestamp};

/// Longest range in days.
pub const MAX_RANGE_DAYS: i64 = 400;
/// Days for which minutes and half hours are told apart.
pub const FINE_DAYS: i64 = 7;

const DAY_MINUTES: i64 = 1_440;

/// Which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A window that ends now.
    Window(Window),
    /// From one instant to another, widened to whole intervals.
    Range {
        /// The beginning.
        from: Timestamp,
        /// The end, later than the beginning.
        to: Timestamp,
    },
}

impl From<Window> for Period {
    fn from(window: Window) -> Self {
        Self::Window(window)
    }
}

/// A period in whole Unix minutes, cut into intervals of the same length that begin at round times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first minute; a multiple of the step.
    pub from: i64,
    /// The minute behind the last.
    pub to: i64,
    /// The length of an interval in minutes: 1, 30, or a multiple of 60 that divides a day.
    pub step: i64,
    /// The window, or the one that comes closest.
    pub window: Window,
}

impl Period {
    /// The period that a request asks for: `window`, or `from` with or without `to`; the last day when it says nothing.
    ///
    /// # Errors
    /// 422 when it names a window and a range, the range is empty, lies ahead or is longer than 400 days.
    pub fn of(window: Option<Window>, from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> Result<Self, ApiError> {
        let (from, to) = match (from, to) {
            (None, None) => return Ok(Self::Window(window.unwrap_or_default())),
            (None, Some(_)) => return Err(ApiError::invalid("/from", "missing", "A range needs from; to is now when it is absent.")),
            (Some(from), to) => (from, to.unwrap_or(now)),
        };
        if window.is_some() {
            return Err(ApiError::invalid("/window", "contradiction", "Give window, or from and to, not both."));
        }
        if from >= to || from >= now {
            return Err(ApiError::invalid("/from", "out_of_range", "from must lie before to, and not ahead."));
        }
        let to = Timestamp(to.0.min(now.0));
        if to.0 - from.0 > MAX_RANGE_DAYS * DAY_MINUTES * 60_000 {
            return Err(ApiError::invalid("/from", "out_of_range", format!("A range has at most {MAX_RANGE_DAYS} days.")));
        }
        Ok(Self::Range { from, to })
    }

    /// The whole minutes that it covers.
    #[must_use]
    pub fn span(self, now: Timestamp) -> Span {
        let minute = now.0.div_euclid(60_000);
        match self {
            Self::Window(window) => {
                let step = window.step_minutes();
                let last = minute.div_euclid(step) * step;
                Span { from: last - window.minutes() + step, to: last + step, step, window }
            }
            Self::Range { from, to } => {
                let (first, last) = (from.0.div_euclid(60_000), (to.0 - 1).div_euclid(60_000));
                let step = step_of(last + 1 - first, first < minute - FINE_DAYS * DAY_MINUTES);
                let (from, to) = (first.div_euclid(step) * step, last.div_euclid(step) * step + step);
                let window = Window::ALL.into_iter().find(|w| w.minutes() >= to - from).unwrap_or(Window::Week);
                Span { from, to, step, window }
            }
        }
    }
}

/// The interval for a range of so many minutes: about a hundred of them. What is old is told apart by the hour at best.
const fn step_of(minutes: i64, is_old: bool) -> i64 {
    match (is_old, minutes) {
        (false, ..=120) => 1,
        (false, ..=2_880) => 30,
        (_, ..=5_760) => 60,
        (_, ..=23_040) => 240,
        _ => DAY_MINUTES,
    }
}

impl Span {
    /// The same length just before.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self { from: self.from - (self.to - self.from), to: self.from, ..self }
    }

    /// How many intervals.
    #[must_use]
    pub const fn points(self) -> i64 {
        (self.to - self.from) / self.step
    }

    /// The first minute of the interval that holds `minute`.
    #[must_use]
    pub const fn slot_of(self, minute: i64) -> i64 {
        self.from + (minute - self.from).div_euclid(self.step) * self.step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(n: i64) -> Timestamp {
        Timestamp(n * 60_000)
    }

    #[test]
    fn windows_end_with_the_interval_of_now() {
        let now = Timestamp(100_000 * 60_000 + 59_999);
        for (window, from, to) in [(Window::Quarter, 99_986, 100_001), (Window::Hour, 99_941, 100_001), (Window::Day, 98_580, 100_020), (Window::Week, 90_000, 100_080)] {
            let span = Period::Window(window).span(now);
            assert_eq!((span.from, span.to), (from, to), "{window:?}");
            assert_eq!((span.points() * span.step, span.from % span.step), (window.minutes(), 0), "{window:?}");
            assert_eq!(span.previous().to, span.from);
        }
    }

    #[test]
    fn ranges_are_widened_to_whole_intervals() {
        let now = minutes(1_000_000);
        for (from, to, expected) in [
            (999_905, 999_999, (999_905, 999_999, 1)),
            (999_000, 999_999, (999_000, 1_000_020, 30)),
            (998_999, 999_999, (998_970, 1_000_020, 30)),
            (995_000, 1_000_000, (994_980, 1_000_020, 60)),
            (980_000, 1_000_000, (979_920, 1_000_080, 240)),
            (600_000, 1_000_000, (599_040, 1_000_800, 1_440)),
            (900_000, 900_060, (900_000, 900_060, 60)),
        ] {
            let span = Period::Range { from: minutes(from), to: minutes(to) }.span(now);
            assert_eq!((span.from, span.to, span.step), expected, "{from} to {to}");
        }
    }

    #[test]
    fn what_a_request_may_ask_for() {
        let now = minutes(1_000_000);
        let at = |n| Some(minutes(n));
        assert_eq!(Period::of(None, None, None, now), Ok(Period::Window(Window::Day)));
        assert_eq!(Period::of(Some(Window::Week), None, None, now), Ok(Period::Window(Window::Week)));
        assert_eq!(Period::of(None, at(999_000), None, now), Ok(Period::Range { from: minutes(999_000), to: now }));
        assert_eq!(Period::of(None, at(999_000), at(2_000_000), now), Ok(Period::Range { from: minutes(999_000), to: now }));
        for (window, from, to, pointer) in [
            (Some(Window::Hour), at(999_000), None, "/window"),
            (None, None, at(999_000), "/from"),
            (None, at(999_000), at(999_000), "/from"),
            (None, at(1_000_000), None, "/from"),
            (None, at(1_000), None, "/from"),
        ] {
            assert_eq!(Period::of(window, from, to, now).map_err(|e| e.errors[0].pointer.clone()), Err(pointer.to_owned()));
        }
    }
}
