//! What an action can do. The trait, what a handler is given and gives back, and the one list of handlers.

pub mod custom;
pub mod email;
pub mod function;
pub mod outbound;
pub mod redact;
pub mod render;
#[cfg(test)]
mod testing;
pub mod webhook;
pub mod workflow;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use self::outbound::{Outbound, OutboundConfig};
use crate::config::Config;
use crate::model::event::{Event, NewEvent};
use crate::model::execution::{ErrorClass, ExecutionError};
use crate::model::handler::{HandlerHealth, HandlerSpec};
use crate::model::{FieldError, Timestamp};
use crate::template::Context;

/// Runs actions of one type. Implement it, add one line to [`registry`], and form, validation, dry run and docs follow.
#[async_trait]
pub trait Handler: Send + Sync {
    /// What it is called and which settings it takes.
    fn spec(&self) -> HandlerSpec;

    /// Faults in a configuration beyond its JSON Schema; pointers begin at the configuration (`/url`).
    fn validate(&self, _configuration: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    /// What `handle` would send, without any side effect. Secrets come out redacted.
    ///
    /// # Errors
    /// The same render and configuration errors that `handle` would meet.
    fn preview(&self, call: &Call) -> Result<Preview, HandlerError>;

    /// Does it. Must stop within `call.timeout` and soon after `call.cancel`; the executor enforces both.
    ///
    /// # Errors
    /// Classed as retryable or permanent; see `semantics.md`.
    async fn handle(&self, call: &Call) -> Result<Output, HandlerError>;

    /// Whether it can work at all right now, such as a mail server that answers.
    async fn health(&self) -> HandlerHealth {
        HandlerHealth::Unknown
    }
}

/// The action on whose behalf a handler runs.
#[derive(Clone, Debug)]
pub struct ActionRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The version in force.
    pub version: i64,
    /// Its tenant; none when platform-wide.
    pub tenant_id: Option<String>,
}

/// The workflow step on whose behalf a handler runs.
#[derive(Clone, Debug)]
pub struct StepRef {
    /// Counts from 1.
    pub number: usize,
    /// Its name.
    pub name: String,
}

/// Everything a handler is given for one attempt.
#[derive(Clone)]
pub struct Call {
    /// The execution; the same on every attempt.
    pub execution_id: String,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The action.
    pub action: ActionRef,
    /// The action's configuration, not yet rendered.
    pub configuration: Value,
    /// The event.
    pub event: Arc<Event>,
    /// The bound on this attempt.
    pub timeout: Duration,
    /// Fires when the attempt must stop: cancelled, drained or lease lost.
    pub cancel: CancellationToken,
    /// What the engine offers.
    pub host: Arc<dyn Host>,
    /// Set inside a workflow.
    pub step: Option<StepRef>,
    /// Results of the finished steps of a workflow, by name.
    pub steps: BTreeMap<String, Value>,
}

impl Call {
    /// What templates see in this call. Secrets are asked of the host, and only when a template uses them.
    #[must_use]
    pub fn context(&self) -> Context {
        let (host, action, tenant) = (Arc::clone(&self.host), self.action.clone(), self.event.tenant_id.clone());
        Context::new(Arc::clone(&self.event))
            .action(&self.action.id, &self.action.name)
            .execution(&self.execution_id, self.attempt)
            .steps(&self.steps)
            .secrets(Arc::new(move |name| host.secret(&action, &tenant, name)))
    }

    /// The stable id of what is sent: the execution, in a workflow step with the step's number.
    #[must_use]
    pub fn message_id(&self) -> String {
        self.step.as_ref().map_or_else(|| self.execution_id.clone(), |s| format!("{}-{}", self.execution_id, s.number))
    }
}

/// A stored e-mail template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailTemplate {
    /// Its name.
    pub name: String,
    /// The subject, a template.
    pub subject: String,
    /// The HTML body, a template with autoescape.
    pub html: Option<String>,
    /// The text body, a template.
    pub text: Option<String>,
}

/// A mail as it is put into the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxMail {
    /// The sender.
    pub from: String,
    /// All recipients: to, cc and bcc.
    pub recipients: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The whole message, RFC 5322.
    pub raw: Vec<u8>,
}

/// What the engine offers to handlers, so that they need neither the engine nor the database.
#[async_trait]
pub trait Host: Send + Sync {
    /// A secret the call's action may use. In a dry run a marker stands in for the value.
    fn secret(&self, action: &ActionRef, event_tenant: &str, name: &str) -> Option<String>;
    /// Every secret value handed out so far by this host, to be redacted from what is stored.
    fn handed_out(&self) -> Vec<String>;
    /// Whether this is a dry run: nothing may leave.
    fn is_dry_run(&self) -> bool;
    /// A stored mail template, the tenant's own before the platform's.
    fn mail_template(&self, action: &ActionRef, event_tenant: &str, name: &str) -> Option<MailTemplate>;
    /// The source of a stored JavaScript module, the tenant's own before the platform's.
    fn function_source(&self, action: &ActionRef, event_tenant: &str, module: &str) -> Option<String>;
    /// Senders the tenant allows; empty allows all. Entries are addresses or `@domain`.
    fn allowed_senders(&self, event_tenant: &str) -> Vec<String>;
    /// A handler by its type, for workflow steps.
    fn handler(&self, handler_type: &str) -> Option<Arc<dyn Handler>>;
    /// Puts a mail into the outbox; `id` makes it happen once.
    async fn outbox(&self, call: &Call, id: &str, mail: OutboxMail) -> Result<(), HandlerError>;
    /// Emits an event caused by this call; `id` makes it happen once. `queued` runs what matches through the queue.
    async fn emit(&self, call: &Call, id: &str, event: NewEvent, queued: bool) -> Result<Value, HandlerError>;
    /// Results of the finished steps of a workflow execution, by step number.
    async fn finished_steps(&self, execution_id: &str) -> Result<BTreeMap<usize, StepRecord>, HandlerError>;
    /// Stores a step's progress durably before the workflow goes on.
    async fn save_step(&self, call: &Call, number: usize, record: StepRecord) -> Result<(), HandlerError>;
}

/// What is stored of a workflow step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its name.
    pub name: String,
    /// `succeeded`, `failed`, `skipped`, `waiting`.
    pub status: String,
    /// What it returned.
    pub result: Value,
    /// Why it failed.
    pub error: Option<ExecutionError>,
    /// When a delay ends.
    pub resume_at: Option<Timestamp>,
    /// How often it was tried.
    pub tries: u32,
    /// Milliseconds it ran.
    pub duration_ms: i64,
}

/// What `handle` would send.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Preview {
    /// One sentence naming the destination, such as `POST https://api.example.com/hook`.
    pub destination: String,
    /// The rendered request: for a webhook `{method, url, headers, body}`, for a mail `{from, to, subject, html, text}`.
    #[schema(value_type = Object)]
    pub request: Value,
    /// The same as a command line, where there is one.
    pub curl: Option<String>,
}

/// What a handler gives back when it worked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Becomes the execution's `result`.
    pub result: Value,
    /// What was sent, for the attempt. Values of secrets are redacted by the executor.
    pub request: Option<Value>,
    /// What came back.
    pub response: Option<Value>,
    /// Lines that were logged.
    pub logs: Vec<String>,
    /// Set when it is not finished but sleeps until then (a workflow's delay): it holds no worker meanwhile.
    pub resume_at: Option<Timestamp>,
}

/// Why a handler failed, and whether trying again can help.
#[derive(Clone, Debug, PartialEq)]
pub struct HandlerError {
    /// The class.
    pub class: ErrorClass,
    /// An English sentence.
    pub message: String,
    /// Whether trying again can help.
    pub retryable: bool,
    /// The wait that the receiver asked for.
    pub retry_after: Option<Duration>,
    /// Whether the receiver said never to come back (410): the action is disabled.
    pub disable_action: bool,
    /// What was sent.
    pub request: Option<Value>,
    /// What came back.
    pub response: Option<Value>,
    /// Lines that were logged.
    pub logs: Vec<String>,
}

impl HandlerError {
    /// An error after which trying again can help.
    pub fn retryable(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retryable: true, retry_after: None, disable_action: false, request: None, response: None, logs: Vec::new() }
    }

    /// An error that trying again cannot mend.
    pub fn permanent(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { retryable: false, ..Self::retryable(class, message) }
    }

    /// With what was sent.
    #[must_use]
    pub fn with_request(mut self, request: Value) -> Self {
        self.request = Some(request);
        self
    }

    /// With what came back.
    #[must_use]
    pub fn with_response(mut self, response: Value) -> Self {
        self.response = Some(response);
        self
    }

    /// As stored with the attempt.
    #[must_use]
    pub fn to_execution_error(&self) -> ExecutionError {
        ExecutionError { class: self.class, message: self.message.clone(), retryable: self.retryable }
    }
}

/// The handlers of this process by their type.
#[derive(Clone, Default)]
pub struct Registry {
    handlers: BTreeMap<String, Arc<dyn Handler>>,
}

impl Registry {
    /// Adds a handler under the type in its spec; a second one of the same type replaces the first.
    #[must_use]
    pub fn with(mut self, handler: impl Handler + 'static) -> Self {
        self.handlers.insert(handler.spec().handler_type.0, Arc::new(handler));
        self
    }

    /// The handler of a type.
    #[must_use]
    pub fn get(&self, handler_type: &str) -> Option<Arc<dyn Handler>> {
        self.handlers.get(handler_type).cloned()
    }

    /// Every handler, by type.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Arc<dyn Handler>)> {
        self.handlers.iter()
    }

    /// Every type.
    #[must_use]
    pub fn types(&self) -> Vec<String> {
        self.handlers.keys().cloned().collect()
    }
}

/// The handlers of the house, by one line each.
///
/// # Errors
/// When a setting they need cannot be used, such as the mail server's URL.
pub fn registry(config: &Config) -> Result<Registry, String> {
    let outbound = Outbound::new(OutboundConfig {
        allow_targets: config.allow_targets.clone(),
        own_addresses: vec![config.bind],
        per_host: config.per_host_concurrency,
        ..OutboundConfig::default()
    })?;
    Ok(Registry::default()
        .with(webhook::Webhook::new(outbound))
        .with(email::Email::new(config.smtp_url.as_ref())?)
        .with(function::Function::new(function::Functions::default(), config.js_workers))
        .with(workflow::Workflow)
        .with(custom::Custom::default()))
}
