//! Saving: the draft goes to the server, and what comes back is said where it belongs.

use event_actions::model::{ApiError, ErrorKind};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::json;

use crate::editing::merge::{Comparison, compare};
use crate::islands::desk::browser::{focus_soon, go};
use crate::islands::desk::{Desk, draft_of};
use crate::server_fns::actions::{current_action, save_action};

/// Somebody saved another version while this draft was edited.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Their version.
    pub version: i64,
    /// Who saved it.
    pub author: String,
    /// What their controls show.
    pub form: serde_json::Value,
    /// What differs, and how each is decided.
    pub found: Comparison,
}

/// The state of saving.
#[derive(Clone, Copy)]
pub struct Saving {
    desk: Desk,
    /// Whether an answer is awaited.
    pub busy: RwSignal<bool>,
    /// Why the last save failed.
    pub error: RwSignal<Option<ApiError>>,
    /// Whose version stands in the way.
    pub conflict: RwSignal<Option<Conflict>>,
}

impl Saving {
    /// Nothing saved yet.
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        Self { desk, busy: RwSignal::new(false), error: RwSignal::new(None), conflict: RwSignal::new(None) }
    }

    /// Saves the draft, enabled or disabled when `enabled` says so, and goes to the action's page.
    pub fn save(self, enabled: Option<bool>) {
        if self.busy.get_untracked() {
            return;
        }
        if let Some(on) = enabled
            && on != self.desk.form.with_untracked(|f| f.flag("/is_enabled", true))
        {
            self.desk.change_form("", |f| f.set("/is_enabled", json!(on)));
        }
        let (action, faults) = self.desk.definition();
        if !faults.is_empty() {
            return self.refuse(ApiError::validation(faults));
        }
        let id = self.desk.id();
        let expected = id.is_some().then(|| self.desk.version.get_untracked());
        self.busy.set(true);
        spawn_local(async move {
            let answer = save_action(id.clone(), action, expected).await;
            self.busy.set(false);
            match (answer, id) {
                (Ok(saved), _) => {
                    self.error.set(None);
                    self.desk.done();
                    go(&format!("/actions/{}?saved={}", saved.id, saved.version));
                }
                (Err(refusal), Some(id)) if refusal.0.kind == ErrorKind::Conflict => self.compare(id, refusal.0).await,
                (Err(refusal), _) => self.refuse(refusal.0),
            }
        });
    }

    /// Saves once more what could not be saved.
    pub fn again(self) {
        self.save(None);
    }

    /// Shows what keeps the draft from being saved, as a summary and beside the fields.
    fn refuse(self, mut error: ApiError) {
        for fault in &mut error.errors {
            fault.pointer = anchor(&fault.pointer);
        }
        self.desk.errors.set(error.errors.clone());
        self.error.set(Some(error));
        focus_soon(".summary-bad".to_owned());
    }

    /// Fetches the other version and shows the difference field by field.
    async fn compare(self, id: String, refusal: ApiError) {
        match current_action(id).await {
            Ok(theirs) => {
                let base = self.desk.base.get_value();
                let found = compare(&base, &self.desk.shown(), &theirs.form);
                self.conflict.set(Some(Conflict { version: theirs.version, author: theirs.author, form: theirs.form, found }));
                self.error.set(None);
                focus_soon("#conflict".to_owned());
            }
            Err(_) => self.refuse(refusal),
        }
    }

    /// Takes the decided differences into the draft, which then is a change of their version.
    pub fn settle_conflict(self) {
        let Some(conflict) = self.conflict.get_untracked() else { return };
        let draft = draft_of(&conflict.found.merged());
        let keeps_conditions = conflict.found.differences.iter().all(|d| !d.is_condition || !d.take_theirs);
        self.desk.change_form("", |form| *form = draft.form);
        if !keeps_conditions {
            self.desk.change_tree("", |tree| {
                let (items, _) = draft.tree.compile();
                tree.replace(&items, &|field| self.desk.kind(field));
            });
        }
        self.desk.version.set(conflict.version);
        self.desk.base.set_value(conflict.form);
        self.conflict.set(None);
        self.desk.say("The differences are decided. Save when you are ready.");
    }
}

/// The control that a fault is shown at: lists and rows have one for all their items.
fn anchor(pointer: &str) -> String {
    let parts: Vec<&str> = pointer.split('/').collect();
    match parts.as_slice() {
        // A step has controls of its own.
        ["", "configuration", "steps", _, "params", _, ..] => parts[..6].join("/"),
        ["", "configuration", "steps", _, _, ..] => parts[..5].join("/"),
        ["", "configuration", _, ..] => parts[..3].join("/"),
        ["", "conditions", ..] if matches!(parts.last(), Some(&("field" | "operator" | "value"))) => pointer.to_owned(),
        ["", "conditions" | "context_filters" | "event_types" | "tags", ..] => parts[..2].join("/"),
        _ => pointer.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::anchor;

    #[test]
    fn faults_are_shown_at_a_control_that_exists() {
        for (pointer, control) in [
            ("/configuration/headers/x-a", "/configuration/headers"),
            ("/configuration", "/configuration"),
            ("/configuration/steps/1/params/headers/x-a", "/configuration/steps/1/params/headers"),
            ("/configuration/steps/1/name", "/configuration/steps/1/name"),
            ("/configuration/steps", "/configuration/steps"),
            ("/conditions/0/any/2/value", "/conditions/0/any/2/value"),
            ("/conditions/0", "/conditions"),
            ("/context_filters/region", "/context_filters"),
            ("/event_types/1", "/event_types"),
            ("/rate_limit/max", "/rate_limit/max"),
        ] {
            assert_eq!(anchor(pointer), control);
        }
    }
}
