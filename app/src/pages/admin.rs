//! What the pages of administration share: what was done, what was refused, and the pieces of their lists.

use event_actions::engine::Caller;
use event_actions::model::page::{Page, PageRequest};
use leptos::prelude::*;

use super::flash::kept;
use crate::components::button::{Button, ButtonKind};
use crate::components::feedback::{Callout, CalloutKind, ErrorSummary, error_at};
use crate::components::fields::TextField;
use crate::components::format::plural;
use crate::components::icon::{self, Icon};
use crate::components::pagination::Pagination;
use crate::components::toast::Dialog;
use crate::forms_admin::Kept;
use crate::session::encode;
use crate::shell::query;

/// The sentences for the words that forms leave in the address.
const SENTENCES: &[(&str, &str)] = &[
    ("secret_created", "The secret is stored. Nobody can read it back."),
    ("secret_replaced", "The new value is in effect for the next rendering."),
    ("secret_deleted", "The secret is deleted. What names it fails to render from now on."),
    ("key_changed", "The key is changed. It counts from its next request."),
    ("key_revoked", "The key is revoked. Requests with it are refused from now on."),
    ("role_changed", "Changed. It counts from their next request."),
    ("user_removed", "The person is removed."),
    ("invitation_withdrawn", "The invitation is withdrawn; its link does not work any more."),
    ("tenant_created", "The tenant is made."),
    ("tenant_changed", "The settings are saved."),
    ("tenant_deleted", "The tenant is deleted with everything of it."),
    ("template_saved", "Saved. It is in effect for the next rendering."),
    ("template_deleted", "The template is deleted."),
    ("function_saved", "Saved. It is in effect for the next call."),
    ("function_deleted", "The function is deleted."),
    ("alert_acknowledged", "You look after the alert now."),
    ("alert_silenced", "The alert is silent. Should the trouble last, it fires again afterwards."),
    ("alert_resolved", "The alert has ended. Should the trouble last, a new one begins once the rule's window has passed."),
    ("rule_created", "The rule is made. It is looked at from now on."),
    ("rule_changed", "The rule is changed. It counts from now on."),
    ("rule_on", "The rule is on."),
    ("rule_off", "The rule is off. Its open alerts end."),
    ("rule_deleted", "The rule is deleted. Its open alerts end."),
    ("renamed", "Your name is changed."),
    ("password_changed", "Your password is changed. Every other session has ended."),
    ("session_ended", "The session has ended."),
    ("demo_loaded", "The demo is loaded. Choose the tenant demo to look around."),
    ("demo_removed", "The demo is removed with everything that belonged to it."),
    ("demo_failed", "You are the administrator, but the demo could not be loaded; the log says why. Try again below."),
    ("resumed", "Executions start again."),
    ("sessions_ended", "Every other session has ended."),
];

fn sentence(word: &str) -> Option<&'static str> {
    SENTENCES.iter().find(|(w, _)| *w == word).map(|(_, text)| *text)
}

/// What this page has to say first: what a form has done, or why it was refused.
#[must_use]
pub fn said() -> impl IntoView {
    let refused = kept::<Kept>().map(|kept| view! { <ErrorSummary error=kept.error/> });
    let done = sentence(&query("done")).map(|text| view! { <div role="status"><Callout kind=CalloutKind::Remark><p>{text}</p></Callout></div> });
    view! { {refused} {done} }
}

/// One form of the page, with what was typed when it was refused.
#[derive(Clone, Debug)]
pub struct Draft(Option<Kept>);

impl Draft {
    /// The form of this name.
    #[must_use]
    pub fn of(form: &str) -> Self {
        Self(kept::<Kept>().filter(|kept| kept.form == form))
    }

    /// What was typed, else `otherwise`.
    #[must_use]
    pub fn value(&self, name: &str, otherwise: &str) -> String {
        self.0.as_ref().map_or_else(|| otherwise.to_owned(), |kept| kept.value(name))
    }

    /// Whether a box was checked; `otherwise` when nothing was posted.
    #[must_use]
    pub fn checked(&self, name: &str, otherwise: bool) -> bool {
        self.0.as_ref().map_or(otherwise, |kept| !kept.value(name).is_empty())
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn error(&self, pointer: &str) -> Option<String> {
        self.0.as_ref().and_then(|kept| error_at(&kept.error.errors, pointer))
    }

    /// Whether somebody else has changed the thing since the form was shown.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.0.as_ref().is_some_and(|kept| kept.error.code == "version_conflict")
    }
}

/// The address of a list with its filters; empty ones are left out.
#[must_use]
pub fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let query: Vec<String> = pairs.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// The foot of a list: how many there are on this page, and the way to the others. `pairs` are the filters in force.
pub fn foot<T>(list: &Page<T>, (one, many): (&str, &str), path: &str, pairs: &[(&str, &str)]) -> impl IntoView + use<T> {
    let older = list.next_cursor.as_deref().map(|cursor| {
        let mut all = pairs.to_vec();
        all.push(("cursor", cursor));
        address(path, &all)
    });
    let first = (!query("cursor").is_empty()).then(|| address(path, pairs));
    view! { <Pagination text=plural(list.items.len() as i64, one, many) first=first older=older/> }
}

/// The field for a tenant, for those who reach beyond one and look at none.
pub fn tenant_field(caller: &Caller, draft: &Draft, hint: &'static str) -> Option<impl IntoView + use<>> {
    (caller.is_platform && caller.tenant_id.is_none())
        .then(|| view! { <TextField id="f-tenant_id" label="Tenant" name="tenant_id" value=draft.value("tenant_id", "") hint=hint error=draft.error("/tenant_id") mono=true class="s4"/> })
}

/// The caller's choice of a page of a list.
#[must_use]
pub fn page_asked() -> PageRequest {
    PageRequest { limit: None, cursor: Some(query("cursor")).filter(|c| !c.is_empty()) }
}

/// A button that asks once more before it posts what cannot be taken back.
#[component]
pub fn Confirmed(
    /// The id of the dialog, unique on the page.
    #[prop(into)]
    id: String,
    /// Where it posts to.
    #[prop(into)]
    action: String,
    /// The word on both buttons, such as `Delete`.
    verb: &'static str,
    /// What it is done to, read out with the word and asked about.
    #[prop(into)]
    what: String,
    /// What will happen.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    let title = format!("{verb} {what}?");
    let form = view! { <form method="post" action=action><Button submit=true kind=ButtonKind::DangerSolid>{verb}</Button></form> }.into_any();
    view! {
        <button type="button" class="btn btn-s btn-ghost" popovertarget=id.clone() aria-label=format!("{verb} {what}")><Icon of=icon::TRASH/>{verb}</button>
        <Dialog id=id title=title foot=form><p>{text}</p></Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_words_are_said() {
        assert!(sentence("key_revoked").is_some());
        assert_eq!(sentence("<b>"), None);
    }

    #[test]
    fn addresses_leave_out_what_is_empty() {
        assert_eq!(address("/audit", &[("actor", "user:a@b"), ("action", "")]), "/audit?actor=user%3Aa%40b");
        assert_eq!(address("/audit", &[("actor", "")]), "/audit");
    }

    #[test]
    fn a_form_that_was_not_posted_shows_what_is_there() {
        let draft = Draft(None);
        assert_eq!((draft.value("name", "x").as_str(), draft.checked("admin", true), draft.error("/name")), ("x", true, None));
        assert!(!draft.is_conflict());
    }
}
