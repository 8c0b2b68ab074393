//! Webhooks: one HTTP request per event, rendered, signed, and classed by what the receiver answers.

mod answer;
mod check;
mod curl;
mod headers;
mod request;
mod signature;
#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use super::outbound::{Failure, Outbound, Request};
use super::redact::Redactor;
use super::{Call, Handler, HandlerError, Output, Preview};
use crate::model::action::{DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS};
use crate::model::execution::ErrorClass;
use crate::model::handler::{Field, FieldKind, HandlerSpec, HandlerType};
use crate::model::{FieldError, Timestamp};
use crate::telemetry::trace::{self, SPANS};
use request::{METHODS, Prepared};

/// The name in `handler_type`.
pub const TYPE: &str = "webhook";
/// How long an attempt holds its worker while its destination has too many requests under way.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long it then sleeps at least; up to as much again is added, so that sleepers do not wake together.
const BUSY_SLEEP_MS: i64 = 5000;
/// Kept back of the attempt's time, so that this handler's own error is the one that is recorded.
const MARGIN: Duration = Duration::from_millis(100);

/// Sends webhooks through the one outbound client.
#[derive(Clone)]
pub struct Webhook {
    outbound: Outbound,
}

impl Webhook {
    /// A handler that sends through `outbound`.
    #[must_use]
    pub const fn new(outbound: Outbound) -> Self {
        Self { outbound }
    }

    async fn send(&self, call: &Call, prepared: &Prepared) -> Result<Result<super::outbound::Response, Failure>, HandlerError> {
        let timeout = call.timeout.saturating_sub(MARGIN.min(call.timeout / 20));
        let sending = self.outbound.send(Request {
            method: prepared.method.clone(),
            url: prepared.url.clone(),
            headers: prepared.header_map()?,
            body: prepared.body.clone(),
            verify_tls: prepared.verify_tls,
            timeout,
            // A workflow step cannot sleep on its own; it waits.
            patience: if call.step.is_some() { timeout } else { PATIENCE.min(timeout / 2) },
        });
        tokio::select! {
            biased;
            () = call.cancel.cancelled() => Err(HandlerError::retryable(ErrorClass::Cancelled, "The attempt was stopped before the receiver had answered.")),
            outcome = sending => Ok(outcome),
        }
    }
}

#[async_trait]
impl Handler for Webhook {
    fn spec(&self) -> HandlerSpec {
        HandlerSpec {
            handler_type: HandlerType::new(TYPE),
            label: "Webhook".into(),
            description: "Sends an HTTP request: the event, or a body of your own, signed if you like.".into(),
            fields: fields(),
        }
    }

    fn validate(&self, configuration: &Value) -> Vec<FieldError> {
        check::configuration(configuration, &self.outbound)
    }

    fn preview(&self, call: &Call) -> Result<Preview, HandlerError> {
        let prepared = Prepared::of(call, &self.outbound)?;
        let redactor = prepared.redactor(call);
        Ok(Preview {
            destination: format!("{} {}", prepared.method, redactor.text(&prepared.url)),
            request: prepared.summary(&redactor),
            curl: Some(curl::command(&prepared, &redactor)),
        })
    }

    async fn handle(&self, call: &Call) -> Result<Output, HandlerError> {
        if call.host.is_dry_run() {
            return Err(HandlerError::permanent(ErrorClass::Internal, "A dry run sends nothing."));
        }
        let mut prepared = Prepared::of(call, &self.outbound)?;
        let redactor = prepared.redactor(call);
        let span = span_of(call, &prepared, &redactor);
        if let Some(trace) = span.in_scope(trace::current) {
            prepared.pass_on(&trace);
        }
        let sent = self.send(call, &prepared).instrument(span.clone()).await;
        note_end(&span, &sent);
        let outcome = sent.map_err(|e| e.with_request(prepared.summary(&redactor)))?;
        match outcome {
            Err(failure) if failure.is_busy && call.step.is_none() => {
                Ok(Output { logs: vec![failure.message], resume_at: Some(Timestamp::now().plus_ms(BUSY_SLEEP_MS + spread(call) % BUSY_SLEEP_MS)), ..Output::default() })
            }
            outcome => answer::settle(outcome, &prepared, &redactor, Timestamp::now()),
        }
    }
}

/// Why saving this configuration needs an administrator; `None` when it does not.
#[must_use]
pub fn needs_admin(configuration: &Value) -> Option<FieldError> {
    let verifies = configuration.get("verify_ssl").is_none_or(|value| *value == Value::Bool(true));
    (!verifies).then(|| FieldError::new("/verify_ssl", "needs_admin", "Only an administrator can switch certificate checks off."))
}

/// The span of the request in traces. Of the URL it shows the host alone: the rest may hold what is nobody's business.
fn span_of(call: &Call, prepared: &Prepared, redactor: &Redactor) -> Span {
    let host = || url::Url::parse(&prepared.url).ok().and_then(|url| url.host_str().map(|host| redactor.text(host))).unwrap_or_default();
    info_span!(
        target: SPANS,
        "send",
        "otel.name" = prepared.method.as_str(),
        "otel.kind" = "client",
        "http.request.method" = prepared.method.as_str(),
        "server.address" = host(),
        webhook_id = call.message_id(),
        "http.response.status_code" = Empty,
        "error.type" = Empty,
        "otel.status_code" = Empty
    )
}

fn note_end(span: &Span, sent: &Result<Result<super::outbound::Response, Failure>, HandlerError>) {
    let class = match sent {
        Ok(Ok(response)) => {
            span.record("http.response.status_code", response.status);
            if response.status < 400 {
                return;
            }
            ErrorClass::HttpStatus
        }
        Ok(Err(failure)) => failure.class,
        Err(e) => e.class,
    };
    span.record("error.type", tracing::field::debug(class));
    span.record("otel.status_code", "ERROR");
}

/// A number from 0 that differs from call to call.
fn spread(call: &Call) -> i64 {
    let mut hasher = DefaultHasher::new();
    (&call.execution_id, call.attempt).hash(&mut hasher);
    i64::from(hasher.finish() as u16)
}

fn fields() -> Vec<Field> {
    let auth_example = r#"{"type": "bearer", "token": "{{ secret.TOKEN }}"}"#;
    let number = |max| FieldKind::Number { min: 1, max, unit: Some("s".into()) };
    vec![
        Field::new("method", "Method", FieldKind::Choice { options: METHODS.map(str::to_owned).to_vec() }).literal().default(json!("POST")),
        Field::new("url", "URL", FieldKind::Url).required().placeholder("https://api.example.com/hook").help("Where the request goes: http or https, public addresses only."),
        Field::new("headers", "Headers", FieldKind::KeyValue).help("Added to the request. webhook-id, webhook-timestamp and user-agent are always sent."),
        Field::new("body", "Body", FieldKind::Json)
            .help("JSON, or a text. Without one the event is sent; GET sends none. A value that is one expression keeps its type.")
            .placeholder(r#"{"email": "{{ user.email }}"}"#),
        Field::new("auth", "Authentication", FieldKind::Json)
            .help("type is bearer (token), basic (username, password), api_key (header, value) or none.")
            .placeholder(auth_example),
        Field::new("signing_secret", "Signing secret", FieldKind::Secret)
            .help("Signs the request as Standard Webhooks do: \"whsec_\" and base64. Two secrets sign while one replaces the other.")
            .placeholder("{{ secret.SIGNING }}"),
        Field::new("timeout", "Timeout", number(i64::from(MAX_TIMEOUT_SECONDS)))
            .literal()
            .default(json!(DEFAULT_TIMEOUT_SECONDS))
            .help("How long the receiver may take to answer."),
        Field::new("verify_ssl", "Verify certificate", FieldKind::Switch)
            .literal()
            .default(json!(true))
            .advanced()
            .help("Off only for receivers whose certificate cannot be mended; needs an administrator."),
        Field::new("success_statuses", "Success statuses", FieldKind::NumberList).literal().advanced().help("The statuses that mean success; any 2xx when empty."),
    ]
}
