//! Mail templates and functions in memory, by kind, tenant and name; reloaded with the registry. What both kinds share:
//! who sees which, names, versions, and who uses what.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tracing::warn;
use uuid::Uuid;

use super::{Caller, Engine, cursor, internal};
use crate::db::library::{self, Item};
use crate::db::settings;
use crate::model::access::Scope;
use crate::model::action::Action;
use crate::model::handler::from_value;
use crate::model::library::LibraryFilter;
use crate::model::page::{Page, PageRequest};
use crate::model::{ApiError, FieldError, Timestamp};

mod uses;

/// Most items of one kind that a tenant, or the platform, has.
const MAX_ITEMS: usize = 500;
/// Most bytes of all items of one kind that a tenant, or the platform, has: they are kept in memory.
const MAX_BYTES: usize = 8 << 20;
/// Most actions that a refusal names.
const MAX_NAMED: usize = 10;

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
        out.sort_by(|a, b| position(a).cmp(&position(b)));
        out
    }

    /// The item that `tenant` itself (empty for the platform) has under a name.
    fn own(&self, kind: Kind, tenant: &str, name: &str) -> Option<&Arc<Item>> {
        self.items.get(&(kind.name().to_owned(), tenant.to_owned(), name.to_owned()))
    }

    /// The item that an action of `tenant` means by a name: the tenant's own, else the platform's.
    fn resolve(&self, kind: Kind, tenant: Option<&str>, name: &str) -> Option<&Arc<Item>> {
        tenant.and_then(|tenant| self.own(kind, tenant, name)).or_else(|| self.own(kind, "", name))
    }
}

fn position(item: &Item) -> (&str, &str) {
    (&item.name, &item.tenant_key)
}

/// The tenant of an item; none when it is platform-wide.
pub(super) fn owner_of(item: &Item) -> Option<&str> {
    (!item.tenant_key.is_empty()).then_some(item.tenant_key.as_str())
}

/// What a person wrote, as stored.
pub(super) fn body_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// What the audit log keeps of an item.
fn document(item: &Item) -> Value {
    json!({"version": item.version, "definition": body_of(&item.body)})
}

/// A definition with some members changed: null clears, absent keeps. Its tenant never changes.
pub(super) fn changed<T: Serialize + DeserializeOwned>(current: &T, changes: Map<String, Value>) -> Result<T, ApiError> {
    let Ok(Value::Object(mut document)) = serde_json::to_value(current) else { return Err(ApiError::internal()) };
    for (key, value) in changes {
        if key == "tenant_id" && document.get("tenant_id").is_some_and(|tenant| *tenant != value) {
            return Err(ApiError::invalid("/tenant_id", "read_only", "The tenant cannot change; make another of this name there."));
        }
        if value.is_null() {
            document.remove(&key);
        } else {
            document.insert(key, value);
        }
    }
    from_value(Value::Object(document))
}

/// A change of an item: its new name and body, and the version that it is based on when the caller says.
pub(super) struct Edit {
    pub name: String,
    pub body: Value,
    pub expected_version: Option<i64>,
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
        let item = library.resolve(kind, tenant, name)?;
        Some((item.name.clone(), serde_json::from_str(&item.body).ok()?))
    }

    /// Items that the caller sees, by name: the tenant's own and platform-wide ones, or one tenant's own alone.
    pub(super) fn list_items(&self, caller: &Caller, kind: Kind, filter: &LibraryFilter, page: &PageRequest) -> Result<Page<Arc<Item>>, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let limit = page.checked_limit()?;
        let after: Option<(String, String)> = cursor::decode(page)?;
        let tenant = caller.reads(filter.tenant_id.as_deref())?;
        let search = filter.search.as_deref().map(str::to_lowercase);
        let wanted = |i: &Item| {
            let seen = tenant.as_deref().is_none_or(|t| i.tenant_key == t || (i.tenant_key.is_empty() && filter.tenant_id.is_none()));
            seen && search.as_ref().is_none_or(|s| i.name.to_lowercase().contains(s))
        };
        let all: Vec<_> = self.inner.library.load().of_kind(kind).into_iter().filter(|i| wanted(i)).collect();
        let total = all.len() as u64;
        let behind = |i: &Item| after.as_ref().is_none_or(|(name, tenant)| position(i) > (name.as_str(), tenant.as_str()));
        let items = all.into_iter().filter(|i| behind(i)).take(limit as usize + 1).collect();
        let mut page = cursor::page(items, limit, |i: &Arc<Item>| (i.name.clone(), i.tenant_key.clone()));
        page.total = Some(total);
        Ok(page)
    }

    /// An item that the caller sees, by its id, else by the name that an action of the caller's tenant would use.
    pub(super) fn find_item(&self, caller: &Caller, kind: Kind, id_or_name: &str) -> Result<Arc<Item>, ApiError> {
        let library = self.inner.library.load();
        let by_id = library.items.values().find(|i| i.id == id_or_name && i.kind == kind.name() && owner_of(i).is_none_or(|t| caller.sees(t)));
        let found = by_id.or_else(|| library.resolve(kind, caller.tenant_id.as_deref(), id_or_name));
        found.cloned().ok_or_else(|| ApiError::not_found(kind.name(), id_or_name))
    }

    /// An item that the caller may change. Platform-wide ones are the platform's alone.
    pub(super) fn changeable_item(&self, caller: &Caller, kind: Kind, id_or_name: &str) -> Result<Arc<Item>, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        let item = self.find_item(caller, kind, id_or_name)?;
        if caller.owns(owner_of(&item)) {
            return Ok(item);
        }
        Err(ApiError::forbidden(format!(
            "This {} is platform-wide; only a platform administrator changes it. Make one of the same name to replace it for your tenant.",
            kind.name()
        )))
    }

    /// Stores a new item.
    pub(super) async fn insert_item(&self, caller: &Caller, kind: Kind, tenant: Option<&str>, name: &str, body: &Value) -> Result<Item, ApiError> {
        let now = Timestamp::now().0;
        let item = Item {
            id: Uuid::now_v7().to_string(),
            kind: kind.name().to_owned(),
            tenant_key: tenant.unwrap_or_default().to_owned(),
            name: name.to_owned(),
            version: 1,
            body: body.to_string(),
            created_at: now,
            updated_at: now,
            created_by: caller.actor.to_string(),
        };
        self.check_library_room(kind, &item)?;
        self.store_item(caller, None, &item).await?;
        Ok(item)
    }

    /// Stores a changed item as its next version. What is used keeps its name.
    pub(super) async fn change_item(&self, caller: &Caller, kind: Kind, before: &Item, edit: Edit) -> Result<Item, ApiError> {
        if let Some(expected) = edit.expected_version
            && expected != before.version
        {
            return Err(version_conflict(kind.name(), expected, before.version));
        }
        if edit.name != before.name {
            self.refuse_while_used(kind, before, "keep the name")?;
        }
        let after = Item { name: edit.name, version: before.version + 1, body: edit.body.to_string(), updated_at: Timestamp::now().0, ..before.clone() };
        self.check_library_room(kind, &after)?;
        self.store_item(caller, Some(before), &after).await?;
        Ok(after)
    }

    /// Deletes an item; `force` also while actions use it, which then fail to find it.
    pub(super) async fn delete_item(&self, caller: &Caller, kind: Kind, id_or_name: &str, force: bool) -> Result<(), ApiError> {
        let item = self.changeable_item(caller, kind, id_or_name)?;
        if !force {
            self.refuse_while_used(kind, &item, "delete it with ?force=true")?;
        }
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        if !library::delete(&mut tx, &item.id).await.map_err(internal)? {
            return Err(ApiError::not_found(kind.name(), id_or_name));
        }
        let what = format!("{}.delete", item.kind);
        self.audit(&mut tx, caller, &what, (&item.kind, &item.id), owner_of(&item), Some(document(&item)), None).await?;
        tx.commit().await.map_err(internal)?;
        self.library_changed().await;
        Ok(())
    }

    fn refuse_while_used(&self, kind: Kind, item: &Item, instead: &str) -> Result<(), ApiError> {
        let users = self.users_of(kind, item);
        if users.is_empty() {
            return Ok(());
        }
        let name = |a: &Arc<Action>| format!("{:?}", a.definition.name);
        let mut named = users.iter().take(MAX_NAMED).map(name).collect::<Vec<_>>().join(", ");
        if users.len() > MAX_NAMED {
            named.push_str(&format!(" and {} more", users.len() - MAX_NAMED));
        }
        let detail = format!("The {} {:?} is used by {named}. Change these actions first, or {instead}.", kind.name(), item.name);
        let places = users.iter().take(MAX_NAMED).map(|a| FieldError::new("", "used_by", format!("{} ({})", a.definition.name, a.id))).collect();
        Err(ApiError { errors: places, ..ApiError::conflict("in_use", detail) })
    }

    /// Stores an item with version, revision and audit entry in one commit, then puts it into effect.
    async fn store_item(&self, caller: &Caller, before: Option<&Item>, after: &Item) -> Result<(), ApiError> {
        let mut tx = self.db().begin().await.map_err(internal)?;
        settings::bump(&mut tx, settings::REVISION_KEY).await.map_err(internal)?;
        if !library::store(&mut tx, after, before.map(|b| b.version), &caller.actor.to_string()).await.map_err(internal)? {
            drop(tx);
            return Err(self.why_not_stored(before, after).await);
        }
        let what = format!("{}.{}", after.kind, if before.is_some() { "update" } else { "create" });
        self.audit(&mut tx, caller, &what, (&after.kind, &after.id), owner_of(after), before.map(document), Some(document(after))).await?;
        tx.commit().await.map_err(internal)?;
        self.library_changed().await;
        Ok(())
    }

    /// The conflict of an item that was not stored: another has the name, or another change came first.
    async fn why_not_stored(&self, before: Option<&Item>, after: &Item) -> ApiError {
        self.library_changed().await;
        let library = self.inner.library.load();
        let key = (after.kind.clone(), after.tenant_key.clone(), after.name.clone());
        match (before, library.items.get(&key).filter(|i| i.id != after.id)) {
            (Some(before), None) => {
                let current = library.items.values().find(|i| i.id == after.id).map_or(0, |i| i.version);
                version_conflict(&after.kind, before.version, current)
            }
            _ => ApiError::conflict("name_taken", format!("There is a {} {:?} already; change that one, or choose another name.", after.kind, after.name)),
        }
    }

    fn check_library_room(&self, kind: Kind, after: &Item) -> Result<(), ApiError> {
        let library = self.inner.library.load();
        let (mut count, mut bytes) = (1, after.body.len());
        for item in library.items.values().filter(|i| i.kind == after.kind && i.tenant_key == after.tenant_key && i.id != after.id) {
            count += 1;
            bytes += item.body.len();
        }
        if count > MAX_ITEMS || bytes > MAX_BYTES {
            let most = format!("A tenant has at most {MAX_ITEMS} {}s of {} MiB together; delete some first.", kind.name(), MAX_BYTES >> 20);
            return Err(ApiError::conflict("library_full", most));
        }
        Ok(())
    }

    /// Puts a change that is committed into effect here. Should the database be away, the registry's poll does it later.
    async fn library_changed(&self) {
        if let Err(e) = self.reload_library().await {
            warn!(error = format!("{e:#}"), "a change of templates or functions is stored but not in effect on this node yet");
        }
    }

    /// The versions of an item that the caller sees, latest first: number, body, author, when.
    pub(super) async fn item_versions(&self, caller: &Caller, kind: Kind, id_or_name: &str) -> Result<(Arc<Item>, Vec<StoredVersion>), ApiError> {
        caller.require(Scope::ActionsRead)?;
        let item = self.find_item(caller, kind, id_or_name)?;
        let versions = library::versions(self.db(), &item.id).await.map_err(internal)?;
        Ok((item, versions.into_iter().map(|(version, body, author, at)| StoredVersion { version, body: body_of(&body), author, at }).collect()))
    }
}

/// A version of an item as stored.
pub(super) struct StoredVersion {
    pub version: i64,
    pub body: Value,
    pub author: String,
    pub at: Timestamp,
}

fn version_conflict(kind: &str, expected: i64, current: i64) -> ApiError {
    ApiError::conflict(
        "version_conflict",
        format!("The {kind} has changed meanwhile: you worked on version {expected}, it is at version {current}. Load it again and repeat your change."),
    )
}
