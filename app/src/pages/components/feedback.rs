//! Toasts, dialogs, summaries, callouts, empty places.

use event_actions::model::{ApiError, FieldError};
use leptos::prelude::*;

use super::group;
use crate::components::button::{Button, ButtonKind};
use crate::components::feedback::{Callout, CalloutKind, Empty, ErrorSummary, FilteredToEmpty};
use crate::components::icon;
use crate::components::toast::{Dialog, Toast};

pub(super) fn section() -> impl IntoView {
    let error = ApiError::validation(vec![
        FieldError::new("/configuration/url", "bad_url", "URL: begin with https://"),
        FieldError::new("/conditions/2/value", "missing", "Condition 3: give a value"),
    ]);
    let toast = view! { <div class="inert-frame"><Toast text="Deleted “Ledger export”." left="8 s"><button type="button">"Undo"</button></Toast></div> };
    let send = view! { <Button kind=ButtonKind::Primary icon=icon::SEND>"Send to wms.example"</Button> }.into_any();
    let dialog = view! {
        <button type="button" class="btn" popovertarget="gallery-dialog">"Open it"</button>
        <Dialog id="gallery-dialog" title="Send for real?" foot=send><p>"One request goes to "<strong>"wms.example"</strong>"."</p></Dialog>
    };
    let callouts = view! {
        <div class="stack-8">
            <Callout>"Somebody saved version 8 while you were editing."</Callout>
            <Callout kind=CalloutKind::Remark>"An empty group passes."</Callout>
            <Callout kind=CalloutKind::Waiting>"The breaker is open; six executions wait."</Callout>
            <Callout kind=CalloutKind::Fault>"The handler cannot work."</Callout>
        </div>
    };
    let empty = view! {
        <div class="cols cols-11">
            <div class="panel"><Empty icon=icon::ACTION title="No actions yet" text="An action says what happens when an event arrives."><Button kind=ButtonKind::Primary icon=icon::PLUS>"New action"</Button></Empty></div>
            <div class="panel"><FilteredToEmpty text="12 actions are hidden by “Status: failed”." clear="/components"/></div>
        </div>
    };
    group(
        "k-feedback",
        "Feedback",
        vec![
            ("Toast", toast.into_any()),
            ("Dialog", dialog.into_any()),
            ("Error summary", view! { <ErrorSummary error=error/> }.into_any()),
            ("Callouts", callouts.into_any()),
            ("Empty, and filtered to empty", empty.into_any()),
        ],
    )
}
