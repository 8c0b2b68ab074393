//! Command lines for a POSIX shell that do what the console shows. Secrets stay names: nothing in them can be sent by accident.

use serde_json::{Map, Value, json};

/// The variable that stands for the reader's own API key.
const KEY: &str = "$EVENT_ACTIONS_KEY";

/// What a form says of an event, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFields {
    /// Its type.
    pub event_type: String,
    /// The kind of thing it is about; empty for none.
    pub aggregate_type: String,
    /// The thing it is about; empty for none.
    pub aggregate_id: String,
    /// What ties events together; empty for none.
    pub correlation_id: String,
    /// The payload as JSON.
    pub data: String,
    /// The context as JSON.
    pub metadata: String,
}

impl EventFields {
    /// The body to send; none while payload or context is no JSON object.
    #[must_use]
    pub fn body(&self) -> Option<Value> {
        let object = |text: &str| if text.trim().is_empty() { Some(json!({})) } else { serde_json::from_str::<Value>(text).ok().filter(Value::is_object) };
        let mut body = Map::new();
        let texts = [("event_type", &self.event_type), ("aggregate_type", &self.aggregate_type), ("aggregate_id", &self.aggregate_id), ("correlation_id", &self.correlation_id)];
        for (name, text) in texts {
            if !text.trim().is_empty() || name == "event_type" {
                body.insert(name.to_owned(), json!(text.trim()));
            }
        }
        body.insert("data".to_owned(), object(&self.data)?);
        let metadata = object(&self.metadata)?;
        if metadata != json!({}) {
            body.insert("metadata".to_owned(), metadata);
        }
        Some(Value::Object(body))
    }
}

/// Sends an event. `base` is the public address of the service.
#[must_use]
pub fn send_event(base: &str, body: &Value) -> String {
    let url = quoted(&format!("{}/api/v1/events", base.trim_end_matches('/')));
    format!("curl -X POST {url} \\\n  -H \"authorization: Bearer {KEY}\" \\\n  -H 'content-type: application/json' \\\n  --data-raw {}", quoted(&body.to_string()))
}

/// Repeats the request of an attempt, `{method, url, headers, body}`; none for what is no web request.
#[must_use]
pub fn of_request(request: &Value) -> Option<String> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let mut parts = vec![format!("curl -X {} {}", text("method")?, quoted(text("url")?))];
    for (name, value) in request.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        parts.push(header(name, &value));
    }
    let cut = request.get("truncated").and_then(Value::as_bool).unwrap_or_default();
    match request.get("body") {
        None | Some(Value::Null) => {}
        Some(_) if cut => parts.push("--data-binary @body".to_owned()),
        Some(Value::String(body)) => parts.push(format!("--data-raw {}", quoted(body))),
        Some(body) => parts.push(format!("--data-raw {}", quoted(&body.to_string()))),
    }
    Some(parts.join(" \\\n  "))
}

/// A header; `[secret NAME]` in it becomes the variable `$NAME`, which needs double quotes.
fn header(name: &str, value: &str) -> String {
    let Some((before, rest)) = value.split_once("[secret ") else { return format!("-H {}", quoted(&format!("{name}: {value}"))) };
    let Some((secret, after)) = rest.split_once(']') else { return format!("-H {}", quoted(&format!("{name}: {value}"))) };
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || " -_.:=/,".contains(c));
    if plain(name) && plain(before) && plain(after) && secret.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        format!("-H \"{name}: {before}${secret}{after}\"")
    } else {
        format!("-H {}", quoted(&format!("{name}: {value}")))
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_end_an_argument() {
        let request = json!({"method": "POST", "url": "https://x.example/'; rm -rf /'", "headers": {"a": "it's"}, "body": {"name": "O'Hara"}});
        let line = of_request(&request).expect("a command");
        assert!(line.contains(r"'https://x.example/'\''; rm -rf /'\'''") && line.contains(r"'a: it'\''s'") && line.contains(r#"'{"name":"O'\''Hara"}'"#), "{line}");
        assert_eq!(of_request(&json!({"subject": "a mail"})), None);
    }

    #[test]
    fn secrets_become_variables_only_where_nothing_else_expands() {
        assert_eq!(header("authorization", "Bearer [secret CRM_TOKEN]"), "-H \"authorization: Bearer $CRM_TOKEN\"");
        assert_eq!(header("x-a", "$(id) [secret CRM_TOKEN]"), "-H 'x-a: $(id) [secret CRM_TOKEN]'");
        assert_eq!(header("x-a", "[redacted]"), "-H 'x-a: [redacted]'");
    }

    #[test]
    fn half_typed_json_is_no_body() {
        let mut fields = EventFields { event_type: " order.paid ".into(), data: "{\"a\": 1".into(), ..EventFields::default() };
        assert_eq!(fields.body(), None);
        fields.data.push('}');
        assert_eq!(fields.body(), Some(json!({"event_type": "order.paid", "data": {"a": 1}})));
        assert!(send_event("http://localhost:3000/", &json!({"data": {}})).starts_with("curl -X POST 'http://localhost:3000/api/v1/events'"));
    }
}
