//! The formats of a transform step.

use serde_json::{Map, Value};

use crate::handlers::HandlerError;
use crate::handlers::render::nonsense;
use crate::model::execution::ErrorClass;
use crate::template::MAX_OUTPUT_BYTES;

/// The words for them.
pub const FORMATS: [&str; 3] = ["json", "text", "csv"];

/// Turns a value into a format: `json` a value (a text is read as JSON), `text` and `csv` a text.
///
/// # Errors
/// Permanent: not convertible, or larger than 1 MiB.
pub fn convert(format: &str, input: &Value) -> Result<Value, HandlerError> {
    let text = match format {
        "json" => return json(input),
        "text" => text(input),
        "csv" => csv(input)?,
        other => return Err(nonsense(format!("There is no format {other:?}; there are {}.", FORMATS.join(", ")))),
    };
    if text.len() > MAX_OUTPUT_BYTES {
        return Err(HandlerError::permanent(ErrorClass::Limit, format!("The {format} text has {} bytes; at most {MAX_OUTPUT_BYTES} are allowed.", text.len())));
    }
    Ok(Value::String(text))
}

fn json(input: &Value) -> Result<Value, HandlerError> {
    match input {
        Value::String(text) => serde_json::from_str(text).map_err(|e| nonsense(format!("The text before is no JSON: {e}."))),
        other => Ok(other.clone()),
    }
}

/// Texts as they are; objects as lines `name: value`; lists one line each; the rest as JSON.
fn text(input: &Value) -> String {
    match input {
        Value::Object(members) => members.iter().map(|(name, value)| format!("{name}: {}", plain(value))).collect::<Vec<_>>().join("\n"),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("\n"),
        other => plain(other),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// RFC 4180 with a header line: a list of objects one row each, an object one row, anything else under `value`.
fn csv(input: &Value) -> Result<String, HandlerError> {
    let rows: Vec<Map<String, Value>> = match input {
        Value::Array(items) => items.iter().map(row).collect(),
        other => vec![row(other)],
    };
    let mut columns: Vec<&String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for name in rows.iter().flat_map(Map::keys) {
        if known.insert(name) {
            columns.push(name);
        }
    }
    if columns.is_empty() {
        return Ok(String::new());
    }
    let cells = rows.len().saturating_mul(columns.len());
    if cells > MAX_OUTPUT_BYTES {
        return Err(HandlerError::permanent(ErrorClass::Limit, format!("The table would have {cells} cells; at most {MAX_OUTPUT_BYTES} are allowed.")));
    }
    let mut out = line(columns.iter().map(|c| c.as_str().to_owned()));
    for row in &rows {
        out.push_str(&line(columns.iter().map(|c| row.get(*c).map(plain).unwrap_or_default())));
    }
    Ok(out)
}

fn row(value: &Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members.clone(),
        other => Map::from_iter([("value".to_owned(), other.clone())]),
    }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let quoted: Vec<String> = cells.map(|cell| if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }).collect();
    quoted.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_format_takes_every_shape() {
        for (format, input, expected) in [
            ("json", json!({"a": 1}), json!({"a": 1})),
            ("json", json!("{\"a\": [1]}"), json!({"a": [1]})),
            ("text", json!("as it is"), json!("as it is")),
            ("text", json!({"a": 1, "b": "x", "c": [1], "d": null}), json!("a: 1\nb: x\nc: [1]\nd: ")),
            ("text", json!([1, "x"]), json!("1\nx")),
            ("csv", json!([{"a": 1, "b": "x,y"}, {"b": "say \"hi\"", "c": true}]), json!("a,b,c\r\n1,\"x,y\",\r\n,\"say \"\"hi\"\"\",true\r\n")),
            ("csv", json!({"a": null, "b": {"c": 1}}), json!("a,b\r\n,\"{\"\"c\"\":1}\"\r\n")),
            ("csv", json!([1, "two"]), json!("value\r\n1\r\ntwo\r\n")),
            ("csv", json!([]), json!("")),
        ] {
            assert_eq!(convert(format, &input).expect("converts"), expected, "{format} {input}");
        }
        assert!(convert("json", &json!("no json")).is_err() && convert("xml", &json!(1)).is_err());
    }
}
