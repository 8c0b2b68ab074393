//! Signing in and out, and the caller that a session stands for. Rights are read anew with every request.

use std::fmt;
use std::net::IpAddr;

use tracing::warn;
use uuid::Uuid;

use super::access::tokens;
use super::{Actor, Caller, Engine, internal};
use crate::db::{Tx, sessions, users};
use crate::model::access::Scope;
use crate::model::tenant::DEFAULT_TENANT;
use crate::model::user::{SessionInfo, User, normal_email};
use crate::model::{ApiError, Timestamp};

mod passwords;
pub(super) mod throttle;

/// A session ends when it was not used for 12 hours.
pub(super) const IDLE_MS: i64 = 12 * 3_600_000;
/// A session ends after 7 days whatever happens.
const ABSOLUTE_MS: i64 = 7 * 86_400_000;
/// Characters of a browser's name that are kept.
const MAX_USER_AGENT: usize = 300;

/// The secret of a session: the cookie's value. Printing it shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    /// The cookie's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken")
    }
}

/// Who stands at the door, before anybody knows.
#[derive(Clone, Default)]
pub struct Visitor {
    /// The network address.
    pub address: Option<IpAddr>,
    /// The browser as it names itself.
    pub user_agent: Option<String>,
    /// The cookie that came with the request; that session ends when another begins.
    pub previous_session: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
}

impl From<Option<IpAddr>> for Visitor {
    fn from(address: Option<IpAddr>) -> Self {
        Self { address, ..Self::default() }
    }
}

/// A live session: the caller it stands for, the person and the session itself.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// For the operations of the engine.
    pub caller: Caller,
    /// With all memberships.
    pub user: User,
    /// `tenant_id` is the tenant in force.
    pub session: SessionInfo,
}

/// Whether a session still lives at `now`.
fn is_alive(session: &SessionInfo, now: Timestamp) -> bool {
    session.expires_at > now && session.last_seen_at.plus_ms(IDLE_MS) > now
}

/// The caller that a person is while looking at `tenant`. `None` for somebody who belongs nowhere.
fn caller_of(user: &User, tenant: Option<&str>, address: Option<IpAddr>) -> Option<Caller> {
    if user.is_platform_admin {
        let actor = Actor::User { id: user.id.clone(), email: user.email.clone() };
        return Some(Caller { tenant_id: tenant.map(str::to_owned), actor, scopes: Scope::ALL.to_vec(), is_platform: true, address, request_id: None });
    }
    let there = tenant.and_then(|t| user.memberships.iter().find(|m| m.tenant_id == t)).or_else(|| user.memberships.first())?;
    Some(Caller::member(user.id.clone(), user.email.clone(), there.tenant_id.clone(), there.role, address))
}

/// The tenant that a new session looks at first.
fn first_tenant(user: &User) -> Option<String> {
    if user.is_platform_admin { Some(DEFAULT_TENANT.to_owned()) } else { user.memberships.first().map(|m| m.tenant_id.clone()) }
}

fn ended() -> ApiError {
    ApiError::unauthorized("Your session has ended. Sign in again.")
}

impl Engine {
    /// Begins a session for an address and a password; the work is the same when the address is unknown.
    ///
    /// # Errors
    /// 401 when they do not fit, 403 for an account without a tenant, 429 after many failures, 503 when too many sign in.
    pub async fn sign_in(&self, email: &str, password: &str, visitor: impl Into<Visitor> + Send) -> Result<(SessionToken, User), ApiError> {
        let visitor = visitor.into();
        let email = normal_email(email);
        let attempt = self.count_attempt(Some(&email), visitor.address).await?;
        let account = users::by_email(self.db(), &email).await.map_err(internal)?;
        let fits = self.verify_password(password, account.as_ref().map(|a| a.password_hash.as_str())).await?;
        let Some(account) = account.filter(|_| fits) else {
            warn!(address = ?visitor.address, "a sign-in failed");
            return Err(ApiError::unauthorized("Address and password do not fit."));
        };
        let memberships = users::memberships(self.db(), &account.user.id).await.map_err(internal)?;
        let user = User { memberships, ..account.user };
        let mut tx = self.db().begin().await.map_err(internal)?;
        throttle::forgive(&mut tx, &attempt).await.map_err(internal)?;
        let token = self.begin_session(&mut tx, &user, &visitor, "user.sign_in").await?;
        tx.commit().await.map_err(internal)?;
        Ok((token, user))
    }

    /// Stores a new session in place of the visitor's previous one, with its audit entry.
    pub(super) async fn begin_session(&self, tx: &mut Tx, user: &User, visitor: &Visitor, what: &str) -> Result<SessionToken, ApiError> {
        let tenant = first_tenant(user);
        let Some(caller) = caller_of(user, tenant.as_deref(), visitor.address) else {
            return Err(ApiError::forbidden("Your account belongs to no tenant any more. Ask an administrator to invite you."));
        };
        let caller = Caller { request_id: visitor.request_id.clone(), ..caller };
        let now = Timestamp::now();
        let token = tokens::token()?;
        let session = SessionInfo {
            id: Uuid::now_v7().to_string(),
            tenant_id: tenant,
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus_ms(ABSOLUTE_MS),
            address: visitor.address.map(|a| a.to_canonical().to_string()),
            user_agent: visitor.user_agent.as_ref().map(|name| name.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect()),
            is_current: true,
        };
        if let Some(previous) = &visitor.previous_session {
            sessions::delete_by_token(tx, &tokens::digest(previous)).await.map_err(internal)?;
        }
        sessions::insert(tx, &session, &user.id, &tokens::digest(&token)).await.map_err(internal)?;
        users::signed_in(tx, &user.id, now).await.map_err(internal)?;
        self.audit(tx, &caller, what, ("user", &user.id), None, None, None).await?;
        Ok(SessionToken(token))
    }

    /// The live session of a token. Roles are read from the database, so that a change counts at once.
    ///
    /// # Errors
    /// 401 when there is none or it has ended, 403 for an account without a tenant.
    pub async fn session(&self, token: &str, address: Option<IpAddr>) -> Result<SignedIn, ApiError> {
        if token.len() != tokens::TOKEN_CHARS {
            return Err(ended());
        }
        let now = Timestamp::now();
        let found = sessions::find(self.db(), &tokens::digest(token)).await.map_err(internal)?;
        let (mut session, mut user) = found.filter(|(session, _)| is_alive(session, now)).ok_or_else(ended)?;
        user.memberships = users::memberships(self.db(), &user.id).await.map_err(internal)?;
        let tenant = session.tenant_id.take().filter(|t| self.tenant_exists(t));
        let caller = caller_of(&user, tenant.as_deref(), address).ok_or_else(|| ApiError::forbidden("Your account belongs to no tenant any more."))?;
        session.tenant_id.clone_from(&caller.tenant_id);
        session.is_current = true;
        if now.0 - session.last_seen_at.0 >= 60_000 {
            self.access().session_seen(&session.id, now);
        }
        Ok(SignedIn { caller, user, session })
    }

    /// Ends the session of a token; nothing happens when there is none.
    ///
    /// # Errors
    /// 503 without the database.
    pub async fn sign_out(&self, token: &str, address: Option<IpAddr>) -> Result<(), ApiError> {
        let Some((_, user)) = sessions::find(self.db(), &tokens::digest(token)).await.map_err(internal)? else { return Ok(()) };
        let caller = Caller { actor: Actor::User { id: user.id.clone(), email: user.email }, ..Caller::anonymous(address) };
        let mut tx = self.db().begin().await.map_err(internal)?;
        sessions::delete_by_token(&mut tx, &tokens::digest(token)).await.map_err(internal)?;
        self.audit(&mut tx, &caller, "user.sign_out", ("user", &user.id), None, None, None).await?;
        tx.commit().await.map_err(internal)
    }

    /// Makes a session look at another tenant; `None`, for platform administrators alone, means the whole platform.
    ///
    /// # Errors
    /// 404 for a tenant that the person does not belong to.
    pub async fn switch_tenant(&self, signed_in: &SignedIn, tenant: Option<&str>) -> Result<(), ApiError> {
        let user = &signed_in.user;
        let allowed = match tenant {
            Some(tenant) => self.tenant_exists(tenant) && (user.is_platform_admin || user.role_in(tenant).is_some()),
            None => user.is_platform_admin,
        };
        if !allowed {
            return Err(ApiError::not_found("tenant", tenant.unwrap_or_default()));
        }
        let mut tx = self.db().begin().await.map_err(internal)?;
        sessions::set_tenant(&mut tx, &signed_in.session.id, tenant).await.map_err(internal)?;
        tx.commit().await.map_err(internal)
    }

    /// The live sessions of the person who asks, latest first; `current` is the session that asks.
    ///
    /// # Errors
    /// 403 for anybody but a person.
    pub async fn list_sessions(&self, caller: &Caller, current: Option<&str>) -> Result<Vec<SessionInfo>, ApiError> {
        let user = own_id(caller)?;
        let now = Timestamp::now();
        let all = sessions::of_user(self.db(), user).await.map_err(internal)?;
        let live = all.into_iter().filter(|s| is_alive(s, now));
        Ok(live.map(|s| SessionInfo { is_current: current == Some(s.id.as_str()), ..s }).collect())
    }

    /// Ends one of the sessions of the person who asks, at once.
    ///
    /// # Errors
    /// 404 when the person has no such session.
    pub async fn revoke_session(&self, caller: &Caller, id: &str) -> Result<(), ApiError> {
        let user = own_id(caller)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        if !sessions::delete(&mut tx, id, user).await.map_err(internal)? {
            return Err(ApiError::not_found("session", id));
        }
        self.audit(&mut tx, caller, "session.revoke", ("session", id), None, None, None).await?;
        tx.commit().await.map_err(internal)
    }

    /// Ends every session of the person who asks but `keep`, and returns how many.
    ///
    /// # Errors
    /// 403 for anybody but a person.
    pub async fn revoke_other_sessions(&self, caller: &Caller, keep: &str) -> Result<u64, ApiError> {
        self.revoke_sessions(caller, own_id(caller)?, keep).await
    }

    /// Ends every session of a person but `keep` (none at all with ""): their own, or anybody's for the platform.
    ///
    /// # Errors
    /// 403 for somebody else's without the platform's rights.
    pub async fn revoke_sessions(&self, caller: &Caller, user_id: &str, keep: &str) -> Result<u64, ApiError> {
        if caller.user_id() != Some(user_id) {
            caller.require_platform()?;
        }
        let mut tx = self.db().begin().await.map_err(internal)?;
        let ended = sessions::delete_others(&mut tx, user_id, keep).await.map_err(internal)?;
        self.audit(&mut tx, caller, "user.revoke_sessions", ("user", user_id), None, None, Some(serde_json::json!({"sessions": ended}))).await?;
        tx.commit().await.map_err(internal)?;
        Ok(ended)
    }
}

/// The id of the person who asks.
pub(super) fn own_id(caller: &Caller) -> Result<&str, ApiError> {
    caller.user_id().ok_or_else(|| ApiError::forbidden("Only a person who is signed in can do this."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::access::Role;
    use crate::model::user::Membership;

    fn person(is_platform_admin: bool, memberships: &[(&str, Role)]) -> User {
        let memberships = memberships.iter().map(|(t, role)| Membership { tenant_id: (*t).to_owned(), role: *role }).collect();
        User { id: "u".into(), email: "a@example.com".into(), name: "A".into(), is_platform_admin, memberships, created_at: Timestamp(0), last_sign_in_at: None }
    }

    #[test]
    fn sessions_end_by_idleness_and_by_age() {
        let session = |seen: i64| SessionInfo {
            id: "s".into(),
            tenant_id: None,
            created_at: Timestamp(0),
            last_seen_at: Timestamp(seen),
            expires_at: Timestamp(ABSOLUTE_MS),
            address: None,
            user_agent: None,
            is_current: false,
        };
        for (seen, now, alive) in [(0, 1, true), (0, IDLE_MS - 1, true), (0, IDLE_MS, false), (ABSOLUTE_MS - 10, ABSOLUTE_MS - 1, true), (ABSOLUTE_MS - 10, ABSOLUTE_MS, false)] {
            assert_eq!(is_alive(&session(seen), Timestamp(now)), alive, "{seen} {now}");
        }
    }

    #[test]
    fn rights_come_from_the_membership_looked_at() {
        let two = person(false, &[("a", Role::Viewer), ("b", Role::Admin)]);
        for (tenant, expected, admin) in [(Some("b"), "b", true), (Some("a"), "a", false), (Some("c"), "a", false), (None, "a", false)] {
            let caller = caller_of(&two, tenant, None);
            assert_eq!(caller.as_ref().and_then(|c| c.tenant_id.as_deref()), Some(expected));
            assert!(caller.is_some_and(|c| !c.is_platform && c.may(Scope::Admin) == admin), "{tenant:?}");
        }
        assert!(caller_of(&person(false, &[]), Some("a"), None).is_none(), "nobody's session becomes the platform's");
        let admin = caller_of(&person(true, &[]), None, None);
        assert!(admin.is_some_and(|c| c.is_platform && c.tenant_id.is_none() && c.require_platform().is_ok()));
    }
}
