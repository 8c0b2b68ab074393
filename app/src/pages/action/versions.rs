//! Every version of an action: who changed what, when.

use event_actions::model::Timestamp;
use event_actions::model::action::{ActionVersion, Change};
use leptos::prelude::*;
use serde_json::{Map, Value};

use crate::components::diff::{Diff, diff_json};
use crate::components::page_head::Panel;
use crate::components::time::{Time, TimeStyle, Zone};

/// Versions shown with their difference.
const SHOWN: usize = 20;

/// The panel.
pub fn versions(all: Vec<ActionVersion>, now: Timestamp, zone: Zone) -> impl IntoView {
    let total = all.len();
    let items = all.into_iter().take(SHOWN).enumerate().map(|(n, v)| version(v, n == 0, now, zone)).collect_view();
    let note = if total > SHOWN { format!("the latest {SHOWN} of {total}") } else { String::new() };
    view! { <Panel id="a-versions" title="Versions" note=note flush=true><div class="ruled">{items}</div></Panel> }
}

fn version(v: ActionVersion, open: bool, now: Timestamp, zone: Zone) -> impl IntoView {
    let what = if v.diff.is_empty() {
        view! { <p class="muted t13">{if v.version == 1 { "The first version." } else { "Nothing in it differs from the version before." }}</p> }.into_any()
    } else {
        let side = |pick: fn(&Change) -> Option<Value>| Value::Object(v.diff.iter().filter_map(|c| pick(c).map(|value| (name(&c.pointer), value))).collect::<Map<_, _>>());
        view! { <Diff lines=diff_json(&side(|c| c.before.clone()), &side(|c| c.after.clone()))/> }.into_any()
    };
    let fields = v.diff.iter().map(|c| name(&c.pointer)).take(4).collect::<Vec<_>>().join(", ");
    view! {
        <details class="panel-body" open=open>
            <summary class="t13">
                <strong>"Version "{v.version}</strong>" "
                <span class="muted">{v.author}", "<Time at=v.created_at now=now style=TimeStyle::Ago zone=zone/>{(!fields.is_empty()).then(|| format!(": {fields}"))}</span>
            </summary>
            <div class="tw:pt-2">{what}</div>
        </details>
    }
}

/// A JSON Pointer as people write paths.
fn name(pointer: &str) -> String {
    crate::editing::json_text::readable(pointer)
}
