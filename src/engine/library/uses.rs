//! What uses a stored template, a function or a secret.

use std::sync::Arc;

use serde_json::Value;

use super::{Kind, body_of, owner_of};
use crate::db::library::Item;
use crate::engine::{Caller, Engine};
use crate::handlers::workflow;
use crate::model::action::{Action, NewAction};
use crate::model::handler::FieldKind;
use crate::model::library::UsedBy;
use crate::model::secret::Secret;
use crate::template;

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

    /// The actions that use an item, as far as the caller sees them.
    pub(in crate::engine) fn item_used_by(&self, caller: &Caller, kind: Kind, item: &Item) -> Vec<UsedBy> {
        let seen = |a: &Arc<Action>| a.definition.tenant_id.as_deref().is_none_or(|t| caller.sees(t));
        self.users_of(kind, item).iter().filter(|a| seen(a)).map(by_action).collect()
    }

    /// The actions and mail templates that name a secret where this very secret is meant. A platform-wide template may name
    /// one of each tenant.
    pub(in crate::engine) fn secret_used_by(&self, secret: &Secret) -> Vec<UsedBy> {
        let tenant = secret.tenant_id.as_deref();
        let mut actions: Vec<_> =
            self.inner.matcher.all().into_iter().filter(|a| a.definition.tenant_id.as_deref() == tenant && names_secret(&a.definition.configuration, &secret.name)).collect();
        actions.sort_by(|a, b| a.id.cmp(&b.id));
        let library = self.inner.library.load();
        let meant = |item: &Item| owner_of(item).is_none_or(|owner| tenant == Some(owner)) && names_secret(&body_of(&item.body), &secret.name);
        let templates = library.of_kind(Kind::Template).into_iter().filter(|item| meant(item));
        let by_template = templates.map(|item| UsedBy { kind: item.kind.clone(), id: item.id.clone(), name: item.name.clone() });
        actions.iter().map(by_action).chain(by_template).collect()
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

fn by_action(action: &Arc<Action>) -> UsedBy {
    UsedBy { kind: "action".to_owned(), id: action.id.clone(), name: action.definition.name.clone() }
}

/// Whether a template anywhere in a value names a secret.
fn names_secret(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => template::has_markup(text) && text_names_secret(text, name),
        Value::Array(items) => items.iter().any(|item| names_secret(item, name)),
        Value::Object(members) => members.values().any(|member| names_secret(member, name)),
        _ => false,
    }
}

/// `secret.NAME`, `secret["NAME"]` or `secret['NAME']`, however it is spaced.
fn text_names_secret(text: &str, name: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices("secret").any(|(at, word)| {
        let behind = text[at + word.len()..].trim_start();
        let direct = behind.strip_prefix('.').map(str::trim_start).and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| !rest.starts_with(part_of_name));
        let quoted = behind.strip_prefix('[').map(|rest| rest.trim_start_matches([' ', '\'', '"'])).and_then(|rest| rest.strip_prefix(name));
        !text[..at].ends_with(|c: char| part_of_name(c) || c == '.') && (direct || quoted.is_some_and(|rest| rest.starts_with(['\'', '"'])))
    })
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
    fn secrets_are_found_where_templates_name_them() {
        for (text, named) in [
            ("Bearer {{ secret.API_KEY }}", true),
            ("{{secret . API_KEY|upper}}", true),
            ("{{ secret['API_KEY'] }} {{ secret.OTHER }}", true),
            ("{{ secret[ \"API_KEY\" ] }}", true),
            ("{{ secret.API_KEY_2 }}", false),
            ("{{ secret['API_KEY_2'] }}", false),
            ("{{ data.secret.API_KEY }}", false),
            ("{{ my_secret.API_KEY }}", false),
            ("secret.API_KEY", false),
        ] {
            assert_eq!(names_secret(&json!({"a": [text]}), "API_KEY"), named, "{text}");
        }
    }

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
