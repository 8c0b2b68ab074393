//! Every action considered for an event, grouped by what came of it, each with the gate that decided and the reason.

use event_actions::matching::{Gate, GateReport, MatchReport};
use event_actions::model::execution::{Execution, Status};
use event_actions::model::testing::Considered;
use leptos::prelude::*;

use crate::components::data_table::{Cell, Column, DataTable};
use crate::components::format::{count, plural};
use crate::components::gate_row::{GateStripSmall, Stop};
use crate::components::gate_strip::deciding;
use crate::components::status_badge::StatusBadge;
use crate::pages::words::ran_words;
use crate::shell::link;

/// What came of an action, in the order in which the groups stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// It ran and succeeded; in a question, it would run.
    Ran,
    /// It waits, runs, or is tried again.
    UnderWay,
    /// It ran and failed.
    Failed,
    /// Handler or rendering stopped it.
    Faulty,
    /// A person stopped it.
    Cancelled,
    /// Its own rules stopped it.
    Stopped,
    /// It listens to other types.
    OtherTypes,
}

impl Group {
    /// The group of an action.
    #[must_use]
    pub fn of(c: &Considered) -> Self {
        match (c.execution_status, c.report.stopped_at) {
            (Some(_), Some(Gate::HandlerAvailable | Gate::Rendering)) => Self::Faulty,
            (Some(Status::Failed | Status::DeadLetter), _) => Self::Failed,
            (Some(Status::Cancelled), _) => Self::Cancelled,
            (Some(Status::Succeeded), _) | (None, None) => Self::Ran,
            (Some(Status::Pending | Status::Running | Status::Retrying), _) | (None, Some(Gate::RateLimit)) => Self::UnderWay,
            (None, Some(Gate::EventType)) if !c.report.reason.contains("comes close") => Self::OtherTypes,
            (None, Some(Gate::HandlerAvailable | Gate::Rendering)) => Self::Faulty,
            (None, Some(_)) => Self::Stopped,
        }
    }

    const fn title(self, stored: bool) -> &'static str {
        match (self, stored) {
            (Self::Ran, true) => "Ran",
            (Self::Ran, false) => "Would run, in this order",
            (Self::UnderWay, true) => "Matched, under way",
            (Self::UnderWay, false) => "Would wait at a limit",
            (Self::Failed, _) => "Ran and failed",
            (Self::Faulty, _) => "Could not be handled or rendered",
            (Self::Cancelled, _) => "Cancelled",
            (Self::Stopped, _) => "Stopped by their own rules",
            (Self::OtherTypes, _) => "Listen to other types",
        }
    }

    const fn said(self, stored: bool) -> &'static str {
        match (self, stored) {
            (Self::Ran, true) => "ran",
            (Self::Ran, false) => "would run",
            (Self::UnderWay, true) => "under way",
            (Self::UnderWay, false) => "would wait",
            (Self::Failed, _) => "failed",
            (Self::Faulty, _) => "could not run",
            (Self::Cancelled, _) => "cancelled",
            (Self::Stopped, _) => "did not match",
            (Self::OtherTypes, _) => "listen to other types",
        }
    }
}

/// The actions by group, without empty groups; within a group the order stays.
#[must_use]
pub fn grouped(all: Vec<Considered>) -> Vec<(Group, Vec<Considered>)> {
    let mut out: Vec<(Group, Vec<Considered>)> = Vec::new();
    for c in all {
        let group = Group::of(&c);
        match out.iter_mut().find(|(g, _)| *g == group) {
            Some((_, list)) => list.push(c),
            None => out.push((group, vec![c])),
        }
    }
    out.sort_by_key(|(group, _)| *group);
    out
}

/// `2 ran, 1 under way, 3 did not match. Another 5 listen to other types.`
#[must_use]
pub fn summary(groups: &[(Group, Vec<Considered>)], stored: bool) -> String {
    let part = |(group, list): &(Group, Vec<Considered>)| format!("{} {}", count(list.len() as i64), group.said(stored));
    let main: Vec<String> = groups.iter().filter(|(g, _)| *g != Group::OtherTypes).map(part).collect();
    let others = groups.iter().find(|(g, _)| *g == Group::OtherTypes).map_or(0, |(_, list)| list.len());
    match (main.is_empty(), others) {
        (true, 0) => "There are no actions.".to_owned(),
        (true, n) => format!("All {} listen to other types.", plural(n as i64, "action", "actions")),
        (false, 0) => format!("{}.", main.join(", ")),
        (false, n) => format!("{}. Another {} to other types.", main.join(", "), if n == 1 { "1 listens".to_owned() } else { format!("{} listen", count(n as i64)) }),
    }
}

/// What the table shows.
pub struct Table {
    /// The actions.
    pub groups: Vec<(Group, Vec<Considered>)>,
    /// The executions of the event.
    pub executions: Vec<Execution>,
    /// Whether the event is stored, or only asked about.
    pub stored: bool,
    /// Where the strip of one action is shown in full; the action's id is appended.
    pub strip_href: Option<String>,
}

/// The table; what listens to other types is folded away beneath it.
pub fn table(of: Table) -> impl IntoView {
    let Table { groups, executions, stored, strip_href } = of;
    let (others, main): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(g, _)| *g == Group::OtherTypes);
    let bodies = |groups: Vec<(Group, Vec<Considered>)>| groups.into_iter().map(|(group, list)| body(group, list, &executions, stored, strip_href.as_deref())).collect_view();
    let shown = (!main.is_empty()).then(|| framed("Every action considered, by what came of it", bodies(main)));
    let folded = others.into_iter().next().map(|(group, list)| {
        let text = format!("{} to other types", if list.len() == 1 { "1 action listens".to_owned() } else { format!("{} actions listen", count(list.len() as i64)) });
        view! { <details class="fold"><summary>{text}</summary>{framed("Actions that listen to other types", bodies(vec![(group, list)]))}</details> }
    });
    view! { {shown} {folded} }
}

fn framed(caption: &'static str, bodies: impl IntoView + 'static) -> impl IntoView {
    let columns = vec![Column::new("Action").width("25%"), Column::new("Gates").width("204px"), Column::new("Why"), Column::number("Outcome").width("116px")];
    view! { <div class="t-trace"><DataTable caption=caption columns=columns fixed=true>{bodies.into_any()}</DataTable></div> }
}

fn body(group: Group, list: Vec<Considered>, executions: &[Execution], stored: bool, strip_href: Option<&str>) -> impl IntoView + use<> {
    let n = count(list.len() as i64);
    let rows = list.into_iter().map(|c| row(c, executions, stored, strip_href)).collect_view();
    view! {
        <tbody>
            <tr class="grp"><th scope="rowgroup" colspan="4" class="full">{group.title(stored)}" "<span class="muted tw:font-normal">{n}</span></th></tr>
            {rows}
        </tbody>
    }
}

fn row(c: Considered, executions: &[Execution], stored: bool, strip_href: Option<&str>) -> impl IntoView + use<> {
    let ran = c.execution_id.as_ref().and_then(|id| executions.iter().find(|x| x.id == *id));
    let why = why(&c, ran);
    let word = if stored { "Ran" } else { "Would run" };
    let strip = view! { <GateStripSmall of=Stop::from(&c.report) word=word/> };
    let strip = match strip_href {
        Some(href) => view! { <a class="plain strip" href=format!("{href}{}#why", c.action_id) title="Show all eight gates"><span class="sr">{format!("All gates of {}: ", c.action_name)}</span>{strip}</a> }.into_any(),
        None => strip.into_any(),
    };
    let name = match link(&format!("/actions/{}", c.action_id)) {
        Some(href) => view! { <a href=href>{c.action_name}</a> }.into_any(),
        None => c.action_name.into_any(),
    };
    let outcome = match (c.execution_id, c.execution_status, c.report.stopped_at) {
        (Some(id), Some(status), _) => view! { <a href=format!("/executions/{id}")><StatusBadge status=status/></a> }.into_any(),
        (_, _, None) if stored => view! { <span class="muted">"nothing made"</span> }.into_any(),
        (_, _, None) => view! { <span class="muted">"would run"</span> }.into_any(),
        (_, _, Some(Gate::RateLimit)) => view! { <span class="muted">"would wait"</span> }.into_any(),
        _ => view! { <span class="muted">"no match"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="full">{name}</th>
            <Cell class="full">{strip}</Cell>
            <Cell class="full why muted">{why}</Cell>
            <Cell class="num full">{outcome}</Cell>
        </tr>
    }
}

/// The gate at which a report stops.
#[must_use]
pub fn stopping(report: &MatchReport) -> Option<&GateReport> {
    report.gates.iter().find(|g| Some(g.gate) == report.stopped_at)
}

/// Why it ran, waits, failed or was stopped.
fn why(c: &Considered, ran: Option<&Execution>) -> AnyView {
    if let Some(x) = ran {
        return match (&x.error, x.status) {
            (Some(e), Status::Failed | Status::DeadLetter | Status::Retrying) => e.message.clone().into_any(),
            (_, Status::Pending) => c.report.reason.clone().into_any(),
            (_, Status::Running) => format!("attempt {} is under way", x.attempt_count).into_any(),
            _ => ran_words(x).into_any(),
        };
    }
    if let (true, None) = (c.execution_id.is_none(), c.report.stopped_at) {
        return format!("{} priority", c.priority.name()).into_any();
    }
    let gate = stopping(&c.report);
    let field = gate.and_then(|g| deciding(&g.conditions)).and_then(|d| d.field.clone().map(|f| (f, d.reason.clone())));
    match field {
        Some((field, reason)) => match reason.strip_prefix(&field) {
            Some(rest) => view! { <code>{field.clone()}</code>{rest.to_owned()} }.into_any(),
            None => reason.into_any(),
        },
        None => c.report.reason.clone().into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_actions::matching::explain;
    use event_actions::model::Timestamp;
    use event_actions::model::action::{NewAction, Priority};
    use event_actions::model::event::Event;
    use event_actions::model::handler::HandlerType;
    use serde_json::json;

    fn considered(event_type: &str, status: Option<Status>) -> Considered {
        let at = Timestamp(0);
        let event = Event {
            id: "e".into(),
            tenant_id: "t".into(),
            event_type: "order.paid".into(),
            aggregate_id: None,
            aggregate_type: None,
            data: json!({}),
            metadata: json!({}),
            occurred_at: at,
            received_at: at,
            correlation_id: None,
            causation_id: None,
            depth: 0,
        };
        let mut definition = NewAction::blank(HandlerType::new("webhook"));
        definition.event_types = vec![event_type.to_owned()];
        let report = explain(&definition, &event);
        Considered {
            action_id: event_type.into(),
            action_name: event_type.into(),
            action_version: 1,
            priority: Priority::default(),
            report,
            execution_id: status.map(|_| "x".into()),
            execution_status: status,
        }
    }

    #[test]
    fn groups_stand_in_order_and_are_counted() {
        let all = vec![
            considered("user.created", None),
            considered("order.*", Some(Status::Succeeded)),
            considered("*", Some(Status::DeadLetter)),
            considered("order.paid", Some(Status::Retrying)),
        ];
        let groups = grouped(all);
        assert_eq!(groups.iter().map(|(g, _)| *g).collect::<Vec<_>>(), [Group::Ran, Group::UnderWay, Group::Failed, Group::OtherTypes]);
        assert_eq!(summary(&groups, true), "1 ran, 1 under way, 1 failed. Another 1 listens to other types.");
        assert_eq!(summary(&[], true), "There are no actions.");
    }

    #[test]
    fn a_type_that_comes_close_is_not_folded_away() {
        assert_eq!(Group::of(&considered("orders.paid", None)), Group::Stopped);
    }
}
