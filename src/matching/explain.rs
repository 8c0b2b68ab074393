//! The evaluator: gates 1 to 5 of one action for one event. Pure, and the same code in the browser.

use serde_json::Value;

use super::conditions::evaluate;
use crate::model::action::NewAction;
use crate::model::event::{Event, pattern_matches};
use crate::model::path::Document;
use crate::model::report::{Gate, GateOutcome, GateReport, MatchReport};
use crate::model::value::{describe, same, short};

/// An action as the gates see it: saved or a draft.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// What a person wrote.
    pub definition: &'a NewAction,
    /// Whether it has been deleted.
    pub deleted: bool,
}

impl<'a> From<&'a NewAction> for Candidate<'a> {
    fn from(definition: &'a NewAction) -> Self {
        Self { definition, deleted: false }
    }
}

/// Says which gates let `event` through to the action and why. Every gate is looked at, also behind one that stops.
///
/// Gates 6 to 8 need the server; they come back as not evaluated, to be filled in with [`MatchReport::fill`].
#[must_use]
pub fn explain<'a>(action: impl Into<Candidate<'a>>, event: &Event) -> MatchReport {
    let candidate = action.into();
    let action = candidate.definition;
    let document = Document::new(event);
    let mut gates = vec![enabled(candidate), tenant(action, event), event_type(action, event), context(action, event), conditions(action, &document)];
    gates.extend([Gate::RateLimit, Gate::HandlerAvailable, Gate::Rendering].map(|gate| GateReport {
        gate,
        outcome: GateOutcome::NotEvaluated,
        reason: "Decided on the server.".to_owned(),
        conditions: Vec::new(),
    }));
    let mut report = MatchReport { matched: false, reason: String::new(), stopped_at: None, gates };
    report.settle();
    report
}

fn gate(gate: Gate, passed: bool, reason: String) -> GateReport {
    GateReport { gate, outcome: if passed { GateOutcome::Passed } else { GateOutcome::Stopped }, reason, conditions: Vec::new() }
}

fn enabled(candidate: Candidate<'_>) -> GateReport {
    let on = candidate.definition.is_enabled && !candidate.deleted;
    let reason = match (candidate.deleted, on) {
        (true, _) => "The action is deleted.",
        (_, true) => "The action is enabled.",
        (_, false) => "The action is disabled.",
    };
    gate(Gate::Enabled, on, reason.to_owned())
}

fn tenant(action: &NewAction, event: &Event) -> GateReport {
    match &action.tenant_id {
        None => gate(Gate::Tenant, true, format!("The action is platform-wide; the event is of tenant {}.", event.tenant_id)),
        Some(t) if *t == event.tenant_id => gate(Gate::Tenant, true, format!("Both are of tenant {t}.")),
        Some(t) => gate(Gate::Tenant, false, format!("The event is of tenant {:?}; the action is of tenant {t:?}.", event.tenant_id)),
    }
}

fn event_type(action: &NewAction, event: &Event) -> GateReport {
    if let Some(pattern) = action.event_types.iter().find(|p| pattern_matches(p, &event.event_type)) {
        return gate(Gate::EventType, true, format!("{:?} covers {:?}.", pattern, event.event_type));
    }
    let listed = action.event_types.iter().take(5).map(|p| format!("{p:?}")).collect::<Vec<_>>().join(", ");
    let hint = action.event_types.iter().find(|p| near(p, &event.event_type)).map_or(String::new(), |p| format!(" {p:?} comes close."));
    gate(
        Gate::EventType,
        false,
        format!("The event's type is {:?}; the action listens to {}.{hint}", event.event_type, if listed.is_empty() { "nothing".to_owned() } else { listed }),
    )
}

/// Whether a pattern misses a type by letter case or by one inserted, missing or changed letter in its first segment.
fn near(pattern: &str, event_type: &str) -> bool {
    let (p, t) = (pattern.trim_end_matches(".*").to_lowercase(), event_type.to_lowercase());
    if pattern_matches(&pattern.to_lowercase(), &t) || p == t {
        return true;
    }
    let first = |s: &str| s.split('.').next().unwrap_or_default().to_owned();
    let (a, b) = (first(&p), first(&t));
    if a == b {
        return pattern.ends_with(".*");
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let common = short.bytes().zip(long.bytes()).take_while(|(x, y)| x == y).count();
    let tail = short.bytes().rev().zip(long.bytes().rev()).take_while(|(x, y)| x == y).count();
    long.len() - short.len() <= 1 && common + tail >= long.len().saturating_sub(1) && short.len() > 2
}

fn context(action: &NewAction, event: &Event) -> GateReport {
    let tenant = Value::String(event.tenant_id.clone());
    for (key, wanted) in &action.context_filters {
        let actual = if key == "tenant_id" { Some(&tenant) } else { event.metadata.get(key) };
        let needs = match wanted {
            Value::Array(list) => format!("one of {}", list.iter().take(5).map(short).collect::<Vec<_>>().join(", ")),
            one => describe(one),
        };
        let Some(actual) = actual else {
            return gate(Gate::ContextFilters, false, format!("metadata.{key} is missing; the filter needs {needs}."));
        };
        let holds = match wanted {
            Value::Array(list) => same(actual, wanted) || list.iter().any(|w| same(actual, w)),
            one => same(actual, one),
        };
        if !holds {
            return gate(Gate::ContextFilters, false, format!("metadata.{key} is {}; the filter needs {needs}.", describe(actual)));
        }
    }
    let n = action.context_filters.len();
    let reason = if n == 0 { "No context filters.".to_owned() } else { format!("{n} of {n} filters agree.") };
    gate(Gate::ContextFilters, true, reason)
}

fn conditions(action: &NewAction, document: &Document<'_>) -> GateReport {
    let reports = evaluate(&action.conditions, document, "/conditions");
    let total = reports.len();
    let holding = reports.iter().filter(|r| r.holds).count();
    let reason = match reports.iter().position(|r| !r.holds) {
        None if total == 0 => "No conditions.".to_owned(),
        None => format!("{total} of {total} conditions hold."),
        Some(index) => format!("Condition {}: {}", index + 1, reports[index].reason),
    };
    GateReport { conditions: reports, ..gate(Gate::Conditions, holding == total, reason) }
}
