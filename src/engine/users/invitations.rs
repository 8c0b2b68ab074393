//! Invitations: a link that works once and for seven days.

use std::net::IpAddr;

use serde_json::json;
use uuid::Uuid;

use crate::db::users::Account;
use crate::db::{Tx, invitations, users};
use crate::engine::access::tokens;
use crate::engine::sessions::throttle;
use crate::engine::{Actor, Caller, Engine, SessionToken, Visitor, cursor, internal};
use crate::model::access::Scope;
use crate::model::page::{Page, PageRequest};
use crate::model::user::{AcceptInvitation, Invitation, Membership, NewUser, User, normal_email};
use crate::model::{ApiError, Timestamp};

/// How long a link works.
const VALID_MS: i64 = 7 * 86_400_000;

fn not_valid() -> ApiError {
    ApiError::new(crate::model::ErrorKind::NotFound, "not_found", "This invitation is used, withdrawn or expired. Ask for a new one.")
}

impl Engine {
    /// Invites a person to a tenant. The answer alone carries the link; an older open one for the same person ends.
    ///
    /// # Errors
    /// 403 without `admin`, for another tenant, or for platform rights from a tenant; 409 for a member; 422 with every fault.
    pub async fn invite_user(&self, caller: &Caller, new: NewUser) -> Result<Invitation, ApiError> {
        caller.require(Scope::Admin)?;
        new.validate().into_result()?;
        if new.is_platform_admin {
            caller.require_platform()?;
        }
        let tenant = self.members_tenant(caller, new.tenant_id.as_deref())?;
        let email = normal_email(&new.email);
        if let Some(account) = users::by_email(self.db(), &email).await.map_err(internal)? {
            let memberships = users::memberships(self.db(), &account.user.id).await.map_err(internal)?;
            if memberships.iter().any(|m| m.tenant_id == tenant) {
                return Err(ApiError::conflict("already_member", format!("{email} belongs to the tenant {tenant:?} already; change the role instead.")));
            }
        }
        let now = Timestamp::now();
        let token = tokens::token()?;
        let invitation = Invitation {
            id: Uuid::now_v7().to_string(),
            email,
            tenant_id: tenant,
            role: new.role,
            is_platform_admin: new.is_platform_admin,
            created_at: now,
            created_by: caller.actor.to_string(),
            expires_at: now.plus_ms(VALID_MS),
            account_exists: None,
            link: None,
        };
        let mut tx = self.db().begin().await.map_err(internal)?;
        invitations::insert(&mut tx, &invitation, &tokens::digest(&token)).await.map_err(internal)?;
        self.audit(&mut tx, caller, "user.invite", ("invitation", &invitation.id), Some(&invitation.tenant_id), None, Some(json!(invitation))).await?;
        tx.commit().await.map_err(internal)?;
        Ok(Invitation { link: Some(format!("{}/invitation?token={token}", self.config().public_url)), ..invitation })
    }

    /// Open invitations, latest first.
    ///
    /// # Errors
    /// 403 without `admin`.
    pub async fn list_invitations(&self, caller: &Caller, page: PageRequest) -> Result<Page<Invitation>, ApiError> {
        caller.require(Scope::Admin)?;
        let tenant = caller.reads(None)?;
        let limit = page.checked_limit()?;
        let after: Option<String> = cursor::decode(&page)?;
        let found = invitations::list_open(self.db(), tenant.as_deref(), Timestamp::now(), after.as_deref(), limit + 1).await.map_err(internal)?;
        Ok(cursor::page(found, limit, |i| i.id.clone()))
    }

    /// Withdraws an open invitation: its link stops working at once.
    ///
    /// # Errors
    /// 403 without `admin`, 404 when there is none that the caller sees.
    pub async fn withdraw_invitation(&self, caller: &Caller, id: &str) -> Result<(), ApiError> {
        caller.require(Scope::Admin)?;
        let found = invitations::get_open(self.db(), id, Timestamp::now()).await.map_err(internal)?;
        let invitation = found.filter(|i| caller.sees(&i.tenant_id)).ok_or_else(|| ApiError::not_found("invitation", id))?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        if !invitations::delete_open(&mut tx, id).await.map_err(internal)? {
            return Err(ApiError::not_found("invitation", id));
        }
        self.audit(&mut tx, caller, "user.withdraw_invitation", ("invitation", id), Some(&invitation.tenant_id), Some(json!(invitation)), None).await?;
        tx.commit().await.map_err(internal)
    }

    /// The invitation of a link, for the page that accepts it; tells whether to ask for a new or an existing password.
    ///
    /// # Errors
    /// 404 when it does not work, 429 after many that did not.
    pub async fn open_invitation(&self, token: &str, address: Option<IpAddr>) -> Result<Invitation, ApiError> {
        let found = invitations::open_by_token(self.db(), &tokens::digest(token), Timestamp::now()).await.map_err(internal)?;
        let Some(invitation) = found else {
            self.count_attempt(None, address).await?;
            return Err(not_valid());
        };
        let account = users::by_email(self.db(), &invitation.email).await.map_err(internal)?;
        Ok(Invitation { account_exists: Some(account.is_some()), ..invitation })
    }

    /// Accepts an invitation and signs the person in. An account that exists keeps its password, which must be given.
    ///
    /// # Errors
    /// 404 when the link does not work, 401 for the wrong password, 422 with every fault of a new account, 429 after many
    /// failures.
    pub async fn accept_invitation(&self, accept: AcceptInvitation, visitor: impl Into<Visitor> + Send) -> Result<(SessionToken, User), ApiError> {
        let visitor = visitor.into();
        let invitation = self.open_invitation(&accept.token, visitor.address).await?;
        let account = users::by_email(self.db(), &invitation.email).await.map_err(internal)?;
        if account.is_none() {
            accept.validate_new().into_result()?;
        }
        let attempt = self.count_attempt(Some(&invitation.email), visitor.address).await?;
        let hash = match &account {
            Some(account) if self.verify_password(&accept.password, Some(&account.password_hash)).await? => None,
            Some(_) => return Err(ApiError::unauthorized("There is an account with this address already, and this is not its password.")),
            None => Some(self.hash_password(&accept.password).await?),
        };
        let mut tx = self.db().begin().await.map_err(internal)?;
        users::lock(&mut tx).await.map_err(internal)?;
        if !invitations::accept(&mut tx, &invitation.id, Timestamp::now()).await.map_err(internal)? {
            return Err(not_valid());
        }
        throttle::forgive(&mut tx, &attempt).await.map_err(internal)?;
        let user = self.enter(&mut tx, &invitation, account, hash.map(|h| (h, accept.name.trim().to_owned())), &visitor).await?;
        let token = self.begin_session(&mut tx, &user, &visitor, "user.sign_in").await?;
        tx.commit().await.map_err(internal)?;
        Ok((token, user))
    }

    /// Makes the account if it is new, and the membership. A higher role that the person has already stays.
    async fn enter(&self, tx: &mut Tx, invitation: &Invitation, account: Option<Account>, new: Option<(String, String)>, visitor: &Visitor) -> Result<User, ApiError> {
        let now = Timestamp::now();
        let before = match (account, new) {
            (Some(account), _) => users::get_in(tx, &account.user.id).await.map_err(internal)?.ok_or_else(not_valid)?,
            (None, Some((hash, name))) => {
                let user = User {
                    id: Uuid::now_v7().to_string(),
                    email: invitation.email.clone(),
                    name,
                    is_platform_admin: false,
                    memberships: Vec::new(),
                    created_at: now,
                    last_sign_in_at: None,
                };
                if !users::insert(tx, &user, &hash).await.map_err(internal)? {
                    return Err(ApiError::conflict("email_taken", "An account with this address was made meanwhile. Open the link again."));
                }
                user
            }
            (None, None) => return Err(ApiError::internal()),
        };
        let role = before.role_in(&invitation.tenant_id).map_or(invitation.role, |role| role.max(invitation.role));
        users::set_membership(tx, &before.id, &Membership { tenant_id: invitation.tenant_id.clone(), role }, now).await.map_err(internal)?;
        if invitation.is_platform_admin && !before.is_platform_admin {
            users::update(tx, &User { is_platform_admin: true, ..before.clone() }, now).await.map_err(internal)?;
        }
        let after = users::get_in(tx, &before.id).await.map_err(internal)?.ok_or_else(not_valid)?;
        let actor = Actor::User { id: after.id.clone(), email: after.email.clone() };
        let caller = Caller { actor, request_id: visitor.request_id.clone(), ..Caller::anonymous(visitor.address) };
        let document = json!({"email": after.email, "name": after.name, "role": role, "is_platform_admin": after.is_platform_admin, "invited_by": invitation.created_by});
        self.audit(tx, &caller, "user.accept_invitation", ("user", &after.id), Some(&invitation.tenant_id), None, Some(document)).await?;
        Ok(after)
    }
}
