//! When a JavaScript call must stop: its time is up, or nobody waits for it any more.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::trouble::Trouble;
use crate::model::execution::ErrorClass;

const RUNNING: u8 = 0;
const TIME_UP: u8 = 1;
const STOPPED: u8 = 2;

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// From when it begins to run.
    pub running: Duration,
    /// Until then.
    pub waiting: Duration,
}

/// Asked by the interpreter every few thousand steps. Once it has fired, it stays so.
#[derive(Debug)]
pub struct Halt {
    /// When the time is up, and how long it was.
    deadline: Mutex<(Instant, Duration)>,
    /// The bound on running alone, for a call whose waiting does not count.
    running: Option<Duration>,
    stop: CancellationToken,
    state: AtomicU8,
}

impl Halt {
    /// Fires after `limit` from now, or when `stop` is cancelled.
    #[must_use]
    pub fn after(limit: Duration, stop: CancellationToken) -> Self {
        Self { deadline: Mutex::new((Instant::now() + limit, limit)), running: None, stop, state: AtomicU8::new(RUNNING) }
    }

    /// Fires when it has waited or run for too long, each counted apart, or when `stop` is cancelled.
    #[must_use]
    pub fn within(time: Time, stop: CancellationToken) -> Self {
        Self { running: Some(time.running), ..Self::after(time.waiting, stop) }
    }

    /// The call begins to run now.
    pub fn begin(&self) {
        if let Some(running) = self.running {
            *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now() + running, running);
        }
    }

    /// When the time is up.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Looks, and says whether the call must stop.
    pub fn fires(&self) -> bool {
        if self.fired() {
            return true;
        }
        let state = if self.stop.is_cancelled() {
            STOPPED
        } else if Instant::now() >= self.deadline() {
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
            let limit = self.deadline.lock().unwrap_or_else(PoisonError::into_inner).1;
            Trouble::new(ErrorClass::Timeout, format!("The function did not finish within {:.1} s and was stopped.", limit.as_secs_f64()))
        };
        Trouble { retryable: true, ..trouble }
    }
}
