//! Custom handlers: written by whoever embeds this service, chosen by name.
//!
//! A handler of an embedder can also have a type of its own, by `Registry::with`. The type `custom` is for those that are
//! chosen inside the configuration, as in `{"handler": "slack", "channel": "#sales"}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

use super::render::{is_template, members, nonsense};
use super::{Call, Handler, HandlerError, Output, Preview};
use crate::model::FieldError;
use crate::model::handler::{Field, FieldKind, HandlerHealth, HandlerSpec, HandlerType};

/// The handlers that an embedder registered, by name.
#[derive(Clone, Default)]
pub struct CustomHandlers {
    table: BTreeMap<String, Arc<dyn Handler>>,
}

impl CustomHandlers {
    /// Adds a handler under a name; a second one of the same name replaces the first. Its own type is not used.
    #[must_use]
    pub fn with(mut self, name: &str, handler: impl Handler + 'static) -> Self {
        self.table.insert(name.to_owned(), Arc::new(handler));
        self
    }

    /// Every name.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }
}

/// The handler `custom`.
#[derive(Clone, Default)]
pub struct Custom {
    handlers: CustomHandlers,
}

impl Custom {
    /// Dispatches to these.
    #[must_use]
    pub const fn new(handlers: CustomHandlers) -> Self {
        Self { handlers }
    }

    /// The handler that a configuration names, and the name.
    fn chosen<'c>(&self, configuration: &'c Value) -> Result<(&'c str, &Arc<dyn Handler>), String> {
        let name = configuration.get("handler").and_then(Value::as_str).unwrap_or_default();
        self.handlers.table.get(name).map(|handler| (name, handler)).ok_or_else(|| {
            let known = self.handlers.names();
            if known.is_empty() {
                format!("There is no custom handler {name:?}: none is registered in this service.")
            } else {
                format!("There is no custom handler {name:?}; registered are {}.", known.join(", "))
            }
        })
    }

    /// The chosen handler and the call as it sees it: without the member `handler`.
    fn inner(&self, call: &Call) -> Result<(&Arc<dyn Handler>, Call), HandlerError> {
        let (_, handler) = self.chosen(&call.configuration).map_err(nonsense)?;
        Ok((handler, Call { configuration: own_settings(&call.configuration), ..call.clone() }))
    }
}

#[async_trait]
impl Handler for Custom {
    /// The fields of all registered handlers together: which of them are needed depends on the one that is chosen.
    fn spec(&self) -> HandlerSpec {
        let names = self.handlers.names();
        // A choice of nothing is no valid schema.
        let kind = if names.is_empty() { FieldKind::Text } else { FieldKind::Choice { options: names.clone() } };
        let mut fields = vec![Field::new("handler", "Handler", kind).required().literal().help("One that is registered in this service.")];
        for (name, handler) in &self.handlers.table {
            for field in handler.spec().fields {
                match fields.iter_mut().find(|f| f.name == field.name) {
                    None => fields.push(Field { required: false, label: format!("{} ({name})", field.label), ..field }),
                    Some(known) if known.kind != field.kind || known.templated != field.templated => {
                        *known = Field { required: false, templated: known.templated || field.templated, ..Field::new(&field.name, &field.name, FieldKind::Json) };
                    }
                    Some(_) => {}
                }
            }
        }
        let description = if names.is_empty() {
            "Runs a handler that this service's embedder registered; none is.".to_owned()
        } else {
            format!("Runs a handler registered in this service: {}.", names.join(", "))
        };
        HandlerSpec { handler_type: HandlerType::new("custom"), label: "Custom".into(), description, fields }
    }

    fn validate(&self, configuration: &Value) -> Vec<FieldError> {
        match self.chosen(configuration) {
            Err(why) => vec![FieldError::new("/handler", "unknown_handler", why)],
            Ok((_, handler)) => {
                let own = own_settings(configuration);
                let mut faults = shape_faults(&handler.spec(), &own);
                faults.extend(handler.validate(&own));
                faults
            }
        }
    }

    fn preview(&self, call: &Call) -> Result<Preview, HandlerError> {
        let (handler, inner) = self.inner(call)?;
        handler.preview(&inner)
    }

    async fn handle(&self, call: &Call) -> Result<Output, HandlerError> {
        let (handler, inner) = self.inner(call)?;
        handler.handle(&inner).await
    }

    async fn health(&self) -> HandlerHealth {
        let mut health = HandlerHealth::Unknown;
        for (name, handler) in &self.handlers.table {
            match handler.health().await {
                HandlerHealth::Unavailable(why) => return HandlerHealth::Unavailable(format!("{name}: {why}")),
                HandlerHealth::Healthy => health = HandlerHealth::Healthy,
                HandlerHealth::Unknown => {}
            }
        }
        health
    }
}

fn own_settings(configuration: &Value) -> Value {
    let mut own = members(configuration);
    own.remove("handler");
    Value::Object(own)
}

/// Faults against the chosen handler's own schema; a template may stand for what it makes.
fn shape_faults(spec: &HandlerSpec, configuration: &Value) -> Vec<FieldError> {
    let mut settled = members(configuration);
    let may_be_template = |name: &str| spec.fields.iter().any(|f| f.name == name && f.templated);
    settled.retain(|name, value| !(may_be_template(name) && is_template(value)));
    let mut schema = spec.schema();
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name.as_str().is_none_or(|name| settled.contains_key(name) || configuration.get(name).is_none()));
    }
    let Ok(validator) = jsonschema::options().offline().build(&schema) else { return Vec::new() };
    let settled = json!(settled);
    let faults = validator.iter_errors(&settled).map(|e| {
        let place = e.instance_path().to_string();
        match e.kind() {
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                FieldError::new(format!("{place}/{name}"), "missing", format!("{name} is needed."))
            }
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let name = unexpected.first().map_or("", String::as_str);
                FieldError::new(format!("{place}/{name}"), "unknown_field", format!("{name} is not known to this handler."))
            }
            _ => FieldError::new(place, "invalid", format!("{e}.")),
        }
    });
    faults.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::testing::{TestHost, call};

    struct Slack;

    #[async_trait]
    impl Handler for Slack {
        fn spec(&self) -> HandlerSpec {
            let fields = vec![Field::new("channel", "Channel", FieldKind::Text).required(), Field::new("level", "Level", FieldKind::Number { min: 1, max: 3, unit: None })];
            HandlerSpec { handler_type: HandlerType::new("slack"), label: "Slack".into(), description: String::new(), fields }
        }

        fn preview(&self, call: &Call) -> Result<Preview, HandlerError> {
            Ok(Preview { request: call.configuration.clone(), ..Preview::default() })
        }

        async fn handle(&self, call: &Call) -> Result<Output, HandlerError> {
            Ok(Output { result: call.configuration.clone(), ..Output::default() })
        }
    }

    #[tokio::test]
    async fn the_named_handler_gets_its_own_settings() {
        let custom = Custom::new(CustomHandlers::default().with("slack", Slack));
        let host = Arc::new(TestHost::default());
        let call = call(&host, json!({"handler": "slack", "channel": "#sales"}), json!({}));
        assert_eq!(custom.handle(&call).await.expect("works").result, json!({"channel": "#sales"}));
        assert_eq!(custom.preview(&call).expect("works").request, json!({"channel": "#sales"}));
    }

    #[test]
    fn faults_name_the_place_and_the_known_handlers() {
        let custom = Custom::new(CustomHandlers::default().with("slack", Slack));
        for (configuration, faults) in [
            (json!({"handler": "slack", "channel": "#x", "level": "{{ n }}"}), vec![]),
            (json!({"handler": "slack", "channel": "{{ c }}"}), vec![]),
            (json!({"handler": "slack"}), vec![("/channel", "missing")]),
            (json!({"handler": "slack", "channel": "#x", "level": 9}), vec![("/level", "invalid")]),
            (json!({"handler": "slack", "channel": "#x", "other": 1}), vec![("/other", "unknown_field")]),
            (json!({"handler": "teams"}), vec![("/handler", "unknown_handler")]),
        ] {
            let found = custom.validate(&configuration);
            assert_eq!(found.iter().map(|f| (f.pointer.as_str(), f.code.as_str())).collect::<Vec<_>>(), faults, "{configuration}: {found:?}");
        }
        assert!(custom.validate(&json!({"handler": "teams"}))[0].message.contains("registered are slack"));
        assert!(Custom::default().validate(&json!({"handler": "teams"}))[0].message.contains("none is registered"));
    }

    #[test]
    fn the_form_shows_the_fields_of_all() {
        let spec = Custom::new(CustomHandlers::default().with("slack", Slack)).spec();
        assert_eq!(spec.fields.iter().map(|f| (f.name.as_str(), f.required)).collect::<Vec<_>>(), [("handler", true), ("channel", false), ("level", false)]);
    }
}
