//! E-mail: through the installation's mail server, else into the outbox.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::render::{is_template, own_limit};
use super::{Call, Handler, HandlerError, OutboxMail, Output, Preview};
use crate::model::FieldError;
use crate::model::execution::ErrorClass;
use crate::model::handler::{Field, FieldKind, HandlerHealth, HandlerSpec, HandlerType};

pub mod addresses;
pub mod mail;
mod smtp;
#[cfg(test)]
mod tests;
mod trouble;

use addresses::MAX_RECIPIENTS;
use mail::Mail;
use smtp::Smtp;

/// Recipients of the demo. The top-level domain is reserved and never exists: such mails stay in the outbox, whatever is configured.
pub const DEMO_DOMAIN: &str = "demo.invalid";
/// Bound on finding out whether the mail server answers.
const HEALTH_TIME: Duration = Duration::from_secs(5);

/// The handler `email`.
pub struct Email {
    smtp: Option<Arc<Smtp>>,
}

impl Email {
    /// Through the server of this URL; without one, mails go to the outbox.
    ///
    /// # Errors
    /// A sentence, when the URL cannot be used.
    pub fn new(smtp_url: Option<&SecretString>) -> Result<Self, String> {
        Self::trusting(smtp_url, &[])
    }

    /// The same, trusting the certificates in `roots_pem` besides the public ones.
    ///
    /// # Errors
    /// A sentence, when the URL or the certificates cannot be used.
    pub fn trusting(smtp_url: Option<&SecretString>, roots_pem: &[u8]) -> Result<Self, String> {
        let smtp = smtp_url.map(|url| Smtp::new(url.expose_secret(), roots_pem)).transpose()?;
        Ok(Self { smtp: smtp.map(Arc::new) })
    }

    async fn send(&self, call: &Call, mail: &Mail) -> Result<Output, HandlerError> {
        let message = mail.to_message()?;
        let recipients = mail.recipients();
        let mut result = json!({"message_id": mail.message_id, "recipients": recipients.len()});
        let Some(smtp) = self.smtp.as_ref().filter(|_| !mail.is_demo()) else {
            let kept = OutboxMail { from: mail.from.to_string(), recipients, subject: mail.subject.clone(), raw: message.formatted() };
            call.host.outbox(call, &call.message_id(), kept).await?;
            result["sent_to"] = json!("outbox");
            return Ok(Output { result, ..Output::default() });
        };
        let raw = message.formatted();
        let reply = tokio::select! {
            reply = smtp.send(message.envelope(), &raw, own_limit(call.timeout)) => reply?,
            () = call.cancel.cancelled() => return Err(HandlerError::retryable(ErrorClass::Cancelled, "The mail was stopped from outside.")),
        };
        result["sent_to"] = json!("smtp");
        Ok(Output { result, response: Some(json!({"reply": reply})), ..Output::default() })
    }
}

#[async_trait]
impl Handler for Email {
    fn spec(&self) -> HandlerSpec {
        let list = |name: &str, label: &str| Field::new(name, label, FieldKind::TextList).placeholder("{{ user.email }}");
        HandlerSpec {
            handler_type: HandlerType::new("email"),
            label: "E-mail".into(),
            description: "Sends an e-mail, from a stored template or one written here.".into(),
            fields: vec![
                list("to", "To").required().help("One address or several. At most 50 recipients, copies included."),
                Field::new("from", "From", FieldKind::Text)
                    .required()
                    .placeholder("noreply@example.com")
                    .help("Must be a sender that the tenant allows, when it has a list of them."),
                Field::new("subject", "Subject", FieldKind::Text).help("Replaces the subject of the stored template.").placeholder("Welcome, {{ user.name }}"),
                Field::new("template", "Stored template", FieldKind::TemplateName).literal().help("Gives subject and bodies. Leave it out to write them here."),
                Field::new("html", "HTML", FieldKind::Multiline { language: "html".into() }).help("Values are escaped, unless marked |safe."),
                Field::new("text", "Text", FieldKind::Multiline { language: "text".into() }).help("For readers without HTML; with both, the reader chooses."),
                list("cc", "Cc").advanced(),
                list("bcc", "Bcc").advanced().help("Nobody sees these."),
                list("reply_to", "Reply to").advanced(),
                Field::new("params", "Parameters", FieldKind::Json).advanced().help("An object; the templates see its members as params.NAME, and as NAME."),
            ],
        }
    }

    fn validate(&self, configuration: &Value) -> Vec<FieldError> {
        validate(configuration)
    }

    fn preview(&self, call: &Call) -> Result<Preview, HandlerError> {
        let mail = Mail::render(call)?;
        // What cannot be put into a message would fail later.
        mail.to_message()?;
        let through = match &self.smtp {
            _ if mail.is_demo() => " (kept in the outbox: the addresses are the demo's)",
            Some(_) => "",
            None => " (kept in the outbox: no mail server is set)",
        };
        Ok(Preview { destination: format!("mail to {}{through}", mail.recipients().join(", ")), request: mail.to_request(), curl: None })
    }

    async fn handle(&self, call: &Call) -> Result<Output, HandlerError> {
        let mail = Mail::render(call)?;
        let request = mail.to_request();
        match self.send(call, &mail).await {
            Ok(output) => Ok(Output { request: Some(request), ..output }),
            Err(error) => Err(error.with_request(request)),
        }
    }

    async fn health(&self) -> HandlerHealth {
        let Some(smtp) = &self.smtp else { return HandlerHealth::Healthy };
        match smtp.check(HEALTH_TIME).await {
            Ok(()) => HandlerHealth::Healthy,
            Err(error) => HandlerHealth::Unavailable(error.message),
        }
    }
}

/// Faults that show before anything is rendered.
fn validate(configuration: &Value) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut add = |pointer: &str, code: &str, message: String| faults.push(FieldError::new(pointer, code, message));
    let text = |name: &str| configuration.get(name).and_then(Value::as_str).filter(|t| !t.trim().is_empty());
    if let Some(from) = text("from").filter(|t| !crate::template::has_markup(t))
        && let Err(why) = addresses::parse_one(from)
    {
        add("/from", "bad_address", format!("from: {why}."));
    }
    let mut recipients = 0;
    for name in ["to", "cc", "bcc", "reply_to"] {
        let Some(value) = configuration.get(name) else { continue };
        let items = value.as_array().map_or_else(|| vec![(format!("/{name}"), value)], |items| items.iter().enumerate().map(|(i, v)| (format!("/{name}/{i}"), v)).collect());
        for (pointer, item) in items.into_iter().filter(|(_, item)| !is_template(item)) {
            match addresses::parse(item) {
                Ok(found) => recipients += if name == "reply_to" { 0 } else { found.len() },
                Err(why) => add(&pointer, "bad_address", format!("{name}: {why}.")),
            }
        }
    }
    if recipients > MAX_RECIPIENTS {
        add("/to", "too_many", format!("The mail has {recipients} recipients; at most {MAX_RECIPIENTS} are allowed."));
    }
    if configuration.get("to").is_some_and(|to| to.as_array().is_some_and(Vec::is_empty) || to.as_str().is_some_and(|t| t.trim().is_empty())) {
        add("/to", "missing", "A mail needs at least one recipient.".into());
    }
    if let Some(Err(why)) = text("subject").map(addresses::refuse_control) {
        add("/subject", "control_character", format!("subject: {why}."));
    }
    let own_body = text("html").is_some() || text("text").is_some();
    match (text("template"), own_body) {
        (None, false) => add("/template", "missing", "A mail needs a body: choose a stored template, or write html or text.".into()),
        (Some(_), true) => add("/template", "not_together", "Either a stored template or html and text, not both.".into()),
        _ => {}
    }
    if text("subject").is_none() && text("template").is_none() {
        add("/subject", "missing", "A mail needs a subject.".into());
    }
    if configuration.get("params").is_some_and(|p| !p.is_object() && !p.is_null() && !is_template(p)) {
        add("/params", "wrong_type", "params must be an object.".into());
    }
    faults
}
