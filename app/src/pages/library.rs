//! What the pages of mail templates and functions share: versions, what uses them, and the event they are tried with.

use event_actions::engine::{Caller, Engine};
use event_actions::model::access::Scope;
use event_actions::model::action::Change;
use event_actions::model::event::Event;
use event_actions::model::library::UsedBy;
use event_actions::model::page::PageRequest;
use event_actions::model::testing::EventFilter;
use event_actions::model::{ApiError, Timestamp};
use leptos::prelude::*;
use serde_json::Value;

use super::admin::Draft;
use crate::components::diff::{Diff, diff};
use crate::components::fields::{SelectField, TextAreaField, TextField};
use crate::components::format::plural;
use crate::components::page_head::Panel;
use crate::components::time::{Time, TimeStyle, Zone};
use crate::forms_admin::Typed;

/// Events offered to try a thing with.
const OFFERED: u32 = 20;
/// Versions shown with their difference.
const SHOWN: usize = 20;

/// One stored version, whatever it is of.
pub struct Stored {
    /// Counts from 1.
    pub version: i64,
    /// Who changed it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// What changed against the version before.
    pub changes: Vec<Change>,
}

/// The panel of versions, the latest first.
pub fn versions(all: Vec<Stored>) -> impl IntoView {
    let now = Timestamp::now();
    let total = all.len();
    let note = if total > SHOWN { format!("the latest {SHOWN} of {total}") } else { String::new() };
    let items = all
        .into_iter()
        .take(SHOWN)
        .map(|v| {
            let what = if v.changes.is_empty() {
                view! { <p class="muted t13">{if v.version == 1 { "The first version." } else { "Nothing in it differs from the version before." }}</p> }.into_any()
            } else {
                v.changes.iter().map(change).collect_view().into_any()
            };
            let fields = v.changes.iter().map(|c| c.pointer.trim_start_matches('/')).collect::<Vec<_>>().join(", ");
            let fields = (!fields.is_empty()).then(|| format!(": {fields}"));
            view! {
                <details class="panel-body">
                    <summary class="t13"><strong>"Version "{v.version}</strong>" "<span class="muted">{v.author}", "<Time at=v.at now=now style=TimeStyle::Ago/>{fields}</span></summary>
                    <div class="stack-8 tw:pt-2">{what}</div>
                </details>
            }
        })
        .collect_view();
    view! { <Panel id="versions-h" title="Versions" note=note flush=true><div class="ruled">{items}</div></Panel> }
}

/// A value as the text that is compared line by line.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn change(change: &Change) -> impl IntoView + use<> {
    let name = change.pointer.trim_start_matches('/').to_owned();
    let lines = diff(&text(change.before.as_ref()), &text(change.after.as_ref()));
    view! { <div><h4>{name}</h4><Diff lines=lines/></div> }
}

/// What uses a thing, each with the way to it. `none` is said when nothing does.
pub fn used_by(users: Option<Vec<UsedBy>>, none: &'static str) -> impl IntoView {
    let users = users.unwrap_or_default();
    let note = if users.is_empty() { String::new() } else { plural(users.len() as i64, "action", "actions") };
    let list = if users.is_empty() {
        view! { <p class="muted t13">{none}</p> }.into_any()
    } else {
        view! { <ul class="stack-4">{users.iter().map(|user| view! { <li class="brk">{link_to(user)}</li> }).collect_view()}</ul> }.into_any()
    };
    view! { <Panel id="used-h" title="Used by" note=note>{list}</Panel> }
}

/// The link to something that uses a thing.
pub fn link_to(user: &UsedBy) -> impl IntoView + use<> {
    let place = if user.kind == "template" { "templates" } else { "actions" };
    view! { <a href=format!("/{place}/{}", user.id)>{user.name.clone()}</a> }
}

/// The latest events that a thing can be tried with, latest first; none for those who may not see events.
///
/// # Errors
/// The engine's.
pub async fn samples(engine: &Engine, caller: &Caller) -> Result<Vec<Event>, ApiError> {
    if !caller.may(Scope::EventsRead) {
        return Ok(Vec::new());
    }
    Ok(engine.list_events(caller, EventFilter::default(), PageRequest { limit: Some(OFFERED), cursor: None }).await?.items)
}

/// The fields of the event that a thing is tried with: a stored one, the latest unless another is chosen, or a made-up one.
pub fn sample_fields(typed: &Typed, draft: &Draft, events: &[Event], zone: Zone) -> impl IntoView + use<> {
    let chosen = typed.value("event_id", events.first().map_or("", |e| &e.id));
    let made_up = chosen.is_empty();
    let name = |e: &Event| (e.id.clone(), format!("{}, {}", e.event_type, zone.day_minute(e.received_at)));
    let mut options: Vec<(String, String)> = events.iter().map(name).collect();
    if !made_up && !options.iter().any(|(id, _)| *id == chosen) {
        options.insert(0, (chosen.clone(), chosen.clone()));
    }
    options.push((String::new(), "A made-up event".to_owned()));
    let hint = if events.is_empty() { "There are no events yet." } else { "The latest events; the last choice is one of your own." };
    view! {
        <SelectField id="f-event_id" label="Event" name="event_id" options=options value=chosen hint=hint error=draft.error("/event_id") class="s12"/>
        <details class="fold-plain s12" open=made_up>
            <summary>"Made-up event"</summary>
            <div class="form-grid">
                <TextField id="f-event_type" label="Type of the made-up event" name="event_type" value=typed.value("event_type", "") placeholder="sample.event" mono=true class="s12"/>
                <TextAreaField id="f-event_data" label="Its data" name="event_data" value=typed.value("event_data", "{}") rows=5 mono=true hint="A JSON object." error=draft.error("/event_data") class="s12"/>
            </div>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::text;

    #[test]
    fn values_are_compared_as_texts() {
        assert_eq!((text(Some(&json!("a\nb"))).as_str(), text(Some(&Value::Null)).as_str(), text(Some(&json!(1))).as_str()), ("a\nb", "", "1"));
    }
}
