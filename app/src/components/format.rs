//! Numbers as people read them: units written, thousands parted, a dash for what is not known.

/// Stands for "nothing is known", never for zero.
pub const DASH: &str = "—";

/// A whole number with thousands parted: `42,514`.
#[must_use]
pub fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        out.push('−');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share in percent with one decimal, and no decimals at exactly 0 and 100: `99.0`, `100`. Never rounded up to 100.
#[must_use]
pub fn percent(share: f64) -> String {
    match share {
        s if s >= 100.0 => "100".to_owned(),
        s if s <= 0.0 => "0".to_owned(),
        s if s > 99.9 => "99.9".to_owned(),
        s => format!("{s:.1}"),
    }
}

/// A time as number and unit: `(283, ms)`, `(4.2, s)`, `(12, min)`, `(3, h)`, `(2, d)`.
#[must_use]
pub fn duration_parts(ms: f64) -> (String, &'static str) {
    match ms.max(0.0) {
        t if t < 10.0 && t.fract() != 0.0 => (format!("{t:.1}"), "ms"),
        t if t < 999.5 => (format!("{t:.0}"), "ms"),
        t if t < 9_950.0 => (format!("{:.1}", t / 1e3), "s"),
        t if t < 119_500.0 => (format!("{:.0}", t / 1e3), "s"),
        t if t < 7_170_000.0 => (format!("{:.0}", t / 60e3), "min"),
        t if t < 172_000_000.0 => (format!("{:.0}", t / 3_600e3), "h"),
        t => (format!("{:.0}", t / 86_400e3), "d"),
    }
}

/// A time as text: `283 ms`.
#[must_use]
pub fn duration(ms: f64) -> String {
    let (number, unit) = duration_parts(ms);
    format!("{number} {unit}")
}

/// A time as text, a dash when it is not known.
#[must_use]
pub fn duration_or_dash(ms: Option<i64>) -> String {
    ms.map_or_else(|| DASH.to_owned(), |ms| duration(ms as f64))
}

/// Bytes as text: `212 B`, `1.2 KB`.
#[must_use]
pub fn bytes(n: usize) -> String {
    match n {
        n if n < 1_000 => format!("{n} B"),
        n if n < 1_000_000 => format!("{:.1} KB", n as f64 / 1e3),
        n => format!("{:.1} MB", n as f64 / 1e6),
    }
}

/// The beginning of an id, enough to recognise it by: time and a bit more of a UUIDv7; whole when it is short.
#[must_use]
pub fn short_id(id: &str) -> &str {
    if id.len() == 36 { id.get(..13).unwrap_or(id) } else { id }
}

/// With a capital first letter, as words that begin a line have here.
#[must_use]
pub fn sentence_case(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// `1 action`, `12 actions`.
#[must_use]
pub fn plural(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (42_514, "42,514"), (1_234_567, "1,234,567"), (-5_000, "−5,000")] {
            assert_eq!(count(n), text);
        }
    }

    #[test]
    fn a_share_is_never_rounded_up_to_all() {
        for (share, text) in [(99.99, "99.9"), (100.0, "100"), (0.0, "0"), (61.83, "61.8")] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn lines_begin_with_a_capital() {
        assert_eq!((sentence_case("error rate").as_str(), sentence_case("").as_str()), ("Error rate", ""));
    }

    #[test]
    fn only_long_ids_are_shortened() {
        assert_eq!((short_id("01a20aea-1e3d-7037-afed-a0518b0a2ee4"), short_id("SO-48213")), ("01a20aea-1e3d", "SO-48213"));
    }

    #[test]
    fn durations_carry_their_unit() {
        for (ms, text) in
            [(0.0, "0 ms"), (1.5, "1.5 ms"), (283.4, "283 ms"), (999.6, "1.0 s"), (59_000.0, "59 s"), (150_000.0, "2 min"), (7_200_000.0, "2 h"), (3.0 * 86_400e3, "3 d")]
        {
            assert_eq!(duration(ms), text, "{ms}");
        }
    }
}
