//! A handler's configuration and its controls: from stored value to what the control shows, and back.

use event_actions::model::error::Faults;
use serde_json::{Map, Value, json};

use super::handler_form::{Control, FormField, HandlerForm};
use super::{json_text, steps};

/// The configuration as its controls show it. Members without a control, and those of an unknown handler, stay as they are.
#[must_use]
pub fn open(handlers: &[HandlerForm], handler_type: &str, configuration: &Value) -> Value {
    open_with(handlers, HandlerForm::find(handlers, handler_type), configuration)
}

/// The same for a form that is at hand.
#[must_use]
pub fn open_with(handlers: &[HandlerForm], handler: Option<&HandlerForm>, configuration: &Value) -> Value {
    let Some((handler, members)) = handler.zip(configuration.as_object()) else {
        return configuration.clone();
    };
    members.iter().map(|(name, value)| (name.clone(), handler.field(name).map_or_else(|| value.clone(), |field| open_field(handlers, field.control, value)))).collect()
}

/// The configuration that the controls mean. A text instead of controls is JSON.
#[must_use]
pub fn close(handlers: &[HandlerForm], handler_type: &str, shown: Option<&Value>, faults: &mut Faults) -> Value {
    close_at("/configuration", handlers, HandlerForm::find(handlers, handler_type), shown, faults)
}

/// The same for a form that stands at a pointer.
#[must_use]
pub fn close_at(base: &str, handlers: &[HandlerForm], handler: Option<&HandlerForm>, shown: Option<&Value>, faults: &mut Faults) -> Value {
    let members = match shown {
        Some(Value::String(text)) => {
            return match json_text::parse_object(text) {
                Ok(map) => Value::Object(map),
                Err(fault) => {
                    faults.add(base, "bad_json", fault.sentence());
                    json!({})
                }
            };
        }
        Some(Value::Object(map)) => map.clone(),
        _ => Map::new(),
    };
    let mut out = Map::new();
    for (name, value) in members {
        let field = handler.and_then(|h| h.field(&name));
        let at = format!("{base}/{}", name.replace('~', "~0").replace('/', "~1"));
        match field {
            None => drop(out.insert(name, value)),
            Some(field) => {
                if let Some(value) = close_field(handlers, field, value, &at, faults) {
                    out.insert(name, value);
                }
            }
        }
    }
    for field in handler.iter().flat_map(|h| &h.fields).filter(|f| f.required && !out.contains_key(&f.name)) {
        let at = format!("{base}/{}", field.name);
        if !faults.0.iter().any(|f| f.pointer.starts_with(&at)) {
            faults.add(at, "missing", format!("{} is needed.", field.label));
        }
    }
    Value::Object(out)
}

fn open_field(handlers: &[HandlerForm], control: Control, value: &Value) -> Value {
    match (control, value) {
        (Control::Number, Value::Number(n)) => json!(n.to_string()),
        (Control::Pairs, Value::Object(map)) => map.iter().map(|(k, v)| json!([k, v])).collect(),
        (Control::Json, value) => json!(json_shown(value)),
        (Control::Steps, Value::Array(all)) => all.iter().map(|step| steps::open(handlers, step)).collect(),
        (_, value) => value.clone(),
    }
}

fn close_field(handlers: &[HandlerForm], field: &FormField, value: Value, at: &str, faults: &mut Faults) -> Option<Value> {
    match (field.control, value) {
        (_, Value::Null) => None,
        (Control::Number, Value::String(text)) => number(field, text.trim(), at, faults),
        (Control::Switch, Value::String(word)) if word == "true" || word == "on" => Some(json!(true)),
        (Control::Switch, Value::String(word)) if word == "false" => Some(json!(false)),
        (Control::Json, Value::String(text)) => match json_read(&text, field.templated) {
            Ok(value) => value,
            Err(message) => {
                faults.add(at, "bad_json", message);
                None
            }
        },
        (Control::Numbers, Value::Array(items)) if !items.is_empty() => Some(Value::Array(items.into_iter().map(|v| whole(v, at, faults)).collect())),
        (Control::Pairs, Value::Array(rows)) => pairs(rows, at, faults),
        (Control::Steps, Value::Array(all)) => {
            let steps: Vec<Value> = all.into_iter().enumerate().map(|(n, step)| steps::close(handlers, step, &format!("{at}/{n}"), faults)).collect();
            (!steps.is_empty()).then_some(Value::Array(steps))
        }
        (_, Value::String(text)) if text.trim().is_empty() => None,
        (_, Value::Array(items)) if items.is_empty() => None,
        (_, value) => Some(value),
    }
}

fn number(field: &FormField, text: &str, at: &str, faults: &mut Faults) -> Option<Value> {
    match text.parse::<i64>() {
        _ if text.is_empty() => return None,
        Ok(n) if field.bounds.is_none_or(|(min, max)| (min..=max).contains(&n)) => return Some(json!(n)),
        Err(_) if field.templated && text.contains("{{") => return Some(json!(text)),
        _ => {}
    }
    let range = field.bounds.map_or(String::new(), |(min, max)| format!(" from {min} to {max}"));
    faults.add(at, "out_of_range", format!("{} is a whole number{range}.", field.label));
    None
}

/// A whole number of its text.
pub(super) fn whole(value: Value, at: &str, faults: &mut Faults) -> Value {
    let Value::String(text) = &value else { return value };
    match text.trim().parse::<i64>() {
        Ok(n) => json!(n),
        Err(_) => {
            faults.add(at, "wrong_type", format!("{text:?} is no whole number."));
            value
        }
    }
}

fn pairs(rows: Vec<Value>, at: &str, faults: &mut Faults) -> Option<Value> {
    let mut out = Map::new();
    for row in rows {
        let name = row.get(0).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let value = row.get(1).cloned().unwrap_or_default();
        match (name.is_empty(), value.as_str().is_some_and(str::is_empty) || value.is_null()) {
            (true, true) => {}
            (true, false) => faults.add(at, "empty", "A row has a value but no name."),
            (false, _) if out.contains_key(&name) => faults.add(at, "double", format!("{name:?} is there twice.")),
            (false, _) => drop(out.insert(name, if value.is_null() { json!("") } else { value })),
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// A JSON value as the text of its control; a plain text stays plain.
#[must_use]
pub fn json_shown(value: &Value) -> String {
    match value {
        Value::String(text) if json_read(text, true) == Ok(Some(value.clone())) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// The value that a text in a JSON control means: JSON, or a text when it does not begin like JSON or is a template of JSON.
fn json_read(text: &str, templated: bool) -> Result<Option<Value>, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(None);
    }
    match json_text::parse::<Value>(text) {
        Ok(value) => Ok(Some(value)),
        Err(_) if !trimmed.starts_with(['{', '[', '"']) => Ok(Some(json!(text))),
        Err(_) if templated && json_text::parse::<Value>(&without_templates(text)).is_ok() => Ok(Some(json!(text))),
        Err(fault) => Err(fault.sentence()),
    }
}

/// The text with every `{{ ... }}` as a number and every `{% ... %}` left out.
fn without_templates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let (close, stand_in) = if rest[at..].starts_with("{{") { ("}}", "0") } else { ("%}", "") };
        let Some(end) = rest[at..].find(close) else { break };
        out.push_str(&rest[..at]);
        out.push_str(stand_in);
        rest = &rest[at + end + 2..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handlers() -> Vec<HandlerForm> {
        let field = |name: &str, control: Control| FormField { name: name.into(), label: name.into(), control, templated: true, bounds: Some((1, 900)), ..FormField::default() };
        let mut fields: Vec<FormField> = [
            ("url", Control::Mono),
            ("timeout", Control::Number),
            ("headers", Control::Pairs),
            ("body", Control::Json),
            ("verify_ssl", Control::Switch),
            ("success_statuses", Control::Numbers),
            ("to", Control::Texts),
            ("steps", Control::Steps),
        ]
        .map(|(n, c)| field(n, c))
        .into();
        fields[0].required = true;
        vec![HandlerForm { handler_type: "h".into(), fields, ..HandlerForm::default() }]
    }

    #[test]
    fn opening_and_closing_changes_nothing() {
        for configuration in [
            json!({"url": "https://a", "timeout": 10, "headers": {"b": "2", "a": "1"}, "body": {"x": ["{{ y }}"]}, "verify_ssl": false, "success_statuses": [200, 201]}),
            json!({"url": "u", "body": "Hello {{ name }}", "to": "a@b.c", "unknown": {"kept": true}}),
            json!({"url": "u", "body": "{\"n\": {{ n }}}", "to": ["a@b.c"], "timeout": "{{ data.t }}"}),
            json!({"url": "u", "steps": [{"name": "s", "action": "delay", "params": {"seconds": 1}, "max_retries": 2, "on_error": "continue"}]}),
        ] {
            let mut faults = Faults::default();
            assert_eq!(close(&handlers(), "h", Some(&open(&handlers(), "h", &configuration)), &mut faults), configuration);
            assert!(faults.0.is_empty(), "{faults:?}");
        }
    }

    #[test]
    fn faults_name_their_field() {
        let shown = json!({"timeout": "1000", "body": "{\"a\": }", "headers": [["a", "1"], ["a", "2"]], "success_statuses": ["2xx"]});
        let mut faults = Faults::default();
        drop(close(&handlers(), "h", Some(&shown), &mut faults));
        let mut at: Vec<&str> = faults.0.iter().map(|f| f.pointer.as_str()).collect();
        at.sort_unstable();
        assert_eq!(at, ["/configuration/body", "/configuration/headers", "/configuration/success_statuses", "/configuration/timeout", "/configuration/url"]);
    }
}
