//! Buttons and links that look like them. Event handlers and further attributes are given as `on:click=...` and `attr:name=...`.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// What a button is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// An ordinary one.
    #[default]
    Plain,
    /// The one thing this view is for; at most one in a view.
    Primary,
    /// Less than ordinary.
    Ghost,
    /// Takes something away.
    Danger,
    /// Takes something away for ever.
    DangerSolid,
    /// One click puts a fault right.
    Mend,
}

impl ButtonKind {
    const fn class(self, small: bool) -> &'static str {
        match (self, small) {
            (Self::Plain, false) => "btn",
            (Self::Plain, true) => "btn btn-s",
            (Self::Primary, false) => "btn btn-primary",
            (Self::Primary, true) => "btn btn-primary btn-s",
            (Self::Ghost, false) => "btn btn-ghost",
            (Self::Ghost, true) => "btn btn-ghost btn-s",
            (Self::Danger, false) => "btn btn-danger",
            (Self::Danger, true) => "btn btn-danger btn-s",
            (Self::DangerSolid, false) => "btn btn-danger-solid",
            (Self::DangerSolid, true) => "btn btn-danger-solid btn-s",
            (Self::Mend, _) => "btn btn-mend",
        }
    }
}

/// A button. Inside a form it submits only when `submit` is set.
#[component]
pub fn Button(
    /// What it is for.
    #[prop(optional)]
    kind: ButtonKind,
    /// 26 instead of 32 pixels high.
    #[prop(optional)]
    small: bool,
    /// An icon before the word.
    #[prop(optional)]
    icon: Option<Glyph>,
    /// Whether it submits the form around it.
    #[prop(optional)]
    submit: bool,
    /// Whether it can be used now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <button type=if submit { "submit" } else { "button" } class=kind.class(small) disabled=move || disabled.get()>
            {icon.map(|of| view! { <Icon of=of/> })}
            {children()}
        </button>
    }
}

/// A link that looks like a button.
#[component]
pub fn ButtonLink(
    /// Where it leads.
    #[prop(into)]
    href: String,
    /// What it is for.
    #[prop(optional)]
    kind: ButtonKind,
    /// 26 instead of 32 pixels high.
    #[prop(optional)]
    small: bool,
    /// An icon before the word.
    #[prop(optional)]
    icon: Option<Glyph>,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <a class=kind.class(small) href=href>
            {icon.map(|of| view! { <Icon of=of/> })}
            {children()}
        </a>
    }
}

/// A button that shows an icon alone; its name is read out and shown on hover.
#[component]
pub fn IconButton(
    /// The icon.
    icon: Glyph,
    /// Its name, such as "Move condition 2 up".
    #[prop(into)]
    label: String,
    /// 24 instead of 28 pixels.
    #[prop(optional)]
    small: bool,
    /// Whether it submits the form around it.
    #[prop(optional)]
    submit: bool,
    /// Whether it can be used now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <button
            type=if submit { "submit" } else { "button" }
            class=if small { "ibtn ibtn-24" } else { "ibtn" }
            aria-label=label.clone()
            title=label
            disabled=move || disabled.get()
        >
            <Icon of=icon/>
        </button>
    }
}

/// Two buttons that look like one: the usual way, and a small one that opens the others.
#[component]
pub fn SplitButton(
    /// The two buttons.
    children: Children,
) -> impl IntoView {
    view! { <span class="btn-split">{children()}</span> }
}
