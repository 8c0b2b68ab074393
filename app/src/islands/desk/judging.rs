//! Judging the draft: verdicts by the evaluator in this browser, recent events to judge with, and when to ask the server.

use std::sync::Arc;
use std::time::Duration;

use event_actions::model::event::{Event, pattern_fault};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Desk;
use crate::editing::catalog::Catalog;
use crate::editing::values::Kind;
use crate::editing::verdict::judge;
use crate::server_fns::actions::recent_events;

/// The id of an event that was written here and never stored.
pub const MADE_UP: &str = "made-up";
/// How long after the last change the draft is judged.
const PATIENCE: Duration = Duration::from_millis(150);

impl Desk {
    /// Judges the draft once nothing has changed for a moment.
    pub(super) fn judge_soon(self) {
        if let Some(Some(timer)) = self.timer.try_update_value(Option::take) {
            timer.clear();
        }
        let timer = set_timeout_with_handle(move || self.judge(), PATIENCE).ok();
        self.timer.set_value(timer);
    }

    /// Judges the draft, keeps it, and asks for what is missing.
    pub fn judge(self) {
        let (action, _) = self.definition();
        self.look_for_events(&action.event_types);
        let verdicts = self.tree.with_untracked(|tree| {
            let sample = self.sample.get_untracked();
            self.recent.with_untracked(|recent| self.catalog.with_untracked(|catalog| judge(&action, tree, sample.as_deref(), recent, catalog)))
        });
        self.verdicts.set(verdicts);
        self.keep();
        self.test_due.update(|n| *n += 1);
    }

    /// Tests with another event.
    pub fn set_sample(self, sample: Option<Arc<Event>>) {
        self.sample.set(sample);
        self.survey();
        self.judge();
    }

    /// The type of a field, where it is known.
    #[must_use]
    pub fn kind(self, field: &str) -> Option<Kind> {
        self.catalog.with_untracked(|c| c.kind(field))
    }

    fn survey(self) {
        let catalog = self.recent.with_untracked(|recent| Catalog::of(recent, self.sample.get_untracked().as_deref()));
        self.catalog.set(catalog);
    }

    /// Fetches recent events when the draft listens to other types than before.
    fn look_for_events(self, event_types: &[String]) {
        let mut wanted: Vec<String> = event_types.iter().filter(|p| pattern_fault(p).is_none()).cloned().collect();
        if wanted.is_empty() {
            wanted.push("*".to_owned());
        }
        if self.asked_for.with_value(|asked| *asked == wanted) {
            return;
        }
        self.asked_for.set_value(wanted.clone());
        spawn_local(async move {
            let found = recent_events(wanted.clone()).await;
            let late = self.asked_for.with_value(|asked| *asked != wanted);
            match found {
                _ if late => {}
                Ok(events) => self.take_events(events.into_iter().map(Arc::new).collect()),
                // Without events there are no verdicts; the panel says so. The next change asks again.
                Err(_) => self.asked_for.set_value(Vec::new()),
            }
        });
    }

    fn take_events(self, events: Vec<Arc<Event>>) {
        let begun_with = self.seed.with_value(|s| s.sample.as_ref().filter(|_| s.is_pinned).map(|e| e.id.clone()));
        let stays = |s: &Event| s.id == MADE_UP || Some(&s.id) == begun_with.as_ref() || events.iter().any(|e| e.id == s.id);
        if !self.sample.with_untracked(|s| s.as_deref().is_some_and(stays)) {
            self.sample.set(events.first().cloned());
        }
        self.recent.set(events);
        self.survey();
        self.retype();
        self.judge();
    }

    /// Shows each value as its field's type asks for, now that types are known.
    fn retype(self) {
        use crate::editing::tree::{Node, Part};
        fn visit(nodes: &mut [Node], catalog: &Catalog) {
            for node in nodes {
                match &mut node.part {
                    Part::Row(row) if row.value.is_some() => row.retype(catalog.kind(&row.field)),
                    Part::Row(_) => {}
                    Part::Group(_, inner) => visit(inner, catalog),
                }
            }
        }
        self.catalog.with_untracked(|catalog| self.tree.update(|tree| visit(&mut tree.nodes, catalog)));
    }
}
