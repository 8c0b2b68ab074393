//! The gallery: every plain piece in every state, in development builds. The samples live here alone.

use event_actions::model::execution::Status;
use event_actions::model::health::HealthStatus;
use leptos::prelude::*;

use super::PageTitle;
use super::not_found::NotFound;
use crate::components::button::{Button, ButtonKind, IconButton, SplitButton};
use crate::components::gate_row::{GateStripSmall, Stop};
use crate::components::health_badge::{HealthBadge, Wellbeing};
use crate::components::icon::{self, Icon};
use crate::components::page_head::{LiveMark, PageHead};
use crate::components::status_badge::{Badge, Pill, StatusBadge, Tone, Verdict, VerdictMark};

mod data;
mod feedback;
mod gates;
mod inputs;

/// The page; not found in release builds.
#[component]
pub fn Gallery() -> impl IntoView {
    if !cfg!(debug_assertions) {
        return view! { <NotFound/> }.into_any();
    }
    view! {
        <PageTitle text="Components"/>
        <PageHead title="Components" lede="Every piece in every state, as pages and islands use them."/>
        <section class="stack-8" aria-label="Both themes">
            <div class="cols cols-11">
                <div class="tone" data-theme="light"><p class="small muted">"Light"</p>{tones()}</div>
                <div class="tone" data-theme="dark"><p class="small muted">"Dark"</p>{tones()}</div>
            </div>
        </section>
        {gates::section()}
        {status()}
        {buttons()}
        {inputs::section()}
        {data::section()}
        {feedback::section()}
        {icons()}
    }
    .into_any()
}

/// A group of samples: a word and what it looks like.
fn group(id: &'static str, title: &'static str, samples: Vec<(&'static str, AnyView)>) -> impl IntoView {
    let samples = samples.into_iter().map(|(text, view)| view! { <div>{text}</div><div>{view}</div> }).collect_view();
    view! { <section class="panel" aria-labelledby=id><div class="panel-head"><h2 id=id>{title}</h2></div><div class="panel-flush"><div class="speci">{samples}</div></div></section> }
}

fn badges() -> impl IntoView {
    let badges = Status::ALL.into_iter().map(|status| view! { <StatusBadge status=status/> }).collect_view();
    view! { <div class="row row-wrap">{badges}<Badge tone=Tone::Queue icon=icon::WAIT text="Waiting"/><Badge tone=Tone::Ink icon=icon::CROSS text="Stopped"/></div> }
}

fn healths() -> impl IntoView {
    let all = [
        Wellbeing::Health(HealthStatus::Healthy),
        Wellbeing::Health(HealthStatus::Degraded),
        Wellbeing::Health(HealthStatus::Critical),
        Wellbeing::Health(HealthStatus::Unknown),
        Wellbeing::BreakerOpen,
        Wellbeing::Off,
    ];
    view! { <div class="row row-wrap">{all.map(|of| view! { <HealthBadge of=of/> }).into_iter().collect_view()}</div> }
}

fn tones() -> impl IntoView {
    let colours = ["bg", "surface", "sunken", "line", "ctl", "muted", "text", "accent", "ok", "warn", "bad", "queue", "idle", "dead"];
    let swatches = colours.map(|name| view! { <div><i style=format!("background:var(--{name})")></i>{name}</div> }).into_iter().collect_view();
    let strips = gates::STOPS.map(|(at, waits)| view! { <GateStripSmall of=Stop { at, waits }/> }).into_iter().collect_view();
    view! {
        {badges()}
        {healths()}
        <div class="row row-wrap">{strips}</div>
        <div class="row row-wrap">
            <Button kind=ButtonKind::Primary>"Save"</Button>
            <Button>"Test"</Button>
            <Button kind=ButtonKind::Ghost>"Discard"</Button>
            <Button kind=ButtonKind::Danger icon=icon::TRASH>"Delete"</Button>
            <Button disabled=true>"Off"</Button>
        </div>
        <div class="swatches">{swatches}</div>
    }
}

fn status() -> impl IntoView {
    let verdicts = [Verdict::Pass, Verdict::Fail, Verdict::Unsure, Verdict::Muted].map(|verdict| view! { <VerdictMark verdict=verdict/> }).into_iter().collect_view();
    group(
        "k-status",
        "Status and health",
        vec![
            ("Status badge: one thing", badges().into_any()),
            ("Health badge: over time", healths().into_any()),
            ("Verdict", view! { <div class="row row-wrap">{verdicts}</div> }.into_any()),
            ("Live", view! { <div class="row row-wrap"><LiveMark live=true text="Live, 2 s ago"/><LiveMark live=false text="Paused, 3 min ago"/></div> }.into_any()),
            (
                "Pills, keys, method",
                view! { <div class="row row-wrap"><Pill>"version 7"</Pill><Pill mono=true>"order.paid"</Pill><kbd>"Ctrl K"</kbd><span class="verb">"POST"</span></div> }.into_any(),
            ),
        ],
    )
}

fn buttons() -> impl IntoView {
    let kinds = view! {
        <div class="row row-wrap">
            <Button kind=ButtonKind::Primary>"Save"</Button>
            <Button>"Test"</Button>
            <Button kind=ButtonKind::Ghost>"Discard"</Button>
            <Button kind=ButtonKind::Danger icon=icon::TRASH>"Delete"</Button>
            <Button kind=ButtonKind::DangerSolid>"Delete for ever"</Button>
            <Button kind=ButtonKind::Primary disabled=true>"Save"</Button>
        </div>
    };
    let small = view! {
        <div class="row row-wrap">
            <Button small=true>"Silence"</Button>
            <Button kind=ButtonKind::Mend>"Use \"20\""</Button>
            <SplitButton>
                <Button kind=ButtonKind::Primary icon=icon::RETRY>"Replay"</Button>
                <Button kind=ButtonKind::Primary icon=icon::CHEVRON><span class="sr">"More ways to replay"</span></Button>
            </SplitButton>
        </div>
    };
    let icons = view! {
        <div class="row row-wrap">
            <IconButton icon=icon::COPY label="Copy"/>
            <IconButton icon=icon::TRASH label="Delete"/>
            <IconButton icon=icon::UP label="Up" small=true/>
            <IconButton icon=icon::DOWN label="Down" small=true disabled=true/>
        </div>
    };
    group("k-buttons", "Buttons", vec![("Kinds", kinds.into_any()), ("Small, mend, split", small.into_any()), ("Icon only, 28 and 24", icons.into_any())])
}

fn icons() -> impl IntoView {
    let all = icon::ALL.iter().map(|(name, glyph)| view! { <span class="row small"><Icon of=*glyph/>{*name}</span> }).collect_view();
    group("k-icons", "Icons", vec![("By name", view! { <div class="row row-wrap">{all}</div> }.into_any())])
}
