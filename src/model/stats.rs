//! Numbers about executions over a window, from rows that add up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::execution::Status;

pub mod period;

pub use period::{Period, Span};

/// Upper bounds of the latency buckets in milliseconds: 1, 2, ... 10, then about 5 % apart, up to 15 minutes.
///
/// Percentiles read from them are within 5 % of exact ones from 10 ms up.
#[must_use]
pub fn bucket_of(duration_ms: i64) -> i64 {
    match duration_ms {
        ..=10 => duration_ms.max(0),
        ms => 10 + ((ms as f64 / 10.0).ln() / GROWTH.ln()).ceil() as i64,
    }
}

/// The middle of a bucket in milliseconds.
#[must_use]
pub fn bucket_middle(bucket: i64) -> f64 {
    match bucket {
        ..=10 => bucket as f64,
        b => 10.0 * GROWTH.powf((b - 10) as f64 - 0.5),
    }
}

const GROWTH: f64 = 1.05;

/// The value below which a share `q` (0 to 1) of the counted durations lies, in milliseconds.
#[must_use]
pub fn percentile(buckets: &BTreeMap<i64, i64>, q: f64) -> Option<f64> {
    let total: i64 = buckets.values().sum();
    if total == 0 {
        return None;
    }
    let rank = ((total as f64 * q).ceil() as i64).clamp(1, total);
    let mut seen = 0;
    for (bucket, count) in buckets {
        seen += count;
        if seen >= rank {
            return Some(bucket_middle(*bucket));
        }
    }
    None
}

/// The time that statistics cover, ending now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Window {
    /// 15 minutes.
    #[serde(rename = "15m")]
    Quarter,
    /// One hour.
    #[serde(rename = "1h")]
    Hour,
    /// 24 hours.
    #[default]
    #[serde(rename = "24h")]
    Day,
    /// Seven days.
    #[serde(rename = "7d")]
    Week,
}

impl Window {
    /// Every window, shortest first.
    pub const ALL: [Self; 4] = [Self::Quarter, Self::Hour, Self::Day, Self::Week];

    /// The word in JSON and in URLs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quarter => "15m",
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// The window of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|w| w.name() == word)
    }

    /// Its length in minutes.
    #[must_use]
    pub const fn minutes(self) -> i64 {
        match self {
            Self::Quarter => 15,
            Self::Hour => 60,
            Self::Day => 1440,
            Self::Week => 10_080,
        }
    }

    /// The length of one point of its series, in minutes.
    #[must_use]
    pub const fn step_minutes(self) -> i64 {
        match self {
            Self::Quarter | Self::Hour => 1,
            Self::Day => 30,
            Self::Week => 240,
        }
    }
}

/// One point of a series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Point {
    /// When the interval begins.
    pub at: Timestamp,
    /// Terminal executions by status, and failed attempts that are retried as `retrying`.
    pub by_status: BTreeMap<Status, i64>,
    /// Median duration in milliseconds; null when nothing ended.
    pub p50_ms: Option<f64>,
    /// 95th percentile.
    pub p95_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
}

/// Statistics over a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Stats {
    /// The window asked for; for a range of one's own the shortest that is as long, or the longest.
    pub window: Window,
    /// Where the numbers begin, a round time.
    pub from: Timestamp,
    /// Where they end.
    pub to: Timestamp,
    /// Executions that ended in the window, and those under way now.
    pub total_executions: i64,
    /// By status: terminal ones in the window, others as they are now.
    pub by_status: BTreeMap<Status, i64>,
    /// Succeeded of terminal; null when none.
    pub success_rate_percent: Option<f64>,
    /// Mean duration of attempts in milliseconds; null when none.
    pub avg_duration_ms: Option<f64>,
    /// Median.
    pub p50_ms: Option<f64>,
    /// 95th percentile.
    pub p95_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// Mean time from acceptance to the first start in milliseconds; null when nothing started.
    pub avg_queue_wait_ms: Option<f64>,
    /// 95th percentile of that time.
    pub p95_queue_wait_ms: Option<f64>,
    /// The same length of time just before; null where it is not asked for, as in live snapshots.
    pub previous: Option<Previous>,
    /// Executions that wait to be started, now.
    pub queue_depth: i64,
    /// Age of the oldest that is due, in milliseconds; null when none.
    pub oldest_pending_ms: Option<i64>,
    /// Dead letters that nobody has handled, now.
    pub dead_letters: i64,
    /// Alerts that fire and that nobody has taken on, now.
    pub firing_alerts: i64,
    /// The window cut into intervals, oldest first.
    pub series: Vec<Point>,
}

/// What statistics are compared with: the same length of time just before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Previous {
    /// Executions that ended in it.
    pub total_executions: i64,
    /// Succeeded of terminal; null when none.
    pub success_rate_percent: Option<f64>,
    /// 95th percentile of duration in milliseconds; null when none.
    pub p95_ms: Option<f64>,
}

/// The numbers that live viewers see, computed once for all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Counts up with every renewal, from 0 for nothing computed yet.
    pub seq: u64,
    /// When they were computed.
    pub at: Timestamp,
    /// Each tenant's own; a tenant without executions may be absent.
    pub tenants: BTreeMap<String, Stats>,
    /// The whole platform's.
    pub all: Stats,
    /// Alerts of the platform itself, counted in no tenant's numbers.
    pub platform_alerts: i64,
}

impl Live {
    /// What a viewer of one tenant sees, or of the whole platform (`None`). Who looks after the platform is told of its own alerts
    /// whatever tenant is looked at.
    #[must_use]
    pub fn seen_by(&self, tenant: Option<&str>, is_platform: bool) -> LiveView {
        let Some(tenant) = tenant else { return LiveView { at: self.at, stats: self.all.clone() } };
        let nothing = || Stats { window: self.all.window, from: self.all.from, to: self.all.to, ..Stats::default() };
        let mut stats = self.tenants.get(tenant).cloned().unwrap_or_else(nothing);
        if is_platform {
            stats.firing_alerts += self.platform_alerts;
        }
        LiveView { at: self.at, stats }
    }
}

/// One viewer's share of [`Live`]: the data of a `snapshot` event on the stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LiveView {
    /// When it was computed.
    pub at: Timestamp,
    /// The numbers.
    pub stats: Stats,
}

/// The few numbers that lists show beside an action, of the last 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Brief {
    /// Executions that ended.
    pub total_executions: i64,
    /// Succeeded of them; null when none.
    pub success_rate_percent: Option<f64>,
    /// 95th percentile of duration; null when none.
    pub p95_ms: Option<f64>,
    /// Executions per hour, oldest first, 24 numbers.
    pub hourly: Vec<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same every time.
    fn numbers(seed: u64) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(seed), |x| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)))
            .skip(1)
            .map(|x| (x >> 11) as f64 / (1_u64 << 53) as f64)
    }

    #[test]
    fn percentiles_are_within_five_percent_of_exact_ones() {
        type Shape = fn(f64) -> f64;
        let shapes: [(&str, Shape); 4] = [
            ("even", |u| 10.0 + u * 990.0),
            ("exponential", |u| 10.0 - 200.0 * (1.0 - u).ln()),
            ("heavy tail", |u| 10.0 / (1.0 - u).powf(0.7)),
            ("two humps", |u| if u < 0.9 { 20.0 + u * 10.0 } else { 5_000.0 + u * 3_000.0 }),
        ];
        for (name, shape) in shapes {
            let mut all: Vec<i64> = numbers(7).take(20_000).map(|u| (shape(u).min(900_000.0)).round() as i64).collect();
            let mut buckets = BTreeMap::new();
            all.iter().for_each(|ms| *buckets.entry(bucket_of(*ms)).or_default() += 1);
            all.sort_unstable();
            for q in [0.01, 0.5, 0.9, 0.95, 0.99, 0.999] {
                let exact = all[(all.len() as f64 * q).ceil() as usize - 1] as f64;
                let read = percentile(&buckets, q).unwrap_or_default();
                assert!((read - exact).abs() <= exact * 0.05, "{name}, {q}: {read} for {exact}");
            }
        }
        assert_eq!(percentile(&BTreeMap::new(), 0.5), None);
        assert_eq!(percentile(&BTreeMap::from([(bucket_of(3), 5)]), 0.95), Some(3.0), "short durations are exact");
    }
}
