//! People and their roles. Administrators of a tenant see and change its members alone.

use serde_json::json;

use super::sessions::{own_id, throttle};
use super::{Caller, Engine, cursor, internal};
use crate::db::{Tx, sessions, users};
use crate::model::access::{Role, Scope};
use crate::model::action::text;
use crate::model::error::Faults;
use crate::model::page::{Page, PageRequest};
use crate::model::tenant::DEFAULT_TENANT;
use crate::model::user::{ChangePassword, Membership, User, UserChanges};
use crate::model::{ApiError, Timestamp};

mod invitations;

/// What a caller may know of a person: `None` when the person is no member of the caller's tenant.
fn seen_by(caller: &Caller, mut user: User) -> Option<User> {
    if !caller.is_platform {
        user.memberships.retain(|m| caller.tenant_id.as_ref() == Some(&m.tenant_id));
        if user.memberships.is_empty() {
            return None;
        }
    }
    Some(user)
}

/// Why a tenant would be left without an administrator by its own people, if it would.
fn last_administrator(caller: &Caller, before: Option<Role>, after: Option<Role>, admins: i64) -> Option<ApiError> {
    let loses_one = before == Some(Role::Admin) && after != Some(Role::Admin);
    (loses_one && admins <= 1 && !caller.is_platform)
        .then(|| ApiError::conflict("last_administrator", "This is the tenant's last administrator. Make somebody else administrator first."))
}

fn last_platform_administrator() -> ApiError {
    ApiError::conflict("last_administrator", "This is the last administrator of the platform. Make somebody else administrator first.")
}

impl Engine {
    /// People by address: members of the tenant that the caller belongs to or looks at, or for the platform all.
    ///
    /// # Errors
    /// 403 without `admin`.
    pub async fn list_users(&self, caller: &Caller, page: PageRequest) -> Result<Page<User>, ApiError> {
        caller.require(Scope::Admin)?;
        let tenant = caller.reads(None)?;
        let limit = page.checked_limit()?;
        let after: Option<String> = cursor::decode(&page)?;
        let found = users::list(self.db(), tenant.as_deref(), after.as_deref(), limit + 1).await.map_err(internal)?;
        Ok(cursor::page(found, limit, |u| u.email.clone()))
    }

    /// One person.
    ///
    /// # Errors
    /// 403 without `admin`, 404 for somebody who is no member of the caller's tenant.
    pub async fn get_user(&self, caller: &Caller, id: &str) -> Result<User, ApiError> {
        caller.require(Scope::Admin)?;
        let account = users::by_id(self.db(), id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("user", id))?;
        let memberships = users::memberships(self.db(), id).await.map_err(internal)?;
        seen_by(caller, User { memberships, ..account.user }).ok_or_else(|| ApiError::not_found("user", id))
    }

    /// The tenant that a change of members is about: the caller's, or for the platform the named, the current, else `default`.
    pub(super) fn members_tenant(&self, caller: &Caller, named: Option<&str>) -> Result<String, ApiError> {
        let owner = self.owner(caller, named.map(str::to_owned))?;
        match owner {
            Some(tenant) => Ok(tenant),
            None if caller.is_platform => Ok(DEFAULT_TENANT.to_owned()),
            None => Err(ApiError::forbidden("This credential belongs to no tenant.")),
        }
    }

    /// A person whom the caller may change, inside a transaction that locks out other changes of rights.
    async fn changeable_user(&self, tx: &mut Tx, caller: &Caller, id: &str) -> Result<User, ApiError> {
        users::lock(tx).await.map_err(internal)?;
        let user = users::get_in(tx, id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("user", id))?;
        seen_by(caller, user.clone()).ok_or_else(|| ApiError::not_found("user", id))?;
        Ok(user)
    }

    /// Changes a person's role in the caller's tenant, and for the platform whether they administer it. A platform caller may so
    /// add somebody to the tenant it looks at (or `default`). Counts from their next request.
    ///
    /// # Errors
    /// 403 without `admin` or for platform rights from a tenant, 404 for somebody who is no member, 409 when the tenant or the
    /// platform would lose its last administrator.
    pub async fn update_user(&self, caller: &Caller, id: &str, changes: UserChanges) -> Result<User, ApiError> {
        caller.require(Scope::Admin)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        let before = self.changeable_user(&mut tx, caller, id).await?;
        if let Some(is_platform_admin) = changes.is_platform_admin {
            caller.require_platform()?;
            self.change_platform_rights(&mut tx, caller, &before, is_platform_admin).await?;
        }
        if let Some(role) = changes.role {
            self.change_role_in(&mut tx, caller, &before, role).await?;
        }
        let after = users::get_in(&mut tx, id).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        after.and_then(|u| seen_by(caller, u)).ok_or_else(|| ApiError::not_found("user", id))
    }

    async fn change_role_in(&self, tx: &mut Tx, caller: &Caller, before: &User, role: Role) -> Result<(), ApiError> {
        let tenant = self.members_tenant(caller, None)?;
        let old = before.role_in(&tenant);
        if old == Some(role) {
            return Ok(());
        }
        let admins = users::count_tenant_admins(tx, &tenant).await.map_err(internal)?;
        if let Some(refusal) = last_administrator(caller, old, Some(role), admins) {
            return Err(refusal);
        }
        let membership = Membership { tenant_id: tenant.clone(), role };
        users::set_membership(tx, &before.id, &membership, Timestamp::now()).await.map_err(internal)?;
        let document = |role: Role| json!({"email": before.email, "role": role});
        self.audit(tx, caller, "user.change_role", ("user", &before.id), Some(&tenant), old.map(document), Some(document(role))).await
    }

    async fn change_platform_rights(&self, tx: &mut Tx, caller: &Caller, before: &User, is_platform_admin: bool) -> Result<(), ApiError> {
        if before.is_platform_admin == is_platform_admin {
            return Ok(());
        }
        if before.is_platform_admin && users::count_platform_admins(tx).await.map_err(internal)? <= 1 {
            return Err(last_platform_administrator());
        }
        let after = User { is_platform_admin, ..before.clone() };
        users::update(tx, &after, Timestamp::now()).await.map_err(internal)?;
        self.audit(tx, caller, "user.update", ("user", &before.id), None, Some(json!(before)), Some(json!(after))).await
    }

    /// Gives a person another role; see [`Engine::update_user`].
    ///
    /// # Errors
    /// As there.
    pub async fn change_role(&self, caller: &Caller, id: &str, role: Role) -> Result<User, ApiError> {
        self.update_user(caller, id, UserChanges { role: Some(role), is_platform_admin: None }).await
    }

    /// Gives or takes the right to administer the whole platform; see [`Engine::update_user`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_platform_admin(&self, caller: &Caller, id: &str, is_platform_admin: bool) -> Result<User, ApiError> {
        self.update_user(caller, id, UserChanges { role: None, is_platform_admin: Some(is_platform_admin) }).await
    }

    /// Takes a person out of the caller's tenant; an account that belongs nowhere then is deleted. A platform caller that
    /// looks at no tenant deletes the account.
    ///
    /// # Errors
    /// 404 for somebody who is no member, 409 for the last administrator.
    pub async fn remove_user(&self, caller: &Caller, id: &str) -> Result<(), ApiError> {
        caller.require(Scope::Admin)?;
        let tenant = caller.reads(None)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        let before = self.changeable_user(&mut tx, caller, id).await?;
        let deletes = match &tenant {
            Some(tenant) => {
                let role = before.role_in(tenant).ok_or_else(|| ApiError::not_found("user", id))?;
                let admins = users::count_tenant_admins(&mut tx, tenant).await.map_err(internal)?;
                if let Some(refusal) = last_administrator(caller, Some(role), None, admins) {
                    return Err(refusal);
                }
                users::delete_membership(&mut tx, id, tenant).await.map_err(internal)?;
                before.memberships.len() == 1 && !before.is_platform_admin
            }
            None => true,
        };
        if deletes {
            if before.is_platform_admin && users::count_platform_admins(&mut tx).await.map_err(internal)? <= 1 {
                return Err(last_platform_administrator());
            }
            users::delete(&mut tx, id).await.map_err(internal)?;
        }
        let what = if tenant.is_some() { "user.remove" } else { "user.delete" };
        let document = json!({"email": before.email, "role": tenant.as_deref().and_then(|t| before.role_in(t)), "account_deleted": deletes});
        self.audit(&mut tx, caller, what, ("user", id), tenant.as_deref(), Some(document), None).await?;
        tx.commit().await.map_err(internal)
    }

    /// The person who asks, with every membership.
    ///
    /// # Errors
    /// 403 for anybody but a person.
    pub async fn own_user(&self, caller: &Caller) -> Result<User, ApiError> {
        let id = own_id(caller)?;
        let account = users::by_id(self.db(), id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("user", id))?;
        let memberships = users::memberships(self.db(), id).await.map_err(internal)?;
        Ok(User { memberships, ..account.user })
    }

    /// Changes the name of the person who asks.
    ///
    /// # Errors
    /// 403 for anybody but a person, 422 for a bad name.
    pub async fn rename_self(&self, caller: &Caller, name: &str) -> Result<User, ApiError> {
        let id = own_id(caller)?;
        let mut faults = Faults::default();
        text(&mut faults, "/name", name, 1, 200);
        faults.into_result()?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        let before = self.changeable_user(&mut tx, caller, id).await?;
        let after = User { name: name.trim().to_owned(), ..before.clone() };
        users::update(&mut tx, &after, Timestamp::now()).await.map_err(internal)?;
        self.audit(&mut tx, caller, "user.update", ("user", id), None, Some(json!({"name": before.name})), Some(json!({"name": after.name}))).await?;
        tx.commit().await.map_err(internal)?;
        Ok(after)
    }

    /// Changes the password of the person who asks and ends all their sessions but `current_session`.
    ///
    /// # Errors
    /// 403 for anybody but a person, 422 for a bad password or a wrong current one, 429 after many failures.
    pub async fn change_password(&self, caller: &Caller, change: ChangePassword, current_session: &str) -> Result<(), ApiError> {
        let id = own_id(caller)?;
        change.validate().into_result()?;
        let account = users::by_id(self.db(), id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("user", id))?;
        let attempt = self.count_attempt(Some(&account.user.email), caller.address).await?;
        if !self.verify_password(&change.current_password, Some(&account.password_hash)).await? {
            return Err(ApiError::invalid("/current_password", "wrong_password", "This is not your current password."));
        }
        let hash = self.hash_password(&change.new_password).await?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        throttle::forgive(&mut tx, &attempt).await.map_err(internal)?;
        users::set_password(&mut tx, id, &hash, Timestamp::now()).await.map_err(internal)?;
        let ended = sessions::delete_others(&mut tx, id, current_session).await.map_err(internal)?;
        self.audit(&mut tx, caller, "user.change_password", ("user", id), None, None, Some(json!({"sessions_ended": ended}))).await?;
        tx.commit().await.map_err(internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(tenant: &str) -> Caller {
        Caller::member("me".into(), "me@example.com".into(), tenant.into(), Role::Admin, None)
    }

    #[test]
    fn tenants_see_their_own_members_only() {
        let memberships = ["a", "b"].map(|t| Membership { tenant_id: t.into(), role: Role::Viewer }).to_vec();
        let user = User { id: "u".into(), email: "u@example.com".into(), name: "U".into(), is_platform_admin: false, memberships, created_at: Timestamp(0), last_sign_in_at: None };
        for (caller, tenants) in [(member("a"), Some(vec!["a"])), (member("c"), None), (Caller::system("test"), Some(vec!["a", "b"])), (Caller::anonymous(None), None)] {
            let seen = seen_by(&caller, user.clone());
            let seen = seen.as_ref().map(|u| u.memberships.iter().map(|m| m.tenant_id.as_str()).collect::<Vec<_>>());
            assert_eq!(seen, tenants, "{caller:?}");
        }
    }

    #[test]
    fn the_last_administrator_stays() {
        let (own, platform) = (member("a"), Caller::system("test"));
        for (caller, before, after, admins, refused) in [
            (&own, Some(Role::Admin), Some(Role::Viewer), 1, true),
            (&own, Some(Role::Admin), None, 1, true),
            (&own, Some(Role::Admin), Some(Role::Admin), 1, false),
            (&own, Some(Role::Admin), Some(Role::Viewer), 2, false),
            (&own, Some(Role::Viewer), None, 1, false),
            (&platform, Some(Role::Admin), None, 1, false),
        ] {
            assert_eq!(last_administrator(caller, before, after, admins).is_some(), refused, "{before:?} {after:?} {admins}");
        }
    }
}
