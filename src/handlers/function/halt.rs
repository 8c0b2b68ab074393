//! When a JavaScript call must stop: its time is up, or nobody waits for it any more.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::trouble::Trouble;
use crate::model::execution::ErrorClass;

const RUNNING: u8 = 0;
const TIME_UP: u8 = 1;
const STOPPED: u8 = 2;

/// Asked by the interpreter every few thousand steps. Once it has fired, it stays so.
#[derive(Debug)]
pub struct Halt {
    deadline: Instant,
    limit: Duration,
    stop: CancellationToken,
    state: AtomicU8,
}

impl Halt {
    /// Fires after `limit` from now, or when `stop` is cancelled.
    #[must_use]
    pub fn after(limit: Duration, stop: CancellationToken) -> Self {
        Self { deadline: Instant::now() + limit, limit, stop, state: AtomicU8::new(RUNNING) }
    }

    /// When the time is up.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Looks, and says whether the call must stop.
    pub fn fires(&self) -> bool {
        if self.fired() {
            return true;
        }
        let state = if self.stop.is_cancelled() {
            STOPPED
        } else if Instant::now() >= self.deadline {
            TIME_UP
        } else {
            return false;
        };
        self.state.store(state, Ordering::Relaxed);
        true
    }

    /// Whether it has fired at an earlier look.
    pub fn fired(&self) -> bool {
        self.state.load(Ordering::Relaxed) != RUNNING
    }

    /// Why the call was stopped.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        let trouble = if self.state.load(Ordering::Relaxed) == STOPPED {
            Trouble::new(ErrorClass::Cancelled, "The function was stopped from outside.")
        } else {
            Trouble::new(ErrorClass::Timeout, format!("The function did not finish within {:.1} s and was stopped.", self.limit.as_secs_f64()))
        };
        Trouble { retryable: true, ..trouble }
    }
}
