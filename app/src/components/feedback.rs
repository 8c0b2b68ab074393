//! What a page has to say about itself: callouts, error summaries, and lists that are empty or filtered to empty.

use event_actions::model::{ApiError, FieldError};
use leptos::prelude::*;

use super::icon::{self, Glyph, Icon};

/// What a callout is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CalloutKind {
    /// Something to heed.
    #[default]
    Warning,
    /// Something waits.
    Waiting,
    /// Something to know.
    Remark,
    /// Something is wrong.
    Fault,
}

/// A state of the page, in a sentence.
#[component]
pub fn Callout(
    /// What it is about.
    #[prop(optional)]
    kind: CalloutKind,
    /// The sentence.
    children: Children,
) -> impl IntoView {
    let (class, of) = match kind {
        CalloutKind::Warning => ("callout", icon::TRIANGLE),
        CalloutKind::Waiting => ("callout callout-queue", icon::WAIT),
        CalloutKind::Remark => ("callout callout-run", icon::INFO),
        CalloutKind::Fault => ("callout callout-bad", icon::TRIANGLE),
    };
    view! { <div class=class><Icon of=of/><div>{children()}</div></div> }
}

/// The id of the control that a JSON Pointer names: `/conditions/2/value` is `f-conditions-2-value`.
#[must_use]
pub fn field_id(pointer: &str) -> String {
    let mut id = String::with_capacity(pointer.len() + 2);
    id.push('f');
    id.extend(pointer.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }));
    id
}

/// The message for one field, if it is at fault.
#[must_use]
pub fn error_at(errors: &[FieldError], pointer: &str) -> Option<String> {
    errors.iter().find(|e| e.pointer == pointer).map(|e| e.message.clone())
}

/// What keeps something from being saved: a sentence and a link to each field at fault. Takes the focus when the page is made.
#[component]
pub fn ErrorSummary(
    /// What went wrong.
    error: ApiError,
    /// The sentence above; made from the number of faults when absent.
    #[prop(optional, into)]
    title: Option<String>,
) -> impl IntoView {
    let title = title.unwrap_or_else(|| match error.errors.len() {
        0 => error.detail.clone(),
        1 => "One thing keeps this from being saved".to_owned(),
        n => format!("{n} things keep this from being saved"),
    });
    let links = error.errors.iter().map(|e| view! { <li><a href=format!("#{}", field_id(&e.pointer))>{e.message.clone()}</a></li> }).collect_view();
    let list = (!error.errors.is_empty()).then(|| view! { <ul>{links}</ul> });
    view! { <div class="summary-bad" role="alert" tabindex="-1" autofocus=true><h2><Icon of=icon::TRIANGLE/>{title}</h2>{list}</div> }
}

/// A list without items: invites to begin, or offers to clear the filters. `children` is the button.
#[component]
pub fn Empty(
    /// Its icon.
    icon: Glyph,
    /// What is not there, such as "No actions yet".
    #[prop(into)]
    title: String,
    /// What it would be, in a sentence.
    #[prop(into)]
    text: String,
    /// Where to go from here.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! { <div class="empty"><Icon of=icon/><h2>{title}</h2><p>{text}</p>{children.map(|c| c())}</div> }
}

/// A list whose filters hide everything.
#[component]
pub fn FilteredToEmpty(
    /// What is hidden and by what, in a sentence.
    #[prop(into)]
    text: String,
    /// The URL without filters.
    #[prop(into)]
    clear: String,
) -> impl IntoView {
    view! { <Empty icon=icon::FILTER title="Nothing matches these filters" text=text><a class="btn" href=clear>"Clear filters"</a></Empty> }
}

/// A bar of progress in parts of `total`.
#[component]
pub fn Meter(
    /// What it shows, in words.
    #[prop(into)]
    label: String,
    /// How many there are in all.
    total: i64,
    /// Each part: class (empty, `bad`, `skip`) and number.
    parts: Vec<(&'static str, i64)>,
) -> impl IntoView {
    let total = total.max(1) as f64;
    let parts = parts.into_iter().map(|(class, n)| view! { <i class=class style=format!("width:{:.1}%", n as f64 / total * 100.0)></i> }).collect_view();
    view! { <div class="meter" role="img" aria-label=label>{parts}</div> }
}

/// Stands where content will be.
#[component]
pub fn Skeleton(
    /// Its width, such as `60%`.
    #[prop(default = "100%")]
    width: &'static str,
) -> impl IntoView {
    view! { <span class="skel" style=format!("width:{width}")></span> }
}

#[cfg(test)]
mod tests {
    use super::field_id;

    #[test]
    fn pointers_become_ids() {
        assert_eq!(field_id("/conditions/2/value"), "f-conditions-2-value");
        assert_eq!(field_id(""), "f");
    }
}
