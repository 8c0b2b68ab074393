//! What applying a document would change: every entry checked, compared with what is there, and nothing written.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Entry, Kind, changes, slim, slim_action, slim_rule, to_value};
use crate::db::library::Item;
use crate::db::{actions, alert_rules};
use crate::engine::library::Kind as ItemKind;
use crate::engine::{Caller, Engine, functions, internal, templates};
use crate::model::action::{Action, Change, NewAction};
use crate::model::alert::AlertRule;
use crate::model::function::NewFunction;
use crate::model::handler::from_value;
use crate::model::template::NewTemplate;
use crate::model::{ApiError, ErrorKind, FieldError};

/// What becomes of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It is new.
    Create,
    /// It changes, in these places.
    Update(Vec<Change>),
    /// It is there already.
    Same,
}

/// An entry that was checked.
pub struct Planned {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Whose it is; none for the platform's.
    pub tenant_id: Option<String>,
    /// What becomes of it.
    pub what: What,
    /// Where it stands in the document.
    pub place: String,
    pub(super) step: Step,
}

/// What writing it needs.
pub(super) enum Step {
    Template(NewTemplate, Option<Arc<Item>>),
    Function(NewFunction, Option<Arc<Item>>),
    Action(Box<NewAction>, ActionTarget),
    Rule(Map<String, Value>),
}

/// Which action it becomes.
pub(super) enum ActionTarget {
    New(String),
    Stored(Box<Action>),
}

/// A refusal with the entry's place before every pointer.
pub(super) fn at(place: &str, e: ApiError) -> ApiError {
    let errors: Vec<FieldError> = if e.errors.is_empty() { vec![FieldError::new("", &e.code, e.detail.clone())] } else { e.errors.clone() };
    let errors = errors.into_iter().map(|f| FieldError { pointer: format!("{place}{}", f.pointer), ..f }).collect();
    ApiError { errors, ..e }
}

impl Engine {
    /// Checks a document against this installation and says what applying it would change, in the order of writing.
    ///
    /// # Errors
    /// 403 for anybody but the platform; 422 with every fault of every entry, each with its place.
    pub async fn plan_apply(&self, caller: &Caller, mut entries: Vec<Entry>) -> Result<Vec<Planned>, ApiError> {
        caller.require_platform()?;
        entries.sort_by_key(|entry| entry.kind);
        if entries.iter().any(|entry| entry.kind == Kind::AlertRule) {
            // Where the service has never run, the rules that it begins with come first, or they would be there twice.
            self.start_alerts().await.map_err(internal)?;
        }
        let rules = alert_rules::all(self.db()).await.map_err(internal)?;
        let (mut out, mut faults, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for entry in entries {
            let place = entry.place.clone();
            let planned = match entry.kind {
                Kind::Template => self.plan_template(entry),
                Kind::Function => self.plan_function(entry).await,
                Kind::Action => self.plan_action(caller, entry).await,
                Kind::AlertRule => plan_rule(&rules, entry),
            };
            match planned.and_then(|planned| self.with_tenant(planned)) {
                Ok(planned) => {
                    let id = if let Step::Action(_, target) = &planned.step { target.id().to_owned() } else { String::new() };
                    if !seen.insert((planned.kind, planned.tenant_id.clone(), planned.name.clone(), id)) {
                        faults.push(FieldError::new(format!("{place}/name"), "twice", format!("The {} {:?} stands twice in what is applied.", planned.kind.label(), planned.name)));
                    }
                    out.push(planned);
                }
                Err(e) if matches!(e.kind, ErrorKind::Unavailable | ErrorKind::Internal) => return Err(e),
                Err(e) => faults.extend(at(&place, e).errors),
            }
        }
        if faults.is_empty() { Ok(out) } else { Err(ApiError::validation(faults)) }
    }

    fn with_tenant(&self, planned: Planned) -> Result<Planned, ApiError> {
        match &planned.tenant_id {
            Some(tenant) if !self.tenant_exists(tenant) => Err(ApiError::invalid("/tenant_id", "unknown_tenant", format!("There is no tenant {tenant:?}; make it first."))),
            _ => Ok(planned),
        }
    }

    pub(super) fn items_of(&self, kind: ItemKind) -> Vec<Arc<Item>> {
        self.inner.library.load().of_kind(kind)
    }

    fn item_named(&self, kind: ItemKind, tenant: Option<&str>, name: &str) -> Option<Arc<Item>> {
        self.items_of(kind).into_iter().find(|i| i.name == name && i.tenant_key == tenant.unwrap_or_default())
    }

    fn plan_template(&self, entry: Entry) -> Result<Planned, ApiError> {
        let new = from_value::<NewTemplate>(Value::Object(entry.document))?.tidy();
        templates::check(&new)?;
        let before = self.item_named(ItemKind::Template, new.tenant_id.as_deref(), &new.name);
        let old = before.as_ref().map(|item| slim(to_value(&templates::template_of(item).definition), &Value::Null));
        let what = what(old.as_ref(), &slim(to_value(&new), &Value::Null));
        Ok(Planned { kind: Kind::Template, name: new.name.clone(), tenant_id: new.tenant_id.clone(), what, place: entry.place, step: Step::Template(new, before) })
    }

    async fn plan_function(&self, entry: Entry) -> Result<Planned, ApiError> {
        let new: NewFunction = from_value(Value::Object(entry.document))?;
        functions::check(&new).await?;
        let before = self.item_named(ItemKind::Function, new.tenant_id.as_deref(), &new.name);
        let old = before.as_ref().map(|item| slim(to_value(&functions::function_of(item).definition), &Value::Null));
        let what = what(old.as_ref(), &slim(to_value(&new), &Value::Null));
        Ok(Planned { kind: Kind::Function, name: new.name.clone(), tenant_id: new.tenant_id.clone(), what, place: entry.place, step: Step::Function(new, before) })
    }

    async fn plan_action(&self, caller: &Caller, mut entry: Entry) -> Result<Planned, ApiError> {
        let id = match entry.document.remove("id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) if Uuid::parse_str(&id).is_ok_and(|uuid| uuid.to_string() == id) => Some(id),
            Some(_) => return Err(ApiError::invalid("/id", "bad_id", "id must be a UUID in lower case, as an export writes it; leave it out to go by the name.")),
        };
        let new: NewAction = from_value(Value::Object(entry.document))?;
        self.check_action(caller, &new)?;
        let target = self.action_meant(id, &new).await?;
        let old = match &target {
            ActionTarget::Stored(action) if action.deleted_at.is_none() => Some(slim_action(&action.definition)),
            _ => None,
        };
        let what = what(old.as_ref(), &slim_action(&new));
        Ok(Planned { kind: Kind::Action, name: new.name.clone(), tenant_id: new.tenant_id.clone(), what, place: entry.place, step: Step::Action(Box::new(new), target) })
    }

    /// The action of an id, deleted or not; else the only one of the tenant with this name; else a new one.
    async fn action_meant(&self, id: Option<String>, new: &NewAction) -> Result<ActionTarget, ApiError> {
        if let Some(id) = &id
            && let Some(stored) = actions::get(self.db(), id).await.map_err(internal)?
        {
            return Ok(ActionTarget::Stored(Box::new(stored)));
        }
        let named: Vec<Arc<Action>> = self.inner.matcher.all().into_iter().filter(|a| a.definition.name == new.name && a.definition.tenant_id == new.tenant_id).collect();
        match (named.as_slice(), &id) {
            ([], _) => Ok(ActionTarget::New(id.unwrap_or_else(|| Uuid::now_v7().to_string()))),
            ([one], _) => Ok(ActionTarget::Stored(Box::new((**one).clone()))),
            (_, Some(id)) => Ok(ActionTarget::New(id.clone())),
            (several, None) => {
                let why = format!("{} actions are called {:?}; say which with \"id\", as an export does.", several.len(), new.name);
                Err(ApiError::invalid("/name", "ambiguous", why))
            }
        }
    }
}

impl ActionTarget {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::New(id) => id,
            Self::Stored(action) => &action.id,
        }
    }
}

fn plan_rule(rules: &[AlertRule], entry: Entry) -> Result<Planned, ApiError> {
    let after = from_value::<AlertRule>(Value::Object(entry.document))?.normalised();
    after.validate().into_result()?;
    let same_name: Vec<&AlertRule> = rules.iter().filter(|r| r.name == after.name && r.tenant_id == after.tenant_id).collect();
    let before = match (rules.iter().find(|r| !after.id.is_empty() && r.id == after.id), same_name.as_slice()) {
        (Some(known), _) => Some(known),
        (None, [one]) => Some(*one),
        (None, []) => None,
        (None, several) if after.id.is_empty() => {
            let why = format!("{} rules are called {:?}; say which with \"id\", as an export does.", several.len(), after.name);
            return Err(ApiError::invalid("/name", "ambiguous", why));
        }
        (None, _) => None,
    };
    let what = what(before.map(slim_rule).as_ref(), &slim_rule(&after));
    // Every member, so that one that the document leaves out goes back to what is usual.
    let mut members = to_value(&after).as_object().cloned().unwrap_or_default();
    super::FILLED_IN.iter().for_each(|name| drop(members.remove(*name)));
    if let Some(before) = before {
        members.insert("id".to_owned(), Value::String(before.id.clone()));
    }
    Ok(Planned { kind: Kind::AlertRule, name: after.name.clone(), tenant_id: after.tenant_id, what, place: entry.place, step: Step::Rule(members) })
}

fn what(before: Option<&Map<String, Value>>, after: &Map<String, Value>) -> What {
    match before {
        None => What::Create,
        Some(before) if before == after => What::Same,
        Some(before) => What::Update(changes(before, after)),
    }
}
