//! The desk of the action editor: the draft and all that is known about it, in signals that its parts share.
//!
//! Parts never change the draft directly: [`Desk::change_form`] and [`Desk::change_tree`] remember the step for undo, keep the draft
//! and judge it anew 150 ms after the last change.

use std::sync::Arc;

use event_actions::matching::Gate;
use event_actions::model::FieldError;
use event_actions::model::action::NewAction;
use event_actions::model::event::Event;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::editing::catalog::Catalog;
use crate::editing::form::Form;
use crate::editing::handler_form::HandlerForm;
use crate::editing::history::History;
use crate::editing::read::read;
use crate::editing::tree::Tree;
use crate::editing::verdict::{Verdicts, judge};
use crate::server_fns::actions::Tried;

pub mod browser;
mod judging;
mod keeping;
pub mod parts;

pub use judging::MADE_UP;

/// What the server gives the editor to begin with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    /// The action; none for a new one.
    pub id: Option<String>,
    /// Its version; 0 for a new one.
    pub version: i64,
    /// What its controls show, `conditions` included.
    pub form: Value,
    /// Every handler type with its fields.
    pub handlers: Vec<HandlerForm>,
    /// The tenant whose events it is tested with.
    pub tenant: String,
    /// The event to test with first: the one asked for, else the latest that the action listens to.
    pub sample: Option<Event>,
    /// Whether that event was asked for, and stays when the draft listens to other types.
    pub is_pinned: bool,
    /// What the server found with it, so that the first page already says so.
    pub tried: Option<Tried>,
    /// The reader's zone, in minutes east of UTC.
    pub offset_minutes: i32,
}

/// The draft: what undo goes back to.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Everything but the conditions.
    pub form: Form,
    /// The conditions.
    pub tree: Tree,
}

/// The draft and all that is known about it.
#[derive(Clone, Copy)]
pub struct Desk {
    /// Everything but the conditions.
    pub form: RwSignal<Form>,
    /// The conditions.
    pub tree: RwSignal<Tree>,
    /// What the last save or test found wrong.
    pub errors: RwSignal<Vec<FieldError>>,
    /// Recent events of the types that the draft listens to, latest first.
    pub recent: RwSignal<Vec<Arc<Event>>>,
    /// The event tested with.
    pub sample: RwSignal<Option<Arc<Event>>>,
    /// The paths of those events.
    pub catalog: RwSignal<Catalog>,
    /// What the evaluator says, in this browser.
    pub verdicts: RwSignal<Verdicts>,
    /// What the server says: all eight gates and the exact output.
    pub tried: RwSignal<Option<Tried>>,
    /// Counts up when a test on the server is due.
    pub test_due: RwSignal<u32>,
    /// Whether there are steps back and forth.
    pub steps: RwSignal<(bool, bool)>,
    /// Whether the draft differs from what is saved.
    pub dirty: RwSignal<bool>,
    /// When the draft was last kept, in milliseconds of the browser's clock.
    pub kept_ms: RwSignal<Option<f64>>,
    /// The version that the draft began with.
    pub version: RwSignal<i64>,
    /// What screen readers are told.
    pub said: RwSignal<String>,
    pub(super) seed: StoredValue<Seed>,
    /// What the draft began with, for the comparison with what somebody else saves meanwhile.
    pub(super) base: StoredValue<Value>,
    saved: StoredValue<Draft>,
    history: StoredValue<History<Draft>>,
    timer: StoredValue<Option<TimeoutHandle>>,
    stash: StoredValue<Vec<(String, Value)>>,
    asked_for: StoredValue<Vec<String>>,
}

impl Desk {
    /// A desk with the seed on it.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let draft = draft_of(&seed.form);
        let sample = seed.sample.clone().map(Arc::new);
        let catalog = Catalog::of(&[], sample.as_deref());
        let (action, _) = read(&draft.form, draft.tree.compile().0, &seed.handlers);
        let verdicts = judge(&action, &draft.tree, sample.as_deref(), &[], &catalog);
        Self {
            form: RwSignal::new(draft.form.clone()),
            tree: RwSignal::new(draft.tree.clone()),
            errors: RwSignal::default(),
            recent: RwSignal::default(),
            catalog: RwSignal::new(catalog),
            sample: RwSignal::new(sample),
            verdicts: RwSignal::new(verdicts),
            tried: RwSignal::new(seed.tried.clone()),
            test_due: RwSignal::new(0),
            steps: RwSignal::default(),
            dirty: RwSignal::new(false),
            kept_ms: RwSignal::new(None),
            version: RwSignal::new(seed.version),
            said: RwSignal::default(),
            base: StoredValue::new(seed.form.clone()),
            seed: StoredValue::new(seed),
            saved: StoredValue::new(draft),
            history: StoredValue::new(History::default()),
            timer: StoredValue::new(None),
            stash: StoredValue::default(),
            asked_for: StoredValue::default(),
        }
    }

    /// The action's id; none for a new one.
    #[must_use]
    pub fn id(self) -> Option<String> {
        self.seed.with_value(|s| s.id.clone())
    }

    /// The fields of a handler type.
    #[must_use]
    pub fn handler(self, handler_type: &str) -> Option<HandlerForm> {
        self.seed.with_value(|s| HandlerForm::find(&s.handlers, handler_type).cloned())
    }

    /// The draft as it is now.
    #[must_use]
    pub fn draft(self) -> Draft {
        Draft { form: self.form.get_untracked(), tree: self.tree.get_untracked() }
    }

    /// The action that the draft means, and what is wrong with it.
    #[must_use]
    pub fn definition(self) -> (NewAction, Vec<FieldError>) {
        let (items, _) = self.tree.with_untracked(Tree::compile);
        self.seed.with_value(|seed| self.form.with_untracked(|form| read(form, items, &seed.handlers)))
    }

    /// Changes the form. Changes in a row with the same non-empty `key` are one step of undo.
    pub fn change_form(self, key: &str, change: impl FnOnce(&mut Form)) {
        self.record(key);
        self.form.update(change);
        self.settle();
    }

    /// Changes the conditions; gives what the change gives.
    pub fn change_tree<T: Default>(self, key: &str, change: impl FnOnce(&mut Tree) -> T) -> T {
        self.record(key);
        let out = self.tree.try_update(change).unwrap_or_default();
        self.settle();
        out
    }

    /// One step back or forth.
    pub fn step(self, forth: bool) {
        let now = self.draft();
        let step = self.history.try_update_value(|h| if forth { h.redo(now) } else { h.undo(now) });
        if let Some(Ok(draft)) = step {
            self.put(draft);
            self.say(if forth { "Redone." } else { "Undone." });
        }
    }

    /// Ends the running step of undo, as when a field is left.
    pub fn pause(self) {
        self.history.update_value(History::pause);
    }

    /// Puts another draft on the desk, without a step of undo.
    pub fn put(self, draft: Draft) {
        self.form.set(draft.form);
        self.tree.set(draft.tree);
        self.settle();
    }

    /// The text of a control.
    #[must_use]
    pub fn text(self, pointer: &str) -> Signal<String> {
        let pointer = pointer.to_owned();
        Signal::derive(move || self.form.with(|f| f.text(&pointer)))
    }

    /// Takes what is typed into a control.
    #[must_use]
    pub fn on_text(self, pointer: &str) -> Callback<String> {
        let pointer = pointer.to_owned();
        Callback::new(move |text: String| self.change_form(&pointer, |f| f.set(&pointer, Value::String(text))))
    }

    /// What is wrong with a control, or with anything in it.
    #[must_use]
    pub fn error(self, pointer: &str) -> Signal<Option<String>> {
        let pointer = pointer.to_owned();
        let inside = format!("{pointer}/");
        Signal::derive(move || self.errors.with(|all| all.iter().find(|e| e.pointer == pointer || e.pointer.starts_with(&inside)).map(|e| e.message.clone())))
    }

    /// What is wrong with a control itself, and with nothing in it.
    #[must_use]
    pub fn exact_error(self, pointer: &str) -> Signal<Option<String>> {
        let pointer = pointer.to_owned();
        Signal::derive(move || self.errors.with(|all| all.iter().find(|e| e.pointer == pointer).map(|e| e.message.clone())))
    }

    /// What a gate says of the sample: this browser for the first five, the server for the others.
    #[must_use]
    pub fn gate(self, gate: Gate) -> Option<event_actions::matching::GateOutcome> {
        if gate <= Gate::Conditions { self.verdicts.with(|v| v.gate(gate)) } else { self.tried.with(|t| t.as_ref()?.gates.get(gate as usize).copied()) }
    }

    /// Tells screen readers something.
    pub fn say(self, text: impl Into<String>) {
        self.said.set(text.into());
    }

    /// Switches to another handler type; what was typed for the old one waits.
    pub fn set_handler(self, handler_type: String) {
        let before = self.form.with_untracked(|f| (f.text("/handler_type"), f.get("/configuration").cloned().unwrap_or_default()));
        if before.0 == handler_type {
            return;
        }
        let waiting = self.stash.try_update_value(|stash| {
            stash.retain(|(name, _)| *name != before.0);
            stash.push(before);
            stash.iter().find(|(name, _)| *name == handler_type).map(|(_, shown)| shown.clone())
        });
        let shown = waiting.flatten().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        self.change_form("", |f| {
            f.set("/handler_type", Value::String(handler_type));
            f.set("/configuration", shown);
        });
    }

    fn record(self, key: &str) {
        let draft = || self.draft();
        self.history.update_value(|h| h.record(draft, key));
    }

    /// What follows every change.
    fn settle(self) {
        self.steps.set(self.history.with_value(History::open));
        self.dirty.set(self.saved.with_value(|saved| self.form.with_untracked(|f| *f != saved.form) || self.tree.with_untracked(|t| t.compile().0 != saved.tree.compile().0)));
        self.judge_soon();
    }
}

/// The draft of what the controls show.
#[must_use]
pub fn draft_of(shown: &Value) -> Draft {
    let mut form = Form::new(shown.clone());
    let conditions = form.get("/conditions").map(ToString::to_string).unwrap_or_default();
    form.set("/conditions", Value::Null);
    let items = crate::editing::json_text::parse_conditions(&conditions).unwrap_or_default();
    Draft { form, tree: Tree::of(&items, &|_| None) }
}
