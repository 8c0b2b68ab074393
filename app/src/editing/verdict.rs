//! Verdicts while typing: what each condition makes of the sample and of recent events, by the evaluator that production uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use event_actions::matching::{ConditionReport, Gate, GateOutcome, MatchReport, Mend, evaluate_all, explain};
use event_actions::model::action::NewAction;
use event_actions::model::condition::{ConditionItem, GroupKind, validate_conditions};
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
    /// There is no sample, or the row is not complete.
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

/// All verdicts on a draft.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    /// By node.
    pub nodes: BTreeMap<u32, Verdict>,
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

    /// What a gate says of the sample.
    #[must_use]
    pub fn gate(&self, gate: Gate) -> Option<GateOutcome> {
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
    for (n, (id, pointer)) in places.into_iter().enumerate() {
        let mut verdict = match (in_order.get(n).and_then(|item| incomplete(item)), found.get(pointer.as_str())) {
            (Some(why), _) => Verdict { note: why, ..Verdict::default() },
            (None, None) => Verdict { note: "no event to test with yet".to_owned(), ..Verdict::default() },
            (None, Some((report, parent))) => of_report(report, *parent, catalog),
        };
        verdict.passes = passes.get(n).copied().filter(|_| !recent.is_empty());
        nodes.insert(id, verdict);
    }
    Verdicts { nodes, report, recent: recent.len() }
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
    let mut faults = Faults::default();
    validate_conditions(std::slice::from_ref(item), "", &mut faults);
    faults.0.into_iter().next().map(|f| f.message)
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
        Some(share) => format!("not in this event, seen in {share} % of recent"),
        None => "not in this event".to_owned(),
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
mod tests {
    use super::*;
    use crate::editing::json_text::parse_conditions;
    use event_actions::model::Timestamp;
    use event_actions::model::handler::HandlerType;
    use serde_json::json;

    fn event(data: serde_json::Value) -> Arc<Event> {
        let at = Timestamp(0);
        Arc::new(Event {
            id: data.to_string(),
            tenant_id: "t".into(),
            event_type: "order.paid".into(),
            aggregate_id: None,
            aggregate_type: None,
            data,
            metadata: json!({}),
            occurred_at: at,
            received_at: at,
            correlation_id: None,
            causation_id: None,
            depth: 0,
        })
    }

    fn verdicts(conditions: &str, mute: Option<usize>, sample: &Event, recent: &[Arc<Event>]) -> Vec<Verdict> {
        let mut tree = Tree::of(&parse_conditions(conditions).expect("conditions"), &|_| None);
        if let Some(n) = mute {
            tree.nodes[n].muted = true;
        }
        let mut action = NewAction::blank(HandlerType::new("webhook"));
        action.event_types = vec!["order.*".into()];
        action.conditions = tree.compile().0;
        judge(&action, &tree, Some(sample), recent, &Catalog::of(recent, Some(sample))).nodes.into_values().collect()
    }

    #[test]
    fn a_mix_up_of_types_is_named_and_mended() {
        let sample = event(json!({"zone": "20"}));
        let all = verdicts(r#"[{"field":"data.zone","operator":"equals","value":20}]"#, None, &sample, &[]);
        assert_eq!((all[0].state, all[0].actual.as_deref()), (State::Fail, Some("\"20\"")));
        assert_eq!(all[0].note, ", a string; it must equal the number 20");
        assert_eq!(all[0].mend.as_ref().map(|m| &m.value), Some(&json!("20")));
    }

    #[test]
    fn groups_muted_rows_and_shares() {
        let recent = [event(json!({"a": 1})), event(json!({"a": 1})), event(json!({"a": 2})), event(json!({"b": 1}))];
        let text = r#"[{"any":[{"field":"a","operator":"equals","value":1},{"field":"a","operator":"equals","value":2}]},{"field":"c","operator":"exists"}]"#;
        let all = verdicts(text, Some(1), &recent[0], &recent);
        assert_eq!(all.iter().map(|v| v.state).collect::<Vec<_>>(), [State::Pass, State::Pass, State::Fail, State::Muted]);
        assert_eq!(all.iter().map(|v| v.passes).collect::<Vec<_>>(), [Some(3), Some(2), Some(1), None]);
        assert!(all[2].note.ends_with("; the group passes without it"), "{}", all[2].note);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let recent = [event(json!({"a": 1})), event(json!({"b": 1}))];
        let all = verdicts(r#"[{"field":"b","operator":"gt","value":0}]"#, None, &recent[0], &recent);
        assert_eq!((all[0].state, all[0].note.as_str()), (State::Fail, "not in this event, seen in 50 % of recent; it must be more than 0"));
    }
}
