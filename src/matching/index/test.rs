//! What one condition tests, compiled: its operator and value without its field. Agrees with `Operator::holds`.

use std::cmp::Ordering;
use std::sync::OnceLock;

use chrono::{DateTime, FixedOffset};
use regex_lite::{Regex, RegexBuilder};
use serde_json::{Number, Value};

use super::atom::Atom;
use super::hash::{self, mix};
use crate::model::condition::Operator;
use crate::model::value::{compare_numbers, same};

/// From this many values on, membership in a list is looked up by hash.
const LONG_LIST: usize = 8;

/// A test of the values that a field has. Negative operators are the negation of a test: see `compile`.
#[derive(Debug, PartialEq)]
pub(super) enum Test {
    /// Holds.
    Always,
    /// There is a value.
    Present,
    /// Some value equals this.
    Equals(Atom),
    /// Some value equals one of these, which stand in the order of their hashes.
    OneOf(Box<[(u64, Atom)]>),
    /// Some string has this part, or some array this element.
    HasText(Box<str>),
    /// Some array has this element.
    HasElement(Box<Value>),
    /// Some value stands in this order (gt, gte, lt, lte) to the bound.
    Ordered(Operator, Bound),
    /// Some value lies between the two.
    Between(Box<(Bound, Bound)>),
    /// Some string begins so.
    Prefix(Box<str>),
    /// Some string ends so.
    Suffix(Box<str>),
    /// Some string matches.
    Matches(Box<Pattern>),
    /// All of these literals hold.
    All(Box<[u32]>),
    /// Some of these literals holds.
    Any(Box<[u32]>),
}

/// What gt, lt and their like compare with.
#[derive(Debug, PartialEq)]
pub(super) enum Bound {
    /// A number.
    Number(Number),
    /// A date-time.
    Instant(Box<DateTime<FixedOffset>>),
}

/// A regular expression, compiled when first needed; one that cannot be read matches nothing.
#[derive(Debug)]
pub(super) struct Pattern {
    source: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Pattern {
    /// The pattern as written.
    pub(super) fn new(source: &str) -> Self {
        Self { source: source.into(), compiled: OnceLock::new() }
    }

    /// The limit is the one under which the pattern was accepted.
    fn is_match(&self, text: &str) -> bool {
        self.compiled.get_or_init(|| RegexBuilder::new(&self.source).size_limit(1 << 20).build().ok()).as_ref().is_some_and(|r| r.is_match(text))
    }
}

impl Bound {
    /// The bound that a condition's value is; `None` when nothing compares with it.
    pub(super) fn new(value: &Value) -> Option<Self> {
        match value {
            Value::Number(n) => Some(Self::Number(n.clone())),
            Value::String(s) => DateTime::parse_from_rfc3339(s).ok().map(|t| Self::Instant(Box::new(t))),
            _ => None,
        }
    }

    /// How `value` stands to the bound.
    fn order(&self, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Self::Number(bound), Value::Number(n)) => compare_numbers(n, bound),
            (Self::Instant(bound), Value::String(s)) => Some(DateTime::parse_from_rfc3339(s).ok()?.cmp(bound)),
            _ => None,
        }
    }

    /// Its place on a scale that orders bounds and values of one kind, without telling very close ones apart.
    pub(super) fn place(&self) -> (Scale, f64) {
        match self {
            Self::Number(n) => (Scale::Numbers, n.as_f64().unwrap_or(0.0)),
            Self::Instant(t) => (Scale::Instants, t.timestamp() as f64),
        }
    }
}

/// The two kinds of things that have an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scale {
    /// Numbers, as doubles.
    Numbers,
    /// Date-times, in whole seconds (leap seconds keep their order so).
    Instants,
}

impl Scale {
    /// The place of an event's value on this scale.
    pub(super) fn place(self, value: &Value) -> Option<f64> {
        match (self, value) {
            (Self::Numbers, Value::Number(n)) => n.as_f64(),
            (Self::Instants, Value::String(s)) => DateTime::parse_from_rfc3339(s).ok().map(|t| t.timestamp() as f64),
            _ => None,
        }
    }
}

impl Test {
    /// The test for one of a list of values.
    pub(super) fn one_of<'v>(values: impl Iterator<Item = &'v Value>) -> Self {
        let mut list: Vec<(u64, Atom)> = values.map(Atom::new).map(|atom| (atom.hash(), atom)).collect();
        list.sort_by_key(|(hash, _)| *hash);
        list.dedup();
        match list.pop() {
            Some((_, only)) if list.is_empty() => Self::Equals(only),
            last => {
                list.extend(last);
                Self::OneOf(list.into())
            }
        }
    }

    /// Whether it holds for the values of its field. Groups are decided by `Run`, which knows other fields.
    pub(super) fn holds(&self, actual: &[&Value]) -> bool {
        match self {
            Self::Always => true,
            Self::Present => !actual.is_empty(),
            Self::Equals(want) => actual.iter().any(|a| want.equals(a)),
            Self::OneOf(list) => actual.iter().any(|a| is_one_of(list, a)),
            Self::HasText(want) => actual.iter().any(|a| match a {
                Value::String(s) => s.contains(&**want),
                Value::Array(items) => items.iter().any(|i| i.as_str() == Some(want)),
                _ => false,
            }),
            Self::HasElement(want) => actual.iter().any(|a| a.as_array().is_some_and(|items| items.iter().any(|i| same(i, want)))),
            Self::Ordered(operator, bound) => actual.iter().any(|a| bound.order(a).is_some_and(|order| stands(*operator, order))),
            Self::Between(bounds) => actual.iter().any(|a| bounds.0.order(a).is_some_and(Ordering::is_ge) && bounds.1.order(a).is_some_and(Ordering::is_le)),
            Self::Prefix(want) => texts(actual).any(|a| a.starts_with(&**want)),
            Self::Suffix(want) => texts(actual).any(|a| a.ends_with(&**want)),
            Self::Matches(pattern) => texts(actual).any(|a| pattern.is_match(a)),
            Self::All(_) | Self::Any(_) => false,
        }
    }

    /// Equal for equal tests.
    pub(super) fn hash(&self) -> u64 {
        let text = |s: &str| hash::of_text(s.as_bytes());
        let place = |b: &Bound| b.place().1.to_bits();
        let (kind, content) = match self {
            Self::Always => (0, 0),
            Self::Present => (1, 0),
            Self::Equals(atom) => (2, atom.hash()),
            Self::OneOf(list) => (3, list.iter().fold(0, |h, (item, _)| mix(h, *item))),
            Self::HasText(s) => (4, text(s)),
            Self::HasElement(v) => (5, hash::of_value(v)),
            Self::Ordered(operator, bound) => (16 + *operator as u64, place(bound)),
            Self::Between(b) => (6, mix(place(&b.0), place(&b.1))),
            Self::Prefix(s) => (7, text(s)),
            Self::Suffix(s) => (8, text(s)),
            Self::Matches(p) => (9, text(&p.source)),
            Self::All(literals) => (10, literals.iter().fold(0, |h, l| mix(h, u64::from(*l)))),
            Self::Any(literals) => (11, literals.iter().fold(0, |h, l| mix(h, u64::from(*l)))),
        };
        mix(kind, content)
    }

    /// How dear a look is; cheap tests are made first.
    pub(super) const fn cost(&self) -> u8 {
        match self {
            Self::Always | Self::Present | Self::Equals(_) => 0,
            Self::Ordered(..) | Self::Between(_) | Self::OneOf(_) => 1,
            Self::Prefix(_) | Self::Suffix(_) | Self::HasText(_) => 2,
            Self::HasElement(_) | Self::Matches(_) => 3,
            Self::All(_) | Self::Any(_) => 4,
        }
    }

    /// Where a value must lie at least and at most for an order test to hold.
    pub(super) fn interval(&self) -> Option<(Scale, f64, f64)> {
        match self {
            Self::Ordered(operator, bound) => {
                let (scale, place) = bound.place();
                Some(if matches!(operator, Operator::Gt | Operator::Gte) { (scale, place, f64::INFINITY) } else { (scale, f64::NEG_INFINITY, place) })
            }
            Self::Between(bounds) => match (bounds.0.place(), bounds.1.place()) {
                ((low_scale, low), (high_scale, high)) if low_scale == high_scale => Some((low_scale, low, high)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The hash of an element that some array must have for the test to hold.
    pub(super) fn element(&self) -> Option<u64> {
        match self {
            Self::HasElement(want) => Some(hash::of_value(want)),
            _ => None,
        }
    }

    /// A text that some string, or an element of some array, must have in it for the test to hold.
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Self::HasText(s) | Self::Prefix(s) | Self::Suffix(s) => Some(s).map(|s| &**s).filter(|s| !s.is_empty()),
            _ => None,
        }
    }
}

fn is_one_of(list: &[(u64, Atom)], value: &Value) -> bool {
    if list.len() < LONG_LIST {
        return list.iter().any(|(_, atom)| atom.equals(value));
    }
    let hash = hash::of_value(value);
    let start = list.partition_point(|(h, _)| *h < hash);
    list[start..].iter().take_while(|(h, _)| *h == hash).any(|(_, atom)| atom.equals(value))
}

fn stands(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Gt => order.is_gt(),
        Operator::Gte => order.is_ge(),
        Operator::Lt => order.is_lt(),
        _ => order.is_le(),
    }
}

fn texts<'a>(actual: &'a [&'a Value]) -> impl Iterator<Item = &'a str> {
    actual.iter().filter_map(|v| v.as_str())
}
