//! How often somebody may try to get in: per account and per network address, with growing waits.
//!
//! An attempt is counted before its password is looked at and forgiven when it was right, so that many attempts at once
//! gain nothing.

use std::net::IpAddr;

use crate::db::Tx;
use crate::db::throttle::{self, Count};
use crate::engine::access::tokens;
use crate::engine::{Engine, internal};
use crate::model::{ApiError, Timestamp};

/// How patient a door is. Times in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Failures without any wait.
    free: i64,
    /// The longest wait.
    longest_ms: i64,
    /// After this long without an attempt all is forgotten.
    forget_ms: i64,
}

/// Short enough that nobody is locked out of an account by somebody else for long.
const ACCOUNT: Patience = Patience { free: 5, longest_ms: 120_000, forget_ms: 900_000 };
const ADDRESS: Patience = Patience { free: 20, longest_ms: 900_000, forget_ms: 3_600_000 };
/// The first wait; it doubles with every further failure.
const FIRST_WAIT_MS: i64 = 2_000;

/// The count after one more attempt at `now`, or how many milliseconds are left to wait.
fn count_attempt(patience: Patience, before: Count, now: i64) -> Result<Count, i64> {
    if before.blocked_until > now {
        return Err(before.blocked_until - now);
    }
    let failures = if now - before.updated_at > patience.forget_ms { 1 } else { before.failures + 1 };
    let doublings = u32::try_from(failures - patience.free - 1).ok();
    let wait = doublings.map_or(0, |n| FIRST_WAIT_MS.saturating_mul(1 << n.min(20)).min(patience.longest_ms));
    Ok(Count { failures, blocked_until: now + wait, updated_at: now })
}

/// An attempt that is under way.
#[derive(Debug)]
pub(in crate::engine) struct Attempt {
    account: Option<String>,
    address: Option<String>,
}

impl Attempt {
    fn keys(&self) -> impl Iterator<Item = (&str, Patience)> {
        self.address.as_deref().map(|k| (k, ADDRESS)).into_iter().chain(self.account.as_deref().map(|k| (k, ACCOUNT)))
    }
}

/// One key for a whole IPv6 network of one customer: an address in it costs nothing.
fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => format!("address:{v4}"),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("address:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

fn too_many(wait_ms: i64) -> ApiError {
    let seconds = u64::try_from(wait_ms).unwrap_or(0).div_ceil(1000).max(1);
    ApiError::too_many("too_many_attempts", format!("Too many attempts. Try again in {seconds} s."), seconds)
}

impl Engine {
    /// Counts an attempt to get in, or refuses it.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub(in crate::engine) async fn count_attempt(&self, account: Option<&str>, address: Option<IpAddr>) -> Result<Attempt, ApiError> {
        let attempt = Attempt { account: account.map(|a| format!("account:{}", tokens::digest(a))), address: address.map(address_key) };
        let now = Timestamp::now().0;
        // Whoever must wait anyway gets no write transaction.
        for (key, patience) in attempt.keys() {
            let before = throttle::get(self.db(), key).await.map_err(internal)?.unwrap_or_default();
            count_attempt(patience, before, now).map_err(too_many)?;
        }
        let mut tx = self.db().begin().await.map_err(internal)?;
        for (key, patience) in attempt.keys() {
            let before = throttle::lock(&mut tx, key).await.map_err(internal)?;
            let after = count_attempt(patience, before, now).map_err(too_many)?;
            throttle::put(&mut tx, key, after).await.map_err(internal)?;
        }
        tx.commit().await.map_err(internal)?;
        Ok(attempt)
    }
}

/// Forgives an attempt that was right: the account starts afresh, the address has this one attempt taken back.
///
/// # Errors
/// The database's.
pub(in crate::engine) async fn forgive(tx: &mut Tx, attempt: &Attempt) -> sqlx::Result<()> {
    if let Some(key) = &attempt.address {
        let count = throttle::lock(tx, key).await?;
        throttle::put(tx, key, Count { failures: (count.failures - 1).max(0), blocked_until: 0, ..count }).await?;
    }
    if let Some(key) = &attempt.account {
        throttle::delete(tx, key).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let mut count = Count::default();
        let mut now = 1_000_000_000;
        let mut waits = Vec::new();
        for _ in 0..14 {
            count = count_attempt(ACCOUNT, count, now).unwrap_or(count);
            waits.push((count.blocked_until - now) / 1000);
            now = count.blocked_until.max(now);
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 120, 120, 120]);
        assert_eq!(count_attempt(ACCOUNT, count, count.updated_at + ACCOUNT.forget_ms + 1).map(|c| c.failures), Ok(1));
    }

    #[test]
    fn nobody_passes_before_the_wait_is_over() {
        let blocked = Count { failures: 9, blocked_until: 5_000, updated_at: 1_000 };
        for (now, left) in [(1_001, Some(3_999)), (4_999, Some(1)), (5_000, None)] {
            assert_eq!(count_attempt(ACCOUNT, blocked, now).err(), left, "{now}");
        }
        assert_eq!(too_many(1).retry_after_seconds, Some(1));
        assert_eq!(too_many(2_001).retry_after_seconds, Some(3));
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let key = |text: &str| text.parse().map(address_key).unwrap_or_default();
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }
}
