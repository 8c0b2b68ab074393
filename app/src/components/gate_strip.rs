//! The gate strip, the product's signature: eight gates in order, and where an event stopped. Large and standing are one component.

use event_actions::matching::{ConditionReport, Gate, GateOutcome, GateReport, MatchReport, Mend};
use event_actions::model::value::{describe, short};
use leptos::prelude::*;

use super::button::{Button, ButtonKind};
use super::icon::{self, Glyph, Icon};

/// How one gate is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) class: &'static str,
    pub(super) icon: Glyph,
    /// The state for those who cannot see it.
    pub(super) said: &'static str,
}

/// How a gate at which something stops is drawn: a decision in ink, a wait in violet, a fault in red.
pub(super) const fn stopped(gate: Gate, waits: bool) -> Look {
    match gate {
        _ if waits => Look { class: "is-stopped is-wait", icon: icon::WAIT, said: "waits here" },
        Gate::HandlerAvailable | Gate::Rendering => Look { class: "is-stopped is-fault", icon: icon::TRIANGLE, said: "stopped" },
        _ => Look { class: "is-stopped", icon: icon::CROSS, said: "stopped" },
    }
}

fn look(report: &GateReport, behind: bool) -> Look {
    match (report.outcome, behind) {
        (GateOutcome::Passed, false) => Look { class: "is-passed", icon: icon::CHECK, said: "passed" },
        (GateOutcome::Stopped, false) => stopped(report.gate, false),
        (GateOutcome::Waits, false) => stopped(report.gate, true),
        (GateOutcome::NotEvaluated, _) => Look { class: "is-ahead", icon: icon::DOT, said: "not reached" },
        (GateOutcome::Passed, true) => Look { class: "is-ahead would", icon: icon::CHECK, said: "would pass" },
        (GateOutcome::Stopped, true) => Look { class: "is-ahead wouldnt", icon: icon::CROSS, said: "would stop" },
        (GateOutcome::Waits, true) => Look { class: "is-ahead", icon: icon::WAIT, said: "would wait" },
    }
}

/// The few words under a gate, from its reason; the whole reason is on hover.
fn note(report: &GateReport, behind: bool) -> String {
    let reason = report.reason.trim_end_matches('.');
    match (report.gate, report.outcome) {
        (Gate::Conditions, o) if o != GateOutcome::NotEvaluated && !report.conditions.is_empty() => {
            let holding = report.conditions.iter().filter(|c| c.holds).count();
            format!("{holding} of {} hold", report.conditions.len())
        }
        (_, GateOutcome::NotEvaluated) => if reason == "Decided on the server" { "on the server" } else { "" }.to_owned(),
        (_, GateOutcome::Waits) => if behind { "would wait" } else { "waits" }.to_owned(),
        (_, GateOutcome::Stopped) if behind => "would stop".to_owned(),
        (Gate::Enabled, GateOutcome::Passed) => "on".to_owned(),
        (Gate::Enabled, GateOutcome::Stopped) => if reason.contains("deleted") { "deleted" } else { "off" }.to_owned(),
        (Gate::Tenant, GateOutcome::Passed) => reason.strip_prefix("Both are of tenant ").unwrap_or("platform-wide").to_owned(),
        (Gate::EventType, GateOutcome::Passed) => reason.rsplit_once(" covers ").map_or(reason, |(_, t)| t).trim_matches('"').to_owned(),
        (Gate::ContextFilters, GateOutcome::Passed) => reason.trim_end_matches(" agree").to_owned(),
        (_, GateOutcome::Stopped) => match report.gate {
            Gate::Tenant => "another tenant",
            Gate::EventType => "other type",
            Gate::ContextFilters => "differs",
            Gate::HandlerAvailable => "unavailable",
            Gate::Rendering => "does not render",
            _ => "stops",
        }
        .to_owned(),
        (_, GateOutcome::Passed) => if reason.is_empty() { "passes" } else { reason }.to_owned(),
    }
}

/// The condition that decided: the first that fails, followed into groups as far as one condition is to blame.
#[must_use]
pub fn deciding(conditions: &[ConditionReport]) -> Option<&ConditionReport> {
    let failing = conditions.iter().find(|c| !c.holds)?;
    if failing.field.is_some() { Some(failing) } else { deciding(&failing.items).or(Some(failing)) }
}

/// The gate strip of one report. Stands up by itself where its place is narrower than 640 px.
#[component]
pub fn GateStrip(
    /// What the gates said.
    report: MatchReport,
    /// Words under a gate that replace those made from its reason.
    #[prop(optional)]
    notes: Vec<(Gate, String)>,
    /// Called with a condition's pointer and its mend; without it no mending button is offered.
    #[prop(optional, into)]
    on_mend: Option<Callback<(String, Mend)>>,
    /// What stands after the eighth gate when all pass, such as how the execution went.
    #[prop(optional)]
    after: Option<AnyView>,
    /// What stands below the reason where it stops, such as a link to the condition.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let mut open = children;
    let mut behind = false;
    let items = report
        .gates
        .into_iter()
        .map(|gate| {
            let look = look(&gate, behind);
            let here = !behind && matches!(gate.outcome, GateOutcome::Stopped | GateOutcome::Waits);
            let words = notes.iter().find(|(g, _)| *g == gate.gate).map_or_else(|| note(&gate, behind), |(_, n)| n.clone());
            behind |= here;
            let opened = here.then(|| opened(&gate, on_mend, open.take()));
            view! {
                <li class=look.class>
                    <div class="gate" title=gate.reason>
                        <Icon of=look.icon size=14/>
                        <b>{gate.gate.label()}</b>
                        <small>{words}</small>
                        <span class="sr">{look.said}</span>
                    </div>
                    {opened}
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="gates">
            <ol>{items} {after.map(|after| view! { <li><div class="gate-after">{after}</div></li> })}</ol>
        </div>
    }
}

fn opened(gate: &GateReport, on_mend: Option<Callback<(String, Mend)>>, below: Option<Children>) -> impl IntoView + use<> {
    let decided = deciding(&gate.conditions).cloned();
    let compare = decided.as_ref().filter(|c| c.field.is_some()).map(comparison);
    let mend = on_mend.zip(decided).and_then(|(call, c)| c.mend.map(|mend| (call, c.pointer, mend))).map(|(call, pointer, mend)| {
        let label = mend.label.clone();
        view! { <div><Button kind=ButtonKind::Mend on:click=move |_| call.run((pointer.clone(), mend.clone()))>{label}</Button></div> }
    });
    view! {
        <div class="gate-open">
            <p>{gate.reason.clone()}</p>
            {compare}
            {mend}
            {below.map(|below| below())}
        </div>
    }
}

fn comparison(c: &ConditionReport) -> impl IntoView + use<> {
    let actual = match c.actual.as_slice() {
        [] => "missing".to_owned(),
        values => values.iter().map(describe).collect::<Vec<_>>().join(", "),
    };
    let operator = c.operator.map_or("", |o| o.label());
    let needs = c.expected.as_ref().map_or_else(|| operator.to_owned(), |v| if v.is_array() { format!("{operator} {}", short(v)) } else { format!("{operator} {}", describe(v)) });
    view! { <dl class="cmp"><dt>"actual"</dt><dd>{actual}</dd><dt>"needs"</dt><dd>{needs}</dd></dl> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(gate: Gate, outcome: GateOutcome, reason: &str) -> GateReport {
        GateReport { gate, outcome, reason: reason.to_owned(), conditions: Vec::new() }
    }

    #[test]
    fn notes_are_short() {
        for (g, outcome, reason, words) in [
            (Gate::Enabled, GateOutcome::Passed, "The action is enabled.", "on"),
            (Gate::Enabled, GateOutcome::Stopped, "The action is deleted.", "deleted"),
            (Gate::Tenant, GateOutcome::Passed, "Both are of tenant north.", "north"),
            (Gate::EventType, GateOutcome::Passed, "\"user.*\" covers \"user.created\".", "user.created"),
            (Gate::ContextFilters, GateOutcome::Passed, "2 of 2 filters agree.", "2 of 2 filters"),
            (Gate::RateLimit, GateOutcome::NotEvaluated, "Decided on the server.", "on the server"),
        ] {
            assert_eq!(note(&gate(g, outcome, reason), false), words);
        }
    }

    #[test]
    fn a_rule_is_no_fault() {
        assert_eq!(stopped(Gate::Conditions, false).class, "is-stopped");
        assert_eq!(stopped(Gate::Rendering, false).class, "is-stopped is-fault");
        assert_eq!(stopped(Gate::RateLimit, true).class, "is-stopped is-wait");
    }
}
