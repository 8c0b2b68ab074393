//! JSON values as conditions compare them: numbers numerically, nothing else coerced.

use serde_json::{Number, Value};
use std::cmp::Ordering;

/// Whether two JSON values are the same, numbers compared numerically (1 = 1.0), at any depth.
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => compare_numbers(x, y) == Some(Ordering::Equal),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(p, q)| same(p, q)),
        (Value::Object(x), Value::Object(y)) => x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(v, w))),
        _ => a == b,
    }
}

/// Orders two JSON numbers exactly where both are integers, else as doubles.
#[must_use]
pub fn compare_numbers(a: &Number, b: &Number) -> Option<Ordering> {
    match (as_i128(a), as_i128(b)) {
        (Some(x), Some(y)) => Some(x.cmp(&y)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

fn as_i128(n: &Number) -> Option<i128> {
    n.as_i64().map(i128::from).or_else(|| n.as_u64().map(i128::from))
}

/// A short English description of a value with its type, for reasons: `the string "20"`, `the number 80`, `null`.
#[must_use]
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(b) => format!("{b}"),
        Value::Number(n) => format!("the number {n}"),
        Value::String(s) => format!("the string {}", quote(s)),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(map) => format!("an object with {} {}", map.len(), if map.len() == 1 { "member" } else { "members" }),
    }
}

/// A value written short for a reason: JSON, cut after 80 characters.
#[must_use]
pub fn short(value: &Value) -> String {
    match value {
        Value::String(s) => quote(s),
        other => cut(&other.to_string()),
    }
}

fn quote(text: &str) -> String {
    Value::String(cut(text)).to_string()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(79).chain(['…']).collect() }
}
