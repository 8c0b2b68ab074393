//! Configuration as a document: everything that people write (templates, functions, actions, alert rules) out of an installation
//! and into one. Secrets are named in it, never contained.
//!
//! A document is read whole and checked whole before anything of it is written. What it does not name stays as it is.

use serde_json::{Map, Value, json};

use super::library::Kind as ItemKind;
use super::{Caller, Engine, demo, internal};
use crate::db::alert_rules;
use crate::model::ApiError;
use crate::model::action::{Change, NewAction};
use crate::model::alert::{AlertRule, RuleScope};
use crate::model::handler::HandlerType;

mod plan;
mod write;

pub use plan::{Planned, What};

/// What a document holds, in the order in which it is written: what is used comes before what uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Mail templates.
    Template,
    /// JavaScript modules.
    Function,
    /// Actions.
    Action,
    /// Alert rules.
    AlertRule,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Template, Self::Function, Self::Action, Self::AlertRule];

    /// The member of the document that lists them.
    #[must_use]
    pub const fn member(self) -> &'static str {
        match self {
            Self::Template => "templates",
            Self::Function => "functions",
            Self::Action => "actions",
            Self::AlertRule => "alert_rules",
        }
    }

    /// One of them in words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Function => "function",
            Self::Action => "action",
            Self::AlertRule => "alert rule",
        }
    }
}

/// One thing of a document, and where it stands in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its place in the document, such as `actions[2]`; begins with the file's name where there are several.
    pub place: String,
    /// What is written.
    pub document: Map<String, Value>,
}

/// Members of a rule that the product fills in.
const FILLED_IN: [&str; 4] = ["id", "version", "updated_at", "updated_by"];

/// A definition as it is exported: without what is null or as it would be anyway.
fn slim(document: Value, usual: &Value) -> Map<String, Value> {
    let Value::Object(members) = document else { return Map::new() };
    members.into_iter().filter(|(name, value)| !value.is_null() && usual.get(name) != Some(value)).collect()
}

fn to_value<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn slim_action(definition: &NewAction) -> Map<String, Value> {
    let blank = to_value(&NewAction::blank(HandlerType::new("")));
    slim(to_value(definition), &blank)
}

fn slim_rule(rule: &AlertRule) -> Map<String, Value> {
    let mut members = slim(to_value(rule), &json!({"for_seconds": 0, "is_enabled": true, "scope": to_value(&RuleScope::default())}));
    FILLED_IN.iter().for_each(|name| drop(members.remove(*name)));
    members
}

/// Whose a definition is; empty for the platform's.
fn tenant_of(members: &Map<String, Value>) -> &str {
    members.get("tenant_id").and_then(Value::as_str).unwrap_or_default()
}

fn name_of(members: &Map<String, Value>) -> &str {
    members.get("name").and_then(Value::as_str).unwrap_or_default()
}

impl Engine {
    /// Everything that people wrote, by kind, each kind by tenant and name. The demo is left out.
    ///
    /// # Errors
    /// 403 for anybody but the platform, 503 without the database.
    pub async fn export(&self, caller: &Caller) -> Result<Vec<(Kind, Vec<Map<String, Value>>)>, ApiError> {
        caller.require_platform()?;
        let rules = alert_rules::all(self.db()).await.map_err(internal)?;
        let mut out = Vec::new();
        for kind in Kind::ALL {
            let mut all = match kind {
                Kind::Template => self.items_of(ItemKind::Template).iter().map(|i| slim(to_value(&super::templates::template_of(i).definition), &Value::Null)).collect(),
                Kind::Function => self.items_of(ItemKind::Function).iter().map(|i| slim(to_value(&super::functions::function_of(i).definition), &Value::Null)).collect(),
                Kind::Action => self.slim_actions(),
                Kind::AlertRule => slim_rules(&rules),
            };
            all.retain(|members| !self.is_of_demo(tenant_of(members)));
            all.sort_by(|a, b| (tenant_of(a), name_of(a), a.get("id").and_then(Value::as_str)).cmp(&(tenant_of(b), name_of(b), b.get("id").and_then(Value::as_str))));
            out.push((kind, all));
        }
        Ok(out)
    }

    fn is_of_demo(&self, tenant: &str) -> bool {
        tenant == demo::TENANT && self.demo().is_some()
    }

    fn slim_actions(&self) -> Vec<Map<String, Value>> {
        let all = self.inner.matcher.all();
        all.iter()
            .map(|action| {
                let mut members = slim_action(&action.definition);
                members.insert("id".to_owned(), json!(action.id));
                members
            })
            .collect()
    }
}

/// Rules are known by tenant and name; one that shares both with another carries its id.
fn slim_rules(rules: &[AlertRule]) -> Vec<Map<String, Value>> {
    let twins = |rule: &AlertRule| rules.iter().filter(|r| r.tenant_id == rule.tenant_id && r.name == rule.name).count() > 1;
    rules
        .iter()
        .map(|rule| {
            let mut members = slim_rule(rule);
            if twins(rule) {
                members.insert("id".to_owned(), json!(rule.id));
            }
            members
        })
        .collect()
}

/// The differences of two definitions as they would be exported.
fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Change> {
    crate::model::action::diff(&Value::Object(before.clone()), &Value::Object(after.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_is_left_out() {
        let mut action = NewAction::blank(HandlerType::new("webhook"));
        action.name = "A".into();
        action.event_types = vec!["x".into()];
        let slim = slim_action(&action);
        assert_eq!(Value::Object(slim.clone()), json!({"name": "A", "handler_type": "webhook", "event_types": ["x"]}));
        assert_eq!(crate::model::handler::from_value::<NewAction>(Value::Object(slim)).ok(), Some(action.clone()), "and comes back by itself");
        action.is_enabled = false;
        action.max_retries = 0;
        assert_eq!(slim_action(&action).get("is_enabled"), Some(&json!(false)));
        assert_eq!(slim_action(&action).get("max_retries"), Some(&json!(0)));
    }
}
