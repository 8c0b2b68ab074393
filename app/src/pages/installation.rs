//! The installation as a whole, for those who administer it: the demo data.

use event_actions::engine::{Caller, Engine};
use event_actions::model::access::Scope;
use leptos::prelude::*;

use crate::components::button::Button;
use crate::components::page_head::Panel;

/// The panel; nothing for anybody but an administrator of the platform.
pub fn demo_panel(engine: &Engine, caller: &Caller) -> Option<impl IntoView + use<>> {
    if !(caller.is_platform && caller.may(Scope::Admin)) {
        return None;
    }
    let body = match engine.demo() {
        Some(_) => view! {
            <p>"The tenant "<code>"demo"</code>" holds six actions, a made-up day behind them, and one event every 20 seconds."</p>
            <form method="post" action="/settings/demo/remove" class="row"><Button submit=true>"Remove demo data"</Button></form>
        }
        .into_any(),
        None => view! {
            <p>"A tenant of its own with six actions and a made-up day behind them, to look around in. Nothing of it leaves this service, and it goes again in one click."</p>
            <form method="post" action="/settings/demo" class="row"><Button submit=true>"Load demo data"</Button></form>
        }
        .into_any(),
    };
    Some(view! { <Panel id="demo-h" title="Demo data"><div class="stack">{body}</div></Panel> })
}
