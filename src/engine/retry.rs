//! What follows a failed attempt: pure, with the random number given.

use std::time::Duration;

use crate::handlers::HandlerError;
use crate::model::action::{MAX_RETRY_DELAY_SECONDS, NewAction, RetryStrategy};
use crate::model::execution::Status;

/// The state after a failed attempt, and how long to wait before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// `retrying`, `failed` (permanent) or `dead_letter` (retries exhausted).
    pub status: Status,
    /// Milliseconds until the next attempt; 0 when there is none.
    pub wait_ms: i64,
}

/// Decides after the `failures`-th failed attempt (counting this one). `jitter` is uniform in 0 to 1.
///
/// The wait before retry n is `retry_delay_seconds * 2^(n-1)` within 20 % either way, at most one hour; what the receiver
/// asked for with Retry-After (RFC 9110, 10.2.3) takes its place, at most one hour.
#[must_use]
pub fn next(action: &NewAction, error: &HandlerError, failures: u32, jitter: f64) -> Next {
    if !error.retryable {
        return Next { status: Status::Failed, wait_ms: 0 };
    }
    if failures > action.max_retries {
        return Next { status: Status::DeadLetter, wait_ms: 0 };
    }
    let cap = Duration::from_secs(u64::from(MAX_RETRY_DELAY_SECONDS));
    let wait = match error.retry_after {
        Some(asked) => asked.min(cap),
        None => {
            let doublings = match action.retry_strategy {
                RetryStrategy::Fixed => 0,
                RetryStrategy::Exponential => failures.saturating_sub(1).min(20),
            };
            let seconds = (f64::from(action.retry_delay_seconds) * f64::from(2_u32.pow(doublings))).min(cap.as_secs_f64());
            Duration::from_secs_f64(seconds * (0.8 + 0.4 * jitter.clamp(0.0, 1.0))).min(cap)
        }
    };
    Next { status: Status::Retrying, wait_ms: i64::try_from(wait.as_millis()).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::execution::ErrorClass;
    use crate::model::handler::HandlerType;

    fn action(max_retries: u32, delay: u32, strategy: RetryStrategy) -> NewAction {
        NewAction { max_retries, retry_delay_seconds: delay, retry_strategy: strategy, ..NewAction::blank(HandlerType::new("webhook")) }
    }

    #[test]
    fn waits_double_up_to_an_hour() {
        let a = action(50, 10, RetryStrategy::Exponential);
        let error = HandlerError::retryable(ErrorClass::Connection, "refused");
        for (failures, seconds) in [(1, 10), (2, 20), (3, 40), (4, 80), (9, 2560), (10, 3600), (50, 3600)] {
            assert_eq!(next(&a, &error, failures, 0.5), Next { status: Status::Retrying, wait_ms: seconds * 1000 }, "after {failures}");
        }
        assert_eq!(next(&a, &error, 1, 0.0).wait_ms, 8000);
        assert_eq!(next(&a, &error, 1, 1.0).wait_ms, 12_000);
        assert_eq!(next(&a, &error, 50, 1.0).wait_ms, 3_600_000, "jitter never passes the cap");
        assert_eq!(next(&action(5, 7, RetryStrategy::Fixed), &error, 4, 0.5).wait_ms, 7000);
    }

    #[test]
    fn ends_in_the_right_state() {
        let error = HandlerError::retryable(ErrorClass::Timeout, "too slow");
        assert_eq!(next(&action(3, 1, RetryStrategy::Fixed), &error, 3, 0.5).status, Status::Retrying);
        assert_eq!(next(&action(3, 1, RetryStrategy::Fixed), &error, 4, 0.5).status, Status::DeadLetter);
        assert_eq!(next(&action(0, 1, RetryStrategy::Fixed), &error, 1, 0.5).status, Status::DeadLetter);
        let permanent = HandlerError::permanent(ErrorClass::HttpStatus, "404");
        assert_eq!(next(&action(3, 1, RetryStrategy::Fixed), &permanent, 1, 0.5).status, Status::Failed);
    }

    #[test]
    fn the_receiver_decides_the_wait_up_to_an_hour() {
        let asked = |seconds| HandlerError { retry_after: Some(Duration::from_secs(seconds)), ..HandlerError::retryable(ErrorClass::HttpStatus, "429") };
        let a = action(3, 10, RetryStrategy::Exponential);
        assert_eq!(next(&a, &asked(2), 1, 0.9).wait_ms, 2000);
        assert_eq!(next(&a, &asked(90_000), 1, 0.9).wait_ms, 3_600_000);
    }
}
