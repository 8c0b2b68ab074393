//! The draft in this browser's storage: kept after every change, found again when the page is opened anew.

use leptos::prelude::*;
use serde_json::{Value, json};

use super::{Desk, Draft, browser};
use crate::editing::form::Form;
use crate::editing::tree::Tree;

impl Desk {
    /// The name under which the draft is kept: one per tenant and action.
    fn name(self) -> String {
        self.seed.with_value(|s| format!("ea-draft:{}:{}", s.tenant, s.id.as_deref().unwrap_or("new")))
    }

    /// Keeps the draft while it differs from what is saved.
    pub(super) fn keep(self) {
        if !self.dirty.get_untracked() {
            browser::forget(&self.name());
            return self.kept_ms.set(None);
        }
        let now = browser::now_ms();
        let draft = self.draft();
        let text = json!({
            "at": now,
            "version": self.version.get_untracked(),
            "base": self.base.get_value(),
            "form": draft.form.doc(),
            "tree": draft.tree.to_value(),
        })
        .to_string();
        self.kept_ms.set(browser::keep(&self.name(), &text).then_some(now));
    }

    /// Puts a kept draft on the desk; gives when it was kept.
    pub fn find_kept(self) -> Option<f64> {
        let kept: Value = serde_json::from_str(&browser::kept(&self.name())?).ok()?;
        let tree = Tree::from_value(kept.get("tree")?, &|field| self.kind(field))?;
        let form = Form::new(kept.get("form")?.clone());
        self.version.set(kept.get("version")?.as_i64()?);
        self.base.set_value(kept.get("base")?.clone());
        self.put(Draft { form, tree });
        self.dirty.get_untracked().then(|| kept.get("at").and_then(Value::as_f64)).flatten()
    }

    /// Goes back to what is saved and forgets the draft. One step of undo brings it back.
    pub fn discard(self) {
        let (version, base) = self.seed.with_value(|s| (s.version, s.form.clone()));
        self.version.set(version);
        self.base.set_value(base);
        self.record("");
        self.put(self.saved.get_value());
        browser::forget(&self.name());
        self.say("Went back to the saved version.");
    }

    /// The draft is saved: nothing is left to keep or to ask for on leaving.
    pub fn done(self) {
        self.dirty.set(false);
        browser::forget(&self.name());
    }

    /// What the controls show, `conditions` included, for the comparison with somebody else's version.
    #[must_use]
    pub fn shown(self) -> Value {
        let draft = self.draft();
        let mut all = draft.form;
        let (items, _) = draft.tree.compile();
        all.set("/conditions", serde_json::to_string(&items).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default());
        all.doc().clone()
    }
}
