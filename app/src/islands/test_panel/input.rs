//! What the draft is tested with: a recent event, a saved sample, JSON, or a form.

use std::sync::Arc;

use event_actions::model::Timestamp;
use event_actions::model::event::{Event, type_fault};
use leptos::prelude::*;
use serde_json::{Value, json};

use crate::components::fields::TextField;
use crate::components::icon;
use crate::components::segmented::Segmented;
use crate::components::textarea::TextArea;
use crate::editing::form::Form;
use crate::editing::json_text;
use crate::editing::values::Kind;
use crate::islands::desk::browser::{clock, keep, kept, now_ms};
use crate::islands::desk::parts::{tool, word_button};
use crate::islands::desk::{Desk, MADE_UP};

/// Under which name samples are saved in this browser.
const SAMPLES: &str = "ea-samples";
/// Most samples kept.
const MAX_SAMPLES: usize = 30;
/// Most fields of the form.
const MAX_FIELDS: usize = 40;

/// The ways to choose an event, and the chosen way.
#[component]
pub fn TestInput(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    let way = RwSignal::new("recent".to_owned());
    let ways = [("recent", "Recent"), ("saved", "Saved"), ("json", "JSON"), ("form", "Form")].map(|(w, t)| (w.to_owned(), t.to_owned())).into();
    let choose = Callback::new(move |word: String| way.set(word));
    view! {
        <div class="panel-head">
            <h2 id="th">"Test this draft"</h2>
            <span class="push"><Segmented label="Test with" options=ways value=way on_select=choose small=true/></span>
        </div>
        <div class="panel-body tw:pb-0">
            {move || match way.get().as_str() {
                "saved" => saved(desk),
                "json" => typed(desk),
                "form" => form(desk),
                _ => recent(desk),
            }}
        </div>
    }
}

/// `order.paid, SO-48213, 14:31:52`.
fn name(event: &Event, offset_minutes: i32) -> String {
    let thing = event.aggregate_id.clone().unwrap_or_else(|| event.id.chars().take(8).collect());
    format!("{}, {thing}, {}", event.event_type, clock(event.received_at.millis() as f64, offset_minutes))
}

fn recent(desk: Desk) -> AnyView {
    let offset = desk.seed.with_value(|s| s.offset_minutes);
    let position = move || desk.sample.with(|s| s.as_ref().and_then(|s| desk.recent.with(|all| all.iter().position(|e| e.id == s.id))));
    let go = move |n: usize| desk.set_sample(desk.recent.with_untracked(|all| all.get(n).cloned()));
    let choose = move |value: &str| {
        if let Ok(n) = value.parse() {
            go(n);
        }
    };
    let step = move |older: bool| {
        let last = desk.recent.with_untracked(Vec::len).saturating_sub(1);
        let now = untrack(position);
        go(now.map_or(0, |n| if older { (n + 1).min(last) } else { n.saturating_sub(1) }));
    };
    let options = move || {
        let chosen = position();
        let events = desk.recent.get();
        if events.is_empty() {
            return view! { <option>"No events of these types yet"</option> }.into_any();
        }
        let other = chosen.is_none().then(|| view! { <option selected=true value="">"Another event"</option> });
        let all = events.iter().enumerate().map(|(n, e)| view! { <option value=n.to_string() selected={Some(n) == chosen}>{name(e, offset)}</option> }).collect_view();
        view! { {other}{all} }.into_any()
    };
    view! {
        <div class="row">
            <select class="input" aria-label="Event" prop:value=move || position().map_or_else(String::new, |n| n.to_string()) on:change=move |event| choose(&event_target_value(&event))>{options}</select>
            {tool(icon::UP, "newer", "Newer event".to_owned(), false, move || step(false))}
            {tool(icon::DOWN, "older", "Older event".to_owned(), false, move || step(true))}
        </div>
    }
    .into_any()
}

/// An event as a person writes it.
fn shown(event: &Event) -> Value {
    json!({"event_type": event.event_type, "aggregate_id": event.aggregate_id, "data": event.data, "metadata": event.metadata})
}

/// The event that a text means; missing parts are empty.
fn read(desk: Desk, text: &str) -> Result<Arc<Event>, String> {
    let map = json_text::parse_object(text).map_err(|fault| fault.sentence())?;
    let event_type = map.get("event_type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(why) = type_fault(&event_type) {
        return Err(why);
    }
    let object = |name: &str| match map.get(name) {
        None | Some(Value::Null) => Ok(json!({})),
        Some(v) if v.is_object() => Ok(v.clone()),
        Some(_) => Err(format!("{name} must be an object.")),
    };
    let at = Timestamp(now_ms() as i64);
    let text_of = |name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Arc::new(Event {
        id: MADE_UP.to_owned(),
        tenant_id: desk.seed.with_value(|s| s.tenant.clone()),
        event_type,
        aggregate_id: text_of("aggregate_id"),
        aggregate_type: text_of("aggregate_type"),
        data: object("data")?,
        metadata: object("metadata")?,
        occurred_at: at,
        received_at: at,
        correlation_id: text_of("correlation_id"),
        causation_id: None,
        depth: 0,
    }))
}

fn typed(desk: Desk) -> AnyView {
    let first = desk.sample.with_untracked(|s| s.as_ref().map_or_else(|| json!({"event_type": "order.paid", "data": {}, "metadata": {}}), |e| shown(e)));
    let text = RwSignal::new(serde_json::to_string_pretty(&first).unwrap_or_default());
    let fault = RwSignal::new(None::<String>);
    let wrong = Signal::derive(move || fault.with(Option::is_some));
    let take = Callback::new(move |now: String| {
        match read(desk, &now) {
            Ok(event) => {
                fault.set(None);
                desk.set_sample(Some(event));
            }
            Err(why) => fault.set(Some(why)),
        }
        text.set(now);
    });
    view! {
        <div class="stack-8">
            <TextArea id="sample-json" rows=10 mono=true aria_label="Event as JSON" described_by="sample-json-m" invalid=wrong value=text on_input=take/>
            <div id="sample-json-m" role="status">{move || fault.get().map(|text| view! { <p class="hint hint-bad">{text}</p> })}</div>
            {save_button(desk)}
        </div>
    }
    .into_any()
}

fn samples() -> Vec<Value> {
    kept(SAMPLES).and_then(|text| serde_json::from_str::<Value>(&text).ok()).and_then(|v| v.as_array().cloned()).unwrap_or_default()
}

fn save_button(desk: Desk) -> AnyView {
    let save = move || {
        let Some(sample) = desk.sample.with_untracked(|s| s.as_deref().map(shown)) else { return };
        let mut all = samples();
        all.retain(|s| *s != sample);
        all.insert(0, sample);
        all.truncate(MAX_SAMPLES);
        let done = keep(SAMPLES, &Value::Array(all).to_string());
        desk.say(if done { "Sample saved in this browser." } else { "This browser keeps nothing." });
    };
    word_button("btn btn-s", None, "Save as sample", Signal::derive(move || desk.sample.with(Option::is_none)), save)
}

fn saved(desk: Desk) -> AnyView {
    let all = RwSignal::new(samples());
    let rows = move || {
        if all.with(Vec::is_empty) {
            return view! { <p class="hint">"No samples yet. “Save as sample” keeps the event above in this browser."</p> }.into_any();
        }
        all.get()
            .into_iter()
            .enumerate()
            .map(|(n, sample)| {
                let name = sample.get("event_type").and_then(Value::as_str).unwrap_or_default().to_owned();
                let thing = sample.get("aggregate_id").and_then(Value::as_str).map_or_else(|| format!("sample {}", n + 1), str::to_owned);
                let label = format!("{name}, {thing}");
                let use_it = move || match read(desk, &sample.to_string()) {
                    Ok(event) => desk.set_sample(Some(event)),
                    Err(why) => desk.say(why),
                };
                let drop_it = move || {
                    all.update(|a| drop(a.remove(n)));
                    let _ = keep(SAMPLES, &Value::Array(all.get_untracked()).to_string());
                };
                view! { <div class="row">{word_button("btn btn-s btn-ghost", None, label.clone(), false.into(), use_it)}<span class="push"></span>{tool(icon::TRASH, "delete", format!("Delete {label}"), false, drop_it)}</div> }.into_any()
            })
            .collect_view()
            .into_any()
    };
    view! { <div class="stack-4">{rows}{save_button(desk)}</div> }.into_any()
}

/// One field per known path of the payload; what is typed changes the sample.
fn form(desk: Desk) -> AnyView {
    let Some(first) = desk.sample.get_untracked() else { return view! { <p class="hint">"Choose a recent event or write one as JSON first."</p> }.into_any() };
    let doc = StoredValue::new(Form::new(shown(&first)));
    let known = desk.catalog.with_untracked(|c| {
        c.paths.iter().filter(|k| k.kind != Kind::List && (k.path.starts_with("data.") || k.path.starts_with("metadata."))).take(MAX_FIELDS).cloned().collect::<Vec<_>>()
    });
    let fields = known
        .into_iter()
        .filter_map(|known| {
            let pointer = format!("/{}", known.path.replace("\\.", "\u{1}").replace('.', "/").replace('\u{1}', "."));
            // A field inside a list stands for many values; those are changed as JSON.
            let is_many = doc.with_value(|d| pointer.match_indices('/').map(|(n, _)| &pointer[..n]).chain([pointer.as_str()]).any(|p| d.get(p).is_some_and(Value::is_array)));
            if is_many {
                return None;
            }
            let value = RwSignal::new(doc.with_value(|d| d.text(&pointer)));
            let kind = known.kind;
            let take = Callback::new(move |text: String| {
                let typed = if matches!(kind, Kind::Text | Kind::Moment) {
                    Value::String(text.clone())
                } else {
                    serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone()))
                };
                value.set(text);
                doc.update_value(|d| d.set(&pointer, typed));
                if let Ok(event) = read(desk, &doc.with_value(|d| d.doc().to_string())) {
                    desk.set_sample(Some(event));
                }
            });
            let id = crate::components::feedback::field_id(&format!("/sample/{}", known.path));
            Some(view! { <TextField id=id label=known.path mono=true value=value on_input=take/> })
        })
        .collect_view();
    view! { <div class="stack-8">{fields}{save_button(desk)}</div> }.into_any()
}
