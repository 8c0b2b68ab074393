//! From the attributes of a CloudEvent to an event: pure.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::http::body::{is_json, media_type, parse};
use crate::model::error::Faults;
use crate::model::event::{MAX_ID_CHARS, NewEvent, type_fault};
use crate::model::{ApiError, Timestamp};

/// An event in structured mode, or an item of a batch: attributes and data in one object.
pub fn from_structured(mut attributes: Map<String, Value>) -> Result<NewEvent, ApiError> {
    let encoded = attributes.remove("data_base64");
    let plain = attributes.remove("data");
    let data = match (plain, encoded) {
        (Some(_), Some(_)) => return Err(ApiError::invalid("/data_base64", "contradiction", "A CloudEvent has data or data_base64, not both.")),
        (Some(value), None) => value,
        (None, None) => json!({}),
        (None, Some(text)) => {
            let bytes = text.as_str().and_then(|t| STANDARD.decode(t).ok()).ok_or_else(|| ApiError::invalid("/data_base64", "bad_base64", "data_base64 is no Base64 text."))?;
            let kind = attributes.get("datacontenttype").and_then(Value::as_str).map(plain_type);
            data_of(&bytes, kind.as_deref())?
        }
    };
    event_of(attributes, data)
}

/// An event in binary mode: attributes in `ce-` headers, data as the body.
pub fn from_binary(headers: &HeaderMap, body: &[u8]) -> Result<NewEvent, ApiError> {
    let mut attributes = Map::new();
    for (name, value) in headers {
        if let Some(name) = name.as_str().strip_prefix("ce-") {
            let text = percent_decoded(value.as_bytes())
                .ok_or_else(|| ApiError::invalid(&format!("/{name}"), "bad_encoding", format!("The header ce-{name} is no percent-encoded UTF-8.")))?;
            if attributes.insert(name.to_owned(), Value::String(text)).is_some() {
                return Err(ApiError::invalid(&format!("/{name}"), "repeated", format!("The header ce-{name} is given twice.")));
            }
        }
    }
    let kind = media_type(headers);
    if let Some(kind) = &kind {
        attributes.insert("datacontenttype".into(), Value::String(kind.clone()));
    }
    let data = if body.is_empty() { json!({}) } else { data_of(body, kind.as_deref())? };
    event_of(attributes, data)
}

/// The value of data bytes: JSON is parsed, other text is a string, anything else Base64.
fn data_of(bytes: &[u8], kind: Option<&str>) -> Result<Value, ApiError> {
    if kind.is_none_or(is_json) {
        return parse(bytes);
    }
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => json!({"value_base64": STANDARD.encode(bytes)}),
    })
}

fn plain_type(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn event_of(mut attributes: Map<String, Value>, data: Value) -> Result<NewEvent, ApiError> {
    let mut faults = Faults::default();
    match attributes.remove("specversion") {
        Some(Value::String(version)) if version == "1.0" => {}
        found => faults.add("/specversion", "bad_specversion", format!("specversion must be \"1.0\"; found {}.", found.unwrap_or(Value::Null))),
    }
    let source = text(&mut attributes, "source", true, &mut faults);
    let id = text(&mut attributes, "id", true, &mut faults);
    let event_type = text(&mut attributes, "type", true, &mut faults);
    if let Some(why) = event_type.as_deref().and_then(type_fault) {
        faults.add("/type", "bad_event_type", why.replacen("event_type", "type", 1));
    }
    let time = text(&mut attributes, "time", false, &mut faults);
    let occurred_at = time.as_deref().and_then(Timestamp::parse);
    if time.is_some() && occurred_at.is_none() {
        faults.add("/time", "bad_time", "time must be an RFC 3339 date-time such as 2026-01-31T12:00:00Z.");
    }
    let correlation_id = text(&mut attributes, "correlationid", false, &mut faults);
    let causation_id = text(&mut attributes, "causationid", false, &mut faults);
    let tenant = text(&mut attributes, "tenantid", false, &mut faults);
    let mut metadata = Map::new();
    if let Some(source) = &source {
        metadata.insert("source".into(), Value::String(source.clone()));
    }
    if let Some(tenant) = tenant {
        metadata.insert("tenant_id".into(), Value::String(tenant));
    }
    for (name, value) in attributes {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            faults.add(format!("/{}", name.replace('~', "~0").replace('/', "~1")), "bad_name", format!("{name:?} is no attribute's name: those consist of a-z and 0-9."));
        } else if matches!(value, Value::Array(_) | Value::Object(_)) {
            faults.add(format!("/{name}"), "wrong_type", format!("{name} must be a string, a number or a boolean."));
        } else if !(value.is_null() || name == "datacontenttype" && value.as_str().is_some_and(|kind| is_json(&plain_type(kind)))) {
            metadata.insert(name, value);
        }
    }
    faults.into_result()?;
    Ok(NewEvent {
        id: source.zip(id).map(|(source, id)| event_id(&source, &id)),
        event_type: event_type.unwrap_or_default(),
        data: if data.is_object() { data } else { json!({"value": data}) },
        metadata: Value::Object(metadata),
        occurred_at,
        correlation_id,
        causation_id,
        ..NewEvent::default()
    })
}

/// Takes a text attribute out; null counts as absent.
fn text(attributes: &mut Map<String, Value>, name: &str, needed: bool, faults: &mut Faults) -> Option<String> {
    match attributes.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        None | Some(Value::Null) if !needed => None,
        None | Some(Value::Null) => {
            faults.add(format!("/{name}"), "missing", format!("A CloudEvent needs {name}."));
            None
        }
        Some(_) => {
            faults.add(format!("/{name}"), "wrong_type", format!("{name} must be a non-empty string."));
            None
        }
    }
}

/// The event id of a source and an id: both joined by `#` when that is short, printable and unambiguous, else a hash of both.
fn event_id(source: &str, id: &str) -> String {
    let plain = format!("{source}#{id}");
    if plain.chars().count() <= MAX_ID_CHARS && plain.matches('#').count() == 1 && !plain.chars().any(char::is_control) {
        return plain;
    }
    let mut hash = Sha256::new();
    hash.update((source.len() as u64).to_be_bytes());
    hash.update(source);
    hash.update(id);
    hash.finalize().iter().fold("ce-".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// A header's text with `%xx` resolved; `None` when that is no UTF-8.
fn percent_decoded(bytes: &[u8]) -> Option<String> {
    let hex = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structured(value: Value) -> Result<NewEvent, ApiError> {
        match value {
            Value::Object(map) => from_structured(map),
            _ => unreachable!("tests pass objects"),
        }
    }

    #[test]
    fn the_example_of_the_standard() {
        let event = structured(json!({
            "specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext", "subject": "larger-context", "id": "C234-1234-1234",
            "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value", "comexampleothervalue": 5, "datacontenttype": "application/json",
            "tenantid": "acme", "correlationid": "k", "data": {"appinfoA": "abc"},
        }))
        .unwrap();
        assert_eq!(event.id.as_deref(), Some("/mycontext#C234-1234-1234"));
        assert_eq!(event.event_type, "com.example.someevent");
        assert_eq!(event.data, json!({"appinfoA": "abc"}));
        assert_eq!(event.metadata, json!({"source": "/mycontext", "subject": "larger-context", "comexampleextension1": "value", "comexampleothervalue": 5, "tenant_id": "acme"}));
        assert_eq!(event.occurred_at.map(|t| t.to_string()).as_deref(), Some("2018-04-05T17:31:00.000Z"));
        assert_eq!(event.correlation_id.as_deref(), Some("k"));
    }

    #[test]
    fn binary_mode_gives_the_same_event() {
        let headers = [
            ("ce-specversion", "1.0"),
            ("ce-type", "a.b"),
            ("ce-source", "/s"),
            ("ce-id", "1"),
            ("ce-subject", "Euro%20%E2%82%AC"),
            ("content-type", "application/json; charset=utf-8"),
        ];
        let headers: HeaderMap = headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        let binary = from_binary(&headers, b"{\"x\": 1}").unwrap();
        let same = structured(json!({"specversion": "1.0", "type": "a.b", "source": "/s", "id": "1", "subject": "Euro €", "data": {"x": 1}})).unwrap();
        assert_eq!(binary, same);
    }

    #[test]
    fn data_of_every_kind() {
        let with = |more: Value| {
            let mut all = json!({"specversion": "1.0", "type": "a.b", "source": "/s", "id": "1"});
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            structured(all)
        };
        assert_eq!(with(json!({})).unwrap().data, json!({}));
        assert_eq!(with(json!({"data": [1]})).unwrap().data, json!({"value": [1]}));
        assert_eq!(with(json!({"data": null})).unwrap().data, json!({"value": null}));
        assert_eq!(with(json!({"data_base64": "eyJ4IjoxfQ=="})).unwrap().data, json!({"x": 1}));
        assert_eq!(with(json!({"data_base64": "aGk=", "datacontenttype": "text/plain"})).unwrap().data, json!({"value": "hi"}));
        assert_eq!(with(json!({"data_base64": "/w==", "datacontenttype": "image/png"})).unwrap().data, json!({"value_base64": "/w=="}));
        assert!(with(json!({"data_base64": "%"})).is_err());
        assert!(with(json!({"data": 1, "data_base64": "aGk="})).is_err());
    }

    #[test]
    fn every_fault_at_once() {
        let refused = structured(json!({"specversion": "0.3", "type": "a b", "id": 7, "time": "today", "Bad_Name": 1, "nested": {}})).unwrap_err();
        let mut pointers: Vec<_> = refused.errors.iter().map(|e| e.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/Bad_Name", "/id", "/nested", "/source", "/specversion", "/time", "/type"]);
    }

    #[test]
    fn different_pairs_never_share_an_id() {
        assert_eq!(event_id("/a", "1"), "/a#1");
        assert_ne!(event_id("/a#b", "c"), event_id("/a", "b#c"));
        assert_ne!(event_id("ab", "#c"), event_id("a", "b#c"));
        let long = event_id(&"s".repeat(200), "1");
        assert!(long.chars().count() <= MAX_ID_CHARS && long.starts_with("ce-"));
        assert_eq!(long, event_id(&"s".repeat(200), "1"));
    }
}
