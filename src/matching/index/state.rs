//! What readers see: an immutable list of segments and the few latest actions beside them.

use std::ops::Range;
use std::sync::Arc;

use super::compile::Compiler;
use super::program::{Plan, Program};
use super::run::{Roots, Run, Scratch};
use super::segment::{Segment, is_on, order};
use crate::model::action::Action;
use crate::model::event::{Event, pattern_matches};

/// From so many latest actions on, they become a segment of their own.
const MOST_RECENT: usize = 12;
/// A segment is merged with those behind it unless it is more than so many times larger.
const STEP: usize = 10;

/// A state of the registry. A new one replaces it with every change; what they share is shared.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Counts up with every change. Actions marked gone with a greater number are still there for this state.
    pub(super) number: u64,
    /// The largest first, each much larger than the next once merging has caught up.
    pub(super) segments: Vec<Arc<Segment>>,
    /// The latest changes; looked at one by one.
    pub(super) recent: Vec<Arc<Recent>>,
}

/// One action alone, compiled.
#[derive(Debug)]
pub(super) struct Recent {
    action: Arc<Action>,
    program: Program,
    plan: Plan,
}

impl Recent {
    /// Compiles an action.
    pub(super) fn new(action: Arc<Action>) -> Self {
        let mut compiler = Compiler::new();
        let plan = if is_on(&action) { compiler.action(&action.definition) } else { Plan::IMPOSSIBLE };
        Self { program: compiler.finish(), plan, action }
    }

    fn matches(&self, roots: &Roots<'_>, event: &Event, scratch: &mut Scratch) -> bool {
        let action = &self.action.definition;
        self.plan != Plan::IMPOSSIBLE
            && action.tenant_id.as_ref().is_none_or(|t| *t == event.tenant_id)
            && action.event_types.iter().any(|p| pattern_matches(p, &event.event_type))
            && Run::new(&self.program, roots, scratch).plan(&self.plan)
    }
}

impl State {
    /// The actions that match, in the order in which they run.
    pub(super) fn matching(&self, event: &Event, scratch: &mut Scratch) -> Vec<Arc<Action>> {
        let roots = Roots::new(event);
        let mut out = Vec::new();
        let mut sources = 0;
        for segment in &self.segments {
            segment.find(&roots, scratch);
            if !scratch.hits.is_empty() {
                sources += 1;
                out.reserve(scratch.hits.len());
                for action in scratch.hits.iter().filter_map(|p| segment.action(*p, self.number)) {
                    out.push(Arc::clone(action));
                }
            }
        }
        for recent in self.recent.iter().filter(|r| r.matches(&roots, event, scratch)) {
            sources += 1;
            out.push(Arc::clone(&recent.action));
        }
        if sources > 1 {
            out.sort_by(|a, b| order(a, b));
        }
        out
    }

    /// Every action, in the order in which they run.
    pub(super) fn all(&self) -> Vec<Arc<Action>> {
        let mut out: Vec<_> = self.segments.iter().flat_map(|s| s.actions(self.number)).chain(self.recent.iter().map(|r| &r.action)).cloned().collect();
        out.sort_by(|a, b| order(a, b));
        out
    }

    /// Takes this very action out, wherever it is.
    pub(super) fn retire(&mut self, action: &Arc<Action>) {
        if let Some(at) = self.recent.iter().position(|r| Arc::ptr_eq(&r.action, action)) {
            self.recent.remove(at);
            return;
        }
        let _ = self.segments.iter().rev().any(|s| s.retire(action, self.number));
    }

    /// Adds an action; now and then makes a segment of the latest ones.
    pub(super) fn add(&mut self, recent: Arc<Recent>) {
        self.recent.push(recent);
        if self.recent.len() >= MOST_RECENT {
            self.segments.push(Arc::new(Segment::new(self.recent.drain(..).map(|r| Arc::clone(&r.action)).collect())));
        }
    }

    /// The segments at the end that should become one: from the first that is not much larger than all behind it, or mostly gone.
    pub(super) fn crowded(&self) -> Option<Range<usize>> {
        let end = self.segments.len();
        let mut behind = 0;
        let mut from = end;
        for (at, segment) in self.segments.iter().enumerate().rev() {
            let close = at + 1 < end && segment.live() <= behind * STEP;
            let worn = segment.live() * 2 < segment.len();
            if close || worn {
                from = at;
            }
            behind += segment.live();
        }
        (from < end).then_some(from..end)
    }
}
