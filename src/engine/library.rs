//! Mail templates and functions in memory, by kind, tenant and name; reloaded with the registry.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::Engine;
use crate::db::library::{self, Item};

/// What kind of thing is stored under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A mail template.
    Template,
    /// A JavaScript module.
    Function,
}

impl Kind {
    /// The word in the database and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Function => "function",
        }
    }
}

/// Every item by (kind, tenant or empty, name).
#[derive(Debug, Default)]
pub(super) struct Library {
    items: HashMap<(String, String, String), Arc<Item>>,
}

impl Library {
    /// Every item of a kind, by name.
    pub fn of_kind(&self, kind: Kind) -> Vec<Arc<Item>> {
        let mut out: Vec<_> = self.items.values().filter(|i| i.kind == kind.name()).cloned().collect();
        out.sort_by(|a, b| (&a.name, &a.tenant_key).cmp(&(&b.name, &b.tenant_key)));
        out
    }
}

impl Engine {
    /// Reads all items anew.
    pub(super) async fn reload_library(&self) -> anyhow::Result<()> {
        let items = library::all(self.db()).await?.into_iter().map(|i| ((i.kind.clone(), i.tenant_key.clone(), i.name.clone()), Arc::new(i))).collect();
        self.inner.library.store(Arc::new(Library { items }));
        Ok(())
    }

    /// The name and body that an action of `tenant` means by `name`: the tenant's own, else the platform's.
    pub(super) fn library_body(&self, kind: Kind, tenant: Option<&str>, name: &str) -> Option<(String, Value)> {
        let library = self.inner.library.load();
        let find = |tenant: &str| library.items.get(&(kind.name().to_owned(), tenant.to_owned(), name.to_owned())).cloned();
        let item = tenant.and_then(find).or_else(|| find(""))?;
        Some((item.name.clone(), serde_json::from_str(&item.body).ok()?))
    }
}
