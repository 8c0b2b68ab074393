//! The form for the other ways to replay: with the version in force now, with an edited payload.

use event_actions::model::event::Event;
use event_actions::model::execution::Execution;
use leptos::prelude::*;

use crate::components::button::Button;
use crate::components::feedback::{ErrorSummary, error_at, field_id};
use crate::components::fields::TextAreaField;
use crate::components::icon;
use crate::components::page_head::Panel;
use crate::components::switches::Radio;
use crate::forms_events::KeptReplay;

/// The panel. `current` is the version in force now.
pub fn panel(x: &Execution, current: Option<i64>, event: Option<&Event>, kept: Option<KeptReplay>) -> impl IntoView + use<> {
    let wants_current = kept.as_ref().is_some_and(|k| k.version == "current");
    let is_edited = kept.as_ref().is_some_and(|k| k.is_edited);
    let stored = event.and_then(|e| serde_json::to_string_pretty(&e.data).ok()).unwrap_or_default();
    let data = kept.as_ref().filter(|k| k.is_edited).map_or(stored, |k| k.data.clone());
    let fault = kept.as_ref().and_then(|k| error_at(&k.error.errors, "/event_data"));
    let summary = kept.map(|k| {
        let title = if k.error.errors.is_empty() { k.error.detail.clone() } else { "It was not replayed".to_owned() };
        view! { <ErrorSummary error=k.error title=title/> }
    });
    let newer = current.map(|now| {
        let label = if now == x.action_version { format!("Version {now}, which is still the one in force") } else { format!("Version {now}, in force now") };
        view! { <Radio name="version" value="current" checked=wants_current label=label/> }
    });
    let gone = current.is_none().then(|| view! { <p class="hint">"The action is deleted; only the version that ran can be replayed."</p> });
    let action = format!("/executions/{}/replay", x.id);
    let as_it_ran = format!("Version {}, as it ran", x.action_version);
    view! {
        <Panel id="replay" title="Replay" note="makes a new execution that names this one">
            <form class="stack" method="post" action=action>
                {summary}
                <div class="cols cols-12 cols-m1">
                    <div class="stack">
                        <fieldset class="stack-4">
                            <legend class="label">"Which version of the action"</legend>
                            <Radio name="version" value="original" checked=!wants_current label=as_it_ran/>
                            {newer}
                            {gone}
                        </fieldset>
                        <fieldset class="stack-4">
                            <legend class="label">"Which payload"</legend>
                            <Radio name="payload" value="stored" checked=!is_edited label="As it is stored"/>
                            <Radio name="payload" value="edited" checked=is_edited label="As edited here; it is stored as a new event"/>
                        </fieldset>
                        <p class="hint">"The rules are not asked again, and receivers get a new webhook-id."</p>
                        <div><Button submit=true icon=icon::RETRY>"Replay this way"</Button></div>
                    </div>
                    <TextAreaField id=field_id("/event_data") label="Data" name="data" value=data rows=12 mono=true hint="Counts only with \u{201c}As edited here\u{201d}." error=fault/>
                </div>
            </form>
        </Panel>
    }
}
