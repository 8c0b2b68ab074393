//! What must hold before an action is saved, beyond its shape: the handler exists, its configuration fits, templates parse.

use serde_json::Value;

use super::{Caller, Engine};
use crate::handlers::{webhook, workflow};
use crate::model::access::Scope;
use crate::model::action::NewAction;
use crate::model::error::Faults;
use crate::model::{ApiError, FieldError};
use crate::template;

impl Engine {
    /// Every fault of a definition at once.
    pub(super) fn check_action(&self, caller: &Caller, action: &NewAction) -> Result<(), ApiError> {
        let mut faults = action.validate();
        self.check_handler(caller, action, &mut faults);
        if let Some(key) = &action.ordering_key
            && let Err(why) = template::check_text(key)
        {
            faults.add("/ordering_key", "bad_template", why);
        }
        faults.into_result()
    }

    fn check_handler(&self, caller: &Caller, action: &NewAction, faults: &mut Faults) {
        let kind = action.handler_type.as_str();
        if self.inner.handlers.get(kind).is_none() {
            let known = self.inner.handlers.types().join(", ");
            faults.add("/handler_type", "unknown_handler", format!("There is no handler {kind:?}; this service has {known}."));
            return;
        }
        let mut all = vec![("/configuration".to_owned(), kind.to_owned(), action.configuration.clone())];
        if kind == "workflow" {
            all.extend(workflow::inner_configurations(&action.configuration).into_iter().map(|(at, kind, inner)| (format!("/configuration{at}"), kind, inner)));
        }
        for (at, kind, configuration) in all {
            self.check_configuration(caller, &at, &kind, &configuration, faults);
        }
    }

    /// One handler's configuration, at `at` in the action.
    fn check_configuration(&self, caller: &Caller, at: &str, kind: &str, configuration: &Value, faults: &mut Faults) {
        let Some(handler) = self.inner.handlers.get(kind) else {
            // Only a workflow's step can get here; its handler is what its action names.
            let at = at.strip_suffix("/params").map_or_else(|| at.to_owned(), |step| format!("{step}/action"));
            faults.add(at, "unknown_handler", format!("There is no handler {kind:?}; this service has {}.", self.inner.handlers.types().join(", ")));
            return;
        };
        let spec = handler.spec();
        let mut found: Vec<FieldError> = schema_faults(&spec.schema(), configuration);
        let literal: Vec<&str> = spec.fields.iter().filter(|f| !f.templated).map(|f| f.name.as_str()).collect();
        found.extend(template::check_value(configuration, &literal));
        found.extend(handler.validate(configuration));
        if kind == "webhook"
            && !caller.may(Scope::Admin)
            && let Some(fault) = webhook::needs_admin(configuration)
        {
            found.push(fault);
        }
        found.dedup_by(|a, b| a.pointer == b.pointer);
        faults.0.extend(found.into_iter().map(|f| FieldError { pointer: format!("{at}{}", f.pointer), ..f }));
    }

    /// Refuses more actions than the tenant's quota allows.
    pub(super) fn check_action_quota(&self, tenant: Option<&str>) -> Result<(), ApiError> {
        let Some(tenant) = tenant else { return Ok(()) };
        let Some(max) = self.quotas(tenant).max_actions else { return Ok(()) };
        let count = self.inner.matcher.all().iter().filter(|a| a.definition.tenant_id.as_deref() == Some(tenant)).count();
        if count < max as usize {
            Ok(())
        } else {
            Err(ApiError::too_many("quota_actions", format!("The tenant has its most of {max} actions; delete one or ask for a higher quota."), 60))
        }
    }
}

/// The faults of a configuration against its handler's JSON Schema, each with its pointer and a plain sentence.
fn schema_faults(schema: &Value, configuration: &Value) -> Vec<FieldError> {
    let Ok(validator) = jsonschema::validator_for(schema) else { return Vec::new() };
    validator
        .iter_errors(configuration)
        .map(|e| {
            let message = e.to_string();
            let at = e.instance_path().to_string();
            let (pointer, code) = match e.kind() {
                jsonschema::error::ValidationErrorKind::Required { property } => (format!("{at}/{}", property.as_str().unwrap_or_default()), "missing"),
                jsonschema::error::ValidationErrorKind::AdditionalProperties { unexpected } => (format!("{at}/{}", unexpected.first().map_or("", String::as_str)), "unknown_field"),
                _ => (at, "invalid"),
            };
            FieldError::new(pointer, code, message)
        })
        .collect()
}
