//! The simulator: send an event, or ask which actions it would fire. A plain form, and the same with curl.

use event_actions::model::FieldError;
use event_actions::model::event::Event;
use leptos::prelude::*;
use serde_json::Value;

use crate::components::button::{Button, ButtonKind};
use crate::components::curl::{EventFields, send_event};
use crate::components::feedback::{ErrorSummary, error_at, field_id};
use crate::components::fields::{TextAreaField, TextField};
use crate::components::icon::{self, Icon};
use crate::components::page_head::Panel;
use crate::forms_events::KeptEvent;
use crate::islands::copy::CopyFrom;
use crate::islands::send_curl::SendCurl;
use crate::pages::event::trace;

/// What the form holds when nothing was typed and no event is to be repeated.
const SAMPLE_DATA: &str = "{\n  \"id\": 1\n}";

/// What the simulator shows.
pub struct Simulator {
    /// What was typed and refused or asked about.
    pub kept: Option<KeptEvent>,
    /// The event to begin with.
    pub from: Option<Event>,
    /// Whether it is unfolded.
    pub is_open: bool,
    /// Whether the caller may send.
    pub may_send: bool,
    /// Whether the caller may ask which actions an event would fire.
    pub may_ask: bool,
    /// Whether all tenants are looked at, so that the event must name its own.
    pub is_platform: bool,
    /// The public address of the service.
    pub base: String,
    /// Names this page, so that pressing twice sends once.
    pub key: String,
}

fn pretty(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => String::new(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

/// The fields of a stored event, to be sent again. Its tenant is that of whoever sends it, or named where that is nobody's.
fn fields_of(event: &Event, is_platform: bool) -> EventFields {
    let mut metadata = event.metadata.clone();
    if is_platform && metadata.is_object() {
        metadata["tenant_id"] = Value::String(event.tenant_id.clone());
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    EventFields {
        event_type: event.event_type.clone(),
        aggregate_type: text(&event.aggregate_type),
        aggregate_id: text(&event.aggregate_id),
        correlation_id: text(&event.correlation_id),
        data: serde_json::to_string_pretty(&event.data).unwrap_or_default(),
        metadata: pretty(&metadata),
    }
}

/// The panel, shown when it is wanted, and what a question found beneath it.
pub fn simulator(of: Simulator) -> impl IntoView {
    let KeptEvent { fields, error, found } = of.kept.unwrap_or_else(|| {
        let fields = of.from.as_ref().map_or_else(|| EventFields { data: SAMPLE_DATA.to_owned(), ..EventFields::default() }, |e| fields_of(e, of.is_platform));
        KeptEvent { fields, ..KeptEvent::default() }
    });
    let first = send_event(&of.base, &fields.body().unwrap_or_else(|| EventFields { event_type: fields.event_type.clone(), ..EventFields::default() }.body().unwrap_or_default()));
    let errors = error.as_ref().map(|e| e.errors.clone()).unwrap_or_default();
    let summary = error.map(|error| {
        let title = if error.errors.is_empty() { error.detail.clone() } else { "The event was not sent".to_owned() };
        view! { <ErrorSummary error=error title=title/> }
    });
    let answer = found.map(|found| {
        let all = found.matched.into_iter().chain(found.stopped).collect();
        let groups = trace::grouped(all);
        let note = trace::summary(&groups, false);
        view! {
            <Panel id="found" title="Which actions this event would fire" note=note flush=true>
                {trace::table(trace::Table { groups, executions: Vec::new(), stored: false, strip_href: None })}
                <p class="panel-foot">"Nothing was sent. Handlers and templates are not tried here; an action\u{2019}s own test does that."</p>
            </Panel>
        }
    });
    let title = if of.may_send { "Send an event" } else { "Ask about an event" };
    view! {
        <details class="panel simulator" id="send" open=true>
            <summary class="panel-head"><Icon of=icon::SEND/><h2>{title}</h2><span class="note">"or ask which actions it would fire"</span><Icon of=icon::CHEVRON class="push"/></summary>
            <div class="panel-body stack">
                {summary}
                <div class="cols cols-21 cols-m1">
                    {form(fields, &errors, (of.may_send, of.may_ask), of.is_platform, of.key)}
                    <div class="stack-8">
                        <div class="row"><h3>"The same with curl"</h3><span class="push"><CopyFrom of="send-curl".to_owned() label="Copy as curl".to_owned() small=false/></span></div>
                        <SendCurl base=of.base first=first/>
                        <p class="hint">"Put an API key with the scope events:write into EVENT_ACTIONS_KEY."</p>
                    </div>
                </div>
            </div>
        </details>
        {answer}
    }
}

fn form(fields: EventFields, errors: &[FieldError], (may_send, may_ask): (bool, bool), is_platform: bool, key: String) -> impl IntoView + use<> {
    let error = |pointer: &str| {
        let at = |p: &str| error_at(errors, p);
        if pointer == "/metadata" { at(pointer).or_else(|| at("/metadata/tenant_id")) } else { at(pointer) }
    };
    let send = may_send.then(|| view! { <Button submit=true kind=ButtonKind::Primary icon=icon::SEND attr:name="do" attr:value="send">"Send"</Button> });
    let ask = may_ask.then(|| view! { <Button submit=true icon=icon::ACTION attr:name="do" attr:value="match">"Which actions would this fire?"</Button> });
    let hint = if is_platform {
        "A JSON object. Name the tenant in tenant_id; without it, the event is of tenant default."
    } else {
        "A JSON object, such as {\"source\": \"checkout\"}. May be empty."
    };
    view! {
        <form class="stack" method="post" action="/events/send#found" aria-label="Send an event">
            <input type="hidden" name="key" value=key/>
            <div class="form-grid">
                <TextField id=field_id("/event_type") label="Type" name="event_type" value=fields.event_type mono=true required=true placeholder="order.paid" class="s6" error=error("/event_type")/>
                <TextField id=field_id("/correlation_id") label="Correlation id" name="correlation_id" value=fields.correlation_id mono=true class="s6" error=error("/correlation_id")/>
                <TextField id=field_id("/aggregate_type") label="Aggregate type" name="aggregate_type" value=fields.aggregate_type class="s6" placeholder="order" error=error("/aggregate_type")/>
                <TextField id=field_id("/aggregate_id") label="Aggregate id" name="aggregate_id" value=fields.aggregate_id mono=true class="s6" error=error("/aggregate_id")/>
                <TextAreaField id=field_id("/data") label="Data" name="data" value=fields.data rows=10 mono=true class="s12" hint="A JSON object." error=error("/data")/>
                <TextAreaField id=field_id("/metadata") label="Metadata" name="metadata" value=fields.metadata rows=3 mono=true class="s12" hint=hint error=error("/metadata")/>
            </div>
            <div class="row row-wrap">{send}{ask}</div>
        </form>
    }
}
