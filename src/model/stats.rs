//! Numbers about executions over a window, from rows that add up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::execution::Status;

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
    /// The window asked for.
    pub window: Window,
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
    /// Executions that wait to be started, now.
    pub queue_depth: i64,
    /// Age of the oldest that is due, in milliseconds; null when none.
    pub oldest_pending_ms: Option<i64>,
    /// Dead letters that nobody has handled, now.
    pub dead_letters: i64,
    /// The window cut into intervals, oldest first.
    pub series: Vec<Point>,
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
}

impl Live {
    /// What a viewer of one tenant sees, or of the whole platform (`None`).
    #[must_use]
    pub fn seen_by(&self, tenant: Option<&str>) -> LiveView {
        let stats = tenant.map_or_else(|| self.all.clone(), |t| self.tenants.get(t).cloned().unwrap_or_else(|| Stats { window: self.all.window, ..Stats::default() }));
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
