//! Sending a saved template to one address, with the event that is chosen above, and what became of it.

use event_actions::engine::{Actor, Caller};
use event_actions::model::template::TestMailReport;
use leptos::prelude::*;

use crate::components::button::Button;
use crate::components::feedback::{Callout, CalloutKind};
use crate::components::fields::TextField;
use crate::components::icon;
use crate::components::page_head::Panel;
use crate::forms_admin::Typed;
use crate::pages::admin::Draft;
use crate::session::encode;

/// The panel. It stands in the form of the template.
pub(super) fn panel(typed: &Typed, draft: &Draft, caller: &Caller, sent: Option<TestMailReport>) -> impl IntoView + use<> {
    let own = match &caller.actor {
        Actor::User { email, .. } => email.as_str(),
        _ => "",
    };
    let (to, from) = (typed.value("to", own), typed.value("from", ""));
    let outcome = sent.map(|report| outcome(report, to.clone()));
    let (to_fault, from_fault) = (draft.error("/to"), draft.error("/from"));
    view! {
        <Panel id="send-h" title="Send a test" note="the saved version, for the event chosen above">
            <div class="stack">
                <div class="form-grid">
                    <TextField id="f-to" label="To" name="to" value=to error=to_fault class="s6"/>
                    <TextField id="f-from" label="From" name="from" value=from placeholder="noreply@example.com" hint="A sender that the tenant allows." error=from_fault class="s6"/>
                </div>
                <div class="row"><Button submit=true icon=icon::MAIL attr:name="verb" attr:value="send">"Send a test"</Button></div>
                {outcome}
            </div>
        </Panel>
    }
}

/// Where the mail went, or why it did not.
fn outcome(report: TestMailReport, to: String) -> impl IntoView {
    let TestMailReport { sent_to, mail_id, error, .. } = report;
    let told = match (error, sent_to.as_deref()) {
        (Some(error), _) => view! { <Callout kind=CalloutKind::Fault><p>{error.message}</p></Callout> }.into_any(),
        (None, Some("outbox")) => {
            let href = format!("/mailbox/{}", encode(&mail_id));
            view! { <Callout kind=CalloutKind::Remark><p>"No mail server is set, so the mail to "{to}" is kept in the "<a href=href>"mailbox"</a>"."</p></Callout> }.into_any()
        }
        (None, _) => view! { <Callout kind=CalloutKind::Remark><p>"The mail server has taken the mail to "{to}"."</p></Callout> }.into_any(),
    };
    view! { <div role="status">{told}</div> }
}
