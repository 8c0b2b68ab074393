//! Reading what was counted over any time: whole intervals from the roll-up, the rest from the rows by the minute.

use std::collections::BTreeMap;

use crate::db::rollup::{self, SPANS, Sums, Which};
use crate::db::stats;
use crate::engine::Engine;
use crate::model::stats::Span;

/// A part of a time that is read in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The span of the roll-up; `None` for rows by the minute.
    pub span: Option<i64>,
    /// The first minute.
    pub from: i64,
    /// The minute behind the last.
    pub to: i64,
}

/// Cuts a time into parts: the longest intervals that fit its step first. Everything before `rolled` is in the roll-up; sums
/// by the minute only for totals.
pub fn segments(time: Span, rolled: i64, totals: bool) -> Vec<Segment> {
    let mut out = Vec::new();
    let mut at = time.from;
    for span in SPANS.into_iter().rev().filter(|span| time.step % span == 0 && (totals || *span > 1)) {
        let end = time.to.min(rolled.div_euclid(span) * span);
        if end > at {
            out.push(Segment { span: Some(span), from: at, to: end });
            at = end;
        }
    }
    if at < time.to {
        out.push(Segment { span: None, from: at, to: time.to });
    }
    out
}

impl Engine {
    /// What was counted, by the first minute of each interval: of one tenant's events, of one action, when given.
    pub(super) async fn sums_over(&self, tenant: Option<&str>, action: Option<&str>, time: Span) -> sqlx::Result<BTreeMap<i64, Sums>> {
        let db = self.db();
        let rolled = rollup::rolled(db).await?.unwrap_or(0);
        let subject = action.map_or_else(|| tenant.map(rollup::of_tenant).unwrap_or_default(), str::to_owned);
        let mut out: BTreeMap<i64, Sums> = BTreeMap::new();
        for part in segments(time, rolled, action.is_none()) {
            if let Some(span) = part.span {
                let which = Which::Subject(&subject, action.and(tenant));
                for (key, sums) in rollup::read(db, span, which, part.from, part.to).await? {
                    out.entry(time.slot_of(key.slot)).or_default().merge(&sums);
                }
            } else {
                for row in stats::by_minute(db, tenant, action, part.from..part.to).await? {
                    out.entry(time.slot_of(row.minute)).or_default().add(&row.kind, row.bucket, row.count, row.sum_ms);
                }
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stats::Window;

    fn parts(from: i64, to: i64, step: i64, rolled: i64, totals: bool) -> Vec<(Option<i64>, i64, i64)> {
        let time = Span { from, to, step, window: Window::Day };
        segments(time, rolled, totals).into_iter().map(|s| (s.span, s.from, s.to)).collect()
    }

    #[test]
    fn the_longest_intervals_come_first() {
        // A day by half hours, a week by four hours, a quarter of an hour, 40 days.
        assert_eq!(parts(1_440, 2_880, 30, 2_855, true), [(Some(30), 1_440, 2_850), (Some(1), 2_850, 2_855), (None, 2_855, 2_880)]);
        assert_eq!(parts(1_440, 2_880, 30, 2_855, false), [(Some(30), 1_440, 2_850), (None, 2_850, 2_880)]);
        assert_eq!(parts(0, 10_080, 240, 10_055, false), [(Some(60), 0, 10_020), (Some(30), 10_020, 10_050), (None, 10_050, 10_080)]);
        assert_eq!(parts(100, 115, 1, 112, true), [(Some(1), 100, 112), (None, 112, 115)]);
        assert_eq!(parts(100, 115, 1, 112, false), [(None, 100, 115)]);
        assert_eq!(parts(0, 57_600, 1_440, 57_001, true), [(Some(1_440), 0, 56_160), (Some(60), 56_160, 57_000), (Some(1), 57_000, 57_001), (None, 57_001, 57_600)]);
    }

    #[test]
    fn what_is_not_summed_yet_is_read_by_the_minute() {
        assert_eq!(parts(1_440, 2_880, 30, 0, true), [(None, 1_440, 2_880)]);
        assert_eq!(parts(1_440, 2_880, 30, 9_999, true), [(Some(30), 1_440, 2_880)], "a range that is past");
        let whole = parts(0, 10_080, 240, 9_987, true);
        assert!(whole.windows(2).all(|w| w[0].2 == w[1].1) && whole[0].1 == 0 && whole[whole.len() - 1].2 == 10_080, "no minute twice, none left out");
    }
}
