//! What one action has been doing on this node, and how many more of it may start: rate limit, concurrency, breaker.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::model::action::NewAction;

/// What an action has been doing on this node.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// When executions started, oldest first, within the rate limit's time.
    starts: VecDeque<Instant>,
    /// Counted, but not started yet: they wait for a commit, or for their turn.
    reserved: u32,
    active: u32,
    pub failures_in_a_row: u32,
    opened_at: Option<Instant>,
    probing: bool,
    /// The alert rule whose event caused the attempt that opened the breaker.
    pub cause: Option<String>,
}

/// Why an execution waits, and until when as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// An English sentence.
    pub reason: String,
    /// How long at least.
    pub at_least: Option<Duration>,
}

impl Usage {
    /// How many executions may start at `now`, at most `most`; an error says what they wait for.
    pub fn room(&mut self, d: &NewAction, now: Instant, most: u32) -> Result<u32, Wait> {
        let mut room = most;
        let breaker = d.breaker();
        if let Some(opened) = self.opened_at {
            let cooled = opened + Duration::from_secs(u64::from(breaker.cooldown_seconds));
            if now < cooled || self.probing {
                let reason = format!("The breaker is open after {} failures in a row; one probe goes out after {} s.", self.failures_in_a_row, breaker.cooldown_seconds);
                return Err(Wait { reason, at_least: cooled.checked_duration_since(now) });
            }
            room = 1;
        }
        if let Some(max) = d.max_concurrency {
            if self.active >= max {
                return Err(Wait { reason: format!("{max} of {max} run already."), at_least: None });
            }
            room = room.min(max - self.active);
        }
        if let Some(limit) = d.rate_limit {
            let span = Duration::from_secs(u64::from(limit.per_seconds));
            while self.starts.front().is_some_and(|t| now.duration_since(*t) >= span) {
                self.starts.pop_front();
            }
            let used = u32::try_from(self.starts.len()).unwrap_or(u32::MAX).saturating_add(self.reserved);
            if used >= limit.max {
                let at_least = self.starts.front().map(|t| span.saturating_sub(now.duration_since(*t)));
                return Err(Wait { reason: format!("{used} of {} started within {} s.", limit.max, limit.per_seconds), at_least });
            }
            room = room.min(limit.max - used);
        }
        Ok(room)
    }

    /// Counts an execution that is about to start; [`Usage::start`] or [`Usage::give_back`] follows.
    pub fn begin(&mut self) {
        self.active += 1;
        self.reserved += 1;
        self.probing |= self.opened_at.is_some();
    }

    /// It starts now. Only this instant counts for the rate limit: the commit before it may have taken long.
    pub fn start(&mut self, d: &NewAction, now: Instant) {
        self.reserved = self.reserved.saturating_sub(1);
        if d.rate_limit.is_some() {
            self.starts.push_back(now);
        }
    }

    /// Takes back what does not start after all.
    pub fn give_back(&mut self) {
        self.active = self.active.saturating_sub(1);
        self.reserved = self.reserved.saturating_sub(1);
        self.probing = false;
    }

    /// Counts the end of an attempt. Returns whether the breaker opened now.
    pub fn end(&mut self, d: &NewAction, failed: Option<bool>, now: Instant) -> bool {
        self.active = self.active.saturating_sub(1);
        match failed {
            None => {
                self.probing = false;
                false
            }
            Some(false) => {
                self.close();
                false
            }
            Some(true) => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                let opens = self.failures_in_a_row >= d.breaker().failures;
                let opened = opens && self.opened_at.is_none();
                if opens {
                    self.opened_at = Some(now);
                }
                self.probing = false;
                opened
            }
        }
    }

    /// Whether starts have to be asked for.
    pub fn is_limited(&self, d: &NewAction) -> bool {
        self.opened_at.is_some() || has_limits(d)
    }

    /// Why the breaker is open, if it is, and when the next probe goes out.
    pub fn why_open(&self, d: &NewAction, now: Instant) -> Option<String> {
        let opened = self.opened_at?;
        let left = (opened + Duration::from_secs(u64::from(d.breaker().cooldown_seconds))).saturating_duration_since(now).as_secs();
        let next = match (self.probing, left) {
            (true, _) => "a probe is under way".to_owned(),
            (false, 0) => "the next execution is the probe".to_owned(),
            (false, left) => format!("a probe may go out in {left} s"),
        };
        Some(format!("The breaker is open after {} failures in a row; {next}.", self.failures_in_a_row))
    }

    /// Closes the breaker and forgets the failures; what runs goes on to count.
    pub fn close(&mut self) {
        (self.failures_in_a_row, self.opened_at, self.probing) = (0, None, false);
    }
}

/// Whether an action has limits besides its breaker.
pub(super) fn has_limits(d: &NewAction) -> bool {
    d.rate_limit.is_some() || d.max_concurrency.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::{CircuitBreaker, RateLimit};
    use crate::model::handler::HandlerType;

    fn blank() -> NewAction {
        NewAction::blank(HandlerType::new("webhook"))
    }

    #[test]
    fn a_rate_limit_holds_in_any_window() {
        let d = NewAction { rate_limit: Some(RateLimit { max: 3, per_seconds: 10 }), ..blank() };
        let (mut usage, t0) = (Usage::default(), Instant::now());
        let at = |s| t0 + Duration::from_secs(s);
        for second in [0, 4, 9] {
            assert!(usage.room(&d, at(second), 1).is_ok());
            usage.begin();
            usage.start(&d, at(second));
        }
        let wait = usage.room(&d, at(9), 5).unwrap_err();
        assert_eq!(wait.at_least, Some(Duration::from_secs(1)));
        assert_eq!(usage.room(&d, at(10), 5), Ok(1), "the first start is 10 s old");
        assert_eq!(usage.room(&d, at(14), 5), Ok(2));
    }

    #[test]
    fn what_waits_for_its_commit_counts_from_when_it_starts() {
        let d = NewAction { rate_limit: Some(RateLimit { max: 2, per_seconds: 10 }), ..blank() };
        let (mut usage, t0) = (Usage::default(), Instant::now());
        let at = |s| t0 + Duration::from_secs(s);
        usage.begin();
        usage.begin();
        assert!(usage.room(&d, at(30), 5).is_err(), "both may start at any moment");
        usage.start(&d, at(30));
        usage.give_back();
        assert_eq!(usage.room(&d, at(31), 5), Ok(1));
        assert_eq!(usage.room(&d, at(39), 5), Ok(1), "the first went out at 30");
        assert_eq!(usage.room(&d, at(40), 5), Ok(2));
    }

    #[test]
    fn a_breaker_opens_probes_and_closes() {
        let d = NewAction { circuit_breaker: Some(CircuitBreaker { failures: 2, cooldown_seconds: 60 }), ..blank() };
        let (mut usage, t0) = (Usage::default(), Instant::now());
        for expected in [false, true] {
            usage.begin();
            assert_eq!(usage.end(&d, Some(true), t0), expected);
        }
        assert!(usage.room(&d, t0 + Duration::from_secs(59), 9).is_err());
        assert_eq!(usage.room(&d, t0 + Duration::from_secs(60), 9), Ok(1), "one probe");
        usage.begin();
        assert!(usage.room(&d, t0 + Duration::from_secs(61), 9).is_err(), "only one");
        usage.end(&d, Some(true), t0 + Duration::from_secs(62));
        assert!(usage.room(&d, t0 + Duration::from_secs(121), 9).is_err(), "the cool-down begins anew");
        assert!(usage.why_open(&d, t0 + Duration::from_secs(121)).is_some_and(|why| why.contains("in 1 s")));
        usage.begin();
        usage.end(&d, Some(false), t0 + Duration::from_secs(123));
        assert_eq!(usage.room(&d, t0 + Duration::from_secs(123), 9), Ok(9));
        assert_eq!(usage.why_open(&d, t0 + Duration::from_secs(123)), None);
    }
}
