//! People: accounts, what they are in which tenant, invitations, sessions, and what they type to get in.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::access::Role;
use super::action::text;
use super::error::Faults;
use super::tenant::tenant_fault;

/// Fewest characters of a password.
pub const MIN_PASSWORD: usize = 12;
/// Most characters of a password.
pub const MAX_PASSWORD: usize = 200;

/// Why a password cannot be chosen; there are no rules of composition.
#[must_use]
pub fn password_fault(password: &str) -> Option<&'static str> {
    (!(MIN_PASSWORD..=MAX_PASSWORD).contains(&password.chars().count())).then_some("A password has 12 to 200 characters.")
}

/// An e-mail address as it is stored and compared: trimmed and in lower case.
#[must_use]
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Why an e-mail address cannot be one.
#[must_use]
pub fn email_fault(email: &str) -> Option<&'static str> {
    let email = email.trim();
    let fine = email.len() <= 254
        && email.chars().all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | ',' | ';' | '"'))
        && email
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.') && !domain.ends_with('.'));
    (!fine).then_some("This is no e-mail address, such as ada@example.com.")
}

fn check_email(f: &mut Faults, email: &str) {
    if let Some(why) = email_fault(email) {
        f.add("/email", "bad_email", why);
    }
}

fn check_password(f: &mut Faults, pointer: &str, password: &str) {
    if let Some(why) = password_fault(password) {
        f.add(pointer, "bad_password", why);
    }
}

/// What a person is in one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Membership {
    /// The tenant.
    pub tenant_id: String,
    /// The role there.
    pub role: Role,
}

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct User {
    /// UUIDv7.
    pub id: String,
    /// Lower case; unique.
    pub email: String,
    /// The name shown.
    pub name: String,
    /// Whether the person administers the whole installation.
    pub is_platform_admin: bool,
    /// The tenants the reader of this may know about, by name.
    pub memberships: Vec<Membership>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the person last signed in.
    pub last_sign_in_at: Option<Timestamp>,
}

impl User {
    /// The role in a tenant, if any.
    #[must_use]
    pub fn role_in(&self, tenant_id: &str) -> Option<Role> {
        self.memberships.iter().find(|m| m.tenant_id == tenant_id).map(|m| m.role)
    }
}

/// A person to invite: the body of `POST /users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Where the person is reached.
    pub email: String,
    /// The role in the tenant.
    pub role: Role,
    /// The tenant; the caller's own when absent, and `default` for a platform credential.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// Whether the person shall administer the whole installation; only the platform may say so.
    #[serde(default)]
    pub is_platform_admin: bool,
}

impl NewUser {
    /// Every fault at once.
    #[must_use]
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        check_email(&mut f, &self.email);
        if let Some(why) = self.tenant_id.as_deref().and_then(tenant_fault) {
            f.add("/tenant_id", "bad_tenant", why);
        }
        f
    }
}

/// Changes of a person by an administrator: the body of `PATCH /users/{id}`. Absent keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserChanges {
    /// The role in the tenant looked at.
    #[serde(default)]
    pub role: Option<Role>,
    /// Whether the person administers the whole installation; only the platform may say so.
    #[serde(default)]
    pub is_platform_admin: Option<bool>,
}

/// An invitation: a link that works once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// UUIDv7.
    pub id: String,
    /// Who is invited.
    pub email: String,
    /// The tenant.
    pub tenant_id: String,
    /// The role there.
    pub role: Role,
    /// Whether it makes an administrator of the whole installation.
    pub is_platform_admin: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// Whether an account with this address exists, so that its own password is asked for. Only the link's holder is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_exists: Option<bool>,
    /// The link, in the answer to its creation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// A session as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SessionInfo {
    /// UUIDv7; no credential.
    pub id: String,
    /// The tenant looked at; absent while a platform administrator looks at all.
    pub tenant_id: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// Where it was begun from.
    pub address: Option<String>,
    /// The browser as it names itself.
    pub user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// The first administrator: what the set-up page sends.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// The address to sign in with.
    pub email: String,
    /// The name shown, 1 to 200 characters.
    pub name: String,
    /// 12 to 200 characters.
    pub password: String,
}

impl NewAccount {
    /// Every fault at once.
    #[must_use]
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        check_email(&mut f, &self.email);
        text(&mut f, "/name", &self.name, 1, 200);
        check_password(&mut f, "/password", &self.password);
        f
    }
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount").field("email", &self.email).field("name", &self.name).finish_non_exhaustive()
    }
}

/// How an invited person enters: a name and a new password, or the password of the account that exists.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// The secret of the link.
    pub token: String,
    /// The name shown; not needed when the account exists.
    #[serde(default)]
    pub name: String,
    /// A new password, or the existing account's.
    pub password: String,
}

impl AcceptInvitation {
    /// Every fault of a *new* account at once.
    #[must_use]
    pub fn validate_new(&self) -> Faults {
        let mut f = Faults::default();
        text(&mut f, "/name", &self.name, 1, 200);
        check_password(&mut f, "/password", &self.password);
        f
    }
}

impl fmt::Debug for AcceptInvitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptInvitation").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A change of one's own password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The one in force.
    pub current_password: String,
    /// The new one, 12 to 200 characters.
    pub new_password: String,
}

impl ChangePassword {
    /// Every fault at once.
    #[must_use]
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        check_password(&mut f, "/new_password", &self.new_password);
        f.require(self.current_password != self.new_password, "/new_password", "unchanged", "The new password is the old one.");
        f
    }
}

impl fmt::Debug for ChangePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChangePassword")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (email, fine) in [
            ("ada@example.com", true),
            (" Ada@Example.com ", true),
            ("root@localhost", true),
            ("a@b@c", false),
            ("@example.com", false),
            ("ada@", false),
            ("ada", false),
            ("a b@example.com", false),
            ("ada@example.com\r\nBcc: x", false),
            ("Ada <ada@example.com>", false),
            ("ada@.example.com", false),
        ] {
            assert_eq!(email_fault(email).is_none(), fine, "{email:?}");
        }
        assert_eq!(normal_email(" Ada@Example.COM "), "ada@example.com");
    }

    #[test]
    fn passwords() {
        for (password, fine) in [("elevenchars", false), ("twelve chars", true), ("ÄÖÜäöüßéèêàç", true), ("", false)] {
            assert_eq!(password_fault(password).is_none(), fine, "{password:?}");
        }
        assert!(password_fault(&"a".repeat(200)).is_none() && password_fault(&"a".repeat(201)).is_some());
    }

    #[test]
    fn passwords_are_not_printed() {
        let account = NewAccount { email: "a@example.com".into(), name: "Ada".into(), password: "canary-canary".into() };
        let change = ChangePassword { current_password: "canary-canary".into(), new_password: "canary-canary".into() };
        let accept = AcceptInvitation { token: "canary-canary".into(), name: String::new(), password: "canary-canary".into() };
        assert!(!format!("{account:?}{change:?}{accept:?}").contains("canary"));
        assert_eq!(change.validate().0.len(), 1);
    }
}
