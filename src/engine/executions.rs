//! Reading, replaying, cancelling and discarding executions.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::running::StopReason;
use super::{Caller, Engine, cursor, internal, not_written};
use crate::db::ingest::{IngestItem, NewExecution};
use crate::db::{Tx, attempts, events, executions};
use crate::model::access::Scope;
use crate::model::event::Event;
use crate::model::execution::{Attempt, Execution, ExecutionFilter, Status};
use crate::model::page::{Page, PageRequest};
use crate::model::testing::{ReplayRequest, ReplayVersion};
use crate::model::{ApiError, Timestamp};

/// A replay that is ready to be stored.
pub(super) struct Replay {
    pub item: IngestItem,
    pub new_id: String,
    /// The version of the action that runs.
    pub version: i64,
    /// Whether it runs with another event than the original.
    pub edited: bool,
}

impl Engine {
    /// Executions that match the filter, latest first.
    ///
    /// # Errors
    /// 422 for a word that is no status.
    pub async fn list_executions(&self, caller: &Caller, filter: ExecutionFilter, page: PageRequest) -> Result<Page<Execution>, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        let limit = page.checked_limit()?;
        if let Some(status) = &filter.status
            && Status::parse(status).is_none()
        {
            let known = Status::ALL.map(Status::name).join(", ");
            return Err(ApiError::invalid("/status", "unknown_word", format!("status is {status:?}; it must be one of {known}.")));
        }
        let after: Option<String> = cursor::decode(&page)?;
        let tenant = caller.reads(filter.tenant_id.as_deref())?;
        let items = executions::list(self.db(), tenant.as_deref(), &filter, after.as_deref(), limit + 1).await.map_err(internal)?;
        Ok(cursor::page(items, limit, |x| x.id.clone()))
    }

    /// One execution with its attempts, the one under way included.
    ///
    /// # Errors
    /// 404.
    pub async fn get_execution(&self, caller: &Caller, id: &str) -> Result<Execution, ApiError> {
        caller.require(Scope::ExecutionsRead)?;
        let mut x = self.visible_execution(caller, id).await?;
        x.attempts = attempts::of_execution(self.db(), id).await.map_err(internal)?;
        if x.status == Status::Running && x.attempts.last().is_none_or(|a| a.number < x.attempt_count) {
            let started_at = x.attempts.last().and_then(|a| a.finished_at).or(x.started_at).unwrap_or(x.created_at);
            x.attempts.push(Attempt {
                number: x.attempt_count,
                node: String::new(),
                started_at,
                finished_at: None,
                duration_ms: None,
                outcome: None,
                error: None,
                request: None,
                response: None,
                logs: Vec::new(),
            });
        }
        Ok(x)
    }

    async fn visible_execution(&self, caller: &Caller, id: &str) -> Result<Execution, ApiError> {
        let x = executions::get(self.db(), id).await.map_err(internal)?;
        x.filter(|x| caller.sees(&x.tenant_id)).ok_or_else(|| ApiError::not_found("execution", id))
    }

    /// Runs an execution again as a new, linked one, with the original or the current version of its action, and optionally
    /// with an edited payload (G12).
    ///
    /// # Errors
    /// 404, also when the action is gone and its current version is asked for; 409 while it still runs.
    pub async fn replay_execution(&self, caller: &Caller, id: &str, request: ReplayRequest) -> Result<Execution, ApiError> {
        caller.require(Scope::ExecutionsWrite)?;
        let old = self.visible_execution(caller, id).await?;
        if !old.status.is_terminal() {
            return Err(ApiError::conflict("not_terminal", format!("The execution is {}; only a finished one can be replayed.", old.status.name())));
        }
        let replay = self.plan_replay(&old, request, Uuid::now_v7().to_string()).await?;
        let Replay { item, new_id, version, edited } = replay;
        self.writer()?.ingest(item).await.map_err(|e| not_written(&e))?;
        self.note_handled(caller, &old, "execution.replay", json!({"execution_id": new_id, "action_version": version, "edited": edited})).await?;
        self.inner.wake.notify_one();
        self.visible_execution(caller, &new_id).await
    }

    /// The new execution that replays a finished one, to be stored under `new_id`.
    pub(super) async fn plan_replay(&self, old: &Execution, request: ReplayRequest, new_id: String) -> Result<Replay, ApiError> {
        let event = events::get(self.db(), Some(&old.tenant_id), &old.event_id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("event", &old.event_id))?;
        let (event, event_exists) = match request.event_data {
            None => (event, true),
            Some(data) => (edited(event, Value::Object(data)), false),
        };
        let (name, version, definition) = match request.action_version {
            ReplayVersion::Original => {
                let d = self.definition_of(&old.action_id, old.action_version).await.map_err(internal)?;
                (old.action_name.clone(), old.action_version, d.ok_or_else(|| ApiError::not_found("version of the action", &old.action_id))?)
            }
            ReplayVersion::Current => {
                let a = self.inner.matcher.get(&old.action_id).ok_or_else(|| ApiError::not_found("action", &old.action_id))?;
                (a.definition.name.clone(), a.version, Arc::new(a.definition.clone()))
            }
        };
        let x = NewExecution {
            id: new_id.clone(),
            action_id: old.action_id.clone(),
            action_name: name,
            action_version: version,
            handler_type: definition.handler_type.0.clone(),
            mode: crate::model::action::ExecutionMode::Queued,
            priority: definition.priority,
            claim: None,
            created_at: Timestamp::now(),
            replay_of: Some(old.id.clone()),
            ordering_key: None,
            trace: crate::telemetry::trace::current(),
        };
        let body_hash = format!("replay:{new_id}");
        let item = IngestItem { event: Arc::new(event), body_hash, idempotency_key: None, executions: vec![x], event_exists };
        Ok(Replay { item, new_id, version, edited: !event_exists })
    }

    /// Audits what a person did with an execution, and marks a dead letter as handled.
    async fn note_handled(&self, caller: &Caller, x: &Execution, what: &str, after: Value) -> Result<(), ApiError> {
        let mut tx = self.db().begin().await.map_err(internal)?;
        self.note_handled_in(&mut tx, caller, x, what, after).await?;
        tx.commit().await.map_err(internal)
    }

    /// The same inside a transaction.
    pub(super) async fn note_handled_in(&self, tx: &mut Tx, caller: &Caller, x: &Execution, what: &str, after: Value) -> Result<(), ApiError> {
        executions::mark_handled(tx, &x.id, Timestamp::now()).await.map_err(internal)?;
        let before = json!({"status": x.status.name()});
        self.audit(tx, caller, what, ("execution", &x.id), Some(&x.tenant_id), Some(before), Some(after)).await
    }

    /// Cancels an execution: what waits never runs, what runs is asked to stop.
    ///
    /// # Errors
    /// 404; 409 when it has ended.
    pub async fn cancel_execution(&self, caller: &Caller, id: &str) -> Result<Execution, ApiError> {
        caller.require(Scope::ExecutionsWrite)?;
        let x = self.visible_execution(caller, id).await?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        let status = executions::cancel(&mut tx, id).await.map_err(internal)?;
        let Some(status) = status else {
            return Err(ApiError::conflict("terminal", format!("The execution has ended ({}); it cannot be cancelled.", x.status.name())));
        };
        self.audit(&mut tx, caller, "execution.cancel", ("execution", id), Some(&x.tenant_id), Some(json!({"status": x.status.name()})), Some(json!({"status": status.name()})))
            .await?;
        tx.commit().await.map_err(internal)?;
        self.inner.running.stop(id, StopReason::Cancelled);
        let now = self.visible_execution(caller, id).await?;
        // What runs tells of its end by itself.
        if now.status == Status::Cancelled {
            self.tell_of_execution(super::feed::as_it_is(&now));
        }
        Ok(now)
    }

    /// Dead letters that nobody has handled, latest first.
    ///
    /// # Errors
    /// As [`Engine::list_executions`].
    pub async fn dead_letters(&self, caller: &Caller, filter: ExecutionFilter, page: PageRequest) -> Result<Page<Execution>, ApiError> {
        self.list_executions(caller, ExecutionFilter { status: Some(Status::DeadLetter.name().to_owned()), unhandled_only: true, ..filter }, page).await
    }

    /// Puts a dead letter aside without running it again.
    ///
    /// # Errors
    /// 404; 409 when it is no dead letter, or somebody has handled it.
    pub async fn discard_dead_letter(&self, caller: &Caller, id: &str) -> Result<Execution, ApiError> {
        caller.require(Scope::ExecutionsWrite)?;
        let x = self.visible_execution(caller, id).await?;
        if x.status != Status::DeadLetter || x.handled_at.is_some() {
            return Err(ApiError::conflict("not_dead", "Only a dead letter that nobody has handled can be discarded."));
        }
        self.note_handled(caller, &x, "dead_letter.discard", json!({"discarded": true})).await?;
        self.visible_execution(caller, id).await
    }
}

/// The event of a replay with an edited payload: a new event that names the one it came from.
fn edited(event: Event, data: Value) -> Event {
    let now = Timestamp::now();
    Event { causation_id: Some(event.id.clone()), id: Uuid::now_v7().to_string(), data, received_at: now, ..event }
}
