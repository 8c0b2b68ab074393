//! Verdicts while typing: what each condition makes of the sample and of recent events, by the evaluator that production uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use event_actions::matching::{ConditionReport, Gate, GateOutcome, MatchReport, Mend, evaluate_all, explain};
use event_actions::model::action::NewAction;
use event_actions::model::condition::{Condition, ConditionItem, GroupKind, ValueShape, validate_conditions};
use event_actions::model::error::Faults;
use event_actions::model::event::Event;
use event_actions::model::path::Document;
use event_actions::model::value::{describe, short};

use super::catalog::Catalog;
use super::tree::{Node, Part, Tree};
use super::values::Kind;

/// What a row or group makes of the sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// There is no sample, or it hangs on what is not complete yet.
    #[default]
    Unsure,
    /// It is left out.
    Muted,
}

/// The line below a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The verdict.
    pub state: State,
    /// The actual value, written short.
    pub actual: Option<String>,
    /// What follows it, as the rest of a sentence.
    pub note: String,
    /// One click that puts it right.
    pub mend: Option<Mend>,
    /// How many of the recent events it lets pass.
    pub passes: Option<usize>,
}

/// The first condition that cannot be evaluated yet: something is missing in it, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Its number, such as `3.1`.
    pub number: String,
    /// Its field; empty while none is chosen.
    pub field: String,
    /// What to do about it.
    pub why: String,
}

impl Unfinished {
    /// `condition 2, data.total: enter a value.`
    #[must_use]
    pub fn sentence(&self) -> String {
        let field = if self.field.is_empty() { String::new() } else { format!(", {}", self.field) };
        format!("condition {}{field}: {}.", self.number, self.why.trim_end_matches('.'))
    }
}

/// All verdicts on a draft.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    /// By node.
    pub nodes: BTreeMap<u32, Verdict>,
    /// The first condition that is not complete. While there is one, nothing is said of the draft as a whole.
    pub unfinished: Option<Unfinished>,
    /// The gates for the sample; 6 to 8 are left to the server. None without a sample.
    pub report: Option<MatchReport>,
    /// How many recent events were looked at.
    pub recent: usize,
}

impl Verdicts {
    /// The share of the recent events that a node lets pass, in percent.
    #[must_use]
    pub fn share(&self, id: u32) -> Option<usize> {
        let passes = self.nodes.get(&id)?.passes?;
        (self.recent > 0).then(|| passes * 100 / self.recent)
    }

    /// What a gate says of the sample; nothing of conditions that are not complete.
    #[must_use]
    pub fn gate(&self, gate: Gate) -> Option<GateOutcome> {
        if gate == Gate::Conditions && self.unfinished.is_some() {
            return None;
        }
        self.report.as_ref()?.gates.iter().find(|g| g.gate == gate).map(|g| g.outcome)
    }
}

/// Judges a draft. `action` carries the compiled conditions of `tree`.
#[must_use]
pub fn judge(action: &NewAction, tree: &Tree, sample: Option<&Event>, recent: &[Arc<Event>], catalog: &Catalog) -> Verdicts {
    let report = sample.map(|event| explain(action, event));
    let mut found = BTreeMap::new();
    if let Some(gate) = report.iter().flat_map(|r| &r.gates).find(|g| g.gate == Gate::Conditions) {
        gate.conditions.iter().for_each(|c| index(c, None, &mut found));
    }
    let mut in_order = Vec::new();
    flatten(&action.conditions, &mut in_order);
    let passes = pass_counts(&in_order, recent);
    let (_, places) = tree.compile();
    let mut nodes = BTreeMap::new();
    mark_muted(&tree.nodes, false, &mut nodes);
    let mut unfinished = None;
    for (n, (id, pointer)) in places.into_iter().enumerate() {
        let Some(item) = in_order.get(n).copied() else { continue };
        let why = incomplete(item);
        let is_open = why.is_some() || !is_complete(item);
        let mut verdict = match (&why, found.get(pointer.as_str())) {
            (Some(why), _) => Verdict { note: format!("not complete: {why}"), ..Verdict::default() },
            (None, None) => Verdict { note: "no event to test with yet".to_owned(), ..Verdict::default() },
            (None, Some((report, _))) if is_open && settled(item, report).is_none() => {
                Verdict { note: "hangs on a condition in it that is not complete".to_owned(), ..Verdict::default() }
            }
            (None, Some((report, parent))) => of_report(report, *parent, catalog),
        };
        verdict.passes = passes.get(n).copied().filter(|_| !recent.is_empty() && !is_open);
        nodes.insert(id, verdict);
        if let (Some(why), None, ConditionItem::Condition(c)) = (why, &unfinished, item) {
            unfinished = Some(Unfinished { number: tree.number(id), field: c.field.clone(), why });
        }
    }
    Verdicts { nodes, unfinished, report, recent: recent.len() }
}

/// Whether a group holds or not, whatever becomes of what is not complete in it; none when that decides.
fn settled(item: &ConditionItem, report: &ConditionReport) -> Option<bool> {
    let ConditionItem::Group(kind, inner) = item else { return incomplete(item).is_none().then_some(report.holds) };
    let parts = || inner.iter().zip(&report.items).map(|(item, report)| settled(item, report));
    let any = |wanted: bool| {
        let decided = parts().any(|part| part == Some(wanted)).then_some(true);
        decided.or_else(|| parts().all(|part| part.is_some()).then_some(false))
    };
    match kind {
        _ if inner.is_empty() => Some(true),
        GroupKind::All => any(false).map(|fails| !fails),
        GroupKind::Any => any(true),
        GroupKind::None => any(true).map(|holds| !holds),
    }
}

/// Whether every condition in an item can be evaluated.
fn is_complete(item: &ConditionItem) -> bool {
    match item {
        ConditionItem::Condition(_) => incomplete(item).is_none(),
        ConditionItem::Group(_, inner) => inner.iter().all(is_complete),
    }
}

/// Reports by pointer, each with the kind of the group around it when that group holds all the same.
fn index<'a>(report: &'a ConditionReport, around: Option<&'a ConditionReport>, out: &mut BTreeMap<&'a str, (&'a ConditionReport, Option<&'a ConditionReport>)>) {
    out.insert(&report.pointer, (report, around));
    report.items.iter().for_each(|inner| index(inner, Some(report), out));
}

/// Items in the order in which [`Tree::compile`] names their places: what a group holds before the group.
fn flatten<'a>(items: &'a [ConditionItem], out: &mut Vec<&'a ConditionItem>) {
    for item in items {
        if let ConditionItem::Group(_, inner) = item {
            flatten(inner, out);
        }
        out.push(item);
    }
}

fn pass_counts(items: &[&ConditionItem], recent: &[Arc<Event>]) -> Vec<usize> {
    let mut counts = vec![0; items.len()];
    for event in recent {
        let document = Document::new(event);
        for (count, item) in counts.iter_mut().zip(items) {
            *count += usize::from(evaluate_all(std::slice::from_ref(*item), &document));
        }
    }
    counts
}

fn mark_muted(nodes: &[Node], above: bool, out: &mut BTreeMap<u32, Verdict>) {
    for node in nodes {
        let muted = above || node.muted;
        if muted {
            out.insert(node.id, Verdict { state: State::Muted, note: "not evaluated in this draft".to_owned(), ..Verdict::default() });
        }
        if let Part::Group(_, inner) = &node.part {
            mark_muted(inner, muted, out);
        }
    }
}

/// Why a row cannot be evaluated yet.
fn incomplete(item: &ConditionItem) -> Option<String> {
    let ConditionItem::Condition(c) = item else { return None };
    if c.field.is_empty() {
        return Some("choose a field".to_owned());
    }
    if let Some(lacks) = lacks(c) {
        return Some(lacks.to_owned());
    }
    let mut faults = Faults::default();
    validate_conditions(std::slice::from_ref(item), "", &mut faults);
    faults.0.into_iter().next().map(|f| f.message.trim_end_matches('.').to_owned())
}

/// What has not been entered yet.
fn lacks(c: &Condition) -> Option<&'static str> {
    match (c.operator.value_shape(), c.value.as_ref()) {
        (ValueShape::OptionalBool, _) => None,
        (ValueShape::Range, None) => Some("enter both bounds"),
        (ValueShape::List, None) => Some("add at least one value"),
        (ValueShape::List, Some(list)) if list.as_array().is_some_and(Vec::is_empty) => Some("add at least one value"),
        (_, None) => Some("enter a value"),
        _ => None,
    }
}

fn of_report(report: &ConditionReport, around: Option<&ConditionReport>, catalog: &Catalog) -> Verdict {
    let state = if report.holds { State::Pass } else { State::Fail };
    let Some(field) = &report.field else {
        if report.items.is_empty() {
            return Verdict { state, ..Verdict::default() };
        }
        let note = report.reason.split_once(". ").map_or(report.reason.as_str(), |(first, _)| first).trim_end_matches('.').to_owned();
        return Verdict { state, note, ..Verdict::default() };
    };
    let (actual, found) = match report.actual.as_slice() {
        [] => (None, "is missing".to_owned()),
        [one] => (Some(short(one)), format!("is {}", describe(one))),
        many => (Some(many.iter().map(short).collect::<Vec<_>>().join(", ")), format!("has {} values", many.len())),
    };
    let mut note = match report.actual.first() {
        None => missing(field, catalog),
        Some(value) => format!(", {}", with_article(Kind::of(value))),
    };
    if !report.holds {
        let rest = report.reason.trim_end_matches('.');
        let needs = rest.strip_prefix(&format!("{field} {found}; ")).or_else(|| rest.strip_prefix(&format!("{field}: ")));
        let needs = needs.map(|n| n.split(", found ").next().unwrap_or(n));
        note = match needs {
            Some(needs) => format!("{note}; {needs}"),
            None => note,
        };
        if around.is_some_and(|group| group.holds && kind_of(group) == Some(GroupKind::Any)) {
            note.push_str("; the group passes without it");
        }
    }
    Verdict { state, actual, note, mend: report.mend.clone(), passes: None }
}

fn missing(field: &str, catalog: &Catalog) -> String {
    match catalog.find(field).and_then(|k| catalog.seen_percent(k)) {
        Some(share) => format!("missing: the sample has no such field, seen in {share} % of recent events"),
        None => "missing: the sample has no such field".to_owned(),
    }
}

const fn with_article(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a string",
        Kind::Moment => "a date-time",
        Kind::Number => "a number",
        Kind::Flag => "true or false",
        Kind::List => "a list",
        Kind::Other => "an object or null",
    }
}

/// The kind of a group, read from where its items stand.
fn kind_of(group: &ConditionReport) -> Option<GroupKind> {
    let word = group.items.first()?.pointer.strip_prefix(group.pointer.as_str())?.split('/').nth(1)?;
    [GroupKind::All, GroupKind::Any, GroupKind::None].into_iter().find(|k| k.name() == word)
}

#[cfg(test)]
mod tests;
