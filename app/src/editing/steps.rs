//! The steps of a workflow as their controls show them: which fields a step has, and from stored value to control and back.

use event_actions::model::error::Faults;
use serde_json::{Map, Value, json};

use super::config::{close_at, json_shown, open_with, whole};
use super::handler_form::{Control, FormField, HandlerForm};
use super::json_text;

/// What a workflow can do by itself, as word and label; every handler type is a step besides.
pub const OWN: [(&str, &str); 4] = [("validate", "Validate the data"), ("transform", "Transform"), ("send", "Send"), ("delay", "Wait")];
/// Longest delay of one step, in seconds: 30 days.
const MAX_DELAY_SECONDS: i64 = 30 * 86_400;
/// The type of a step that is a workflow itself: edited as JSON.
const WORKFLOW: &str = "workflow";

/// The ways in which an action can be done, as word and label; none for actions with one way.
#[must_use]
pub fn ways(action: &str) -> &'static [(&'static str, &'static str)] {
    match action {
        "transform" => &[("mapping", "Mapping"), ("template", "Template"), ("format", "Format")],
        "send" => &[("webhook", "Webhook"), ("email", "Email"), ("event", "Event"), ("queue", "Event, queued")],
        _ => &[],
    }
}

/// The way that the parameters of a step take; empty for actions with one way.
#[must_use]
pub fn way_of(action: &str, params: Option<&Value>) -> &'static str {
    let has = |name: &str| params.is_some_and(|p| p.get(name).is_some());
    let destination = params.and_then(|p| p.get("destination")).and_then(Value::as_str);
    let all = ways(action);
    let found = if action == "send" { all.iter().find(|(word, _)| Some(*word) == destination) } else { all.iter().find(|(word, _)| has(word)) };
    found.or(all.first()).map_or("", |(word, _)| *word)
}

/// What the parameters become when another action or way is chosen: members that still have a field stay.
#[must_use]
pub fn params_for(handlers: &[HandlerForm], action: &str, way: &str, before: Option<&Value>) -> Value {
    let form = step_form(handlers, action, way);
    let kept = before.and_then(Value::as_object).into_iter().flatten().filter(|(name, _)| form.as_ref().is_some_and(|f| f.field(name).is_some()));
    let mut out: Map<String, Value> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    match action {
        "send" => drop(out.insert("destination".to_owned(), json!(way))),
        "transform" => drop(out.entry(way.to_owned()).or_insert_with(|| json!(if way == "format" { "json" } else { "" }))),
        _ => {}
    }
    Value::Object(out)
}

/// A name that no other step has: `wanted`, else with a number behind it.
#[must_use]
pub fn free_name(steps: Option<&Value>, wanted: &str) -> String {
    let taken: Vec<&str> = steps.and_then(Value::as_array).into_iter().flatten().filter_map(|s| s.get("name").and_then(Value::as_str)).collect();
    let stem = wanted.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
    std::iter::once(wanted.to_owned()).chain((2..).map(|n| format!("{stem}_{n}"))).find(|name| !taken.contains(&name.as_str())).unwrap_or_default()
}

/// The fields of a step; none when its parameters can only be written as JSON.
#[must_use]
pub fn step_form(handlers: &[HandlerForm], action: &str, way: &str) -> Option<HandlerForm> {
    let fields = match (action, way) {
        ("validate", _) => vec![
            field("required_fields", "Needs these fields", Control::Texts, "Paths in data, such as user.email."),
            field("schema", "JSON Schema of data", Control::Json, "Both are checked when both are given."),
        ],
        ("transform", "format") => vec![FormField {
            options: ["json", "text", "csv"].map(str::to_owned).into(),
            default: Some(json!("json")),
            ..field("format", "Into", Control::Choice, "Of the result of the step before, else of data.")
        }],
        ("transform", "template") => {
            vec![needed(templated(field("template", "Template", Control::Lines, "Its text is the result; a template that is one expression keeps its type.")))]
        }
        ("transform", _) => vec![needed(templated(field("mapping", "Mapping", Control::Json, "An object whose strings are templates: {\"name\": \"{{ user.name }}\"}.")))],
        ("delay", _) => vec![needed(templated(FormField {
            bounds: Some((0, MAX_DELAY_SECONDS)),
            unit: Some("s".to_owned()),
            ..field("seconds", "Wait", Control::Number, "At most 30 days. A delay holds no worker.")
        }))],
        ("send", "event" | "queue") => vec![
            templated(FormField { placeholder: Some("workflow.output".to_owned()), ..field("event_type", "Event type", Control::Mono, "") }),
            templated(field("data", "Data", Control::Json, "The result of the step before when empty.")),
            templated(field("aggregate_id", "Aggregate id", Control::Text, "")),
            templated(field("aggregate_type", "Aggregate type", Control::Text, "")),
        ],
        ("send", handler) => return HandlerForm::find(handlers, handler).cloned(),
        (WORKFLOW, _) => return None,
        (handler, _) => return HandlerForm::find(handlers, handler).cloned(),
    };
    Some(HandlerForm { handler_type: action.to_owned(), fields, ..HandlerForm::default() })
}

fn field(name: &str, label: &str, control: Control, help: &str) -> FormField {
    FormField { name: name.to_owned(), label: label.to_owned(), help: help.to_owned(), control, ..FormField::default() }
}

fn needed(field: FormField) -> FormField {
    FormField { required: true, ..field }
}

fn templated(field: FormField) -> FormField {
    FormField { templated: true, ..field }
}

fn form_of(handlers: &[HandlerForm], step: &Map<String, Value>) -> Option<HandlerForm> {
    let action = step.get("action").and_then(Value::as_str).unwrap_or_default();
    step_form(handlers, action, way_of(action, step.get("params")))
}

/// A step as its controls show it; parameters without a form are a text of JSON.
#[must_use]
pub fn open(handlers: &[HandlerForm], step: &Value) -> Value {
    let Some(members) = step.as_object() else { return step.clone() };
    let form = form_of(handlers, members);
    let shown = members.iter().map(|(name, value)| {
        let shown = match (name.as_str(), value) {
            ("params", params @ Value::Object(_)) if form.is_some() => open_with(handlers, form.as_ref(), params),
            ("params", params) => json!(json_shown(params)),
            ("max_retries", Value::Number(n)) => json!(n.to_string()),
            _ => value.clone(),
        };
        (name.clone(), shown)
    });
    Value::Object(shown.collect())
}

/// The step that its controls mean.
#[must_use]
pub fn close(handlers: &[HandlerForm], step: Value, at: &str, faults: &mut Faults) -> Value {
    let Value::Object(members) = step else { return step };
    let form = form_of(handlers, &members);
    let mut out = Map::new();
    for (name, value) in members {
        let value = match (name.as_str(), value) {
            ("params", Value::String(text)) => match json_text::parse_object(&text) {
                Ok(map) => Some(Value::Object(map)),
                Err(fault) => {
                    faults.add(format!("{at}/params"), "bad_json", fault.sentence());
                    None
                }
            },
            ("params", params @ Value::Object(_)) => Some(close_at(&format!("{at}/params"), handlers, form.as_ref(), Some(&params), faults)),
            ("max_retries", Value::String(text)) if text.trim().is_empty() => None,
            ("max_retries", text @ Value::String(_)) => Some(whole(text, &format!("{at}/max_retries"), faults)),
            (_, Value::String(text)) if text.trim().is_empty() => None,
            (_, value) => Some(value),
        };
        if let Some(value) = value {
            out.insert(name, value);
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handlers() -> Vec<HandlerForm> {
        let url = FormField { required: true, ..field("url", "URL", Control::Mono, "") };
        vec![HandlerForm { handler_type: "webhook".into(), fields: vec![url, field("timeout", "Timeout", Control::Number, "")], ..HandlerForm::default() }]
    }

    #[test]
    fn every_sort_of_step_survives_its_form() {
        for step in [
            json!({"name": "a", "action": "validate", "params": {"required_fields": ["user.email"], "schema": {"type": "object"}}}),
            json!({"name": "b", "action": "transform", "params": {"mapping": {"n": "{{ n }}"}}, "when": "{{ n > 1 }}"}),
            json!({"name": "c", "action": "transform", "params": {"template": "Hello {{ name }}"}}),
            json!({"name": "d", "action": "transform", "params": {"format": "csv"}, "on_error": "continue", "max_retries": 2}),
            json!({"name": "e", "action": "delay", "params": {"seconds": 5}}),
            json!({"name": "f", "action": "send", "params": {"destination": "webhook", "url": "https://a.example", "timeout": 3}}),
            json!({"name": "g", "action": "send", "params": {"destination": "queue", "event_type": "a.b", "data": {"x": 1}}}),
            json!({"name": "h", "action": "webhook", "params": {"url": "https://a.example"}}),
            json!({"name": "i", "action": "workflow", "params": {"steps": [{"action": "delay", "params": {"seconds": 1}}]}}),
            json!({"name": "j", "action": "nobody.knows", "params": {"x": [1]}}),
        ] {
            let mut faults = Faults::default();
            let shown = open(&handlers(), &step);
            assert_eq!(shown["params"].is_object(), !matches!(step["action"].as_str(), Some("workflow" | "nobody.knows")), "{step}");
            assert_eq!(close(&handlers(), shown, "/configuration/steps/0", &mut faults), step);
            assert!(faults.0.is_empty(), "{faults:?}");
        }
    }

    #[test]
    fn a_fault_has_the_pointer_of_its_control() {
        let mut faults = Faults::default();
        drop(close(&handlers(), json!({"action": "webhook", "params": {"timeout": "soon"}}), "/configuration/steps/1", &mut faults));
        let mut at: Vec<&str> = faults.0.iter().map(|f| f.pointer.as_str()).collect();
        at.sort_unstable();
        assert_eq!(at, ["/configuration/steps/1/params/timeout", "/configuration/steps/1/params/url"]);
    }

    #[test]
    fn another_action_keeps_what_still_has_a_field() {
        let before = json!({"destination": "webhook", "url": "u", "timeout": "3"});
        assert_eq!(params_for(&handlers(), "webhook", "", Some(&before)), json!({"url": "u", "timeout": "3"}));
        assert_eq!(params_for(&handlers(), "send", "event", Some(&before)), json!({"destination": "event"}));
        assert_eq!(params_for(&handlers(), "transform", "format", Some(&before)), json!({"format": "json"}));
        assert_eq!(free_name(Some(&json!([{"name": "step_2"}, {"name": "step_3"}])), "step_2"), "step_4");
        assert_eq!(free_name(None, "step_1"), "step_1");
        assert_eq!((way_of("transform", Some(&json!({"template": ""}))), way_of("send", None), way_of("delay", None)), ("template", "webhook", ""));
    }
}
