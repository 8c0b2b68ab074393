//! Two people changed one action: what differs, piece by piece, and what comes out when each difference is decided.
//!
//! Fields, settings, context filters, headers, conditions (also those in groups) and steps of a workflow are compared one by one.

use event_actions::model::condition::Operator;
use serde_json::{Map, Value, json};

use super::align::{Holds, align, group_of};

/// One piece that differs between the draft and what somebody else saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// What it is, in words: `rate limit, max`, `condition data.total`.
    pub label: String,
    /// What the draft says; none when it says nothing.
    pub mine: Option<Value>,
    /// What was saved meanwhile.
    pub theirs: Option<Value>,
    /// Whether both sides changed it.
    pub clash: bool,
    /// Whether theirs is taken. Begins as yes where only they changed it.
    pub take_theirs: bool,
    /// Whether it is one of the conditions.
    pub is_condition: bool,
}

/// How the pieces make up the whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Both say the same.
    Same(Option<Value>),
    /// The difference with this index decides.
    Choice(usize),
    /// The members of an object.
    Object(Vec<(String, Plan)>),
    /// The items of a list.
    List(Vec<Plan>),
    /// A row of a name and its value.
    Row(String, Box<Plan>),
}

/// The comparison of a draft with what was saved meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What differs, in the order of the whole.
    pub differences: Vec<Difference>,
    plan: Plan,
}

/// Three versions of one piece: where both began, the draft, and what was saved meanwhile.
#[derive(Clone, Copy)]
struct Three<'a> {
    base: Option<&'a Value>,
    mine: Option<&'a Value>,
    theirs: Option<&'a Value>,
}

impl<'a> Three<'a> {
    fn each<T>(self, read: impl Fn(Option<&'a Value>) -> T) -> [T; 3] {
        [read(self.base), read(self.mine), read(self.theirs)]
    }

    fn member(self, name: &str) -> Self {
        let [base, mine, theirs] = self.each(|v| v.and_then(|v| v.get(name)));
        Self { base, mine, theirs }
    }
}

/// What differs between the draft and what was saved meanwhile, given what both began with.
#[must_use]
pub fn compare(base: &Value, mine: &Value, theirs: &Value) -> Comparison {
    let mut differences = Vec::new();
    let plan = piece(Three { base: Some(base), mine: Some(mine), theirs: Some(theirs) }, &[], &mut differences);
    Comparison { differences, plan }
}

/// What was said; an empty text and null say nothing.
fn said(v: Option<&Value>) -> Option<&Value> {
    v.filter(|v| !v.is_null() && v.as_str() != Some(""))
}

fn piece(three: Three<'_>, path: &[String], out: &mut Vec<Difference>) -> Plan {
    let [base, mine, theirs] = three.each(said);
    if mine == theirs {
        return Plan::Same(three.mine.cloned());
    }
    if let (Some(Value::Object(a)), Some(Value::Object(b))) = (mine, theirs)
        && !path.last().is_some_and(|last| last.starts_with("condition "))
    {
        let mut names: Vec<&String> = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))).collect();
        names.sort();
        return Plan::Object(names.into_iter().map(|name| (name.clone(), piece(three.member(name), &deeper(path, name), out))).collect());
    }
    if let (Some(Value::Array(a)), Some(Value::Array(b))) = (mine, theirs)
        && let Some(holds) = held_by(path, a, b)
    {
        return list(three, holds, path, out);
    }
    out.push(Difference {
        label: path.iter().map(|p| p.replace('_', " ")).collect::<Vec<_>>().join(", "),
        clash: mine != base && theirs != base,
        take_theirs: mine == base,
        mine: mine.cloned(),
        theirs: theirs.cloned(),
        is_condition: path.last().is_some_and(|last| last.starts_with("condition ") || last.starts_with("group ")),
    });
    Plan::Choice(out.len() - 1)
}

fn deeper(path: &[String], name: &str) -> Vec<String> {
    let mut path = path.to_vec();
    path.push(name.to_owned());
    path
}

/// What a list holds; none for lists that are compared as a whole.
fn held_by(path: &[String], mine: &[Value], theirs: &[Value]) -> Option<Holds> {
    let all = |fits: fn(&Value) -> bool| mine.iter().chain(theirs).all(fits);
    match path {
        [name] if name == "conditions" => Some(Holds::Conditions),
        [.., name] if name == "steps" && all(Value::is_object) => Some(Holds::Steps),
        _ if all(|v| v.as_array().is_some_and(|row| row.len() == 2 && row[0].is_string())) => Some(Holds::Rows),
        _ => None,
    }
}

fn list(three: Three<'_>, holds: Holds, path: &[String], out: &mut Vec<Difference>) -> Plan {
    let empty = Vec::new();
    let [base, mine, theirs] = three.each(|v| v.and_then(Value::as_array).unwrap_or(&empty).as_slice());
    let items = align(base, mine, theirs, holds).into_iter().map(|same| {
        let at = |list: &'_ [Value], n: Option<usize>| n.and_then(|n| list.get(n)).cloned();
        let (base, mine, theirs) = (at(base, same.base), at(mine, same.mine), at(theirs, same.theirs));
        let any = mine.as_ref().or(theirs.as_ref()).cloned().unwrap_or_default();
        let three = Three { base: base.as_ref(), mine: mine.as_ref(), theirs: theirs.as_ref() };
        if holds == Holds::Conditions {
            return condition(three, &any, path, out);
        }
        if let Some(name) = any.get(0).and_then(Value::as_str).filter(|_| holds == Holds::Rows) {
            let [base, mine, theirs] = three.each(|v| v.and_then(|v| v.get(1)));
            return Plan::Row(name.to_owned(), Box::new(piece(Three { base, mine, theirs }, &deeper(path, name), out)));
        }
        let name = any.get("name").and_then(Value::as_str).unwrap_or("without a name").to_owned();
        piece(three, &deeper(path, &name), out)
    });
    Plan::List(items.collect())
}

/// A condition as a whole; what is in a group that both have, one by one.
fn condition(three: Three<'_>, any: &Value, path: &[String], out: &mut Vec<Difference>) -> Plan {
    let above: &[String] = if path == ["conditions"] { &[] } else { path };
    let Some((kind, _)) = group_of(any) else {
        let field = any.get("field").and_then(Value::as_str).unwrap_or_default();
        return piece(three, &deeper(above, &format!("condition {field}")), out);
    };
    let name = kind.name();
    let path = deeper(above, &format!("group {name}"));
    let inner = three.member(name);
    if inner.mine.is_some() && inner.theirs.is_some() {
        return Plan::Object(vec![(name.to_owned(), list(inner, Holds::Conditions, &path, out))]);
    }
    // Where the kind differs there are no pieces to compare: one group or the other.
    let whole = |v: Option<&Value>| v.map(|v| json!([v]));
    let [base, mine, theirs] = three.each(whole);
    match piece(Three { base: base.as_ref(), mine: mine.as_ref(), theirs: theirs.as_ref() }, &path, out) {
        Plan::Same(_) => Plan::Same(three.mine.cloned()),
        plan => plan,
    }
}

impl Comparison {
    /// The draft with every difference as it is decided.
    #[must_use]
    pub fn merged(&self) -> Value {
        self.value(&self.plan).unwrap_or_default()
    }

    fn value(&self, plan: &Plan) -> Option<Value> {
        match plan {
            Plan::Same(value) => value.clone(),
            Plan::Choice(n) => self.differences.get(*n).and_then(|d| {
                let value = if d.take_theirs { d.theirs.clone() } else { d.mine.clone() };
                // A group whose kind differs was wrapped, to be compared as a whole.
                if d.is_condition { value.map(|v| v.get(0).cloned().unwrap_or(v)) } else { value }
            }),
            Plan::Object(members) => Some(Value::Object(members.iter().filter_map(|(name, plan)| Some((name.clone(), self.value(plan)?))).collect::<Map<_, _>>())),
            Plan::List(items) => Some(items.iter().filter_map(|plan| self.value(plan)).collect()),
            Plan::Row(name, plan) => self.value(plan).map(|value| json!([name, value])),
        }
    }
}

impl Difference {
    /// What one side says, for people.
    #[must_use]
    pub fn words(value: Option<&Value>) -> String {
        let Some(value) = value else { return "nothing".to_owned() };
        let value = if value.as_array().is_some_and(|a| a.len() == 1 && group_of(&a[0]).is_some()) { &value[0] } else { value };
        if let (Some(field), Some(operator)) = (value.get("field").and_then(Value::as_str), value.get("operator").and_then(Value::as_str)) {
            let operator = Operator::ALL.into_iter().find(|o| o.name() == operator).map_or(operator, |o| o.label());
            let wanted = value.get("value").map(|v| format!(" {v}")).unwrap_or_default();
            return format!("{field} {operator}{wanted}");
        }
        match value {
            Value::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
            Value::Array(items) => items.iter().map(Value::to_string).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
