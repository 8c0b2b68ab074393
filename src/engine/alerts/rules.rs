//! Whether an alert begins, goes on or ends: pure, with `now` given.

use crate::model::Timestamp;
use crate::model::alert::{Alert, AlertKind, AlertRule, AlertState};

/// The share of its limit below which a value counts as well again, so that one around the limit does not flap.
const WELL_AGAIN: f64 = 0.8;
/// Milliseconds for which it must be well before the alert ends: at least two looks.
const WELL_FOR_MS: i64 = 1_500;
/// Milliseconds between two changes of an alert's numbers.
const REFRESH_MS: i64 = 10_000;
/// The share by which a value must have changed to be told.
const REFRESH_SHARE: f64 = 0.05;

/// What was measured for one subject of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What it is about.
    pub subject: String,
    /// The tenant it concerns.
    pub tenant_id: Option<String>,
    /// The action it concerns.
    pub action_id: Option<String>,
    /// The value.
    pub value: f64,
    /// The limit that is shown.
    pub limit: f64,
    /// How many attempts the value was made of; 1 where there are none.
    pub samples: i64,
    /// An English sentence with the numbers.
    pub message: String,
}

impl Reading {
    /// Whether the condition of the rule holds.
    pub fn breaches(&self, rule: &AlertRule) -> bool {
        match rule.kind {
            AlertKind::ErrorRate | AlertKind::SlowExecutions => self.samples >= i64::from(rule.min_samples) && self.value > rule.threshold,
            AlertKind::ResourceExhaustion => self.value > rule.threshold,
            AlertKind::HandlerFailure | AlertKind::AutoDisable | AlertKind::AuditChain | AlertKind::Loop => self.value >= rule.threshold,
        }
    }

    /// Whether it is clearly over. Between this and a breach nothing changes.
    fn is_well(&self, rule: &AlertRule) -> bool {
        match rule.kind {
            AlertKind::ErrorRate | AlertKind::SlowExecutions | AlertKind::ResourceExhaustion => self.samples == 0 || self.value <= rule.threshold * WELL_AGAIN,
            AlertKind::HandlerFailure | AlertKind::AutoDisable | AlertKind::AuditChain | AlertKind::Loop => self.value < rule.threshold,
        }
    }
}

/// What is to be done about a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Keep,
    /// Begin an alert that waits for its time.
    Pend,
    /// Fire: begin an alert, or end the wait of one.
    Fire,
    /// Forget an alert that waited; it never fired.
    Drop,
    /// Bring its numbers up to date.
    Refresh,
    /// End its silence.
    Unsilence,
    /// End it.
    Resolve,
}

/// Decides about one subject. `rule` is none when it was deleted or switched off, `reading` when nothing is measured any more.
/// `well_since` is since when the open alert has been well, as the decision before returned it.
pub fn decide(rule: Option<&AlertRule>, reading: Option<&Reading>, open: Option<&Alert>, well_since: Option<Timestamp>, now: Timestamp) -> (Step, Option<Timestamp>) {
    let breach = matches!((rule, reading), (Some(rule), Some(reading)) if reading.breaches(rule));
    let held_ms = rule.map_or(0, |r| i64::from(r.for_seconds) * 1_000);
    let Some(alert) = open else {
        let step = if !breach {
            Step::Keep
        } else if held_ms == 0 {
            Step::Fire
        } else {
            Step::Pend
        };
        return (step, None);
    };
    if alert.state == AlertState::Pending {
        let step = if !breach {
            Step::Drop
        } else if now.0 - alert.started_at.0 >= held_ms {
            Step::Fire
        } else {
            Step::Keep
        };
        return (step, None);
    }
    let well = match (rule, reading) {
        (Some(rule), Some(reading)) => reading.is_well(rule),
        _ => true,
    };
    if well {
        let since = well_since.unwrap_or(now);
        let step = if now.0 - since.0 >= held_ms.max(WELL_FOR_MS) { Step::Resolve } else { Step::Keep };
        return (step, Some(since));
    }
    if alert.state == AlertState::Silenced && alert.silenced_until.is_none_or(|until| until <= now) {
        return (Step::Unsilence, None);
    }
    let moved = reading.is_some_and(|r| (r.value - alert.value).abs() > alert.value.abs() * REFRESH_SHARE);
    (if moved && now.0 - alert.updated_at.0 >= REFRESH_MS { Step::Refresh } else { Step::Keep }, None)
}

#[cfg(test)]
mod tests;
