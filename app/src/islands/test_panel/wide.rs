//! The backtest on the server: the last 1,000 stored events of any type, counted per gate, with links to those that would run.

use event_actions::model::testing::BacktestReport;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::islands::desk::Desk;
use crate::islands::desk::parts::word_button;
use crate::server_fns::actions::backtest_draft;

/// How many events are looked at.
const EVENTS: u32 = 1_000;
/// Most links shown before the others are folded away.
const SHOWN: usize = 5;

/// The button, and below it what was found. A change of the draft takes the answer away: it would be about another draft.
#[component]
pub fn Wide(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    let answer = RwSignal::new(None::<Result<BacktestReport, String>>);
    let busy = RwSignal::new(false);
    let asked = StoredValue::new(0_u32);
    Effect::new(move |_| {
        desk.test_due.track();
        asked.update_value(|n| *n += 1);
        answer.set(None);
    });
    let run = move || {
        let (mut action, _) = desk.definition();
        if action.name.is_empty() {
            "Draft".clone_into(&mut action.name);
        }
        let turn = asked.get_value();
        busy.set(true);
        spawn_local(async move {
            let found = backtest_draft(action, EVENTS).await;
            busy.set(false);
            if turn == asked.get_value() {
                answer.set(Some(found.map_err(|refusal| refusal.0.to_string())));
            }
        });
    };
    let off = Signal::derive(move || busy.get() || desk.verdicts.with(|v| v.unfinished.is_some()));
    view! {
        <div class="row row-wrap">{word_button("btn btn-s", None, "Count over the last 1,000 events", off, run)}</div>
        <div role="status">{move || answer.get().map(|found| found.map_or_else(|why| view! { <p class="hint hint-bad">{why}</p> }.into_any(), shown))}</div>
    }
}

fn shown(report: BacktestReport) -> AnyView {
    let cut = report.is_cut_short.then(|| view! { <p class="hint hint-warn">"Time ran out: older events were not looked at."</p> });
    let stopped = report.stopped.iter().map(|s| view! { <dt>"stop at "{s.gate.label()}</dt><dd class="num">{s.count}</dd> }).collect_view();
    let link = |id: &String| view! { <li class="trunc"><a href=format!("/events/{id}")><code>{id.clone()}</code></a></li> };
    let (first, rest) = report.event_ids.split_at(report.event_ids.len().min(SHOWN));
    let more = (!rest.is_empty())
        .then(|| view! { <details><summary class="small">{format!("{} more", rest.len())}</summary><ul class="small">{rest.iter().map(link).collect_view()}</ul></details> });
    view! {
        <div class="stack-8" id="backtest-wide">
            <p class="t13"><strong>{format!("{} of the last {} events would run.", report.matched, report.considered)}</strong></p>
            {cut}
            <dl class="kv">{stopped}</dl>
            <ul class="small">{first.iter().map(link).collect_view()}</ul>
            {more}
        </div>
    }
    .into_any()
}
