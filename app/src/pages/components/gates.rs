//! The gate strip: stopped by a rule, waiting, at fault, near miss, all passed; small, standing, counted.

use event_actions::matching::{ConditionReport, Gate, GateOutcome, GateReport, MatchReport, Mend};
use event_actions::model::condition::Operator;
use event_actions::model::execution::Status;
use event_actions::model::testing::StoppedAt;
use leptos::prelude::*;
use serde_json::json;

use super::group;
use crate::components::gate_row::{GateFlow, GateStripSmall, Stop};
use crate::components::gate_strip::GateStrip;
use crate::components::status_badge::StatusBadge;

/// Every place where an event can stop, and nowhere.
pub(super) const STOPS: [(Option<Gate>, bool); 4] = [(None, false), (Some(Gate::Conditions), false), (Some(Gate::RateLimit), true), (Some(Gate::Rendering), false)];

const REASONS: [&str; 8] = [
    "The action is enabled.",
    "Both are of tenant north.",
    "\"order.*\" covers \"order.paid\".",
    "2 of 2 filters agree.",
    "2 of 2 conditions hold.",
    "58 left",
    "webhook, ready",
    "1.2 KB",
];

fn report(at: Option<Gate>, outcome: GateOutcome, reason: &str, behind: GateOutcome) -> MatchReport {
    let gates = Gate::ALL
        .into_iter()
        .zip(REASONS)
        .map(|(gate, usual)| {
            let (outcome, reason) = match at {
                Some(stop) if gate == stop => (outcome, reason),
                Some(stop) if gate > stop => (behind, usual),
                _ => (GateOutcome::Passed, usual),
            };
            GateReport { gate, outcome, reason: reason.to_owned(), conditions: Vec::new() }
        })
        .collect();
    let mut report = MatchReport { matched: false, reason: String::new(), stopped_at: None, gates };
    report.settle();
    report
}

fn by_condition() -> MatchReport {
    let mut report =
        report(Some(Gate::Conditions), GateOutcome::Stopped, "Condition 1: data.shipping.zone is the string \"20\"; it must equal the number 20.", GateOutcome::Passed);
    let condition = ConditionReport {
        pointer: "/conditions/0".to_owned(),
        holds: false,
        reason: String::new(),
        field: Some("data.shipping.zone".to_owned()),
        operator: Some(Operator::Equals),
        expected: Some(json!(20)),
        actual: vec![json!("20")],
        mend: Some(Mend { label: "Use \"20\"".to_owned(), value: json!("20") }),
        items: Vec::new(),
    };
    if let Some(gate) = report.gates.iter_mut().find(|g| g.gate == Gate::Conditions) {
        gate.conditions = vec![condition];
    }
    report
}

pub(super) fn section() -> impl IntoView {
    let stopped = view! { <GateStrip report=by_condition() on_mend=|_| {}/> };
    let waits = report(Some(Gate::RateLimit), GateOutcome::Waits, "60 per minute are used up. This execution goes on at 14:32:14; 11 are before it.", GateOutcome::NotEvaluated);
    let fault = report(Some(Gate::Rendering), GateOutcome::Stopped, "customer.frist_name is undefined in line 19. Did you mean first_name?", GateOutcome::NotEvaluated);
    let near = report(
        Some(Gate::EventType),
        GateOutcome::Stopped,
        "The event's type is \"user.created\"; the action listens to \"users.*\". \"users.*\" comes close.",
        GateOutcome::NotEvaluated,
    );
    let passed = report(None, GateOutcome::Passed, "", GateOutcome::Passed);
    let after = view! { <div class="row row-wrap"><StatusBadge status=Status::Succeeded/><span>"Sent in 96 ms at the first attempt."</span></div> }.into_any();
    let small = Gate::ALL.into_iter().map(Some).chain([None]).map(|at| view! { <div><GateStripSmall of=Stop { at, waits: at == Some(Gate::RateLimit) }/></div> }).collect_view();
    let counts =
        [(Gate::Enabled, 12), (Gate::EventType, 82), (Gate::Conditions, 41), (Gate::RateLimit, 3), (Gate::Rendering, 1)].map(|(gate, count)| StoppedAt { gate, count }).to_vec();
    group(
        "k-gates",
        "Gate strip",
        vec![
            ("Large, stopped by a rule. Ink: a decision, not a fault.", stopped.into_any()),
            ("Large, waiting. Violet: it goes on by itself.", view! { <GateStrip report=waits/> }.into_any()),
            ("Large, fault. Red: somebody must act.", view! { <GateStrip report=fault/> }.into_any()),
            ("Large, near miss", view! { <GateStrip report=near/> }.into_any()),
            ("Large, all passed", view! { <GateStrip report=passed after=after/> }.into_any()),
            ("Small, in a row", view! { <div class="stack-8">{small}</div> }.into_any()),
            ("Standing, in a narrow place", view! { <div style="max-width:400px"><GateStrip report=by_condition()/></div> }.into_any()),
            ("Counted", view! { <GateFlow considered=200 stopped=counts word="Would run"/> }.into_any()),
        ],
    )
}
