//! Status badges: what happened to one thing. Tint, icon and word.

use event_actions::model::execution::{Outcome, Status};
use leptos::prelude::*;

use super::icon::{self, Glyph, Icon};

/// What a colour means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Cancelled, off, muted.
    #[default]
    Idle,
    /// Passed, succeeded, healthy.
    Ok,
    /// Retrying, degraded, unsaved.
    Warn,
    /// Failed, critical, fault.
    Bad,
    /// Running, chosen.
    Run,
    /// Pending, waiting.
    Queue,
    /// A dead letter.
    Dead,
    /// Stopped by a rule: a decision, no fault.
    Ink,
}

impl Tone {
    const fn badge(self) -> &'static str {
        match self {
            Self::Idle => "badge",
            Self::Ok => "badge badge-ok",
            Self::Warn => "badge badge-warn",
            Self::Bad => "badge badge-bad",
            Self::Run => "badge badge-run",
            Self::Queue => "badge badge-queue",
            Self::Dead => "badge badge-dead",
            Self::Ink => "badge badge-ink",
        }
    }

    /// The class that colours text and knobs in this tone; empty for those without one.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad | Self::Dead => "bad",
            Self::Queue => "queue",
            Self::Idle | Self::Run | Self::Ink => "",
        }
    }
}

/// A badge of any tone.
#[component]
pub fn Badge(
    /// What its colour means.
    tone: Tone,
    /// Its icon.
    icon: Glyph,
    /// Its words.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <span class=tone.badge()><Icon of=icon size=12/>{text}</span> }
}

/// The tone, icon and word of a status.
#[must_use]
pub const fn look_of(status: Status) -> (Tone, Glyph, &'static str) {
    match status {
        Status::Pending => (Tone::Queue, icon::CLOCK, "Pending"),
        Status::Running => (Tone::Run, icon::PLAY, "Running"),
        Status::Retrying => (Tone::Warn, icon::RETRY, "Retrying"),
        Status::Succeeded => (Tone::Ok, icon::CHECK, "Succeeded"),
        Status::Failed => (Tone::Bad, icon::CROSS, "Failed"),
        Status::Cancelled => (Tone::Idle, icon::MINUS, "Cancelled"),
        Status::DeadLetter => (Tone::Dead, icon::DEAD_LETTER, "Dead letter"),
    }
}

/// Where an execution stands.
#[component]
pub fn StatusBadge(
    /// The status.
    status: Status,
) -> impl IntoView {
    let (tone, icon, text) = look_of(status);
    view! { <Badge tone=tone icon=icon text=text/> }
}

/// How an attempt ended; running when it has not.
#[component]
pub fn OutcomeBadge(
    /// The outcome.
    outcome: Option<Outcome>,
) -> impl IntoView {
    let (tone, icon, text) = match outcome {
        None => (Tone::Run, icon::PLAY, "Running"),
        Some(Outcome::Succeeded) => (Tone::Ok, icon::CHECK, "Succeeded"),
        Some(Outcome::Failed) => (Tone::Bad, icon::CROSS, "Failed"),
        Some(Outcome::Lost) => (Tone::Warn, icon::QUESTION, "Lost"),
        Some(Outcome::Suspended) => (Tone::Queue, icon::PAUSE, "Suspended"),
        Some(Outcome::Cancelled) => (Tone::Idle, icon::MINUS, "Cancelled"),
    };
    view! { <Badge tone=tone icon=icon text=text/> }
}

/// A small fact beside a title, such as `version 7`; `mono` for ids, types and paths.
#[component]
pub fn Pill(
    /// Whether it is set in monospace.
    #[prop(optional)]
    mono: bool,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! { <span class=if mono { "pill pill-mono" } else { "pill" }>{children()}</span> }
}

/// The verdict on one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// The sample does not say.
    Unsure,
    /// It is left out of this draft.
    Muted,
}

/// A verdict: icon and word.
#[component]
pub fn VerdictMark(
    /// Which.
    verdict: Verdict,
) -> impl IntoView {
    let (class, icon, text) = match verdict {
        Verdict::Pass => ("v v-pass", icon::CHECK, "Pass"),
        Verdict::Fail => ("v v-fail", icon::CROSS, "Fail"),
        Verdict::Unsure => ("v v-unsure", icon::QUESTION, "Cannot tell"),
        Verdict::Muted => ("v v-muted", icon::MUTE, "Muted"),
    };
    view! { <span class=class><Icon of=icon size=12/>{text}</span> }
}
