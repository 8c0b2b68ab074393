//! The form of an action: what its controls show, by JSON Pointer. Numbers and JSON are texts here, so that nothing half typed is lost.

use event_actions::model::action::{NewAction, RetryStrategy};
use serde_json::{Map, Value, json};

use super::config;
use super::handler_form::HandlerForm;

/// What the controls show. A JSON object in the shape of an action, but with
/// - numbers and JSON as the texts typed,
/// - `context_filters` and named texts as rows `[name, value]`, so that no row moves while its name is typed,
/// - without `conditions`: the builder holds them as a tree, the plain form posts them as a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    doc: Value,
}

impl Default for Form {
    fn default() -> Self {
        Self { doc: Value::Object(Map::new()) }
    }
}

impl Form {
    /// A form that shows these controls.
    #[must_use]
    pub fn new(doc: Value) -> Self {
        if doc.is_object() { Self { doc } } else { Self::default() }
    }

    /// The form of an action.
    #[must_use]
    pub fn of(action: &NewAction, handlers: &[HandlerForm]) -> Self {
        let number = |n: Option<u32>| n.map_or(Value::Null, |n| json!(n.to_string()));
        let mut form = Self::new(json!({
            "name": action.name,
            "description": action.description,
            "handler_type": action.handler_type.as_str(),
            "configuration": config::open(handlers, action.handler_type.as_str(), &action.configuration),
            "event_types": action.event_types,
            "context_filters": action.context_filters.iter().map(|(k, v)| json!([k, v])).collect::<Vec<_>>(),
            "execution_mode": action.execution_mode.name(),
            "priority": action.priority.name(),
            "max_retries": action.max_retries.to_string(),
            "retry_delay_seconds": action.retry_delay_seconds.to_string(),
            "retry_strategy": if action.retry_strategy == RetryStrategy::Fixed { "fixed" } else { "exponential" },
            "is_enabled": action.is_enabled,
            "tags": action.tags,
        }));
        for (pointer, value) in [
            ("/timeout_seconds", number(action.timeout_seconds)),
            ("/max_concurrency", number(action.max_concurrency)),
            ("/ordering_key", action.ordering_key.as_ref().map_or(Value::Null, |k| json!(k))),
            ("/rate_limit/max", number(action.rate_limit.map(|r| r.max))),
            ("/rate_limit/per_seconds", number(action.rate_limit.map(|r| r.per_seconds))),
            ("/circuit_breaker/failures", number(action.circuit_breaker.map(|b| b.failures))),
            ("/circuit_breaker/cooldown_seconds", number(action.circuit_breaker.map(|b| b.cooldown_seconds))),
            ("/tenant_id", action.tenant_id.as_ref().map_or(Value::Null, |t| json!(t))),
        ] {
            form.set(pointer, value);
        }
        form
    }

    /// What the controls show of an action, its conditions included as they are saved.
    #[must_use]
    pub fn shown_of(action: &NewAction, handlers: &[HandlerForm]) -> Value {
        let mut form = Self::of(action, handlers);
        let conditions = serde_json::to_string(&action.conditions).ok().and_then(|text| serde_json::from_str(&text).ok());
        form.set("/conditions", conditions.unwrap_or_default());
        form.doc
    }

    /// The whole, for the kept draft.
    #[must_use]
    pub fn doc(&self) -> &Value {
        &self.doc
    }

    /// What stands at a pointer.
    #[must_use]
    pub fn get(&self, pointer: &str) -> Option<&Value> {
        self.doc.pointer(pointer)
    }

    /// The text at a pointer; JSON for anything that is no text, empty when nothing is there.
    #[must_use]
    pub fn text(&self, pointer: &str) -> String {
        match self.get(pointer) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// Whether a switch is on.
    #[must_use]
    pub fn flag(&self, pointer: &str, default: bool) -> bool {
        match self.get(pointer) {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(word)) => word == "true" || word == "on",
            _ => default,
        }
    }

    /// The texts of a list; one text alone is a list of one.
    #[must_use]
    pub fn list(&self, pointer: &str) -> Vec<String> {
        match self.get(pointer) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(shown).collect(),
            Some(one) => vec![shown(one)],
        }
    }

    /// How many rows or items a list has.
    #[must_use]
    pub fn len(&self, pointer: &str) -> usize {
        self.get(pointer).and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// Sets what stands at a pointer; null takes it out. Missing parents are made.
    pub fn set(&mut self, pointer: &str, value: Value) {
        let Some((parent, name)) = pointer.rsplit_once('/') else { return };
        if value.is_null() {
            if let Some(Value::Object(map)) = self.doc.pointer_mut(parent) {
                map.remove(name);
            }
            return;
        }
        match self.slot(parent) {
            Value::Array(items) => {
                if let Some(item) = name.parse::<usize>().ok().and_then(|n| items.get_mut(n)) {
                    *item = value;
                }
            }
            Value::Object(map) => {
                map.insert(name.replace("~1", "/").replace("~0", "~"), value);
            }
            other => *other = Value::Object(Map::from_iter([(name.to_owned(), value)])),
        }
    }

    /// Adds an item at the end of a list.
    pub fn push(&mut self, pointer: &str, item: Value) {
        match self.slot(pointer) {
            Value::Array(items) => items.push(item),
            other => *other = Value::Array(vec![item]),
        }
    }

    /// Puts a copy of an item behind it.
    pub fn duplicate(&mut self, pointer: &str, index: usize) {
        if let Some(Value::Array(items)) = self.doc.pointer_mut(pointer)
            && let Some(copy) = items.get(index).cloned()
        {
            items.insert(index + 1, copy);
        }
    }

    /// Takes an item out of a list.
    pub fn remove(&mut self, pointer: &str, index: usize) {
        if let Some(Value::Array(items)) = self.doc.pointer_mut(pointer)
            && index < items.len()
        {
            items.remove(index);
        }
    }

    /// Swaps two items of a list.
    pub fn swap(&mut self, pointer: &str, a: usize, b: usize) {
        if let Some(Value::Array(items)) = self.doc.pointer_mut(pointer)
            && a.max(b) < items.len()
        {
            items.swap(a, b);
        }
    }

    /// The place at a pointer; objects are made on the way, and of anything that is neither list nor object.
    fn slot(&mut self, pointer: &str) -> &mut Value {
        let mut at = &mut self.doc;
        for name in pointer.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            at = match at {
                Value::Array(items) => {
                    let index = name.parse::<usize>().unwrap_or(usize::MAX).min(items.len());
                    if index == items.len() {
                        items.push(Value::Null);
                    }
                    &mut items[index]
                }
                other => {
                    if !other.is_object() {
                        *other = Value::Object(Map::new());
                    }
                    match other {
                        Value::Object(map) => map.entry(name).or_insert(Value::Null),
                        same => same,
                    }
                }
            };
        }
        at
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_made_and_lists_keep_their_order() {
        let mut form = Form::default();
        form.set("/rate_limit/max", json!("60"));
        form.push("/context_filters", json!(["region", ["eu"]]));
        form.push("/context_filters", json!(["plan", "gold"]));
        form.set("/context_filters/1/0", json!("tier"));
        form.swap("/context_filters", 0, 1);
        assert_eq!(form.doc(), &json!({"rate_limit": {"max": "60"}, "context_filters": [["tier", "gold"], ["region", ["eu"]]]}));
        form.remove("/context_filters", 0);
        form.set("/rate_limit/max", Value::Null);
        form.set("/nowhere/at/all", Value::Null);
        assert_eq!(form.doc(), &json!({"rate_limit": {}, "context_filters": [["region", ["eu"]]]}));
    }

    #[test]
    fn reading_is_forgiving() {
        let form = Form::new(json!({"a": 1, "b": "true", "c": "x", "d": ["x", 2]}));
        assert_eq!((form.text("/a"), form.flag("/b", false), form.list("/c"), form.list("/d")), ("1".into(), true, vec!["x".into()], vec!["x".into(), "2".into()]));
        assert_eq!((form.text("/z"), form.flag("/z", true), form.len("/d")), (String::new(), true, 2));
    }
}
