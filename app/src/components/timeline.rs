//! The timeline: attempts in order with the waits between them. Lineage: what caused a thing and what it caused.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::status_badge::Tone;

/// The list around [`TimelineItem`]s and [`TimelineWait`]s.
#[component]
pub fn Timeline(
    /// The items.
    children: Children,
) -> impl IntoView {
    view! { <ol class="timeline">{children()}</ol> }
}

/// One thing that happened or is due.
#[component]
pub fn TimelineItem(
    /// What its colour means.
    #[prop(optional)]
    tone: Tone,
    /// Its icon.
    icon: Glyph,
    /// Its name, such as "Attempt 2".
    #[prop(into)]
    name: String,
    /// Where it is shown in full.
    #[prop(optional_no_strip)]
    href: Option<String>,
    /// What came of it, beside the name.
    #[prop(optional, into)]
    outcome: String,
    /// A figure at the right, such as its duration.
    #[prop(optional, into)]
    figure: String,
    /// Whether it is the one shown in full now.
    #[prop(optional)]
    current: bool,
    /// A line or more beneath.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let name = match href {
        Some(href) => view! { <a class="tl-name" href=href aria-current=current.then_some("true")>{name}</a> }.into_any(),
        None => view! { <strong>{name}</strong> }.into_any(),
    };
    view! {
        <li class=current.then_some("is-on")>
            <div class="rail"><span class=format!("knob {}", tone.text())><Icon of=icon size=14/></span></div>
            <div>
                <div class="tl-head"><span>{name}" "<span>{outcome}</span></span><span class="push muted small nowrap">{figure}</span></div>
                {children.map(|c| view! { <div class="tl-body">{c()}</div> })}
            </div>
        </li>
    }
}

/// A wait between two attempts.
#[component]
pub fn TimelineWait(
    /// How long, such as "Waited 9.4 s".
    #[prop(into)]
    text: String,
    /// Why so long, such as "10 s − 6 % jitter".
    #[prop(optional, into)]
    why: String,
) -> impl IntoView {
    view! { <li class="is-wait"><div class="rail"></div><div class="wait">{text}" "<span class="why">{why}</span></div></li> }
}

/// The list around [`LineageItem`]s.
#[component]
pub fn Lineage(
    /// The items, causes before effects.
    children: Children,
) -> impl IntoView {
    view! { <ol class="lineage">{children()}</ol> }
}

/// One cause or effect.
#[component]
pub fn LineageItem(
    /// How many steps it is from the first cause.
    depth: u32,
    /// Its icon.
    icon: Glyph,
    /// Whether it is the thing this page is about.
    #[prop(optional)]
    here: bool,
    /// Its name, status and remarks.
    children: Children,
) -> impl IntoView {
    view! { <li class=here.then_some("is-here") style=format!("--d:{depth}")><Icon of=icon/>{children()}</li> }
}
