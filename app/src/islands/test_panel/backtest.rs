//! The draft against stored events. At once, in this browser: recent ones of its types, compared with what is saved. On demand, on the
//! server: the latest of any type, counted per gate. [`Wide`] is the second.

use event_actions::matching::{Gate, explain};
use event_actions::model::action::NewAction;
use event_actions::model::event::Event;
use leptos::prelude::*;
use std::sync::Arc;

use crate::editing::form::Form;
use crate::editing::read::read;
use crate::islands::desk::{Desk, draft_of};

use super::wide::Wide;

/// Most marks in the drawing.
const MARKS: usize = 100;

/// What a backtest found, latest event first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    /// For each event: whether the draft would run.
    now: Vec<bool>,
    /// For each event: whether the saved version would; empty for a new action.
    before: Vec<bool>,
    /// How many the conditions stop first.
    at_conditions: usize,
    /// How many the context filters stop first.
    at_context: usize,
}

fn matches(action: &NewAction, events: &[Arc<Event>]) -> (Vec<bool>, usize, usize) {
    let (mut at_conditions, mut at_context) = (0, 0);
    let runs = events
        .iter()
        .map(|event| {
            let report = explain(action, event);
            match report.stopped_at {
                Some(Gate::Conditions) => at_conditions += 1,
                Some(Gate::ContextFilters) => at_context += 1,
                _ => {}
            }
            report.matched
        })
        .collect();
    (runs, at_conditions, at_context)
}

fn test(desk: Desk) -> Found {
    // Whether it matches says nothing of whether it is switched on now.
    let on = |mut action: NewAction| {
        action.is_enabled = true;
        action
    };
    let (draft, _) = desk.definition();
    let saved = desk.id().map(|_| {
        desk.seed.with_value(|seed| {
            let saved = draft_of(&seed.form);
            read(&Form::new(seed.form.clone()), saved.tree.compile().0, &seed.handlers).0
        })
    });
    desk.recent.with_untracked(|events| {
        let (now, at_conditions, at_context) = matches(&on(draft), events);
        let before = saved.map(|s| matches(&on(s), events).0).unwrap_or_default();
        Found { now, before, at_conditions, at_context }
    })
}

/// The backtest.
#[component]
pub fn Backtest(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    // Each judgement of the draft is followed by one of these.
    let found = Memo::new(move |_| if desk.test_due.get() > 0 { test(desk) } else { Found::default() });
    let inside = move || {
        if desk.verdicts.with(|v| v.unfinished.is_some()) {
            return view! { <div class="row"><h3>"Backtest"</h3><span class="small muted push">"once every condition is complete"</span></div> }.into_any();
        }
        let f = found.get();
        if f.now.is_empty() {
            return view! { <div class="row"><h3>"Backtest"</h3><span class="small muted push">"no recent events at hand"</span></div> }.into_any();
        }
        let per_mark = f.now.len().div_ceil(MARKS);
        let many = if per_mark > 1 { format!("{per_mark} to a mark") } else { "one to a mark".to_owned() };
        let (ran, rest) = sentence(&f);
        view! {
            <div class="row"><h3>"Backtest"</h3><span class="small muted push">{format!("last {} events, {many}", f.now.len())}</span></div>
            <div class="ticks" aria-hidden="true">{marks(&f, per_mark)}</div>
            <p class="t13"><strong>{ran}</strong>" "<span class="muted">{rest}</span></p>
        }
        .into_any()
    };
    // As high as it will be, so that nothing below moves when the events come.
    view! { <div class="stack-8 tw:min-h-[108px] tw:content-start">{inside}<Wide desk=desk/></div> }
}

/// One mark per few events, oldest at the left: its height says how many run, its colour whether the draft adds any.
fn marks(f: &Found, per_mark: usize) -> Vec<AnyView> {
    let marks: Vec<AnyView> = f
        .now
        .chunks(per_mark)
        .enumerate()
        .map(|(n, chunk)| {
            let runs = chunk.iter().filter(|r| **r).count();
            let added = chunk.iter().enumerate().any(|(i, r)| *r && f.before.get(n * per_mark + i) == Some(&false));
            let class = match (runs, added) {
                (0, _) => "",
                (_, true) => "new",
                _ => "y",
            };
            let height = if runs == 0 { 4 } else { 4 + 20 * runs / chunk.len() };
            view! { <i class=class style=format!("height:{height}px")></i> }.into_any()
        })
        .collect();
    marks.into_iter().rev().collect()
}

fn sentence(f: &Found) -> (String, String) {
    let runs = f.now.iter().filter(|r| **r).count();
    let ran = format!("{runs} of {} would run.", f.now.len());
    let mut rest = String::new();
    if !f.before.is_empty() {
        let saved = f.before.iter().filter(|r| **r).count();
        let adds = f.now.iter().zip(&f.before).filter(|(now, before)| **now && !**before).count();
        let drops = f.now.iter().zip(&f.before).filter(|(now, before)| !**now && **before).count();
        let word = |n: usize| if n == 0 { "none".to_owned() } else { n.to_string() };
        rest = format!("The saved version runs for {saved}; this draft adds {} and drops {}. ", word(adds), word(drops));
    }
    if f.at_context > 0 {
        rest.push_str(&format!("{} stop at Context. ", f.at_context));
    }
    if f.at_conditions > 0 {
        rest.push_str(&format!("{} stop at Conditions.", f.at_conditions));
    }
    (ran, rest)
}
