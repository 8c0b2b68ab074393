//! Backtests: the gates of an action, saved or a draft, over the latest stored events. Nothing is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{Caller, Engine, internal};
use crate::db::events;
use crate::matching::{Candidate, Gate, explain};
use crate::model::ApiError;
use crate::model::access::Scope;
use crate::model::action::NewAction;
use crate::model::event::Event;
use crate::model::testing::{BacktestReport, BacktestRequest, EventFilter, StoppedAt};

/// Events when nobody says how many.
const DEFAULT_EVENTS: u32 = 200;
/// Most events.
const MAX_EVENTS: u32 = 1_000;
/// Events held in memory at once; one may have a megabyte.
const PAGE: u32 = 50;
/// After this time the events looked at so far are the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is being counted.
struct Count<'a> {
    action: &'a NewAction,
    out: BacktestReport,
    stopped: BTreeMap<Gate, usize>,
}

impl Count<'_> {
    fn take(&mut self, event: &Event) {
        let report = explain(Candidate::from(self.action), event);
        let conditions = report.gates.iter().find(|g| g.gate == Gate::Conditions).map(|g| g.conditions.as_slice()).unwrap_or_default();
        for (passes, condition) in self.out.condition_passes.iter_mut().zip(conditions) {
            *passes += usize::from(condition.holds);
        }
        self.out.considered += 1;
        if report.matched {
            self.out.matched += 1;
            self.out.event_ids.push(event.id.clone());
        } else if let Some(gate) = report.stopped_at {
            *self.stopped.entry(gate).or_default() += 1;
        }
    }
}

impl Engine {
    /// Runs a saved action's gates against the latest stored events.
    ///
    /// # Errors
    /// 404, 422.
    pub async fn backtest(&self, caller: &Caller, id: &str, request: BacktestRequest) -> Result<BacktestReport, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let action = self.visible_action(caller, id)?;
        self.backtest_of(caller, &action.definition, &request).await
    }

    /// Runs a draft's gates against the latest stored events.
    ///
    /// # Errors
    /// 422.
    pub async fn backtest_draft(&self, caller: &Caller, mut draft: NewAction, request: BacktestRequest) -> Result<BacktestReport, ApiError> {
        caller.require(Scope::ActionsRead)?;
        draft.tenant_id = self.owner(caller, draft.tenant_id.take())?;
        self.backtest_of(caller, &draft, &request).await
    }

    async fn backtest_of(&self, caller: &Caller, definition: &NewAction, request: &BacktestRequest) -> Result<BacktestReport, ApiError> {
        caller.require(Scope::EventsRead)?;
        let limit = request.limit.unwrap_or(DEFAULT_EVENTS);
        if !(1..=MAX_EVENTS).contains(&limit) {
            return Err(ApiError::invalid("/limit", "out_of_range", format!("limit is {limit}; it must be 1 to {MAX_EVENTS}.")));
        }
        let tenant = definition.tenant_id.clone().or_else(|| caller.tenant_id.clone());
        // Whether the action would match says nothing of whether it is switched on now.
        let enabled = NewAction { is_enabled: true, ..definition.clone() };
        let out =
            BacktestReport { considered: 0, matched: 0, event_ids: Vec::new(), stopped: Vec::new(), condition_passes: vec![0; definition.conditions.len()], is_cut_short: false };
        let mut count = Count { action: &enabled, out, stopped: BTreeMap::new() };
        let (mut left, mut cursor, until) = (limit, None, Instant::now() + PATIENCE);
        while left > 0 {
            let page = events::list(self.db(), tenant.as_deref(), &EventFilter::default(), cursor.take(), left.min(PAGE)).await.map_err(internal)?;
            page.iter().for_each(|event| count.take(event));
            let Some(last) = page.last().filter(|_| page.len() == left.min(PAGE) as usize) else { break };
            cursor = Some((last.received_at.0, last.id.clone()));
            left -= left.min(PAGE);
            if left > 0 && Instant::now() >= until {
                count.out.is_cut_short = true;
                break;
            }
        }
        let stopped = count.stopped.into_iter().map(|(gate, count)| StoppedAt { gate, count }).collect();
        Ok(BacktestReport { stopped, ..count.out })
    }
}
