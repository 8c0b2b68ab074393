//! The editor without JavaScript: plain fields, and JSON for conditions, context filters and configuration.
//!
//! Each field is named by the JSON Pointer of what it sets; see `forms_actions`.

use event_actions::model::action::{ExecutionMode, NewAction, Priority};
use event_actions::model::testing::{TestReport, TestRequest};
use event_actions::model::{ApiError, FieldError};
use leptos::prelude::*;
use serde::Serialize;

use super::Begun;
use super::result::found;
use crate::components::button::{Button, ButtonKind};
use crate::components::feedback::{ErrorSummary, error_at, field_id};
use crate::components::fields::{NumberField, SelectField, TextAreaField, TextField};
use crate::components::page_head::{PageHead, Panel};
use crate::components::switches::CheckBox;
use crate::editing::form::Form;
use crate::editing::handler_form::HandlerForm;
use crate::forms_actions::Kept;

/// What stands in the fields and what is wrong with them.
struct Shown {
    form: Form,
    errors: Vec<FieldError>,
}

impl Shown {
    fn error(&self, pointer: &str) -> Option<String> {
        error_at(&self.errors, pointer)
    }
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The fields of an action as plain texts.
fn texts(action: &NewAction) -> Form {
    let mut form = Form::of(action, &[]);
    for (pointer, text) in [
        ("/event_types", action.event_types.join(", ")),
        ("/tags", action.tags.join(", ")),
        ("/conditions", pretty(&action.conditions)),
        ("/context_filters", pretty(&action.context_filters)),
        ("/configuration", pretty(&action.configuration)),
    ] {
        form.set(pointer, text.into());
    }
    form
}

/// The field that a fault is shown at: JSON has one for all that is in it.
fn anchored(mut error: ApiError) -> ApiError {
    for fault in &mut error.errors {
        let root = fault.pointer.split('/').nth(1).unwrap_or_default().to_owned();
        if ["conditions", "context_filters", "configuration", "event_types", "tags"].contains(&root.as_str()) {
            let inside = crate::editing::json_text::readable(fault.pointer.trim_start_matches('/').trim_start_matches(&root));
            if !inside.is_empty() && !fault.message.contains(&inside) {
                fault.message = format!("{inside}: {}", fault.message);
            }
            fault.pointer = format!("/{root}");
        }
    }
    error
}

/// The page.
pub fn form(begun: &Begun, kept: Option<Kept>) -> impl IntoView + use<> {
    let kept = kept.unwrap_or_else(|| Kept { form: texts(&begun.definition), version: Some(begun.version), sample: sample_of(begun), ..Kept::default() });
    let error = kept.error.map(anchored);
    let shown = Shown { form: kept.form, errors: error.as_ref().map(|e| e.errors.clone()).unwrap_or_default() };
    let path = begun.id.as_ref().map_or_else(|| "/actions/new".to_owned(), |id| format!("/actions/{id}/edit"));
    let title = if begun.id.is_some() { format!("Edit {}", begun.definition.name) } else { "New action".to_owned() };
    let version = kept.version.unwrap_or(begun.version);
    let summary = error.map(|error| view! { <ErrorSummary error=error/> });
    let tenant = shown.form.text("/tenant_id");
    let [sample_type, sample_data, sample_metadata] = kept.sample;
    let sample_errors = |name: &str| error_at(&shown.errors, &format!("/sample_{name}"));
    let sample = view! {
        <div class="form-grid">
            <TextField id="f-sample_type" name="sample_type" label="Event type" class="s4" mono=true value=sample_type error=error_at(&shown.errors, "/event_type")/>
            <TextAreaField id="f-sample_data" name="sample_data" label="Data, JSON" class="s12" mono=true rows=6 value=sample_data error=sample_errors("data")/>
            <TextAreaField id="f-sample_metadata" name="sample_metadata" label="Metadata, JSON" class="s12" mono=true rows=3 value=sample_metadata error=sample_errors("metadata")/>
        </div>
    };
    view! {
        <form method="post" action=path class="stack" aria-label="Action">
            <PageHead title=title crumbs=vec![("Actions".to_owned(), "/actions".to_owned())]>
                // The first button is the one that Enter presses.
                <Button kind=ButtonKind::Primary submit=true attr:name="do" attr:value="save">"Save"</Button>
                <Button submit=true attr:name="do" attr:value="save_disabled">"Save disabled"</Button>
            </PageHead>
            {summary}
            <input type="hidden" name="version" value=version.to_string()/>
            {(!tenant.is_empty()).then(|| view! { <input type="hidden" name="/tenant_id" value=tenant/> })}
            {event(&shown)}
            {handler(&shown, &begun.handlers)}
            {delivery(&shown)}
            <Panel id="p-test" title="Test this draft">
                <div class="stack">
                    {sample}
                    <div class="row"><Button submit=true attr:name="do" attr:value="try">"Dry run"</Button><span class="hint">"Nothing is sent, nothing is saved."</span></div>
                    {kept.tried.map(|(report, request)| outcome(report, &request))}
                </div>
            </Panel>
        </form>
    }
}

fn sample_of(begun: &Begun) -> [String; 3] {
    begun.sample.as_ref().map_or_else(
        || [begun.definition.event_types.iter().find(|t| !t.contains('*')).cloned().unwrap_or_default(), "{}".to_owned(), "{}".to_owned()],
        |e| [e.event_type.clone(), pretty(&e.data), pretty(&e.metadata)],
    )
}

fn text(shown: &Shown, pointer: &'static str, label: &'static str, class: &'static str, mono: bool, hint: &'static str) -> AnyView {
    let hint = Some(hint.to_owned()).filter(|h| !h.is_empty());
    view! { <TextField id=field_id(pointer) name=pointer label=label class=class mono=mono value=shown.form.text(pointer) hint=hint error=shown.error(pointer)/> }.into_any()
}

fn lines(shown: &Shown, pointer: &'static str, label: &'static str, rows: u32, hint: &'static str) -> AnyView {
    view! { <TextAreaField id=field_id(pointer) name=pointer label=label class="s12" mono=true rows=rows value=shown.form.text(pointer) hint=hint error=shown.error(pointer)/> }
        .into_any()
}

fn number(shown: &Shown, pointer: &'static str, label: &'static str) -> AnyView {
    view! { <NumberField id=field_id(pointer) name=pointer label=label class="s3 half-s" min=Some(0) value=shown.form.text(pointer) error=shown.error(pointer)/> }.into_any()
}

fn select(shown: &Shown, pointer: &'static str, label: &'static str, options: Vec<(String, String)>) -> AnyView {
    view! { <SelectField id=field_id(pointer) name=pointer label=label class="s3" options=options value=shown.form.text(pointer) error=shown.error(pointer)/> }.into_any()
}

fn words(all: &[&str]) -> Vec<(String, String)> {
    all.iter().map(|w| ((*w).to_owned(), (*w).to_owned())).collect()
}

fn event(shown: &Shown) -> impl IntoView + use<> {
    let fields = [
        text(shown, "/event_types", "Event types", "s7", true, "Separated by commas: order.paid, order.*, or * for all."),
        text(shown, "/name", "Name", "s5", false, ""),
        text(shown, "/description", "Description", "s7", false, ""),
        text(shown, "/tags", "Tags", "s5", false, "Separated by commas."),
        lines(
            shown,
            "/conditions",
            "Conditions, JSON",
            10,
            "A list; all must hold: {\"field\", \"operator\", \"value\"}, or a group {\"any\": [...]}, {\"all\": [...]}, {\"none\": [...]}.",
        ),
        lines(shown, "/context_filters", "Context filters, JSON", 4, "An object: each key must be in the event’s metadata and equal, or be one of a list."),
    ]
    .into_iter()
    .collect_view();
    view! { <Panel id="p-event" title="Event"><div class="form-grid">{fields}</div></Panel> }
}

fn handler(shown: &Shown, handlers: &[HandlerForm]) -> impl IntoView + use<> {
    let options = handlers.iter().map(|h| (h.handler_type.clone(), h.label.clone())).collect();
    let guides = handlers
        .iter()
        .map(|h| {
            let fields = h.fields.iter().map(|f| view! { <dt><code>{f.name.clone()}</code></dt><dd>{f.label.clone()}{f.required.then_some(", required")}{(!f.help.is_empty()).then(|| format!(". {}", f.help))}</dd> }).collect_view();
            view! { <details class="data"><summary>{format!("Fields of {}", h.label)}</summary><dl class="kv">{fields}</dl></details> }
        })
        .collect_view();
    let choice = select(shown, "/handler_type", "Handler", options);
    let configuration = lines(shown, "/configuration", "Configuration, JSON", 12, "Its strings are templates: {{ order.number }}.");
    view! {
        <Panel id="p-handler" title="What happens">
            <div class="stack-8"><div class="form-grid">{choice}{configuration}</div>{guides}</div>
        </Panel>
    }
}

fn delivery(shown: &Shown) -> impl IntoView + use<> {
    let fields = [
        select(shown, "/execution_mode", "Mode", words(&ExecutionMode::ALL.map(ExecutionMode::name))),
        select(shown, "/priority", "Priority", words(&Priority::ALL.map(Priority::name))),
        number(shown, "/max_retries", "Retries"),
        number(shown, "/retry_delay_seconds", "First wait, s"),
        select(shown, "/retry_strategy", "Waits", vec![("exponential".to_owned(), "doubling".to_owned()), ("fixed".to_owned(), "always the same".to_owned())]),
        number(shown, "/timeout_seconds", "Timeout, s"),
        number(shown, "/rate_limit/max", "At most"),
        number(shown, "/rate_limit/per_seconds", "Per, s"),
        number(shown, "/max_concurrency", "At once, per node"),
        number(shown, "/circuit_breaker/failures", "Breaker opens after"),
        number(shown, "/circuit_breaker/cooldown_seconds", "Probe after, s"),
        text(shown, "/ordering_key", "Ordering key", "s6", true, "A template; executions with the same key run one at a time."),
    ]
    .into_iter()
    .collect_view();
    let enabled = shown.form.flag("/is_enabled", true);
    view! {
        <Panel id="p-delivery" title="Delivery">
            <div class="form-grid">
                {fields}
                <div class="field s12"><CheckBox label="Enabled" name="/is_enabled" checked=enabled/></div>
            </div>
        </Panel>
    }
}

fn outcome(report: TestReport, request: &TestRequest) -> AnyView {
    let head = match (report.report.stopped_at, report.report.matched) {
        (None, _) => "Would run.".to_owned(),
        (Some(_), true) => format!("Would be made, but: {}", report.report.reason),
        (Some(_), false) => format!("Would not run: {}", report.report.reason),
    };
    view! { <div class="stack" id="tried" role="status"><p class="says"><strong>{head}</strong></p>{found(report, request, &serde_json::Map::new(), false)}</div> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_actions::model::handler::HandlerType;
    use serde_json::json;

    #[test]
    fn plain_texts_mean_the_same_action() {
        let mut action = NewAction::blank(HandlerType::new("webhook"));
        action.name = "A".into();
        action.event_types = vec!["a.b".into(), "c.*".into()];
        action.configuration = json!({"url": "https://a.example", "headers": {"x": "1"}});
        action.context_filters = json!({"region": ["eu", "us"]}).as_object().cloned().unwrap_or_default();
        action.conditions = crate::editing::json_text::parse_conditions(r#"[{"any":[{"field":"a","operator":"exists"}]}]"#).expect("conditions");
        action.tags = vec!["x".into(), "y".into()];
        assert_eq!(crate::editing::read::read_plain(&texts(&action), &[]), (action, Vec::new()));
    }

    #[test]
    fn faults_inside_json_are_shown_at_its_field() {
        let error = anchored(ApiError::invalid("/conditions/2/value", "missing", "gt needs a value."));
        assert_eq!((error.errors[0].pointer.as_str(), error.errors[0].message.as_str()), ("/conditions", "2.value: gt needs a value."));
    }
}
