//! Trying a template or a function from its page: with a stored event or a made-up one. Nothing typed is stored.

use axum::response::Response;
use event_actions::engine::{Caller, Engine};
use event_actions::model::event::Event;
use event_actions::model::function::RunFunction;
use event_actions::model::library::SampleEvent;
use event_actions::model::template::{DraftPreview, TemplatePreview, TestMail, TestMailReport};
use event_actions::model::{ApiError, ErrorKind};
use serde_json::{Map, Value, json};

use super::{FUNCTION, TEMPLATE, Tried, body};
use crate::editing::json_text::{JsonFault, parse, parse_object};
use crate::forms_admin::{Doors, End, given};
use crate::posted::Posted;

/// What came of trying a template.
#[derive(Clone, Debug)]
pub enum TriedTemplate {
    /// It was rendered as typed.
    Shown(TemplatePreview),
    /// The saved one was sent, or could not be.
    Sent(TestMailReport),
}

/// A stored event as the event of a test. Who looks at no tenant tests for the event's own.
#[must_use]
pub fn sample_of(event: Event, caller: &Caller) -> SampleEvent {
    let object = |value: Value| match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let mut metadata = object(event.metadata);
    if caller.tenant_id.is_none() {
        metadata.entry("tenant_id").or_insert_with(|| json!(event.tenant_id));
    }
    SampleEvent { event_type: Some(event.event_type), event_data: object(event.data), metadata }
}

fn fault(pointer: &'static str) -> impl Fn(JsonFault) -> ApiError {
    move |fault| ApiError::invalid(pointer, "bad_json", fault.sentence())
}

/// What a form says of the event: a stored one's id, else type and payload of a made-up one.
struct Chosen {
    id: Option<String>,
    event_type: Option<String>,
    event_data: String,
}

impl Chosen {
    fn of(posted: &Posted) -> Self {
        Self { id: given(posted, "event_id"), event_type: given(posted, "event_type"), event_data: posted.field("event_data") }
    }

    async fn sample(self, engine: &Engine, caller: &Caller) -> Result<SampleEvent, ApiError> {
        let Some(id) = self.id else {
            let event_data = parse_object(&self.event_data).map_err(fault("/event_data"))?;
            return Ok(SampleEvent { event_type: self.event_type, event_data, metadata: Map::new() });
        };
        match engine.get_event(caller, &id, None).await {
            Ok(event) => Ok(sample_of(event, caller)),
            Err(e) if e.kind == ErrorKind::NotFound => Err(ApiError::invalid("/event_id", "not_found", "This event is not stored any more; choose another.")),
            Err(e) => Err(e),
        }
    }
}

/// The page again with what came of trying.
async fn tried<T: Clone + Send + Sync + 'static>(doors: Doors, posted: Posted, result: Result<T, ApiError>, page: String, keep: &'static [&'static str]) -> Response {
    match result {
        Ok(found) => {
            let fields = keep.iter().map(|name| (*name, posted.field(name))).collect();
            posted.show(doors.pages, &page, Tried { fields, found }, None).await
        }
        Err(error) => doors.refuse(posted, error, End::new(page, "").keeping("edit", keep)).await,
    }
}

/// Renders the template as typed.
pub(super) async fn preview(doors: Doors, posted: Posted, page: String) -> Response {
    let draft = DraftPreview { subject: posted.field("subject"), html: body(&posted, "html"), text: body(&posted, "text"), ..DraftPreview::default() };
    let (engine, caller) = (&doors.engine, &posted.caller);
    let result = match Chosen::of(&posted).sample(engine, caller).await {
        Ok(event) => engine.preview_template_draft(caller, DraftPreview { event, ..draft }).await.map(TriedTemplate::Shown),
        Err(e) => Err(e),
    };
    tried(doors, posted, result, page, TEMPLATE).await
}

/// Sends the saved template to the address that was typed.
pub(super) async fn send_test(doors: Doors, posted: Posted, id: &str, page: String) -> Response {
    let (to, from) = (posted.field("to").trim().to_owned(), posted.field("from").trim().to_owned());
    let (engine, caller) = (&doors.engine, &posted.caller);
    let result = match Chosen::of(&posted).sample(engine, caller).await {
        Ok(event) => engine.test_template(caller, id, TestMail { to, from, event, params: Map::new() }).await.map(TriedTemplate::Sent),
        Err(e) => Err(e),
    };
    tried(doors, posted, result, page, TEMPLATE).await
}

/// What a run is asked for, but for its event.
fn asked(posted: &Posted) -> Result<RunFunction, ApiError> {
    let args = given(posted, "args").map_or_else(|| Ok(Vec::new()), |text| parse(&text).map_err(fault("/args")))?;
    let kwargs = parse_object(&posted.field("kwargs")).map_err(fault("/kwargs"))?;
    let seconds = |text: String| text.parse().map_err(|_| ApiError::invalid("/timeout_seconds", "not_a_number", "The time is a whole number of seconds."));
    let timeout_seconds = given(posted, "timeout_seconds").map(seconds).transpose()?;
    Ok(RunFunction { source: Some(posted.field("source")), function: given(posted, "function"), args, kwargs, timeout_seconds, ..RunFunction::default() })
}

/// Runs the function as typed.
pub(super) async fn run(doors: Doors, posted: Posted, page: String) -> Response {
    let (engine, caller) = (&doors.engine, &posted.caller);
    let result = match (asked(&posted), Chosen::of(&posted).sample(engine, caller).await) {
        (Ok(run), Ok(event)) => engine.run_function_draft(caller, RunFunction { event, ..run }).await,
        (Err(e), _) | (_, Err(e)) => Err(e),
    };
    tried(doors, posted, result, page, FUNCTION).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_event_is_tested_for_its_own_tenant() {
        let event: Event = serde_json::from_value(json!({
            "id": "e", "tenant_id": "north", "event_type": "a.b", "data": {"n": 1}, "metadata": {"region": "eu"}, "aggregate_id": null, "aggregate_type": null,
            "occurred_at": "2026-01-01T00:00:00Z", "received_at": "2026-01-01T00:00:00Z", "correlation_id": null, "causation_id": null
        }))
        .unwrap();
        let platform = Caller::system("test");
        let sample = sample_of(event.clone(), &platform);
        assert_eq!((sample.event_type.as_deref(), json!(sample.event_data), json!(sample.metadata)), (Some("a.b"), json!({"n": 1}), json!({"region": "eu", "tenant_id": "north"})));
        let looking = Caller { tenant_id: Some("north".into()), ..platform };
        assert_eq!(json!(sample_of(event, &looking).metadata), json!({"region": "eu"}));
    }
}
