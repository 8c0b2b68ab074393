//! What the engine offers to handlers: secrets, stored templates and functions, the outbox, events, and the progress of workflows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Actor, Caller, Engine};
use crate::db::{outbox, steps};
use crate::handlers::redact::REDACTED;
use crate::handlers::{ActionRef, Call, Handler, HandlerError, Host, MailTemplate, OutboxMail, StepRecord};
use crate::model::access::Scope;
use crate::model::action::Action;
use crate::model::event::{Event, NewEvent};
use crate::model::execution::ErrorClass;
use crate::model::{ApiError, Timestamp, mail};
use crate::template::{self, Context, RenderError};

/// The engine as one call of a handler sees it.
struct CallHost {
    engine: Engine,
    dry_run: bool,
    handed_out: Mutex<Vec<String>>,
}

impl Engine {
    /// A host for one call.
    pub(super) fn host_for(&self, _action: &ActionRef, _event_tenant: &str, dry_run: bool) -> Arc<dyn Host> {
        Arc::new(CallHost { engine: self.clone(), dry_run, handed_out: Mutex::default() })
    }

    /// Renders a short text of an action for an event, without secrets.
    pub(super) fn render_for(&self, action: &Action, event: &Event, text: &str) -> Result<String, RenderError> {
        let context = Context::new(Arc::new(event.clone())).action(&action.id, &action.definition.name);
        template::render_text(text, &context)
    }
}

fn storage(e: impl std::fmt::Display) -> HandlerError {
    HandlerError::retryable(ErrorClass::Internal, format!("The database could not be used: {e}."))
}

fn refused(e: ApiError) -> HandlerError {
    let make = if e.retry_after_seconds.is_some() { HandlerError::retryable } else { HandlerError::permanent };
    make(ErrorClass::Configuration, e.to_string())
}

#[async_trait]
impl Host for CallHost {
    fn secret(&self, action: &ActionRef, _event_tenant: &str, name: &str) -> Option<String> {
        let value = self.engine.resolve_secret(action.tenant_id.as_deref(), name)?;
        if self.dry_run {
            return Some(REDACTED.to_owned());
        }
        self.handed_out.lock().unwrap_or_else(PoisonError::into_inner).push(value.clone());
        Some(value)
    }

    fn handed_out(&self) -> Vec<String> {
        self.handed_out.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    fn mail_template(&self, action: &ActionRef, _event_tenant: &str, name: &str) -> Option<MailTemplate> {
        self.engine.library_body(super::library::Kind::Template, action.tenant_id.as_deref(), name).and_then(|(name, body)| {
            let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
            Some(MailTemplate { name, subject: text("subject")?, html: text("html"), text: text("text") })
        })
    }

    fn function_source(&self, action: &ActionRef, _event_tenant: &str, module: &str) -> Option<String> {
        let (_, body) = self.engine.library_body(super::library::Kind::Function, action.tenant_id.as_deref(), module)?;
        body.get("source").and_then(Value::as_str).map(str::to_owned)
    }

    fn allowed_senders(&self, event_tenant: &str) -> Vec<String> {
        self.engine.quotas(event_tenant).allowed_senders
    }

    fn handler(&self, handler_type: &str) -> Option<Arc<dyn Handler>> {
        self.engine.inner.handlers.get(handler_type)
    }

    async fn outbox(&self, call: &Call, id: &str, mail: OutboxMail) -> Result<(), HandlerError> {
        let stored = mail::OutboxMail {
            id: id.to_owned(),
            tenant_id: call.event.tenant_id.clone(),
            execution_id: call.execution_id.clone(),
            from: mail.from,
            recipients: mail.recipients,
            subject: mail.subject,
            raw: mail.raw,
            created_at: Timestamp::now(),
        };
        let mut tx = self.engine.db().begin().await.map_err(storage)?;
        outbox::put(&mut tx, &stored.tenant_id, &stored.execution_id, &stored).await.map_err(storage)?;
        tx.commit().await.map_err(storage)
    }

    async fn emit(&self, call: &Call, id: &str, mut event: NewEvent, queued: bool) -> Result<Value, HandlerError> {
        let caller = Caller {
            tenant_id: Some(call.event.tenant_id.clone()),
            actor: Actor::System("emit"),
            scopes: vec![Scope::EventsWrite],
            is_platform: false,
            address: None,
            request_id: None,
        };
        event.id = Some(id.to_owned());
        event.causation_id = Some(call.execution_id.clone());
        event.correlation_id = event.correlation_id.or_else(|| call.event.correlation_id.clone());
        let receipt = self.engine.ingest_caused(&caller, event, call.event.depth + 1, queued).await.map_err(refused)?;
        Ok(json!({"event_id": receipt.event_id, "matched": receipt.matched}))
    }

    async fn finished_steps(&self, execution_id: &str) -> Result<BTreeMap<usize, StepRecord>, HandlerError> {
        let rows = steps::of_execution(self.engine.db(), execution_id).await.map_err(storage)?;
        Ok(rows.into_iter().filter_map(|(number, record)| Some((usize::try_from(number).ok()?, serde_json::from_str(&record).ok()?))).collect())
    }

    async fn save_step(&self, call: &Call, number: usize, record: StepRecord) -> Result<(), HandlerError> {
        let document = serde_json::to_string(&record).map_err(storage)?;
        let mut tx = self.engine.db().begin().await.map_err(storage)?;
        let claim = steps::Claim { execution_id: &call.execution_id, attempt: call.attempt, token: &self.engine.inner.token };
        if !steps::save(&mut tx, claim, number, &document, Timestamp::now()).await.map_err(storage)? {
            return Err(HandlerError::retryable(ErrorClass::LostLease, "The lease was lost; the step does not count, and whoever holds the work now runs it."));
        }
        tx.commit().await.map_err(storage)
    }
}
