//! Tests without risk: saved actions, drafts, "which actions would this fire". The production evaluator decides.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::dispatcher::brief;
use super::{Caller, Engine, internal, not_written};
use crate::db::ingest::IngestItem;
use crate::handlers::{ActionRef, Call, HandlerError};
use crate::matching::{Gate, GateOutcome, MatchReport, explain};
use crate::model::ApiError;
use crate::model::access::Scope;
use crate::model::action::{Action, ExecutionMode, NewAction};
use crate::model::event::{Event, NewEvent};
use crate::model::execution::ErrorClass;
use crate::model::testing::{Considered, MatchRequest, MatchResponse, TestReport, TestRequest};

/// Most actions that a match lists as stopped.
const MAX_STOPPED: usize = 1000;

impl Engine {
    /// Tests a saved action with a made-up event. With `dry_run: false` it is stored and run for real, whatever the gates say of
    /// enabled; the other gates still decide.
    ///
    /// # Errors
    /// 404; 422 for a bad event; 403 for a real send without `executions:write`.
    pub async fn test_action(&self, caller: &Caller, id: &str, request: TestRequest) -> Result<TestReport, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let action = self.visible_action(caller, id)?;
        let event = self.made_up(caller, &action.definition, &request)?;
        let mut report = self.dry_run(
            &ActionRef { id: action.id.clone(), name: action.definition.name.clone(), version: action.version, tenant_id: action.definition.tenant_id.clone() },
            &action.definition,
            event.clone(),
        );
        if !request.dry_run {
            caller.require(Scope::ExecutionsWrite)?;
            report.execution = Some(self.send_for_real(caller, &action, event).await?);
        }
        Ok(report)
    }

    /// Tests an unsaved draft with a made-up event. Nothing is sent.
    ///
    /// # Errors
    /// 422 for a bad draft or event, or when a real send is asked for.
    pub async fn test_draft(&self, caller: &Caller, draft: NewAction, request: TestRequest) -> Result<TestReport, ApiError> {
        self.test_draft_of(caller, None, draft, request).await
    }

    /// The same for a draft that is a change of the saved action `id`: its limits are those of what has run.
    ///
    /// # Errors
    /// 404, and as above.
    pub async fn test_draft_of(&self, caller: &Caller, id: Option<&str>, mut draft: NewAction, request: TestRequest) -> Result<TestReport, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let saved = id.map(|id| self.visible_action(caller, id)).transpose()?;
        if !request.dry_run {
            return Err(ApiError::invalid("/dry_run", "not_with_draft", "A draft can only be tested dry; save the action to send for real."));
        }
        draft.tenant_id = self.owner(caller, draft.tenant_id.take())?;
        self.check_action(caller, &draft)?;
        let event = self.made_up(caller, &draft, &request)?;
        let (id, version) = saved.map_or_else(|| ("draft".to_owned(), 0), |a| (a.id.clone(), a.version));
        Ok(self.dry_run(&ActionRef { id, name: draft.name.clone(), version, tenant_id: draft.tenant_id.clone() }, &draft, event))
    }

    /// The event of a test: of the caller's tenant, else of the action's, else what `metadata.tenant_id` says.
    fn made_up(&self, caller: &Caller, action: &NewAction, request: &TestRequest) -> Result<Event, ApiError> {
        let mut metadata = request.metadata.clone();
        if let (None, Some(tenant), None) = (&caller.tenant_id, &action.tenant_id, metadata.get("tenant_id")) {
            metadata.insert("tenant_id".to_owned(), json!(tenant));
        }
        let new = NewEvent { event_type: request.event_type.clone(), data: Value::Object(request.event_data.clone()), metadata: Value::Object(metadata), ..NewEvent::default() };
        let accepted = if request.dry_run { self.accept_sample(caller, new) } else { self.accept(caller, new, 0).map(|(event, _)| event) };
        accepted.map_err(|mut e| {
            e.errors.iter_mut().filter(|f| f.pointer.starts_with("/data")).for_each(|f| f.pointer = f.pointer.replacen("/data", "/event_data", 1));
            e
        })
    }

    /// The eight gates and what would be sent.
    fn dry_run(&self, action: &ActionRef, definition: &NewAction, event: Event) -> TestReport {
        let mut report = explain(definition, &event);
        self.fill_limits(&mut report, &action.id, definition);
        let preview = self.fill_handler(&mut report, action, definition, event);
        TestReport { report, preview, execution: None }
    }

    fn fill_limits(&self, report: &mut MatchReport, action_id: &str, definition: &NewAction) {
        match self.room_of(action_id, definition) {
            Err(wait) => report.fill(Gate::RateLimit, GateOutcome::Waits, wait.reason),
            Ok(room) => {
                let reason = match (definition.rate_limit, definition.max_concurrency) {
                    (Some(r), None) => format!("{} of {} tokens left for {} s on this node.", room.min(r.max), r.max, r.per_seconds),
                    (Some(r), Some(n)) => format!("{} may start now on this node; at most {} in {} s, {n} at once.", room.min(r.max).min(n), r.max, r.per_seconds),
                    (None, Some(n)) => format!("{} of {n} places free on this node.", room.min(n)),
                    (None, None) => "No limit set; the breaker is closed.".to_owned(),
                };
                report.fill(Gate::RateLimit, GateOutcome::Passed, reason);
            }
        }
    }

    fn fill_handler(&self, report: &mut MatchReport, action: &ActionRef, definition: &NewAction, event: Event) -> Option<Value> {
        let kind = definition.handler_type.as_str();
        let Some(handler) = self.inner.handlers.get(kind) else {
            report.fill(Gate::HandlerAvailable, GateOutcome::Stopped, format!("This service has no handler {kind:?}."));
            return None;
        };
        report.fill(Gate::HandlerAvailable, GateOutcome::Passed, format!("The {kind} handler is ready."));
        let call = Call {
            execution_id: Uuid::now_v7().to_string(),
            attempt: 1,
            action: action.clone(),
            configuration: definition.configuration.clone(),
            host: self.host_for(action, &event.tenant_id, true),
            event: Arc::new(event),
            timeout: std::time::Duration::from_secs(u64::from(definition.effective_timeout_seconds())),
            cancel: tokio_util::sync::CancellationToken::new(),
            step: None,
            steps: std::collections::BTreeMap::new(),
        };
        match handler.preview(&call) {
            Ok(preview) => {
                report.fill(Gate::Rendering, GateOutcome::Passed, format!("Renders: {}.", preview.destination));
                serde_json::to_value(preview).ok()
            }
            Err(HandlerError { class, message, .. }) => {
                let gate = if matches!(class, ErrorClass::Render | ErrorClass::Configuration | ErrorClass::ForbiddenTarget) { Gate::Rendering } else { Gate::HandlerAvailable };
                report.fill(gate, GateOutcome::Stopped, message);
                None
            }
        }
    }

    /// Stores the event with one execution of this action and waits for it within the sync deadline.
    async fn send_for_real(&self, caller: &Caller, action: &Action, event: Event) -> Result<crate::model::execution::ExecutionBrief, ApiError> {
        let mut x = self.new_execution(action, &event);
        (x.mode, x.ordering_key) = (ExecutionMode::Queued, None);
        let id = x.id.clone();
        let tenant = event.tenant_id.clone();
        let item = IngestItem { event: Arc::new(event), body_hash: format!("test:{id}"), idempotency_key: None, executions: vec![x], event_exists: false };
        self.writer()?.ingest(item).await.map_err(|e| not_written(&e))?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        self.audit(&mut tx, caller, "action.test_send", ("action", &action.id), Some(&tenant), None, Some(json!({"execution_id": id}))).await?;
        tx.commit().await.map_err(internal)?;
        self.inner.wake.notify_one();
        let patience = std::time::Duration::from_secs(self.config().sync_deadline_seconds);
        let until = tokio::time::Instant::now() + patience;
        loop {
            let now = crate::db::executions::get(self.db(), &id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("execution", &id))?;
            let settled = now.status.is_terminal() || now.status == crate::model::execution::Status::Retrying;
            if settled || tokio::time::Instant::now() >= until {
                return Ok(brief(now));
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Which actions an event would fire, in order, and what stops each other one.
    ///
    /// # Errors
    /// 422 for a bad event.
    pub async fn match_event(&self, caller: &Caller, request: MatchRequest) -> Result<MatchResponse, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let new = NewEvent { event_type: request.event_type, data: Value::Object(request.event_data), metadata: Value::Object(request.metadata), ..NewEvent::default() };
        let event = self.accept_sample(caller, new)?;
        let mut response = MatchResponse { matched: Vec::new(), stopped: Vec::new() };
        for action in self.inner.matcher.all() {
            let tenant = action.definition.tenant_id.as_deref();
            if tenant.is_some_and(|t| !caller.sees(t) || (t != event.tenant_id && caller.tenant_id.is_some())) {
                continue;
            }
            let mut report = explain(&action.definition, &event);
            self.fill_limits(&mut report, &action.id, &action.definition);
            let considered = Considered {
                action_id: action.id.clone(),
                action_name: action.definition.name.clone(),
                action_version: action.version,
                priority: action.definition.priority,
                execution_id: None,
                execution_status: None,
                report,
            };
            let list = if considered.report.matched { &mut response.matched } else { &mut response.stopped };
            if considered.report.matched || list.len() < MAX_STOPPED {
                list.push(considered);
            }
        }
        Ok(response)
    }
}
