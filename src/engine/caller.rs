//! Who asks: the first argument of every operation, and the one place where rights are judged.

use std::fmt;
use std::net::IpAddr;

use crate::model::ApiError;
use crate::model::access::{Role, Scope};

/// What kind of someone acts; its text goes into the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A program with an API key.
    ApiKey {
        /// The key's id.
        id: String,
        /// The key's name.
        name: String,
    },
    /// A person with a session.
    User {
        /// The user's id.
        id: String,
        /// The user's address.
        email: String,
    },
    /// The product itself: a chore, the command line.
    System(&'static str),
    /// Nobody known: sign-in, set-up, the acceptance of an invitation.
    Anonymous,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKey { name, .. } => write!(f, "key:{name}"),
            Self::User { email, .. } => write!(f, "user:{email}"),
            Self::System(name) => write!(f, "system:{name}"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

/// The caller of an operation: actor, tenant and rights, all of them from the credential alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant; `None` with `is_platform` means the whole platform, `None` without it means nothing at all.
    pub tenant_id: Option<String>,
    /// Who acts.
    pub actor: Actor,
    /// What the credential allows; [`Scope::Admin`] stands for all of them.
    pub scopes: Vec<Scope>,
    /// Whether the credential reaches beyond one tenant.
    pub is_platform: bool,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// The request's id, for the log and the audit entry.
    pub request_id: Option<String>,
}

impl Caller {
    /// The product itself, with every right.
    #[must_use]
    pub fn system(name: &'static str) -> Self {
        Self { tenant_id: None, actor: Actor::System(name), scopes: Scope::ALL.to_vec(), is_platform: true, address: None, request_id: None }
    }

    /// Somebody without a credential: no tenant and no rights.
    #[must_use]
    pub fn anonymous(address: Option<IpAddr>) -> Self {
        Self { tenant_id: None, actor: Actor::Anonymous, scopes: Vec::new(), is_platform: false, address, request_id: None }
    }

    /// A person in a tenant.
    #[must_use]
    pub fn member(id: String, email: String, tenant_id: String, role: Role, address: Option<IpAddr>) -> Self {
        Self { tenant_id: Some(tenant_id), actor: Actor::User { id, email }, scopes: role.scopes().to_vec(), is_platform: false, address, request_id: None }
    }

    /// The same caller with the id of the request it makes.
    #[must_use]
    pub fn with_request_id(mut self, request_id: impl Into<String>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }

    /// Whether the credential allows `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|s| *s == scope || *s == Scope::Admin)
    }

    /// Insists on a scope, and on a tenant for everybody but the platform: who has none has no rights either, whatever the scopes say.
    ///
    /// # Errors
    /// 401 for nobody, 403 naming the missing scope for anybody else.
    pub fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.may(scope) {
            return if self.is_homeless() { Err(Self::homeless()) } else { Ok(()) };
        }
        Err(match self.actor {
            Actor::Anonymous => ApiError::unauthorized("Sign in or send an API key."),
            Actor::User { .. } => ApiError::forbidden(format!("Your role does not include {:?}.", scope.name())),
            Actor::ApiKey { .. } | Actor::System(_) => ApiError::forbidden(format!("This key lacks the scope {:?}.", scope.name())),
        })
    }

    /// Insists on an administrator of the platform: the scope `admin` and a credential beyond one tenant.
    ///
    /// # Errors
    /// 401 for nobody, 403 for anybody else.
    pub fn require_platform(&self) -> Result<(), ApiError> {
        self.require(Scope::Admin)?;
        if self.is_platform { Ok(()) } else { Err(ApiError::forbidden("Only an administrator of the platform may do this.")) }
    }

    /// Whether the caller belongs to no tenant and not to the platform either. A missing tenant never means all of them.
    #[must_use]
    pub const fn is_homeless(&self) -> bool {
        self.tenant_id.is_none() && !self.is_platform
    }

    /// Whether things of `tenant` exist for this caller. What it may do with them is a matter of scopes.
    #[must_use]
    pub fn sees(&self, tenant: &str) -> bool {
        self.is_platform || self.tenant_id.as_deref() == Some(tenant)
    }

    /// Whether the caller may change a thing with this owner (`None` = platform-wide). Tenants only read platform-wide things.
    #[must_use]
    pub fn owns(&self, owner: Option<&str>) -> bool {
        self.is_platform || (owner.is_some() && owner == self.tenant_id.as_deref())
    }

    /// The tenant that a list is narrowed to: the caller's own, or for the platform `wanted`, else the current one, else
    /// all (`None`).
    ///
    /// # Errors
    /// 404 when a tenant's credential wants another tenant; 403 for a credential without any tenant.
    pub fn reads(&self, wanted: Option<&str>) -> Result<Option<String>, ApiError> {
        match (&self.tenant_id, wanted) {
            (_, Some(wanted)) if self.is_platform => Ok(Some(wanted.to_owned())),
            (current, _) if self.is_platform => Ok(current.clone()),
            (None, _) => Err(Self::homeless()),
            (Some(own), Some(wanted)) if own != wanted => Err(ApiError::not_found("tenant", wanted)),
            (Some(own), _) => Ok(Some(own.clone())),
        }
    }

    /// The id of the user who acts, if a person does.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match &self.actor {
            Actor::User { id, .. } => Some(id),
            _ => None,
        }
    }

    /// What a caller without any tenant is told.
    pub(super) fn homeless() -> ApiError {
        ApiError::forbidden("This credential belongs to no tenant.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str, role: Role) -> Caller {
        Caller::member("u1".into(), "a@example.com".into(), id.into(), role, None)
    }

    #[test]
    fn the_table_of_roles() {
        for (role, scope, allowed) in [
            (Role::Viewer, Scope::ActionsRead, true),
            (Role::Viewer, Scope::ActionsWrite, false),
            (Role::Viewer, Scope::EventsWrite, false),
            (Role::Viewer, Scope::Admin, false),
            (Role::Operator, Scope::ActionsWrite, true),
            (Role::Operator, Scope::ExecutionsWrite, true),
            (Role::Operator, Scope::Admin, false),
            (Role::Admin, Scope::Admin, true),
            (Role::Admin, Scope::EventsWrite, true),
        ] {
            assert_eq!(tenant("a", role).require(scope).is_ok(), allowed, "{role:?} {scope:?}");
        }
        assert!(tenant("a", Role::Admin).require_platform().is_err());
        assert!(Caller::system("test").require_platform().is_ok());
        let events_only = Caller { scopes: vec![Scope::EventsWrite], ..Caller::system("test") };
        assert!(events_only.require_platform().is_err(), "a platform key without admin is no administrator");
    }

    #[test]
    fn nobody_has_no_tenant_and_no_rights() {
        let nobody = Caller::anonymous(None);
        assert!(!nobody.sees("default") && !nobody.owns(None) && !nobody.owns(Some("default")));
        assert!(nobody.reads(None).is_err());
        assert!(Scope::ALL.into_iter().all(|s| nobody.require(s).is_err()));
    }

    #[test]
    fn a_missing_tenant_is_not_the_platform() {
        let homeless = Caller { is_platform: false, ..Caller::system("test") };
        assert!(Scope::ALL.into_iter().all(|s| homeless.require(s).is_err()) && homeless.require_platform().is_err());
        assert!(homeless.reads(None).is_err() && homeless.reads(Some("default")).is_err() && !homeless.owns(None) && !homeless.sees("default"));
    }

    #[test]
    fn the_tenant_comes_from_the_credential() {
        let a = tenant("a", Role::Admin);
        assert!(a.sees("a") && !a.sees("b") && a.owns(Some("a")) && !a.owns(Some("b")) && !a.owns(None));
        assert_eq!(a.reads(None).ok().flatten().as_deref(), Some("a"));
        assert!(a.reads(Some("b")).is_err());
        let platform = Caller::system("test");
        assert_eq!(platform.reads(None).ok(), Some(None));
        assert_eq!(platform.reads(Some("b")).ok().flatten().as_deref(), Some("b"));
        let looking = Caller { tenant_id: Some("c".into()), ..platform };
        assert_eq!(looking.reads(None).ok().flatten().as_deref(), Some("c"));
    }
}
