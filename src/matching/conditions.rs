//! Gate 5: conditions and groups against a document, each with its reason and, for a mix-up of types, its mend.

use serde_json::Value;

use crate::model::condition::{Condition, ConditionItem, GroupKind, Operator};
use crate::model::path::Document;
use crate::model::report::{ConditionReport, Mend};
use crate::model::value::{describe, short};

/// Most actual values that a report carries.
const MAX_ACTUAL: usize = 5;

/// Whether all items hold. The verdict alone, without reports.
#[must_use]
pub fn evaluate_all(items: &[ConditionItem], document: &Document<'_>) -> bool {
    items.iter().all(|item| holds(item, document))
}

fn holds(item: &ConditionItem, document: &Document<'_>) -> bool {
    match item {
        ConditionItem::Condition(c) => c.operator.holds(&document.resolve(&c.field), c.value.as_ref()),
        ConditionItem::Group(_, items) if items.is_empty() => true,
        ConditionItem::Group(GroupKind::All, items) => items.iter().all(|i| holds(i, document)),
        ConditionItem::Group(GroupKind::Any, items) => items.iter().any(|i| holds(i, document)),
        ConditionItem::Group(GroupKind::None, items) => !items.iter().any(|i| holds(i, document)),
    }
}

/// The report on each of `items`, which stand at `pointer`.
#[must_use]
pub fn evaluate(items: &[ConditionItem], document: &Document<'_>, pointer: &str) -> Vec<ConditionReport> {
    items.iter().enumerate().map(|(i, item)| report(item, document, &format!("{pointer}/{i}"))).collect()
}

fn report(item: &ConditionItem, document: &Document<'_>, at: &str) -> ConditionReport {
    match item {
        ConditionItem::Condition(c) => condition(c, document, at),
        ConditionItem::Group(kind, items) => group(*kind, evaluate(items, document, &format!("{at}/{}", kind.name())), at),
    }
}

fn group(kind: GroupKind, items: Vec<ConditionReport>, at: &str) -> ConditionReport {
    let passing = items.iter().filter(|r| r.holds).count();
    let total = items.len();
    let (holds, reason) = match kind {
        _ if total == 0 => (true, "The group is empty, so it passes.".to_owned()),
        GroupKind::All => (passing == total, format!("{passing} of {total} hold; all must.")),
        GroupKind::Any => (passing > 0, format!("{passing} of {total} hold; at least one must.")),
        GroupKind::None => (passing == 0, format!("{passing} of {total} hold; none may.")),
    };
    let detail = (!holds).then(|| items.iter().find(|r| r.holds == (kind == GroupKind::None))).flatten();
    let reason = detail.map_or(reason.clone(), |d| format!("{reason} {}", d.reason));
    ConditionReport { pointer: at.to_owned(), holds, reason, field: None, operator: None, expected: None, actual: Vec::new(), mend: None, items }
}

fn condition(c: &Condition, document: &Document<'_>, at: &str) -> ConditionReport {
    let actual = document.resolve(&c.field);
    let holds = c.operator.holds(&actual, c.value.as_ref());
    ConditionReport {
        pointer: at.to_owned(),
        holds,
        reason: reason(c, &actual, holds),
        field: Some(c.field.clone()),
        operator: Some(c.operator),
        expected: c.value.clone(),
        mend: if holds { None } else { mend(c, &actual) },
        actual: actual.into_iter().take(MAX_ACTUAL).cloned().collect(),
        items: Vec::new(),
    }
}

fn reason(c: &Condition, actual: &[&Value], holds: bool) -> String {
    let found = match actual {
        [] => "is missing".to_owned(),
        [one] => format!("is {}", describe(one)),
        many => format!("has {} values ({})", many.len(), many.iter().take(3).map(|v| short(v)).collect::<Vec<_>>().join(", ")),
    };
    if holds {
        return format!("{} {found}.", c.field);
    }
    if let Some(expected) = c.operator.expected_type(actual, c.value.as_ref()) {
        let value = actual.first().map_or_else(String::new, |v| describe(v));
        return format!("{}: expected {expected}, found {value}.", c.field);
    }
    format!("{} {found}; {}.", c.field, needs(c))
}

/// What a condition needs, as the end of a sentence.
fn needs(c: &Condition) -> String {
    let null = Value::Null;
    let value = c.value.as_ref().unwrap_or(&null);
    let list = || value.as_array().map_or_else(String::new, |v| v.iter().take(5).map(short).collect::<Vec<_>>().join(", "));
    let inverted = value == &Value::Bool(false);
    match c.operator {
        Operator::Equals => format!("it must equal {}", describe(value)),
        Operator::NotEquals => format!("it must not equal {}", describe(value)),
        Operator::Contains => format!("it must contain {}", short(value)),
        Operator::NotContains => format!("it must not contain {}", short(value)),
        Operator::Gt => format!("it must be more than {}", short(value)),
        Operator::Gte => format!("it must be at least {}", short(value)),
        Operator::Lt => format!("it must be less than {}", short(value)),
        Operator::Lte => format!("it must be at most {}", short(value)),
        Operator::Between => format!("it must be between {} and {}", short(value.get(0).unwrap_or(&null)), short(value.get(1).unwrap_or(&null))),
        Operator::In => format!("it must be one of {}", list()),
        Operator::NotIn => format!("it must be none of {}", list()),
        Operator::Exists | Operator::NotExists => if (c.operator == Operator::Exists) == inverted { "it must not exist" } else { "it must exist" }.to_owned(),
        Operator::StartsWith => format!("it must start with {}", short(value)),
        Operator::EndsWith => format!("it must end with {}", short(value)),
        Operator::Matches => format!("it must match {}", short(value)),
    }
}

/// When the one actual value would do but for its type, the value to compare with instead.
fn mend(c: &Condition, actual: &[&Value]) -> Option<Mend> {
    let [actual] = actual else { return None };
    let wanted = c.value.as_ref()?;
    let value = match c.operator {
        Operator::Equals if looks_same(actual, wanted) => (*actual).clone(),
        Operator::In if wanted.as_array()?.iter().any(|w| looks_same(actual, w)) => {
            Value::Array(wanted.as_array()?.iter().map(|w| if looks_same(actual, w) { (*actual).clone() } else { w.clone() }).collect())
        }
        Operator::Contains => {
            let items = actual.as_array()?;
            items.iter().find(|i| looks_same(i, wanted))?.clone()
        }
        _ => return None,
    };
    Some(Mend { label: format!("Use {}", short(&value)), value })
}

/// Whether two values of different types are written alike, letter case ignored: `20` and `"20"`, `true` and `"True"`.
fn looks_same(a: &Value, b: &Value) -> bool {
    let text = |v: &Value| match v {
        Value::String(s) => Some(s.trim().to_lowercase()),
        Value::Number(_) | Value::Bool(_) => Some(v.to_string()),
        _ => None,
    };
    matches!((text(a), text(b)), (Some(x), Some(y)) if x == y)
}
