//! Tenants: who shares an installation without seeing each other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Timestamp;
use super::action::text;
use super::error::Faults;

/// The tenant that always exists.
pub const DEFAULT_TENANT: &str = "default";

/// Why a tenant's id is unusable; `None` when it is a slug.
#[must_use]
pub fn tenant_fault(id: &str) -> Option<&'static str> {
    let fine = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
    (!fine).then_some("A tenant's id has 1 to 64 characters of a-z, 0-9, _ and -.")
}

/// A tenant as a person writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// The slug.
    pub id: String,
    /// The name shown, 1 to 200 characters.
    pub name: String,
    /// Its settings and quotas.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub settings: Map<String, Value>,
}

impl NewTenant {
    /// Every fault at once.
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        if let Some(why) = tenant_fault(&self.id) {
            f.add("/id", "bad_tenant", why);
        }
        text(&mut f, "/name", &self.name, 1, 200);
        f
    }
}

/// A tenant as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Tenant {
    /// The slug.
    pub id: String,
    /// The name shown.
    pub name: String,
    /// Its settings and quotas.
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub settings: Map<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
}
