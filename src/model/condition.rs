//! Conditions on an event: field, operator, value, and groups of them. Everything about an operator is in `Operator`.

mod json;

use std::cmp::Ordering;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Faults;
use super::path;
use super::value::{compare_numbers, describe, same};

/// Deepest nesting of groups.
pub const MAX_GROUP_DEPTH: usize = 4;
/// Most conditions in one action, groups included.
pub const MAX_CONDITIONS: usize = 200;
/// Longest regular expression, in characters.
pub const MAX_PATTERN_CHARS: usize = 512;
/// Most values in one `in` list.
pub const MAX_LIST_VALUES: usize = 1000;

/// What a condition compares and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Some resolved value is the same JSON value.
    Equals,
    /// `equals` does not hold.
    NotEquals,
    /// A string has the substring, or an array has the element.
    Contains,
    /// `contains` does not hold.
    NotContains,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Gte,
    /// Less than.
    Lt,
    /// Less than or equal.
    Lte,
    /// One and the same value lies in `[low, high]`.
    Between,
    /// Some resolved value equals one of the list.
    In,
    /// `in` does not hold.
    NotIn,
    /// The path resolves, null included.
    Exists,
    /// `exists` does not hold.
    NotExists,
    /// A string begins with the value.
    StartsWith,
    /// A string ends with the value.
    EndsWith,
    /// A string matches the regular expression, unanchored.
    Matches,
}

/// The shape of the `value` that an operator needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueShape {
    /// Any JSON value, null included, but present.
    Any,
    /// A number, or an RFC 3339 date-time as a string.
    Orderable,
    /// `[low, high]`, both orderable and of one kind.
    Range,
    /// A non-empty array.
    List,
    /// Absent, or true or false.
    OptionalBool,
    /// A string.
    Text,
    /// A regular expression of at most 512 characters.
    Pattern,
}

impl Operator {
    /// Every operator, in the order in which a person is offered them.
    pub const ALL: [Self; 16] = [
        Self::Equals,
        Self::NotEquals,
        Self::Contains,
        Self::NotContains,
        Self::Gt,
        Self::Gte,
        Self::Lt,
        Self::Lte,
        Self::Between,
        Self::In,
        Self::NotIn,
        Self::Exists,
        Self::NotExists,
        Self::StartsWith,
        Self::EndsWith,
        Self::Matches,
    ];

    /// The word in the REST API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::NotEquals => "not_equals",
            Self::Contains => "contains",
            Self::NotContains => "not_contains",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Between => "between",
            Self::In => "in",
            Self::NotIn => "not_in",
            Self::Exists => "exists",
            Self::NotExists => "not_exists",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::Matches => "matches",
        }
    }

    /// The words in the console.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::NotEquals => "is not",
            Self::Contains => "contains",
            Self::NotContains => "does not contain",
            Self::Gt => "more than",
            Self::Gte => "at least",
            Self::Lt => "less than",
            Self::Lte => "at most",
            Self::Between => "between",
            Self::In => "one of",
            Self::NotIn => "none of",
            Self::Exists => "exists",
            Self::NotExists => "does not exist",
            Self::StartsWith => "starts with",
            Self::EndsWith => "ends with",
            Self::Matches => "matches",
        }
    }

    /// The shape of value it needs.
    #[must_use]
    pub const fn value_shape(self) -> ValueShape {
        match self {
            Self::Equals | Self::NotEquals | Self::Contains | Self::NotContains => ValueShape::Any,
            Self::Gt | Self::Gte | Self::Lt | Self::Lte => ValueShape::Orderable,
            Self::Between => ValueShape::Range,
            Self::In | Self::NotIn => ValueShape::List,
            Self::Exists | Self::NotExists => ValueShape::OptionalBool,
            Self::StartsWith | Self::EndsWith => ValueShape::Text,
            Self::Matches => ValueShape::Pattern,
        }
    }

    /// Whether the operator holds between the values a path resolved to and the condition's value.
    #[must_use]
    pub fn holds(self, actual: &[&Value], expected: Option<&Value>) -> bool {
        let null = Value::Null;
        let want = expected.unwrap_or(&null);
        match self {
            Self::Equals => actual.iter().any(|a| same(a, want)),
            Self::NotEquals => !Self::Equals.holds(actual, expected),
            Self::Contains => actual.iter().any(|a| contains(a, want)),
            Self::NotContains => !Self::Contains.holds(actual, expected),
            Self::Gt => actual.iter().any(|a| order(a, want) == Some(Ordering::Greater)),
            Self::Gte => actual.iter().any(|a| order(a, want).is_some_and(Ordering::is_ge)),
            Self::Lt => actual.iter().any(|a| order(a, want) == Some(Ordering::Less)),
            Self::Lte => actual.iter().any(|a| order(a, want).is_some_and(Ordering::is_le)),
            Self::Between => {
                let [low, high] = [want.get(0).unwrap_or(&null), want.get(1).unwrap_or(&null)];
                actual.iter().any(|a| order(a, low).is_some_and(Ordering::is_ge) && order(a, high).is_some_and(Ordering::is_le))
            }
            Self::In => want.as_array().is_some_and(|list| actual.iter().any(|a| list.iter().any(|w| same(a, w)))),
            Self::NotIn => !Self::In.holds(actual, expected),
            Self::Exists => actual.is_empty() == (want == &Value::Bool(false)),
            Self::NotExists => !Self::Exists.holds(actual, expected),
            Self::StartsWith => texts(actual).any(|a| want.as_str().is_some_and(|w| a.starts_with(w))),
            Self::EndsWith => texts(actual).any(|a| want.as_str().is_some_and(|w| a.ends_with(w))),
            Self::Matches => want.as_str().and_then(|p| compile(p).ok()).is_some_and(|re| texts(actual).any(|a| re.is_match(a))),
        }
    }

    /// When no resolved value is of a type the operator can use: what it expected. `None` when some value fits.
    #[must_use]
    pub fn expected_type(self, actual: &[&Value], expected: Option<&Value>) -> Option<&'static str> {
        let fits = |a: &&Value| match self.value_shape() {
            ValueShape::Orderable => order(a, expected.unwrap_or(&Value::Null)).is_some(),
            ValueShape::Range => order(a, expected.and_then(|e| e.get(0)).unwrap_or(&Value::Null)).is_some(),
            ValueShape::Text | ValueShape::Pattern => a.is_string(),
            ValueShape::Any if matches!(self, Self::Contains | Self::NotContains) => a.is_string() || a.is_array(),
            _ => true,
        };
        if actual.is_empty() || actual.iter().any(fits) {
            return None;
        }
        let bound = if self == Self::Between { expected.and_then(|e| e.get(0)) } else { expected };
        Some(match self.value_shape() {
            ValueShape::Orderable | ValueShape::Range if bound.is_some_and(Value::is_string) => "a date-time",
            ValueShape::Orderable | ValueShape::Range => "a number",
            ValueShape::Any => "a string or a list",
            _ => "a string",
        })
    }

    /// Checks a condition's value against the operator's shape.
    fn check(self, value: Option<&Value>, at: &str, faults: &mut Faults) {
        let pointer = format!("{at}/value");
        let name = self.name();
        let mut wrong = |code: &str, message: String| faults.add(pointer.clone(), code, message);
        match (self.value_shape(), value) {
            (ValueShape::OptionalBool, None | Some(Value::Bool(_))) | (ValueShape::Any, Some(_)) => {}
            (ValueShape::OptionalBool, Some(v)) => wrong("wrong_type", format!("{name} takes true, false or no value; found {}.", describe(v))),
            (_, None) => wrong("missing", format!("{name} needs a value.")),
            (ValueShape::Orderable, Some(v)) if kind(v).is_none() => {
                wrong("wrong_type", format!("{name} needs a number or an RFC 3339 date-time such as \"2026-01-31T12:00:00Z\"; found {}.", describe(v)));
            }
            (ValueShape::Range, Some(v)) => match v.as_array().map(Vec::as_slice) {
                Some([low, high]) if kind(low).is_some() && kind(low) == kind(high) => {
                    if order(low, high) == Some(Ordering::Greater) {
                        wrong("out_of_range", format!("{name} needs [low, high]; the first is greater than the second."));
                    }
                }
                _ => wrong("wrong_type", format!("{name} needs [low, high], two numbers or two RFC 3339 date-times; found {}.", describe(v))),
            },
            (ValueShape::List, Some(v)) => match v.as_array().map(Vec::len) {
                Some(1..=MAX_LIST_VALUES) => {}
                Some(0) => wrong("empty", format!("{name} needs at least one value in its list.")),
                Some(n) => wrong("too_long", format!("{name} takes at most {MAX_LIST_VALUES} values; found {n}.")),
                None => wrong("wrong_type", format!("{name} needs a list such as [\"active\", \"pending\"]; found {}.", describe(v))),
            },
            (ValueShape::Text | ValueShape::Pattern, Some(v)) if !v.is_string() => wrong("wrong_type", format!("{name} needs a string; found {}.", describe(v))),
            (ValueShape::Pattern, Some(Value::String(p))) if p.chars().count() > MAX_PATTERN_CHARS => {
                wrong("too_long", format!("A pattern has at most {MAX_PATTERN_CHARS} characters."));
            }
            (ValueShape::Pattern, Some(Value::String(p))) => {
                if let Err(e) = compile(p) {
                    wrong("bad_pattern", format!("The pattern cannot be read: {e}."));
                }
            }
            (ValueShape::Orderable | ValueShape::Text | ValueShape::Pattern, Some(_)) => {}
        }
    }
}

/// Compiles a `matches` pattern (linear time, size-limited).
fn compile(pattern: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    regex_lite::RegexBuilder::new(pattern).size_limit(1 << 20).build()
}

fn texts<'a>(actual: &'a [&'a Value]) -> impl Iterator<Item = &'a str> {
    actual.iter().filter_map(|v| v.as_str())
}

fn contains(actual: &Value, want: &Value) -> bool {
    match (actual, want) {
        (Value::String(a), Value::String(w)) => a.contains(w.as_str()),
        (Value::Array(items), w) => items.iter().any(|i| same(i, w)),
        _ => false,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Instant,
}

fn kind(v: &Value) -> Option<Kind> {
    match v {
        Value::Number(_) => Some(Kind::Number),
        Value::String(s) => DateTime::parse_from_rfc3339(s).ok().map(|_| Kind::Instant),
        _ => None,
    }
}

/// Orders number against number, or date-time against date-time; nothing else has an order.
#[must_use]
pub fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => compare_numbers(x, y),
        (Value::String(x), Value::String(y)) => Some(DateTime::parse_from_rfc3339(x).ok()?.cmp(&DateTime::parse_from_rfc3339(y).ok()?)),
        _ => None,
    }
}

/// One comparison of a field with a value.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Condition {
    /// Dotted path such as `data.user.email`; a path without a known root is looked up in `data`.
    pub field: String,
    /// How to compare.
    pub operator: Operator,
    /// What to compare with; absent is not the same as null.
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub value: Option<Value>,
}

/// How a group combines its items. An empty group holds, whatever its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// Every item holds.
    All,
    /// At least one item holds.
    Any,
    /// No item holds.
    None,
}

impl GroupKind {
    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Any => "any",
            Self::None => "none",
        }
    }
}

/// A condition, or a group `{"all": [...]}`, `{"any": [...]}`, `{"none": [...]}`.
#[derive(Clone, Debug, PartialEq)]
pub enum ConditionItem {
    /// A comparison.
    Condition(Condition),
    /// A group of items.
    Group(GroupKind, Vec<ConditionItem>),
}

/// Validates a list of items that stands at `pointer`.
pub fn validate_conditions(items: &[ConditionItem], pointer: &str, faults: &mut Faults) {
    let mut count = 0;
    validate_items(items, pointer, 0, &mut count, faults);
    if count > MAX_CONDITIONS {
        faults.add(pointer, "too_many", format!("An action has at most {MAX_CONDITIONS} conditions; found {count}."));
    }
}

fn validate_items(items: &[ConditionItem], pointer: &str, depth: usize, count: &mut usize, faults: &mut Faults) {
    for (index, item) in items.iter().enumerate() {
        *count += 1;
        let at = format!("{pointer}/{index}");
        match item {
            ConditionItem::Condition(c) => {
                if let Some(why) = path::fault(&c.field) {
                    faults.add(format!("{at}/field"), "bad_path", why);
                }
                c.operator.check(c.value.as_ref(), &at, faults);
            }
            ConditionItem::Group(kind, inner) => {
                if depth + 1 > MAX_GROUP_DEPTH {
                    faults.add(at, "too_deep", format!("Groups nest at most {MAX_GROUP_DEPTH} deep."));
                } else {
                    validate_items(inner, &format!("{at}/{}", kind.name()), depth + 1, count, faults);
                }
            }
        }
    }
}
