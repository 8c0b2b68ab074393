//! "Send for real": a separate button, and a dialog whose button names the destination.

use event_actions::model::testing::TestRequest;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::request;
use crate::components::button::{Button, ButtonKind};
use crate::components::icon;
use crate::components::toast::Dialog;
use crate::islands::desk::Desk;
use crate::islands::desk::browser::close_popover;
use crate::server_fns::actions::send_for_real;

const DIALOG: &str = "send-for-real";

/// The foot of the panel, and the dialog that its button opens.
#[component]
pub fn SendForReal(
    /// The desk.
    desk: Desk,
) -> impl IntoView {
    let answer = RwSignal::new(None::<Result<String, String>>);
    let busy = RwSignal::new(false);
    let destination = Signal::derive(move || desk.tried.with(|t| t.as_ref().and_then(|t| t.destination.clone())));
    // What is sent is the saved version: a draft leaves nothing but drafts.
    let why_not = Signal::derive(move || {
        if desk.id().is_none() || desk.dirty.get() {
            Some("Save first to send for real.")
        } else if destination.with(Option::is_none) {
            Some("It cannot be rendered yet.")
        } else {
            None
        }
    });
    let send = Callback::new(move |()| {
        let Some((id, request)) = desk.id().zip(request(desk)) else { return };
        close_popover(DIALOG);
        busy.set(true);
        spawn_local(async move {
            let sent = send_for_real(id, TestRequest { dry_run: false, ..request }).await;
            busy.set(false);
            answer.set(Some(sent.map(|tried| tried.execution_id.unwrap_or_default()).map_err(|refusal| refusal.0.to_string())));
        });
    });
    let name = move || format!("Send to {}", destination.get().map_or_else(String::new, |d| host(&d)));
    let foot = view! { <Button kind=ButtonKind::Primary icon=icon::SEND on:click=move |_| send.run(())>{name}</Button> }.into_any();
    view! {
        <div class="panel-foot">
            <div class="row">
                <span>{move || why_not.get().unwrap_or("Nothing is sent by a test.")}</span>
                <button type="button" class="btn btn-s push" popovertarget=DIALOG disabled=move || why_not.get().is_some() || busy.get()>"Send for real…"</button>
            </div>
            <div role="status">{move || answer.get().map(result)}</div>
        </div>
        <Dialog id=DIALOG title="Send for real?" foot=foot>
            <p>"One execution is made of this event and recorded as sent by hand. It goes to:"</p>
            <p class="brk"><code>{move || destination.get()}</code></p>
        </Dialog>
    }
}

fn result(answer: Result<String, String>) -> AnyView {
    match answer {
        Ok(id) => view! { <p class="small">"Sent. "<a href=format!("/executions/{id}")>"See how it went"</a></p> }.into_any(),
        Err(why) => view! { <p class="small bad">{why}</p> }.into_any(),
    }
}

/// The host of a destination such as `POST https://api.example.com/hook`; the whole when it has none.
fn host(destination: &str) -> String {
    let rest = destination.split_once("://").map(|(_, rest)| rest);
    rest.map_or(destination, |rest| rest.split(['/', '?', ' ']).next().unwrap_or(rest)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_button_names_the_destination() {
        assert_eq!(host("POST https://wms.example:8443/v2?x=1"), "wms.example:8443");
        assert_eq!(host("ida@example.com"), "ida@example.com");
    }
}
