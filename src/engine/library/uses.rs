//! Which actions use a stored template or function.

use std::sync::Arc;

use serde_json::Value;

use super::{Kind, owner_of};
use crate::db::library::Item;
use crate::engine::Engine;
use crate::handlers::workflow;
use crate::model::action::{Action, NewAction};
use crate::model::handler::FieldKind;

/// The handler whose `module` names a stored function.
const FUNCTION: &str = "function";

impl Engine {
    /// The actions that mean this very item by its name, in the order in which they were made.
    pub(super) fn users_of(&self, kind: Kind, item: &Item) -> Vec<Arc<Action>> {
        let library = self.inner.library.load();
        let meant = |a: &Action| {
            let tenant = a.definition.tenant_id.as_deref();
            owner_of(item).is_none_or(|owner| tenant == Some(owner)) && library.resolve(kind, tenant, &item.name).is_some_and(|found| found.id == item.id)
        };
        let mut users: Vec<_> = self.inner.matcher.all().into_iter().filter(|a| meant(a) && self.names(kind, &a.definition, &item.name)).collect();
        users.sort_by(|a, b| a.id.cmp(&b.id));
        users
    }

    /// Whether an action, or a step of it, names a template or function.
    fn names(&self, kind: Kind, action: &NewAction, name: &str) -> bool {
        let own = action.handler_type.as_str();
        self.configuration_names(kind, own, &action.configuration, name)
            || (own == "workflow" && workflow::inner_configurations(&action.configuration).iter().any(|(_, handler, inner)| self.configuration_names(kind, handler, inner, name)))
    }

    fn configuration_names(&self, kind: Kind, handler_type: &str, configuration: &Value, name: &str) -> bool {
        match kind {
            Kind::Function => handler_type == FUNCTION && module_of(configuration) == Some(name),
            Kind::Template => self.inner.handlers.get(handler_type).is_some_and(|handler| {
                let spec = handler.spec();
                spec.fields.iter().filter(|f| f.kind == FieldKind::TemplateName).any(|f| configuration.get(&f.name).and_then(Value::as_str) == Some(name))
            }),
        }
    }
}

/// The module of a function's configuration; `module.function` alone names both at once.
fn module_of(configuration: &Value) -> Option<&str> {
    let text = |key: &str| configuration.get(key).and_then(Value::as_str);
    let module = text("module")?;
    match module.rsplit_once('.') {
        Some((head, _)) if text("function").unwrap_or_default().is_empty() => Some(head),
        _ => Some(module),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn modules_by_both_ways_of_writing_them() {
        for (configuration, module) in [
            (json!({"module": "my_app.handlers", "function": "f"}), Some("my_app.handlers")),
            (json!({"module": "my_app.handlers.f"}), Some("my_app.handlers")),
            (json!({"module": "m.f", "function": ""}), Some("m")),
            (json!({"module": "m"}), Some("m")),
            (json!({"function": "f"}), None),
        ] {
            assert_eq!(module_of(&configuration), module, "{configuration}");
        }
    }
}
