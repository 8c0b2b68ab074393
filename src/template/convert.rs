//! Between JSON and the template engine's values.

use minijinja::Value as Rendered;
use minijinja::value::ValueKind;
use serde_json::{Map, Number, Value};

use crate::model::event::MAX_JSON_DEPTH;

/// A JSON value as templates see it.
pub fn from_json(value: &Value) -> Rendered {
    match value {
        Value::Null => Rendered::from(()),
        Value::Bool(b) => Rendered::from(*b),
        Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
            (Some(i), _, _) => Rendered::from(i),
            (_, Some(u), _) => Rendered::from(u),
            (_, _, f) => Rendered::from(f.unwrap_or_default()),
        },
        Value::String(text) => Rendered::from(text.as_str()),
        Value::Array(items) => items.iter().map(from_json).collect(),
        Value::Object(members) => Rendered::from_pairs(members.iter().map(|(key, member)| (key.as_str(), from_json(member)))),
    }
}

/// The JSON of what an expression gave. Takes what it produces from `bytes`; the error is a sentence.
pub fn to_json(value: &Rendered, bytes: &mut usize) -> Result<Value, String> {
    at_depth(value, 0, bytes)
}

fn at_depth(value: &Rendered, depth: usize, bytes: &mut usize) -> Result<Value, String> {
    if depth > MAX_JSON_DEPTH {
        return Err(format!("The template's value is nested more than {MAX_JSON_DEPTH} deep."));
    }
    take(bytes, 1)?;
    match value.kind() {
        ValueKind::None => Ok(Value::Null),
        ValueKind::Bool => Ok(Value::Bool(value.is_true())),
        ValueKind::Number => number(value).map(Value::Number).ok_or_else(|| format!("The template gives {value}, a number that JSON cannot carry.")),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            take(bytes, text.len())?;
            Ok(Value::String(text.to_owned()))
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|e| e.to_string())?.checked();
            items.map(|item| at_depth(&item.map_err(|e| e.to_string())?, depth + 1, bytes)).collect::<Result<_, _>>().map(Value::Array)
        }
        ValueKind::Map => object(value, depth, bytes).map(Value::Object),
        kind => Err(format!("The template gives a value of the kind \"{kind}\", which JSON cannot carry.")),
    }
}

fn object(value: &Rendered, depth: usize, bytes: &mut usize) -> Result<Map<String, Value>, String> {
    let mut out = Map::new();
    for key in value.try_iter().map_err(|e| e.to_string())?.checked() {
        let key = key.map_err(|e| e.to_string())?;
        let member = value.get_item(&key).map_err(|e| e.to_string())?;
        let name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        take(bytes, name.len())?;
        out.insert(name, at_depth(&member, depth + 1, bytes)?);
    }
    Ok(out)
}

fn number(value: &Rendered) -> Option<Number> {
    if value.is_integer() {
        return i64::try_from(value.clone()).map(Number::from).or_else(|_| u64::try_from(value.clone()).map(Number::from)).ok();
    }
    f64::try_from(value.clone()).ok().and_then(Number::from_f64)
}

fn take(bytes: &mut usize, n: usize) -> Result<(), String> {
    *bytes = bytes.checked_sub(n).ok_or_else(super::engine::too_large)?;
    Ok(())
}
