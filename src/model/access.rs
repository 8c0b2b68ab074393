//! Scopes of keys, roles of people, and what each role may do: the one permission table.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::action::text;
use super::error::Faults;

/// A right to do something, bound to one tenant or to the platform by the credential that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Scope {
    /// See actions, templates, functions, handlers and statistics; dry runs.
    #[serde(rename = "actions:read")]
    ActionsRead,
    /// Change them.
    #[serde(rename = "actions:write")]
    ActionsWrite,
    /// See events.
    #[serde(rename = "events:read")]
    EventsRead,
    /// Send events.
    #[serde(rename = "events:write")]
    EventsWrite,
    /// See executions, dead letters, alerts and the stream.
    #[serde(rename = "executions:read")]
    ExecutionsRead,
    /// Replay, cancel, discard, acknowledge; a real test send.
    #[serde(rename = "executions:write")]
    ExecutionsWrite,
    /// Everything in the tenant, and alone secrets, keys, users, audit and alert rules.
    #[serde(rename = "admin")]
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 7] = [Self::ActionsRead, Self::ActionsWrite, Self::EventsRead, Self::EventsWrite, Self::ExecutionsRead, Self::ExecutionsWrite, Self::Admin];

    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActionsRead => "actions:read",
            Self::ActionsWrite => "actions:write",
            Self::EventsRead => "events:read",
            Self::EventsWrite => "events:write",
            Self::ExecutionsRead => "executions:read",
            Self::ExecutionsWrite => "executions:write",
            Self::Admin => "admin",
        }
    }

    /// The scope of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == word)
    }
}

/// What a person is in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Also writes actions, templates, functions; sends events; replays.
    Operator,
    /// Also users, keys, secrets and settings of the tenant.
    Admin,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == word)
    }

    /// The permission table: what a role may do.
    #[must_use]
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Viewer => &[Scope::ActionsRead, Scope::EventsRead, Scope::ExecutionsRead],
            Self::Operator => &[Scope::ActionsRead, Scope::ActionsWrite, Scope::EventsRead, Scope::EventsWrite, Scope::ExecutionsRead, Scope::ExecutionsWrite],
            Self::Admin => &Scope::ALL,
        }
    }
}

/// An API key as a person asks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is for, 1 to 200 characters.
    pub name: String,
    /// At least one.
    pub scopes: Vec<Scope>,
    /// The tenant; absent with a platform credential means a platform key.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// When it stops working; never when absent.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

impl NewApiKey {
    /// Every fault at once; `now` judges the expiry.
    #[must_use]
    pub fn validate(&self, now: Timestamp) -> Faults {
        let mut f = Faults::default();
        text(&mut f, "/name", &self.name, 1, 200);
        f.require(!self.scopes.is_empty(), "/scopes", "empty", "A key needs at least one scope, such as \"events:write\".");
        f.require(self.expires_at.is_none_or(|t| t > now), "/expires_at", "in_the_past", "expires_at lies in the past.");
        f
    }
}

/// An API key as shown; the key itself is stored hashed and never shown again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ApiKey {
    /// UUIDv7.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The first characters of the key, to recognise it by.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Its tenant; absent for a platform key.
    pub tenant_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The key itself, in the answer to its creation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
