//! What a form means: the action it would save, and every fault with the pointer of its control.

use event_actions::model::FieldError;
use event_actions::model::action::{CircuitBreaker, ExecutionMode, NewAction, Priority, RateLimit, RetryStrategy};
use event_actions::model::condition::{ConditionItem, Operator};
use event_actions::model::error::Faults;
use event_actions::model::handler::HandlerType;
use serde_json::{Map, Value};

use super::config;
use super::form::Form;
use super::handler_form::HandlerForm;
use super::json_text::{self, parse_conditions};
use super::values;

/// The action that a form and its conditions mean, as far as they can be read, and what is wrong with them.
#[must_use]
pub fn read(form: &Form, conditions: Vec<ConditionItem>, handlers: &[HandlerForm]) -> (NewAction, Vec<FieldError>) {
    let mut reader = Reader { form, faults: Faults::default() };
    let handler_type = form.text("/handler_type");
    let mut action = NewAction::blank(HandlerType::new(handler_type.clone()));
    action.name = form.text("/name").trim().to_owned();
    action.description = form.text("/description").trim().to_owned();
    action.configuration = config::close(handlers, &handler_type, form.get("/configuration"), &mut reader.faults);
    action.event_types = reader.words("/event_types");
    action.conditions = conditions;
    action.context_filters = reader.filters();
    action.execution_mode = ExecutionMode::ALL.into_iter().find(|m| m.name() == form.text("/execution_mode")).unwrap_or_default();
    action.priority = Priority::ALL.into_iter().find(|p| p.name() == form.text("/priority")).unwrap_or_default();
    action.timeout_seconds = reader.number("/timeout_seconds", "The timeout");
    action.max_retries = reader.number("/max_retries", "The number of retries").unwrap_or(action.max_retries);
    action.retry_delay_seconds = reader.number("/retry_delay_seconds", "The first wait").unwrap_or(action.retry_delay_seconds);
    action.retry_strategy = if form.text("/retry_strategy") == "fixed" { RetryStrategy::Fixed } else { RetryStrategy::Exponential };
    action.ordering_key = Some(form.text("/ordering_key").trim().to_owned()).filter(|k| !k.is_empty());
    action.rate_limit = reader.both("/rate_limit", ["max", "per_seconds"]).map(|[max, per_seconds]| RateLimit { max, per_seconds });
    action.max_concurrency = reader.number("/max_concurrency", "The number at once");
    action.circuit_breaker = reader.both("/circuit_breaker", ["failures", "cooldown_seconds"]).map(|[failures, cooldown_seconds]| CircuitBreaker { failures, cooldown_seconds });
    action.is_enabled = form.flag("/is_enabled", true);
    action.tenant_id = Some(form.text("/tenant_id")).filter(|t| !t.is_empty());
    action.tags = reader.words("/tags");
    let mut faults = reader.faults;
    for fault in action.validate().0 {
        if !faults.0.iter().any(|f| f.pointer == fault.pointer) {
            faults.0.push(fault);
        }
    }
    (action, faults.0)
}

/// The same for a form whose conditions are a text, as the plain form posts them.
#[must_use]
pub fn read_plain(form: &Form, handlers: &[HandlerForm]) -> (NewAction, Vec<FieldError>) {
    let (items, faults) = match parse_conditions(&form.text("/conditions")) {
        Ok(items) => (items, Vec::new()),
        Err(faults) => (Vec::new(), faults),
    };
    let (action, mut errors) = read(form, items, handlers);
    for fault in faults {
        errors.push(FieldError::new("/conditions", "bad_json", fault.sentence()));
    }
    (action, errors)
}

struct Reader<'a> {
    form: &'a Form,
    faults: Faults,
}

impl Reader<'_> {
    /// A list of words; a text is split at commas, blanks and line ends.
    fn words(&self, pointer: &str) -> Vec<String> {
        match self.form.get(pointer) {
            Some(Value::String(text)) => text.split([',', ';', '\n', '\r']).map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect(),
            _ => self.form.list(pointer),
        }
    }

    fn number(&mut self, pointer: &str, what: &str) -> Option<u32> {
        let text = self.form.text(pointer);
        match text.trim().parse() {
            _ if text.trim().is_empty() => None,
            Ok(n) => Some(n),
            Err(_) => {
                self.faults.add(pointer, "wrong_type", format!("{what} is a whole number; found {text:?}."));
                None
            }
        }
    }

    /// Two numbers that belong together.
    fn both(&mut self, pointer: &str, names: [&str; 2]) -> Option<[u32; 2]> {
        let at = names.map(|name| format!("{pointer}/{name}"));
        let empty = at.each_ref().map(|p| self.form.text(p).trim().is_empty());
        let values = at.each_ref().map(|p| self.number(p, "This"));
        match (values, empty) {
            ([Some(a), Some(b)], _) => return Some([a, b]),
            (_, [true, false]) => self.faults.add(at[0].clone(), "missing", "Both numbers are needed, or neither."),
            (_, [false, true]) => self.faults.add(at[1].clone(), "missing", "Both numbers are needed, or neither."),
            _ => {}
        }
        None
    }

    fn filters(&mut self) -> Map<String, Value> {
        let rows = match self.form.get("/context_filters") {
            Some(Value::String(text)) => {
                return json_text::parse_object(text).unwrap_or_else(|fault| {
                    self.faults.add("/context_filters", "bad_json", fault.sentence());
                    Map::new()
                });
            }
            Some(Value::Array(rows)) => rows.clone(),
            _ => Vec::new(),
        };
        let mut out = Map::new();
        for (n, row) in rows.into_iter().enumerate() {
            let at = format!("/context_filters/{n}");
            let key = row.get(0).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
            let value = row.get(1).cloned().unwrap_or(Value::Array(Vec::new()));
            let empty = value.as_array().is_some_and(Vec::is_empty);
            match (key.is_empty(), empty) {
                (true, true) => {}
                (true, false) => self.faults.add(at, "bad_key", "A context filter needs the name of a metadata key."),
                (false, true) => self.faults.add(at, "empty", format!("{key:?} needs at least one value.")),
                (false, false) if out.contains_key(&key) => self.faults.add(at, "double", format!("{key:?} is there twice; put its values into one row.")),
                (false, false) => drop(out.insert(key, value)),
            }
        }
        out
    }
}

/// What the values of a context filter become after its chips changed: one value stands alone, several are a list.
#[must_use]
pub fn filter_values(texts: Vec<String>) -> Value {
    let mut values: Vec<Value> = texts.into_iter().filter_map(|t| values::read(&t, Operator::Equals, None)).collect();
    if values.len() == 1 { values.swap_remove(0) } else { Value::Array(values) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_action_survives_its_form() {
        let mut action = NewAction::blank(HandlerType::new("webhook"));
        action.name = "A".into();
        action.event_types = vec!["order.*".into(), "user.created".into()];
        action.context_filters = json!({"region": ["eu"], "plan": "gold", "level": 3}).as_object().cloned().unwrap_or_default();
        action.configuration = json!({"url": "https://a.example", "nested": {"a": [1]}});
        action.rate_limit = Some(RateLimit { max: 60, per_seconds: 60 });
        action.circuit_breaker = Some(CircuitBreaker { failures: 3, cooldown_seconds: 9 });
        action.retry_strategy = RetryStrategy::Fixed;
        action.ordering_key = Some("{{ order.id }}".into());
        action.timeout_seconds = Some(12);
        action.is_enabled = false;
        action.tags = vec!["x".into()];
        action.tenant_id = Some("north".into());
        assert_eq!(read(&Form::of(&action, &[]), Vec::new(), &[]), (action, Vec::new()));
    }

    #[test]
    fn the_plain_form_is_read_from_texts() {
        let form = Form::new(json!({
            "name": " A ", "handler_type": "webhook", "event_types": "order.paid, user.*", "conditions": "[{\"field\":\"a\",\"operator\":\"exists\"}]",
            "context_filters": "{\"region\": \"eu\"}", "configuration": "{\"url\": \"https://a.example\"}", "max_retries": "5", "is_enabled": "true",
        }));
        let (action, faults) = read_plain(&form, &[]);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!((action.name.as_str(), action.event_types.len(), action.conditions.len(), action.max_retries), ("A", 2, 1, 5));
        assert_eq!((action.configuration, Value::Object(action.context_filters)), (json!({"url": "https://a.example"}), json!({"region": "eu"})));
    }

    #[test]
    fn faults_carry_the_pointer_of_their_control() {
        let form = Form::new(json!({"name": "", "event_types": ["a.*.b"], "max_retries": "many", "rate_limit": {"max": "5"}, "conditions": "[\n{}]"}));
        let (_, faults) = read_plain(&form, &[]);
        let at: Vec<&str> = faults.iter().map(|f| f.pointer.as_str()).collect();
        for pointer in ["/name", "/event_types/0", "/max_retries", "/rate_limit/per_seconds", "/conditions"] {
            assert!(at.contains(&pointer), "{pointer} {at:?}");
        }
    }
}
