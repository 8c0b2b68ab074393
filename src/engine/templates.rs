//! Mail templates: made, changed, read. Every change is a new version, audited, and in effect at once.

use serde_json::{Map, Value, json};

use super::library::{Edit, Kind, body_of, changed, owner_of};
use super::{Caller, Engine};
use crate::db::library::Item;
use crate::model::access::Scope;
use crate::model::action::diff;
use crate::model::library::LibraryFilter;
use crate::model::page::{Page, PageRequest};
use crate::model::template::{NewTemplate, Template, TemplateVersion};
use crate::model::{ApiError, Timestamp};
use crate::template;

mod preview;

/// What a person wrote, as it is stored. The tenant is the row's.
fn to_body(new: &NewTemplate) -> Value {
    json!({"name": new.name, "subject": new.subject, "html": new.html, "text": new.text})
}

fn from_body(body: &Value, tenant: Option<&str>) -> NewTemplate {
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    NewTemplate {
        name: text("name").unwrap_or_default(),
        subject: text("subject").unwrap_or_default(),
        html: text("html"),
        text: text("text"),
        tenant_id: tenant.map(str::to_owned),
    }
}

pub(super) fn template_of(item: &Item) -> Template {
    Template {
        id: item.id.clone(),
        definition: NewTemplate { name: item.name.clone(), ..from_body(&body_of(&item.body), owner_of(item)) },
        version: item.version,
        created_at: Timestamp(item.created_at),
        updated_at: Timestamp(item.updated_at),
        created_by: item.created_by.clone(),
        used_by: None,
    }
}

/// Every fault at once, those of the templates' syntax included.
pub(super) fn check(new: &NewTemplate) -> Result<(), ApiError> {
    let mut faults = new.validate();
    for (pointer, text) in [("/subject", Some(&new.subject)), ("/html", new.html.as_ref()), ("/text", new.text.as_ref())] {
        let known = faults.0.iter().any(|f| f.pointer == pointer);
        if let Some(text) = text.filter(|_| !known)
            && let Err(why) = template::check_text(text)
        {
            faults.add(pointer, "bad_template", why);
        }
    }
    faults.into_result()
}

impl Engine {
    /// Templates by name: the tenant's own and platform-wide ones.
    ///
    /// # Errors
    /// 403 without `actions:read`, 404 for another tenant.
    pub async fn list_templates(&self, caller: &Caller, filter: LibraryFilter, page: PageRequest) -> Result<Page<Template>, ApiError> {
        Ok(self.list_items(caller, Kind::Template, &filter, &page)?.map(|item| template_of(&item)))
    }

    /// One template, by its id or the name that an action of the caller's tenant would use, and the actions that use it.
    ///
    /// # Errors
    /// 403 without `actions:read`, 404.
    pub async fn get_template(&self, caller: &Caller, id_or_name: &str) -> Result<Template, ApiError> {
        caller.require(Scope::ActionsRead)?;
        let item = self.find_item(caller, Kind::Template, id_or_name)?;
        Ok(Template { used_by: Some(self.item_used_by(caller, Kind::Template, &item)), ..template_of(&item) })
    }

    /// Makes a template.
    ///
    /// # Errors
    /// 403 without `actions:write` or for another tenant, 409 for a taken name or when there are too many, 422 with every fault.
    pub async fn create_template(&self, caller: &Caller, new: NewTemplate) -> Result<Template, ApiError> {
        caller.require(Scope::ActionsWrite)?;
        let mut new = new.tidy();
        check(&new)?;
        new.tenant_id = self.owner(caller, new.tenant_id.take())?;
        let item = self.insert_item(caller, Kind::Template, new.tenant_id.as_deref(), &new.name, &to_body(&new)).await?;
        Ok(template_of(&item))
    }

    /// Changes any subset of the fields; null clears, absent keeps. In effect for the next rendering.
    ///
    /// # Errors
    /// 404; 403 for a platform-wide one; 409 when `expected_version` is not the current one, or for a new name while actions use
    /// the old; 422 with every fault.
    pub async fn update_template(&self, caller: &Caller, id_or_name: &str, changes: Map<String, Value>, expected_version: Option<i64>) -> Result<Template, ApiError> {
        let before = self.changeable_item(caller, Kind::Template, id_or_name)?;
        let new = changed(&template_of(&before).definition, changes)?.tidy();
        check(&new)?;
        let edit = Edit { name: new.name.clone(), body: to_body(&new), expected_version };
        Ok(template_of(&self.change_item(caller, Kind::Template, &before, edit).await?))
    }

    /// Deletes a template; `force` also while actions use it, whose mails then fail.
    ///
    /// # Errors
    /// 404; 403 for a platform-wide one; 409 naming the actions that use it.
    pub async fn delete_template(&self, caller: &Caller, id_or_name: &str, force: bool) -> Result<(), ApiError> {
        self.delete_item(caller, Kind::Template, id_or_name, force).await
    }

    /// Every version with its diff against the one before, latest first.
    ///
    /// # Errors
    /// 403 without `actions:read`, 404.
    pub async fn template_versions(&self, caller: &Caller, id_or_name: &str) -> Result<Vec<TemplateVersion>, ApiError> {
        let (item, versions) = self.item_versions(caller, Kind::Template, id_or_name).await?;
        let of = |(i, v): (usize, &super::library::StoredVersion)| TemplateVersion {
            version: v.version,
            definition: from_body(&v.body, owner_of(&item)),
            author: v.author.clone(),
            created_at: v.at,
            diff: versions.get(i + 1).map_or_else(Vec::new, |older| diff(&older.body, &v.body)),
        };
        Ok(versions.iter().enumerate().map(of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_survives_storage() {
        let new = NewTemplate { name: "a".into(), subject: "s".into(), html: Some("<p>".into()), text: None, tenant_id: Some("t".into()) };
        assert_eq!(from_body(&to_body(&new), Some("t")), new);
    }

    #[test]
    fn syntax_is_checked_part_by_part() {
        let bad = NewTemplate { name: "a".into(), subject: "{{ a".into(), html: Some("{% include 'x' %}".into()), text: Some("{{ fine }}".into()), tenant_id: None };
        let pointers: Vec<_> = check(&bad).unwrap_err().errors.into_iter().map(|f| f.pointer).collect();
        assert_eq!(pointers, ["/subject", "/html"]);
        let both = NewTemplate { subject: "{{ a\n".into(), ..bad };
        assert_eq!(check(&both).unwrap_err().errors.len(), 2, "one fault for one part");
    }

    #[test]
    fn changes_keep_what_is_absent_and_clear_what_is_null() {
        let before = NewTemplate { name: "a".into(), subject: "s".into(), html: Some("h".into()), text: Some("t".into()), tenant_id: Some("x".into()) };
        let with = |changes: Value| changed(&before, changes.as_object().cloned().unwrap_or_default());
        assert_eq!(with(json!({"html": null, "tenant_id": "x"})).ok(), Some(NewTemplate { html: None, ..before.clone() }));
        assert!(
            with(json!({"tenant_id": "y"})).is_err() && with(json!({"tenant_id": null})).is_err() && with(json!({"nope": 1})).is_err() && with(json!({"subject": null})).is_err()
        );
    }
}
