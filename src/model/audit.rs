//! The audit log: who changed what, from where, with before and after, in one chain of hashes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Timestamp;

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// UUIDv7.
    pub id: String,
    /// Its place in the chain, from 1 without gaps.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it: `key:NAME`, `user:EMAIL`, `system:NAME` or `anonymous`.
    pub actor: String,
    /// From which network address, if any.
    pub address: Option<String>,
    /// What was done, such as `action.update`.
    pub action: String,
    /// What kind of thing it was done to, such as `action`.
    pub subject_kind: String,
    /// Which one.
    pub subject_id: String,
    /// Whose it is; absent for platform-wide things.
    pub tenant_id: Option<String>,
    /// The thing before; absent when it was made.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub before: Option<Value>,
    /// The thing after; absent when it was deleted.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub after: Option<Value>,
    /// The request it came with.
    pub request_id: Option<String>,
    /// SHA-256 over the previous entry's hash and this entry, in hex.
    pub hash: String,
}

/// Filters of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFilter {
    /// Exact actor, such as `user:ada@example.com`.
    pub actor: Option<String>,
    /// Exact action, such as `action.update`.
    pub action: Option<String>,
    /// Exact kind of subject.
    pub subject_kind: Option<String>,
    /// Exact id of the subject.
    pub subject_id: Option<String>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// For a platform credential: only this tenant.
    pub tenant_id: Option<String>,
}

/// What the verification of the chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AuditVerdict {
    /// Whether the whole chain holds.
    pub ok: bool,
    /// How many entries there should be.
    pub entries: i64,
    /// The first place where it does not hold.
    pub first_fault: Option<AuditFault>,
}

/// The first place where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AuditFault {
    /// The place in the chain.
    pub seq: i64,
    /// `edited`, `missing`, `truncated`, `appended` or `head`.
    pub kind: AuditFaultKind,
    /// An English sentence.
    pub message: String,
}

/// How the chain was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditFaultKind {
    /// An entry's content does not give its hash.
    Edited,
    /// An entry in the middle is not there.
    Missing,
    /// Entries at the end are not there.
    Truncated,
    /// There are entries behind the recorded end.
    Appended,
    /// The recorded end is unreadable or names another hash.
    Head,
}
