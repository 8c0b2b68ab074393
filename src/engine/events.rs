//! Reading stored events, replaying them, and saying why each action did or did not run.

use std::collections::HashMap;

use super::dispatcher::Start;
use super::{Caller, Engine, cursor, internal};
use crate::db::actions::VersionRow;
use crate::db::{actions, events, executions};
use crate::matching::{Candidate, Gate, GateOutcome, MatchReport, explain};
use crate::model::ApiError;
use crate::model::access::Scope;
use crate::model::event::Event;
use crate::model::execution::{ErrorClass, Execution, Receipt, Status};
use crate::model::page::{Page, PageRequest};
use crate::model::testing::{Considered, EventFilter};

impl Engine {
    /// Stored events, latest first.
    ///
    /// # Errors
    /// 422 for a bad filter.
    pub async fn list_events(&self, caller: &Caller, filter: EventFilter, page: PageRequest) -> Result<Page<Event>, ApiError> {
        caller.require(Scope::EventsRead)?;
        let limit = page.checked_limit()?;
        let after: Option<(i64, String)> = cursor::decode(&page)?;
        if let Some(pattern) = &filter.event_type
            && let Some(why) = crate::model::event::pattern_fault(pattern)
        {
            return Err(ApiError::invalid("/event_type", "bad_pattern", why));
        }
        let tenant = caller.reads(filter.tenant_id.as_deref())?;
        let items = events::list(self.db(), tenant.as_deref(), &filter, after, limit + 1).await.map_err(internal)?;
        Ok(cursor::page(items, limit, |e| (e.received_at.0, e.id.clone())))
    }

    /// One stored event. A platform caller may name the tenant, since ids are unique per tenant.
    ///
    /// # Errors
    /// 404.
    pub async fn get_event(&self, caller: &Caller, id: &str, tenant: Option<&str>) -> Result<Event, ApiError> {
        caller.require(Scope::EventsRead)?;
        let tenant = caller.reads(tenant)?;
        events::get(self.db(), tenant.as_deref(), id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("event", id))
    }

    /// Sends a stored event through the actions of today again, as a new event that names the old one. Sync acts as async.
    ///
    /// # Errors
    /// 404, 503.
    pub async fn replay_event(&self, caller: &Caller, id: &str) -> Result<Receipt, ApiError> {
        caller.require(Scope::ExecutionsWrite)?;
        let old = self.get_event(caller, id, None).await?;
        let now = crate::model::Timestamp::now();
        let event = Event { id: uuid::Uuid::now_v7().to_string(), causation_id: Some(old.id.clone()), received_at: now, ..old };
        let hash = format!("replay:{}", event.id);
        let receipt = self.store(self.plan(event, hash, None, Start::Here), false).await?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        let after = serde_json::json!({"event_id": receipt.event_id, "matched": receipt.matched});
        self.audit(&mut tx, caller, "event.replay", ("event", id), caller.tenant_id.as_deref(), None, Some(after)).await?;
        tx.commit().await.map_err(internal)?;
        Ok(receipt)
    }

    /// Every action considered for a stored event and the gate that stopped it, recomputed from the action versions in force
    /// when it came. Those that ran come first, then those that went furthest.
    ///
    /// # Errors
    /// 404.
    pub async fn trace_event(&self, caller: &Caller, id: &str, page: PageRequest) -> Result<Page<Considered>, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let limit = page.checked_limit()?;
        let skip: usize = cursor::decode(&page)?.unwrap_or(0);
        let event = self.get_event(caller, id, None).await?;
        let ran = executions::of_event(self.db(), &event.tenant_id, &event.id).await.map_err(internal)?;
        let mut by_action: HashMap<&str, &Execution> = HashMap::new();
        for x in &ran {
            by_action.entry(&x.action_id).or_insert(x);
        }
        let versions = actions::versions_at(self.db(), event.received_at).await.map_err(internal)?;
        let visible = |v: &VersionRow| match &v.definition.tenant_id {
            Some(tenant) => caller.sees(tenant) && (*tenant == event.tenant_id || caller.tenant_id.is_none()),
            None => true,
        };
        let mut all: Vec<Considered> = versions.iter().filter(|v| !v.deleted && visible(v)).map(|v| considered(v, &event, by_action.get(v.action_id.as_str()).copied())).collect();
        all.sort_by_key(|c| (c.execution_id.is_none(), c.report.stopped_at.map_or(0, |g| 10 - g as i32), c.priority, c.action_id.clone()));
        let total = all.len();
        let items: Vec<Considered> = all.into_iter().skip(skip).take(limit as usize).collect();
        let next = skip + items.len();
        Ok(Page { next_cursor: (next < total).then(|| cursor::encode(&next)), items, total: Some(total as u64) })
    }
}

fn considered(version: &VersionRow, event: &Event, ran: Option<&Execution>) -> Considered {
    let mut report = explain(Candidate { definition: &version.definition, deleted: version.deleted }, event);
    if let Some(x) = ran {
        fill_from(&mut report, x);
    }
    Considered {
        action_id: version.action_id.clone(),
        action_name: version.definition.name.clone(),
        action_version: version.version,
        priority: version.definition.priority,
        report,
        execution_id: ran.map(|x| x.id.clone()),
        execution_status: ran.map(|x| x.status),
    }
}

/// Gates 6 to 8 as the execution went through them.
pub(super) fn fill_from(report: &mut MatchReport, x: &Execution) {
    let began = x.attempt_count > 0;
    let class = x.error.as_ref().map(|e| e.class);
    let message = || x.error.as_ref().map_or_else(String::new, |e| e.message.clone());
    if !began && !x.status.is_terminal() {
        report.fill(Gate::RateLimit, GateOutcome::Waits, "It waits for its turn.");
        return;
    }
    report.fill(Gate::RateLimit, GateOutcome::Passed, "It was let through.");
    match class {
        Some(ErrorClass::NoHandler) => report.fill(Gate::HandlerAvailable, GateOutcome::Stopped, message()),
        Some(ErrorClass::Render | ErrorClass::Configuration) => {
            report.fill(Gate::HandlerAvailable, GateOutcome::Passed, "The handler was there.");
            report.fill(Gate::Rendering, GateOutcome::Stopped, message());
        }
        _ => {
            report.fill(Gate::HandlerAvailable, GateOutcome::Passed, "The handler was there.");
            report.fill(Gate::Rendering, GateOutcome::Passed, "It was rendered.");
        }
    }
    if report.stopped_at.is_none() {
        report.reason = match x.status {
            Status::Succeeded => "It ran and succeeded.".to_owned(),
            Status::Failed | Status::DeadLetter => format!("It ran and failed: {}", message()),
            status => format!("It is {}.", status.name().replace('_', " ")),
        };
    }
}
