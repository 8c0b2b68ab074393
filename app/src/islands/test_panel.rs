//! The test of the draft: an event goes in, the verdict and the exact output come out. Nothing is sent by a test.
//!
//! The sentence follows the evaluator in this browser at once; gates 6 to 8, the strip and the output come from the server.

use event_actions::model::FieldError;
use event_actions::model::testing::TestRequest;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Map;

use super::desk::Desk;
use super::desk::browser::{clicked, show_only};
use crate::components::gate_row::{GateStripSmall, Stop};
use crate::components::icon::{self, Icon};
use crate::server_fns::actions::test_draft;

mod backtest;
mod input;
mod send;
mod wide;

use backtest::Backtest;
use input::TestInput;
use send::SendForReal;

/// The tab that the server shows first.
const FIRST_OUTPUT: &str = "request";

/// What a test on the server came to.
#[derive(Clone, Copy)]
struct Testing {
    desk: Desk,
    /// Why the server could not test it.
    refused: RwSignal<Option<String>>,
    /// Counts the tests, so that a late answer is not taken for a new one.
    asked: StoredValue<u32>,
}

impl Testing {
    fn new(desk: Desk) -> Self {
        let (_, faults) = desk.definition();
        Self { desk, refused: RwSignal::new(first_fault(&faults)), asked: StoredValue::new(0) }
    }

    /// Tests the draft with the sample on the server.
    fn run(self) {
        let desk = self.desk;
        // The page came with the answer for what is saved.
        let is_answered = self.asked.get_value() == 0 && !desk.dirty.get_untracked() && desk.tried.with_untracked(Option::is_some);
        if is_answered {
            return self.asked.set_value(1);
        }
        let Some(request) = request(desk) else { return desk.tried.set(None) };
        let (mut action, faults) = desk.definition();
        // A draft that has no name yet can be tested all the same.
        if action.name.is_empty() {
            "Draft".clone_into(&mut action.name);
        }
        if let Some(fault) = first_fault(&faults) {
            self.refused.set(Some(fault));
            return desk.tried.set(None);
        }
        let turn = self.asked.try_update_value(|n| {
            *n += 1;
            *n
        });
        spawn_local(async move {
            let answer = test_draft(desk.id(), action, request).await;
            if turn != Some(self.asked.get_value()) {
                return;
            }
            match answer {
                Ok(tried) => {
                    self.refused.set(None);
                    desk.tried.set(Some(tried));
                }
                Err(refusal) => {
                    self.refused.set(Some(refusal.0.to_string()));
                    desk.tried.set(None);
                }
            }
        });
    }
}

/// What keeps a draft from being tested as a whole; a missing name does not.
fn first_fault(faults: &[FieldError]) -> Option<String> {
    faults.iter().find(|f| f.pointer != "/name").map(|f| f.message.clone())
}

/// The sample as a test takes it.
fn request(desk: Desk) -> Option<TestRequest> {
    let object = |v: &serde_json::Value| v.as_object().cloned().unwrap_or_else(Map::new);
    desk.sample.with_untracked(|s| {
        let event = s.as_ref()?;
        let mut metadata = object(&event.metadata);
        metadata.remove("tenant_id");
        Some(TestRequest { event_type: event.event_type.clone(), event_data: object(&event.data), metadata, dry_run: true })
    })
}

/// The panel; a sheet at the bottom of a phone, whose handle keeps verdict and strip in sight.
#[component]
pub fn TestPanel(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    let testing = Testing::new(desk);
    let open = RwSignal::new(false);
    let output = RwSignal::new(FIRST_OUTPUT.to_owned());
    Effect::new(move |_| {
        if desk.test_due.get() > 0 {
            testing.run();
        }
    });
    // What the server makes anew begins with its first tab; the chosen one is shown again.
    Effect::new(move |_| {
        desk.tried.track();
        let chosen = output.get();
        if chosen != FIRST_OUTPUT {
            request_animation_frame(move || show_only("data-output", &chosen));
        }
    });
    view! {
        <section class=move || if open.get() { "panel tester is-open" } else { "panel tester" } aria-labelledby="th">
            <button type="button" class="tester-grip" aria-expanded=move || open.get().to_string() on:click=move |_| open.update(|o| *o = !*o)>
                <span class="row">{move || mark(desk)}<span><strong>{move || verdict(desk).0}</strong><br/><span class="small muted">{move || verdict(desk).1}</span></span></span>
                <span class="i-chev"><Icon of=icon::UP/></span>
                <span class="tw:col-span-full">{move || strip(desk)}</span>
            </button>
            <TestInput desk=desk/>
            <div class="panel-body stack">
                <div class="says" role="status">
                    {move || mark(desk)}
                    <p><strong>{move || verdict(desk).0}</strong>" "{move || verdict(desk).1}</p>
                </div>
                {move || testing.refused.get().filter(|_| unfinished(desk).is_none()).map(|why| view! { <p class="hint hint-warn">"The whole draft cannot be tested yet: "{why}</p> })}
                // Made and escaped by the same components on the server; clicks in it are heard here.
                <div class="stack" inner_html=move || desk.tried.with(|t| t.as_ref().map(|t| t.html.clone()).unwrap_or_default()) on:click=move |event| heard(desk, output, &event)></div>
                <Backtest desk=desk/>
            </div>
            <SendForReal desk=desk/>
        </section>
    }
}

/// Tabs and mending buttons in what the server made.
fn heard(desk: Desk, output: RwSignal<String>, event: &leptos::ev::MouseEvent) {
    if let Some(tab) = clicked(event, "data-output").filter(|_| clicked(event, "role").as_deref() == Some("tab")) {
        show_only("data-output", &tab);
        output.set(tab);
    }
    let Some(pointer) = clicked(event, "data-mend") else { return };
    let Some(value) = clicked(event, "data-value").and_then(|text| serde_json::from_str(&text).ok()) else { return };
    let id = desk.tree.with_untracked(|t| t.compile().1.into_iter().find(|(_, p)| *p == pointer).map(|(id, _)| id));
    if let Some(id) = id {
        desk.change_tree("", |t| t.mend(id, value, t.row(id).and_then(|r| desk.kind(&r.field))));
        desk.say("Put right.");
    }
}

/// Where the sample stops: as the server says, else as the first five gates say here.
fn stop(desk: Desk) -> Option<(Stop, String)> {
    use event_actions::matching::{Gate, GateOutcome};
    let here = desk.verdicts.with(|v| v.report.as_ref().map(|r| (Stop::from(r), r.reason.clone())))?;
    if here.0.at.is_some() {
        return Some(here);
    }
    desk.tried.with(|t| {
        let Some(tried) = t else { return Some(here.clone()) };
        let first = tried.gates.iter().position(|o| matches!(o, GateOutcome::Stopped | GateOutcome::Waits));
        let waits = first.is_some_and(|n| tried.gates[n] == GateOutcome::Waits);
        Some((Stop { at: first.and_then(|n| Gate::ALL.get(n).copied()), waits }, tried.reason.clone()))
    })
}

/// What keeps the draft from being judged as a whole.
fn unfinished(desk: Desk) -> Option<String> {
    desk.verdicts.with(|v| v.unfinished.as_ref().map(crate::editing::verdict::Unfinished::sentence))
}

/// The verdict in two parts: the word, and the rest of the sentence.
fn verdict(desk: Desk) -> (&'static str, String) {
    if let Some(what) = unfinished(desk) {
        return ("Not complete yet:", what);
    }
    match stop(desk) {
        None => ("No event yet.", "Choose or write one to test this draft with.".to_owned()),
        Some((Stop { at: None, .. }, _)) => ("Would run.", if desk.tried.with(Option::is_some) { "Every gate passes." } else { "Gates 1 to 5 pass." }.to_owned()),
        Some((Stop { waits: true, .. }, why)) => ("Would wait:", why),
        Some((_, why)) => ("Would not run:", why),
    }
}

fn mark(desk: Desk) -> AnyView {
    let (class, of) = match stop(desk).filter(|_| unfinished(desk).is_none()) {
        None => ("mk", icon::QUESTION),
        Some((Stop { at: None, .. }, _)) => ("mk ok", icon::CHECK),
        Some((Stop { waits: true, .. }, _)) => ("mk", icon::WAIT),
        Some(_) => ("mk", icon::CROSS),
    };
    view! { <span class=class><Icon of=of size=14/></span> }.into_any()
}

fn strip(desk: Desk) -> AnyView {
    match stop(desk).filter(|_| unfinished(desk).is_none()) {
        Some((at, _)) => view! { <GateStripSmall of=at word="Runs"/> }.into_any(),
        None => ().into_any(),
    }
}
