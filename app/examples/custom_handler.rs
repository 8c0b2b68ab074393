//! A service with one more handler: `slack`, which posts a message to a Slack-like incoming webhook.
//!
//! `cargo run -p app --example custom_handler` is all of `event-actions`, and its editor offers "Slack" with a form.

use std::process::ExitCode;
use std::sync::Arc;

use event_actions::handlers::{Call, Handler, HandlerError, Output, Preview, async_trait};
use event_actions::model::FieldError;
use event_actions::model::execution::ErrorClass;
use event_actions::model::handler::{Field, FieldKind, HandlerSpec, HandlerType};
use serde_json::{Value, json};

/// Posts through the webhook handler, and so has its address checks, redaction and retries.
struct Slack;

impl Slack {
    /// The webhook that a message is; the webhook handler renders the templates in it.
    fn webhook(call: &Call) -> Result<(Arc<dyn Handler>, Call), HandlerError> {
        let webhook = call.host.handler("webhook").ok_or_else(|| HandlerError::permanent(ErrorClass::NoHandler, "There is no webhook handler to post with."))?;
        let given = &call.configuration;
        let configuration = json!({"url": given["url"], "method": "POST", "body": {"channel": given["channel"], "text": given["text"]}});
        Ok((webhook, Call { configuration, ..call.clone() }))
    }
}

#[async_trait]
impl Handler for Slack {
    fn spec(&self) -> HandlerSpec {
        HandlerSpec {
            handler_type: HandlerType::new("slack"),
            label: "Slack".into(),
            description: "Posts a message to a channel.".into(),
            fields: vec![
                Field::new("url", "Incoming webhook", FieldKind::Url).required().placeholder("{{ secret.SLACK_URL }}"),
                Field::new("channel", "Channel", FieldKind::Text).required().placeholder("#sales"),
                Field::new("text", "Message", FieldKind::Multiline { language: "text".into() }).required().placeholder("{{ user.name }} signed up"),
            ],
        }
    }

    fn validate(&self, configuration: &Value) -> Vec<FieldError> {
        let fine = configuration["channel"].as_str().is_some_and(|c| c.starts_with(['#', '@', '{']));
        if fine { Vec::new() } else { vec![FieldError::new("/channel", "bad_channel", "A channel begins with # or @.")] }
    }

    fn preview(&self, call: &Call) -> Result<Preview, HandlerError> {
        Self::webhook(call).and_then(|(webhook, call)| webhook.preview(&call))
    }

    async fn handle(&self, call: &Call) -> Result<Output, HandlerError> {
        let (webhook, call) = Self::webhook(call)?;
        webhook.handle(&call).await
    }
}

fn main() -> ExitCode {
    app::server::Server::builder().handler(Slack).run()
}
