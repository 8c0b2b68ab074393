//! Reading stored events, replaying them, and saying why each action did or did not run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::dispatcher::Start;
use super::{Caller, Engine, cursor, internal};
use crate::db::actions::VersionRow;
use crate::db::{actions, events, executions};
use crate::matching::{Gate, GateOutcome, MatchReport, explain};
use crate::model::access::Scope;
use crate::model::action::{Action, NewAction, Priority};
use crate::model::event::{Event, pattern_matches};
use crate::model::execution::{ErrorClass, Execution, Receipt, Status};
use crate::model::page::{Page, PageRequest};
use crate::model::testing::{Considered, EventFilter};
use crate::model::{ApiError, Timestamp};

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
        let now = Timestamp::now();
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
        let versions = self.versions_in_force(event.received_at).await.map_err(internal)?;
        let visible = |v: &InForce| match &v.definition().tenant_id {
            Some(tenant) => caller.sees(tenant) && (*tenant == event.tenant_id || caller.tenant_id.is_none()),
            None => true,
        };
        let mut all: Vec<(bool, i32, Priority, &InForce)> = Vec::new();
        for v in versions.iter().filter(|v| visible(v)) {
            let ran = by_action.get(v.id()).copied();
            all.push((ran.is_none(), stopped_at(v, &event, ran).map_or(0, |g| 10 - g as i32), v.definition().priority, v));
        }
        all.sort_by(|a, b| (a.0, a.1, a.2, a.3.id()).cmp(&(b.0, b.1, b.2, b.3.id())));
        let total = all.len();
        let shown = all.into_iter().skip(skip).take(limit as usize);
        let items: Vec<Considered> = shown.map(|(_, _, _, v)| considered(v, &event, by_action.get(v.id()).copied())).collect();
        let next = skip + items.len();
        Ok(Page { next_cursor: (next < total).then(|| cursor::encode(&next)), items, total: Some(total as u64) })
    }

    /// What events led to when they came: how many executions by status, replays left out. Events of tenants that the caller does
    /// not see lead to nothing.
    ///
    /// # Errors
    /// 403, 503.
    pub async fn led_to(&self, caller: &Caller, events: &[Event]) -> Result<LedTo, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        let keys: Vec<(&str, &str)> = events.iter().filter(|e| caller.sees(&e.tenant_id)).map(|e| (e.tenant_id.as_str(), e.id.as_str())).collect();
        let mut found = LedTo::new();
        for (tenant, event, status, count) in executions::led_to(self.db(), &keys).await.map_err(internal)? {
            let Some(status) = Status::parse(&status) else { continue };
            found.entry((tenant, event)).or_default().insert(status, u64::try_from(count).unwrap_or(0));
        }
        Ok(found)
    }

    /// Every action as it was in force at a time, deleted ones left out. What has not changed since is not read anew.
    async fn versions_in_force(&self, at: Timestamp) -> anyhow::Result<Vec<InForce>> {
        let numbers = actions::versions_at(self.db(), at).await?;
        let (mut out, mut old) = (Vec::with_capacity(numbers.len()), Vec::new());
        for (id, version) in &numbers {
            match self.inner.matcher.get(id).filter(|a| a.version == *version) {
                Some(action) => out.push(InForce::Still(action)),
                None => old.push((id.as_str(), *version)),
            }
        }
        let old = actions::versions_of(self.db(), &old).await?;
        out.extend(old.into_iter().filter(|v| !v.deleted).map(|v| InForce::Once(Box::new(v))));
        Ok(out)
    }
}

/// How many executions by status, by the tenant and the id of the event.
pub type LedTo = HashMap<(String, String), BTreeMap<Status, u64>>;

/// A version of an action that was in force at a time and had not been deleted.
enum InForce {
    /// It is so still.
    Still(Arc<Action>),
    /// It has changed since.
    Once(Box<VersionRow>),
}

impl InForce {
    fn id(&self) -> &str {
        match self {
            Self::Still(action) => &action.id,
            Self::Once(row) => &row.action_id,
        }
    }

    fn version(&self) -> i64 {
        match self {
            Self::Still(action) => action.version,
            Self::Once(row) => row.version,
        }
    }

    fn definition(&self) -> &NewAction {
        match self {
            Self::Still(action) => &action.definition,
            Self::Once(row) => &row.definition,
        }
    }
}

/// The first gate that stopped the event. Most actions listen to other types, which takes no report to see.
fn stopped_at(version: &InForce, event: &Event, ran: Option<&Execution>) -> Option<Gate> {
    let definition = version.definition();
    let listens = definition.event_types.iter().any(|p| pattern_matches(p, &event.event_type));
    if listens || ran.is_some() {
        return report(version, event, ran).stopped_at;
    }
    let elsewhere = definition.tenant_id.as_ref().is_some_and(|t| *t != event.tenant_id);
    Some(if !definition.is_enabled {
        Gate::Enabled
    } else if elsewhere {
        Gate::Tenant
    } else {
        Gate::EventType
    })
}

fn report(version: &InForce, event: &Event, ran: Option<&Execution>) -> MatchReport {
    let mut report = explain(version.definition(), event);
    if let Some(x) = ran {
        fill_from(&mut report, x);
    }
    report
}

fn considered(version: &InForce, event: &Event, ran: Option<&Execution>) -> Considered {
    let definition = version.definition();
    Considered {
        action_id: version.id().to_owned(),
        action_name: definition.name.clone(),
        action_version: version.version(),
        priority: definition.priority,
        report: report(version, event, ran),
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
