//! Values as people type them: which operators a type offers, which editor a value needs, and how text becomes a value and back.

use event_actions::model::Timestamp;
use event_actions::model::condition::{Operator, ValueShape};
use serde_json::Value;

/// The type of a field, as seen in events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A string that is an RFC 3339 date-time.
    Moment,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// An array.
    List,
    /// An object, null, or different types in different events.
    Other,
}

impl Kind {
    /// The type of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::String(s) if Timestamp::parse(s).is_some() => Self::Moment,
            Value::String(_) => Self::Text,
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Flag,
            Value::Array(_) => Self::List,
            Value::Object(_) | Value::Null => Self::Other,
        }
    }

    /// The type of a field seen as `self` and as `other`.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Text, Self::Moment) | (Self::Moment, Self::Text) => Self::Text,
            _ => Self::Other,
        }
    }

    /// The word shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Moment => "date-time",
            Self::Number => "number",
            Self::Flag => "true/false",
            Self::List => "list",
            Self::Other => "mixed",
        }
    }

    /// Whether an operator makes sense for this type.
    #[must_use]
    pub fn offers(self, operator: Operator) -> bool {
        match operator.value_shape() {
            _ if self == Self::Other => true,
            ValueShape::OptionalBool => true,
            ValueShape::Any if matches!(operator, Operator::Contains | Operator::NotContains) => matches!(self, Self::Text | Self::Moment | Self::List),
            ValueShape::Any => self != Self::List,
            ValueShape::Orderable | ValueShape::Range => matches!(self, Self::Number | Self::Moment),
            ValueShape::List => matches!(self, Self::Text | Self::Moment | Self::Number),
            ValueShape::Text | ValueShape::Pattern => matches!(self, Self::Text | Self::Moment),
        }
    }
}

/// The operators offered for a type, the one in use always among them.
#[must_use]
pub fn operators(kind: Option<Kind>, current: Operator) -> Vec<Operator> {
    Operator::ALL.into_iter().filter(|o| *o == current || kind.is_none_or(|k| k.offers(*o))).collect()
}

/// How a value is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Editor {
    /// Not at all: the operator needs none.
    None,
    /// True or false.
    Flag,
    /// A list of chips.
    Chips,
    /// Two bounds.
    Range,
    /// One line.
    Line,
}

impl Editor {
    /// The editor for an operator, a field's type and the value there is.
    #[must_use]
    pub fn of(operator: Operator, kind: Option<Kind>, value: Option<&Value>) -> Self {
        match operator.value_shape() {
            ValueShape::OptionalBool if value.is_none() => Self::None,
            ValueShape::OptionalBool => Self::Flag,
            ValueShape::List => Self::Chips,
            ValueShape::Range => Self::Range,
            ValueShape::Any if value.is_some_and(Value::is_boolean) || (value.is_none() && kind == Some(Kind::Flag)) => Self::Flag,
            _ => Self::Line,
        }
    }
}

/// The value that a text means to an operator, for a field of this type; none when nothing is typed.
///
/// A text in quotes, brackets or braces that is JSON means just that, so every value can be written everywhere.
#[must_use]
pub fn read(text: &str, operator: Operator, kind: Option<Kind>) -> Option<Value> {
    let json = || serde_json::from_str::<Value>(text).ok();
    if text.is_empty() {
        return None;
    }
    let typed = match operator.value_shape() {
        ValueShape::Text | ValueShape::Pattern => None,
        ValueShape::Orderable | ValueShape::Range => json().filter(Value::is_number),
        _ if text.starts_with(['"', '[', '{']) => json(),
        _ => match kind {
            Some(Kind::Text | Kind::Moment) => None,
            Some(Kind::Number) => json().filter(|v| v.is_number() || v.is_null()),
            Some(Kind::Flag) => json().filter(|v| v.is_boolean() || v.is_null()),
            Some(Kind::List | Kind::Other) | None => json(),
        },
    };
    Some(typed.unwrap_or_else(|| Value::String(text.to_owned())))
}

/// The text that shows a value. Reading it back gives the value again wherever the field's type allows the value.
#[must_use]
pub fn write(value: &Value, operator: Operator, kind: Option<Kind>) -> String {
    match value {
        Value::String(s) if read(s, operator, kind).as_ref() == Some(value) => s.clone(),
        other => other.to_string(),
    }
}

/// Whether a value may stay when the field becomes one of type `kind`.
#[must_use]
pub fn fits(value: &Value, kind: Option<Kind>) -> bool {
    match (kind, value) {
        (None | Some(Kind::Other), _) => true,
        (_, Value::Array(items)) => items.iter().all(|v| fits(v, kind)),
        (Some(Kind::List), _) => true,
        (Some(k), v) => k.merged(Kind::of(v)) != Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_read_by_the_fields_type() {
        for (text, operator, kind, value) in [
            ("20", Operator::Equals, Some(Kind::Text), json!("20")),
            ("20", Operator::Equals, Some(Kind::Number), json!(20)),
            ("20", Operator::Equals, None, json!(20)),
            ("\"20\"", Operator::Equals, Some(Kind::Number), json!("20")),
            ("twenty", Operator::Equals, Some(Kind::Number), json!("twenty")),
            ("true", Operator::Equals, Some(Kind::Flag), json!(true)),
            ("null", Operator::Equals, Some(Kind::Number), json!(null)),
            ("2026-01-31T12:00:00Z", Operator::Gt, None, json!("2026-01-31T12:00:00Z")),
            ("100", Operator::Gte, Some(Kind::Text), json!(100)),
            ("^A", Operator::Matches, None, json!("^A")),
            ("12", Operator::StartsWith, None, json!("12")),
            ("[1, 2]", Operator::Equals, None, json!([1, 2])),
        ] {
            assert_eq!(read(text, operator, kind), Some(value), "{text}");
        }
        assert_eq!(read("", Operator::Equals, None), None);
    }

    #[test]
    fn what_is_shown_reads_back() {
        for value in [json!("20"), json!(20), json!("a"), json!(""), json!(null), json!(true), json!([1, "x"]), json!({"a": 1}), json!("\"q\"")] {
            for kind in [None, Some(Kind::Other)] {
                assert_eq!(read(&write(&value, Operator::Equals, kind), Operator::Equals, kind), Some(value.clone()), "{value} {kind:?}");
            }
        }
        assert_eq!(write(&json!(20), Operator::Equals, Some(Kind::Text)), "20");
    }

    #[test]
    fn operators_follow_the_type() {
        let flags = operators(Some(Kind::Flag), Operator::Equals);
        assert_eq!(flags, [Operator::Equals, Operator::NotEquals, Operator::Exists, Operator::NotExists]);
        assert!(operators(Some(Kind::Flag), Operator::Gt).contains(&Operator::Gt), "the one in use stays");
        assert!(operators(Some(Kind::Moment), Operator::Equals).contains(&Operator::Between));
        assert_eq!(operators(None, Operator::Equals).len(), Operator::ALL.len());
    }
}
