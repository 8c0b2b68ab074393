//! What templates see: the event's document, the members of `data` at the top, the names that callers add, and secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, ErrorKind, Value as Rendered};
use serde_json::{Value, json};

use super::convert::from_json;
use crate::model::event::Event;
use crate::model::path::{Document, ROOTS};

/// Answers a secret's value by its name; asked only for names that a template really uses.
pub type SecretResolver = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What templates see in one call. Cheap to make: the event is only converted when a template asks for it.
///
/// Names, last wins: the members of `data`; `event`, `event_type`, `data`, `metadata`, `tenant_id`; what was added by
/// [`Context::with`] and its like; `secret`.
#[derive(Clone)]
pub struct Context {
    event: Arc<Event>,
    added: BTreeMap<String, Value>,
    secrets: Option<SecretResolver>,
    root: OnceLock<Rendered>,
}

impl Context {
    /// The document of `event`; no secrets yet.
    #[must_use]
    pub fn new(event: Arc<Event>) -> Self {
        Self { event, added: BTreeMap::new(), secrets: None, root: OnceLock::new() }
    }

    /// With `action.id` and `action.name`.
    #[must_use]
    pub fn action(self, id: &str, name: &str) -> Self {
        self.with("action", json!({"id": id, "name": name}))
    }

    /// With `execution.id` and `execution.attempt`.
    #[must_use]
    pub fn execution(self, id: &str, attempt: u32) -> Self {
        self.with("execution", json!({"id": id, "attempt": attempt}))
    }

    /// With the results of a workflow's finished steps as `steps.NAME`.
    #[must_use]
    pub fn steps(self, steps: &BTreeMap<String, Value>) -> Self {
        self.with("steps", json!(steps))
    }

    /// With `value` under a name of the caller's, which wins over a member of `data`.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.added.insert(name.to_owned(), value);
        self.root = OnceLock::new();
        self
    }

    /// With `secret.NAME`, asked of `resolver` when a template uses it.
    #[must_use]
    pub fn secrets(mut self, resolver: SecretResolver) -> Self {
        self.secrets = Some(resolver);
        self.root = OnceLock::new();
        self
    }

    /// Without secrets: `secret.NAME` is an error, since what is rendered stays in the house.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        self.secrets = None;
        self.root = OnceLock::new();
        self
    }

    /// The object that templates are rendered against, made on first use.
    pub(super) fn root(&self) -> Rendered {
        self.root.get_or_init(|| self.build()).clone()
    }

    fn build(&self) -> Rendered {
        let document = Document::new(&self.event);
        let data = from_json(&self.event.data);
        let mut names: BTreeMap<&str, Rendered> = BTreeMap::new();
        for key in self.event.data.as_object().into_iter().flat_map(|members| members.keys()) {
            names.insert(key, data.get_attr(key).unwrap_or_default());
        }
        for root in ROOTS.into_iter().filter(|root| *root != "data") {
            if let Some(value) = document.resolve(root).first() {
                names.insert(root, from_json(value));
            }
        }
        names.insert("data", data);
        names.extend(self.added.iter().map(|(name, value)| (name.as_str(), from_json(value))));
        names.insert("secret", Rendered::from_object(Secrets(self.secrets.clone())));
        Rendered::from_pairs(names)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("event", &self.event.id).field("added", &self.added.keys()).finish_non_exhaustive()
    }
}

/// `secret` in templates: answers by name, cannot be listed, shows nothing of itself.
struct Secrets(Option<SecretResolver>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secrets)")
    }
}

impl Object for Secrets {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Rendered) -> Option<Rendered> {
        let name = key.as_str()?;
        let Some(resolver) = &self.0 else {
            let why = format!("secret.{name} cannot be used here: what comes out is stored, and secrets are resolved only in what is sent outside");
            return Some(Rendered::from(Error::new(ErrorKind::InvalidOperation, why)));
        };
        resolver(name).map(Rendered::from)
    }
}
