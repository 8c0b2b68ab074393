//! Trying a template: rendered for a made-up event, or sent to one address for real.

use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::template_of;
use crate::engine::executor::redact;
use crate::engine::library::{Kind, owner_of};
use crate::engine::{Caller, Engine, internal};
use crate::handlers::email::addresses;
use crate::handlers::email::mail::{checked_subject, with_params};
use crate::handlers::{Call, HandlerError, Output};
use crate::model::access::Scope;
use crate::model::error::Faults;
use crate::model::execution::ErrorClass;
use crate::model::template::{DraftPreview, NewTemplate, PreviewRequest, TemplatePreview, TestMail, TestMailReport};
use crate::model::{ApiError, FieldError};
use crate::template::{self, Context, has_markup};

/// Time for a test mail.
const SEND_TIME: Duration = Duration::from_secs(30);

/// Whether a string anywhere in a value is a template.
fn holds_markup(value: &Value) -> bool {
    match value {
        Value::String(text) => has_markup(text),
        Value::Array(items) => items.iter().any(holds_markup),
        Value::Object(members) => members.values().any(holds_markup),
        _ => false,
    }
}

/// Faults of a test mail. Addresses and params are taken literally: as templates they could print secrets that the sender of
/// the test may not use.
fn faults_of(test: &TestMail) -> Faults {
    let mut f = Faults::default();
    for (name, text) in [("to", &test.to), ("from", &test.from)] {
        if has_markup(text) {
            f.add(format!("/{name}"), "template", format!("{name} of a test mail is an address, no template."));
        } else if let Err(why) = addresses::parse_one(text) {
            f.add(format!("/{name}"), "bad_address", format!("{name}: {why}."));
        }
    }
    for (name, _) in test.params.iter().filter(|(_, value)| holds_markup(value)) {
        let pointer = format!("/params/{}", name.replace('~', "~0").replace('/', "~1"));
        f.add(pointer, "template", "Parameters of a test mail are taken literally and cannot be templates.");
    }
    f
}

/// Renders the parts of a template, each by itself.
fn render(template: &NewTemplate, context: &Context) -> TemplatePreview {
    let mut faults = Vec::new();
    let mut keep = |pointer: &str, rendered: Result<String, String>| rendered.map_err(|why| faults.push(FieldError::new(pointer, "render", why))).ok();
    let subject = template::render_text(&template.subject, context).map_err(|e| e.to_string()).and_then(|s| checked_subject(&s).map_err(|e| e.message));
    let subject = keep("/subject", subject);
    let html = template.html.as_ref().and_then(|html| keep("/html", template::render_html(html, context).map_err(|e| e.to_string())));
    let text = template.text.as_ref().and_then(|text| keep("/text", template::render_text(text, context).map_err(|e| e.to_string())));
    TemplatePreview { subject, html, text, faults }
}

impl Engine {
    /// A stored template, rendered for a made-up event. Secrets come out redacted, nothing is sent.
    ///
    /// # Errors
    /// 403 without `actions:read`, 404, 422 for a bad event; what cannot be rendered is no error but a fault in the answer.
    pub async fn preview_template(&self, caller: &Caller, id_or_name: &str, request: PreviewRequest) -> Result<TemplatePreview, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let item = self.find_item(caller, Kind::Template, id_or_name)?;
        let template = template_of(&item).definition;
        self.preview(caller, owner_of(&item), &template, request)
    }

    /// A template that need not be stored, rendered for a made-up event.
    ///
    /// # Errors
    /// 403 without `actions:read`, 422 for a bad event.
    pub async fn preview_template_draft(&self, caller: &Caller, draft: DraftPreview) -> Result<TemplatePreview, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let DraftPreview { subject, html, text, event, params } = draft;
        let template = NewTemplate { subject, html, text, ..NewTemplate::default() }.tidy();
        self.preview(caller, None, &template, PreviewRequest { event, params })
    }

    fn preview(&self, caller: &Caller, owner: Option<&str>, template: &NewTemplate, request: PreviewRequest) -> Result<TemplatePreview, ApiError> {
        let tenant = acting_tenant(caller, owner);
        let event = self.sample_event(caller, tenant.as_deref(), request.event)?;
        let call = self.sample_call("preview".to_owned(), tenant, json!({}), event, true, SEND_TIME);
        Ok(render(template, &with_params(call.context(), Value::Object(request.params))))
    }

    /// Sends a stored template to one address, through the mail server or into the outbox. Audited before it leaves.
    ///
    /// # Errors
    /// 403 without `actions:read` and `executions:write`, 404, 422 with every fault, 409 without an email handler. A mail that
    /// could not be sent is no error but told in the answer.
    pub async fn test_template(&self, caller: &Caller, id_or_name: &str, test: TestMail) -> Result<TestMailReport, ApiError> {
        caller.require(Scope::ActionsRead)?;
        caller.require(Scope::ExecutionsWrite)?;
        let item = self.find_item(caller, Kind::Template, id_or_name)?;
        faults_of(&test).into_result()?;
        let tenant = acting_tenant(caller, owner_of(&item));
        let event = self.sample_event(caller, tenant.as_deref(), test.event)?;
        let template = template_of(&item).definition;
        let configuration = configuration(&template, &test.to, &test.from, test.params);
        let mail_id = format!("test-{}", Uuid::now_v7());
        let audited = json!({"mail_id": mail_id, "to": test.to, "from": test.from, "version": item.version});
        let mut tx = self.db().begin().await.map_err(internal)?;
        self.audit(&mut tx, caller, "template.test_send", ("template", &item.id), Some(&event.tenant_id), None, Some(audited)).await?;
        tx.commit().await.map_err(internal)?;
        let call = self.sample_call(mail_id.clone(), tenant, configuration, event, false, SEND_TIME);
        let mut result = self.send_test(&call).await?;
        redact(&mut result, &call.host.handed_out());
        Ok(report(mail_id, result))
    }

    async fn send_test(&self, call: &Call) -> Result<Result<Output, HandlerError>, ApiError> {
        let handler = self.inner.handlers.get("email").ok_or_else(|| ApiError::conflict("no_handler", "This service has no handler \"email\"."))?;
        let sent = tokio::time::timeout(call.timeout, handler.handle(call)).await;
        Ok(sent.unwrap_or_else(|_| Err(HandlerError::retryable(ErrorClass::Timeout, format!("Timed out after {} s.", call.timeout.as_secs())))))
    }
}

/// On whose behalf a template is tried: its tenant's, or for a platform-wide one the caller's. A tenant's caller never acts for
/// the platform, whose secrets are none of its.
fn acting_tenant(caller: &Caller, owner: Option<&str>) -> Option<String> {
    owner.map(str::to_owned).or_else(|| caller.tenant_id.clone())
}

/// The configuration of an action that would send this very template.
fn configuration(template: &NewTemplate, to: &str, from: &str, params: Map<String, Value>) -> Value {
    let mut out = json!({"to": to, "from": from, "subject": template.subject, "params": params});
    for (name, body) in [("html", &template.html), ("text", &template.text)] {
        if let Some(body) = body {
            out[name] = json!(body);
        }
    }
    out
}

fn report(mail_id: String, result: Result<Output, HandlerError>) -> TestMailReport {
    match result {
        Ok(out) => TestMailReport { sent: true, sent_to: out.result.get("sent_to").and_then(Value::as_str).map(str::to_owned), mail_id, error: None, request: out.request },
        Err(e) => TestMailReport { sent: false, sent_to: None, mail_id, error: Some(e.to_execution_error()), request: e.request },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::access::Role;
    use crate::model::library::SampleEvent;

    fn test_mail(to: &str, params: Value) -> TestMail {
        TestMail { to: to.into(), from: "ops@example.com".into(), event: SampleEvent::default(), params: params.as_object().cloned().unwrap_or_default() }
    }

    #[test]
    fn a_test_mail_takes_everything_literally() {
        for (test, pointers) in [
            (test_mail("ada@example.com", json!({"name": "Ada"})), vec![]),
            (test_mail("{{ secret.X }}@example.com", json!({})), vec!["/to"]),
            (test_mail("a@example.com, b@example.com", json!({})), vec!["/to"]),
            (test_mail("ada@example.com", json!({"a/b": [{"c": "{{ secret.X }}"}]})), vec!["/params/a~1b"]),
        ] {
            assert_eq!(faults_of(&test).0.iter().map(|f| f.pointer.as_str()).collect::<Vec<_>>(), pointers, "{test:?}");
        }
    }

    #[test]
    fn a_tenant_never_acts_for_the_platform() {
        let member = Caller::member("u".into(), "u@example.com".into(), "a".into(), Role::Operator, None);
        assert_eq!(acting_tenant(&member, None).as_deref(), Some("a"));
        assert_eq!(acting_tenant(&Caller::system("test"), None), None);
        assert_eq!(acting_tenant(&Caller::system("test"), Some("b")).as_deref(), Some("b"));
    }

    #[test]
    fn each_part_renders_or_fails_by_itself() {
        let event: crate::model::event::Event = serde_json::from_value(json!({
            "id": "e", "tenant_id": "a", "event_type": "a.b", "data": {"name": "<Ada>"}, "metadata": {}, "aggregate_id": null, "aggregate_type": null,
            "occurred_at": "2026-01-01T00:00:00Z", "received_at": "2026-01-01T00:00:00Z", "correlation_id": null, "causation_id": null
        }))
        .unwrap();
        let context = with_params(Context::new(Arc::new(event)), json!({"shop": "S"}));
        let template =
            NewTemplate { subject: "Hi {{ name }}".into(), html: Some("{{ name }} {{ params.shop }}".into()), text: Some("{{ nobody }}".into()), ..NewTemplate::default() };
        let preview = render(&template, &context);
        assert_eq!((preview.subject.as_deref(), preview.html.as_deref(), preview.text), (Some("Hi <Ada>"), Some("&lt;Ada&gt; S"), None));
        assert!(preview.faults.len() == 1 && preview.faults[0].pointer == "/text" && preview.faults[0].message.contains("nobody"), "{:?}", preview.faults);
    }
}
