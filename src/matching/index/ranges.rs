//! Thresholds and intervals of one field, sorted: finds those that a value may lie in without looking at the others.

/// How many intervals share one crest.
const BLOCK: usize = 64;

/// Intervals in the order of their lower ends. Ends count as inside; the exact test comes after.
#[derive(Debug)]
pub(super) struct Ranges {
    lows: Box<[f64]>,
    highs: Box<[f64]>,
    /// The highest upper end of each block.
    crests: Box<[f64]>,
}

impl Ranges {
    /// The intervals given, which are in the order of their lower ends.
    pub(super) fn new(intervals: &[(f64, f64)]) -> Self {
        let lows = intervals.iter().map(|i| i.0).collect();
        let highs: Box<[f64]> = intervals.iter().map(|i| i.1).collect();
        let crests = highs.chunks(BLOCK).map(|block| block.iter().copied().fold(f64::NEG_INFINITY, f64::max)).collect();
        Self { lows, highs, crests }
    }

    /// Calls `found` with the position of every interval that overlaps the one from `least` to `most`.
    pub(super) fn each(&self, least: f64, most: f64, mut found: impl FnMut(u32)) {
        let end = self.lows.partition_point(|low| *low <= most);
        for (block, _) in self.crests[..end.div_ceil(BLOCK)].iter().enumerate().filter(|(_, crest)| **crest >= least) {
            let start = block * BLOCK;
            let stop = end.min(start + BLOCK);
            for (n, _) in self.highs[start..stop].iter().enumerate().filter(|(_, high)| **high >= least) {
                found((start + n) as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_exactly_the_overlapping_intervals() {
        let mut intervals: Vec<(f64, f64)> = (0..500_u32).map(|i| (f64::from(i * 37 % 211), f64::from(i * 37 % 211 + i % 23))).collect();
        intervals.extend([(f64::NEG_INFINITY, 40.0), (100.0, f64::INFINITY), (f64::NEG_INFINITY, f64::INFINITY)]);
        intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
        let ranges = Ranges::new(&intervals);
        for (least, most) in [(0.0, 0.0), (50.0, 50.0), (99.5, 99.5), (10.0, 200.0), (-5.0, -1.0), (1e9, 1e9)] {
            let mut found = Vec::new();
            ranges.each(least, most, |n| found.push(n as usize));
            let expected: Vec<usize> = (0..intervals.len()).filter(|n| intervals[*n].0 <= most && intervals[*n].1 >= least).collect();
            assert_eq!(found, expected, "{least} to {most}");
        }
        Ranges::new(&[]).each(0.0, 1.0, |_| unreachable!());
    }
}
