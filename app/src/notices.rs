//! What holds for the installation, or for everything that is looked at, said on every page: that work is paused, that data is a demo's.

use event_actions::engine::{Caller, Engine};
use event_actions::model::access::Scope;
use leptos::prelude::*;

use crate::components::button::Button;
use crate::components::feedback::{Callout, CalloutKind};

/// The notices, if there are any. Buttons are for those who may press them.
#[component]
pub fn Notices() -> impl IntoView {
    let (Some(engine), Some(caller)) = (use_context::<Engine>(), use_context::<Caller>()) else { return ().into_any() };
    view! { {paused(&engine, &caller)} {demo(&engine, &caller)} }.into_any()
}

fn administers(caller: &Caller) -> bool {
    caller.is_platform && caller.may(Scope::Admin)
}

fn paused(engine: &Engine, caller: &Caller) -> Option<impl IntoView + use<>> {
    let pause = engine.pause()?;
    let resume = administers(caller).then(|| view! { <form method="post" action="/settings/resume"><Button submit=true small=true>"Start executions again"</Button></form> });
    let reason = pause.reason.clone();
    Some(view! {
        <section aria-label="Paused">
            <Callout><div class="row"><p><strong>"Paused. "</strong>{reason}" Events are taken, but no execution starts."</p>{resume}</div></Callout>
        </section>
    })
}

fn demo(engine: &Engine, caller: &Caller) -> Option<impl IntoView + use<>> {
    let demo = engine.demo()?;
    let text = match &caller.tenant_id {
        Some(tenant) if *tenant == demo.tenant_id => "Users, orders and the past day are made up, and nothing leaves this service.",
        None if caller.is_platform => "The tenant demo is part of all tenants; its users, orders and past day are made up.",
        _ => return None,
    };
    let remove = administers(caller).then(|| view! { <form method="post" action="/settings/demo/remove"><Button submit=true small=true>"Remove demo data"</Button></form> });
    Some(view! {
        <section aria-label="About this data">
            <Callout kind=CalloutKind::Remark><div class="row"><p><strong>"Demo data. "</strong>{text}</p>{remove}</div></Callout>
        </section>
    })
}
