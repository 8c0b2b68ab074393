//! Secrets: values that templates use as `{{secret.NAME}}` and nobody reads back.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::error::Faults;
use super::library::UsedBy;
use super::tenant::tenant_fault;

/// Most bytes of a secret's value.
pub const MAX_SECRET_BYTES: usize = 32 * 1024;

/// Why a name cannot be a secret's; `None` when it can.
#[must_use]
pub fn secret_name_fault(name: &str) -> Option<&'static str> {
    let mut bytes = name.bytes();
    let fine = name.len() <= 64 && bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (!fine).then_some("A secret's name has 1 to 64 characters of A-Z, a-z, 0-9 and _, and begins with no digit.")
}

/// A secret as a person writes it. Printing it shows no value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// `[A-Za-z_][A-Za-z0-9_]{0,63}`.
    pub name: String,
    /// 1 to 32,768 bytes; never shown again.
    pub value: String,
    /// The tenant; absent with a platform credential means platform-wide.
    #[serde(default)]
    pub tenant_id: Option<String>,
}

impl NewSecret {
    /// Every fault at once.
    #[must_use]
    pub fn validate(&self) -> Faults {
        let mut f = Faults::default();
        if let Some(why) = secret_name_fault(&self.name) {
            f.add("/name", "bad_name", why);
        }
        if let Some(why) = secret_value_fault(&self.value) {
            f.add("/value", "bad_length", why);
        }
        if let Some(why) = self.tenant_id.as_deref().and_then(tenant_fault) {
            f.add("/tenant_id", "bad_tenant", why);
        }
        f
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret").field("name", &self.name).field("tenant_id", &self.tenant_id).finish_non_exhaustive()
    }
}

/// Why a value cannot be a secret's; `None` when it can.
#[must_use]
pub fn secret_value_fault(value: &str) -> Option<&'static str> {
    (!(1..=MAX_SECRET_BYTES).contains(&value.len())).then_some("A secret's value has 1 to 32,768 bytes.")
}

/// A secret as shown: everything but its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Secret {
    /// UUIDv7.
    pub id: String,
    /// What templates call it.
    pub name: String,
    /// Its tenant; absent for a platform-wide one.
    pub tenant_id: Option<String>,
    /// Counts up with every new value.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When its value last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: String,
    /// What uses it, as far as the caller sees; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<Vec<UsedBy>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, fine) in [("API_KEY", true), ("_x9", true), ("a", true), ("9a", false), ("", false), ("a-b", false), ("a.b", false), ("é", false)] {
            assert_eq!(secret_name_fault(name).is_none(), fine, "{name:?}");
        }
        assert!(secret_name_fault(&"a".repeat(64)).is_none() && secret_name_fault(&"a".repeat(65)).is_some());
    }

    #[test]
    fn the_value_is_not_printed() {
        let secret = NewSecret { name: "A".into(), value: "canary".into(), tenant_id: None };
        assert!(!format!("{secret:?}").contains("canary"));
        assert_eq!(NewSecret { name: "1".into(), value: String::new(), tenant_id: Some("A B".into()) }.validate().0.len(), 3);
    }
}
