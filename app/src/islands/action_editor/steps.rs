//! The steps of a workflow, by form or as JSON. Both views are one list; wrong JSON leaves it as it is and says where it is wrong.

use event_actions::model::error::Faults;
use leptos::prelude::*;
use serde_json::{Value, json};

use super::step::step;
use crate::components::feedback::field_id;
use crate::components::icon;
use crate::components::segmented::Segmented;
use crate::components::textarea::TextArea;
use crate::editing::json_text;
use crate::editing::steps::{close, free_name, open};
use crate::islands::desk::Desk;
use crate::islands::desk::browser::focus_soon;
use crate::islands::desk::parts::word_button;

/// Which view is shown.
const FORM: &str = "form";
const JSON: &str = "json";

/// The list of steps at a pointer of the form.
#[component]
pub fn Steps(
    /// The desk.
    desk: Desk,
    /// Where the steps stand in the form.
    pointer: String,
) -> impl IntoView {
    let id = field_id(&pointer);
    let at = StoredValue::new(pointer);
    let shown = RwSignal::new(FORM.to_owned());
    let count = Memo::new(move |_| at.with_value(|p| desk.form.with(|f| f.len(p))));
    let options = vec![(FORM.to_owned(), "Form".to_owned()), (JSON.to_owned(), "JSON".to_owned())];
    let add = move || {
        let n = count.get_untracked();
        at.with_value(|p| {
            desk.change_form("", |f| {
                let name = free_name(f.get(p), &format!("step_{}", n + 1));
                f.push(p, json!({"name": name, "action": "transform", "params": {"mapping": ""}}));
            });
            focus_soon(format!("#{}", field_id(&format!("{p}/{n}/name"))));
        });
        desk.say(format!("Step {} added.", n + 1));
    };
    view! {
        <div class="stack-8" id=id tabindex="-1">
            <div class="row"><Segmented label="Steps as" options=options value=shown on_select=Callback::new(move |word: String| shown.set(word)) small=true/></div>
            // The form stays where it is while JSON is typed.
            <div class="stack-8" hidden=move || shown.get() == JSON>
                {move || (0..count.get()).map(|n| step(desk, at, n, count.get_untracked())).collect_view()}
                <div class="row">{word_button("btn btn-s", Some(icon::PLUS), "Step", false.into(), add)}</div>
            </div>
            {move || (shown.get() == JSON).then(|| as_json(desk, at))}
        </div>
    }
}

/// The steps as they would be saved.
fn saved(desk: Desk, pointer: &str) -> Vec<Value> {
    let shown = desk.form.with(|f| f.get(pointer).and_then(Value::as_array).cloned().unwrap_or_default());
    desk.seed.with_value(|seed| shown.into_iter().map(|step| close(&seed.handlers, step, "", &mut Faults::default())).collect())
}

fn pretty(steps: &[Value]) -> String {
    serde_json::to_string_pretty(steps).unwrap_or_default()
}

fn as_json(desk: Desk, at: StoredValue<String>) -> AnyView {
    let text = RwSignal::new(untrack(|| at.with_value(|p| pretty(&saved(desk, p)))));
    let fault = RwSignal::new(None::<String>);
    // Undo changes the list from outside; the text follows unless it says the same already.
    Effect::new(move |_| {
        let now = at.with_value(|p| saved(desk, p));
        let says_same = text.with_untracked(|t| json_text::parse::<Vec<Value>>(t).is_ok_and(|typed| typed == now));
        if !says_same && fault.with_untracked(Option::is_none) {
            text.set(pretty(&now));
        }
    });
    let typed = Callback::new(move |now: String| {
        match json_text::parse::<Vec<Value>>(&now) {
            Ok(steps) => {
                fault.set(None);
                text.set(now);
                let shown = desk.seed.with_value(|seed| steps.iter().map(|step| open(&seed.handlers, step)).collect::<Value>());
                at.with_value(|p| desk.change_form("steps as json", |f| f.set(p, shown)));
            }
            Err(found) => {
                text.set(now);
                fault.set(Some(found.sentence()));
            }
        };
    });
    let wrong = Signal::derive(move || fault.with(Option::is_some));
    view! {
        <div class="stack-8">
            <TextArea id="steps-json" rows=16 mono=true aria_label="Steps as JSON" described_by="steps-json-m" invalid=wrong value=text on_input=typed/>
            <div id="steps-json-m" role="status">
                {move || fault.get().map(|text| view! { <p class="hint hint-bad">{text}</p><p class="hint">"The form keeps the steps as they were until this is mended."</p> })}
            </div>
        </div>
    }
    .into_any()
}
