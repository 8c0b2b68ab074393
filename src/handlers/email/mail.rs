//! From a configuration to a mail: the one rendering that preview and handle share.

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use serde_json::{Map, Value, json};

use super::DEMO_DOMAIN;
use super::addresses::{self, MAX_RECIPIENTS};
use crate::handlers::render::{self, members, nonsense};
use crate::handlers::{Call, HandlerError, MailTemplate};
use crate::model::execution::ErrorClass;
use crate::model::path::ROOTS;
use crate::template::{self, Context, RenderError};

/// Longest subject, in bytes: one header line of RFC 5322.
pub const MAX_SUBJECT_BYTES: usize = 998;
/// Names that a member of `params` does not take over; it is found as `params.NAME`.
const RESERVED: [&str; 5] = ["action", "execution", "steps", "secret", "params"];

/// A mail, rendered and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// The sender.
    pub from: Mailbox,
    /// Recipients that all see; at least one.
    pub to: Vec<Mailbox>,
    /// Further recipients that all see.
    pub cc: Vec<Mailbox>,
    /// Recipients that nobody sees.
    pub bcc: Vec<Mailbox>,
    /// Where answers go.
    pub reply_to: Vec<Mailbox>,
    /// The subject.
    pub subject: String,
    /// The HTML body.
    pub html: Option<String>,
    /// The text body.
    pub text: Option<String>,
    /// The same on every attempt, without angle brackets.
    pub message_id: String,
}

impl Mail {
    /// Renders the call's configuration.
    ///
    /// # Errors
    /// Permanent: a template that cannot be rendered, an address that is none, a sender that is not allowed, a limit.
    pub fn render(call: &Call) -> Result<Self, HandlerError> {
        let configuration = members(&call.configuration);
        let (context, written) = Self::context(call, &configuration)?;
        let from = Self::sender(call, &context, &configuration)?;
        let list = |name: &str| -> Result<Vec<Mailbox>, HandlerError> {
            let rendered = rendered(&configuration, name, &context)?;
            addresses::parse(&rendered).map_err(|why| nonsense(format!("{name}: {why}.")))
        };
        let (mut to, mut cc, mut bcc, reply_to) = (list("to")?, list("cc")?, list("bcc")?, list("reply_to")?);
        addresses::without_repeats(&mut [&mut to, &mut cc, &mut bcc]);
        if to.is_empty() {
            return Err(nonsense("to: a mail needs at least one recipient, and this came out empty."));
        }
        let count = to.len() + cc.len() + bcc.len();
        if count > MAX_RECIPIENTS {
            return Err(HandlerError::permanent(ErrorClass::Limit, format!("The mail has {count} recipients; at most {MAX_RECIPIENTS} are allowed.")));
        }
        let message_id = format!("{}@{}", call.message_id().replace(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'), "-"), from.email.domain());
        let subject = written.subject(&context)?;
        let (html, text) = written.bodies(&context)?;
        Ok(Self { from, to, cc, bcc, reply_to, subject, html, text, message_id })
    }

    /// What templates see, with `params`, and the templates themselves.
    fn context<'c>(call: &Call, configuration: &'c Map<String, Value>) -> Result<(Context, Written<'c>), HandlerError> {
        let context = call.context();
        let params = rendered(configuration, "params", &context)?;
        let context = with_params(context, params);
        let stored = match configuration.get("template").and_then(Value::as_str).filter(|name| !name.is_empty()) {
            None => None,
            Some(name) => Some(
                call.host
                    .mail_template(&call.action, &call.event.tenant_id, name)
                    .ok_or_else(|| nonsense(format!("There is no mail template {name:?}; make it under Templates, or write html or text here.")))?,
            ),
        };
        Ok((context, Written { configuration, stored }))
    }

    fn sender(call: &Call, context: &Context, configuration: &Map<String, Value>) -> Result<Mailbox, HandlerError> {
        let text = rendered(configuration, "from", context)?;
        let from = addresses::parse_one(text.as_str().unwrap_or_default()).map_err(|why| nonsense(format!("from: {why}.")))?;
        let allowed = call.host.allowed_senders(&call.event.tenant_id);
        if addresses::is_allowed_sender(&from, &allowed) {
            return Ok(from);
        }
        Err(nonsense(format!("from: {} is not allowed as a sender of this tenant; allowed are {}.", from.email, allowed.join(", "))))
    }

    /// Every recipient, hidden ones included.
    #[must_use]
    pub fn recipients(&self) -> Vec<String> {
        [&self.to, &self.cc, &self.bcc].into_iter().flatten().map(|m| m.email.to_string()).collect()
    }

    /// Whether every recipient is one of the demo's, who do not exist.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        [&self.to, &self.cc, &self.bcc].into_iter().flatten().all(|m| m.email.domain().eq_ignore_ascii_case(DEMO_DOMAIN))
    }

    /// As previews and attempts show it.
    #[must_use]
    pub fn to_request(&self) -> Value {
        let list = |mailboxes: &[Mailbox]| mailboxes.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut shown = json!({
            "from": self.from.to_string(), "to": list(&self.to), "subject": self.subject, "html": self.html, "text": self.text, "message_id": self.message_id,
        });
        for (name, mailboxes) in [("cc", &self.cc), ("bcc", &self.bcc), ("reply_to", &self.reply_to)] {
            if !mailboxes.is_empty() {
                shown[name] = json!(list(mailboxes));
            }
        }
        shown
    }

    /// The message as it travels. Hidden recipients are in the envelope alone.
    ///
    /// # Errors
    /// Permanent, when no message can be made of it.
    pub fn to_message(&self) -> Result<Message, HandlerError> {
        let unfit = |e: &dyn std::fmt::Display| nonsense(format!("No mail can be made of this: {e}."));
        let recipients = [&self.to, &self.cc, &self.bcc].into_iter().flatten().map(|m| m.email.clone()).collect();
        let envelope = Envelope::new(Some(self.from.email.clone()), recipients).map_err(|e| unfit(&e))?;
        let mut builder = Message::builder().from(self.from.clone()).subject(self.subject.clone()).message_id(Some(format!("<{}>", self.message_id))).envelope(envelope);
        // Tells other machines not to answer by themselves.
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
        builder = self.reply_to.iter().cloned().fold(builder, lettre::message::MessageBuilder::reply_to);
        builder = self.to.iter().cloned().fold(builder, lettre::message::MessageBuilder::to);
        builder = self.cc.iter().cloned().fold(builder, lettre::message::MessageBuilder::cc);
        match (&self.text, &self.html) {
            (Some(text), Some(html)) => builder.multipart(MultiPart::alternative_plain_html(text.clone(), html.clone())),
            (None, Some(html)) => builder.singlepart(SinglePart::html(html.clone())),
            (text, None) => builder.header(ContentType::TEXT_PLAIN).body(text.clone().unwrap_or_default()),
        }
        .map_err(|e| unfit(&e))
    }
}

/// Where subject and bodies come from: the configuration, else the stored template.
struct Written<'c> {
    configuration: &'c Map<String, Value>,
    stored: Option<MailTemplate>,
}

impl Written<'_> {
    fn own(&self, name: &str) -> Option<&str> {
        self.configuration.get(name).and_then(Value::as_str).filter(|t| !t.is_empty())
    }

    fn subject(&self, context: &Context) -> Result<String, HandlerError> {
        let source = self.own("subject").or(self.stored.as_ref().map(|t| t.subject.as_str())).unwrap_or_default();
        let subject = template::render_text(source, context).map_err(|e| self.failed(e, "subject"))?;
        checked_subject(&subject)
    }

    fn bodies(&self, context: &Context) -> Result<(Option<String>, Option<String>), HandlerError> {
        let (html, text) = match &self.stored {
            Some(stored) => (stored.html.as_deref(), stored.text.as_deref()),
            None => (self.own("html"), self.own("text")),
        };
        let html = html.map(|t| template::render_html(t, context)).transpose().map_err(|e| self.failed(e, "html"))?;
        let text = text.map(|t| template::render_text(t, context)).transpose().map_err(|e| self.failed(e, "text"))?;
        if html.is_none() && text.is_none() {
            return Err(nonsense("A mail needs a body: html, text or a stored template that has one of them."));
        }
        if [&html, &text].into_iter().flatten().any(|body| body.contains('\0')) {
            return Err(nonsense("The body of the mail contains a NUL character."));
        }
        Ok((html, text))
    }

    fn failed(&self, error: RenderError, part: &str) -> HandlerError {
        let from_stored = self.stored.as_ref().filter(|_| part != "subject" || self.own("subject").is_none());
        match from_stored {
            Some(stored) => render::failed(&RenderError { message: format!("The mail template {:?}, {part}: {}", stored.name, error.message), ..error }),
            None => render::failed(&error.under(&format!("/{part}"))),
        }
    }
}

/// What templates see, with the rendered `params`: under that name, and its members by their own names, save those that mean
/// something else.
#[must_use]
pub fn with_params(mut context: Context, params: Value) -> Context {
    for (name, value) in params.as_object().into_iter().flatten().filter(|(name, _)| !ROOTS.contains(&name.as_str()) && !RESERVED.contains(&name.as_str())) {
        context = context.with(name, value.clone());
    }
    context.with("params", if params.is_null() { json!({}) } else { params })
}

/// A rendered subject, trimmed.
///
/// # Errors
/// Permanent, when no mail can have it.
pub fn checked_subject(rendered: &str) -> Result<String, HandlerError> {
    let subject = rendered.trim();
    addresses::refuse_control(subject).map_err(|why| nonsense(format!("subject: {why}.")))?;
    if subject.is_empty() {
        return Err(nonsense("subject: a mail needs a subject, and this came out empty."));
    }
    if subject.len() > MAX_SUBJECT_BYTES {
        return Err(HandlerError::permanent(ErrorClass::Limit, format!("subject: it has {} bytes; at most {MAX_SUBJECT_BYTES} are allowed.", subject.len())));
    }
    Ok(subject.to_owned())
}

/// One member of the configuration, rendered; null when absent.
fn rendered(configuration: &Map<String, Value>, name: &str, context: &Context) -> Result<Value, HandlerError> {
    let Some(value) = configuration.get(name) else { return Ok(Value::Null) };
    template::render_value(value, context, &[]).map_err(|e| render::failed(&e.under(&format!("/{name}"))))
}
