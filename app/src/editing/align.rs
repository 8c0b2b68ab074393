//! Which items of two lists are the same thing: of what both people began with, what one typed, and what the other saved.

use event_actions::model::condition::GroupKind;
use serde_json::Value;

/// Ways to recognise an item, the surest first.
type Signs = &'static [fn(&Value) -> String];

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Conditions: the same altogether, else the same field and operator or kind of group, else the same field or any group.
    Conditions,
    /// Rows of a name and its value.
    Rows,
    /// Steps of a workflow.
    Steps,
}

impl Holds {
    fn signs(self) -> Signs {
        match self {
            Self::Conditions => &[
                |v| v.to_string(),
                |v| format!("{} {}", head(v), v.get("operator").and_then(Value::as_str).unwrap_or_default()),
                |v| {
                    if group_of(v).is_some() { "a group".to_owned() } else { head(v) }
                },
            ],
            Self::Rows => &[|v| v.to_string(), |v| v.get(0).map(Value::to_string).unwrap_or_default()],
            Self::Steps => &[|v| v.to_string(), |v| v.get("name").map(Value::to_string).unwrap_or_default()],
        }
    }
}

/// One thing in up to three lists: its index in the base, in mine and in theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Same {
    /// Where both began.
    pub base: Option<usize>,
    /// In the draft.
    pub mine: Option<usize>,
    /// In what was saved meanwhile.
    pub theirs: Option<usize>,
}

fn head(v: &Value) -> String {
    group_of(v).map_or_else(|| v.get("field").map(Value::to_string).unwrap_or_default(), |(kind, _)| kind.name().to_owned())
}

/// A group's kind and items.
#[must_use]
pub fn group_of(v: &Value) -> Option<(GroupKind, &Vec<Value>)> {
    [GroupKind::All, GroupKind::Any, GroupKind::None].into_iter().find_map(|kind| Some((kind, v.get(kind.name())?.as_array()?)))
}

/// For each item of `a`, the item of `b` that it is; without those that `skip` marks.
fn pairs(a: &[Value], b: &[Value], skip: (&[bool], &[bool]), signs: Signs) -> Vec<Option<usize>> {
    let mut out = vec![None; a.len()];
    let mut used = skip.1.to_vec();
    for sign in signs {
        for (i, item) in a.iter().enumerate() {
            if out[i].is_some() || skip.0[i] {
                continue;
            }
            let name = sign(item);
            if let Some(j) = (0..b.len()).find(|j| !used[*j] && sign(&b[*j]) == name) {
                (out[i], used[j]) = (Some(j), true);
            }
        }
    }
    out
}

/// Everything in either list, in the order of mine; what only they have stands behind what they have before it.
#[must_use]
pub fn align(base: &[Value], mine: &[Value], theirs: &[Value], holds: Holds) -> Vec<Same> {
    let signs = holds.signs();
    let none = |list: &[Value]| vec![false; list.len()];
    let known = |list: &[Option<usize>]| list.iter().map(Option::is_some).collect::<Vec<_>>();
    let my_base = pairs(mine, base, (&none(mine), &none(base)), signs);
    let their_base = pairs(theirs, base, (&none(theirs), &none(base)), signs);
    let added = pairs(mine, theirs, (&known(&my_base), &known(&their_base)), signs);
    let mut out: Vec<Same> = (0..mine.len())
        .map(|i| {
            let theirs = my_base[i].map_or(added[i], |b| their_base.iter().position(|t| *t == Some(b)));
            Same { base: my_base[i], mine: Some(i), theirs }
        })
        .collect();
    for (j, base) in their_base.into_iter().enumerate() {
        if out.iter().all(|s| s.theirs != Some(j)) {
            let before = j.checked_sub(1).and_then(|j| out.iter().position(|s| s.theirs == Some(j)));
            out.insert(before.map_or(0, |n| n + 1), Same { base, mine: None, theirs: Some(j) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(value: Value) -> Vec<Value> {
        value.as_array().cloned().unwrap_or_default()
    }

    #[test]
    fn things_are_recognised_and_keep_their_order() {
        let base = list(json!([["a", 1], ["b", 2], ["c", 3]]));
        let mine = list(json!([["new", 9], ["c", 3], ["a", 5]]));
        let theirs = list(json!([["a", 1], ["b", 2], ["x", 7], ["c", 3], ["new", 8]]));
        let found: Vec<[Option<usize>; 3]> = align(&base, &mine, &theirs, Holds::Rows).into_iter().map(|s| [s.base, s.mine, s.theirs]).collect();
        assert_eq!(found, [[None, Some(0), Some(4)], [Some(2), Some(1), Some(3)], [Some(0), Some(2), Some(0)], [Some(1), None, Some(1)], [None, None, Some(2)]]);
    }

    #[test]
    fn conditions_are_the_same_by_field_before_anything_else() {
        let base = list(json!([{"field": "a", "operator": "gt", "value": 1}, {"field": "a", "operator": "lt", "value": 9}, {"any": []}]));
        let mine = list(json!([{"field": "a", "operator": "lt", "value": 8}, {"any": [{"field": "b", "operator": "exists"}]}, {"field": "a", "operator": "gte", "value": 1}]));
        let found: Vec<Option<usize>> = align(&base, &mine, &base, Holds::Conditions).into_iter().filter(|s| s.mine.is_some()).map(|s| s.base).collect();
        assert_eq!(found, [Some(1), Some(2), Some(0)]);
    }
}
