//! Toasts: what was done, with a way back. Dialogs: for what leaves the house or cannot be undone.

use leptos::prelude::*;

/// The corner where toasts appear; read out politely.
#[component]
pub fn Toasts(
    /// The toasts.
    children: Children,
) -> impl IntoView {
    view! { <div class="toasts" role="status">{children()}</div> }
}

/// A toast. `children` is the way back: a form with a submit button, or a button of an island.
#[component]
pub fn Toast(
    /// What was done.
    #[prop(into)]
    text: String,
    /// What is left of the time to undo, such as "8 s".
    #[prop(optional, into)]
    left: MaybeProp<String>,
    /// The way back.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="toast">
            <span>{text}</span>
            {move || left.get().map(|left| view! { <span class="left">{left}</span> })}
            {children.map(|c| c())}
        </div>
    }
}

/// A dialog that any button with `popovertarget` set to its id opens, without JavaScript too.
#[component]
pub fn Dialog(
    /// Its id.
    #[prop(into)]
    id: String,
    /// The question.
    #[prop(into)]
    title: String,
    /// The buttons; the one that acts names what it acts on. A "Cancel" stands before them.
    foot: AnyView,
    /// What will happen.
    children: Children,
) -> impl IntoView {
    let heading = format!("{id}-h");
    let (here, named) = (id.clone(), heading.clone());
    view! {
        <div class="dialog" id=here popover="auto" role="dialog" aria-labelledby=named>
            <div class="d-head"><h2 id=heading>{title}</h2></div>
            <div class="d-body">{children()}</div>
            <div class="d-foot"><button type="button" class="btn" popovertarget=id popovertargetaction="hide">"Cancel"</button>{foot}</div>
        </div>
    }
}
