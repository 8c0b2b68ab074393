//! From counts to statistics: pure.

use std::collections::BTreeMap;

use crate::db::rollup::Sums;
use crate::db::stats::{ATTEMPT_FAILED, ATTEMPT_SUCCEEDED, QUEUE_WAIT};
use crate::db::vitals::OpenCount;
use crate::model::Timestamp;
use crate::model::execution::Status;
use crate::model::stats::{Brief, Point, Previous, Span, Stats, percentile};

/// The kinds whose buckets are durations of attempts.
pub const ATTEMPTS: [&str; 2] = [ATTEMPT_SUCCEEDED, ATTEMPT_FAILED];

/// Open work: how many by status, and when the oldest that waits was due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    by_status: BTreeMap<Status, i64>,
    oldest_due: Option<i64>,
}

impl Open {
    /// Counts more.
    pub fn add(&mut self, count: &OpenCount) {
        let Some(status) = Status::parse(&count.status) else { return };
        *self.by_status.entry(status).or_default() += count.count;
        self.oldest_due = [self.oldest_due, count.oldest_due].into_iter().flatten().min();
    }

    fn of(&self, status: Status) -> i64 {
        self.by_status.get(&status).copied().unwrap_or(0)
    }

    /// How many wait.
    pub fn waiting(&self) -> i64 {
        self.of(Status::Pending) + self.of(Status::Retrying)
    }

    /// How long the oldest that is due has waited, in milliseconds.
    pub fn oldest_pending_ms(&self, now: Timestamp) -> Option<i64> {
        self.oldest_due.map(|due| (now.0 - due).max(0)).filter(|_| self.waiting() > 0)
    }
}

/// Executions that ended, by status.
fn ended(sums: &Sums) -> BTreeMap<Status, i64> {
    let terminal = Status::ALL.into_iter().filter(|s| s.is_terminal());
    terminal.map(|s| (s, sums.of(s.name()).0)).filter(|(_, n)| *n > 0).collect()
}

fn success_rate(ended: &BTreeMap<Status, i64>) -> Option<f64> {
    let all: i64 = ended.values().sum();
    (all > 0).then(|| ended.get(&Status::Succeeded).copied().unwrap_or(0) as f64 * 100.0 / all as f64)
}

fn mean(sums: &Sums, kinds: &[&str]) -> Option<f64> {
    let (count, ms) = kinds.iter().map(|kind| sums.of(kind)).fold((0, 0), |(n, s), (count, ms)| (n + count, s + ms));
    (count > 0).then(|| ms as f64 / count as f64)
}

/// Statistics from what was counted in each interval and the open work of now.
pub fn assemble(span: Span, now: Timestamp, slots: &BTreeMap<i64, Sums>, open: &Open, with_series: bool) -> Stats {
    let mut all = Sums::default();
    slots.range(span.from..span.to).for_each(|(_, sums)| all.merge(sums));
    let mut by_status = ended(&all);
    let success_rate_percent = success_rate(&by_status);
    let minute = now.0.div_euclid(60_000);
    if (span.from..span.to).contains(&minute) {
        let under_way = [Status::Pending, Status::Running, Status::Retrying].map(|s| (s, open.of(s)));
        by_status.extend(under_way.into_iter().filter(|(_, n)| *n > 0));
    }
    let (durations, waits) = (all.buckets(&ATTEMPTS), all.buckets(&[QUEUE_WAIT]));
    Stats {
        window: span.window,
        from: Timestamp(span.from * 60_000),
        to: Timestamp((span.to * 60_000).min(now.0)),
        total_executions: by_status.values().sum(),
        by_status,
        success_rate_percent,
        avg_duration_ms: mean(&all, &ATTEMPTS),
        p50_ms: percentile(&durations, 0.50),
        p95_ms: percentile(&durations, 0.95),
        p99_ms: percentile(&durations, 0.99),
        avg_queue_wait_ms: mean(&all, &[QUEUE_WAIT]),
        p95_queue_wait_ms: percentile(&waits, 0.95),
        previous: None,
        queue_depth: open.waiting(),
        oldest_pending_ms: open.oldest_pending_ms(now),
        dead_letters: open.of(Status::DeadLetter),
        firing_alerts: 0,
        series: if with_series { series(span, slots) } else { Vec::new() },
    }
}

/// The numbers of an earlier time that statistics are compared with.
pub fn previous(span: Span, slots: &BTreeMap<i64, Sums>) -> Previous {
    let mut all = Sums::default();
    slots.range(span.from..span.to).for_each(|(_, sums)| all.merge(sums));
    let ended = ended(&all);
    Previous { total_executions: ended.values().sum(), success_rate_percent: success_rate(&ended), p95_ms: percentile(&all.buckets(&ATTEMPTS), 0.95) }
}

fn series(span: Span, slots: &BTreeMap<i64, Sums>) -> Vec<Point> {
    let nothing = Sums::default();
    (0..span.points())
        .map(|i| {
            let slot = span.from + i * span.step;
            let sums = slots.get(&slot).unwrap_or(&nothing);
            let latency = sums.buckets(&ATTEMPTS);
            Point {
                at: Timestamp(slot * 60_000),
                by_status: ended(sums),
                p50_ms: percentile(&latency, 0.50),
                p95_ms: percentile(&latency, 0.95),
                p99_ms: percentile(&latency, 0.99),
            }
        })
        .collect()
}

/// The last 24 hours of one action, added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Day {
    hourly: [i64; 24],
    ended: i64,
    succeeded: i64,
    latency: BTreeMap<i64, i64>,
}

impl Day {
    /// Counts something that happened in one of the 24 hours.
    pub fn add(&mut self, hour: usize, kind: &str, bucket: i64, count: i64) {
        if ATTEMPTS.contains(&kind) {
            *self.latency.entry(bucket).or_default() += count;
        } else if let Some(status) = Status::parse(kind) {
            self.ended += count;
            self.succeeded += if status == Status::Succeeded { count } else { 0 };
            if let Some(n) = self.hourly.get_mut(hour) {
                *n += count;
            }
        }
    }

    /// Counts the sums of an interval within one of the 24 hours.
    pub fn merge(&mut self, hour: usize, sums: &Sums) {
        for (status, count) in ended(sums) {
            self.add(hour, status.name(), -1, count);
        }
        for (bucket, count) in sums.buckets(&ATTEMPTS) {
            *self.latency.entry(bucket).or_default() += count;
        }
    }

    /// Adds what was counted apart for the same 24 hours.
    pub fn absorb(&mut self, other: &Self) {
        self.hourly.iter_mut().zip(other.hourly).for_each(|(n, more)| *n += more);
        self.ended += other.ended;
        self.succeeded += other.succeeded;
        other.latency.iter().for_each(|(bucket, count)| *self.latency.entry(*bucket).or_default() += count);
    }

    /// The 95th percentile of durations, in milliseconds.
    pub fn p95_ms(&self) -> Option<f64> {
        percentile(&self.latency, 0.95)
    }

    /// What lists show of it.
    pub fn brief(&self) -> Brief {
        Brief {
            total_executions: self.ended,
            success_rate_percent: (self.ended > 0).then(|| self.succeeded as f64 * 100.0 / self.ended as f64),
            p95_ms: self.p95_ms(),
            hourly: self.hourly.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stats::{Period, Window};

    fn sums(counts: &[(&str, i64, i64, i64)]) -> Sums {
        let mut sums = Sums::default();
        counts.iter().for_each(|(kind, bucket, count, ms)| sums.add(kind, *bucket, *count, *ms));
        sums
    }

    #[test]
    fn statistics_of_a_window_and_the_one_before() {
        let now = Timestamp(1_000_000 * 60_000 + 30_000);
        let span = Period::Window(Window::Hour).span(now);
        let slots = BTreeMap::from([
            (span.from - 1, sums(&[("succeeded", -1, 9, 0), ("failed", -1, 1, 0), (ATTEMPT_SUCCEEDED, 10, 10, 100)])),
            (span.from, sums(&[("succeeded", -1, 3, 0), (ATTEMPT_SUCCEEDED, 7, 3, 21), (QUEUE_WAIT, 5, 4, 20), ("echo_failed", 7, 3, 21)])),
            (span.to - 1, sums(&[("dead_letter", -1, 1, 0), (ATTEMPT_FAILED, 9, 1, 9)])),
        ]);
        let mut open = Open::default();
        for (status, count, due) in [("pending", 4, Some(now.0 - 5_000)), ("retrying", 1, Some(now.0 + 60_000)), ("running", 2, None), ("dead_letter", 6, None)] {
            open.add(&OpenCount { tenant_id: "a".into(), status: status.into(), count, oldest_due: due });
        }
        let stats = assemble(span, now, &slots, &open, true);
        assert_eq!((stats.total_executions, stats.success_rate_percent, stats.avg_duration_ms), (11, Some(75.0), Some(7.5)));
        assert_eq!((stats.p50_ms, stats.p95_ms, stats.avg_queue_wait_ms, stats.p95_queue_wait_ms), (Some(7.0), Some(9.0), Some(5.0), Some(5.0)));
        assert_eq!((stats.queue_depth, stats.oldest_pending_ms, stats.dead_letters), (5, Some(5_000), 6));
        assert_eq!((stats.series.len(), stats.series[0].by_status[&Status::Succeeded], stats.series[59].p95_ms), (60, 3, Some(9.0)));
        assert_eq!((stats.from, stats.to), (Timestamp(span.from * 60_000), now));
        let before = previous(span.previous(), &slots);
        assert_eq!((before.total_executions, before.success_rate_percent, before.p95_ms), (10, Some(90.0), Some(10.0)));
        let past = assemble(Span { from: span.from - 60, to: span.from, ..span }, now, &slots, &open, false);
        assert_eq!((past.total_executions, past.series.len()), (10, 0), "what is under way now was not under way then");
    }

    #[test]
    fn no_data_is_null() {
        let now = Timestamp(1_000_000 * 60_000);
        let stats = assemble(Period::Window(Window::Quarter).span(now), now, &BTreeMap::new(), &Open::default(), true);
        assert_eq!((stats.success_rate_percent, stats.avg_duration_ms, stats.p95_ms, stats.oldest_pending_ms), (None, None, None, None));
        assert_eq!((stats.series.len(), stats.total_executions), (15, 0));
    }

    #[test]
    fn a_day_in_brief() {
        let mut day = Day::default();
        day.merge(0, &sums(&[("succeeded", -1, 3, 0), (ATTEMPT_SUCCEEDED, 5, 3, 15)]));
        day.add(23, "failed", -1, 1);
        day.add(23, ATTEMPT_FAILED, 8, 1);
        day.add(23, QUEUE_WAIT, 200, 1);
        let brief = day.brief();
        assert_eq!((brief.total_executions, brief.success_rate_percent, brief.p95_ms), (4, Some(75.0), Some(8.0)));
        assert_eq!((brief.hourly[0], brief.hourly[23], brief.hourly.len()), (3, 1, 24));
    }
}
