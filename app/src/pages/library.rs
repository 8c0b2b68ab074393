//! What the pages of mail templates and functions share: lists, versions, and the made-up event.

use event_actions::model::Timestamp;
use event_actions::model::action::Change;
use leptos::prelude::*;
use serde_json::{Map, Value};

use crate::components::diff::{Diff, diff};
use crate::components::fields::{TextAreaField, TextField};
use crate::components::page_head::Panel;
use crate::components::time::{Time, TimeStyle};
use crate::forms_admin::Typed;

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

/// The fields of the made-up event.
pub fn sample_fields(typed: &Typed, fault: Option<String>) -> impl IntoView + use<> {
    let example = serde_json::to_string_pretty(&Value::Object(Map::new())).unwrap_or_default();
    view! {
        <TextField id="f-event_type" label="Type of the made-up event" name="event_type" value=typed.value("event_type", "") placeholder="sample.event" mono=true class="s12"/>
        <TextAreaField id="f-event_data" label="Its data" name="event_data" value=typed.value("event_data", &example) rows=5 mono=true hint="A JSON object." error=fault class="s12"/>
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
