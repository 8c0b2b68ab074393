//! The gates as this execution went through them, what became of it in a sentence, and its conditions as evaluated.

use event_actions::matching::{ConditionReport, Gate, GateOutcome, MatchReport, explain};
use event_actions::model::Timestamp;
use event_actions::model::action::NewAction;
use event_actions::model::event::Event;
use event_actions::model::execution::{ErrorClass, Execution, Outcome, Status};
use event_actions::model::value::short;
use leptos::prelude::*;

use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::format::{DASH, bytes, duration, plural};
use crate::components::gate_strip::GateStrip;
use crate::components::page_head::Panel;
use crate::components::status_badge::{StatusBadge, Verdict, VerdictMark};
use crate::components::time::{Zone, ago};
use crate::pages::event::passed_words;
use crate::pages::words::most_attempts;

/// Gates 1 to 5 by the evaluator on the version that ran, 6 to 8 by what happened.
#[must_use]
pub fn report(definition: &NewAction, event: &Event, x: &Execution) -> MatchReport {
    filled(explain(definition, event), x)
}

/// A report with gates 6 to 8 as this execution went through them.
#[must_use]
pub fn filled(mut report: MatchReport, x: &Execution) -> MatchReport {
    let message = || x.error.as_ref().map_or_else(String::new, |e| e.message.clone());
    if x.attempt_count == 0 {
        match x.status {
            Status::Pending | Status::Running | Status::Retrying => report.fill(
                Gate::RateLimit,
                GateOutcome::Waits,
                "It waits for its turn: for a free worker, a token of the action's limit, or a predecessor with the same ordering key.",
            ),
            _ => {}
        }
        return report;
    }
    report.fill(Gate::RateLimit, GateOutcome::Passed, "It was let through.");
    match x.error.as_ref().map(|e| e.class) {
        Some(ErrorClass::NoHandler) => report.fill(Gate::HandlerAvailable, GateOutcome::Stopped, message()),
        Some(ErrorClass::Render | ErrorClass::Configuration) => {
            report.fill(Gate::HandlerAvailable, GateOutcome::Passed, "The handler was there.");
            report.fill(Gate::Rendering, GateOutcome::Stopped, message());
        }
        _ => {
            report.fill(Gate::HandlerAvailable, GateOutcome::Passed, "The handler was there.");
            report.fill(Gate::Rendering, GateOutcome::Passed, "It was rendered.");
        }
    }
    report
}

/// The large strip with what became of it.
pub fn strip(report: MatchReport, x: &Execution, definition: Option<&NewAction>, now: Timestamp, zone: Zone) -> impl IntoView + use<> {
    let notes = notes(&report, x);
    let all_passed = report.gates.iter().all(|g| g.outcome == GateOutcome::Passed);
    let mut sentence = sentence(x, definition, all_passed, now, zone);
    if let Some(error) = x.error.as_ref().filter(|e| report.stopped_at.is_some_and(|at| report.gates.iter().any(|g| g.gate == at && g.reason == e.message))) {
        // The open gate says it already.
        sentence = sentence.replace(&error.message, "").trim_end().to_owned();
    }
    // A replay does not ask the gates again: they say what the rules make of the event, not why it ran.
    let skipped = x.replay_of.is_some() && !report.matched;
    let status = x.status;
    let told = view! { <div class="row row-wrap"><StatusBadge status=status/><span class="grow">{sentence}</span></div> };
    // Where a gate is open, its place is taken; what became of it stands inside.
    let strip = if report.stopped_at.is_some() {
        let note = skipped.then(|| view! { <p class="muted">"It was started all the same: a replay does not ask the rules again."</p> });
        view! { <GateStrip report=report notes=notes>{note}{told}</GateStrip> }.into_any()
    } else {
        view! { <GateStrip report=report notes=notes after=told.into_any()/> }.into_any()
    };
    view! { <section aria-labelledby="gates" class="stack-8"><h2 id="gates" class="sr">"Gates"</h2>{strip}</section> }
}

fn notes(report: &MatchReport, x: &Execution) -> Vec<(Gate, String)> {
    let later = report.gates.iter().filter(|g| g.gate > Gate::Conditions && matches!(g.outcome, GateOutcome::Passed | GateOutcome::NotEvaluated));
    later
        .map(|g| {
            if g.outcome == GateOutcome::NotEvaluated {
                return (g.gate, "not reached".to_owned());
            }
            let body = x.attempts.last().and_then(|a| a.request.as_ref()).map(|r| r.get("body").filter(|b| !b.is_null()).unwrap_or(r));
            let words = match (g.gate, body) {
                (Gate::Rendering, Some(body)) => bytes(body.as_str().map_or_else(|| body.to_string().len(), str::len)),
                (gate, _) => passed_words(gate, x),
            };
            (g.gate, words)
        })
        .collect()
}

/// What became of it.
#[must_use]
pub fn sentence(x: &Execution, definition: Option<&NewAction>, all_passed: bool, now: Timestamp, zone: Zone) -> String {
    let failed = x.attempts.iter().filter(|a| a.outcome == Some(Outcome::Failed)).count() as i64;
    let message = x.error.as_ref().map_or_else(String::new, |e| format!(" {}", e.message));
    let passed = if all_passed { "All eight gates passed. " } else { "" };
    let told = match x.status {
        Status::Succeeded if x.attempt_count <= 1 => format!("It succeeded at the first attempt, in {}.", duration(x.duration_ms.unwrap_or(0) as f64)),
        Status::Succeeded => format!("It succeeded at attempt {}, {} after the first began.", x.attempt_count, duration(x.duration_ms.unwrap_or(0) as f64)),
        Status::Running => format!("Attempt {} is under way.", x.attempt_count),
        Status::Retrying => {
            let last = definition.is_some_and(|d| failed >= i64::from(d.max_retries));
            let next = x
                .next_attempt_at
                .map_or_else(String::new, |at| format!(" {} starts at {}, {}.", if last { "The next and last" } else { "The next" }, zone.clock(at), ago(at, now)));
            format!("{} failed.{next}", plural(failed, "attempt", "attempts"))
        }
        Status::Pending if x.attempt_count > 0 => {
            x.next_attempt_at.map_or_else(|| "It goes on soon.".to_owned(), |at| format!("It goes on at {}, {}.", zone.clock(at), ago(at, now)))
        }
        Status::Pending => "It waits to be started.".to_owned(),
        Status::Failed => format!("It failed for good; trying again cannot help.{message}"),
        Status::DeadLetter => {
            let most = definition.map_or(x.attempt_count, |d| most_attempts(d).max(x.attempt_count));
            format!("It gave up after {} of {most}.{message}", plural(i64::from(x.attempt_count), "attempt", "attempts"))
        }
        Status::Cancelled => "A person stopped it.".to_owned(),
    };
    format!("{passed}{told}")
}

/// The conditions that the version had; none when it had none.
pub fn conditions(report: &MatchReport) -> Option<impl IntoView + use<>> {
    let gate = report.gates.iter().find(|g| g.gate == Gate::Conditions)?;
    let mut rows = Vec::new();
    flat(&gate.conditions, 0, &mut rows);
    (!rows.is_empty()).then(|| {
        let columns = vec![Column::new("Condition"), Column::new("Actual"), Column::new("Verdict")];
        view! {
            <Panel id="conditions" title="Conditions as evaluated" flush=true>
                <DataTable caption="Conditions as evaluated" columns=columns><tbody>{rows}</tbody></DataTable>
            </Panel>
        }
    })
}

fn flat(conditions: &[ConditionReport], depth: usize, rows: &mut Vec<AnyView>) {
    for c in conditions {
        rows.push(row(c, depth));
        flat(&c.items, depth + 1, rows);
    }
}

fn row(c: &ConditionReport, depth: usize) -> AnyView {
    let verdict = if c.holds { Verdict::Pass } else { Verdict::Fail };
    let indent = format!("padding-left:{}px", depth * 16);
    let text = match (&c.field, c.operator) {
        (Some(field), Some(operator)) => format!("{field} {} {}", operator.name(), c.expected.as_ref().map(short).unwrap_or_default()).trim_end().to_owned(),
        _ => c.reason.clone(),
    };
    let text = if c.field.is_some() { view! { <code class="brk">{text}</code> }.into_any() } else { text.into_any() };
    let actual = match (c.field.is_some(), c.actual.as_slice()) {
        (false, _) => "".into_any(),
        (true, []) => DASH.into_any(),
        (true, values) => view! { <code class="brk">{values.iter().map(short).collect::<Vec<_>>().join(", ")}</code> }.into_any(),
    };
    view! { <tr><th scope="row" class="full"><span style=indent>{text}</span></th><Cell label="Actual">{actual}</Cell><Cell label="Verdict"><VerdictMark verdict=verdict/></Cell></tr> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::execution::attempts::tests::execution;

    #[test]
    fn what_became_of_it_is_a_sentence() {
        let say = |x: &Execution| sentence(x, None, true, Timestamp(0), Zone::UTC);
        let mut x = execution();
        x.status = Status::Succeeded;
        (x.attempt_count, x.duration_ms) = (1, Some(96));
        assert_eq!(say(&x), "All eight gates passed. It succeeded at the first attempt, in 96 ms.");
        x.status = Status::Retrying;
        x.next_attempt_at = Some(Timestamp(38_000));
        assert!(say(&x).ends_with("The next starts at 00:00:38, in 38 s."), "{}", say(&x));
        x.status = Status::Cancelled;
        assert!(say(&x).ends_with("A person stopped it."));
    }
}
