//! The first administrator: by a link that is printed once, by configuration, or by the command line.

use std::sync::atomic::Ordering;

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret as _;
use serde_json::json;
use uuid::Uuid;

use super::access::tokens;
use super::sessions::throttle;
use super::{Actor, Caller, Engine, SessionToken, Visitor, internal};
use crate::db::{Tx, sessions, settings, users};
use crate::model::access::Role;
use crate::model::tenant::DEFAULT_TENANT;
use crate::model::user::{Membership, NewAccount, User, normal_email};
use crate::model::{ApiError, Timestamp};

/// Digests of the set-up tokens in force, a JSON list: each node that starts before the set-up prints its own.
const TOKENS_KEY: &str = "setup.tokens";
/// Set-up tokens in force at a time; the oldest go first.
const MAX_TOKENS: usize = 8;

fn already_set_up() -> ApiError {
    ApiError::conflict("already_set_up", "The set-up is done; sign in instead.")
}

impl Engine {
    /// Whether there is no administrator yet.
    ///
    /// # Errors
    /// 503 without the database.
    pub async fn setup_required(&self) -> Result<bool, ApiError> {
        let administered = &self.access().administered;
        if !administered.load(Ordering::Acquire) && users::has_administrator(self.db()).await.map_err(internal)? {
            administered.store(true, Ordering::Release);
        }
        Ok(!administered.load(Ordering::Acquire))
    }

    /// Makes a set-up token while there is no administrator, to be printed once; `None` when there is one.
    ///
    /// # Errors
    /// 503 without the database.
    pub async fn setup_token(&self) -> Result<Option<String>, ApiError> {
        if !self.setup_required().await? {
            return Ok(None);
        }
        let token = tokens::token()?;
        let mut stored = self.setup_tokens().await?;
        stored.push(tokens::digest(&token));
        let from = stored.len().saturating_sub(MAX_TOKENS);
        settings::put(self.db(), TOKENS_KEY, &json!(stored[from..]).to_string()).await.map_err(internal)?;
        Ok(Some(token))
    }

    async fn setup_tokens(&self) -> Result<Vec<String>, ApiError> {
        let text = settings::get(self.db(), TOKENS_KEY).await.map_err(internal)?;
        Ok(text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default())
    }

    /// Whether a set-up token is in force: what the set-up page asks before it shows its form.
    ///
    /// # Errors
    /// 409 when the set-up is done, 403 for a wrong token, 429 after many of them.
    pub async fn check_setup_token(&self, token: &str, address: Option<std::net::IpAddr>) -> Result<(), ApiError> {
        if !self.setup_required().await? {
            return Err(already_set_up());
        }
        if self.setup_tokens().await?.iter().any(|stored| tokens::same(stored, &tokens::digest(token))) {
            return Ok(());
        }
        self.count_attempt(None, address).await?;
        Err(ApiError::forbidden("This set-up link is not valid. Take the latest one that the service printed."))
    }

    /// Makes the first administrator and signs them in. Every set-up token ends with it.
    ///
    /// # Errors
    /// 403 for a wrong token, 409 when the set-up is done, 422 with every fault, 429 after many failures.
    pub async fn complete_setup(&self, token: &str, account: NewAccount, visitor: impl Into<Visitor> + Send) -> Result<(SessionToken, User), ApiError> {
        let visitor = visitor.into();
        self.check_setup_token(token, visitor.address).await?;
        account.validate().into_result()?;
        let attempt = self.count_attempt(None, visitor.address).await?;
        let hash = self.hash_password(&account.password).await?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        users::lock(&mut tx).await.map_err(internal)?;
        if users::count_platform_admins(&mut tx).await.map_err(internal)? > 0 {
            return Err(already_set_up());
        }
        let caller = Caller { request_id: visitor.request_id.clone(), ..Caller::anonymous(visitor.address) };
        let user = self.insert_administrator(&mut tx, &caller, &account, &hash).await?;
        settings::put_in(&mut tx, TOKENS_KEY, "[]").await.map_err(internal)?;
        throttle::forgive(&mut tx, &attempt).await.map_err(internal)?;
        let session = self.begin_session(&mut tx, &user, &visitor, "user.sign_in").await?;
        tx.commit().await.map_err(internal)?;
        self.access().administered.store(true, Ordering::Release);
        self.make_notify_actions().await;
        Ok((session, user))
    }

    /// Stores a platform administrator, who is also administrator of the default tenant.
    async fn insert_administrator(&self, tx: &mut Tx, caller: &Caller, account: &NewAccount, hash: &str) -> Result<User, ApiError> {
        let now = Timestamp::now();
        let is_first = users::count_platform_admins(tx).await.map_err(internal)? == 0;
        let membership = Membership { tenant_id: DEFAULT_TENANT.to_owned(), role: Role::Admin };
        let user = User {
            id: Uuid::now_v7().to_string(),
            email: normal_email(&account.email),
            name: account.name.trim().to_owned(),
            is_platform_admin: true,
            memberships: vec![membership.clone()],
            created_at: now,
            last_sign_in_at: None,
        };
        if !users::insert(tx, &user, hash).await.map_err(internal)? {
            return Err(ApiError::conflict("email_taken", "There is an account with this address already."));
        }
        users::set_membership(tx, &user.id, &membership, now).await.map_err(internal)?;
        if is_first {
            settings::put_in(tx, super::alerts::DUE_KEY, &user.email).await.map_err(internal)?;
        }
        self.audit(tx, caller, "user.create", ("user", &user.id), None, None, Some(json!(user))).await?;
        Ok(user)
    }

    /// Makes an administrator, or gives an account that exists the platform's rights and a new password, and ends its
    /// sessions: the way back in from the command line.
    ///
    /// # Errors
    /// 403 for anybody but the product itself, 422 with every fault.
    pub async fn create_administrator(&self, caller: &Caller, account: NewAccount) -> Result<User, ApiError> {
        if !matches!(caller.actor, Actor::System(_)) {
            return Err(ApiError::forbidden("Administrators are made on the command line, or by invitation."));
        }
        account.validate().into_result()?;
        let hash = self.hash_password(&account.password).await?;
        let existing = users::by_email(self.db(), &normal_email(&account.email)).await.map_err(internal)?;
        let mut tx = self.db().begin().await.map_err(internal)?;
        users::lock(&mut tx).await.map_err(internal)?;
        let user = match existing {
            None => self.insert_administrator(&mut tx, caller, &account, &hash).await?,
            Some(existing) => self.restore_administrator(&mut tx, caller, &existing.user.id, &hash).await?,
        };
        settings::put_in(&mut tx, TOKENS_KEY, "[]").await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        self.access().administered.store(true, Ordering::Release);
        // At the start of the service the tenants are not known yet; it makes them a moment later.
        if self.tenant_exists(DEFAULT_TENANT) {
            self.make_notify_actions().await;
        }
        Ok(user)
    }

    async fn restore_administrator(&self, tx: &mut Tx, caller: &Caller, id: &str, hash: &str) -> Result<User, ApiError> {
        let now = Timestamp::now();
        let before = users::get_in(tx, id).await.map_err(internal)?.ok_or_else(|| ApiError::not_found("user", id))?;
        let after = User { is_platform_admin: true, ..before.clone() };
        users::update(tx, &after, now).await.map_err(internal)?;
        users::set_password(tx, id, hash, now).await.map_err(internal)?;
        sessions::delete_others(tx, id, "").await.map_err(internal)?;
        self.audit(tx, caller, "user.restore_access", ("user", id), None, Some(json!(before)), Some(json!(after))).await?;
        Ok(after)
    }

    /// Makes the administrator of the configuration when there is none at all.
    pub(super) async fn make_configured_administrator(&self) -> anyhow::Result<()> {
        let (Some(email), Some(password)) = (self.config().admin_email.clone(), self.config().admin_password.as_ref()) else { return Ok(()) };
        if !self.setup_required().await? {
            return Ok(());
        }
        let account = NewAccount { name: email.split('@').next().unwrap_or("Administrator").to_owned(), email, password: password.expose_secret().to_owned() };
        match self.create_administrator(&Caller::system("config"), account).await {
            Ok(_) => Ok(()),
            // Another node was quicker.
            Err(_) if !self.setup_required().await? => Ok(()),
            Err(e) if !e.errors.is_empty() => bail!("EVENT_ACTIONS_ADMIN_EMAIL, EVENT_ACTIONS_ADMIN_PASSWORD: {e}"),
            Err(e) => Err(e).context("the configured administrator could not be made"),
        }
    }
}
