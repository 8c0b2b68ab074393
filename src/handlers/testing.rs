//! A double of the engine, for unit tests of handlers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{ActionRef, Call, Handler, HandlerError, Host, MailTemplate, OutboxMail, Registry, StepRecord};
use crate::model::Timestamp;
use crate::model::event::{Event, NewEvent};

/// Remembers what handlers asked of it.
#[derive(Default)]
pub struct TestHost {
    /// Stored mail templates.
    pub templates: Vec<MailTemplate>,
    /// Sources of stored JavaScript modules by name.
    pub functions: BTreeMap<String, String>,
    /// Allowed senders.
    pub senders: Vec<String>,
    /// The handlers that workflow steps find.
    pub handlers: Registry,
    /// Mails in the outbox, by id.
    pub outbox: Mutex<Vec<(String, OutboxMail)>>,
    /// Events emitted: id, event, queued.
    pub emitted: Mutex<Vec<(String, NewEvent, bool)>>,
    /// Stored steps.
    pub steps: Mutex<BTreeMap<usize, StepRecord>>,
    /// Every step that was stored, in order: number and status.
    pub saved: Mutex<Vec<(usize, String)>>,
}

#[async_trait]
impl Host for TestHost {
    fn secret(&self, _: &ActionRef, _: &str, name: &str) -> Option<String> {
        (name == "TOKEN").then(|| "the-token".to_owned())
    }

    fn handed_out(&self) -> Vec<String> {
        Vec::new()
    }

    fn is_dry_run(&self) -> bool {
        false
    }

    fn mail_template(&self, _: &ActionRef, _: &str, name: &str) -> Option<MailTemplate> {
        self.templates.iter().find(|t| t.name == name).cloned()
    }

    fn function_source(&self, _: &ActionRef, _: &str, module: &str) -> Option<String> {
        self.functions.get(module).cloned()
    }

    fn allowed_senders(&self, _: &str) -> Vec<String> {
        self.senders.clone()
    }

    fn handler(&self, handler_type: &str) -> Option<Arc<dyn Handler>> {
        self.handlers.get(handler_type)
    }

    async fn outbox(&self, _: &Call, id: &str, mail: OutboxMail) -> Result<(), HandlerError> {
        self.outbox.lock().expect("no panic").push((id.to_owned(), mail));
        Ok(())
    }

    async fn emit(&self, _: &Call, id: &str, event: NewEvent, queued: bool) -> Result<Value, HandlerError> {
        self.emitted.lock().expect("no panic").push((id.to_owned(), event, queued));
        Ok(json!({"event_id": id}))
    }

    async fn finished_steps(&self, _: &str) -> Result<BTreeMap<usize, StepRecord>, HandlerError> {
        Ok(self.steps.lock().expect("no panic").clone())
    }

    async fn save_step(&self, _: &Call, number: usize, record: StepRecord) -> Result<(), HandlerError> {
        self.saved.lock().expect("no panic").push((number, record.status.clone()));
        self.steps.lock().expect("no panic").insert(number, record);
        Ok(())
    }
}

/// An event of type `user.created` with this data.
pub fn event(data: Value) -> Event {
    Event {
        id: "e-1".into(),
        tenant_id: "default".into(),
        event_type: "user.created".into(),
        aggregate_id: None,
        aggregate_type: None,
        data,
        metadata: json!({"source": "test"}),
        occurred_at: Timestamp(0),
        received_at: Timestamp(0),
        correlation_id: None,
        causation_id: None,
        depth: 0,
    }
}

/// A call of an action `a-1` with this configuration, for an event with this data.
pub fn call(host: &Arc<TestHost>, configuration: Value, data: Value) -> Call {
    Call {
        execution_id: "x-1".into(),
        attempt: 1,
        action: ActionRef { id: "a-1".into(), name: "Test".into(), version: 1, tenant_id: None },
        configuration,
        event: Arc::new(event(data)),
        timeout: Duration::from_secs(5),
        cancel: CancellationToken::new(),
        host: Arc::clone(host) as Arc<dyn Host>,
        step: None,
        steps: BTreeMap::new(),
    }
}
