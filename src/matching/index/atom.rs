//! A value to compare for equality, laid out so that the common ones (short texts, numbers) need no second look into memory.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Number, Value};

use super::hash;
use crate::model::value::{compare_numbers, same};

/// Longest text kept in place, in bytes.
const SHORT: usize = 22;

/// A text; short ones in place.
#[derive(PartialEq, Eq)]
pub(super) enum Text {
    /// Its length, and its bytes followed by zeroes.
    Short(u8, [u8; SHORT]),
    /// A longer one.
    Long(Box<str>),
}

impl Text {
    fn new(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..text.len()) {
            Some(head) => {
                head.copy_from_slice(text.as_bytes());
                Self::Short(text.len() as u8, bytes)
            }
            None => Self::Long(text.into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(len, bytes) => &bytes[..usize::from(*len).min(SHORT)],
            Self::Long(text) => text.as_bytes(),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes()))
    }
}

/// A value that others are compared with.
#[derive(Debug, PartialEq)]
pub(super) enum Atom {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(Text),
    /// A list or an object.
    Deep(Box<Value>),
}

impl Atom {
    /// The atom of a JSON value.
    pub(super) fn new(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => Self::Number(n.clone()),
            Value::String(s) => Self::Text(Text::new(s)),
            deep => Self::Deep(Box::new(deep.clone())),
        }
    }

    /// Whether `same` holds with `value`.
    pub(super) fn equals(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Null, Value::Null) => true,
            (Self::Bool(a), Value::Bool(b)) => a == b,
            (Self::Number(a), Value::Number(b)) => compare_numbers(a, b) == Some(Ordering::Equal),
            (Self::Text(a), Value::String(b)) => a.bytes() == b.as_bytes(),
            (Self::Deep(a), b) => same(a, b),
            _ => false,
        }
    }

    /// The hash of its value, as `hash::of_value` gives it.
    pub(super) fn hash(&self) -> u64 {
        match self {
            Self::Null => hash::of_null(),
            Self::Bool(b) => hash::of_bool(*b),
            Self::Number(n) => hash::of_number(n),
            Self::Text(t) => hash::of_text(t.bytes()),
            Self::Deep(v) => hash::of_value(v),
        }
    }

    /// Whether it is a list or an object.
    pub(super) const fn is_deep(&self) -> bool {
        matches!(self, Self::Deep(_))
    }
}
